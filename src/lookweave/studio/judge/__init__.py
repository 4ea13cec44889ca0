"""Probes: what a picture of a garment shows, against what was asked; and the intervention matrix.

`table.probed` looks at a shoot's picture, whose geometry is known; `pictures.judge` at pictures
made anywhere; `matrix.measure` moves one control alone and sees what every probe says of it.
"""

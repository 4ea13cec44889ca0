"""Hard negatives: colourways and near twins of a garment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render.fabrics import shade
from lookweave.studio.render.garments.cloths import BRIGHT, NEUTRAL, pick
from lookweave.studio.render.garments.kinds import (
    CHEST_POCKET,
    FLAT_POCKETS,
    PLACKET,
    WORDS,
    ZIP,
    Garment,
)


def sibling(g: Garment, rng: np.random.Generator) -> Garment:
    """The same garment in another colourway: a hard negative."""
    others = tuple(c for c in BRIGHT + NEUTRAL if c != g.colour)
    if g.fabric.material == "denim":
        others = tuple(c for c in ("blue", "navy", "black", "grey") if c != g.colour)
    colour = pick(rng, others)
    main = shade(colour, rng)
    tonal = tuple(float(c) for c in np.clip(np.asarray(main) * 0.8, 0, 1))
    fabric = replace(g.fabric, colours=(main, *g.fabric.colours[1:]))
    return replace(g, fabric=fabric, colour=colour, accent=tonal)  # type: ignore[arg-type]


def twin(g: Garment, rng: np.random.Generator) -> Garment:
    """Nearly the same garment: another scale, print or hem, in the same colours."""
    fabric = g.fabric
    if fabric.pattern != "plain":
        factor = 1.6 if rng.random() < 0.5 else 0.62
        return replace(g, fabric=replace(fabric, scale=fabric.scale * factor, seed=fabric.seed + 1))
    if g.text or g.emblem:
        words = tuple(w for w in WORDS if w != g.text)
        return replace(g, text=pick(rng, words))
    if g.kind in ("t-shirt", "shirt", "hoodie", "bag"):
        return replace(g, text=pick(rng, WORDS), detail=g.detail & ~(CHEST_POCKET | PLACKET | ZIP))
    if g.loft is not None:
        return replace(
            g,
            loft=replace(g.loft, hem=g.loft.hem + 0.12),
            cut=replace(g.cut, bottom=g.cut.bottom + (0.12 if "skirt" in g.kind else 0)),
        )
    # Plain cloth: other buttons and trims, pockets on or off, a hem a hand's breadth higher.
    detail = g.detail ^ (FLAT_POCKETS if g.slot == "outer" else 0)
    return replace(
        g, detail=detail, thread=fabric.colours[1], accent=fabric.colours[1],
        cut=replace(g.cut, bottom=g.cut.bottom + 0.07),
    )  # fmt: skip

"""Lookweave pairs product photos of garments with editorial photos of the very same garments."""

__version__ = "0.1.0"

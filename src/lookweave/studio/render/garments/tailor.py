"""Cutting a random garment of each kind: shapes, lengths, collars, closures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render.fabrics import shade
from lookweave.studio.render.garments import lowers, uppers
from lookweave.studio.render.garments.cloths import cloth, colour_for, pick
from lookweave.studio.render.garments.kinds import (
    FREE_UV,
    WORDS,
    Garment,
)  # fmt: skip


def draw(rng: np.random.Generator, kind: str, colour: str = "") -> Garment:
    """A random garment of `kind`."""
    colour = colour or colour_for(rng, kind)
    fabric = cloth(rng, kind, colour)
    if fabric.material == "denim" and colour not in ("blue", "navy", "black", "white", "grey"):
        colour = "blue"
        fabric = replace(fabric, colours=(shade("blue", rng), *fabric.colours[1:]))
    if fabric.material == "sequin" and rng.random() < 0.5:
        colour = pick(rng, ("gold", "silver"))
        fabric = replace(fabric, colours=(shade(colour, rng), *fabric.colours[1:]))
    main = np.asarray(fabric.colours[0])
    red, green, blue = (0.8 * float(c) for c in main)
    tonal = (red, green, blue)
    contrast = fabric.colours[1]
    # Prints must be legible: dark on light cloth, light on dark.
    ink = shade(
        pick(rng, ("white", "yellow", "beige", "pink"))
        if float(main.mean()) < 0.25
        else pick(rng, ("black", "navy", "red", "green")),
        rng,
    )
    accent = tonal if rng.random() < 0.7 else contrast
    thread = shade(pick(rng, ("white", "brown", "gold", "black")), rng)
    base = Garment(
        kind,
        fabric,
        colour,
        accent=accent,
        thread=thread,
        print_colours=(ink, contrast),
        seed=int(rng.integers(1 << 20)),
    )
    if kind in ("t-shirt", "knit", "hoodie", "shirt"):
        return uppers.upper(base, rng)
    if kind in ("jacket", "vest", "coat"):
        return uppers.outer(base, rng)
    if "dress" in kind or kind == "jumpsuit":
        return lowers.whole(base, rng)
    if "skirt" in kind:
        return lowers.skirt(base, rng)
    if kind in ("trousers", "jeans", "shorts"):
        return lowers.legs(base, rng)
    if kind == "hat":
        style = pick(rng, ("beanie", "cap", "brim", "bucket", "beret"))
        weave = {"beanie": "rib", "brim": "fleece", "beret": "fleece"}.get(style, "poplin")
        return replace(
            base,
            style=style,
            detail=FREE_UV,
            fabric=replace(
                fabric,
                weave=weave,
                material="wool"
                if style in ("brim", "beret")
                else ("knit" if style == "beanie" else "cotton"),
            ),
        )
    if kind == "bag":
        style = pick(rng, ("tote", "handbag", "bucket"))
        text = (
            pick(rng, WORDS)
            if style == "tote" and rng.random() < 0.6 and fabric.pattern == "plain"
            else ""
        )
        return replace(base, style=style, detail=FREE_UV, text=text)
    return replace(base, detail=FREE_UV)

"""Random cuts of dresses, jumpsuits, skirts, trousers and shorts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render.garments.cloths import pick
from lookweave.studio.render.garments.cut import Cut
from lookweave.studio.render.garments.kinds import (
    BELT,
    CENTRE_CREASE,
    FLY,
    LEGGED,
    PLACKET,
    SIDE_STRIPE,
    SLEEVES,
    Garment,
)  # fmt: skip
from lookweave.studio.render.garments.loft import Loft
from lookweave.studio.render.garments.shell import Fit

_DRESS_HEMS = {"mini": (0.66, 0.74), "midi": (0.30, 0.40), "maxi": (0.10, 0.16)}


def whole(g: Garment, rng: np.random.Generator) -> Garment:
    """Shape a dress or jumpsuit."""
    sleeve = pick(rng, ("sleeveless", "sleeveless", "short", "long", "three-quarter"))
    neckline = pick(rng, ("crew", "v-neck", "scoop", "scoop"))
    cut = Cut(
        sleeve=SLEEVES[sleeve],
        neck={"crew": 0.104, "v-neck": 0.115, "scoop": 0.140}[neckline],
        vee=float(rng.uniform(1.30, 1.38)) if neckline == "v-neck" else 9.0,
        vee_slope=0.48,
    )
    if sleeve == "sleeveless":
        cut = replace(cut, sleeve=0.05, armhole=float(rng.uniform(0.116, 0.130)))
    if g.kind == "jumpsuit":
        wide = float(rng.uniform(0, 1))
        cut = replace(cut, bottom=0.12)
        fit = Fit(
            chest=0.020,
            waist=0.020,
            hip=0.030,
            taper=0.3,
            leg=0.034 + 0.01 * wide,
            ankle=0.035 + 0.11 * wide,
            smooth=22,
            arm=0.014,
            cuff=0.02,
        )
        collar = "shirt" if neckline != "scoop" and rng.random() < 0.4 else ""
        return replace(
            g,
            cut=cut,
            fit=fit,
            sleeve=sleeve,
            neckline="collar" if collar else neckline,
            length="maxi",
            collar=collar,
            detail=(BELT if rng.random() < 0.5 else 0) | (PLACKET if collar else 0),
            band=(0.008, 0.018, 0.012, 0),
            rib=-1.0,
        )
    length = g.kind.split()[0]
    low, high = _DRESS_HEMS[length]
    hem = float(rng.uniform(low, high))
    waisted = rng.random() < 0.6
    if waisted:
        cut = replace(cut, bottom=1.118)
        loft = Loft(
            1.125,
            hem,
            0.012,
            float(rng.uniform(0.22, 0.62)),
            0.0,
            float(rng.uniform(0.02, 0.05)),
            int(rng.integers(8, 17)),
        )
        fit = Fit(chest=0.009, waist=0.008, hip=0.012, taper=0.9, arm=0.014, cuff=0.018)
    else:
        cut = replace(cut, bottom=0.985)
        loft = Loft(1.0, hem, 0.016, float(rng.uniform(-0.02, 0.12)), 0.05, 0.012, 7)
        fit = Fit(chest=0.012, waist=0.018, hip=0.014, taper=0.35, arm=0.016, cuff=0.02)
    return replace(
        g,
        cut=cut,
        fit=fit,
        loft=loft,
        sleeve=sleeve,
        neckline=neckline,
        length=length,
        detail=BELT if waisted and rng.random() < 0.35 else 0,
        band=(0.008, 0, 0.010, 0),
        rib=-1.0,
    )


def skirt(g: Garment, rng: np.random.Generator) -> Garment:
    """Shape a skirt."""
    length = g.kind.split()[0]
    low, high = _DRESS_HEMS[length]
    hem = float(rng.uniform(low, high))
    shape = pick(rng, ("pencil", "line", "circle", "pleated"))
    if g.fabric.material in ("leather", "denim", "sequin") and shape in ("circle", "pleated"):
        shape = "line"
    if length == "maxi" and shape == "pencil":
        shape = "line"
    top = float(rng.uniform(1.08, 1.125))
    loft = {
        "pencil": Loft(top, hem, 0.010, -0.05, 0.12, 0.006, 5),
        "line": Loft(top, hem, 0.012, 0.22, 0.0, 0.018, 8),
        "circle": Loft(top, hem, 0.012, 0.55, 0.0, 0.050, 12),
        "pleated": Loft(top, hem, 0.014, 0.26, 0.0, 0.024, 30, 2.0),
    }[shape]
    detail = FLY if g.fabric.material == "denim" else 0
    return replace(
        g,
        loft=loft,
        style=shape,
        length=length,
        detail=detail,
        cut=Cut(bottom=hem, top=top, sleeve=-9.0),
        band=(0, 0.012, 0, 0.034),
        rib=-1.0,
        fit=Fit(waist=0.008, hip=0.010),
    )


def legs(g: Garment, rng: np.random.Generator) -> Garment:
    """Shape trousers, jeans or shorts."""
    top = float(rng.uniform(1.06, 1.125))
    if g.kind == "shorts":
        hem = float(rng.uniform(0.56, 0.76))
        fit = Fit(waist=0.008, hip=0.012, leg=0.024, ankle=0.06, taper=0.8, smooth=16)
        return replace(
            g,
            cut=Cut(bottom=hem, top=top, sleeve=-9.0),
            fit=fit,
            detail=LEGGED | FLY,
            length="mini",
            band=(0, 0.025, 0, 0.036),
            rib=-1.0,
        )
    shape = pick(rng, ("slim", "straight", "straight", "wide"))
    ankle = {"slim": 0.016, "straight": 0.045, "wide": 0.12}[shape]
    leg = {"slim": 0.010, "straight": 0.018, "wide": 0.026}[shape]
    crop = rng.random() < 0.2
    fit = Fit(waist=0.007, hip=0.010, leg=leg, ankle=ankle, taper=0.9, smooth=16)
    detail = LEGGED | FLY
    if g.kind == "trousers" and shape != "slim" and rng.random() < 0.5:
        detail |= CENTRE_CREASE
    if g.kind == "trousers" and rng.random() < 0.12:
        detail |= SIDE_STRIPE
    return replace(
        g,
        cut=Cut(bottom=0.22 if crop else 0.075 if shape == "slim" else 0.045, top=top, sleeve=-9.0),
        fit=fit,
        style=shape,
        detail=detail,
        length="midi" if crop else "maxi",
        band=(0, 0.02, 0, 0.036),
        rib=-1.0,
    )

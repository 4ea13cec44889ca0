"""Random cuts of what is worn above: tops, shirts, knits, hoodies, jackets, vests, coats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render.garments.cloths import pick
from lookweave.studio.render.garments.cut import Cut
from lookweave.studio.render.garments.kinds import (
    BELT,
    CHEST_POCKET,
    DOUBLE_BREASTED,
    EMBLEMS,
    FLAT_POCKETS,
    KANGAROO,
    LAPEL,
    PLACKET,
    QUILT,
    SLEEVES,
    WORDS,
    ZIP,
    Garment,
)  # fmt: skip
from lookweave.studio.render.garments.loft import Loft
from lookweave.studio.render.garments.shell import Fit


def upper(g: Garment, rng: np.random.Generator) -> Garment:
    """Shape a t-shirt, shirt, knit or hoodie."""
    loose = float(rng.uniform(0, 1))
    crop = rng.random() < 0.18
    bottom = float(rng.uniform(1.09, 1.13)) if crop else float(rng.uniform(0.90, 0.97))
    length = "cropped" if crop else ""
    if g.kind == "t-shirt":
        sleeve = pick(rng, ("short", "short", "short", "long", "sleeveless", "three-quarter"))
        neckline = pick(rng, ("crew", "crew", "v-neck", "scoop"))
        cut = Cut(
            bottom=bottom,
            sleeve=SLEEVES[sleeve] + float(rng.uniform(-0.02, 0.04)) * (sleeve == "short"),
            neck={"crew": 0.106, "v-neck": 0.108, "scoop": 0.135}[neckline],
            vee=1.405 if neckline == "v-neck" else 9.0,
            vee_slope=0.62,
        )
        if sleeve == "sleeveless":
            cut = replace(cut, sleeve=0.05, armhole=0.120)
        fit = Fit(
            chest=0.010 + 0.018 * loose,
            waist=0.014 + 0.03 * loose,
            hip=0.010 + 0.018 * loose,
            taper=0.30 - 0.26 * loose,
            arm=0.010 + 0.020 * loose,
            cuff=0.012 + 0.024 * loose,
        )
        printed = g.fabric.pattern == "plain" and rng.random() < 0.55
        text = pick(rng, WORDS) if printed else ""
        emblem = pick(rng, EMBLEMS) if printed else ""
        detail = CHEST_POCKET if not printed and rng.random() < 0.3 else 0
        return replace(
            g,
            cut=cut,
            fit=fit,
            sleeve=sleeve,
            neckline=neckline,
            length=length,
            detail=detail,
            band=(0.017, 0.016, 0.016, 0),
            rib=230.0,
            text=text,
            emblem=emblem,
            tucked=bool(rng.random() < 0.3),
        )
    if g.kind == "shirt":
        sleeve = pick(rng, ("long", "long", "long", "short"))
        cut = Cut(
            bottom=bottom - 0.02,
            sleeve=SLEEVES[sleeve] + 0.02,
            neck=0.094,
            lower_front=0.12,
            vee=float(rng.choice([9.0, 1.44])),
            vee_slope=0.32,
        )
        fit = Fit(
            chest=0.014 + 0.02 * loose,
            waist=0.022 + 0.028 * loose,
            hip=0.014 + 0.016 * loose,
            taper=0.25 - 0.22 * loose,
            arm=0.016 + 0.02 * loose,
            cuff=0.012 + 0.008 * loose,
        )
        detail = PLACKET | (CHEST_POCKET if rng.random() < 0.5 else 0)
        return replace(
            g,
            cut=cut,
            fit=fit,
            sleeve=sleeve,
            neckline="collar",
            length=length,
            collar="shirt",
            detail=detail,
            band=(0, 0.010, 0.055 if sleeve == "long" else 0.02, 0),
            rib=-1.0,
            tucked=bool(rng.random() < 0.4),
        )
    if g.kind == "knit":
        neckline = pick(rng, ("crew", "crew", "v-neck", "turtleneck"))
        cut = Cut(
            bottom=bottom,
            sleeve=0.56,
            neck=0.102 if neckline != "turtleneck" else 0.080,
            vee=1.36 if neckline == "v-neck" else 9.0,
            vee_slope=0.42,
        )
        fit = Fit(
            chest=0.020 + 0.024 * loose,
            waist=0.028 + 0.032 * loose,
            hip=0.014 + 0.014 * loose,
            taper=0.26 - 0.2 * loose,
            arm=0.020 + 0.02 * loose,
            cuff=0.014,
            shoulder=0.012,
            smooth=20,
        )
        return replace(
            g,
            cut=cut,
            fit=fit,
            sleeve="long",
            neckline=neckline,
            length=length,
            collar="roll" if neckline == "turtleneck" else "",
            band=(0.022 if neckline != "turtleneck" else 0, 0.055, 0.055, 0),
            rib=110.0,
        )
    cut = Cut(bottom=bottom - 0.01, sleeve=0.565, neck=0.092)
    fit = Fit(
        chest=0.028 + 0.02 * loose,
        waist=0.040 + 0.03 * loose,
        hip=0.022 + 0.012 * loose,
        taper=0.14,
        arm=0.026 + 0.018 * loose,
        cuff=0.014,
        shoulder=0.014,
        smooth=22,
    )
    zipped = rng.random() < 0.35
    text = "" if zipped or g.fabric.pattern != "plain" or rng.random() < 0.4 else pick(rng, WORDS)
    return replace(
        g,
        cut=cut,
        fit=fit,
        sleeve="long",
        neckline="hood",
        length=length,
        collar="hood",
        detail=KANGAROO | (ZIP if zipped else 0),
        band=(0, 0.055, 0.055, 0),
        rib=150.0,
        text=text,
    )


def outer(g: Garment, rng: np.random.Generator) -> Garment:
    """Shape a vest, jacket or coat."""
    loose = float(rng.uniform(0, 1))
    weave = g.fabric.weave
    if g.kind == "vest":
        puffer = weave == "nylon"
        cut = Cut(
            bottom=0.95,
            sleeve=0.05,
            armhole=0.122,
            neck=0.098,
            vee=9.0 if puffer else 1.26,
            vee_slope=0.42,
            open_top=0.010 if puffer else 0.0,
            open_bottom=0.03 if puffer else 0.0,
        )
        fit = Fit(
            chest=0.030 if puffer else 0.016,
            waist=0.034 if puffer else 0.016,
            hip=0.022,
            taper=0.2,
            shoulder=0.016,
            smooth=20,
        )
        return replace(
            g,
            cut=cut,
            fit=fit,
            sleeve="sleeveless",
            neckline="crew" if puffer else "v-neck",
            collar="stand" if puffer else "",
            detail=(QUILT | ZIP) if puffer else PLACKET | FLAT_POCKETS,
            band=(0.008, 0.012, 0.008, 0),
            rib=-1.0,
        )
    if g.kind == "jacket":
        blazer = weave in ("tweed", "corduroy")
        open_front = rng.random() < 0.55
        bottom = 0.88 if blazer else float(rng.uniform(0.98, 1.04))
        cut = Cut(
            bottom=bottom,
            sleeve=0.565,
            neck=0.100,
            vee=1.17 if blazer else 9.0,
            vee_slope=0.34,
            open_top=0.02 if open_front else 0.0,
            open_bottom=0.085 if open_front else 0.0,
        )
        fit = Fit(
            chest=0.026 + 0.014 * loose,
            waist=0.034 + 0.024 * loose,
            hip=0.026 + 0.01 * loose,
            taper=0.2 - 0.1 * loose,
            arm=0.022 + 0.012 * loose,
            cuff=0.022,
            shoulder=0.016,
            smooth=22,
        )
        detail = {
            "tweed": LAPEL | FLAT_POCKETS,
            "corduroy": LAPEL | FLAT_POCKETS,
            "leather": ZIP,
            "denim": PLACKET | CHEST_POCKET,
            "nylon": ZIP | QUILT,
        }[weave]
        if open_front:
            detail &= ~(ZIP | PLACKET)
        collar = {
            "tweed": "blazer",
            "corduroy": "blazer",
            "leather": "shirt",
            "denim": "shirt",
            "nylon": "stand",
        }[weave]
        bands = (
            (0, 0.045, 0.045, 0) if weave in ("leather", "denim", "nylon") else (0, 0.012, 0.012, 0)
        )
        return replace(
            g,
            cut=cut,
            fit=fit,
            sleeve="long",
            neckline="collar" if collar != "stand" else "crew",
            collar=collar,
            detail=detail,
            band=bands,
            rib=-1.0,
        )
    open_front = rng.random() < 0.5
    hem = float(rng.uniform(0.30, 0.62))
    double = rng.random() < 0.4
    cut = Cut(
        bottom=0.975,
        sleeve=0.57,
        neck=0.102,
        vee=1.22,
        vee_slope=0.36,
        open_top=0.022 if open_front else 0.0,
        open_bottom=0.07 if open_front else 0.0,
    )
    fit = Fit(
        chest=0.034 + 0.014 * loose,
        waist=0.042 + 0.02 * loose,
        hip=0.036,
        taper=0.10,
        arm=0.028 + 0.012 * loose,
        cuff=0.028,
        shoulder=0.020,
        smooth=26,
    )
    belted = not open_front and rng.random() < 0.4
    return replace(
        g,
        cut=cut,
        fit=fit,
        loft=Loft(0.99, hem, 0.034, float(rng.uniform(0.02, 0.12)), 0.0, 0.018, 6),
        sleeve="long",
        neckline="collar",
        length="knee" if hem > 0.45 else "midi",
        collar="blazer",
        detail=LAPEL | FLAT_POCKETS | (DOUBLE_BREASTED if double else 0) | (BELT if belted else 0),
        band=(0, 0, 0.03, 0),
        rib=-1.0,
    )

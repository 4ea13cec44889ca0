"""The kinds of garment that we can cut, and how a random one of each kind is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lookweave.studio.render.fabrics import Fabric, shade
from lookweave.studio.render.garments.cloths import cloth, colour_for, pick
from lookweave.studio.render.garments.cut import Cut
from lookweave.studio.render.garments.loft import Loft
from lookweave.studio.render.garments.shell import Fit

# Sewing details: bits of u_detail in shaders/cloth.glsl.
PLACKET, CHEST_POCKET, KANGAROO, FLY, LAPEL, ZIP, QUILT = 1, 2, 4, 8, 16, 32, 64
BELT, SIDE_STRIPE, FLAT_POCKETS, CENTRE_CREASE, FREE_UV = 128, 256, 512, 1024, 2048
DOUBLE_BREASTED, LEGGED, SEAMLESS = 4096, 8192, 16384

KINDS: tuple[str, ...] = (
    "t-shirt", "shirt", "knit", "hoodie", "jacket", "coat", "vest", "mini dress", "midi dress",
    "maxi dress", "mini skirt", "midi skirt", "maxi skirt", "trousers", "jeans", "shorts",
    "jumpsuit", "scarf", "hat", "bag",
)  # fmt: skip
CATEGORY: dict[str, str] = {
    "t-shirt": "top", "shirt": "shirt", "knit": "knitwear", "hoodie": "knitwear",
    "jacket": "jacket", "coat": "coat", "vest": "vest", "mini dress": "dress",
    "midi dress": "dress", "maxi dress": "dress", "mini skirt": "skirt", "midi skirt": "skirt",
    "maxi skirt": "skirt", "trousers": "trousers", "jeans": "jeans", "shorts": "shorts",
    "jumpsuit": "jumpsuit", "scarf": "scarf", "hat": "hat", "bag": "bag",
}  # fmt: skip
"""Kind -> the taxonomy's category."""
SLOT: dict[str, str] = {
    "t-shirt": "top", "shirt": "top", "knit": "top", "hoodie": "top", "jacket": "outer",
    "coat": "outer", "vest": "outer", "mini dress": "dress", "midi dress": "dress",
    "maxi dress": "dress", "mini skirt": "bottom", "midi skirt": "bottom",
    "maxi skirt": "bottom", "trousers": "bottom", "jeans": "bottom", "shorts": "bottom",
    "jumpsuit": "dress", "scarf": "scarf", "hat": "hat", "bag": "bag",
}  # fmt: skip


@dataclass(frozen=True)
class Garment:
    """Everything that makes one garment itself, wherever it is photographed."""

    kind: str
    fabric: Fabric
    colour: str  # taxonomy word of the main colour
    cut: Cut = field(default_factory=Cut)
    fit: Fit = field(default_factory=Fit)
    loft: Loft | None = None
    collar: str = ""
    style: str = ""  # hat, bag: which
    detail: int = 0
    band: tuple[float, float, float, float] = (0, 0, 0, 0)  # neck, hem, cuff, waist
    rib: float = 0.0
    accent: tuple[float, float, float] = (0.5, 0.5, 0.5)
    thread: tuple[float, float, float] = (0.3, 0.3, 0.3)
    text: str = ""
    emblem: str = ""
    print_colours: tuple[tuple[float, float, float], tuple[float, float, float]] = (
        (0.05, 0.05, 0.05), (0.6, 0.1, 0.1),
    )  # fmt: skip
    tucked: bool = False
    sleeve: str = ""
    length: str = ""
    neckline: str = ""
    seed: int = 0

    @property
    def category(self) -> str:
        """The taxonomy's category."""
        return CATEGORY[self.kind]

    @property
    def slot(self) -> str:
        """Which place of an outfit it takes."""
        return SLOT[self.kind]

    @property
    def pattern(self) -> str:
        """The taxonomy's pattern; a placed print makes a plain cloth graphic."""
        if (self.text or self.emblem) and self.fabric.pattern == "plain":
            return "graphic"
        return self.fabric.pattern


_SLEEVES = {"sleeveless": 0.0, "short": 0.19, "three-quarter": 0.40, "long": 0.545}
WORDS = (
    "ATLAS", "NORD", "SALT/AND SEA", "08", "LUMEN", "HOTEL/AURORA", "FIELD", "OPEN/AIR",
    "VELO", "PAPER/MOON", "EAST", "23", "MERIDIAN", "SOFT/FOCUS", "KIOSK", "TERRA",
)  # fmt: skip
_EMBLEMS = ("", "", "sun", "ring", "star", "waves")


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
    tonal = tuple(float(c) for c in np.clip(main * 0.8, 0, 1))
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
        kind, fabric, colour, accent=accent, thread=thread, print_colours=(ink, contrast),  # type: ignore[arg-type]
        seed=int(rng.integers(1 << 20)),
    )  # fmt: skip
    if kind in ("t-shirt", "knit", "hoodie", "shirt"):
        return _upper(base, rng)
    if kind in ("jacket", "vest", "coat"):
        return _outer(base, rng)
    if "dress" in kind or kind == "jumpsuit":
        return _whole(base, rng)
    if "skirt" in kind:
        return _skirt(base, rng)
    if kind in ("trousers", "jeans", "shorts"):
        return _legs(base, rng)
    if kind == "hat":
        style = pick(rng, ("beanie", "cap", "brim", "bucket", "beret"))
        weave = {"beanie": "rib", "brim": "fleece", "beret": "fleece"}.get(style, "poplin")
        return replace(
            base, style=style, detail=FREE_UV,
            fabric=replace(fabric, weave=weave, material="wool" if style in ("brim", "beret") else ("knit" if style == "beanie" else "cotton")),
        )  # fmt: skip
    if kind == "bag":
        style = pick(rng, ("tote", "handbag", "bucket"))
        text = (
            pick(rng, WORDS)
            if style == "tote" and rng.random() < 0.6 and fabric.pattern == "plain"
            else ""
        )
        return replace(base, style=style, detail=FREE_UV, text=text)
    return replace(base, detail=FREE_UV)


def _upper(g: Garment, rng: np.random.Generator) -> Garment:
    loose = float(rng.uniform(0, 1))
    crop = rng.random() < 0.18
    bottom = float(rng.uniform(1.09, 1.13)) if crop else float(rng.uniform(0.90, 0.97))
    length = "cropped" if crop else ""
    if g.kind == "t-shirt":
        sleeve = pick(rng, ("short", "short", "short", "long", "sleeveless", "three-quarter"))
        neckline = pick(rng, ("crew", "crew", "v-neck", "scoop"))
        cut = Cut(bottom=bottom, sleeve=_SLEEVES[sleeve] + float(rng.uniform(-0.02, 0.04)) * (sleeve == "short"),
                  neck={"crew": 0.106, "v-neck": 0.108, "scoop": 0.135}[neckline],
                  vee=1.405 if neckline == "v-neck" else 9.0, vee_slope=0.62)  # fmt: skip
        if sleeve == "sleeveless":
            cut = replace(cut, sleeve=0.05, armhole=0.120)
        fit = Fit(chest=0.010 + 0.018 * loose, waist=0.014 + 0.03 * loose, hip=0.010 + 0.018 * loose,
                  taper=0.30 - 0.26 * loose, arm=0.010 + 0.020 * loose, cuff=0.012 + 0.024 * loose)  # fmt: skip
        printed = g.fabric.pattern == "plain" and rng.random() < 0.55
        text = pick(rng, WORDS) if printed else ""
        emblem = pick(rng, _EMBLEMS) if printed else ""
        detail = CHEST_POCKET if not printed and rng.random() < 0.3 else 0
        return replace(g, cut=cut, fit=fit, sleeve=sleeve, neckline=neckline, length=length, detail=detail,
                       band=(0.017, 0.016, 0.016, 0), rib=230.0, text=text, emblem=emblem,
                       tucked=bool(rng.random() < 0.3))  # fmt: skip
    if g.kind == "shirt":
        sleeve = pick(rng, ("long", "long", "long", "short"))
        cut = Cut(bottom=bottom - 0.02, sleeve=_SLEEVES[sleeve] + 0.02, neck=0.094, lower_front=0.12,
                  vee=float(rng.choice([9.0, 1.44])), vee_slope=0.32)  # fmt: skip
        fit = Fit(chest=0.014 + 0.02 * loose, waist=0.022 + 0.028 * loose, hip=0.014 + 0.016 * loose,
                  taper=0.25 - 0.22 * loose, arm=0.016 + 0.02 * loose, cuff=0.012 + 0.008 * loose)  # fmt: skip
        detail = PLACKET | (CHEST_POCKET if rng.random() < 0.5 else 0)
        return replace(g, cut=cut, fit=fit, sleeve=sleeve, neckline="collar", length=length, collar="shirt",
                       detail=detail, band=(0, 0.010, 0.055 if sleeve == "long" else 0.02, 0), rib=-1.0,
                       tucked=bool(rng.random() < 0.4))  # fmt: skip
    if g.kind == "knit":
        neckline = pick(rng, ("crew", "crew", "v-neck", "turtleneck"))
        cut = Cut(bottom=bottom, sleeve=0.56, neck=0.102 if neckline != "turtleneck" else 0.080,
                  vee=1.36 if neckline == "v-neck" else 9.0, vee_slope=0.42)  # fmt: skip
        fit = Fit(chest=0.020 + 0.024 * loose, waist=0.028 + 0.032 * loose, hip=0.014 + 0.014 * loose, taper=0.26 - 0.2 * loose,
                  arm=0.020 + 0.02 * loose, cuff=0.014, shoulder=0.012, smooth=20)  # fmt: skip
        return replace(g, cut=cut, fit=fit, sleeve="long", neckline=neckline, length=length,
                       collar="roll" if neckline == "turtleneck" else "",
                       band=(0.022 if neckline != "turtleneck" else 0, 0.055, 0.055, 0), rib=110.0)  # fmt: skip
    cut = Cut(bottom=bottom - 0.01, sleeve=0.565, neck=0.092)
    fit = Fit(chest=0.028 + 0.02 * loose, waist=0.040 + 0.03 * loose, hip=0.022 + 0.012 * loose, taper=0.14,
              arm=0.026 + 0.018 * loose, cuff=0.014, shoulder=0.014, smooth=22)  # fmt: skip
    zipped = rng.random() < 0.35
    text = "" if zipped or g.fabric.pattern != "plain" or rng.random() < 0.4 else pick(rng, WORDS)
    return replace(g, cut=cut, fit=fit, sleeve="long", neckline="hood", length=length, collar="hood",
                   detail=KANGAROO | (ZIP if zipped else 0), band=(0, 0.055, 0.055, 0), rib=150.0,
                   text=text)  # fmt: skip


def _outer(g: Garment, rng: np.random.Generator) -> Garment:
    loose = float(rng.uniform(0, 1))
    weave = g.fabric.weave
    if g.kind == "vest":
        puffer = weave == "nylon"
        cut = Cut(bottom=0.95, sleeve=0.05, armhole=0.122, neck=0.098, vee=9.0 if puffer else 1.26,
                  vee_slope=0.42, open_top=0.010 if puffer else 0.0, open_bottom=0.03 if puffer else 0.0)  # fmt: skip
        fit = Fit(
            chest=0.030 if puffer else 0.016,
            waist=0.034 if puffer else 0.016,
            hip=0.022,
            taper=0.2,
            shoulder=0.016,
            smooth=20,
        )
        return replace(g, cut=cut, fit=fit, sleeve="sleeveless", neckline="crew" if puffer else "v-neck",
                       collar="stand" if puffer else "", detail=(QUILT | ZIP) if puffer else PLACKET | FLAT_POCKETS,
                       band=(0.008, 0.012, 0.008, 0), rib=-1.0)  # fmt: skip
    if g.kind == "jacket":
        blazer = weave in ("tweed", "corduroy")
        open_front = rng.random() < 0.55
        bottom = 0.88 if blazer else float(rng.uniform(0.98, 1.04))
        cut = Cut(bottom=bottom, sleeve=0.565, neck=0.100, vee=1.17 if blazer else 9.0, vee_slope=0.34,
                  open_top=0.02 if open_front else 0.0, open_bottom=0.085 if open_front else 0.0)  # fmt: skip
        fit = Fit(chest=0.026 + 0.014 * loose, waist=0.034 + 0.024 * loose, hip=0.026 + 0.01 * loose, taper=0.2 - 0.1 * loose,
                  arm=0.022 + 0.012 * loose, cuff=0.022, shoulder=0.016, smooth=22)  # fmt: skip
        detail = {
            "tweed": LAPEL | FLAT_POCKETS, "corduroy": LAPEL | FLAT_POCKETS, "leather": ZIP,
            "denim": PLACKET | CHEST_POCKET, "nylon": ZIP | QUILT,
        }[weave]  # fmt: skip
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
        return replace(g, cut=cut, fit=fit, sleeve="long", neckline="collar" if collar != "stand" else "crew",
                       collar=collar, detail=detail, band=bands, rib=-1.0)  # fmt: skip
    open_front = rng.random() < 0.5
    hem = float(rng.uniform(0.30, 0.62))
    double = rng.random() < 0.4
    cut = Cut(bottom=0.975, sleeve=0.57, neck=0.102, vee=1.22, vee_slope=0.36,
              open_top=0.022 if open_front else 0.0, open_bottom=0.07 if open_front else 0.0)  # fmt: skip
    fit = Fit(chest=0.034 + 0.014 * loose, waist=0.042 + 0.02 * loose, hip=0.036, taper=0.10, arm=0.028 + 0.012 * loose,
              cuff=0.028, shoulder=0.020, smooth=26)  # fmt: skip
    belted = not open_front and rng.random() < 0.4
    return replace(g, cut=cut, fit=fit, loft=Loft(0.99, hem, 0.034, float(rng.uniform(0.02, 0.12)), 0.0, 0.018, 6),
                   sleeve="long", neckline="collar", length="knee" if hem > 0.45 else "midi", collar="blazer",
                   detail=LAPEL | FLAT_POCKETS | (DOUBLE_BREASTED if double else 0) | (BELT if belted else 0),
                   band=(0, 0, 0.03, 0), rib=-1.0)  # fmt: skip


_DRESS_HEMS = {"mini": (0.66, 0.74), "midi": (0.30, 0.40), "maxi": (0.10, 0.16)}


def _whole(g: Garment, rng: np.random.Generator) -> Garment:
    sleeve = pick(rng, ("sleeveless", "sleeveless", "short", "long", "three-quarter"))
    neckline = pick(rng, ("crew", "v-neck", "scoop", "scoop"))
    cut = Cut(sleeve=_SLEEVES[sleeve], neck={"crew": 0.104, "v-neck": 0.115, "scoop": 0.140}[neckline],
              vee=float(rng.uniform(1.30, 1.38)) if neckline == "v-neck" else 9.0, vee_slope=0.48)  # fmt: skip
    if sleeve == "sleeveless":
        cut = replace(cut, sleeve=0.05, armhole=float(rng.uniform(0.116, 0.130)))
    if g.kind == "jumpsuit":
        wide = float(rng.uniform(0, 1))
        cut = replace(cut, bottom=0.12)
        fit = Fit(chest=0.020, waist=0.020, hip=0.030, taper=0.3, leg=0.034 + 0.01 * wide, ankle=0.035 + 0.11 * wide, smooth=22,
                  arm=0.014, cuff=0.02)  # fmt: skip
        collar = "shirt" if neckline != "scoop" and rng.random() < 0.4 else ""
        return replace(g, cut=cut, fit=fit, sleeve=sleeve, neckline="collar" if collar else neckline, length="maxi",
                       collar=collar, detail=(BELT if rng.random() < 0.5 else 0) | (PLACKET if collar else 0),
                       band=(0.008, 0.018, 0.012, 0), rib=-1.0)  # fmt: skip
    length = g.kind.split()[0]
    low, high = _DRESS_HEMS[length]
    hem = float(rng.uniform(low, high))
    waisted = rng.random() < 0.6
    if waisted:
        cut = replace(cut, bottom=1.118)
        loft = Loft(1.125, hem, 0.012, float(rng.uniform(0.22, 0.62)), 0.0, float(rng.uniform(0.02, 0.05)),
                    int(rng.integers(8, 17)))  # fmt: skip
        fit = Fit(chest=0.009, waist=0.008, hip=0.012, taper=0.9, arm=0.014, cuff=0.018)
    else:
        cut = replace(cut, bottom=0.985)
        loft = Loft(1.0, hem, 0.016, float(rng.uniform(-0.02, 0.12)), 0.05, 0.012, 7)
        fit = Fit(chest=0.012, waist=0.018, hip=0.014, taper=0.35, arm=0.016, cuff=0.02)
    return replace(g, cut=cut, fit=fit, loft=loft, sleeve=sleeve, neckline=neckline, length=length,
                   detail=BELT if waisted and rng.random() < 0.35 else 0, band=(0.008, 0, 0.010, 0), rib=-1.0)  # fmt: skip


def _skirt(g: Garment, rng: np.random.Generator) -> Garment:
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
    return replace(g, loft=loft, style=shape, length=length, detail=detail, cut=Cut(bottom=hem, top=top, sleeve=-9.0),
                   band=(0, 0.012, 0, 0.034), rib=-1.0, fit=Fit(waist=0.008, hip=0.010))  # fmt: skip


def _legs(g: Garment, rng: np.random.Generator) -> Garment:
    top = float(rng.uniform(1.06, 1.125))
    if g.kind == "shorts":
        hem = float(rng.uniform(0.56, 0.76))
        fit = Fit(waist=0.008, hip=0.012, leg=0.024, ankle=0.06, taper=0.8, smooth=16)
        return replace(g, cut=Cut(bottom=hem, top=top, sleeve=-9.0), fit=fit, detail=LEGGED | FLY, length="mini",
                       band=(0, 0.025, 0, 0.036), rib=-1.0)  # fmt: skip
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
    return replace(g, cut=Cut(bottom=0.22 if crop else 0.075 if shape == "slim" else 0.045, top=top, sleeve=-9.0), fit=fit,
                   style=shape, detail=detail, length="midi" if crop else "maxi", band=(0, 0.02, 0, 0.036), rib=-1.0)  # fmt: skip

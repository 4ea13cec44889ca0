"""What a garment is: its kind, cut, cloth and details."""

from __future__ import annotations

from dataclasses import dataclass, field

from lookweave.studio.render.cloth import Fabric
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


SLEEVES = {"sleeveless": 0.0, "short": 0.19, "three-quarter": 0.40, "long": 0.545}
WORDS = (
    "ATLAS", "NORD", "SALT/AND SEA", "08", "LUMEN", "HOTEL/AURORA", "FIELD", "OPEN/AIR",
    "VELO", "PAPER/MOON", "EAST", "23", "MERIDIAN", "SOFT/FOCUS", "KIOSK", "TERRA",
)  # fmt: skip
EMBLEMS = ("", "", "sun", "ring", "star", "waves")

"""Which garments exist, and the papers that come with the pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookweave.studio.render.garments import kinds, tailor, variants
from lookweave.studio.render.garments.kinds import Garment

BRANDS: tuple[str, ...] = (
    "Norrland Studio",
    "Casa Vela",
    "Halden & Pike",
    "Ostra",
    "Field Notes Atelier",
)
PHOTOGRAPHERS: tuple[str, ...] = ("M. Lindqvist", "A. Okafor", "R. Tanaka", "C. Duarte")
SEASONS: tuple[str, ...] = ("SS26", "AW26", "Resort 27")
UNLISTED = 10_000_000
"""A catalogue has fewer garments than this."""
RIGHTS = "CC0-1.0, rendered by Lookweave"


@dataclass(frozen=True)
class Item:
    """A garment in the catalogue."""

    number: int
    garment: Garment
    family: int  # siblings and twins share it
    relation: str  # "original", "sibling", "twin"
    female: bool
    listed: bool = True  # has a product photo

    @property
    def sku(self) -> str:
        """The article number."""
        return f"LW-{self.number:05d}"


def stream(seed: int, *names: object) -> np.random.Generator:
    """An independent generator for one item: parallel order cannot matter."""
    text = "/".join(str(name) for name in names)
    return np.random.default_rng([seed, *text.encode()])


def garments(count: int, seed: int) -> list[Item]:
    """`count` listed garments; about a third are siblings or near twins of another."""
    out: list[Item] = []
    rng = stream(seed, "catalogue")
    order: list[str] = []
    while len(out) < count:
        number = len(out)
        roll = rng.random()
        if number > 3 and roll < 0.26:
            origin = out[int(rng.integers(max(0, number - 12), number))]
            private = stream(seed, "garment", number)
            relation = "sibling" if roll < 0.15 else "twin"
            make = variants.sibling if relation == "sibling" else variants.twin
            out.append(
                Item(number, make(origin.garment, private), origin.family, relation, origin.female)
            )
            continue
        if not order:
            order = [kinds.KINDS[k] for k in rng.permutation(len(kinds.KINDS))]
        kind = order.pop()
        garment = tailor.draw(stream(seed, "garment", number), kind)
        woman = (
            "dress" in kind or "skirt" in kind or kind == "jumpsuit" or bool(rng.random() < 0.55)
        )
        out.append(Item(number, garment, number, "original", woman))
    return out


def extras(seed: int, count: int) -> list[Item]:
    """Garments that people wear but no catalogue lists; their numbers start at UNLISTED."""
    out = []
    for k in range(count):
        rng = stream(seed, "extra", k)
        kind = kinds.KINDS[k % len(kinds.KINDS)]
        garment = tailor.draw(rng, kind)
        number = UNLISTED + k
        out.append(Item(number, garment, number, "original", bool(rng.random() < 0.5), False))
    return out


def brands(count: int) -> tuple[str, ...]:
    """The brands of a catalogue of `count` garments: one for every sixty, at most all."""
    return BRANDS[: min(len(BRANDS), 1 + count // 60)]


def title(item: Item) -> str:
    """A catalogue title such as *Blue floral midi dress*."""
    garment = item.garment
    words = [garment.colour]
    if garment.pattern not in ("plain", "other"):
        words.append(garment.pattern)
    if garment.fabric.material in ("denim", "leather", "silk", "wool", "sequin"):
        words.append(garment.fabric.material)
    if garment.kind in ("t-shirt", "shirt", "knit") and garment.sleeve:
        words.append(
            f"{garment.sleeve}-sleeved" if garment.sleeve != "sleeveless" else garment.sleeve
        )
    words.append(
        {
            "knit": "jumper",
            "hat": garment.style,
            "bag": garment.style if garment.style != "bucket" else "bucket bag",
        }.get(garment.kind, garment.kind)
    )
    if garment.kind == "hat":
        words[-1] = {"brim": "brimmed hat", "bucket": "bucket hat", "cap": "cap"}.get(
            garment.style, garment.style
        )
    if words[-1] == "jeans" and "denim" in words:
        words.remove("denim")
    text = " ".join(words)
    return text[0].upper() + text[1:]


def price(item: Item) -> float:
    """A plausible price in euros."""
    base = {
        "t-shirt": 29,
        "shirt": 59,
        "knit": 79,
        "hoodie": 69,
        "jacket": 149,
        "coat": 229,
        "vest": 89,
        "scarf": 39,
        "hat": 35,
        "bag": 119,
        "shorts": 45,
        "trousers": 85,
        "jeans": 95,
        "jumpsuit": 129,
    }
    value = base.get(item.garment.kind, 89 if "skirt" not in item.garment.kind else 69)
    factor = {"silk": 1.6, "leather": 2.2, "wool": 1.3, "sequin": 1.5}.get(
        item.garment.fabric.material, 1.0
    )
    return float(round(value * factor)) + 0.0

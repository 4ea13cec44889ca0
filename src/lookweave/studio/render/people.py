"""Who is in a look, and what they wear together."""

from __future__ import annotations

import numpy as np

from lookweave.studio.render.body import mix
from lookweave.studio.render.catalogue import Item
from lookweave.studio.render.dress import Person
from lookweave.studio.render.fabrics import linear, shade

_SKINS = (
    (238, 205, 180),
    (224, 184, 152),
    (198, 150, 116),
    (160, 112, 80),
    (126, 86, 62),
    (98, 66, 50),
)
_HAIRS = (
    (28, 22, 20),
    (52, 36, 26),
    (96, 64, 38),
    (150, 110, 62),
    (196, 160, 104),
    (120, 50, 28),
    (150, 148, 146),
)


def person(rng: np.random.Generator, female: bool) -> Person:
    """A random adult."""
    body = mix(female, int(rng.integers(10)), int(rng.integers(10)), float(rng.uniform(0, 1)))
    tone = np.asarray(_SKINS[int(rng.integers(len(_SKINS)))], float) + rng.normal(size=3) * 4
    hair = np.asarray(_HAIRS[int(rng.integers(len(_HAIRS)))], float)
    styles = (
        ("bob", "long", "long", "bun", "ponytail", "afro", "short")
        if female
        else ("crop", "crop", "short", "buzz", "afro")
    )
    shoe = ("sneaker", "loafer", "boot", "sneaker")[int(rng.integers(4))]
    return Person(
        body,
        linear(np.clip(tone * 0.86, 16, 250)),
        linear(hair),
        styles[int(rng.integers(len(styles)))],
        shoe,
        shade(("white", "black", "brown", "beige", "black")[int(rng.integers(5))], rng),
        bool(rng.random() < 0.22),
        int(rng.integers(1 << 20)),
    )


_WEARS_WITH: dict[str, tuple[str, ...]] = {
    "top": ("bottom",), "bottom": ("top",), "outer": ("top", "bottom"), "dress": (),
    "scarf": ("top", "bottom"), "hat": ("top", "bottom"), "bag": ("top", "bottom"),
}  # fmt: skip


def outfit(
    first: Item, pool: list[Item], spare: list[Item], rng: np.random.Generator, bags: float = 0.2
) -> list[Item]:
    """`first` with whatever completes it, from the catalogue when it can be, else from `spare`.

    `bags` is how often somebody carries one.
    """
    chosen = [first]

    def add(slot: str, listed: float) -> None:
        source = pool if rng.random() < listed else spare
        fitting = [
            item
            for item in source
            if item.garment.slot == slot
            and item.family not in {c.family for c in chosen}
            and not (slot == "bottom" and "skirt" in item.garment.kind and not first.female)
            and not (
                slot == "top"
                and item.garment.kind == "hoodie"
                and any(c.garment.slot == "outer" for c in chosen)
            )
        ]
        if fitting:
            chosen.append(fitting[int(rng.integers(len(fitting)))])

    needed = list(_WEARS_WITH[first.garment.slot])
    if first.garment.slot in ("scarf", "hat", "bag") and first.female and rng.random() < 0.3:
        needed = ["dress"]
    for slot in needed:
        add(slot, 0.85)
        if not any(item.garment.slot == slot for item in chosen):
            add(slot, 0.0)
    slots = {item.garment.slot for item in chosen}
    tops = [item.garment.kind for item in chosen if item.garment.slot == "top"]
    flared = any(i.garment.loft is not None and i.garment.slot != "outer" for i in chosen)
    if (
        "outer" not in slots
        and "dress" not in slots
        and "hoodie" not in tops
        and not flared
        and rng.random() < 0.22
    ):
        add("outer", 0.85)
    for slot, chance in (("hat", 0.14), ("scarf", 0.10), ("bag", bags)):
        worn = {item.garment.slot for item in chosen}
        kinds_worn = {item.garment.collar for item in chosen}
        if slot in worn or rng.random() > chance:
            continue
        if slot == "scarf" and kinds_worn & {"hood", "roll", "stand"}:
            continue
        add(slot, 0.85)
    return chosen

"""Which cloth and colour suit which kind of garment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render.cloth import Fabric
from lookweave.studio.render.fabrics import shade

NEUTRAL = ("black", "white", "grey", "beige", "navy", "brown")
BRIGHT = ("red", "pink", "orange", "yellow", "green", "blue", "purple", "white", "black", "navy")


def pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """One of `options`."""
    return options[int(rng.integers(len(options)))]


def cloth(rng: np.random.Generator, kind: str, colour: str) -> Fabric:
    """A fabric of main colour `colour` that suits `kind`."""
    seed = int(rng.integers(1 << 30))
    main = shade(colour, rng)
    dark = float(np.mean(main)) < 0.2
    others = [c for c in BRIGHT + NEUTRAL if c != colour]
    light = shade("white" if dark else pick(rng, ("black", "navy", "red", "blue", "green")), rng)
    second = light if rng.random() < 0.6 else shade(pick(rng, tuple(others)), rng)
    third = shade(pick(rng, tuple(others)), rng)
    fourth = shade(pick(rng, ("green", "beige", "yellow")), rng)

    def make(pattern: str, motif: str, material: str, weave: str, scale: float) -> Fabric:
        return Fabric(pattern, motif, material, weave, (main, second, third, fourth), scale, seed)

    plain = ("plain", "", 0.12)
    stripes = ("striped", pick(rng, ("breton", "multi", "block")), float(rng.uniform(0.035, 0.09)))
    upright = ("striped", pick(rng, ("pin", "awning")), float(rng.uniform(0.02, 0.05)))
    checks = (
        "checked",
        pick(rng, ("gingham", "window", "tartan", "houndstooth")),
        float(rng.uniform(0.05, 0.14)),
    )
    dots = ("dotted", pick(rng, ("pin dot", "polka", "coin")), float(rng.uniform(0.035, 0.09)))
    flowers = (
        "floral",
        pick(rng, ("meadow", "blossom", "ditsy", "garden")),
        float(rng.uniform(0.16, 0.30)),
    )
    animal = ("animal", pick(rng, ("leopard", "zebra")), float(rng.uniform(0.22, 0.34)))
    cloud = ("other", pick(rng, ("camouflage", "clouds")), float(rng.uniform(0.3, 0.45)))
    roll = rng.random()

    def choose(*weighted: tuple[float, tuple[str, str, float]]) -> tuple[str, str, float]:
        total = 0.0
        for weight, option in weighted:
            total += weight
            if roll < total:
                return option
        return plain

    if kind == "t-shirt":
        p, m, s = choose((0.28, stripes), (0.06, dots), (0.06, cloud))
        return make(p, m, "cotton", "jersey", s)
    if kind == "shirt":
        p, m, s = choose((0.22, upright), (0.24, checks), (0.08, dots), (0.14, flowers))
        silk = rng.random() < 0.25
        if rng.random() < 0.12 and p == "plain":
            return make(p, m, "denim", "denim", 0.12)
        return make(p, m, "silk" if silk else "cotton", "satin" if silk else "poplin", s)
    if kind == "knit":
        p, m, s = choose((0.34, stripes), (0.05, dots))
        weave = pick(rng, ("knit", "cable", "rib")) if p == "plain" else "knit"
        return make(p, m, pick(rng, ("knit", "wool")), weave, max(s, 0.09))
    if kind == "hoodie":
        p, m, s = choose((0.10, stripes), (0.12, cloud))
        return make(p, m, "cotton", "fleece", s)
    if kind in ("jacket", "vest"):
        material, weave = (
            ("leather", "leather"),
            ("denim", "denim"),
            ("wool", "tweed"),
            ("synthetic", "nylon"),
            ("cotton", "corduroy"),
        )[int(rng.integers(5))]
        p, m, s = choose((0.35, checks)) if weave == "tweed" else plain
        return make(p, m, material, weave, s)
    if kind == "coat":
        material, weave = (
            ("wool", "tweed"),
            ("wool", "fleece"),
            ("cotton", "poplin"),
            ("leather", "leather"),
        )[int(rng.integers(4))]
        p, m, s = choose((0.40, checks)) if weave == "tweed" else plain
        return make(p, m, material, weave, s)
    if "dress" in kind or kind == "jumpsuit":
        if rng.random() < 0.10:
            return make("plain", "", "sequin", "sequin", 0.14)
        p, m, s = choose(
            (0.30, flowers),
            (0.12, dots),
            (0.08, upright),
            (0.08, checks),
            (0.05, animal),
            (0.05, stripes),
        )
        silk = rng.random() < 0.35
        return make(p, m, "silk" if silk else "cotton", "satin" if silk else "poplin", s)
    if "skirt" in kind:
        chance = rng.random()
        if chance < 0.15:
            return make("plain", "", "leather", "leather", 0.12)
        if chance < 0.30:
            return make("plain", "", "denim", "denim", 0.12)
        if chance < 0.38:
            return make("plain", "", "sequin", "sequin", 0.14)
        p, m, s = choose(
            (0.22, flowers), (0.22, checks), (0.10, dots), (0.08, animal), (0.06, upright)
        )
        silk = rng.random() < 0.4
        return make(p, m, "silk" if silk else "cotton", "satin" if silk else "poplin", s)
    if kind == "jeans":
        made = make("plain", "", "denim", "denim", 0.12)
        return replace(made, wash=float(rng.uniform(0, 0.9)))
    if kind in ("trousers", "shorts"):
        p, m, s = choose((0.14, checks), (0.10, upright), (0.05, cloud))
        material, weave = (
            ("cotton", "poplin"),
            ("wool", "fleece"),
            ("leather", "leather"),
            ("cotton", "corduroy"),
        )[int(rng.integers(4))]
        return make(p, m, material, weave if p == "plain" else "poplin", s)
    if kind == "scarf":
        p, m, s = choose((0.35, checks), (0.25, stripes), (0.10, flowers))
        return make(p, m, "wool", "tweed" if p != "plain" else "knit", max(s, 0.08))
    if kind == "hat":
        return make("plain", "", "wool", "knit", 0.10)
    p, m, s = choose((0.12, stripes), (0.10, checks))
    leather = rng.random() < 0.5
    return make(p, m, "leather" if leather else "cotton", "leather" if leather else "poplin", s)


def colour_for(rng: np.random.Generator, kind: str) -> str:
    """A main colour: neutrals lead, brights follow."""
    if kind == "jeans":
        return pick(rng, ("navy", "blue", "blue", "black", "grey"))
    neutral = {"coat": 0.65, "jacket": 0.6, "trousers": 0.6, "shirt": 0.5}.get(kind, 0.35)
    return pick(rng, NEUTRAL if rng.random() < neutral else BRIGHT)

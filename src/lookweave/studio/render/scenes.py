"""Places by name: textured planes and boxes, and the light that belongs there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render import indoors, outdoors
from lookweave.studio.render.lights import gel
from lookweave.studio.render.scenery import Scene

_MAKERS = {
    "studio": indoors.studio, "coloured studio": indoors.coloured, "street": outdoors.street,
    "interior": indoors.interior, "beach": outdoors.beach, "night": outdoors.night,
    "runway": indoors.runway, "garden": outdoors.garden,
}  # fmt: skip
SCENES: tuple[str, ...] = tuple(_MAKERS)


def build(name: str, rng: np.random.Generator, light: float, gels: float = 0.0) -> Scene:
    """Scene `name` in a random variation.

    `light` 0..1 is how dramatic its light may be, `gels` 0..1 how coloured.
    """
    if name not in _MAKERS:
        raise ValueError(f"no scene {name!r}; there are {', '.join(_MAKERS)}")
    rolls = rng.random(5)
    scene = _MAKERS[name](rng, light)
    return replace(scene, lighting=gel(scene.lighting, rolls, gels))

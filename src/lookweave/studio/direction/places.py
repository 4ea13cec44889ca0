"""Which variation of a rendered place has the colours of a palette."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lookweave.models.colour import to_lab
from lookweave.studio.render import scenes
from lookweave.studio.render.fabrics import encode
from lookweave.studio.shoot.colours import difference
from lookweave.studio.shoot.record import Point

VARIATIONS = 24


def matching_seed(scene: str, palette: Sequence[Point]) -> int:
    """The seed, 0 to 23, of the variation of `scene` whose surfaces come nearest to `palette`:
    the mean, over the palette, of CIEDE2000 to the nearest of them."""
    if not palette:
        return 0
    wanted = np.array(palette)
    gaps = [
        float(difference(wanted[:, None], colours[None]).min(1).mean())
        for colours in (_colours(scene, seed) for seed in range(VARIATIONS))
    ]
    return int(np.argmin(gaps))


@cache
def _colours(scene: str, seed: int) -> NDArray[np.float64]:
    """CIELAB (N, 3) of what the variation is built of; made as the shoot's guide makes it."""
    built = scenes.build(scene, np.random.default_rng([seed, *scene.encode()]), 0.3)
    found = [np.asarray(built.backdrop, float)]
    for part in built.parts:
        if "base" in part.values:
            found.append(np.asarray(part.values["base"], float)[:3])
    levels = np.clip(np.round(encode(np.stack(found)) * 255), 0, 255).astype(np.uint8)
    return np.asarray(to_lab(np.unique(levels, axis=0)), float)

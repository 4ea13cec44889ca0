"""Photo-shoots: garments' product photos in, editorial pictures out, each control on its own.

::

    from lookweave.studio.shoot import shoot

    result = shoot("shirt.jpg", pose="walking", scene="beach", light="low sun", out="pictures")
    result.pictures[0].rows  # asked, got, error
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookweave.errors import InputError

if TYPE_CHECKING:
    from lookweave.studio.shoot.generator import Generator
    from lookweave.studio.shoot.job import Result
    from lookweave.studio.shoot.record import Control, Garment

__all__ = ["shoot"]


def shoot(
    garments: str | Path | Sequence[str | Path | Mapping[str, Any] | Garment],
    *,
    out: str | Path,
    count: int = 1,
    wearer: str | Mapping[str, Any] | Control | None = None,
    pose: str | Mapping[str, Any] | Control | None = None,
    camera: str | Mapping[str, Any] | Control | None = None,
    scene: str | Path | Mapping[str, Any] | Control | None = None,
    light: str | Mapping[str, Any] | Control | None = None,
    style: str | Mapping[str, Any] | Control | None = None,
    text: str = "",
    vary: Sequence[str] = (),
    size: tuple[int, int] = (512, 768),
    seed: int = 0,
    generator: Generator | str | None = None,
    cache: str | Path | None = None,
    done: Callable[[str], None] = lambda file: None,
) -> Result:
    """Make `count` pictures of people in `garments`, in the folder `out`.

    Args:
        garments: product photos, innermost first; one or several worn together.
        out: a folder, new or of the same shoot, which then goes on.
        wearer, pose, camera, scene, light, style: a name ("walking", "beach", "low sun"),
            values ("azimuth=40,kelvin=3200" or a mapping), words, a photograph (scene, style),
            labels of a rendered look (pose, light) or a record of `studio.shoot.record`.
        text: words; what is understood becomes controls, the rest stays a prompt.
        vary: the controls that change from picture to picture; none: those left open.
        size: width and height in pixels.
        generator: a backend or its name (`backends.cards`); None: the embedded one.
        cache: where fitted garments are kept; None: in `out`.

    Raises:
        InputError: a control, a photo or the folder cannot be used, or [studio] is missing.
        WorkError: a garment cannot be fitted well.
        ModelError: this machine cannot render.
    """
    try:
        from lookweave.studio.shoot import backends, job
    except ImportError as error:
        raise InputError(
            f"Photo-shoots need the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    asked = job.asked(
        garments, wearer=wearer, pose=pose, camera=camera, scene=scene, light=light, style=style,
        text=text, vary=vary, size=size, seed=seed,
    )  # fmt: skip
    if isinstance(generator, str):
        generator = backends.generator(generator)
    kept = None if cache is None else Path(cache)
    return job.run(asked, Path(out), count, generator=generator, cache=kept, done=done)

"""Pictures of what a model gets wrong: a mean says how often, and nobody learns how from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.models.protocols import Pixels

_COLUMNS = 8
_WIDTH = 12.0  # inches


@dataclass(frozen=True)
class Failure:
    """One thing that went wrong.

    Attributes:
        pixels: uint8 (h, w, 3).
        caption: what it is and what was said, a line each.
        weight: the largest are shown.
        outlines: bool (h, w) masks drawn upon it: first the true one, then the model's.
    """

    pixels: Pixels
    caption: str
    weight: float
    outlines: Sequence[NDArray[np.bool_]] = ()


@dataclass(frozen=True)
class Failures:
    """What went wrong among `tried` things.

    Attributes:
        what: of what kind they are, as "garments missed".
        each: in any order.
    """

    what: str
    tried: int
    each: Sequence[Failure]


def failures_path(record: Path) -> Path:
    """Where the picture of a model's failures lies: beside its record, or its page."""
    return record.with_name(f"{record.stem}-failures.jpg")


def failures_lines(page: Path) -> list[str]:
    """What a page says of the picture beside it; nothing where there is none."""
    picture = failures_path(page)
    if not picture.exists():
        return []
    return [
        "## Failures",
        "",
        "What it gets wrong, worst first; where there are outlines, the truth's are green, its own"
        " red. The title says on whose pictures: rendered ones stand for photographs that may not"
        " be shown, and are not what the figures above are of.",
        "",
        f"![what the {page.stem} gets wrong]({picture.name})",
        "",
    ]


def draw_failures(path: Path, failures: Failures, of: str, most: int = 24) -> None:
    """One picture of the weightiest, the true outline in green, the model's in red. Where nothing
    went wrong there is none, and an earlier one is removed.

    Args:
        of: whose pictures these are, for the title, as "test photos".
    """
    path.unlink(missing_ok=True)
    shown = sorted(failures.each, key=lambda one: -one.weight)[:most]
    if not shown:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = -(-len(shown) // _COLUMNS)
    tallest = max(one.pixels.shape[0] / one.pixels.shape[1] for one in shown)
    height = rows * (_WIDTH / _COLUMNS * min(tallest, 3) + 0.4) + 0.3
    figure, axes = pyplot.subplots(
        rows, _COLUMNS, squeeze=False, figsize=(_WIDTH, height), layout="constrained"
    )
    for cell in axes.flat:
        cell.set_axis_off()
    for cell, failure in zip(axes.flat, shown, strict=False):
        cell.imshow(failure.pixels)
        cell.set_title(failure.caption, fontsize=7)
        for outline, colour in zip(failure.outlines, ("lime", "red"), strict=False):
            if outline.any() and not outline.all():
                cell.contour(outline, [0.5], colors=colour, linewidths=1)
    figure.suptitle(
        f"{of}: {len(failures.each)} of {failures.tried} {failures.what}; the {len(shown)} worst"
        if len(shown) < len(failures.each)
        else f"{of}: {len(failures.each)} of {failures.tried} {failures.what}",
        fontsize=9,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, pil_kwargs={"quality": 85, "optimize": True})
    pyplot.close(figure)

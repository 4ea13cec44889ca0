"""The picture of a run: losses and qualities over its epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path


def draw_curves(path: Path, history: Sequence[Mapping[str, float]], title: str) -> None:
    """One picture: losses on the left axis, qualities (0..1) on the right, over epochs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, losses = pyplot.subplots(figsize=(7, 4), layout="constrained")
    qualities = losses.twinx()
    epochs = [row["epoch"] for row in history]
    names = [name for name in history[-1] if name not in {"epoch", "minutes", "rate"}]
    for number, name in enumerate(names):
        axis, style = (losses, "-") if "loss" in name else (qualities, "--")
        values = [row.get(name, math.nan) for row in history]
        axis.plot(epochs, values, style, color=f"C{number}", label=name)
    losses.set_xlabel("epoch")
    losses.set_ylabel("loss (solid)")
    qualities.set_ylabel("quality (dashed)")
    qualities.set_ylim(0, 1)
    losses.set_title(title)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)

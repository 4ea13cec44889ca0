"""One line that says how far a run is, how fast it goes and when it will end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[int, float, float, int], None]
"""(epoch, progress in 0..1, loss, images in the step) -> nothing."""


@contextmanager
def step_progress(title: str) -> Iterator[Report]:
    """A progress bar on stderr; stdout stays free for --json."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.1f}%  loss {task.fields[loss]:.3f}"),
        TextColumn("{task.fields[rate]:.1f} images/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=1.0, loss=0.0, rate=0.0)
        images = 0

        def report(epoch: int, done: float, loss: float, count: int) -> None:
            nonlocal images
            images += count
            elapsed = progress.tasks[0].elapsed or 1e-3
            progress.update(
                task, completed=done, description=f"{title}, epoch {epoch}", loss=loss,
                rate=images / elapsed,
            )  # fmt: skip

        yield report

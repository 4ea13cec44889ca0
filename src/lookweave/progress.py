"""Progress of long work on stderr: a bar with a rate and the time left, or plain lines.

stdout stays free for results, so `--json` prints one object and nothing else there.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from lookweave.text import visible

_PLAIN_SECONDS = 15.0
_TOLD_SECONDS = 0.5


@dataclass(frozen=True)
class Stage:
    """How far one task is.

    Attributes:
        unit: of `done` and `total`, such as ``photos``.
        seconds: since it began.
        ended: nothing follows any more.
    """

    name: str
    done: int
    total: int
    unit: str
    seconds: float
    ended: bool = False


class Progress:
    """Shows one task at a time; a context manager.

    On a terminal a live bar; elsewhere (a log file, a pipe) a line at the start and end of each
    task and every fifteen seconds between.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(file=sys.stderr, highlight=False)
        self._live = self._console.is_terminal and not quiet
        self._bar = RichProgress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            _Rate(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._live,
        )
        self._listener: Callable[[Stage], object] | None = None
        self._told = 0.0
        self._name, self._unit = "", ""
        self._total = self._done = 0
        self._began = self._said = 0.0

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def listen(self, listener: Callable[[Stage], object] | None) -> None:
        """Tell `listener` each task's start and end, and twice a second how far it is."""
        self._listener = listener

    def _tell(self, *, ended: bool = False) -> None:
        now = time.monotonic()
        self._told = now
        if self._listener is not None:
            seconds = now - self._began
            self._listener(Stage(self._name, self._done, self._total, self._unit, seconds, ended))

    def start(self, name: str, total: int, unit: str) -> None:
        self._name, self._unit, self._total, self._done = name, unit, total, 0
        self._began = self._said = time.monotonic()
        self._task = self._bar.add_task(name, total=total, unit=unit)
        self._tell()

    def advance(self, count: int) -> None:
        self._done += count
        self._bar.advance(self._task, count)
        now = time.monotonic()
        if now - self._told > _TOLD_SECONDS:
            self._tell()
        if not self._live and now - self._said > _PLAIN_SECONDS and self._done < self._total:
            self._said = now
            rate = self._done / (now - self._began)
            left = (self._total - self._done) / rate if rate else 0.0
            self.say(
                f"{self._name:<9} {self._done}/{self._total} {self._unit} "
                f"{rate:.1f}/s, {left:.0f} s left"
            )

    def end(self, remark: str = "") -> None:
        """Close the task; `remark` says what came of it."""
        seconds = time.monotonic() - self._began
        self._tell(ended=True)
        self._bar.remove_task(self._task)
        self.say(f"{self._name:<9} {self._done} {self._unit} in {seconds:.1f} s{remark}")

    def say(self, text: str) -> None:
        if not self._quiet:
            with contextlib.suppress(OSError):  # a stderr that is closed must not stop the work
                self._console.print(Text(visible(text)), soft_wrap=True)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} {task.fields['unit']}/s" if speed else "…", style="dim")

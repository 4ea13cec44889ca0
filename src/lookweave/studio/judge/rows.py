"""One probe of one picture, as a row of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MEASURED, BUILT, UNMEASURED = "measured", "by construction", "not measured"

FLOORS: dict[str, float] = {}
"""Probe -> its median error on renders whose truth is known (`benchmarks/probe_dials.py`)."""


@dataclass(frozen=True)
class Measure:
    """One probe of one picture.

    Attributes:
        control, probe: what was asked, and how it is looked at.
        unit: of what follows.
        asked, got: None where there is nothing to say.
        error: in `unit`, or None: nothing was asked, or not measured.
        how: ``measured`` in the picture, ``by construction``, or ``not measured``.
        floor: the probe's own error where the truth is known; a smaller error says nothing.
        note: why it was not measured, or what it depends on.
    """

    control: str
    probe: str
    unit: str
    asked: Any
    got: Any
    error: float | None
    how: str
    floor: float | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        return asdict(self)


def measured(
    control: str, probe: str, unit: str, asked: Any, got: Any, error: float | None, note: str = ""
) -> Measure:
    """A row of what was looked up in the picture."""
    told = None if error is None else round(error, 3)
    return Measure(control, probe, unit, asked, got, told, MEASURED, FLOORS.get(probe), note)


def unmeasured(control: str, probe: str, unit: str, note: str) -> Measure:
    """A row that says why there is no figure."""
    return Measure(control, probe, unit, None, None, None, UNMEASURED, None, note)


def text_of(value: Any) -> str:
    """A value of a table, short."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(text_of(one) for one in value)
    return str(value)

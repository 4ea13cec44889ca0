"""The dictionary of the trade's words, which ships as data (`trade.toml`)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from lookweave.models.colour import to_lab

Point = tuple[float, float, float]
_DENIED = re.compile(r"(?:\b(?:no|not|without|never|except|avoid)|n't)(?:\s+\w+)?\s*$", re.I)


@dataclass(frozen=True)
class Look:
    """What one entry of the dictionary asks for; what it leaves open is empty or None."""

    words: tuple[str, ...]
    era: str = ""
    styles: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    lights: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    poses: tuple[str, ...] = ()
    grade: str | None = None
    contrast: float | None = None
    grain: float | None = None


@dataclass(frozen=True)
class Known:
    """A stretch of a text that the dictionary knows: an entry, or a colour's code."""

    words: str
    span: tuple[int, int]
    look: Look | None = None
    colour: str | None = None


@cache
def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("trade.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def looks() -> tuple[Look, ...]:
    """All entries, in the order of the file."""

    def entry(values: dict[str, Any]) -> Look:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return Look(**fields)

    return tuple(entry(one) for one in _data()["looks"])


def of(table: str, name: str) -> dict[str, Any]:
    """What the dictionary says of a place (`scenes`), light (`lights`) or category (`garments`)."""
    found: dict[str, Any] = _data()[table].get(name, {})
    return found


def pose_line(name: str) -> str:
    """What somebody in this pose does, as a verb phrase."""
    return str(_data()["poses"][name])


def read(text: str) -> list[Known]:
    """What the dictionary knows of `text`, in the order of the text; of two that overlap the
    longer, and nothing under a negation ("no neon")."""
    low, hits = text.lower(), []
    for pattern, look, colour in _patterns():
        hits += [Known(text[m.start() : m.end()], m.span(), look, colour)
                 for m in pattern.finditer(low)]  # fmt: skip
    hits.sort(key=lambda hit: (hit.span[0] - hit.span[1], hit.span[0]))
    kept: list[Known] = []
    for hit in hits:
        start, end = hit.span
        clear = all(end <= a or start >= b for a, b in (other.span for other in kept))
        if clear and not _DENIED.search(text[:start]):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.span)


@cache
def _patterns() -> list[tuple[re.Pattern[str], Look | None, str | None]]:
    def whole(words: str) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w'-]){re.escape(words)}(?![\w'-])")

    found: list[tuple[re.Pattern[str], Look | None, str | None]] = []
    for look in looks():
        found += [(whole(words), look, None) for words in look.words]
    return found + [(whole(name), None, code) for name, code in _data()["colours"].items()]


def lab(code: str) -> Point:
    """CIELAB of an sRGB code such as "#c2268f", to a tenth."""
    pixel = np.array([[int(code[k : k + 2], 16) for k in (1, 3, 5)]], np.uint8)
    level, a, b = (round(float(v), 1) for v in to_lab(pixel)[0])
    return (level, a, b)


@cache
def _named() -> tuple[tuple[str, ...], Any]:
    names = tuple(_data()["colours"])
    return names, np.array([lab(_data()["colours"][name]) for name in names])


def colour_name(point: Point) -> str:
    """The trade's nearest name for a CIELAB colour."""
    from lookweave.studio.shoot.colours import difference

    names, points = _named()
    return names[int(np.argmin(difference(np.array(point), points)))]

"""Charts as inline SVG.

Drawn here rather than by a library: what is needed are bars, whiskers and dots that take the
page's colours (so that both themes and paper work), need no script, and weigh a kilobyte.
Colours and type come from the page's style sheet by class. Every chart has a title and a
description for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from lookweave.evaluate.verdicts import Precision
from lookweave.report.distributions import Histogram
from lookweave.report.judged import Bin

_WIDTH = 320
_WIDE = 400


def histogram(
    values: Histogram, row: str, title: str, *, top: float | None = None, height: int = 96
) -> Markup:
    """Bars of one distribution with a line at its mean.

    Args:
        row: class of the bars: a tier or ``all``.
        top: share of the values that fills the height; charts side by side share it.
    """
    total = values.total or 1
    top = top or max(values.counts) / total
    first, last = values.edges[0], values.edges[-1]
    base = height - 18

    def x(value: float) -> float:
        return _WIDTH * (value - first) / (last - first)

    bars = [
        _tag(
            "rect",
            x=x(values.edges[i]) + 0.5,
            y=base - (base - 6) * min(1.0, count / total / top),
            width=max(0.5, x(values.edges[i + 1]) - x(values.edges[i]) - 1),
            height=max(1.0, (base - 6) * min(1.0, count / total / top)),
            class_=f"bar {row}",
        )
        for i, count in enumerate(values.counts)
        if count
    ]
    mean = x(min(max(values.mean, first), last))
    return _svg(
        _WIDTH, height, title,
        f"{values.total:,} values from {first:.2f} to {last:.2f}, mean {values.mean:.2f}.",
        [*bars, _line(0, base, _WIDTH, base, "axis"), _line(mean, 2, mean, base, "mean"),
         *_scale(first, last, x, height)],
    )  # fmt: skip


def precision_intervals(rows: Sequence[Precision], title: str) -> Markup:
    """A dot and its 95 % interval for each tier, on 0..100 %."""
    left, right, step = 76, 16, 44
    height = step * len(rows) + 26
    base = height - 22

    def x(value: float) -> float:
        return left + (_WIDE - left - right) * value

    marks: list[Markup] = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        marks.append(_line(x(share), 4, x(share), base, "grid"))
        marks.append(_text(x(share), height - 6, _percent(share), "tick", "middle"))
    for i, row in enumerate(rows):
        y = 4 + step * i + step / 2
        low, high = row.interval
        marks.append(_text(0, y + 4, row.tier.capitalize(), "label"))
        marks.append(_line(x(low), y, x(high), y, f"whisker {row.tier}"))
        marks.append(_tag("circle", cx=x(row.value), cy=y, r=6, class_=f"dot {row.tier}"))
    said = "; ".join(
        f"{row.tier} {_percent(row.value)} of {row.judged}, interval {_percent(low)} to "
        f"{_percent(high)}"
        for row in rows
        for low, high in [row.interval]
    )
    return _svg(_WIDE, height, title, said + ".", marks)


def reliability(bins: Sequence[Bin], title: str) -> Markup:
    """What was promised (across) against what came true (up), with 95 % intervals."""
    side, left, bottom = 320, 38, 34

    def x(value: float) -> float:
        return left + (side - left - 10) * value

    def y(value: float) -> float:
        return 10 + (side - bottom - 10) * (1 - value)

    marks = [_line(x(0), y(0), x(1), y(1), "ideal")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        marks.append(_line(x(0), y(share), x(1), y(share), "grid"))
        marks.append(_text(left - 6, y(share) + 4, _percent(share), "tick", "end"))
        marks.append(_text(x(share), side - 18, _percent(share), "tick", "middle"))
    most = max(each.judged for each in bins)
    for each in bins:
        low, high = each.interval
        at = x(each.predicted)
        marks.append(_line(at, y(low), at, y(high), "whisker high"))
        radius = 3 + 5 * math.sqrt(each.judged / most)
        marks.append(_tag("circle", cx=at, cy=y(each.observed), r=radius, class_="dot high"))
    marks.append(_text(x(0.5), side - 2, "probability given", "tick", "middle"))
    said = "; ".join(
        f"given {_percent(each.predicted)}, true {_percent(each.observed)} of {each.judged}"
        for each in bins
    )
    return _svg(side, side, title, said + ".", marks, "square")


def occurrences(counts: dict[int, int], title: str, height: int = 150) -> Markup:
    """How many regions are among the best matches of how many garments; log scale upwards."""
    largest = max(counts)
    width = max(1, math.ceil((largest + 1) / 40))
    bars: dict[int, int] = {}
    for value, number in counts.items():
        bars[value // width] = bars.get(value // width, 0) + number
    base, count = height - 20, largest // width + 1
    top = math.log10(max(bars.values()) + 1)
    step = (_WIDE) / count
    marks: list[Markup] = []
    for place, number in sorted(bars.items()):
        tall = max(1.5, (base - 18) * math.log10(number + 1) / top)
        x, thick = place * step + 0.5, max(0.8, min(step - 1, 40))
        marks.append(
            _tag("rect", x=x, y=base - tall, width=thick, height=tall, class_="bar medium")
        )
        if count <= 16:
            middle = x + thick / 2
            marks.append(_text(middle, base - tall - 4, f"{number:,}", "tick", "middle"))
            marks.append(_text(middle, height - 5, str(place * width), "tick", "middle"))
    if count > 16:
        marks += [
            _text(0, height - 5, "0", "tick"),
            _text(_WIDE, height - 5, str(largest), "tick", "end"),
        ]
    marks.append(_line(0, base, _WIDE, base, "axis"))
    said = f"{sum(counts.values()):,} regions; {counts.get(0, 0):,} never, one {largest:,} times."
    return _svg(_WIDE, height, title, said, marks, "low-wide")


def _scale(first: float, last: float, x: Callable[[float], float], height: int) -> list[Markup]:
    middle = (first + last) / 2
    return [
        _text(0, height - 4, _decimal(first), "tick"),
        _text(x(middle), height - 4, _decimal(middle), "tick", "middle"),
        _text(_WIDTH, height - 4, _decimal(last), "tick", "end"),
    ]


def _svg(
    width: float, height: float, title: str, said: str, marks: Sequence[Markup], name: str = ""
) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(
        f"chart {name}".strip(), _number(width), _number(height), f"{title}: {said}",
        Markup("").join(marks),
    )  # fmt: skip


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> Markup:
    return _tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=name)


def _text(x: float, y: float, words: str, name: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        _number(x), _number(y), name, anchor, words
    )


def _tag(tag: str, **attributes: object) -> Markup:
    inside = Markup(" ").join(
        Markup('{}="{}"').format(name.rstrip("_"), _number(value))
        for name, value in attributes.items()
    )
    return Markup("<{} {}/>").format(Markup(escape(tag)), inside)


def _percent(value: float) -> str:
    return f"{100 * value:.0f}\u202f%"


def _decimal(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _number(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value

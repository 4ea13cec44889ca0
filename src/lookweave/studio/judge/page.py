"""Judged pictures as one HTML page that needs nothing else, with a table below each."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from lookweave.models.protocols import Pixels
from lookweave.studio.judge.identity import Own
from lookweave.studio.judge.pictures import Judgement, shown_as
from lookweave.studio.judge.rows import MEASURED, UNMEASURED, Measure, text_of
from lookweave.text import html

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #1d1d1f; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; overflow-wrap: anywhere }
figure { margin: 0 } img { max-width: 100%; border-radius: 4px }
.garments { display: flex; gap: 1rem; flex-wrap: wrap } .garments img { max-height: 160px }
.one { display: grid; grid-template-columns: minmax(160px, 260px) 1fr; gap: 1.2rem;
  border-top: 1px solid #ddd; padding: 1.2rem 0 }
table { border-collapse: collapse; width: 100%; font-size: .86rem } .scroll { overflow-x: auto }
td, th { text-align: left; padding: .18rem .6rem .18rem 0; vertical-align: top }
th { border-bottom: 1px solid #bbb } td.number { font-variant-numeric: tabular-nums }
tr.not td { color: #6a6a6e } .note { color: #55555a }
@media (max-width: 640px) { .one { grid-template-columns: 1fr } }
"""


def page(
    judged: Sequence[Judgement], owns: Sequence[Own], rejects: Sequence[dict[str, str]]
) -> str:
    """The page."""
    garments = "".join(
        f'<figure><img src="{_data(own.photo, 320)}" alt="{html(own.name)}">'
        f"<figcaption>{html(own.name)}</figcaption></figure>"
        for own in owns
    )
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Judged pictures</title><style>{_STYLE}</style></head><body>"
        f"<h1>{len(judged)} pictures against {len(owns)} garments</h1>"
        f'<div class="garments">{garments}</div>'
        '<p class="note">Got is what a probe found in the picture. A small error below the '
        "probe's own (its floor) says nothing. Lines in grey were not measured.</p>"
    ]
    parts += [_one(one) for one in judged]
    if rejects:
        lines = "".join(
            f"<li>{html(one['file'])}: {html(one['detail'])} ({html(one['reason'])})</li>"
            for one in rejects
        )
        parts.append(f"<h2>Not looked at</h2><ul>{lines}</ul>")
    return "".join([*parts, "</body></html>"])


def _one(one: Judgement) -> str:
    small = shown_as(one.path, 520)
    image = "" if small is None else f'<img src="{_data(small, 520)}" alt="{html(one.path.name)}">'
    lines = "".join(_line(row) for row in one.rows)
    return (
        f'<section class="one"><figure>{image}</figure><div><h2>{html(one.path)}</h2>'
        '<div class="scroll"><table><tr><th>probe</th><th>asked</th><th>got</th><th>error</th>'
        f"<th>floor</th><th></th></tr>{lines}</table></div></div></section>"
    )


def _line(row: Measure) -> str:
    kind = ' class="not"' if row.how == UNMEASURED else ""
    said = "" if row.how == MEASURED else row.how
    said = "; ".join(part for part in (said, row.note) if part)
    cells = "".join(
        f'<td class="number">{html(text_of(value))}</td>'
        for value in (row.asked, row.got, row.error, row.floor)
    )
    unit = f' <span class="note">{html(row.unit)}</span>' if row.unit else ""
    name = f"{html(row.control)}: {html(row.probe)}{unit}"
    return f'<tr{kind}><td>{name}</td>{cells}<td class="note">{html(said)}</td></tr>'


def _data(pixels: Pixels, side: int) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"


def captions(one: Judgement) -> list[str]:
    """A few lines for the contact sheet."""
    lines = [one.path.name]
    for row in one.rows:
        if row.how == MEASURED and row.error is not None and row.control == "garments":
            if "texture" not in row.probe:
                lines.append(f"{row.probe}: {row.error:g}")
        elif row.probe in ("direction", "outline", "technical and composition index"):
            value = row.got if row.probe != "direction" else row.error
            said = "not measured" if row.how == UNMEASURED else text_of(value)
            lines.append(f"{row.control}, {row.probe.split(' index')[0]}: {said}")
    return lines


def write(
    judged: Sequence[Judgement], owns: Sequence[Own], rejects: Sequence[dict[str, str]], out: Path
) -> Path:
    """Write ``judge.html`` and ``contact-sheet.jpg`` in the folder `out`.

    Returns:
        Where the page is.
    """
    from lookweave.studio.shoot.sheet import CELL, MOST, contact_sheet

    out.mkdir(parents=True, exist_ok=True)
    where = out / "judge.html"
    where.write_text(page(judged, owns, rejects), encoding="utf-8")
    shown = [(one, shown_as(one.path, max(CELL))) for one in judged[:MOST]]
    there = [(one, pixels) for one, pixels in shown if pixels is not None]
    sheet = contact_sheet(
        [own.photo for own in owns], [pixels for _, pixels in there],
        [captions(one) for one, _ in there],
    )  # fmt: skip
    Image.fromarray(sheet).save(out / "contact-sheet.jpg", quality=90)
    return where

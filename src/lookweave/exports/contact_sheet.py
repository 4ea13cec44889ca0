"""A contact sheet: chosen photos on A4 pages, with what they are and where garments are."""

from __future__ import annotations

from typing import IO, Any

from PIL import Image

from lookweave.errors import UsageError
from lookweave.exports.bundle import picture_of
from lookweave.exports.selection import Gathered, Photo
from lookweave.store.workspace import Workspace
from lookweave.text import visible

_ACROSS, _DOWN = 4, 5
_MARGIN, _GAP, _CAPTION, _HEAD = 36.0, 10.0, 30.0, 24.0  # points
_FRAME = (1.0, 0.35, 0.12)


def write_sheet(workspace: Workspace, gathered: Gathered, to: IO[bytes]) -> None:
    """Write the PDF. The last line says how many photos were left out.

    Raises:
        UsageError: the extra ``serve`` is not installed.
    """
    try:
        from reportlab.lib.pagesizes import A4
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise UsageError(
            "A contact sheet needs the extra serve: pip install 'lookweave[serve]'."
        ) from error
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))  # it comes with reportlab
    width, height = A4
    canvas = Canvas(to, pagesize=A4, pageCompression=1, invariant=1)
    canvas.setTitle("Contact sheet")
    canvas.setCreator("Lookweave")
    across = (width - 2 * _MARGIN - (_ACROSS - 1) * _GAP) / _ACROSS
    down = (height - 2 * _MARGIN - _HEAD - (_DOWN - 1) * _GAP) / _DOWN
    each = _ACROSS * _DOWN
    pages = max(1, -(-len(gathered.photos) // each))
    for page in range(pages):
        canvas.setFont("Vera", 8)
        held = len(gathered.left_out)
        left = f" · {held} left out" if held else ""
        said = f"{len(gathered.photos)} photos{left} · page {page + 1} of {pages}"
        canvas.drawString(_MARGIN, height - _MARGIN, said)
        for place, photo in enumerate(gathered.photos[page * each : (page + 1) * each]):
            x = _MARGIN + (place % _ACROSS) * (across + _GAP)
            y = height - _MARGIN - _HEAD - (place // _ACROSS) * (down + _GAP) - down
            _cell(canvas, workspace, photo, (x, y, across, down))
        canvas.showPage()
    canvas.save()


def _cell(canvas: Any, workspace: Workspace, photo: Photo, where: tuple[float, ...]) -> None:
    from reportlab.lib.utils import ImageReader

    x, y, width, height = where
    file = picture_of(workspace, photo)
    if file is not None:
        with Image.open(file) as image:
            picture = image.convert("RGB")
        scale = min(width / picture.width, (height - _CAPTION) / picture.height)
        shown = (picture.width * scale, picture.height * scale)
        left, bottom = x + (width - shown[0]) / 2, y + _CAPTION
        canvas.drawImage(ImageReader(picture), left, bottom, *shown)
        canvas.setStrokeColorRGB(*_FRAME)
        for link in photo.links if photo.kind == "look" else ():
            one, top, other, under = link.box
            canvas.rect(
                left + one * shown[0], bottom + (1 - under) * shown[1],
                (other - one) * shown[0], (under - top) * shown[1],
            )  # fmt: skip
    skus = [one.sku for one in photo.products if one.sku]
    if photo.kind == "look":
        skus += [one.sku for link in photo.links for one in link.products if one.sku]
    row = photo.row
    said = [row.get(name) for name in ("brand", "season", "photographer")]
    credit = " · ".join(one for one in said if one)
    canvas.setFont("Vera", 6.5)
    lines = (row["title"] or row["name"], credit, ", ".join(dict.fromkeys(skus)))
    for number, text in enumerate(lines):
        canvas.drawString(x, y + _CAPTION - 9 - 9 * number, _fitting(canvas, text, width))


def _fitting(canvas: Any, text: str, width: float) -> str:
    """What fits, with signs that the font lacks as a box of their own."""
    shown = visible(text, one_line=True)
    while shown and canvas.stringWidth(shown, "Vera", 6.5) > width:
        shown = shown[:-2].rstrip("…") + "…" if len(shown) > 2 else ""
    return shown

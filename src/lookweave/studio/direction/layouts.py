"""Pages of a magazine from shots: a few typographic templates, set as a PDF for print.

Pages are 225 x 298 mm with 3 mm of bleed; frames are stated in millimetres from the trimmed
page's upper left corner. Text is shaped (kerning, ligatures) and hyphenated; fonts are embedded.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pikepdf
from PIL import Image, ImageCms
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from lookweave.errors import InputError
from lookweave.models.colour import to_lab
from lookweave.studio.direction import leaving
from lookweave.studio.direction.concept import palette_distance
from lookweave.studio.direction.measure import palette
from lookweave.studio.direction.record import write_text
from lookweave.studio.direction.shotlist import ROLES, Made
from lookweave.studio.shoot import label
from lookweave.studio.shoot.record import Shoot

WIDTH, HEIGHT, BLEED = 225.0, 298.0, 3.0
PDF, SCORE = "spread.pdf", "spread.json"
_SHARP = 200  # dots an inch; below it print looks soft
_FONTS = {"display": "bodoni-moda-400-normal", "text": "eb-garamond-400-normal",
          "italic": "eb-garamond-400-italic", "caption": "jost-400-normal"}  # fmt: skip

Frame = tuple[float, float, float, float]
_FULL: Frame = (-BLEED, -BLEED, WIDTH + 2 * BLEED, HEIGHT + 2 * BLEED)


@dataclass(frozen=True)
class Layout:
    """One page: frames of pictures (left, top, width, height, mm) and of text."""

    pictures: tuple[Frame, ...]
    title: Frame | None = None
    text: Frame | None = None
    captions: Frame = (18, 282, 189, 10)  # without width: told on the next page


LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "single": (
        Layout(((-BLEED, -BLEED, WIDTH + 2 * BLEED, 232 + BLEED),), (18, 240, 120, 30),
               (142, 243, 65, 34)),
    ),
    "double": (
        Layout((_FULL,), captions=(0, 0, 0, 0)),
        Layout(((100, 106, 107, 160),), (18, 22, 189, 44), (100, 68, 107, 34)),
    ),
    "story": (
        Layout((_FULL,), captions=(0, 0, 0, 0)),
        Layout(((100, 106, 107, 160),), (18, 22, 189, 44), (100, 68, 107, 34)),
        Layout(((18, 22, 92, 138), (115, 130, 92, 138))),
        Layout(((45, 36, 135, 202),)),
    ),
}  # fmt: skip
"""Template -> its pages."""


@dataclass(frozen=True)
class Story:
    """How the chosen pictures go together, 0..1 each.

    Attributes:
        consistency: 1 minus the mean CIEDE2000 between the pictures' palettes, of 40.
        variety: mean over pairs of: another pose (half), another crop (half).
        order: mean over neighbours of: roles in the order of a story (half), another crop (half).
    """

    consistency: float
    variety: float
    order: float


@dataclass(frozen=True)
class Spread:
    """A finished spread.

    Attributes:
        file: the PDF.
        layout: its template.
        pages: how many.
        shots: numbers of the shots shown, from 1.
        story: the score.
        dots_per_inch: of the softest picture in print.
        notes: what a printer or an art director must know.
        page: the same as a web page, its pictures inside.
        bundle: PDF, page, pictures and their recipes as a ZIP.
    """

    file: Path
    layout: str
    pages: int
    shots: tuple[int, ...]
    story: Story
    dots_per_inch: int
    notes: tuple[str, ...]
    page: Path
    bundle: Path

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        places = {name: str(getattr(self, name)) for name in ("file", "page", "bundle")}
        return {**asdict(self), **places, "shots": list(self.shots), "notes": list(self.notes)}


def spread(
    made: Made, out: Path, *, layout: str = "story", stars: Sequence[int] = (), title: str = "",
    credit: str = "",
) -> Spread:  # fmt: skip
    """Set the starred shots (numbers from 1; none: as many as fit, in order) as a PDF in `out`.

    Raises:
        InputError: the layout is unknown, there are too few pictures, a star has no picture, or
            a text has letters that the fonts lack.
    """
    if layout not in LAYOUTS:
        raise InputError(f"There is no layout {layout!r}; there are {', '.join(LAYOUTS)}.")
    pages = LAYOUTS[layout]
    needed = sum(len(page.pictures) for page in pages)
    have = [n for n, one in enumerate(made.pictures, 1) if one is not None]
    for number in stars:
        if number not in have:
            raise InputError(f"Shot {number} has no picture; there are {have}.")
    shown = list(stars) or have[:needed]
    if len(shown) != needed:
        raise InputError(f"The layout {layout} takes {needed} pictures, not {len(shown)}.")
    concept = made.shots.concept
    heading = title or concept.title
    _check(heading, "display")
    _check(credit, "caption")
    images = [Image.open(made.path(n - 1)).convert("RGB") for n in shown]
    told_of = label.joined([label.read(made.path(n - 1)) for n in shown])
    sentence = made_how(told_of, [made.shots.shots[n - 1].shoot for n in shown])
    _check(sentence, "caption")
    out.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    canvas = Canvas(
        buffer,
        pagesize=((WIDTH + 2 * BLEED) * mm, (HEIGHT + 2 * BLEED) * mm),
        invariant=1,
        initialFontName=_font("text"),
    )
    canvas.setTitle(heading)
    left, dots = list(zip(shown, images, strict=True)), []
    told: list[str] = []
    for page in pages:
        for frame in page.pictures:
            number, image = left.pop(0)
            dots.append(_draw(canvas, image, frame))
            told.append(f"Picture {number}, {made.shots.shots[number - 1].role}")
        caption = ". ".join((*told, credit)).strip(". ")
        _page_text(canvas, page, heading, concept.narrative, f"{caption}. {sentence}")
        if page.captions[2]:  # a page without room is told of on the next
            told = []
        canvas.showPage()
    canvas.save()
    _finish(buffer, out / PDF, heading, made.shots.digest(), told_of)
    notes = ["Colours are sRGB; ask the printer for a proof in its CMYK before printing."]
    if min(dots) < _SHARP:
        notes.append(
            f"The softest picture has {min(dots):.0f} dots an inch in print, below {_SHARP}: make "
            "the shots larger (--width, --height)."
        )
    result = Spread(
        out / PDF, layout, len(pages), tuple(shown), story(made, shown, images), round(min(dots)),
        tuple(notes), out / leaving.PAGE, out / leaving.BUNDLE,
    )  # fmt: skip
    leaving.write_page(
        made, shown, result.page, heading=heading, credit=credit, sentence=sentence, told=told_of
    )
    score = {**result.to_dict(), "file": PDF, "page": leaving.PAGE, "bundle": leaving.BUNDLE}
    leaving.write_bundle(made, shown, (result.file, result.page), score, result.bundle)
    write_text(out / SCORE, json.dumps(result.to_dict(), indent=1) + "\n")
    return result


def made_how(told: label.Label, shoots: Sequence[Shoot]) -> str:
    """The sentence that every page carries: how its pictures were made."""
    rendered = told.source_type == "compositeSynthetic"
    by = f" ({told.ai_system})" if told.ai_system else ""
    how = "Made picture: composed" if rendered else f"Made with AI{by}"
    if any(shoot.wearer.photo is not None for shoot in shoots):
        return f"{how} from product photos and a photo of the wearer, who agreed."
    return f"{how} from product photos; nobody shown exists."


def story(made: Made, shown: Sequence[int], images: Sequence[Image.Image]) -> Story:
    """The score of a story (`Story`)."""
    palettes = []
    for image in images:
        small = np.asarray(image.resize((64, 96)))
        palettes.append([lab for lab, _ in palette(to_lab(small.reshape(-1, 3)).astype(float))])
    shots = [made.shots.shots[n - 1] for n in shown]
    pairs = list(itertools.combinations(range(len(shots)), 2))
    if not pairs:
        return Story(1.0, 1.0, 1.0)
    gaps = [palette_distance(palettes[a], palettes[b]) for a, b in pairs]

    def differ(a: int, b: int) -> float:
        one, other = shots[a].shoot, shots[b].shoot
        pose = one.pose.name != other.pose.name
        return 0.5 * pose + 0.5 * (one.camera.crop != other.camera.crop)

    order = [
        0.5 * (ROLES.index(shots[k].role) < ROLES.index(shots[k + 1].role))
        + 0.5 * (shots[k].shoot.camera.crop != shots[k + 1].shoot.camera.crop)
        for k in range(len(shots) - 1)
    ]
    return Story(
        round(float(1 - np.clip(np.mean(gaps) / 40, 0, 1)), 3),
        round(float(np.mean([differ(a, b) for a, b in pairs])), 3), round(float(np.mean(order)), 3),
    )  # fmt: skip


def _draw(canvas: Canvas, image: Image.Image, frame: Frame) -> float:
    """Fill `frame`, the upper part of the picture kept; the dots an inch in print."""
    x, y, width, height = frame
    wanted = width / height
    wide, high = image.size
    if wide / high > wanted:
        cut_w, cut_h = round(high * wanted), high
    else:
        cut_w, cut_h = wide, round(wide / wanted)
    x0, y0 = (wide - cut_w) // 2, (high - cut_h) // 3
    cut = image.crop((x0, y0, x0 + cut_w, y0 + cut_h))
    bottom = HEIGHT + 2 * BLEED - (y + BLEED) - height
    canvas.drawImage(ImageReader(cut), (x + BLEED) * mm, bottom * mm, width * mm, height * mm)
    return cut_w / (width / 25.4)


def _page_text(
    canvas: Canvas, page: Layout, heading: str, narrative: Sequence[str], caption: str
) -> None:
    if page.title is not None:
        _set(canvas, heading, page.title, "display", 40, 44)
    if page.text is not None:
        _set(canvas, " ".join(narrative), page.text, "text", 11.5, 15)
    if page.captions[2]:
        _set(canvas, caption, page.captions, "caption", 6.8, 9)


def _set(canvas: Canvas, text: str, frame: Frame, font: str, size: float, lead: float) -> None:
    x, y, width, height = frame
    _check(text, font)
    while True:
        style = ParagraphStyle(
            font, fontName=_font(font), fontSize=size, leading=lead, shaping=1,
            textColor=HexColor("#1b1a19"), hyphenationLang="en_GB" if font == "text" else "",
            alignment=TA_JUSTIFY if font == "text" else 0,
        )  # fmt: skip
        paragraph = Paragraph(escape(text), style)
        _, needed = paragraph.wrap(width * mm, height * mm)
        if needed <= height * mm or size < 5.5:
            break
        size, lead = size * 0.92, lead * 0.92
    top = HEIGHT + 2 * BLEED - (y + BLEED)
    paragraph.drawOn(canvas, (x + BLEED) * mm, top * mm - needed)


@cache
def _font(use: str) -> str:
    name = _FONTS[use]
    held = resources.files(__package__).joinpath("fonts", f"{name}.ttf").read_bytes()
    pdfmetrics.registerFont(TTFont(name, io.BytesIO(held), shapable=True))
    return name


def _check(text: str, use: str) -> None:
    known = pdfmetrics.getFont(_font(use)).face.charToGlyph
    lost = sorted({letter for letter in text if ord(letter) not in known and letter != "\n"})
    if lost:
        raise InputError(f"The fonts have no {' '.join(lost)}: leave it out of {text!r}.")


def _finish(buffer: io.BytesIO, path: Path, heading: str, digest: str, told: label.Label) -> None:
    """Boxes for the printer, the colour space, and the label that says the pictures are made."""
    with pikepdf.open(buffer) as pdf:
        edge = BLEED * mm
        trim = [edge, edge, edge + WIDTH * mm, edge + HEIGHT * mm]
        for page in pdf.pages:
            page.trimbox = pikepdf.Array(trim)
            page["/BleedBox"] = page.mediabox
        made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        profile = made[:24] + bytes(12) + made[36:]  # without the hour it was made: equal files
        pdf.Root.OutputIntents = pikepdf.Array([pikepdf.Dictionary(
            Type=pikepdf.Name.OutputIntent, S=pikepdf.Name.GTS_PDFA1,
            OutputConditionIdentifier="sRGB", Info="sRGB IEC61966-2.1",
            DestOutputProfile=pdf.make_stream(profile, N=3),
        )])  # fmt: skip
        packet = label.packet(
            told.source_type, f"Spread: {heading}", digest, told.ai_system, told.prompt
        )
        stream = pdf.make_stream(packet, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        pdf.Root.Metadata = pdf.make_indirect(stream)
        partial = path.with_name(f".{path.name}.partial")
        pdf.save(partial, deterministic_id=True)
    partial.replace(path)

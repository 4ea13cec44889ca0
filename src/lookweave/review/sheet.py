"""An audit's sample as a sheet to fill in, and the verdicts that come back."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from jinja2 import Environment, PackageLoader
from PIL import Image

from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.report.pictures import Picture, PictureMaker, Source, sources
from lookweave.review.folding import relative_boxes
from lookweave.review.journal import MOST_AT_ONCE, Event, Journal
from lookweave.review.state import fold
from lookweave.sources import manifests
from lookweave.store import audits
from lookweave.store.audits import Pair, Sample
from lookweave.store.reviews import VERDICTS
from lookweave.store.workspace import Workspace, write_atomically
from lookweave.text import write_csv

SHEET = "sheet.csv"
_COLUMNS = ("number", "verdict", "note", "picture", "garment_file", "look_file", "garment", "look",
            "region", "audit")  # fmt: skip
_NEEDED = {"verdict", "garment", "look", "audit"}
_WORDS = {"yes": "same", **{name: name for name in VERDICTS}}
_SIDE = 420


def write_sheet(workspace: Workspace, setup: Setup, sample: Sample, folder: Path) -> None:
    """Write `SHEET`, a picture of each pair, and a page that shows them in a browser.

    A pair with a photo that may not be shown any more is left out; it counts as not judged.

    Raises:
        InputError: the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} holds something: name a new folder for the sheet.")
    garments = sources(workspace, "garment", (pair[0] for pair in sample.pairs))
    looks = sources(workspace, "look", (pair[1] for pair in sample.pairs))
    boxes = relative_boxes(
        workspace, setup.models.detector.key, (look for _, look, _ in sample.pairs)
    )
    maker = PictureMaker(workspace)
    (folder / "pictures").mkdir(parents=True)
    rows: list[dict[str, object]] = []
    for number, (garment, look, region) in enumerate(sample.pairs, start=1):
        product, photo = garments.get(garment), looks.get(look)
        box = boxes.get(look, {}).get(region)
        if product is None or photo is None or box is None:
            continue
        picture = _side_by_side(maker, product, photo, box)
        if picture is None:
            continue
        name = f"pictures/{number:04d}.webp"
        (folder / name).write_bytes(picture)
        rows.append(
            {"number": number, "verdict": "", "note": "", "picture": name,
             "garment_file": product.name, "look_file": photo.name, "garment": garment,
             "look": look, "region": region, "audit": sample.name}
        )  # fmt: skip
    with (folder / SHEET).open("w", encoding="utf-8", newline="") as file:
        write_csv(file, _COLUMNS, rows)
    environment = Environment(loader=PackageLoader("lookweave.review", "."), autoescape=True)
    page = environment.get_template("sheet.html.j2").render(name=sample.name, rows=rows)
    write_atomically(folder / "sheet.html", page.encode())


def read_sheet(workspace: Workspace, setup: Setup, path: Path, reviewer: str) -> tuple[Sample, int]:
    """Add a sheet's verdicts to the journal, as given by `reviewer`.

    The same sheet twice adds nothing; a verdict that was changed takes the place of the former.

    Returns:
        The sample, and how many verdicts were new.

    Raises:
        InputError: the file is no such sheet, a verdict is none, or a pair was not drawn.
    """
    if not reviewer.strip():
        raise InputError("Say whose verdicts these are: --reviewer NAME.")
    sample, said = _verdicts(workspace, path)
    boxes = relative_boxes(
        workspace, setup.models.detector.key, (look for _, look, _ in sample.pairs)
    )
    journal = Journal(workspace.path)
    state = fold(journal.events())
    events = []
    for (garment, look, region), (verdict, note) in said.items():
        box = boxes.get(look, {}).get(region)
        if box is None:
            raise InputError(
                f"{path}: the region {region} is not there any more, so the audit is of another "
                "state. Build with the detector of then, or audit anew."
            )
        before = [
            one for one in state.verdicts(garment, look, sample.name) if one.reviewer == reviewer
        ]
        if before and (before[-1].verdict, before[-1].note) == (verdict, note):
            continue
        left, top, right, bottom = box
        events.append(
            Event(
                str(uuid.uuid4()), reviewer, "verdict", garment, look, (left, top, right, bottom),
                verdict, region=region, note=note, queue=sample.name, inclusion=sample.inclusion,
            )
        )  # fmt: skip
    for start in range(0, len(events), MOST_AT_ONCE):
        journal.append(events[start : start + MOST_AT_ONCE])
    return sample, len(events)


def _verdicts(workspace: Workspace, path: Path) -> tuple[Sample, dict[Pair, tuple[str, str]]]:
    def header(names: Sequence[str]) -> int:
        return len(_NEEDED & {name.strip().lower() for name in names}) // len(_NEEDED)

    table = manifests.open_table(path, header)
    if absent := sorted(_NEEDED - {name.strip().lower() for name in table.columns}):
        raise InputError(f"{path} is no sheet of an audit: no column {' and '.join(absent)}.")
    known = {one.name: one for one in audits.samples(workspace)}
    found: dict[Pair, tuple[str, str]] = {}
    sample: Sample | None = None
    drawn: dict[tuple[str, str], Pair] = {}
    for row in manifests.rows(table):
        cells = {name.strip().lower(): value for name, value in row.cells.items()}
        word = str(cells.get("verdict") or "").strip().lower()
        audit = str(cells.get("audit") or "").strip()
        if row.problem or (audit and sample and audit != sample.name):
            raise InputError(f"{path}, line {row.line}: {row.problem or 'it is of another audit'}.")
        if sample is None:
            if audit not in known:
                raise InputError(f"{path}: this workspace has no audit {audit!r}.")
            sample = known[audit]
            drawn = {pair[:2]: pair for pair in sample.pairs}
        if not word:
            continue
        pair = drawn.get((str(cells.get("garment")), str(cells.get("look"))))
        if pair is None:
            raise InputError(f"{path}, line {row.line}: this pair was not drawn.")
        if word not in _WORDS:
            raise InputError(
                f"{path}, line {row.line}: a verdict is {', '.join(VERDICTS)}, not {word!r}."
            )
        found[pair] = (_WORDS[word], str(cells.get("note") or "").strip())
    if sample is None:
        raise InputError(f"{path} has no rows.")
    return sample, found


def _side_by_side(
    maker: PictureMaker, garment: Source, look: Source, box: Sequence[float]
) -> bytes | None:
    width, height = look.width, look.height
    place = [box[0] * width, box[1] * height, box[2] * width, box[3] * height]
    crop, whole = maker.region(look, place, _SIDE)
    shown = [maker.whole(garment, _SIDE), crop, whole]
    images = [_pixels(one) for one in shown if one is not None]
    if len(images) < len(shown):
        return None
    page = Image.new("RGB", (sum(one.width for one in images) + 2 * 12, _SIDE), "white")
    left = 0
    for image in images:
        page.paste(image, (left, 0))
        left += image.width + 12
    out = BytesIO()
    page.save(out, "WEBP", quality=80)
    return out.getvalue()


def _pixels(picture: Picture) -> Image.Image:
    data = base64.b64decode(picture.uri.partition(",")[2])
    image = Image.open(BytesIO(data)).convert("RGB")
    return image.resize((max(1, round(image.width * _SIDE / image.height)), _SIDE))

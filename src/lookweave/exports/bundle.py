"""Chosen photos as files for others: a table, JSON, a contact sheet, copies of the photos."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lookweave.errors import InputError, Rejected
from lookweave.exports import xmp
from lookweave.exports.selection import Gathered, LeftOut, Photo
from lookweave.photos import Limits
from lookweave.publish.images import source_bytes
from lookweave.store.products import Product
from lookweave.store.workspace import Workspace
from lookweave.text import to_json, write_csv

FORMS = ("csv", "json", "pdf", "zip")
"""What one file may be; copies of photos may also go to a folder."""

_COLUMNS = (
    "kind", "id", "name", "file", "title", "brand", "season", "photographer", "shoot", "rights",
    "width", "height", "skus", "gtins", "links",
)  # fmt: skip
_EXTENSIONS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "GIF": ".gif",
               "AVIF": ".avif", "BMP": ".bmp", "HEIF": ".heic"}  # fmt: skip
_NOT_HERE = (
    "Its file is not on this machine any more, or has other bytes: bring it back, or build with "
    "--copy."
)
_MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf",
          "zip": "application/zip"}  # fmt: skip

Add = Callable[[str, bytes], None]


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        to: file or folder.
        photos: how many are in it.
        left_out: those that are not, and why.
        beside: photos whose metadata lies in an ``.xmp`` file beside them.
    """

    to: str
    photos: int
    left_out: tuple[LeftOut, ...]
    beside: int = 0

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> photos left out."""
        return Gathered(left_out=list(self.left_out)).reasons

    def to_dict(self) -> dict[str, Any]:
        """As ``lookweave export --json`` prints it."""
        return {"to": self.to, "photos": self.photos, "beside": self.beside,
                "left_out": [asdict(one) for one in self.left_out]}  # fmt: skip


def media_type(form: str) -> str:
    """Of a form, for HTTP."""
    return _MEDIA[form]


def write(
    workspace: Workspace, gathered: Gathered, form: str, to: IO[bytes], *, metadata: bool = True
) -> Export:
    """Write one file.

    Args:
        form: of `FORMS`.
        metadata: in a ZIP, write articles and their places into the copies (`xmp`); otherwise
            they are the photos' own bytes.

    Raises:
        InputError: there is no such form.
        UsageError: a contact sheet needs the extra ``serve``.
    """
    if form not in FORMS:
        raise InputError(f"There is no form {form!r}: {', '.join(FORMS)}.")
    if form == "zip":
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:

            def add(name: str, data: bytes) -> None:
                entry = zipfile.ZipInfo(name)  # the same photos give the same bytes
                packed = name.endswith((".csv", ".json", ".xmp"))
                entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, data)

            return _copies(workspace, gathered, add, metadata)
    if form == "csv":
        to.write(_csv([_row(one) for one in gathered.photos], _COLUMNS))
    elif form == "json":
        to.write(_json(gathered, {}))
    else:
        from lookweave.exports.contact_sheet import write_sheet

        write_sheet(workspace, gathered, to)
    return Export("", len(gathered.photos), tuple(gathered.left_out))


def write_folder(
    workspace: Workspace, gathered: Gathered, folder: Path, *, metadata: bool = True
) -> Export:
    """Write copies and tables to a folder that is new or empty.

    Raises:
        InputError: it is neither, or it cannot be written to.
    """
    try:
        folder.mkdir(exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty: name a new folder.")

        def add(name: str, data: bytes) -> None:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

        done = _copies(workspace, gathered, add, metadata)
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror}.") from error
    return Export(str(folder), done.photos, done.left_out, done.beside)


def _copies(workspace: Workspace, gathered: Gathered, add: Add, metadata: bool) -> Export:
    left_out, rows, files, beside = list(gathered.left_out), [], {}, 0
    kept: list[Photo] = []
    for photo in gathered.photos:
        try:
            data = source_bytes(workspace, photo.row, Limits())
        except Rejected:
            left_out.append(LeftOut(photo.kind, photo.id, photo.row["name"], "not_here", _NOT_HERE))
            continue
        name = f"photos/{_file_name(photo)}"
        if metadata and (packet := _packet(photo, data)) is not None:
            written = xmp.embedded(data, packet)
            if written is None:
                add(str(PurePosixPath(name).with_suffix(".xmp")), packet)
                beside += 1
            data = written or data
        add(name, data)
        kept.append(photo)
        files[photo.kind, photo.id] = name
        rows.append({**_row(photo), "file": name})
    add("photos.csv", _csv(rows, _COLUMNS))
    add("photos.json", _json(Gathered(kept, left_out), files))
    if left_out:
        add("left-out.csv", _csv([asdict(one) for one in left_out], _LEFT_OUT))
    return Export("", len(kept), tuple(left_out), beside)


_LEFT_OUT = ("kind", "id", "name", "reason", "detail")


def _packet(photo: Photo, data: bytes) -> bytes | None:
    """What is known of a photo, joined to the packet it has; None where nothing is known."""
    places: dict[tuple[str, tuple[float, ...]], list[xmp.ProductNote]] = {}
    if photo.kind == "look":
        for link in photo.links:
            key = (link.region, tuple(link.box))
            places.setdefault(key, []).extend(map(_note, link.products))
        for notes in places.values():
            notes[:] = list(dict.fromkeys(notes))
        shown = [note for notes in places.values() for note in notes]
    else:
        shown = [_note(one) for one in photo.products]
    regions = [
        xmp.RegionNote(region or _place_id(photo, box), box, tuple(notes))  # type: ignore[arg-type]
        for (region, box), notes in places.items()
        if notes
    ]
    if not shown:
        return None
    products = list(dict.fromkeys(shown))
    try:
        return xmp.packet(products, regions, xmp.read(data))
    except ValueError:  # what the photo has is no XMP: ours takes its place
        return xmp.packet(products, regions)


def _place_id(photo: Photo, box: tuple[float, ...]) -> str:
    edges = ",".join(f"{edge:.4f}" for edge in box)
    return f"{photo.id}:{hashlib.sha256(edges.encode()).hexdigest()[:12]}"


def _note(product: Product) -> xmp.ProductNote:
    said = (product.brand, product.category, product.colour, product.size)
    return xmp.ProductNote(
        product.title or product.sku or "", product.gtin or "",
        ", ".join(one for one in said if one), product.sku or product.id,
    )  # fmt: skip


def _file_name(photo: Photo) -> str:
    """Letters, digits and hyphens; a GTIN of 14 digits first, as GS1 names files, where there is
    exactly one."""
    stem = PurePosixPath(photo.row["name"].replace("\\", "/")).stem
    plain = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:60] or "photo"
    gtins = {one.gtin for one in photo.products if one.gtin and re.fullmatch(r"\d{8,14}", one.gtin)}
    first = f"{gtins.pop().zfill(14)}_" if len(gtins) == 1 else ""
    end = _EXTENSIONS.get(photo.row["format"] or "", ".bin")
    return f"{first}{plain}-{photo.id[:8]}-{photo.kind}{end}"


def _row(photo: Photo) -> dict[str, Any]:
    products = photo.products
    return {
        **{name: photo.row.get(name) for name in _COLUMNS},
        "kind": photo.kind, "file": "",
        "skus": "; ".join(one.sku for one in products if one.sku),
        "gtins": "; ".join(one.gtin for one in products if one.gtin),
        "links": "; ".join(_link(photo, one) for one in photo.links),
    }  # fmt: skip


def _link(photo: Photo, link: Any) -> str:
    other = link.garment if photo.kind == "look" else link.look
    skus = "/".join(one.sku for one in link.products if one.sku)
    named = f"{skus} " if skus and photo.kind == "look" else ""
    return f"{named}{other} at {','.join(f'{edge:.4f}' for edge in link.box)} by {link.by}"


def _json(gathered: Gathered, files: dict[tuple[str, str], str]) -> bytes:
    fields = ("id", "sku", "gtin", "title", "brand", "style", "colour", "size", "category", "price",
              "currency", "url")  # fmt: skip

    def told(product: Product) -> dict[str, Any]:
        return {name: getattr(product, name) for name in fields}

    photos = [
        {
            **{name: one.row.get(name) for name in _COLUMNS[:-3] if name in one.row},
            "kind": one.kind,
            **({"file": files[one.kind, one.id]} if files else {}),
            "products": [told(product) for product in one.products],
            "links": [
                {"garment": link.garment, "look": link.look, "region": link.region or None,
                 "box": list(link.box), "by": link.by,
                 "products": [told(product) for product in link.products]}
                for link in one.links
            ],
        }
        for one in gathered.photos
    ]  # fmt: skip
    left_out = [asdict(one) for one in gathered.left_out]
    return to_json({"photos": photos, "left_out": left_out}, indent=1).encode()


def _csv(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> bytes:
    out = StringIO(newline="")
    write_csv(out, columns, rows)
    return out.getvalue().encode("utf-8", "backslashreplace")


@contextmanager
def whole_file(to: Path) -> Iterator[IO[bytes]]:
    """A file to write to, that takes the place of `to` when all of it is written.

    Raises:
        InputError: it cannot be written.
    """
    partial = to.with_name(f".{to.name}.partial")
    try:
        try:
            with partial.open("wb") as file:
                yield file
            partial.replace(to)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{to} cannot be written: {error.strerror}.") from error


def picture_of(workspace: Workspace, photo: Photo) -> BytesIO | None:
    """The photo's thumbnail; None where there is none."""
    try:
        return BytesIO(workspace.thumbnail_path(photo.id).read_bytes())
    except OSError:
        return None

"""From what a cell says to files and addresses."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from lookweave.errors import InputError, Rejected
from lookweave.sources import photo_files
from lookweave.sources.column_names import words
from lookweave.sources.source import Notices, is_address
from lookweave.sources.values import is_no

MEDIA_ROOTS = (
    "pub/media/catalog/product", "media/catalog/product", "catalog/product", "pub/media", "media",
    "media/import", "pub/media/import", "var/import/images", "import", "wp-content/uploads",
    "uploads", "images", "img", "files",
)  # fmt: skip
"""Folders where shops keep the pictures that their exports name from there on."""

HELD_IN_CELL = "The cell holds the picture itself (data:): save it to a file and name that."

_NONE = ("no_selection", "no image", "no picture", "no photo")  # Magento writes the first

_MOST_FILES = 1_000_000  # looked through for names, where no path fits
_DOMAINS = words(
    """
    com net org io co eu de at ch fr be nl lu uk ie it es pt pl cz se no dk fi us ca au nz
    jp cn kr in br mx ru tr shop store cloud app dev info biz fashion style
    """
)
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=//)")
_HOST = re.compile(r"(?:[A-Za-z0-9-]+\.)+([A-Za-z]{2,})(?::\d+)?/.")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\|//[^/]+/")
_NEXT_ADDRESS = re.compile(r"\s*[,;|\n]\s*(?=(?:https?:)?//)|\s+(?=https?://)", re.IGNORECASE)
_DICTIONARY_KEYS = ("url", "src", "path", "link", "href", "file", "file_name", "filename", "image")


def looks_like_picture(text: str) -> bool:
    """Whether a text looks like a picture's file name or an address."""
    text = text.strip()
    if is_address(text) or text.startswith("//"):
        return True
    return photo_files.has_image_suffix(text)


def split_cell(value: Any, *, several: bool = False) -> list[str]:
    """The pictures that a cell names.

    Args:
        value: text, a list, or a dictionary with a path or address.
        several: the column is made for several: names without a suffix are split at commas too.
    """
    if isinstance(value, list):
        return [text for each in value for text in split_cell(each, several=several)]
    if isinstance(value, dict):
        said = next((value[key] for key in _DICTIONARY_KEYS if value.get(key)), None)
        return split_cell(said, several=several)
    if value is None or isinstance(value, bool):
        return []
    text = _clean(str(value))
    if text.startswith("[") and text.endswith("]"):
        try:
            return split_cell(json.loads(text), several=several)
        except ValueError:
            inside = text[1:-1].replace("'", "").replace('"', "")
            return split_cell(inside, several=True)
    if text.lower().startswith("data:"):
        return [text]
    if is_address(text) or text.startswith("//"):
        pieces = _NEXT_ADDRESS.split(text)
    else:
        pieces = _split_names(text, several)
    pieces = [_clean(each) for each in pieces]
    return [piece for piece in pieces if not (is_no(piece) or piece.lower() in _NONE)]


def _split_names(text: str, several: bool) -> list[str]:
    text = text.rstrip(",;| ")
    for delimiter in ("\n", "|", ";", ","):
        pieces = [piece.strip() for piece in text.split(delimiter)]
        pieces = [piece for piece in pieces if piece]
        if len(pieces) < 2:
            continue
        if several or all(map(looks_like_picture, pieces)):
            return [part for piece in pieces for part in split_cell(piece, several=several)]
    return [text]


def _clean(text: str) -> str:
    text = _INVISIBLE.sub("", text).strip().strip("\u00a0").strip()
    if formula := re.fullmatch(r'=\s*"(.*)"', text):
        text = formula[1]
    if len(text) > 1 and text[0] in "\"'“„" and text[-1] in "\"'”“":
        text = text[1:-1].strip()
    return text


@dataclass(frozen=True)
class Found:
    """Where a picture is: `path` and `name` as in `Source`."""

    path: str
    name: str
    size: int | None = None
    modified_ns: int | None = None
    problem: Rejected | None = None

    @property
    def usable(self) -> bool:
        """Whether it may be a photo, as far as a listing can say."""
        return self.problem is None and (self.size is not None or is_address(self.path))


class Finder:
    """Finds the pictures that one manifest names.

    Args:
        manifest: its path; names are relative to its folder.
        base: a folder or address that they are relative to instead.

    Raises:
        InputError: `base` is no folder and no address.
    """

    def __init__(self, manifest: Path, base: str | None = None) -> None:
        self._manifest = manifest
        self._address = base.rstrip("/") if base and is_address(base) else None
        folder = manifest.parent
        if base and self._address is None:
            folder = Path(os.path.abspath(Path(base).expanduser()))  # noqa: PTH100 - keeps links
            if not folder.is_dir():
                raise InputError(
                    f"{folder} (given as base) is no folder. Name the folder, or the http(s) "
                    "address, where the paths in the manifest begin."
                )
        self.folder = folder
        self._roots = [
            root
            for each in MEDIA_ROOTS
            if os.path.isdir(root := os.path.join(folder, each))  # noqa: PTH112, PTH118
        ]
        self._listings: dict[str, dict[str, list[str]]] = {}
        self._by_name: dict[str, list[str]] | None = None

    def find(self, text: str, line: int, notices: Notices) -> Found:
        """The picture that a text names; `notices` is told of a guess."""
        manifest = str(self._manifest)
        if text.lower().startswith("data:"):
            return Found(
                f"{manifest}:{line}", f"{text[:40]}…",
                problem=Rejected("unsupported_address", HELD_IN_CELL),
            )  # fmt: skip
        if is_address(text):
            return Found(text, text)
        scheme = _SCHEME.match(text)
        if scheme and scheme[1].lower() != "file":
            problem = Rejected(
                "unsupported_address",
                f"{scheme[1]}:// is not read: name files, or http:// or https:// addresses.",
            )
            return Found(readable(text), text, problem=problem)
        if text.startswith("//") and _is_host(text[2:]):
            notices.tell(
                manifest, "no scheme", f"{text[:80]!r} is read with https: before it.", line
            )
            return Found(f"https:{text}", text)
        if text.lower().startswith("www.") and _is_host(text):
            return self._as_address(text, line, notices)
        name = text
        if text.lower().startswith("file:"):
            name = _file_path(text)
        if self._address is not None:
            rest = quote(name.replace("\\", "/").lstrip("/"), safe="/:?&=%+,;@~")
            return Found(f"{self._address}/{rest}", text)
        found = self._local(name, line, notices)
        if found is None and _is_host(text):
            return self._as_address(text, line, notices)
        if found is None:
            path = os.path.normpath(os.path.join(self.folder, name.replace("\0", "")))  # noqa: PTH118
            return Found(readable(path), text, problem=bad_name(path))
        return Found(readable(found[0]), text, found[1], found[2], bad_name(found[0]))

    def _as_address(self, text: str, line: int, notices: Notices) -> Found:
        told = f"{text[:80]!r} is read with https:// before it."
        notices.tell(str(self._manifest), "no scheme", told, line)
        return Found(f"https://{text}", text)

    def _local(self, name: str, line: int, notices: Notices) -> tuple[str, int, int] | None:
        """A file's path, size and time: first as it is written, then as it may be meant."""
        for written in _writings(name):
            path = os.path.normpath(os.path.join(self.folder, os.path.expanduser(written)))  # noqa: PTH111, PTH118
            if (there := status(path)) is not None:
                return path, *there
        plain = name.replace("\\", "/")
        for path in self._from_root(plain):
            if (there := status(path)) is not None:
                self._tell_root(name, path, line, notices)
                return path, *there
        for path in (os.path.join(self.folder, plain), *self._from_root(plain)):  # noqa: PTH118
            alike = self._alike(path)
            if alike is not None and (there := status(alike)) is not None:
                told = f"{name!r} is read as {os.path.relpath(alike, self.folder)!r}."
                notices.tell(str(self._manifest), "spelling", told, line)
                return alike, *there
        named = self._named_alike(plain) if self._by_name is not None else None
        if named is not None and (there := status(named)) is not None:
            return named, *there
        return None

    def _tell_root(self, name: str, path: str, line: int, notices: Notices) -> None:
        begin = path.removesuffix(name.replace("\\", "/").lstrip("/")).rstrip("/")
        notices.tell(
            str(self._manifest), "media root",
            f"paths such as {name!r} are taken to begin at {begin or path}.",
        )  # fmt: skip

    def _from_root(self, name: str) -> Iterator[str]:
        """Where a path that begins at a shop's media root, or on another machine, may lie."""
        rest = name.lstrip("/")
        if name.startswith("/"):
            yield os.path.join(self.folder, rest)  # noqa: PTH118
        for root in self._roots:
            yield os.path.join(root, rest)  # noqa: PTH118
        for root in MEDIA_ROOTS:
            if rest.startswith(f"{root}/"):
                yield os.path.join(self.folder, rest.removeprefix(f"{root}/"))  # noqa: PTH118
        if _WINDOWS.match(name):
            parts = re.sub(r"^[A-Za-z]:", "", name).strip("/").split("/")
            for start in range(1, len(parts)):
                yield os.path.join(self.folder, *parts[start:])  # noqa: PTH118
            if len(parts) == 1:
                yield os.path.join(self.folder, parts[0])  # noqa: PTH118

    def _alike(self, path: str) -> str | None:
        """The one file whose name differs in case, accents' form or outer spaces alone."""
        relative = os.path.relpath(os.path.normpath(path), self.folder)
        if relative.startswith(".."):
            return None
        here = str(self.folder)
        for part in Path(relative).parts:
            alike = self._listing(here).get(_key(part), [])
            chosen = part if part in alike else alike[0] if len(alike) == 1 else None
            if chosen is None:
                return None
            here = os.path.join(here, chosen)  # noqa: PTH118
        return here

    def _listing(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._listings:
            if len(self._listings) >= 64:
                self._listings.pop(next(iter(self._listings)))
            found: dict[str, list[str]] = {}
            try:
                for name in os.listdir(folder):  # noqa: PTH208
                    found.setdefault(_key(name), []).append(name)
            except OSError:
                pass  # no folder: nothing in it is alike
            self._listings[folder] = found
        return self._listings[folder]

    def guess_by_name(self) -> bool:
        """From now on also look for file names anywhere below the folder.

        Returns:
            Whether there are files to look among, and not too many.
        """
        by_name: dict[str, list[str]] = {}
        count = 0
        for root in dict.fromkeys((str(self.folder), str(self._manifest.parent))):
            for folder, folders, files in os.walk(root):
                folders[:] = sorted(
                    each
                    for each in folders
                    if not photo_files.is_left_out(os.path.join(folder, each))  # noqa: PTH118
                )
                for name in files:
                    if looks_like_picture(name) or "." not in name:
                        by_name.setdefault(_key(name), []).append(os.path.join(folder, name))  # noqa: PTH118
                        count += 1
                if count > _MOST_FILES:
                    return False
        self._by_name = by_name
        return bool(by_name)

    def _named_alike(self, name: str) -> str | None:
        """The file of this name whose folders agree most; None where several agree alike."""
        assert self._by_name is not None
        parts = [_key(part) for part in name.strip("/").split("/") if part]
        if not parts:
            return None
        ranked: list[tuple[int, str]] = []
        for path in self._by_name.get(parts[-1], ()):
            theirs = [_key(part) for part in Path(path).parts]
            same = 0
            while same < min(len(parts), len(theirs)) and parts[-1 - same] == theirs[-1 - same]:
                same += 1
            ranked.append((same, path))
        ranked.sort(key=lambda each: (-each[0], each[1]))
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None
        return ranked[0][1]


def _writings(name: str) -> Sequence[str]:
    """A name as written, and with other forms of accents, separators and escapes."""
    found = {name: None}
    for text in (name, name.replace("\\", "/")):
        for form in ("NFC", "NFD"):
            found[unicodedata.normalize(form, text)] = None
    found[name.replace("\\", "/")] = None
    if "%" in name:
        found[unquote(name)] = None
    return list(found)


def _file_path(text: str) -> str:
    """The path in a ``file:`` address, however many slashes it has."""
    rest = text[5:]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if re.fullmatch(r"[A-Za-z]:", host):  # file://C:/x
            rest = f"{host}/{path}"
        elif host in ("", "localhost", "127.0.0.1", "."):
            rest = slash + path if host != "." else path
        else:
            rest = f"//{host}/{path}"
    rest = unquote(rest)
    return re.sub(r"^/+(?=[A-Za-z]:[\\/])", "", rest)


def _is_host(text: str) -> bool:
    host = _HOST.match(text)
    return host is not None and host[1].lower() in _DOMAINS


def _key(name: str) -> str:
    """A name without case, outer spaces, invisible characters and the form of its accents."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
    return _INVISIBLE.sub("", folded).strip()


def status(path: str) -> tuple[int, int] | None:
    """A file's bytes and time of change, nanoseconds since 1970; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - Path would cost as much as the listing
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def bad_name(path: str) -> Rejected | None:
    """Why no table can hold this path, where none can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return Rejected(
            "unreadable_name",
            "The file's name is not valid UTF-8, so no table can hold it: rename the file.",
        )
    return None


def readable(path: str) -> str:
    """`path` as valid Unicode: bytes that are none are shown as ``\\xe9``."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    return path

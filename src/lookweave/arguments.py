"""What callers give, checked before any work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lookweave.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

AnyPath = str | os.PathLike[str]
Inputs = AnyPath | Sequence[AnyPath]
"""One folder or manifest, or several."""


def writable_file(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that cannot be written, before the work that is to go into it.

    Raises:
        InputError: its name ends otherwise than in one of `suffixes`, it is a folder, or its
            folder is missing or may not be written to.
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{path} must end in {' or '.join(suffixes)}: that is what is written.")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file.")
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}. Make it first.")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InputError(
            f"{path} cannot be written: you have no permission, or the disk can only be read. "
            "Name a file elsewhere."
        )


@contextmanager
def photo_file(image: AnyPath | Image | None) -> Iterator[Path | None]:
    """A file with the photo; that of an image in memory is there for the block only."""
    if image is None or isinstance(image, (str, os.PathLike)):
        yield None if image is None else path_of(image, "image")
        return
    with TemporaryDirectory(prefix="lookweave-search-") as folder:
        file = Path(folder) / "image.png"
        image.save(file)
        yield file


def path_of(path: AnyPath, what: str) -> Path:
    """A path that is one.

    Raises:
        InputError: it is empty, which would mean the folder that the program runs in.
    """
    text = os.fspath(path)
    if not text.strip():
        raise InputError(f"{what} is empty: name a file or folder.")
    if "\0" in text:
        raise InputError(f"{what} holds a NUL character, which no name can have.")
    return Path(text).expanduser()


def places_of(what: str, places: Inputs | None) -> tuple[str, ...] | None:
    """Folders and manifests, one or several, as they were written; None where none was given."""
    if places is None:
        return None
    several = [places] if isinstance(places, (str, os.PathLike)) else list(places)
    for place in several:
        path_of(place, what)
    return tuple(os.fspath(place) for place in several) or None


def positive(name: str, number: int) -> int:
    """A number from 1 up."""
    if number < 1:
        raise InputError(f"{name} is at least 1, not {number}.")
    return number


def only_given(**flags: Any) -> dict[str, Any] | None:
    """Those that are not None; None where all are."""
    given = {name: value for name, value in flags.items() if value is not None}
    return given or None


def beginning_of(base: AnyPath) -> str:
    """Where paths begin: an address, or a folder by its absolute path."""
    return str(base) if "://" in str(base) else str(Path(base).expanduser().absolute())

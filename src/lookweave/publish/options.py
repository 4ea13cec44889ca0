"""What a person may ask of a publication, and where it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lookweave.errors import ConfigError, InputError

TIERS: tuple[str, ...] = ("high", "medium", "low")
SPLITS: tuple[str, ...] = ("train", "validation", "test")
FORMATS: tuple[str, ...] = ("parquet", "webdataset")


@dataclass(frozen=True)
class Options:
    """How a publication is made.

    Attributes:
        title: of the card; made from the destination's name when empty.
        licence: of the data set as a whole, as the Hub names it (``cc-by-4.0``); ``other``
            says that each image carries its own.
        description: a paragraph for the card.
        contact: how to ask for a takedown: an address, or a page.
        homepage: of the data set.
        authors: for the citation.
        year: for the citation; left out when 0, so that the same tables give the same bytes.
        formats: of `FORMATS`; without ``parquet`` there is nothing for `datasets` to open.
        tiers: which ones go out.
        recipe: which recipe's pairs; the configuration's own when empty.
        max_side: longest side of a published photo in pixels.
        region_side: longest side of a region's crop in pixels.
        quality: of JPEG, 1..100.
        original: publish the photos' own bytes where they are upright JPEG, PNG or WebP.
        metadata: also publish the further columns of your manifests, as JSON.
        shard_bytes: a shard is closed once it is larger.
        row_group_bytes: a Parquet row group is closed once it is larger.
        row_group_rows: and at the latest after so many pairs.
        allow_rights: further phrases of the rights field that allow publication.
        forbid_rights: further phrases that forbid it.
        allow_unknown_rights: photos whose rights are not known. None: those of which nothing is
            said go to a folder, and not to a hub; where something is said that is not understood,
            they go nowhere.
        private: make a new repository on a hub private.
        commit_message: on a hub.
        forget_history: on a hub, also remove earlier versions, in which photos that were taken
            down since can still be found.
    """

    title: str = ""
    licence: str = "other"
    description: str = ""
    contact: str = ""
    homepage: str = ""
    authors: str = ""
    year: int = 0
    formats: tuple[str, ...] = FORMATS
    tiers: tuple[str, ...] = TIERS
    recipe: str = ""
    max_side: int = 1024
    region_side: int = 512
    quality: int = 92
    original: bool = False
    metadata: bool = False
    shard_bytes: int = 400_000_000
    row_group_bytes: int = 16_000_000
    row_group_rows: int = 256
    allow_rights: tuple[str, ...] = ()
    forbid_rights: tuple[str, ...] = ()
    allow_unknown_rights: bool | None = None
    private: bool = False
    commit_message: str = "Publish with Lookweave"
    forget_history: bool = False

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigError: one sentence for each thing that is wrong.
        """
        wrong = []
        for name, known in (("formats", FORMATS), ("tiers", TIERS)):
            given = getattr(self, name)
            if not given or set(given) - set(known):
                wrong.append(f"{name} are some of {', '.join(known)}, not {', '.join(given)!r}.")
        for name, low, high in (
            ("max_side", 64, 16_384),
            ("region_side", 32, 16_384),
            ("quality", 1, 100),
            ("shard_bytes", 1, 1 << 40),
            ("row_group_bytes", 1, 1 << 31),
            ("row_group_rows", 1, 1 << 20),
        ):
            if not low <= getattr(self, name) <= high:
                wrong.append(f"{name} is {low} to {high}, not {getattr(self, name)}.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.licence):
            wrong.append(f"licence is a name such as cc-by-4.0 or other, not {self.licence!r}.")
        if wrong:
            raise ConfigError("Wrong options for publish: " + " ".join(wrong))


@dataclass(frozen=True)
class Destination:
    """A folder, or a data set on a hub."""

    folder: Path | None = None
    repository: str = ""

    @property
    def name(self) -> str:
        """The last part of it."""
        return (Path(self.repository) if self.folder is None else self.folder).name


_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def destination(to: str) -> Destination:
    """Read ``DIR`` or ``hf://owner/name``.

    Raises:
        InputError: it is neither.
    """
    if to.startswith("hf:"):
        repository = to.removeprefix("hf:").lstrip("/").removeprefix("datasets/").rstrip("/")
        if not _REPOSITORY.fullmatch(repository):
            raise InputError(
                f"{to} is no data set on a hub: write hf://OWNER/NAME with letters, digits, "
                "'.', '_' and '-'."
            )
        return Destination(repository=repository)
    if not to.strip() or "://" in to:
        raise InputError(f"{to!r} is no place to publish to: name a folder or hf://OWNER/NAME.")
    return Destination(folder=Path(to).expanduser().absolute())

"""What `lookweave.shoot` and `lookweave.judge` give back: records that show their pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from lookweave.studio.judge.rows import Measure, text_of
from lookweave.text import html

_SHOWN = 12


@dataclass(frozen=True)
class ProbedPicture:
    """A picture and what its probes say.

    Attributes:
        path: of its file.
        table: one `Measure` a probe.
        shoot: what it shows, every value stated; None where that is not known.
    """

    path: Path
    table: tuple[Measure, ...]
    shoot: Mapping[str, Any] | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> Measure:
        """The measure ``"control, probe"``, such as ``"light, azimuth"``."""
        for one in self.table:
            if f"{one.control}, {one.probe}" == name:
                return one
        known = ", ".join(f"{one.control}, {one.probe}" for one in self.table)
        raise KeyError(f"{name!r} is no probe of this picture; there are: {known}")

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        told = {"file": str(self.path), "table": [one.to_dict() for one in self.table]}
        return told if self.shoot is None else {**told, "shoot": dict(self.shoot)}

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{word}</th>" for word in ("", "asked", "got", "error", "how"))
        lines = "".join(
            "<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in cells_of(one)) + "</tr>"
            for one in self.table
        )
        return (
            '<div style="display:flex;gap:12px;align-items:flex-start;margin:8px 0">'
            f"{_image(self.path)}<table style='font-size:85%'><tr>{head}</tr>{lines}</table></div>"
        )


@dataclass(frozen=True)
class _Pictures(Sequence[ProbedPicture]):
    pictures: tuple[ProbedPicture, ...]

    @overload
    def __getitem__(self, place: int) -> ProbedPicture: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[ProbedPicture, ...]: ...
    def __getitem__(self, place: int | slice) -> ProbedPicture | tuple[ProbedPicture, ...]:
        return self.pictures[place]

    def __len__(self) -> int:
        return len(self.pictures)

    def _shown(self, said: str) -> str:
        more = len(self) - _SHOWN
        shown = "".join(one._repr_html_() for one in self.pictures[:_SHOWN])
        return f"<p>{html(said)}</p>{shown}" + (f"<p>and {more} more</p>" if more > 0 else "")


@dataclass(frozen=True)
class ShootResult(_Pictures):
    """A finished photo-shoot: a sequence of `ProbedPicture`.

    Attributes:
        folder: where the pictures lie, with ``contact-sheet.jpg`` and ``shoot.json``.
        read: how the words were read, a line each.
        garments: how each photo was fitted.
        made: how many pictures this call made; the others were there.
        rejects: pictures that the backend made and turned away, and why.
    """

    folder: Path
    read: tuple[str, ...]
    garments: tuple[Mapping[str, Any], ...]
    made: int
    told: Mapping[str, Any] = field(repr=False, compare=False)
    rejects: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, result: Any) -> ShootResult:
        """Of what `lookweave.studio.shoot.job.run` gives."""
        pictures = tuple(
            ProbedPicture(
                result.folder / one.file, tuple(one.rows), one.shoot.model_dump(mode="json")
            )
            for one in result.pictures
        )
        return cls(
            pictures, result.folder, tuple(result.parse.lines()), result.garments, result.made,
            result.to_dict(), result.rejects,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave shoot --json`` prints."""
        return dict(self.told)

    def _repr_html_(self) -> str:
        return self._shown(f"{len(self)} pictures in {self.folder}, {self.made} of them made now")


@dataclass(frozen=True)
class Judged(_Pictures):
    """What probes say of pictures made anywhere: a sequence of `ProbedPicture`.

    Attributes:
        against: product photos of the garments that the pictures are to show.
        rejects: file and reason of what could not be looked at.
        page: the HTML page, if one was written.
    """

    against: tuple[str, ...]
    rejects: tuple[Mapping[str, str], ...] = ()
    page: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave judge --json`` prints."""
        return {
            "against": list(self.against), "pictures": [one.to_dict() for one in self.pictures],
            "rejects": [dict(one) for one in self.rejects],
            "page": None if self.page is None else str(self.page),
        }  # fmt: skip

    def _repr_html_(self) -> str:
        return self._shown(f"{len(self)} pictures against {', '.join(self.against)}")


def cells_of(one: Any) -> tuple[str, str, str, str, str]:
    """A probe's name, asked, got, error and how, for people."""
    error = "" if one.error is None else f"{one.error:g}"
    if error and one.floor is not None and one.error <= one.floor:
        error += " (within the floor)"
    said = one.how + (f": {one.note}" if one.note else "")
    unit = f" ({one.unit})" if one.unit else ""
    return f"{one.control}: {one.probe}{unit}", text_of(one.asked), text_of(one.got), error, said


def _image(path: Path) -> str:
    from PIL import Image

    try:
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((240, 360))
            packed = io.BytesIO()
            small.save(packed, "JPEG", quality=88)
    except OSError:
        return f"<span>no picture: {html(path)}</span>"
    data = base64.b64encode(packed.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{html(path.name)}">'

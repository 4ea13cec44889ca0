"""Pictures made anywhere against the product photos of the garments that they are to show.

Without a shoot's record a garment is looked for among the regions that the segmenter sees, and
what needs geometry is not measured. With one, the guide is made anew and says where things are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lookweave.errors import InputError, Rejected
from lookweave.models.protocols import Pixels, Vectors
from lookweave.photos.decode import load
from lookweave.studio.judge import composition, narrative, style
from lookweave.studio.judge.composition import spread
from lookweave.studio.judge.identity import (
    LEAST_PIXELS,
    Own,
    Seen,
    crop,
    encoded,
    identity,
    segmenter,
)
from lookweave.studio.judge.rows import Measure, measured, unmeasured

SIDE = 1024
"""Longest side at which pictures are looked at."""
PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".heic", ".heif"}


@dataclass(frozen=True)
class Judgement:
    """What the probes say of one picture, or why it could not be looked at."""

    path: Path
    rows: tuple[Measure, ...]
    shoot: Mapping[str, Any] | None = None
    reason: str = ""
    detail: str = ""


def own_of(garment: Any) -> Own:
    """A product photo with its mask; `garment`: a `record.Garment`.

    Raises:
        InputError: it cannot be read or cut out.
    """
    from lookweave.studio.shoot.fit import cut_out

    try:
        photo, mask, _ = cut_out(garment)
    except Rejected as error:
        raise InputError(
            f"{garment.photo} is no product photo to judge against: {error.detail} ({error.reason})"
        ) from error
    return Own(Path(garment.photo).name, photo, mask, garment.words)


def pictures_in(places: Sequence[Path]) -> list[Path]:
    """Files, and the pictures of folders in the order of their names.

    Raises:
        InputError: a place is not there, or a folder has no picture.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(
                one for one in place.iterdir()
                if one.suffix.lower() in PHOTOS and not one.name.startswith((".", "contact-sheet"))
            )  # fmt: skip
            if not inside:
                raise InputError(f"The folder {place} holds no picture.")
            found += inside
        elif place.exists():
            found.append(place)
        else:
            raise InputError(f"The picture {place} is no file.")
    if not found:
        raise InputError("Name at least one picture, or a folder of pictures.")
    return found


class Judge:
    """Looks at pictures, one at a time; models and photos are loaded once.

    Args:
        garments: product photos of what the pictures are to show, worn together.
        text: what the pictures are to show in words.
        among: further product photos; a garment's own is ranked among them.
    """

    def __init__(
        self, garments: Sequence[Any], text: str = "", among: Sequence[Any] = ()
    ) -> None:  # fmt: skip
        self.owns = [own_of(one) for one in garments]
        self._records = list(garments)
        self._text = text
        self._among = list(among)

    @cached_property
    def _gallery(self) -> Vectors:
        return np.stack([own_of(one).vector for one in self._among])

    def close(self) -> None:
        """Free what it holds."""

    def alone(self, path: Path) -> Judgement:
        """A picture of which nothing but its pixels is known."""
        try:
            picture = load(str(path), max_side=SIDE).pixels
        except Rejected as error:
            return Judgement(path, (), None, error.reason, error.detail)
        shape = (picture.shape[0], picture.shape[1])
        masks = [spread(one, shape) for one in segmenter().detect([picture])[0]]
        masks = [mask for mask in masks if mask.sum() >= LEAST_PIXELS]
        vectors = encoded([crop(picture, mask, "look") for mask in masks]) if masks else None
        rows: list[Measure] = []
        for number, own in enumerate(self.owns):
            name = f"garment {number + 1}"
            if vectors is None:
                empty = np.zeros(shape, bool)
                rows += identity(name, own, Seen(picture, empty, empty))
                continue
            best = int(np.argmax(vectors @ own.vector))
            rows += identity(name, own, Seen(picture, masks[best], masks[best]))
            rows += self._rank(name, own, vectors[best])
        note = "no shoot.json says what was asked, and no pose model comes as a package"
        rows.append(unmeasured("pose", "joints", "object keypoint similarity", note))
        note = "the picture's geometry is not known"
        rows.append(unmeasured("light", "direction", "degrees", note))
        grain = round(style.grain_of(picture), 3)
        rows.append(
            measured("style", "grain", "standard deviation, of 255", None, grain, None)
        )  # fmt: skip
        words = " ".join([self._text, *(own.words for own in self.owns)])
        rows += narrative.rows(words, np.zeros((0, 1), np.float32) if vectors is None else vectors)
        clothes = np.any(masks, axis=0) if masks else np.zeros(shape, bool)
        return Judgement(path, (*rows, *composition.rows(picture, clothes)))

    def _rank(self, name: str, own: Own, vector: Vectors) -> list[Measure]:
        if not self._among:
            return []
        mine = float(own.vector @ vector)
        # The own photo may be in the gallery too: what is as near is not nearer.
        nearer = int((self._gallery @ vector > mine + 1e-6).sum())
        unit = f"place of its own photo among it and {len(self._among)} others"
        return [measured("garments", f"{name}, rank", unit, 1, 1 + nearer, float(nearer))]


class ShootJudge(Judge):
    """As `Judge`, for pictures of a shoot whose ``shoot.json`` is at hand (extra ``[studio]``).

    Args:
        record: the ``shoot.json``.
        garments: None: those of the record.

    Raises:
        InputError: it cannot be read, or [studio] is missing.
        WorkError: a garment cannot be fitted.
    """

    def __init__(
        self, record: Path, garments: Sequence[Any] | None = None, among: Sequence[Any] = (),
        cache: Path | None = None,
    ) -> None:  # fmt: skip
        from lookweave.studio.shoot import job
        from lookweave.studio.shoot.record import Shoot

        try:
            kept = json.loads(record.read_text(encoding="utf-8"))
            self._pictures = {one["file"]: one["shoot"] for one in kept["pictures"]}
            self._controls: dict[str, str] = kept["generator"]["controls"]
            asked = Shoot.checked(kept["shoot"], str(record))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{record} is no shoot.json that can be read: {error}") from error
        if not self._pictures:
            raise InputError(f"{record} has no picture yet.")
        super().__init__(list(garments or asked.garments), asked.text, among)
        if len(self.owns) != len(asked.garments):
            raise InputError(
                f"The shoot shows {len(asked.garments)} garments: give as many with --against, or "
                "none."
            )
        self._folder = record.parent
        self._renderer = job.renderer()
        self._fitted = job.fitted(self._renderer, asked, cache or record.parent / "fitted")

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def of_shoot(self, path: Path) -> Judgement:
        """A picture of the shoot: its own, or one of that name, or of the only one asked for."""
        from lookweave.studio.judge.table import probed
        from lookweave.studio.shoot.guide import guide
        from lookweave.studio.shoot.record import Shoot

        try:
            picture = load(str(path), max_side=2 * SIDE).pixels
        except Rejected as error:
            return Judgement(path, (), None, error.reason, error.detail)
        stems = {Path(name).stem: name for name in self._pictures}
        name = stems.get(path.stem) or (next(iter(self._pictures)) if len(stems) == 1 else None)
        if name is None:
            return Judgement(
                path, (), None, "no_such_picture",
                "The shoot has several pictures and none of this name: name the file as in "
                "shoot.json.",
            )  # fmt: skip
        shoot = Shoot.checked(self._pictures[name])
        width, height = shoot.size
        if abs(picture.shape[1] / picture.shape[0] - width / height) > 0.02 * width / height:
            return Judgement(
                path, (), None, "other_shape",
                f"The picture is {picture.shape[1]} x {picture.shape[0]}, the shoot {width} x "
                f"{height}: crop it to that shape, or judge it without --shoot.",
            )  # fmt: skip
        if picture.shape[:2] != (height, width):
            small = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
            picture = np.asarray(small)
        own = (self._folder / name).resolve() == path.resolve()
        seen = guide(self._renderer, shoot, self._fitted)
        rows = probed(seen, picture, self.owns, self._controls if own else {})
        for number, one in enumerate(self.owns):
            shown = seen.ids == 10 + number
            if self._among and shown.sum() >= LEAST_PIXELS:
                vector = encoded([crop(picture, shown, "look")])[0]
                rows += self._rank(f"garment {number + 1}", one, vector)
        return Judgement(path, tuple(rows), shoot.model_dump(mode="json"))


def looked_at(
    paths: Sequence[Path], look: Callable[[Path], Judgement], done: Callable[[], None]
) -> tuple[list[Judgement], list[dict[str, str]]]:
    """All pictures judged, and the rejects: file, reason, detail."""
    judged, rejects = [], []
    for path in paths:
        one = look(path)
        if one.reason:
            rejects.append({"file": str(path), "reason": one.reason, "detail": one.detail})
        else:
            judged.append(one)
        done()
    return judged, rejects


def shown_as(picture: Path, side: int) -> Pixels | None:
    """The picture, small, for a page; None where it cannot be read."""
    try:
        return load(str(picture), max_side=side).pixels
    except Rejected:
        return None

"""A shoot from garments' photos to a folder of pictures; called again, it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lookweave.errors import InputError, ModelError, Rejected, WorkError
from lookweave.models.protocols import Pixels
from lookweave.studio.judge.pictures import own_of
from lookweave.studio.judge.rows import Measure
from lookweave.studio.judge.table import probed
from lookweave.studio.render.draw import NoRenderer, Renderer
from lookweave.studio.shoot import fit, label, record, sheet
from lookweave.studio.shoot.choose import chosen
from lookweave.studio.shoot.generator import (
    Compositor,
    Generator,
    nothing_left,
    reject,
)
from lookweave.studio.shoot.guide import Guide, guide
from lookweave.studio.shoot.leaving import PLAIN, Leaving, Told
from lookweave.studio.shoot.reading import Given, read_control, read_garments
from lookweave.studio.shoot.record import Shoot
from lookweave.studio.shoot.words import Parse, refuse, with_words

RECORD, SHEET = "shoot.json", "contact-sheet.jpg"


@dataclass(frozen=True)
class Picture:
    """One picture of a shoot.

    Attributes:
        file: its name in the folder.
        shoot: what it shows, every value stated.
        rows: asked, got, error.
        seconds: processor time.
    """

    file: str
    shoot: Shoot
    rows: tuple[Measure, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.file, "digest": self.shoot.digest(),
            "shoot": self.shoot.model_dump(mode="json"),
            "table": [row.to_dict() for row in self.rows], "seconds": round(self.seconds, 2),
        }  # fmt: skip


@dataclass(frozen=True)
class Result:
    """A finished shoot.

    Attributes:
        folder: where the pictures lie.
        shoot: as asked, words read.
        parse: how the words were read.
        pictures: in their order.
        garments: how each was fitted.
        made: how many pictures this call made; the others were there.
        rejects: pictures that the backend made and turned away, and why.
    """

    folder: Path
    shoot: Shoot
    parse: Parse
    pictures: tuple[Picture, ...]
    garments: tuple[dict[str, Any], ...]
    made: int
    rejects: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "folder": str(self.folder), "shoot": self.shoot.model_dump(mode="json"),
            "digest": self.shoot.digest(), "read": self.parse.lines(),
            "garments": list(self.garments), "made": self.made,
            "pictures": [one.to_dict() for one in self.pictures],
            "rejects": list(self.rejects),
        }  # fmt: skip

    def images(self) -> list[Pixels]:
        """The pictures, uint8 (H, W, 3) each."""
        found = []
        for one in self.pictures:
            with Image.open(self.folder / one.file) as image:
                found.append(np.asarray(image.convert("RGB")))
        return found


def asked(
    garments: Sequence[str | Path | Mapping[str, Any] | record.Garment] | str | Path,
    *,
    wearer: Given | record.Control = None, pose: Given | record.Control = None,
    camera: Given | record.Control = None, scene: Given | record.Control = None,
    light: Given | record.Control = None, style: Given | record.Control = None,
    text: str = "", vary: Sequence[str] = (), size: tuple[int, int] = (512, 768), seed: int = 0,
) -> Shoot:  # fmt: skip
    """The record of what is asked; words are not read yet.

    Raises:
        InputError: a control or a photo cannot be used.
    """
    several = [garments] if isinstance(garments, str | Path) else list(garments)
    controls = {
        "wearer": wearer, "pose": pose, "camera": camera, "scene": scene, "light": light,
        "style": style,
    }  # fmt: skip
    values: dict[str, Any] = {
        name: read_control(name, given).model_dump() for name, given in controls.items()
    }
    found = [one.model_dump() for one in read_garments(several)]
    return Shoot.checked(
        {**values, "garments": found, "text": text, "vary": vary, "size": size, "seed": seed}
    )


def run(
    shoot: Shoot, out: Path, count: int = 1, *, generator: Generator | None = None,
    cache: Path | None = None, done: Callable[[str], None] = lambda file: None,
    leaving: Leaving = PLAIN,
) -> Result:  # fmt: skip
    """Make `count` pictures of `shoot` in `out`; what is there of the same shoot stays.

    Args:
        shoot: as asked; its text is read here.
        out: a folder, new or of the same shoot.
        generator: the backend; None: the embedded one.
        cache: where fitted garments are kept; None: in `out`.
        done: called with every picture's file name.
        leaving: what goes with every picture.

    Raises:
        InputError: the folder holds another shoot, or the shoot cannot be.
        WorkError: a garment cannot be fitted, or a plate not be read.
        ModelError: there is no renderer here.
    """
    read, parse = with_words(shoot, shoot.text)
    for garment in read.garments:
        refuse(garment.words)
    backend = generator or Compositor()
    leaving.check()
    pictures, rejects = _there(out, read, backend)
    drawing = renderer()
    try:
        worn = fitted(drawing, read, cache or out / "fitted")
        photos = [own_of(garment) for garment in read.garments]
        out.mkdir(parents=True, exist_ok=True)
        made = 0
        # Before the first picture, so that a folder whose shoot was killed is known as its own.
        _write(_result(out, read, parse, pictures, worn, made, rejects), backend)
        for number in range(count):
            name = f"shoot-{number:05d}.jpg"
            stated = chosen(read, number, worn)
            if name in rejects or (name in pictures and (out / name).is_file()):
                continue
            begin = time.process_time()
            try:
                seen = guide(drawing, stated, worn)
            except Rejected as error:
                raise WorkError(f"The plate {stated.scene.plate}: {error.detail}") from error
            given = backend.generate(seen.shoot, seen)
            if not given.images:
                rejects[name] = reject(name, seen.shoot, given)
                _write(_result(out, read, parse, pictures, worn, made, rejects), backend)
                continue
            image = given.images[0]
            rows = (*probed(seen, image, photos, backend.card.controls), *sum(given.rows[:1], ()))
            leaving.save(image, out / name, seen, _told(seen, backend, given.prompt))
            made += 1
            pictures[name] = Picture(name, seen.shoot, rows, time.process_time() - begin)
            result = _result(out, read, parse, pictures, worn, made, rejects)
            _write(result, backend)
            done(name)
    finally:
        drawing.close()
    result = _result(out, read, parse, pictures, worn, made, rejects)
    _write(result, backend)
    if not pictures:
        raise WorkError(nothing_left(backend.card, result.rejects, out / RECORD))
    page = sheet.contact_sheet(
        [own.photo for own in photos], result.images()[: sheet.MOST],
        [_caption(one) for one in result.pictures[: sheet.MOST]],
    )  # fmt: skip
    label.save(page, out / SHEET, backend.card.source_type, "Contact sheet", read.digest())
    return result


def renderer() -> Renderer:
    """The renderer of this machine.

    Raises:
        InputError: the extra [studio] is missing.
        ModelError: nothing can be drawn here.
    """
    try:
        return Renderer()
    except ImportError as error:
        raise InputError(
            f"Photo-shoots need the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    except NoRenderer as error:
        raise ModelError(str(error)) from error


def fitted(drawing: Renderer, shoot: Shoot, cache: Path | None) -> list[fit.Fitted]:
    """The garments of `shoot`, fitted; kept in `cache`.

    Raises:
        InputError: they are not in the order of their layers.
        WorkError: one cannot be fitted well; all that cannot are named.
    """
    order = sorted(range(len(shoot.garments)), key=lambda n: shoot.garments[n].layer or 0)
    if order != list(range(len(order))):
        raise InputError("Garments come in the order of their layers, innermost first.")
    found, wrong = [], []
    for garment in shoot.garments:
        try:
            found.append(fit.fit(drawing, garment, cache))
        except Rejected as error:
            wrong.append(f"{garment.photo}: {error.detail} ({error.reason})")
    if wrong:
        raise WorkError("No picture is made of what cannot be fitted well.\n" + "\n".join(wrong))
    return found


def _there(
    out: Path, shoot: Shoot, backend: Generator
) -> tuple[dict[str, Picture], dict[str, dict[str, Any]]]:
    """The pictures of the same shoot that `out` holds, and those that were turned away.

    Raises:
        InputError: it holds another shoot, or something else.
    """
    path = out / RECORD
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is no folder.")
    if not path.exists():
        if out.is_dir() and any(out.glob("shoot-*.jpg")):
            raise InputError(f"{out} holds pictures but no {RECORD}: choose another folder.")
        return {}, {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        by, card = kept["generator"], backend.card.to_dict()
        same = kept["digest"] == shoot.digest() and all(
            by[key] == json.loads(json.dumps(card[key])) for key in ("name", "settings")
        )
        pictures = [
            Picture(
                one["file"], Shoot.checked(one["shoot"]),
                tuple(Measure(**row) for row in one["table"]), one["seconds"],
            )
            for one in kept["pictures"]
        ]  # fmt: skip
        rejects = {one["file"]: one for one in kept["rejects"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}. Choose another folder.") from error
    if not same:
        raise InputError(
            f"{out} holds another shoot, or one by another backend: choose another folder."
        )
    return {one.file: one for one in pictures}, rejects


def _told(seen: Guide, backend: Generator, prompt: str) -> Told:
    shoot = seen.shoot
    words = ", ".join(
        part
        for part in (shoot.pose.name, shoot.scene.name or "photographed place", shoot.text)
        if part
    )
    description = f"Synthetic fashion picture made with Lookweave from product photos: {words}"
    card = backend.card
    return Told(card.source_type, description, shoot.digest(), card.ai_system, prompt)


def _result(
    out: Path, shoot: Shoot, parse: Parse, pictures: dict[str, Picture],
    fitted: list[fit.Fitted], made: int, rejects: Mapping[str, dict[str, Any]],
) -> Result:  # fmt: skip
    garments = tuple(
        {"photo": garment.photo, **one.report()}
        for garment, one in zip(shoot.garments, fitted, strict=True)
    )
    ordered = tuple(pictures[name] for name in sorted(pictures))
    return Result(
        out, shoot, parse, ordered, garments, made, tuple(rejects[name] for name in sorted(rejects))
    )


def _write(result: Result, backend: Generator) -> None:
    card = backend.card
    told = {
        **result.to_dict(),
        "generator": {
            **card.to_dict(), "digital_source_type": label.VOCABULARY + card.source_type,
        },
    }  # fmt: skip
    del told["made"]
    path = result.folder / RECORD
    partial = path.with_name(f".{RECORD}.partial")
    partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _caption(picture: Picture) -> list[str]:
    shoot = picture.shoot
    lines = [
        f"{shoot.pose.name or 'joints'}, {shoot.scene.name or 'plate'}",
        f"key {shoot.light.azimuth:+.0f}° up {shoot.light.elevation:.0f}°, "
        f"{shoot.light.kelvin:.0f} K, {shoot.light.key_to_fill:+.1f} stops",
    ]
    for row in picture.rows:
        if row.control == "garments":
            value = "not measured" if row.error is None else f"{row.got} ({row.how})"
            if "colour" in row.probe and row.error is not None:
                value = f"CIEDE2000 {row.error:.1f}"
            lines.append(f"{row.probe}: {value}")
    return lines

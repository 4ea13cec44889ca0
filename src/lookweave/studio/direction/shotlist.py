"""A concept as a list of shots with roles, each a photo-shoot; and their contact sheet.

The folder holds `shots.json` (the list), a folder of a shoot for each shot, `fitted/` and
`contact-sheet.jpg`. Called again, the work goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import Field

from lookweave.errors import InputError, WorkError
from lookweave.studio.direction.concept import Concept
from lookweave.studio.direction.record import Record
from lookweave.studio.judge.rows import Measure
from lookweave.studio.shoot import fit, job, label, sheet
from lookweave.studio.shoot.generator import Compositor, Generator, GeneratorCard
from lookweave.studio.shoot.job import Picture
from lookweave.studio.shoot.record import Camera, Garment, Pose, Shoot
from lookweave.studio.shoot.template import FAMILY, LEGS, SKIRT

LIST, SHEET, FIRST = "shots.json", "contact-sheet.jpg", "shoot-00000.jpg"
ROLES = ("opener", "full length", "detail", "movement", "closer")
_MOVING = ("dancing", "jumping", "striding", "turning", "walking", "arms up")
_STILL = ("contrapposto", "standing", "hand on hip", "crossed legs", "leaning")
FIT, START, PICTURE = 10.2, 2.5, 1.5
"""Processor seconds measured on one core: a garment's fit, starting a shoot, a picture of
512 x 768 with its probes. Another machine differs."""

Size = tuple[Annotated[int, Field(ge=64, le=4096)], Annotated[int, Field(ge=64, le=4096)]]


class Shot(Record):
    """One picture to be made: its role in the story, and the shoot that makes it."""

    role: str
    folder: str
    shoot: Shoot


class ShotList(Record):
    """The shots of one concept."""

    concept: Concept
    shots: tuple[Shot, ...] = Field(min_length=1)

    def to_text(self) -> str:
        """For people, a line each."""
        lines = []
        for number, one in enumerate(self.shots, 1):
            shoot = one.shoot
            lines.append(
                f"{number}  {one.role:<12}{shoot.pose.name}, {shoot.camera.crop}, "
                f"{shoot.scene.name or shoot.scene.plate}"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Estimate:
    """What the shots will take before the start: an extrapolation, no promise.

    Attributes:
        fits: garments still to be fitted.
        pictures: still to be made.
        seconds: of a processor; of another backend than the embedded one, only what is done here.
        backend: its name.
        most_cost: what the pictures cost at most, in the unit of the backend's price; 0 where no
            server is asked, None where its price is not named.
    """

    fits: int
    pictures: int
    seconds: float
    backend: str = Compositor.card.name
    most_cost: float | None = 0.0

    def line(self) -> str:
        """For people."""
        work = (
            f"{self.fits} garments to fit and {self.pictures} pictures to make: about "
            f"{self.seconds:.0f} s of one processor core"
        )
        if self.backend == Compositor.card.name:
            return f"{work}, nothing to pay"
        cost = {None: "at a price that nobody named", 0.0: "nothing to pay"}.get(
            self.most_cost, f"at most {self.most_cost:g} to pay, tokens not counted"
        )
        return f"{work}, and the time of {self.backend}, which is not known; {cost}"


@dataclass(frozen=True)
class Made:
    """Shots as pictures.

    Attributes:
        folder: where everything lies.
        shots: the list; `pictures`: of each shot, None where it failed.
        failed: role -> why.
        made: how many pictures this call made.
    """

    folder: Path
    shots: ShotList
    pictures: tuple[Picture | None, ...]
    failed: dict[str, str]
    made: int

    def path(self, number: int) -> Path:
        """The file of the `number`-th shot's picture, from 0."""
        picture = self.pictures[number]
        if picture is None:
            raise InputError(f"Shot {number + 1} has no picture: {self.failed}")
        return self.folder / self.shots.shots[number].folder / picture.file

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "folder": str(self.folder), "made": self.made, "failed": self.failed,
            "shots": [
                {"role": shot.role, "picture": None if one is None else one.to_dict() | {
                    "file": f"{shot.folder}/{one.file}"}}
                for shot, one in zip(self.shots.shots, self.pictures, strict=True)
            ],
        }  # fmt: skip


def shot_list(
    concept: Concept, garments: Sequence[Garment], categories: Sequence[str],
    size: tuple[int, int] = (512, 768), roles: Sequence[str] = ROLES,
) -> ShotList:  # fmt: skip
    """The shots of `concept` in `garments`, whose categories are known.

    Raises:
        InputError: a role is unknown.
    """
    for role in roles:
        if role not in ROLES:
            raise InputError(f"There is no role {role!r}; there are {', '.join(ROLES)}.")
    families = {FAMILY[name] for name in categories}
    low = bool(families & {LEGS, SKIRT}) and not families - {LEGS, SKIRT}
    style = concept.style.model_copy(update={"palette": concept.palette})
    shots = []
    for number, (role, pose) in enumerate(zip(roles, _poses(roles, concept), strict=True)):
        shoot = Shoot(
            garments=tuple(garments), wearer=concept.wearer, pose=pose,
            camera=_camera(role, concept, low), scene=concept.scene, light=concept.light,
            style=style, size=size, seed=concept.seed,
        )  # fmt: skip
        folder = f"{number + 1:02d}-{role.replace(' ', '-')}"
        shots.append(Shot(role=role, folder=folder, shoot=shoot))
    return ShotList(concept=concept, shots=tuple(shots))


def _poses(roles: Sequence[str], concept: Concept) -> list[Pose]:
    """A pose for each role, of the concept's; none twice as long as others are left."""
    wanted = {"full length": _STILL, "detail": _STILL, "movement": _MOVING}
    chosen: dict[str, Pose] = {}
    left = list(concept.poses)
    # Who needs a certain kind chooses first.
    for role in sorted(roles, key=lambda r: ("movement", "full length", "detail").index(r)
                       if r in wanted else 3):  # fmt: skip
        pool = left or list(concept.poses)
        kind = wanted.get(role)
        pose = next((p for p in pool if kind is None or p.name in kind), pool[0])
        if pose in left:
            left.remove(pose)
        chosen[role] = pose
    return [chosen[role] for role in roles]


def _camera(role: str, concept: Concept, low: bool) -> Camera:
    """The concept's lens, with the frame that the role asks for. What is worn below the waist is
    never cut off."""
    crop = {"opener": "three-quarter", "full length": "full", "detail": "bust",
            "movement": "full", "closer": "half"}[role]  # fmt: skip
    if low:
        crop = {"detail": "three-quarter", "closer": "full", "opener": "full"}.get(role, crop)
    changes: dict[str, Any] = {"crop": crop, "head": concept.camera.head or False, "lock": True}
    if role == "detail":
        changes |= {"height": 1.25 if not low else 0.8, "field_of_view": 12.0}
    if role == "closer":
        changes |= {"azimuth": -16.0}
    if role == "movement":
        changes |= {"azimuth": 8.0, "roll": 2.0}
    return concept.camera.model_copy(update=changes)


def estimate(
    shots: ShotList, out: Path, cache: Path | None = None, generator: Generator | None = None
) -> Estimate:
    """What is left to do in `out`, for how long and at what price."""
    kept = cache or out / "fitted"
    garments = {garment.photo: garment for shot in shots.shots for garment in shot.shoot.garments}
    fits = sum(not fit.kept(one, kept).exists() for one in garments.values())
    left = [shot for shot in shots.shots if not (out / shot.folder / FIRST).is_file()]
    seconds = fits * FIT
    for shot in left:
        width, height = shot.shoot.size
        seconds += START + PICTURE * max(width * height / (512 * 768), 0.15)
    card = (generator or Compositor()).card
    return Estimate(fits, len(left), seconds, card.name, most_cost(card, len(left)))


def most_cost(card: GeneratorCard, pictures: int) -> float | None:
    """What `pictures` cost at most with every try paid for; None where no price is named."""
    if card.source != "server":
        return 0.0
    if not card.price_request:
        return None
    return round(pictures * card.price_request * int(card.settings.get("tries", 1)), 4)


def render(
    shots: ShotList, out: Path, *, generator: Generator | None = None, cache: Path | None = None,
    done: Callable[[str], None] = lambda file: None,
) -> Made:  # fmt: skip
    """Make the pictures in `out`; what is there of the same list stays.

    A shot that cannot be made is named in `failed`; the others are made.

    Raises:
        InputError: the folder holds another list or other things.
        WorkError: no shot could be made.
    """
    _claim(shots, out)
    kept = cache or out / "fitted"
    pictures: list[Picture | None] = []
    failed: dict[str, str] = {}
    made = 0
    for shot in shots.shots:
        try:
            result = job.run(shot.shoot, out / shot.folder, 1, generator=generator, cache=kept)
        except WorkError as error:
            pictures.append(None)
            failed[shot.role] = str(error)
            continue
        if not result.pictures:
            pictures.append(None)
            failed[shot.role] = "the picture was turned away; its shoot.json says why"
            continue
        made += result.made
        pictures.append(result.pictures[0])
        done(shot.role)
        write_sheet(shots, out, pictures, generator)
    if not any(pictures):
        raise WorkError("No shot could be made.\n" + "\n".join(dict.fromkeys(failed.values())))
    return Made(out, shots, tuple(pictures), failed, made)


def _claim(shots: ShotList, out: Path) -> None:
    path = out / LIST
    if path.is_file():
        if ShotList.read(path) != shots:
            raise InputError(f"{out} holds other shots: choose another folder.")
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty and holds no {LIST}: choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    shots.write(path)


def write_sheet(
    shots: ShotList, out: Path, pictures: Sequence[Picture | None], generator: Generator | None
) -> None:
    """The contact sheet of what is made so far; it grows while the work goes on."""
    images, captions = [], []
    for shot, one in zip(shots.shots, pictures, strict=False):
        if one is None:
            continue
        with Image.open(out / shot.folder / one.file) as image:
            images.append(np.asarray(image.convert("RGB")))
        captions.append([f"{len(images)}  {shot.role}", *asked_got(one)])
    garments = []
    for garment in shots.shots[0].shoot.garments:
        with Image.open(garment.photo) as image:
            garments.append(np.asarray(image.convert("RGB")))
    page = sheet.contact_sheet(garments, images, captions)
    source = (generator or Compositor()).card.source_type
    label.save(page, out / SHEET, source, f"Contact sheet: {shots.concept.title}", shots.digest())


def asked_got(picture: Picture) -> list[str]:
    """What was asked of a picture and what it shows, in short lines."""
    shoot = picture.shoot
    lines = [f"{shoot.pose.name}, {shoot.camera.crop}"]
    for row in picture.rows:
        if row.how == "measured" and row.error is not None and "without light" in row.probe:
            lines.append(f"colour off by {row.error:.1f} CIEDE2000")
        elif row.probe == "azimuth" and row.control == "light" and row.error is not None:
            lines.append(f"key asked {row.asked:+.0f}°, got {row.got:+.0f}°")
    return lines


def _kept(folder: Path, shoot: Shoot) -> Picture:
    """The picture of `shoot` in its folder.

    Raises:
        InputError: it is not there, or the folder is of another shoot.
    """
    path = folder / job.RECORD
    if not path.is_file():
        raise InputError("it is not made yet")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        one = told["pictures"][0]
        picture = Picture(
            one["file"], Shoot.checked(one["shoot"]), tuple(Measure(**row) for row in one["table"]),
            one["seconds"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if told["digest"] != shoot.digest():
        raise InputError(f"{folder} holds another shoot")
    if not (folder / picture.file).is_file():
        raise InputError(f"{folder / picture.file} is missing")
    return picture


def load_made(folder: Path) -> Made:
    """The shots in a folder that `render` made.

    Raises:
        InputError: there are none.
    """
    if not (folder / LIST).is_file():
        raise InputError(f"{folder} holds no {LIST}: name a folder that `lookweave shots` made.")
    shots = ShotList.read(folder / LIST)
    pictures: list[Picture | None] = []
    failed = {}
    for shot in shots.shots:
        try:
            pictures.append(_kept(folder / shot.folder, shot.shoot))
        except InputError as error:
            pictures.append(None)
            failed[shot.role] = str(error)
    if not any(pictures):
        why = "; ".join(dict.fromkeys(failed.values()))
        raise InputError(f"{folder} holds no pictures that can be used: {why}.")
    return Made(folder, shots, tuple(pictures), failed, 0)

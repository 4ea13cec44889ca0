"""What is asked of a photo-shoot: one frozen record, with a control for each thing to decide.

Every control holds values in stated units, and four things beside them: `strength` (0 leaves the
control's neutral value, 1 is the value as asked), `lock` (the value stays the same from picture
to picture), `seed` (for what is left open) and its own fields, of which None means *open*:
chosen from the seed (`lookweave.studio.shoot.choose`).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lookweave.errors import InputError
from lookweave.studio.render.develop import GRADES
from lookweave.studio.render.poses import POSES
from lookweave.studio.render.scenes import SCENES
from lookweave.taxonomy import CATEGORIES

POSE_NAMES = tuple(pose.name for pose in POSES)
HAIR_STYLES = ("bob", "long", "bun", "ponytail", "afro", "short", "crop", "buzz")
SHOES = ("sneaker", "loafer", "boot", "tall boot")
CROPS = ("full", "three-quarter", "half", "bust")
CONTROLS = ("wearer", "pose", "camera", "scene", "light", "style")
"""What may vary from picture to picture; garments and text never do."""

Point = tuple[float, float, float]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Degrees = Annotated[float, Field(ge=-180, le=180)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Control(_Record):
    """What all controls have."""

    strength: float = Field(1.0, ge=0, le=1, description="0: neutral, 1: as asked")
    lock: bool = Field(False, description="the same in every picture")
    seed: Seed | None = Field(None, description="for what is left open; None: of the shoot's seed")


class Garment(Control):
    """One garment to be worn, as a product photo."""

    photo: str = Field(description="path of the product photo")
    mask: str | None = Field(None, description="path of a mask, white on the garment")
    back: str | None = Field(None, description="path of a photo of its back")
    words: str = Field("", description="what a shop calls it")
    category: str | None = Field(None, description="of the taxonomy; None: the describer says")
    layer: int | None = Field(None, ge=0, le=9, description="worn over lower ones")

    @field_validator("category")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return _one_of(value, CATEGORIES, "category")


class Wearer(Control):
    """Who wears the garments: an adult body of the renderer, never a real person's likeness
    without that person's consent."""

    sex: Literal["female", "male"] | None = None
    body: tuple[Annotated[int, Field(ge=0, le=9)], Annotated[int, Field(ge=0, le=9)],
                Annotated[float, Field(ge=0, le=1)]] | None = Field(
        None, description="two of ten adult shapes and the second's share"
    )  # fmt: skip
    skin: Colour | None = Field(None, description="sRGB")
    hair: Colour | None = Field(None, description="sRGB")
    hair_style: str | None = None
    shoe: str | None = None
    shoe_colour: Colour | None = Field(None, description="sRGB")
    photo: str | None = Field(None, description="of a real adult, for backends that can use it")
    consent: bool = Field(False, description="the person on the photo has agreed to this use")

    @field_validator("hair_style")
    @classmethod
    def _hair(cls, value: str | None) -> str | None:
        return _one_of(value, HAIR_STYLES, "hair style")

    @field_validator("shoe")
    @classmethod
    def _shoe(cls, value: str | None) -> str | None:
        return _one_of(value, SHOES, "shoe")

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        if self.photo is not None and not self.consent:
            raise ValueError(
                "a photo of a real person needs consent = true: set it when that adult has agreed"
            )
        return self


class Pose(Control):
    """How the wearer stands. Strength mixes the limbs' directions with those of standing."""

    name: str | None = Field(None, description="one of the renderer's poses")
    mirrored: bool | None = Field(None, description="left and right exchanged")
    yaw: Degrees | None = Field(None, description="degrees turned, + towards the picture's right")
    joints: tuple[Point, ...] | None = Field(
        None, description="17 COCO joints in metres (x right of the picture, y up, z to the camera)"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return _one_of(value, POSE_NAMES, "pose")

    @field_validator("joints")
    @classmethod
    def _seventeen(cls, value: tuple[Point, ...] | None) -> tuple[Point, ...] | None:
        if value is not None and len(value) != 17:
            raise ValueError(f"a pose has 17 joints, not {len(value)}")
        return value


class Camera(Control):
    """Where the camera stands and how much it shows. Strength scales azimuth and roll."""

    azimuth: Degrees | None = Field(None, description="degrees, + from the picture's right")
    height: float | None = Field(None, ge=0.1, le=3.0, description="metres above the ground")
    field_of_view: float | None = Field(None, ge=8, le=70, description="degrees, vertical")
    crop: str | None = Field(None, description="how much of the body shows")
    head: bool | None = Field(None, description="False: cut at the chin")
    roll: float | None = Field(None, ge=-30, le=30, description="degrees, + anticlockwise")

    @field_validator("crop")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return _one_of(value, CROPS, "crop")


class Scene(Control):
    """Where it happens: a place of the renderer, or a photograph as backdrop."""

    name: str | None = Field(None, description="one of the renderer's places")
    plate: str | None = Field(None, description="path of a photograph to stand before")
    blur: float | None = Field(
        None, ge=0, le=40, description="of what is far, pixels in a picture 768 high"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return _one_of(value, SCENES, "scene")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.name is not None and self.plate is not None:
            raise ValueError("a scene is a name or a plate, not both")
        return self


class Light(Control):
    """The light. Strength mixes it with the scene's own."""

    azimuth: Degrees | None = Field(None, description="of the key, degrees, + the picture's right")
    elevation: float | None = Field(None, ge=-20, le=90, description="of the key, degrees")
    key_to_fill: float | None = Field(None, ge=-4, le=6, description="stops, of key over fill")
    kelvin: float | None = Field(None, ge=1800, le=15000, description="of the key; the picture is "
                                 "balanced for 5500")  # fmt: skip
    softness: float | None = Field(None, ge=0, le=1, description="of shadows' edges")
    rim: float | None = Field(None, ge=0, le=2, description="light from behind, of the key")
    harmonics: tuple[Point, ...] | None = Field(
        None, description="nine spherical harmonics in linear RGB, in place of the fill"
    )
    source: Literal["scene", "plate"] | None = Field(
        None, description="take what is open from the scene or estimate it from the plate"
    )

    @field_validator("harmonics")
    @classmethod
    def _nine(cls, value: tuple[Point, ...] | None) -> tuple[Point, ...] | None:
        if value is not None and len(value) != 9:
            raise ValueError(f"there are nine harmonics, not {len(value)}")
        return value


class Style(Control):
    """How the photograph is finished. Strength mixes it with a plain finish."""

    grade: str | None = Field(None, description="a named grade of the renderer's")
    palette: tuple[Point, ...] = Field((), description="CIELAB colours that the picture leans to")
    contrast: float | None = Field(
        None, ge=-1, le=1, description="0: as lit; 1: half steeper in the middle"
    )
    grain: float | None = Field(None, ge=0, le=30, description="standard deviation, of 255")
    vignette: float | None = Field(None, ge=0, le=1, description="darkening of the corners")
    lut: str | None = Field(None, description="path of a .cube file")
    references: tuple[str, ...] = Field((), description="paths of pictures whose palette to take")

    @field_validator("grade")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return _one_of(value, GRADES, "grade")


class Shoot(_Record):
    """A photo-shoot: garments, and how they are to be shown.

    >>> shoot = Shoot(garments=(Garment(photo="shirt.jpg"),), pose=Pose(name="walking"))
    >>> Shoot.from_toml(shoot.to_toml()) == shoot
    True
    """

    garments: tuple[Garment, ...] = Field(min_length=1, max_length=6)
    wearer: Wearer = Wearer()
    pose: Pose = Pose()
    camera: Camera = Camera()
    scene: Scene = Scene()
    light: Light = Light()
    style: Style = Style()
    text: str = Field("", description="words as they were given")
    prompt: str = Field("", description="of the words, what became no control")
    vary: tuple[str, ...] = Field((), description="only these change from picture to picture")
    size: tuple[Annotated[int, Field(ge=64, le=4096)], Annotated[int, Field(ge=64, le=4096)]] = (
        512, 768,
    )  # fmt: skip
    seed: Seed = 0

    @field_validator("vary")
    @classmethod
    def _controls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            _one_of(name, CONTROLS, "control to vary")
        return value

    def digest(self) -> str:
        """SHA-256 of the record, 64 hex digits: equal records have equal digests."""
        return hashlib.sha256(self.to_json(indent=None).encode()).hexdigest()

    def to_json(self, indent: int | None = 2) -> str:
        """As JSON; keys sorted."""
        return json.dumps(self.model_dump(mode="json"), indent=indent, sort_keys=True)

    def to_toml(self) -> str:
        """As TOML; what is open or default is left out (extra ``[studio]``)."""
        import tomli_w

        values = self.model_dump(mode="json", exclude_defaults=True)
        return tomli_w.dumps(values)

    @classmethod
    def from_json(cls, text: str, where: str = "the shoot") -> Shoot:
        """Read a shoot.

        Raises:
            InputError: it is no JSON or no shoot.
        """
        try:
            return cls.checked(json.loads(text), where)
        except json.JSONDecodeError as error:
            raise InputError(f"{where} is no JSON: {error}") from error

    @classmethod
    def from_toml(cls, text: str, where: str = "the shoot") -> Shoot:
        """Read a shoot.

        Raises:
            InputError: it is no TOML or no shoot.
        """
        try:
            return cls.checked(tomllib.loads(text), where)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{where} is no TOML: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Shoot:
        """The shoot in a .toml or .json file; its relative paths count from the file's folder.

        Raises:
            InputError: the file cannot be read or holds no shoot.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
        reader = cls.from_json if path.suffix.lower() == ".json" else cls.from_toml
        return reader(text, str(path)).based(path.parent)

    @classmethod
    def checked(cls, values: Any, where: str = "the shoot") -> Shoot:
        """A shoot of plain values.

        Raises:
            InputError: a value is unknown, missing or out of range; all of them are named.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputError(explained(error, where)) from error

    def based(self, folder: Path) -> Shoot:
        """The same, relative paths counted from `folder`."""

        def at(path: str | None) -> str | None:
            return None if path is None else str(folder / path)

        garments = tuple(
            g.model_copy(update={k: at(getattr(g, k)) for k in ("photo", "mask", "back")})
            for g in self.garments
        )
        style = self.style.model_copy(
            update={
                "lut": at(self.style.lut),
                "references": tuple(str(folder / path) for path in self.style.references),
            }
        )
        return self.model_copy(
            update={
                "garments": garments,
                "style": style,
                "scene": self.scene.model_copy(update={"plate": at(self.scene.plate)}),
                "wearer": self.wearer.model_copy(update={"photo": at(self.wearer.photo)}),
            }
        )


def explained(error: ValidationError, where: str) -> str:
    """All that is wrong, a line each."""
    lines = [f"{where} cannot be used:"]
    for one in error.errors(include_url=False):
        place = ".".join(str(part) for part in one["loc"])
        text = one["msg"].removeprefix("Value error, ")
        lines.append(f"  {place}: {text}" if place else f"  {text}")
    return "\n".join(lines)


def _one_of(value: str | None, known: tuple[str, ...], what: str) -> str | None:
    if value is not None and value not in known:
        raise ValueError(f"there is no {what} {value!r}; there are {', '.join(known)}")
    return value

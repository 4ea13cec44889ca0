"""A mood board: what is wanted, and of every wish where it comes from.

A board is a record to be edited by hand. An entry's `how` says how it came about:

- ``measured``: worked out from the pixels of a picture (`of` names the picture)
- ``guessed``: likewise, but from what a picture does not really show (its light)
- ``record``: read from the record that a made picture came with
- ``said``: the words of the board (`of` holds the words) say it themselves
- ``dictionary``: the dictionary of the trade's words takes the words to mean it
- ``model``: a vision-language model said it of a picture (`of` names the model and the picture)
- ``edited``: a person wrote it into the board; what carries no `how` is taken for that
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from lookweave.errors import InputError
from lookweave.models.protocols import Describer
from lookweave.studio.direction import measure, trade
from lookweave.studio.direction.record import Record
from lookweave.studio.render.develop import GRADES
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot.colours import difference
from lookweave.studio.shoot.light import LIGHTS
from lookweave.studio.shoot.record import POSE_NAMES, Garment, Light, Point, Shoot
from lookweave.studio.shoot.words import refuse, with_words

How = Literal["measured", "guessed", "record", "said", "dictionary", "model", "edited"]
_ALIKE = 8.0  # CIEDE2000; nearer colours are one entry
_WEIGHT: dict[How, float] = {
    "said": 1.0, "edited": 1.0, "record": 1.0, "model": 0.8, "measured": 0.8, "dictionary": 0.5,
    "guessed": 0.4,
}  # fmt: skip
MOST_PICTURES = 40


class Entry(Record):
    """What every entry of a board has."""

    how: How = "edited"
    of: str = Field("", description="picture, words or model that it comes from")
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0

    def trace(self) -> str:
        """Where it comes from, for people."""
        return f"{self.how}: {self.of}" if self.of else self.how


class Colour(Entry):
    """A colour, CIELAB (D65)."""

    lab: Point

    @field_validator("lab")
    @classmethod
    def _visible(cls, value: Point) -> Point:
        if not (0 <= value[0] <= 100 and max(abs(value[1]), abs(value[2])) <= 128):
            raise ValueError("a colour has L from 0 to 100, a and b from -128 to 128")
        return value


class Number(Entry):
    """A contrast, in the unit of a shoot's `style.contrast`, -1 to 1."""

    value: float = Field(ge=-1, le=1)


class LightWish(Entry):
    """A light: values of a shoot's light. What is open is taken from the nearest set-up."""

    name: str = Field("", description="of the set-up; empty: none")
    light: Light = Light()


class Word(Entry):
    """A place, a pose, an era or a word of style."""

    name: str


class Finish(Entry):
    """A grade and a grain, as a shoot's style has them."""

    grade: str | None = None
    grain: float | None = Field(None, ge=0, le=30)

    @field_validator("grade")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in GRADES:
            raise ValueError(f"there is no grade {value!r}; there are {', '.join(GRADES)}")
        return value


class Board(Record):
    """A mood board."""

    title: str = ""
    words: str = Field("", description="as they were given")
    unread: str = Field("", description="of the words, what nothing here understood")
    pictures: tuple[str, ...] = Field((), description="paths")
    described_by: str = Field("", description="the model that looked at the pictures; empty: none")
    palette: tuple[Colour, ...] = ()
    contrast: tuple[Number, ...] = ()
    lights: tuple[LightWish, ...] = ()
    scenes: tuple[Word, ...] = ()
    poses: tuple[Word, ...] = ()
    eras: tuple[Word, ...] = ()
    styles: tuple[Word, ...] = ()
    finish: tuple[Finish, ...] = ()

    @field_validator("scenes")
    @classmethod
    def _places(cls, value: tuple[Word, ...]) -> tuple[Word, ...]:
        return _all_of(value, SCENES, "scene")

    @field_validator("poses")
    @classmethod
    def _stances(cls, value: tuple[Word, ...]) -> tuple[Word, ...]:
        return _all_of(value, POSE_NAMES, "pose")

    def lines(self) -> list[str]:
        """For people: a line each entry, with its source."""
        told: list[tuple[str, str, Entry]] = []
        for one in self.palette:
            level, a, b = one.lab
            name = trade.colour_name(one.lab)
            told.append(("palette", f"{name} (L {level:.0f}, a {a:+.0f}, b {b:+.0f})", one))
        told += [("contrast", f"{one.value:+.2f}", one) for one in self.contrast]
        told += [("light", _light_line(one), one) for one in self.lights]
        for what, words in (
            ("scene", self.scenes), ("pose", self.poses), ("era", self.eras),
            ("style", self.styles),
        ):  # fmt: skip
            told += [(what, one.name, one) for one in words]
        for one_finish in self.finish:
            values = one_finish.model_dump(include={"grade", "grain"}, exclude_none=True)
            told.append(("finish", ", ".join(f"{k} {v}" for k, v in values.items()), one_finish))
        lines = [f"{what:<9}{value}  [{one.trace()}]" for what, value, one in told]
        return [*lines, f"unread   {self.unread!r}"] if self.unread else lines


def make_board(
    pictures: Sequence[str | Path] = (), words: str = "", *, title: str = "",
    describer: Describer | None = None, described_by: str = "",
) -> Board:  # fmt: skip
    """A board from pictures and words.

    Args:
        pictures: paths of image files.
        words: free text; looked up in the shoot's table of phrases, then in the dictionary of the
            trade's words.
        describer: a vision-language model that says scene, light, pose and mood of a photo;
            `described_by` is its name. None: nobody looks at the pictures, they are measured.

    Raises:
        InputError: there is nothing to go by, a picture cannot be read, or the words may not be
            used (a minor, a real person's likeness).
    """
    if not pictures and not words.strip():
        raise InputError("A board needs pictures, words or both.")
    if len(pictures) > MOST_PICTURES:
        raise InputError(f"A board takes up to {MOST_PICTURES} pictures, not {len(pictures)}.")
    found: dict[str, list[Any]] = {
        name: [] for name in ("palette", "contrast", "lights", "scenes", "poses", "eras", "styles",
                              "finish")
    }  # fmt: skip
    unread = _from_words(words, found, "") if words.strip() else ""
    for path in map(Path, pictures):
        seen = measure.measured(path)
        _from_picture(path.name, seen, found)
        if describer is not None:
            text = measure.described(describer, seen.pixels, path.name)
            _from_words(text, found, f"{described_by}, {path.name}")
    return Board(
        title=title, words=words, unread=unread, pictures=tuple(str(path) for path in pictures),
        described_by=described_by if describer is not None else "",
        palette=_merged(found["palette"]), **{
            name: _once(entries) for name, entries in found.items() if name != "palette"
        },
    )  # fmt: skip


def _from_words(text: str, found: dict[str, list[Any]], model: str) -> str:
    """Entries of a text, either the person's (`model` empty) or a model's; what is left unread."""
    if not model:
        refuse(text)
    blank = Shoot(garments=(Garment(photo="-"),))
    read, parse = with_words(blank, text) if not model else _calmly(blank, text)

    def trace(how: How, of: str) -> dict[str, Any]:
        of = f"{model}: {of}" if model else of
        how = "model" if model else how
        return {"how": how, "of": of, "weight": _WEIGHT[how]}

    for phrase in parse.found:
        used = phrase.used
        if phrase.control in ("pose", "scene") and "name" in phrase.values:
            # Several places may be said: a board keeps them all, a shoot only the first.
            entry = Word(name=phrase.values["name"], **trace("said", phrase.words))
            found["poses" if phrase.control == "pose" else "scenes"].append(entry)
        elif phrase.control == "style":
            if "contrast" in used:
                found["contrast"].append(
                    Number(value=used["contrast"], **trace("said", phrase.words))
                )
            values = {k: v for k, v in used.items() if k in ("grade", "grain")}
            if values:
                found["finish"].append(Finish(**values, **trace("said", phrase.words)))
    for words, name in _light_names(text):
        light = LightWish(name=name, light=Light(**LIGHTS[name]), **trace("said", words))
        found["lights"].append(light)
    stated = read.light.model_dump(exclude_defaults=True)
    named = {words for words, _ in _light_names(text)}
    said = [p.words for p in parse.found if p.control == "light" and p.words not in named]
    if stated and said:
        found["lights"].append(
            LightWish(light=read.light, **trace("said", ", ".join(said)))
        )  # fmt: skip
    left = text
    for known in reversed(trade.read(text)):
        start, end = known.span
        left = left[:start] + " " * (end - start) + left[end:]
        _from_dictionary(known, found, trace)
    unread = with_words(blank, left)[1].prompt if not model else ""
    return unread


def _calmly(blank: Shoot, text: str) -> Any:
    """Words of a model may name what a person's may not; then they are not used at all."""
    try:
        return with_words(blank, text)
    except InputError:
        return with_words(blank, "")


def _from_dictionary(known: trade.Known, found: dict[str, list[Any]], trace: Any) -> None:
    if known.colour is not None:
        colour = Colour(lab=trade.lab(known.colour), **trace("said", known.words))
        found["palette"].append(colour)
        return
    look = known.look
    assert look is not None
    by = trace("dictionary", known.words)
    found["palette"] += [Colour(lab=trade.lab(code), **by) for code in look.palette]
    found["scenes"] += [Word(name=name, **by) for name in look.scenes]
    found["poses"] += [Word(name=name, **by) for name in look.poses]
    found["lights"] += [
        LightWish(name=name, light=Light(**LIGHTS[name]), **by) for name in look.lights
    ]
    said = trace("said", known.words)
    found["eras"] += [Word(name=look.era, **said)] if look.era else []
    found["styles"] += [Word(name=name, **said) for name in look.styles]
    if look.contrast is not None:
        found["contrast"].append(Number(value=look.contrast, **by))
    if look.grade is not None or look.grain is not None:
        found["finish"].append(Finish(grade=look.grade, grain=look.grain, **by))


def _light_names(text: str) -> list[tuple[str, str]]:
    """Set-ups that a part of the text (between commas) is the name of."""
    parts = [part.strip().lower() for part in re.split(r"[,;.\n]", text)]
    return [(name, name) for name in LIGHTS if name in parts]


def _from_picture(name: str, seen: measure.Measured, found: dict[str, list[Any]]) -> None:
    def by(how: How, share: float = 1.0) -> dict[str, Any]:
        return {"how": how, "of": name, "weight": round(max(_WEIGHT[how] * share, 0.01), 3)}

    largest = max(share for _, share in seen.palette)
    found["palette"] += [
        Colour(lab=lab, **by("measured", share / largest)) for lab, share in seen.palette
    ]
    found["contrast"].append(Number(value=seen.contrast, **by("measured")))
    if seen.record is not None:
        shoot = seen.record
        found["lights"].append(LightWish(light=shoot.light, **by("record")))
        if shoot.scene.name:
            found["scenes"].append(Word(name=shoot.scene.name, **by("record")))
        if shoot.pose.name:
            found["poses"].append(Word(name=shoot.pose.name, **by("record")))
        style = shoot.style
        found["finish"].append(Finish(grade=style.grade, grain=style.grain, **by("record")))
    else:
        found["lights"].append(LightWish(light=seen.light, **by("guessed")))


def _merged(colours: list[Colour]) -> tuple[Colour, ...]:
    """Heaviest first; of colours that look alike the heavier is kept, the others named in `of`."""
    kept: list[Colour] = []
    for one in sorted(colours, key=lambda c: -c.weight):
        for place, other in enumerate(kept):
            if float(difference(np.array(one.lab), np.array(other.lab))) < _ALIKE:
                kept[place] = _joined(other, one)
                break
        else:
            kept.append(one)
    return tuple(kept[:12])


def _once(entries: list[Any]) -> tuple[Any, ...]:
    """Heaviest first, each value once; the sources of equal ones are joined."""
    kept: dict[str, Any] = {}
    for one in sorted(entries, key=lambda e: -e.weight):
        value = one.model_dump_json(exclude={"how", "of", "weight"})
        kept[value] = _joined(kept[value], one) if value in kept else one
    return tuple(kept.values())


def _joined(first: Any, second: Any) -> Any:
    """`first`, with the source of `second` named beside its own."""
    more = second.of if second.how == first.how else second.trace()
    if not more or more in first.of.split("; "):
        return first
    return first.model_copy(update={"of": f"{first.of}; {more}" if first.of else more})


def _light_line(one: LightWish) -> str:
    stated = one.light.model_dump(exclude_defaults=True, exclude={"harmonics"})
    values = ", ".join(f"{k} {v:g}" for k, v in stated.items() if isinstance(v, float))
    return f"{one.name}: {values}" if one.name else values


def _all_of(value: tuple[Word, ...], known: tuple[str, ...], what: str) -> tuple[Word, ...]:
    for one in value:
        if one.name not in known:
            raise ValueError(f"there is no {what} {one.name!r}; there are {', '.join(known)}")
    return value

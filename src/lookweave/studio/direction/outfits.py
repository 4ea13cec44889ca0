"""Garments of one's own as outfits, by rules of layers and colours that are data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from tomllib import loads
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from lookweave.errors import InputError, Rejected
from lookweave.studio.direction import garment_facts, trade
from lookweave.studio.direction.campaign import Article, Refusal
from lookweave.studio.direction.garment_facts import Facts, chroma, hue
from lookweave.studio.direction.record import Record
from lookweave.studio.shoot.colours import difference
from lookweave.studio.shoot.record import Point
from lookweave.taxonomy import CATEGORIES, sold_as

Points = Annotated[float, Field(ge=0, le=1)]


class Shape(Record):
    """A kind of outfit: for each layer, in the order they are put on, the categories it takes."""

    name: str
    layers: tuple[tuple[str, ...], ...] = Field(min_length=1)

    @field_validator("layers")
    @classmethod
    def _known(cls, value: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        for name in itertools.chain(*value):
            if name not in CATEGORIES:
                raise ValueError(f"there is no category {name!r}; there are {CATEGORIES}")
        return value


class Hues(Record):
    """Points of two colours whose hues lie at most `to` degrees apart."""

    to: float = Field(gt=0, le=180)
    points: Points
    name: str


class Colours(Record):
    """How colours go together."""

    neutral_chroma: float = Field(ge=0)
    neutral_with_colour: Points
    neutral_with_neutral: Points
    nearly_alike: Points
    alike: float = Field(ge=0)
    same: float = Field(ge=0)
    hues: tuple[Hues, ...] = Field(min_length=1)

    @field_validator("hues")
    @classmethod
    def _whole(cls, value: tuple[Hues, ...]) -> tuple[Hues, ...]:
        turns = [one.to for one in value]
        if turns != sorted(turns) or turns[-1] != 180:
            raise ValueError("hues go upwards and end at 180 degrees")
        return value

    def points(self, one: Point, other: Point) -> tuple[float, str]:
        """Of two CIELAB colours, and in words why."""
        names = f"{trade.colour_name(one)} with {trade.colour_name(other)}"
        gap = float(difference(np.array(one), np.array(other)))
        if self.same < gap < self.alike:
            return self.nearly_alike, f"{names}: nearly alike, and not the same"
        grey = [chroma(colour) < self.neutral_chroma for colour in (one, other)]
        if all(grey):
            return self.neutral_with_neutral, f"{names}: two neutrals"
        if any(grey):
            return self.neutral_with_colour, f"{names}: a neutral and a colour"
        turn = abs((hue(one) - hue(other) + 180) % 360 - 180)
        found = next(step for step in self.hues if turn <= step.to)
        return found.points, f"{names}: {found.name}"


class Rules(Record):
    """What makes an outfit."""

    shapes: tuple[Shape, ...] = Field(min_length=1)
    colour: Colours
    categories: dict[str, str] = Field(default_factory=dict)

    @field_validator("categories")
    @classmethod
    def _mapped(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := sorted(set(value.values()) - set(CATEGORIES)):
            raise ValueError(f"there is no category {wrong[0]!r}; there are {CATEGORIES}")
        return {word.strip().lower(): name for word, name in value.items()}

    def category(self, word: str) -> str | None:
        """The taxonomy's category for a word of one's own; None: nobody says."""
        own = self.categories.get(word.strip().lower())
        return own or sold_as(word, "")


def shipped() -> Rules:
    """The rules that ship."""
    text = resources.files(__package__).joinpath("outfits.toml").read_text(encoding="utf-8")
    return Rules.checked(loads(text), "outfits.toml")


@dataclass(frozen=True)
class Outfit:
    """Garments worn together, innermost first.

    Attributes:
        shape: name of the rule.
        photos: paths.
        categories: of the taxonomy.
        points: 0 to 1, of the worst pair of colours; 1 for a single garment.
        why: a sentence for each pair.
    """

    shape: str
    photos: tuple[str, ...]
    categories: tuple[str, ...]
    points: float
    why: tuple[str, ...]


@dataclass(frozen=True)
class Outfits:
    """Outfits of a wardrobe, the best first, and what could not be used."""

    garments: tuple[Facts, ...]
    outfits: tuple[Outfit, ...]
    refused: tuple[Refusal, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "garments": [one.model_dump(mode="json") for one in self.garments],
            "outfits": [asdict(one) for one in self.outfits],
            "rejects": [asdict(one) for one in self.refused],
        }


def seen(
    articles: Sequence[Article], rules: Rules, done: Callable[[], None] = lambda: None
) -> tuple[list[Facts], list[Refusal]]:
    """What is known of each garment, and those that cannot be cut out or shown on a person."""
    found, refused = [], []
    for one in articles:
        named = rules.category(one.word) or one.category
        garment = one.garment().model_copy(update={"category": named})
        try:
            found.append(garment_facts.facts(garment))
        except Rejected as error:
            refused.append(Refusal(one.photo, one.skus, one.title, error.reason, error.detail))
        done()
    return found, refused


def outfits(garments: Sequence[Facts], rules: Rules, count: int = 20) -> tuple[Outfit, ...]:
    """The `count` best outfits; of equal points the one whose garments were shown less often comes
    first, so that the whole wardrobe is seen.

    Raises:
        InputError: no garments make an outfit.
    """
    pool: list[Outfit] = []
    for shape in rules.shapes:
        choices = [[one for one in garments if one.category in layer] for layer in shape.layers]
        for worn in itertools.product(*choices):
            if len({one.photo for one in worn}) == len(worn):
                pool.append(_outfit(shape, worn, rules))
    if not pool:
        has = ", ".join(sorted({one.category for one in garments})) or "none"
        raise InputError(f"No garments make an outfit by the rules; there are: {has}.")
    chosen: list[Outfit] = []
    shown: dict[str, int] = {}
    while pool and len(chosen) < count:
        best = min(pool, key=lambda one: (
            -one.points, sum(shown.get(photo, 0) for photo in one.photos), one.photos
        ))  # fmt: skip
        pool.remove(best)
        chosen.append(best)
        for photo in best.photos:
            shown[photo] = shown.get(photo, 0) + 1
    return tuple(chosen)


def _outfit(shape: Shape, worn: Sequence[Facts], rules: Rules) -> Outfit:
    told = [
        rules.colour.points(a.colours[0][0], b.colours[0][0])
        for a, b in itertools.combinations(worn, 2)
    ]
    return Outfit(
        shape.name, tuple(one.photo for one in worn), tuple(one.category for one in worn),
        min((points for points, _ in told), default=1.0), tuple(why for _, why in told),
    )  # fmt: skip


def read_rules(path: Path | None) -> Rules:
    """The rules of a TOML file; None: those that ship.

    Raises:
        InputError: the file cannot be used.
    """
    return shipped() if path is None else Rules.read(path)

"""What a concept must know of a garment before any picture is made: what it is, and its colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookweave.errors import InputError, Rejected
from lookweave.models.colour import to_lab
from lookweave.studio.direction import trade
from lookweave.studio.direction.measure import palette
from lookweave.studio.direction.record import Record
from lookweave.studio.shoot import fit
from lookweave.studio.shoot.record import Garment, Point
from lookweave.studio.shoot.template import FAMILY

_PIXELS = 4000


class Facts(Record):
    """A garment as its photo shows it.

    Attributes:
        photo: path.
        category: of the taxonomy, as stated or as the describer says.
        colours: CIELAB and share of the surface, largest first.
    """

    photo: str
    category: str
    colours: tuple[tuple[Point, float], ...]

    def words(self) -> str:
        """Such as "navy and ivory shirt"."""
        names: list[str] = []
        for lab, share in self.colours:
            name = trade.colour_name(lab)
            if share >= 0.2 and name not in names:
                names.append(name)
        return f"{' and '.join(names[:2])} {self.category}".strip()


def facts(garment: Garment) -> Facts:
    """What the photo of `garment` shows.

    Raises:
        Rejected: it cannot be read or cut out, or a shoot has no template for what it is.
    """
    photo, mask, opinion = fit.cut_out(garment)
    category = max(opinion, key=lambda name: opinion[name])
    if category not in FAMILY:
        raise Rejected(
            "category_unfit",
            f"it is taken for {category}, which no shoot can dress anybody in; say its category "
            "where that is wrong",
        )
    pixels = photo[mask]
    step = max(1, len(pixels) // _PIXELS)
    colours = palette(to_lab(pixels[::step]).astype(float), 4)
    return Facts(photo=garment.photo, category=category, colours=colours)


def all_facts(garments: Sequence[Garment]) -> list[Facts]:
    """Facts of garments that are to be worn together.

    Raises:
        InputError: of one a concept cannot be made; each is named with the reason.
    """
    found, wrong = [], []
    for garment in garments:
        if not Path(garment.photo).is_file():
            raise InputError(f"The garment's photo {garment.photo} is no file.")
        try:
            found.append(facts(garment))
        except Rejected as error:
            wrong.append(f"{garment.photo}: {error.detail} ({error.reason})")
    if wrong:
        raise InputError("No concept is made of what cannot be shown.\n" + "\n".join(wrong))
    if not found:
        raise InputError("A concept needs at least one garment's photo.")
    return found


def hue(lab: Point) -> float:
    """Degrees, of CIELAB's a and b."""
    return float(np.degrees(np.arctan2(lab[2], lab[1]))) % 360


def chroma(lab: Point) -> float:
    """Distance from grey."""
    return float(np.hypot(lab[1], lab[2]))

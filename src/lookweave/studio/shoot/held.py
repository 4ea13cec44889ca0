"""What holding a picture to its guide found, as rows of its table."""

from __future__ import annotations

from dataclasses import dataclass

from lookweave.models.protocols import Pixels
from lookweave.studio.judge.rows import Measure
from lookweave.studio.shoot.registration import Registered


@dataclass(frozen=True)
class Held:
    """A picture, and how it lay on its guide; None where it was not held to it."""

    picture: Pixels
    found: Registered | None


def held_rows(held: Held) -> tuple[Measure, ...]:
    """Asked: nothing moves. Got: how far it did, before and after it was brought back."""
    found = held.found
    if found is None:
        return ()
    unit = "pixels of a picture 768 high"
    moved, left = round(found.moved, 2), round(found.left, 2)
    return (
        Measure("camera", "moved before registration", unit, 0.0, moved, moved, "measured"),
        Measure("garments", "off the guide after it", unit, 0.0, left, left, "measured"),
        Measure("pose", "agreement with the guide", "correlation of brightness", 1.0,
            round(found.agreement, 3), round(1 - found.agreement, 3), "measured"),
    )  # fmt: skip

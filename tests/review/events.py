"""Events for tests."""

from __future__ import annotations

import uuid
from typing import Any

from lookweave.review.journal import Event

GARMENT, LOOK = "a" * 20, "b" * 20
BOX = (0.2, 0.2, 0.6, 0.7)


def verdict(said: str = "same", reviewer: str = "ann", **more: Any) -> Event:
    given = {"garment": GARMENT, "look": LOOK, "box": BOX, "kind": "verdict", **more}
    return Event(id=given.pop("id", str(uuid.uuid4())), reviewer=reviewer, verdict=said, **given)


def withdrawal(of: Event, **more: Any) -> Event:
    return Event(
        id=str(uuid.uuid4()), reviewer=more.pop("reviewer", of.reviewer), kind="withdrawal",
        garment=of.garment, look=of.look, supersedes=of.id, **more,
    )  # fmt: skip

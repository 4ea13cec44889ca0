"""Which parts of a garment and a region answer each other, as places in the desk's pictures."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from lookweave.models.details import unpacked
from lookweave.models.protocols import Tokens
from lookweave.records import region_id
from lookweave.report.parts import answers
from lookweave.web.desk import TheSite
from lookweave.web.images import framed
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment

router = APIRouter(prefix="/api/v1", tags=["review"])

_MOST = 8


@router.get("/details")
def corresponding(
    garment: Annotated[str, Query(max_length=64)], region: Annotated[str, Query(max_length=300)],
    site: TheSite,
) -> dict[str, Any]:  # fmt: skip
    """At most eight parts, as x and y in shares of the pictures `cut`, of the region, and `full`;
    none where details are not compared (`match.details`). Nothing of how alike they are."""
    moment = site.now()
    look = region.partition(":")[0]
    product, photo = moment.photo("garment", garment), moment.photo("look", look)
    if product is None or photo is None:
        raise NotShown("pair")
    cut = region_id(garment, moment.setup.models.detector.key, 0, "garment")
    rows = moment.workspace.table("regions").rows_by("id", [cut, region], ["id", "box", "mask"])
    found = {row["id"]: row for row in rows.to_pylist()}
    if region not in found:
        raise NotShown("pair")
    tokens = _tokens(moment, [cut, region])
    if len(tokens) < 2 or cut not in found:
        return {"points": []}
    ends = found[cut], found[region]
    boxes = [tuple(row["box"]) for row in ends]
    parts = answers(tokens[cut], boxes[0], tokens[region], boxes[1], _MOST)
    frames = (
        framed(boxes[0], product["width"], product["height"], masked=bool(ends[0]["mask"])),
        framed(boxes[1], photo["width"], photo["height"], masked=False),
        (0.0, 0.0, float(photo["width"]), float(photo["height"])),
    )
    return {
        "points": [
            {
                name: _share(place, frame)
                for name, place, frame in zip(
                    ("garment", "region", "look"), (one.garment, one.look, one.look), frames,
                    strict=True,
                )
            }
            for one in parts
        ]
    }  # fmt: skip


def _tokens(moment: Moment, regions: list[str]) -> dict[str, Tokens]:
    encoder = moment.setup.models.encoder.key
    columns = ["subject", "token_values", "token_places"]
    for table in moment.workspace.embedding_tables():
        if table.path.stem == encoder:
            return {
                row["subject"]: Tokens(
                    unpacked(row["token_values"]),
                    np.frombuffer(row["token_places"], np.uint8).reshape(-1, 2),
                )
                for row in table.rows_by("subject", regions, columns).to_pylist()
                if row["token_values"]
            }
    return {}


def _share(
    place: tuple[float, float], frame: tuple[float, float, float, float]
) -> tuple[float, float]:
    left, top, right, bottom = frame
    return (
        round((place[0] - left) / max(right - left, 1), 4),
        round((place[1] - top) / max(bottom - top, 1), 4),
    )

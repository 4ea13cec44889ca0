"""The pairs that a person may be asked about: the best region of each garment and look."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import Tier
from lookweave.store.conditions import matching
from lookweave.store.takedowns import SHOWN
from lookweave.store.workspace import Workspace

NO_TIER = "none"


@dataclass(frozen=True)
class Candidates:
    """One row each, in the order of garment and look.

    Attributes:
        garment, look, region: ids, object arrays of str.
        probability: float32, 0..1.
        tier: high, medium, low, or `NO_TIER` of what is no pair of the data set.
        category: of the region; "" where the detector does not say.
        product: what the garment's variants share; its id where the catalogue says nothing.
        shoot: of the look; its id where nothing is known.
        recipe: of the matches.
    """

    garment: NDArray[np.object_]
    look: NDArray[np.object_]
    region: NDArray[np.object_]
    probability: NDArray[np.float32]
    tier: NDArray[np.object_]
    category: NDArray[np.object_]
    product: NDArray[np.object_]
    shoot: NDArray[np.object_]
    recipe: str

    @cached_property
    def place(self) -> dict[tuple[str, str], int]:
        """(garment, look) -> row."""
        pairs = zip(self.garment.tolist(), self.look.tolist(), strict=True)
        return {pair: at for at, pair in enumerate(pairs)}

    def __len__(self) -> int:
        return len(self.garment)

    @classmethod
    def read(cls, workspace: Workspace, setup: Setup) -> Candidates:
        """Those of the present recipe whose photos are listed and not taken down.

        Memory: about 200 bytes a match while it reads.
        """
        columns = ["garment", "look", "region", "probability", "score"]
        rows = workspace.table("matches").read(columns, Match(setup).rows)
        rows = rows.sort_by(
            [("garment", "ascending"), ("look", "ascending"), ("probability", "descending"),
             ("score", "descending"), ("region", "ascending")]
        )  # fmt: skip
        best = rows.group_by(["garment", "look"], use_threads=False).aggregate(
            [("region", "first"), ("probability", "first")]
        )
        garments = _values(workspace, "garments", "product")
        looks = _values(workspace, "looks", "shoot")
        shown = pc.and_(
            pc.is_in(best.column("garment"), pa.array(list(garments), pa.string())),
            pc.is_in(best.column("look"), pa.array(list(looks), pa.string())),
        )
        best = best.filter(shown)
        garment, look, region = (
            np.array(best.column(name).to_pylist(), object)
            for name in ("garment", "look", "region_first")
        )
        tiers = workspace.table("pairs").read(["garment", "look", "tier"], Tier(setup).rows)
        tier = {(row["garment"], row["look"]): row["tier"] for row in tiers.to_pylist()}
        detector = matching(kind="look", detector=setup.models.detector.key)
        labels = workspace.table("regions").read(["id", "label"], detector)
        label = dict(
            zip(*(labels.column(name).to_pylist() for name in ("id", "label")), strict=True)
        )
        return cls(
            garment, look, region,
            best.column("probability_first").to_numpy().astype(np.float32),
            np.array([tier.get(key, NO_TIER) for key in zip(garment, look, strict=True)], object),
            np.array([label.get(one) or "" for one in region], object),
            np.array([garments[one] or one for one in garment], object),
            np.array([looks[one] or one for one in look], object),
            Match(setup).recipe,
        )  # fmt: skip


def _values(workspace: Workspace, table: str, name: str) -> dict[str, str | None]:
    rows = workspace.table(table).read(["id", name], SHOWN)
    return dict(zip(rows.column("id").to_pylist(), rows.column(name).to_pylist(), strict=True))


def spread(candidates: Candidates, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same places, so that no product and no shoot comes a second time before all others
    came once; otherwise in the order given."""
    seen: dict[tuple[str, str], int] = {}
    turns = []
    for at in order.tolist():
        keys = ("product", candidates.product[at]), ("shoot", candidates.shoot[at])
        turns.append(max(seen.get(key, 0) for key in keys))
        for key in keys:
            seen[key] = seen.get(key, 0) + 1
    return order[np.argsort(np.array(turns, np.int64), kind="stable")]

"""The pairs that a person may be asked about: the best region of each garment and look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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


def audit_inclusion(candidates: Candidates, each_tier: int) -> NDArray[np.float64]:
    """The probability with which an audit draws each pair: as many of every tier, so that each
    tier's precision is known alike.

    Args:
        each_tier: pairs expected of each; fewer where the tier is smaller.

    Returns:
        float64, 0..1; 0 for what is in no tier.
    """
    inclusion = np.zeros(len(candidates))
    for tier in set(candidates.tier.tolist()) - {NO_TIER}:
        own = candidates.tier == tier
        inclusion[own] = min(1.0, each_tier / int(own.sum()))
    return inclusion


def audit_draw(
    candidates: Candidates, inclusion: NDArray[np.float64], seed: int
) -> NDArray[np.bool_]:
    """Which pairs the audit draws: a Poisson sample with permanent random numbers (Ohlsson, 1995).

    Each pair has one number for ever, a hash of its ids and the seed; it is drawn where that is
    below its inclusion probability. So a build changes the sample only as it changes tiers.
    """
    number = _permanent(seed)
    return np.array(
        [
            chance > 0 and number(garment, look) < chance
            for garment, look, chance in zip(
                candidates.garment, candidates.look, inclusion, strict=True
            )
        ],
        bool,
    )


def _permanent(seed: int) -> Callable[[str, str], float]:
    def number(garment: str, look: str) -> float:
        digest = hashlib.sha256(f"{seed}\x1f{garment}\x1f{look}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2**56

    return number


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

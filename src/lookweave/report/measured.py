"""What the steps measured on the way and left beside the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from lookweave.matching.fuse import ScoreWeights
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps import match, tier
from lookweave.report.scope import Scope
from lookweave.store.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class MatchMeasured:
    """Of `steps.matcher.Measured`, what the report tells."""

    filter_sample: int = 0
    filter_lost: int = 0
    bank: int = 0
    hubness_off: str | None = None
    hubs: float = 0.0


@dataclass(frozen=True)
class TierMeasured:
    """Of what the step Tier measured, what the report tells.

    Attributes:
        candidates: matches, one for each garment and look, that no person refused.
        left_out_between_splits: chosen pairs dropped because their groups ended on two sides.
        short: sentences on tiers or splits that came out smaller than asked for.
    """

    candidates: int = 0
    left_out_between_splits: int = 0
    short: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Learned:
    """Of the calibration, what the report tells."""

    lambda_vlm: float
    lambda_visual: float
    labels: int
    positives: int
    brier: float
    lambda_detail: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Each part is None where it was not measured."""

    match: MatchMeasured | None
    tier: TierMeasured | None
    calibration: Learned | None
    weights: ScoreWeights
    """Of the score of the next build, sum 1."""


def read_measured(workspace: Workspace, scope: Scope) -> Measured:
    """Read what there is; a damaged file counts as none, since the report can do without."""
    return Measured(
        _read(match.measured_path(workspace, scope.match), MatchMeasured) if scope.match else None,
        _read(tier.measured_path(workspace, scope.tier), TierMeasured) if scope.tier else None,
        _read(workspace.path / match.CALIBRATION, Learned)
        if scope.config.match.calibrated
        else None,
        match.score_weights(workspace, Setup.of(scope.config)),
    )


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = {each.name for each in fields(kind)}  # type: ignore[arg-type]
        return kind(**{name: value for name, value in content.items() if name in names})
    except (OSError, ValueError, TypeError, AttributeError):
        return None

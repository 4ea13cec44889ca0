"""`lookweave audit`: draw a sample or find it again, write its sheet, read verdicts, tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lookweave.config import Config
from lookweave.pipeline.setup import Setup
from lookweave.review.audits import SEED, SIZE, AuditResult, draw, frozen_pairs, result
from lookweave.review.folding import fold_audits
from lookweave.review.sheet import read_sheet, write_sheet
from lookweave.store import audits
from lookweave.store.workspace import Workspace


def audit(
    workspace: Workspace,
    config: Config,
    tier: str,
    *,
    size: int | None,
    seed: int | None,
    delta: float,
    sheet: Path | None,
    read: Path | None,
    reviewer: str,
) -> AuditResult:
    """See `lookweave.api.Workspace.audit`. Call it under the workspace's lock."""
    setup = Setup.of(config)
    frozen = frozen_pairs(workspace, setup, tier)
    verdicts: int | None = None
    if read is not None:
        sample, verdicts = read_sheet(workspace, setup, read, reviewer)
    else:
        digest = audits.hash_of(frozen)
        known = {one.frozen: one for one in audits.samples(workspace) if one.tier == tier}
        earlier = known.get(digest)
        if earlier is not None and size is None and seed is None:
            sample = earlier
        else:
            again = (earlier.size, earlier.seed) if earlier else (SIZE, SEED)
            sample = draw(
                workspace, setup, tier, frozen, size or again[0], again[1] if seed is None else seed
            )
    fold_audits(workspace)
    if sheet is not None:
        write_sheet(workspace, setup, sample, sheet)
    found = result(workspace, sample, delta)
    current = sample.tier == tier and audits.hash_of(frozen) == sample.frozen
    return replace(
        found, current=current, sheet=None if sheet is None else str(sheet), read=verdicts
    )

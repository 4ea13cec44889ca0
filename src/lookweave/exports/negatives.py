"""Hard negatives: matches that look right to the models, and that somebody knows to be wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.evaluate.truth import read_truth
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import together
from lookweave.pipeline.steps.match import Match
from lookweave.store.reviews import standings
from lookweave.store.takedowns import hidden
from lookweave.store.workspace import Workspace

_ROWS = 1 << 16

NEGATIVES_SCHEMA = pa.schema(
    [
        ("garment", pa.string()),
        ("look", pa.string()),
        ("region", pa.string()),
        ("score", pa.float32()),
        ("rank", pa.int32()),
        ("why", pa.string()),
    ]
)
"""Columns of `hard_negatives`; `why` is ``truth`` or ``reviews``."""


def hard_negatives(
    workspace: Workspace, config: Config, truth: Path | None = None
) -> Iterator[pa.Table]:
    """The matches that truth or reviews refuse, in batches, each by garment and rank.

    Truth is taken as complete for the garments that it names, and their like: a look that shows
    another photo of the same product is no negative. It is asked first, then the majority of the
    reviews. Photos that are taken down or listed no more are left out.

    Args:
        truth: known pairs, see `evaluate.truth.read_truth`; None: reviews only.

    Raises:
        InputError: nothing is matched yet, nobody judged any match, or the file does not fit.
    """
    setup = Setup.of(config)
    made = Match(setup).rows
    if not workspace.table("matches").count(made):
        raise InputError(f"{workspace.path} has no matches yet: run `lookweave build` first.")
    looks_of = _looks_of(workspace, setup, truth)
    reviewed = {
        key: said.same for key, said in standings(workspace).items() if said.same is not None
    }
    if truth is None and not reviewed:
        raise InputError(
            "Nobody has judged a match: give known pairs (--truth FILE), or have matches reviewed."
        )
    judged = pa.array(sorted({*looks_of, *(garment for garment, _ in reviewed)}), pa.string())
    gone = {name: pa.array(hidden(workspace, name), pa.string()) for name in ("garment", "look")}
    columns = NEGATIVES_SCHEMA.names[:-1]
    yield NEGATIVES_SCHEMA.empty_table()
    for batch in workspace.table("matches").scan(columns, made, _ROWS):
        batch = batch.filter(pc.is_in(batch.column("garment"), judged))
        for name, ids in gone.items():
            batch = batch.filter(pc.invert(pc.is_in(batch.column(name), ids)))
        rows = []
        for row in batch.to_pylist():
            if (looks := looks_of.get(row["garment"])) is not None:
                why = "" if row["look"] in looks else "truth"
            else:
                right = reviewed.get((row["garment"], row["region"]), True)
                why = "" if right else "reviews"
            if why:
                rows.append({**row, "why": why})
        order = [("garment", "ascending"), ("rank", "ascending"), ("region", "ascending")]
        yield pa.Table.from_pylist(rows, NEGATIVES_SCHEMA).sort_by(order)


def _looks_of(workspace: Workspace, setup: Setup, truth: Path | None) -> dict[str, set[str]]:
    """Garment that the truth names -> looks that show it or its like."""
    if truth is None:
        return {}
    known = read_truth(workspace, truth).looks_of()
    groups = together(workspace, setup, "garment")
    shown: dict[str, set[str]] = defaultdict(set)
    for garment, looks in known.items():
        shown[groups.get(garment, garment)].update(looks)
    return {garment: shown[groups.get(garment, garment)] for garment in known}

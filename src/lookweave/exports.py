"""Tables for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.records import MATCH
from lookweave.store.conditions import column
from lookweave.store.tables import Lookup
from lookweave.store.workspace import Workspace

MATCHES_SCHEMA = pa.schema(
    [
        ("garment_path", pa.string()),
        ("look_path", pa.string()),
        ("region_box", pa.list_(pa.float32(), 4)),
        ("s_vlm", pa.float32()),
        ("s_visual", pa.float32()),
        ("s_detail", pa.float32()),
        ("score", pa.float32()),
        ("probability", pa.float32()),
        ("rank", pa.int32()),
    ]
)
"""The columns of the contract; boxes are xyxy in pixels of the oriented look."""


def match_rows(workspace: Workspace, config: Config, top: int) -> Iterator[pa.Table]:
    """The `top` best regions of every garment in batches, in no order: the columns of the table
    `matches`, with ``garment_path``, ``look_path`` and ``region_box``.

    Raises:
        InputError: nothing is matched yet.
    """
    matches = workspace.table("matches")
    made = Match(Setup.of(config)).rows
    if not matches.count(made):
        raise InputError(f"{workspace.path} has no matches yet: run `lookweave build` first.")
    garments, looks, regions = (
        _Column(workspace, table, name)
        for table, name in (("garments", "path"), ("looks", "path"), ("regions", "box"))
    )
    # A batch of no rows comes first, so that there is a table also where no match has a rank.
    scanned = matches.scan(where=made & column("rank").at_most(top))
    for batch in chain([MATCH.schema.empty_table()], scanned):
        paths = garments.of(batch.column("garment").to_pylist())
        rows = batch.append_column("garment_path", paths)
        rows = rows.append_column("look_path", looks.of(batch.column("look").to_pylist()))
        yield rows.append_column("region_box", regions.of(batch.column("region").to_pylist()))


def export_matches(workspace: Workspace, config: Config, top: int, to: Path) -> int:
    """Write the `top` best regions of every garment, streamed. Returns the number of rows.

    Raises:
        InputError: nothing is matched yet, or the file cannot be written.
    """
    written = 0
    batches = match_rows(workspace, config, top)
    first = next(batches)  # raises before there is a file
    try:
        with pq.ParquetWriter(to, MATCHES_SCHEMA) as file:
            for batch in chain([first], batches):
                rows = batch.select(MATCHES_SCHEMA.names).cast(MATCHES_SCHEMA)
                file.write_table(
                    rows.sort_by([("garment_path", "ascending"), ("rank", "ascending")])
                )
                written += rows.num_rows
    except OSError as error:
        raise InputError(f"{to} cannot be written: {error}.") from error
    return written


class _Column:
    """One column of a table by id."""

    def __init__(self, workspace: Workspace, table: str, column: str) -> None:
        self._table, self._column = workspace.table(table), column
        self._rows = Lookup(self._table, "id")

    def of(self, ids: list[str]) -> pa.ChunkedArray:
        return self._table.take(self._rows.positions(ids), [self._column]).column(self._column)

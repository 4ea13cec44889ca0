"""Tables for other programs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.steps.match import Match
from lookweave.store.tables import Lookup
from lookweave.store.workspace import Workspace

MATCHES_SCHEMA = pa.schema(
    [
        ("garment_path", pa.string()),
        ("look_path", pa.string()),
        ("region_box", pa.list_(pa.float32(), 4)),
        ("s_vlm", pa.float32()),
        ("s_visual", pa.float32()),
        ("score", pa.float32()),
        ("probability", pa.float32()),
        ("rank", pa.int32()),
    ]
)
"""The columns of the contract; boxes are xyxy in pixels of the oriented look."""


def export_matches(workspace: Workspace, config: Config, top: int, to: Path) -> int:
    """Write the `top` best regions of every garment, streamed. Returns the number of rows.

    Raises:
        InputError: nothing is matched yet, or the file cannot be written.
    """
    matches = workspace.table("matches")
    where = f"{Match.replaces(config)} AND rank <= {top}"
    if not matches.count(Match.replaces(config)):
        raise InputError(f"{workspace.path} has no matches yet: run `lookweave build` first.")
    garments, looks, regions = (
        _Column(workspace, table, column)
        for table, column in (("garments", "path"), ("looks", "path"), ("regions", "box"))
    )
    written = 0
    try:
        with pq.ParquetWriter(to, MATCHES_SCHEMA) as file:
            for batch in matches.scan(where=where):
                columns = {name: batch.column(name) for name in MATCHES_SCHEMA.names[3:]}
                rows = pa.table(
                    {
                        "garment_path": garments.of(batch.column("garment").to_pylist()),
                        "look_path": looks.of(batch.column("look").to_pylist()),
                        "region_box": regions.of(batch.column("region").to_pylist()),
                        **columns,
                    },
                    schema=MATCHES_SCHEMA,
                )
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

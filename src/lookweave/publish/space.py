"""Whether a publication can fit on a disk, told before hours of work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lookweave.errors import PublishError
from lookweave.publish.options import Options
from lookweave.publish.plan import Plan
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace

_LEAST_BYTES_A_PIXEL = 0.04
"""A JPEG of quality 92 takes .1 to .6 bytes a pixel; smooth photos less."""


def check_space(workspace: Workspace, plan: Plan, options: Options, folder: Path) -> None:
    """Refuse to begin what cannot fit beside what is there.

    Raises:
        PublishError: less is free than `least_bytes`.
    """
    needed, free = least_bytes(workspace, plan, options), shutil.disk_usage(folder).free
    if needed > free:
        raise PublishError(
            f"The publication takes at least {_gigabytes(needed)} and {_gigabytes(free)} are free "
            "on the disk. Free some, name a folder on another disk, or "
            "publish smaller images (--max-side), fewer tiers or one format."
        )


def least_bytes(workspace: Workspace, plan: Plan, options: Options) -> int:
    """What the photos of a plan take at the very least; regions and words come on top."""
    total = 0
    for kind in ("garment", "look"):
        ids, counts = _count(plan.pairs[kind])
        for batch in _photos(workspace.table(f"{kind}s"), ids):
            at = pc.index_in(batch["id"], ids)
            sizes = _sizes(batch, options)
            total += sum(
                size * counts[place] for size, place in zip(sizes, at.to_pylist(), strict=True)
            )
    return total * len(options.formats)


def _count(column: pa.ChunkedArray) -> tuple[pa.Array, list[int]]:
    counted = column.combine_chunks().value_counts()
    return counted.field("values"), counted.field("counts").to_pylist()


def _photos(table: Table, ids: pa.Array) -> list[pa.Table]:
    columns = ["id", "width", "height", "bytes"]
    return [
        found
        for batch in table.scan(columns)
        if (found := batch.filter(pc.is_in(batch["id"], ids))).num_rows
    ]


def _sizes(photos: pa.Table, options: Options) -> list[int]:
    """Bytes of each photo as it goes out, at least."""
    sizes = []
    for row in photos.to_pylist():
        width, height = row["width"] or 1, row["height"] or 1
        scale = min(1.0, options.max_side / max(width, height))
        pixels = width * height * scale * scale
        encoded = int(pixels * _LEAST_BYTES_A_PIXEL * min(1.0, options.quality / 92))
        sizes.append(min(encoded, row["bytes"] or encoded) if options.original else encoded)
    return sizes


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"

"""The record of small weights that stand on the encoder: text tower and describer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.train.export import write_record
from lookweave.train.labelled_crops import CropTable, Shipped


def write_head(
    path: Path,
    arrays: Mapping[str, NDArray[np.float32]],
    shipped: Shipped,
    record: Mapping[str, Any],
) -> dict[str, Any]:
    """Write `arrays` at half precision to `path`, and the completed record beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **{name: value.astype(np.float16) for name, value in arrays.items()})  # type: ignore[arg-type]
    part.replace(path)
    complete = {
        "file": path.name,
        "licence": "Apache-2.0",
        "weights": int(sum(value.size for value in arrays.values())),
        "encoder_sha256": shipped.encoder_sha256,
        "segmenter_sha256": shipped.segmenter_sha256,
        "made": time.strftime("%Y-%m-%d"),
        **record,
    }
    write_record(path, complete)
    return complete


def data_used(table: CropTable) -> list[dict[str, str]]:
    """What a page says of the data."""

    def count(source: str, split: str) -> int:
        return int(((table.sources == source) & (table.splits == split)).sum())

    return [
        {
            "name": "Clothing Co-Parsing",
            "licence": "Apache-2.0 (repository; photos third-party)",
            "used": f"{count('mask', 'train')} garments by their true masks, of photos whose number"
            f" does not end in 7, and {count('tagged', 'train')} regions that the segmenter found"
            f" in such photos with tags only; {count('found', 'validation')} regions for"
            " validation",
        },
        {
            "name": "clothing-small",
            "licence": "CC0",
            "used": f"{count('product', 'train')} photos of the train split, cut out by the"
            f" segmenter; {count('product', 'validation')} for validation",
        },
    ]

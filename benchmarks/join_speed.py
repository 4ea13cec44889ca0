"""The blocked, exact join against one plain call of faiss.knn, in one run.

    python benchmarks/join_speed.py --queries 4096 --gallery 100000

The join reads its gallery from a file block by block, scores its candidates once more in float64
and orders equals, so it must cost more than the bare product; the ratio says how much.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np

from lookweave.matching.fuse import Composite
from lookweave.matching.join import Block, nearest
from lookweave.matching.vectors import VectorFile

SPLIT = 82


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=4096)
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=338, help="description and visual part")
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--block", type=int, default=16_384)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    random = np.random.default_rng(0)
    rows = random.normal(size=(given.gallery, given.width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = rows[: given.queries] + 0.3 * rows[-given.queries :]
    composite = Composite(SPLIT, 0.3, 0.7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.f32"
        rows.tofile(path)
        file = VectorFile(path, given.width)

        def gallery() -> Iterator[Block]:
            for positions, block in file.blocks(given.block):
                yield Block(positions, block)

        plain, blocked = [], []
        for _ in range(given.runs):  # in turn, so that a busy machine is busy for both
            began = time.perf_counter()
            _, expected = faiss.knn(
                composite.query(queries), rows, given.k, faiss.METRIC_INNER_PRODUCT
            )
            plain.append(time.perf_counter() - began)
            began = time.perf_counter()
            found = nearest(queries, gallery, given.k, composite)
            blocked.append(time.perf_counter() - began)
    same = np.mean(
        [len(set(a) & set(b)) / given.k for a, b in zip(expected, found.positions, strict=True)]
    )
    print(
        f"{given.queries} queries x {given.gallery} rows x {given.width}, k {given.k}: "
        f"faiss.knn {min(plain):.2f} s, blocked join {min(blocked):.2f} s, "
        f"ratio {min(blocked) / min(plain):.2f}, same neighbours {same:.4%}"
    )


if __name__ == "__main__":
    main()

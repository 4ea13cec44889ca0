"""Peak memory and time of reading a manifest: variants of styles, in CSV and Parquet.

python benchmarks/manifest_memory.py --rows 50000 100000 200000
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

COLUMNS = ["sku", "title", "brand", "parent", "color", "size", "price", "image_link", "rights"]


def write(path: Path, rows: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(rows):
            style, colour, size = number // 12, number // 4 % 3, number % 4
            picture = f"https://shop.example/{style}-{colour}.jpg" if size == 0 else ""
            cells = (f"A{number:08d}", "A dress, long", "Maison", f"S{style}", colour, size)
            writer.writerow([*cells, "59,00 €", picture, "© Maison"])
    table = arrow_csv.read_csv(path)
    pq.write_table(table, path.with_suffix(".parquet"), row_group_size=65_536)


def read(path: Path) -> None:
    """Reads in a process of its own, so that the peak is this manifest's."""
    from lookweave.sources import listing

    began = time.process_time()
    count = sum(1 for _ in listing("garment", (str(path),)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{path.suffix[1:]:8} {count:9,} pictures  {peak:6.0f} MiB  {time.process_time() - began:6.1f} CPU s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    parser.add_argument("--read", type=Path)
    given = parser.parse_args()
    if given.read:
        read(given.read)
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            path = Path(folder) / f"{rows}.csv"
            write(path, rows)
            for each in (path, path.with_suffix(".parquet")):
                subprocess.run([sys.executable, __file__, "--read", str(each)], check=True)


if __name__ == "__main__":
    main()

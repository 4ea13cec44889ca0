"""Quantiles of technical and composition measures of street photographs, for the probes.

    python benchmarks/composition_reference.py PHOTOS src/lookweave/studio/judge/composition.json

PHOTOS: a folder of photographs of dressed people (Clothing Co-Parsing's `photos`). Every tenth
or so is measured; only 101 quantiles of each measure are written.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lookweave.photos.decode import load
from lookweave.studio.judge.composition import SIDE, measures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    paths = sorted(p for p in given.photos.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    chosen = paths[:: max(1, len(paths) // given.count)][: given.count]
    found = [asdict(measures(load(path, max_side=SIDE).pixels)) for path in chosen]
    quantiles = {}
    for name in found[0]:
        values = np.array([row[name] for row in found if row[name] is not None])
        quantiles[name] = [round(float(v), 4) for v in np.percentile(values, np.arange(101))]
        print(f"{name}: {len(values)} photos, median {np.median(values):.3f}")
    told = {
        "count": len(found), "quantiles": quantiles,
        "source": "Clothing Co-Parsing (Yang, Luo and Lin 2014), photographs; statistics only",
    }  # fmt: skip
    given.to.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

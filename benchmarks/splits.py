"""How evenly train, validation and test share the tiers of a made-up brand, and what is left out.

    python benchmarks/splits.py [--times 10]

The graph is the tests' own (tests/matching/brand.py): 1,781 pairs of a brand whose photos are nearly all
connected, `--times` as large if asked for.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.matching.brand import brand


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for own in ((1.0, 0.9, 0.7), (1.0, 0.9, 0.3)):
        print(f"pairs whose look is of the garment's collection, high to low: {own}")
        for seed in range(options.seeds):
            shop = brand(seed, own, options.times)
            began = time.perf_counter()
            dealt = shop.split()
            seconds = time.perf_counter() - began
            counts = [
                "/".join(
                    str(int(((shop.tiers == tier) & (dealt.split == side)).sum()))
                    for side in range(3)
                )
                for tier in range(3)
            ]
            left = sum(dealt.left_out) / len(shop.tiers)
            print(f"  seed {seed}: {', '.join(counts)}; left out {dealt.left_out} ({left:.1%}), "
                  f"{seconds:.1f} s, uneven: {len(dealt.short)}")  # fmt: skip
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


if __name__ == "__main__":
    main()

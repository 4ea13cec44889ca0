"""Garments that detect finds in street photos, by their true masks, and what they are called.

    python benchmarks/found_garments.py --parsed ccp [--split test]

The installed segmenter and describer on the masked photos of a split (test: number ends in 7). A
garment is all of one merged class in one photo (train/labels.py) where it covers over 1.5% of it;
it is found when one region overlaps it with IoU >= 0.5. Its label is first the segmenter's, then
the describer's, which is what the pipeline stores. With 95% Wilson intervals.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lookweave.config import load
from lookweave.matching.select import wilson
from lookweave.models.cards import models_of
from lookweave.train.parsed_photos import load_parsed_photos
from lookweave.train.region_quality import region_quality


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--parsed", required=True, type=Path)
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    given = parser.parse_args()
    photos = load_parsed_photos(given.parsed, [given.split])
    detector, _, describer = (card.load() for card in models_of(load()).cards())
    for who, asked in (("segmenter", None), ("describer", describer)):
        quality = region_quality(photos, detector, asked)
        count = quality["garments"]
        for what in ("found", "found_and_labelled"):
            low, high = wilson(round(quality[what] * count), count)
            print(f"{who}: {what} {quality[what]:.3f} [{low:.3f}, {high:.3f}] of {count}")
    print("by class (garments, found, rightly called by the describer):")
    for name, row in quality["classes"].items():
        print(f"  {name:15s}", *row.values())


if __name__ == "__main__":
    main()

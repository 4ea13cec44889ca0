"""Rate of ingest beside that of an earlier checkout, in one run, and what its hashes find.

    git worktree add --detach ../before a14f342
    python benchmarks/ingest_speed.py PHOTOS --before ../before --rounds 5

Ingests the folder PHOTOS as looks into new workspaces, by turns with this checkout and with the
earlier one, each time in a process of its own. Prints photos a second, the processor's seconds
and, of each round, the ratio; then the median ratio and the range. The first round fills the
system's cache of files and does not count.

Then it invents copies of the photos (40 % of the size at quality 50; 2 % cut off on every side)
and prints how many are within the bits of `pipeline/steps/group.py` of their original, hashed as
ingest hashes now and as it did at a14f342 (the whole photo at 384 pixels), how far the two hashes
of one photo are apart, and how many photos that are no copies come as near.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--before", type=Path, help="an earlier checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--copies", type=int, default=500, help="photos to invent copies of")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.photos, given.workers)))
        return
    if given.before:
        compare(given.photos.resolve(), given.before.resolve(), given.rounds, given.workers)
    if given.copies:
        copies(given.photos, given.copies)


def compare(photos: Path, before: Path, rounds: int, workers: int) -> None:
    """Print the rate of both checkouts, round by round."""
    here = Path(__file__).resolve().parents[1]
    ratios, of_processor = [], []
    for number in range(rounds + 1):
        found = {}
        order = (("before", before), ("now", here))
        for name, checkout in order if number % 2 else reversed(order):
            command = [
                sys.executable,
                __file__,
                str(photos),
                "--measure",
                "--workers",
                str(workers),
            ]
            where = {**os.environ, "PYTHONPATH": str(checkout / "src")}
            told = subprocess.run(command, check=True, capture_output=True, env=where)
            found[name] = json.loads(told.stdout)
        if number == 0:
            continue
        then, now = found["before"], found["now"]
        ratios.append(then["seconds"] / now["seconds"])
        of_processor.append(then["cpu_seconds"] / now["cpu_seconds"])
        print(
            f"round {number}: {now['photos']} photos, before {then['photos'] / then['seconds']:.1f} "
            f"photos/s ({then['cpu_seconds']:.1f} CPU s), now {now['photos'] / now['seconds']:.1f} "
            f"photos/s ({now['cpu_seconds']:.1f} CPU s), ratio {ratios[-1]:.2f}, "
            f"of CPU seconds {of_processor[-1]:.2f}",
            flush=True,
        )
    for what, found in (("rate", ratios), ("CPU seconds", of_processor)):
        print(
            f"ratio of {what}: median {statistics.median(found):.2f}, "
            f"{min(found):.2f} to {max(found):.2f}, {len(found)} rounds"
        )


def measure(photos: Path, workers: int) -> dict[str, float]:
    """Ingest a folder into a new workspace."""
    from lookweave import config as settings
    from lookweave.pipeline.run import run_step
    from lookweave.pipeline.setup import Setup
    from lookweave.pipeline.steps.ingest import Ingest
    from lookweave.progress import Progress
    from lookweave.store.workspace import Workspace

    config = settings.load(looks=(str(photos),), run={"workers": workers})
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace.create(Path(scratch) / "ws")
        began, spent = time.perf_counter(), time.process_time()
        done = run_step(Ingest(Setup.of(config)), workspace, Progress(quiet=True))
        seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    return {"photos": done.read, "seconds": seconds, "cpu_seconds": cpu}


def copies(photos: Path, count: int) -> None:
    """Print what the hashes of then and now find of invented copies."""
    from lookweave import photos as reading
    from lookweave.pipeline.steps.group import ALIKE, SURE

    def now(data: bytes) -> int:
        photo = reading.load(data, max_side=512, enough=256)
        return int(reading.perceptual_hash(photo), 16)

    def then(data: bytes) -> int:
        return int(str(imagehash.phash(reading.load(data, max_side=384).image())), 16)

    files = sorted(path for path in photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    step = max(1, len(files) // count)
    originals = [path.read_bytes() for path in files[::step][:count]]
    hashed = {way.__name__: [way(data) for data in originals] for way in (then, now)}
    apart = [bits(one, other) for one, other in zip(hashed["then"], hashed["now"], strict=True)]
    print(
        f"{len(originals)} photos, hashed then and now: {np.mean(np.equal(apart, 0)):.3f} equal, "
        f"{np.mean(np.less_equal(apart, 2)):.3f} within 2 bits, {max(apart)} at most"
    )
    for what, alter in (("40 % of the size, quality 50", smaller), ("2 % cut off", cut)):
        altered = [alter(data) for data in originals]
        for way in (then, now):
            distances = np.array(
                [
                    bits(one, way(copy))
                    for one, copy in zip(hashed[way.__name__], altered, strict=True)
                ]
            )
            print(
                f"{what}, {way.__name__}: {np.mean(distances <= SURE):.3f} within {SURE} bits, "
                f"{np.mean(distances <= ALIKE):.3f} within {ALIKE}, {distances.max()} at most"
            )
        crossed = np.array(
            [bits(one, now(copy)) for one, copy in zip(hashed["then"], altered, strict=True)]
        )
        print(
            f"{what}, original hashed then and copy now: {np.mean(crossed <= SURE):.3f} within "
            f"{SURE} bits, {np.mean(crossed <= ALIKE):.3f} within {ALIKE}"
        )
    for way, values in hashed.items():
        codes = np.array(values, np.uint64)
        different = np.bitwise_count(codes[:, None] ^ codes[None])
        near = int((different[np.triu_indices(len(codes), 1)] <= ALIKE).sum())
        print(f"pairs of photos within {ALIKE} bits, {way}: {near}")


def bits(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def smaller(data: bytes) -> bytes:
    image = Image.open(BytesIO(data)).convert("RGB")
    size = (round(image.width * 0.4), round(image.height * 0.4))
    return saved(image.resize(size, Image.Resampling.LANCZOS), 50)


def cut(data: bytes) -> bytes:
    image = Image.open(BytesIO(data)).convert("RGB")
    x, y = round(image.width * 0.02), round(image.height * 0.02)
    return saved(image.crop((x, y, image.width - x, image.height - y)), 90)


def saved(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


if __name__ == "__main__":
    main()

"""Peak memory and rate of ingest at a quarter, half and all of many small photos.

    python benchmarks/ingest_memory.py --photos 100000

Draws the photos (shapes and grain, 96 x 128 JPEG) into a temporary folder, then ingests a
quarter, half and all of them, each in a process and a workspace of its own. Prints for each:
peak resident memory, how much of it was there before the work began, photos a second, and how
long a second run takes that finds nothing to do. Flat memory: the three peaks are alike.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHARD = 1000  # photos in one folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scratch", type=Path, help="folder for the photos and workspaces")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.photos, given.workers)))
        return
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        folder = Path(scratch)
        began = time.perf_counter()
        draw(folder, given.photos)
        print(f"{given.photos} photos drawn in {time.perf_counter() - began:.0f} s", flush=True)
        for share in (4, 2, 1):
            count = given.photos // share // SHARD * SHARD
            command = [sys.executable, __file__, "--measure", scratch, "--photos", str(count)]
            command += ["--workers", str(given.workers)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            print(
                f"{count:>8} photos: peak {found['peak_mib']:.0f} MiB "
                f"({found['before_mib']:.0f} before), {found['rate']:.0f} photos/s, "
                f"second run {found['again_seconds']:.2f} s",
                flush=True,
            )


def draw(folder: Path, count: int) -> None:
    """Write photos of one polygon each on grainy ground; no two are alike."""
    random = np.random.default_rng(11)
    grain = random.integers(0, 60, (400, 400, 3), np.uint8)
    for number in range(count):
        if number % SHARD == 0:
            shard = folder / f"{number // SHARD:05d}"
            shard.mkdir()
        x, y = random.integers(0, 300, 2)
        ground = grain[y : y + 96, x : x + 96] + random.integers(0, 190, 3).astype(np.uint8)
        photo = Image.fromarray(np.pad(ground, ((16, 16), (0, 0), (0, 0)), mode="edge"))
        corners = np.add(random.integers(8, 88, (5, 2)), (0, 16))
        fill = tuple(random.integers(0, 256, 3).tolist())
        ImageDraw.Draw(photo).polygon([tuple(corner) for corner in corners.tolist()], fill=fill)
        photo.save(shard / f"{number:07d}.jpg", quality=85)


def measure(folder: Path, count: int, workers: int) -> dict[str, float]:
    """Ingest the first `count` photos of `folder` into a new workspace."""
    from lookweave import config as settings
    from lookweave.pipeline.run import run_step
    from lookweave.pipeline.setup import Setup
    from lookweave.pipeline.steps.ingest import Ingest
    from lookweave.progress import Progress
    from lookweave.store.workspace import Workspace

    shards = tuple(str(folder / f"{number:05d}") for number in range(count // SHARD))
    config = settings.load(garments=shards, run={"workers": workers})
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        workspace = Workspace.create(Path(scratch) / "ws")
        before = peak_mib()
        began = time.perf_counter()
        done = run_step(Ingest(Setup.of(config)), workspace, Progress(quiet=True))
        seconds = time.perf_counter() - began
        assert (done.written, done.rejected) == (count, 0)
        began = time.perf_counter()
        assert run_step(Ingest(Setup.of(config)), workspace, Progress(quiet=True)).read == 0
        again = time.perf_counter() - began
    rate = count / seconds
    return {"peak_mib": peak_mib(), "before_mib": before, "rate": rate, "again_seconds": again}


def peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()

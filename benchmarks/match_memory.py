"""Peak memory and rate of match at a quarter, half and all of many embeddings.

    python benchmarks/match_memory.py --embeddings 500000

Invents workspaces (`tests.invented`: clusters by category, a direction of its own for each
garment, noise around it for regions; descriptions for nine in ten), half of the embeddings
garments and half regions, then runs the step through the pipeline. Making and matching are
processes of their own. Prints for each size: peak resident memory of the match, how much of it
was there before the work began, seconds, and how long a second run takes that finds nothing to
do. Flat memory: the three peaks are alike.
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.invented import invent

from lookweave.config import Config, load
from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--embeddings", type=int, default=500_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scratch", type=Path, help="folder for the workspaces")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    config = load(run={"workers": given.workers})
    if given.make:
        invent(given.make, config, given.embeddings // 2, given.embeddings // 4, worn=2)
        return
    if given.measure:
        print(json.dumps(measure(given.measure, config)))
        return
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        for share in (4, 2, 1):
            count = given.embeddings // share
            workspace = str(Path(scratch) / f"{count}")
            call("--make", workspace, count, given.workers)
            found = json.loads(call("--measure", workspace, count, given.workers))
            print(
                f"{count:>8} embeddings: peak {found['peak_mib']:.0f} MiB "
                f"({found['before_mib']:.0f} before), {found['seconds']:.0f} s, "
                f"{found['rows']} matches, second run {found['again_seconds']:.2f} s",
                flush=True,
            )


def call(what: str, workspace: str, count: int, workers: int) -> bytes:
    command = [sys.executable, __file__, what, workspace, "--embeddings", str(count)]
    command += ["--workers", str(workers)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def measure(path: Path, config: Config) -> dict[str, float]:
    workspace = Workspace.open(path)
    before = peak_mib()
    with Progress() as progress:
        began = time.perf_counter()
        done = run_step(Match(Setup.of(config)), workspace, progress)
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        run_step(Match(Setup.of(config)), workspace, progress)
    return {
        "before_mib": before,
        "peak_mib": peak_mib(),
        "seconds": seconds,
        "again_seconds": time.perf_counter() - began,
        "rows": done.written,
    }


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""Seconds that each step takes in this machine's threads and in actors of Ray.

    python benchmarks/engines.py --looks DIR --rounds 3

Both in turn, round by round, with the embedded models and as many workers as there are cores.
Ray's cluster is started before the clock; each step's actors are started within it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import ray

from lookweave.config import load
from lookweave.pipeline.run import run_pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--looks", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ray.init("local", include_dashboard=False, log_to_driver=False)
    ratios: dict[str, list[float]] = {}
    for number in range(given.rounds):
        took = {engine: seconds(engine, given.looks) for engine in ("local", "ray")}
        print(f"round {number + 1}")
        for step, local in took["local"].items():
            ratios.setdefault(step, []).append(took["ray"][step] / local)
            print(f"  {step:9} local {local:6.1f} s, ray {took['ray'][step]:6.1f} s", flush=True)
    for step, each in ratios.items():
        middle = statistics.median(each)
        print(f"{step:9} ray / local {middle:.2f} ({min(each):.2f} to {max(each):.2f})")


def seconds(engine: str, looks: str) -> dict[str, float]:
    """Of each step, on a new workspace."""
    config = load(looks=(looks,), run={"engine": engine})
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace.create(Path(scratch) / "ws")
        steps = [Ingest, Detect, Describe, Embed]
        done = run_pipeline(workspace, Setup.of(config), Progress(quiet=True), steps)
    return {one.step: one.seconds for one in done}


if __name__ == "__main__":
    main()

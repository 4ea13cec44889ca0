"""What comparing candidates part by part brings and costs: recall, build time, bytes, pairs a second.

    python benchmarks/details.py --garments DIR --looks DIR --truth truth.csv [--repeat 3]

Builds the photos anew without and with `match.details`, in turn, `--repeat` times, each in a process
of its own, and prints the least processor time of either. Then the recall of both workspaces against
the truth, what the tokens take, and how many pairs are compared a second on one core, from the files
that the match reads.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lookweave.config import load
from lookweave.matching.details import TokenFile, TokenWriter, score_details
from lookweave.models.details import most_tokens, unpacked
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.embed import embeddings
from lookweave.store.workspace import Workspace

_PAIRS, _CANDIDATES = 100_000, 50


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("garments", "looks", "truth"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="lookweave-details-") as folder:
        spent: dict[str, list[float]] = {"false": [], "true": []}
        for number in range(given.repeat):
            for details, seconds in spent.items():
                workspace = Path(folder) / f"{details}-{number}"
                photos = ("--garments", given.garments, "--looks", given.looks)
                before = _processor_seconds()
                _call(details, "build", *photos, "--out", workspace)
                seconds.append(_processor_seconds() - before)
        for details, seconds in spent.items():
            print(f"build, match.details = {details}: {min(seconds):.1f} s of a processor"
                  f" (of {', '.join(f'{one:.1f}' for one in seconds)})")  # fmt: skip
        print(f"ratio: {min(spent['true']) / min(spent['false']):.3f}")
        for details in spent:
            workspace = Path(folder) / f"{details}-0"
            print(f"match.details = {details}:", _told(_call(
                details, "evaluate", workspace, "--truth", given.truth
            )))  # fmt: skip
        _tokens(Path(folder) / "true-0")


def _call(details: str, *arguments: object) -> dict[str, Any]:
    environment = {**os.environ, "LOOKWEAVE_MATCH__DETAILS": details}
    command = [sys.executable, "-m", "lookweave", *map(str, arguments), "--json"]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _processor_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _told(answer: dict[str, Any]) -> str:
    ways = []
    for way in ("garment_to_look", "look_to_garment"):
        found = answer[way]
        low, high = found["ci95"]["R@1"]
        scores = " / ".join(f"{found[name]:.3f}" for name in ("R@1", "R@5", "R@10", "MRR"))
        ways.append(f"{way} R@1/5/10, MRR {scores} (R@1 {low:.2f}-{high:.2f}, n {found['n']})")
    return "; ".join(ways)


def _tokens(path: Path) -> None:
    """Print what the tokens of a workspace take, and how quickly they are compared."""
    workspace = Workspace.open(path)
    setup = Setup.of(load(path))
    rows = embeddings(workspace, setup).read(["token_values", "token_places"])
    values, places = (rows.column(name).to_pylist() for name in rows.column_names)
    sizes = np.array([len(one) + len(where) for one, where in zip(values, places, strict=True)])
    counts = np.array([len(where) // 2 for where in places])
    print(f"tokens: {counts.mean():.1f} of a region, {counts.max()} at most; {sizes.mean():.0f} bytes, "
          f"{sizes.max()} at most")  # fmt: skip
    width = values[0][1]
    file = path / "benchmark.i8"
    with TokenWriter(file, len(values), width, most_tokens(width)) as writer:
        for row, one in enumerate(values):
            writer.put(row, unpacked(one))
    tokens = TokenFile(file, width, most_tokens(width))
    random = np.random.default_rng(0)
    ones = np.repeat(random.integers(0, len(values), _PAIRS // _CANDIDATES), _CANDIDATES)
    others = random.integers(0, len(values), len(ones))
    began, spent = time.perf_counter(), time.process_time()
    score_details(tokens, tokens, ones, others)
    wall, spent = time.perf_counter() - began, time.process_time() - spent
    print(f"compared: {len(ones) / spent:,.0f} pairs for a second of a processor"
          f" ({len(ones) / wall:,.0f} a second now)")  # fmt: skip


if __name__ == "__main__":
    main()

"""How quickly `lookweave serve` answers, at so many requests a second, from a large workspace.

    python benchmarks/serve_load.py --garments 10000

Invents a workspace (`tests.invented`; no photos): so many garments, one and a half times as many
looks with two regions each, ten matches a garment, a pair for each garment. Serves it in a process
of its own, asks each kind of page once (what is read then is kept), then sends requests at moments
fixed beforehand, whether earlier ones were answered or not. A time runs from that moment until the
whole answer is there, so waiting behind others counts. Prints the first times, p50, p95 and
slowest of searches (words, under filters, by a garment) and of each page, the server's peak
resident memory, and the machine's load before and after.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import numpy as np
import pyarrow as pa
from tests.invented import invent

from lookweave.config import load
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import Tier
from lookweave.records import MATCH, PAIR, region_id
from lookweave.taxonomy import CATEGORIES, COLOURS

_MATCHES = 10
_LOOKS = 1.5
_WORN = 2
_CHUNK = 10_000  # garments


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--garments", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of searches, and of pages")
    parser.add_argument("--scratch", type=Path, help="folder for the workspace")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        began = time.monotonic()
        garments, looks = make(Path(scratch) / "ws", given.garments)
        print(f"made in {time.monotonic() - began:.0f} s", flush=True)
        served(Path(scratch) / "ws", garments, looks, given.rate, given.seconds)


def make(path: Path, garments: int) -> tuple[list[str], list[str]]:
    """The workspace; returns the ids of its garments and looks."""
    config = load()
    # Without parts: the pages compare none unless a reviewer asks for them.
    made = invent(path, config, garments, int(garments * _LOOKS), worn=_WORN, parted=0.0)
    setup = Setup.of(config)
    shown: dict[int, list[int]] = defaultdict(list)
    for garment, look in made.truth:
        shown[garment].append(look)
    drawn = np.random.default_rng(1)
    detector = setup.models.detector.key

    def matches(start: int) -> list[dict[str, object]]:
        rows: dict[tuple[str, str], dict[str, object]] = {}
        for at in range(start, min(start + _CHUNK, garments)):
            others = drawn.integers(0, len(made.looks), _MATCHES).tolist()
            for rank, look in enumerate([*shown[at], *others][:_MATCHES], 1):
                region = region_id(made.looks[look], detector, int(drawn.integers(_WORN)), "look")
                score = float(drawn.uniform(0.3, 0.9)) / rank**0.3
                rows[made.garments[at], region] = {
                    "garment": made.garments[at], "region": region, "look": made.looks[look],
                    "recipe": Match(setup).recipe, "s_vlm": score, "s_visual": score,
                    "score": score, "rank": rank, "reverse_rank": rank, "mutual": rank == 1,
                    "probability": score, "calibrated": False,
                }  # fmt: skip
        return list(rows.values())

    best: list[dict[str, object]] = []

    def tables() -> Iterator[pa.Table]:
        for start in range(0, garments, _CHUNK):
            rows = matches(start)
            best.extend(row for row in rows if row["rank"] == 1)
            yield MATCH.table(rows)

    count = made.workspace.table("matches").append(tables())
    tiers, names = ("high", "medium", "low"), set(PAIR.schema.names)
    pairs = [
        {**{name: one[name] for name in one.keys() & names}, "recipe": Tier(setup).recipe,
         "tier": tiers[at % 3], "split": "train", "group": str(at), "verified_by": [],
         "provenance": "{}"}
        for at, one in enumerate(best)
    ]  # fmt: skip
    made.workspace.table("pairs").append([PAIR.table(pairs)])
    made.workspace.show()
    regions = made.workspace.table("regions").count()
    print(
        f"{garments} garments, {len(made.looks)} looks, {regions} regions ({garments} of them "
        f"cut-outs), {count} matches, {len(pairs)} pairs"
    )
    return made.garments, made.looks


def served(
    workspace: Path, garments: list[str], looks: list[str], rate: float, seconds: float
) -> None:
    """Serve it, ask, print."""
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    process = subprocess.Popen(
        [sys.executable, "-m", "lookweave", "serve", str(workspace), "--port", "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        with httpx.Client(base_url=address, timeout=300, limits=limits) as client:
            for name, kinds in (("searches", searches), ("pages", pages)):
                for kind, path in kinds(random.Random(0), garments, looks):
                    began = time.monotonic()
                    client.get(path).raise_for_status()
                    print(f"first {kind}: {time.monotonic() - began:.2f} s", flush=True)
                drawn = random.Random(1)
                asked: list[tuple[str, str]] = []
                while len(asked) < rate * seconds:
                    asked += kinds(drawn, garments, looks)
                show(name, flow(client, asked, rate), rate)
        print(f"server's peak resident memory: {peak_mib(process.pid):.0f} MiB")
    finally:
        process.terminate()
        process.wait()
    print(f"load after: {os.getloadavg()[0]:.1f}")


def searches(
    drawn: random.Random, garments: list[str], looks: list[str]
) -> list[tuple[str, str]]:  # fmt: skip
    """One search of each kind, as (kind, path)."""
    # A number makes each wish a new one, so that no answer is one that was remembered.
    words = f"{drawn.choice(COLOURS)}+{drawn.choice(CATEGORIES)}+{drawn.randrange(10**6)}"
    garment = drawn.choice(garments)
    return [
        ("search by words", f"/api/v1/search?q={words}"),
        ("search by words, filtered", f"/api/v1/search?q={words}&kind=garment&not.tier=low"),
        ("search by a garment", f"/api/v1/search?garment={garment}&kind=look"),
    ]


def pages(drawn: random.Random, garments: list[str], looks: list[str]) -> list[tuple[str, str]]:
    """One page of each kind."""
    return [
        ("coverage", "/"),
        ("library", "/library?kind=garment"),
        ("garment", f"/garments/{drawn.choice(garments)}"),
        ("look", f"/looks/{drawn.choice(looks)}"),
        ("review", "/review"),
        ("agreement", "/review/stats"),
        ("rejects", "/rejects"),
    ]


def flow(
    client: httpx.Client, asked: list[tuple[str, str]], rate: float
) -> dict[str, list[float]]:  # fmt: skip
    """Seconds of each kind, from the moment at which each request was to be sent."""
    began = time.monotonic() + 0.5

    def one(at: int) -> float:
        due = began + at / rate
        time.sleep(max(0.0, due - time.monotonic()))
        client.get(asked[at][1]).raise_for_status()
        return time.monotonic() - due

    with ThreadPoolExecutor(64) as pool:
        took = list(pool.map(one, range(len(asked))))
    found: dict[str, list[float]] = defaultdict(list)
    for (kind, _), each in zip(asked, took, strict=True):
        found[kind].append(each)
    return found


def show(name: str, found: dict[str, list[float]], rate: float) -> None:
    everything = [one for each in found.values() for one in each]
    for kind, took in [(f"all {name}", everything), *found.items()]:
        p50, p95 = np.percentile(took, [50, 95]) * 1000
        print(
            f"{kind:<26} {len(took):>5} at {rate:g}/s: p50 {p50:.0f} ms, p95 {p95:.0f} ms, "
            f"slowest {max(took) * 1000:.0f} ms", flush=True,
        )  # fmt: skip


def peak_mib(process: int) -> float:
    """Of Linux."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()

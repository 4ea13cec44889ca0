"""Looks per second through detect + describe + embed, against the bare onnxruntime sessions.

    python benchmarks/embedded_speed.py --looks DIR [--garments DIR] --rounds 3

Both in one process and in turn, round by round: the pipeline's three steps on the looks (decoding,
masks, colours, Arrow, Lance commits and all), and the same sessions fed the same number of ready
tensors of the same shapes from as many threads. Prints both rates and their ratio for each round.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lookweave.config import load
from lookweave.models.cards import models_of
from lookweave.models.session import open_session
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
    parser.add_argument("--garments", help="product photos as well, which are cut out, too")
    parser.add_argument("--looks", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    garments = (given.garments,) if given.garments else ()
    config = load(garments=garments, looks=(given.looks,))
    print(f"{platform.processor() or platform.machine()}, {config.run.workers} workers")
    rates = []
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            workspace = Workspace.create(Path(scratch) / "ws")
            quiet = Progress(quiet=True)
            run_pipeline(workspace, Setup.of(config), quiet, [Ingest])
            photos = workspace.table("garments").count() + workspace.table("looks").count()
            began = time.perf_counter()
            run_pipeline(workspace, Setup.of(config), quiet, [Detect, Describe, Embed])
            pipeline = time.perf_counter() - began
            regions = workspace.table("regions").count()
        bare = bare_sessions(config, photos, regions)
        rates.append(bare / pipeline)
        print(
            f"round {number + 1}: {photos} photos, {regions} regions: pipeline {photos / pipeline:.2f} photos/s, "
            f"bare sessions {photos / bare:.2f} photos/s, ratio {bare / pipeline:.2f}",
            flush=True,
        )
    print(f"ratio: median {statistics.median(rates):.2f}, {min(rates):.2f} to {max(rates):.2f}")


def bare_sessions(config, photos: int, regions: int) -> float:  # type: ignore[no-untyped-def]
    """Seconds that the sessions alone need for as many ready tensors."""
    ensemble = models_of(config)
    detector, encoder = (
        open_session(card.weights) for card in (ensemble.detector, ensemble.encoder)
    )
    random = np.random.default_rng(7)
    canvas = ensemble.detector.settings["canvases"][0]
    photo = random.standard_normal((1, 3, *canvas), np.float32)
    crop = random.standard_normal((1, 3, *ensemble.encoder.input_size), np.float32)
    began = time.perf_counter()
    with ThreadPoolExecutor(config.run.workers) as pool:
        list(pool.map(lambda _: detector.run(None, {"image": photo}), range(photos)))
        list(pool.map(lambda _: encoder.run(None, {"image": crop}), range(regions)))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

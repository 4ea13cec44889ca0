"""Recall of known pairs, both ways, with the same scores as the matches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.evaluate.truth import Truth, read_truth
from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.recall import best_rank, summary
from lookweave.matching.select import wilson
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import same_pictures, together
from lookweave.pipeline.steps.match import open_matcher, partition, score_weights
from lookweave.pipeline.steps.match.matcher import Matcher
from lookweave.store.tables import full_disk
from lookweave.store.workspace import Workspace

_QUERIES = 64


def evaluate(workspace: Workspace, config: Config, truth_path: Path) -> dict[str, Any]:
    """Recall against a truth file.

    A look's score for a garment is that of its best region, and ranks run over all looks (or
    garments) of the workspace. Scores, category filter and hubness correction are those of the
    build. A photo that was turned away, or that the filter shuts out, is a miss.

    Returns:
        ``garment_to_look`` and ``look_to_garment``: see `matching.recall.summary`.
        ``filter_recall``: the share of known pairs that the category filter lets through.
        ``missing``: names of the truth's photos that were turned away. ``parts``: what S_VLM was
        made of, of attributes, captions, brand and credits.

    Raises:
        InputError: the truth file does not fit, or nothing was embedded yet.
    """
    truth = read_truth(workspace, truth_path)
    return {**recall(workspace, config, truth), "missing": list(truth.missing)}


def recall(
    workspace: Workspace,
    config: Config,
    truth: Truth,
    weights: ScoreWeights | None = None,
) -> dict[str, Any]:
    """As `evaluate`, for known pairs and perhaps other weights of the score's parts."""
    weights = weights or score_weights(workspace, Setup.of(config))
    with ready_matcher(workspace, config, weights) as matcher:
        garments = _to_looks(matcher, truth, workspace.table("looks").count())
        looks = _to_garments(matcher, truth, workspace.table("garments").count())
        kept, pairs = _let_through(matcher, truth)
        parts = matcher.parts
    return {
        "garment_to_look": garments,
        "look_to_garment": looks,
        "filter_recall": {
            "recall": kept / pairs if pairs else 0.0,
            "pairs": pairs,
            "ci95": list(wilson(kept, pairs)),
        },
        "parts": parts,
    }


@contextmanager
def ready_matcher(
    workspace: Workspace, config: Config, weights: ScoreWeights, *, afresh: bool = False
) -> Iterator[Matcher]:
    """A join over the workspace as it is, in scratch files apart: it writes nothing there.

    Args:
        afresh: S_VLM as the settings want it, whatever was learned in this workspace.

    Raises:
        InputError: there are no vectors to compare.
    """
    setup = Setup.of(config)
    with TemporaryDirectory(prefix="lookweave-evaluate-") as scratch:
        folder = Path(scratch) / "match"
        with full_disk(folder):
            partition.write(workspace, setup, folder, same_pictures(workspace, setup))
        matcher = open_matcher(workspace, setup, folder, weights, afresh=afresh)
        if not matcher.garments or not matcher.regions:
            raise InputError(
                f"{workspace.path} has no garments and looks with vectors of these models: run "
                "`lookweave build` first."
            )
        matcher.prepare(together(workspace, setup, "garment"), reverse=False)
        yield matcher


def _to_looks(matcher: Matcher, truth: Truth, gallery: int) -> dict[str, Any]:
    queries = truth.looks_of()
    places = _places(matcher.partition.garment_ids, list(queries))
    ranks = np.full(len(queries), np.inf)
    relevant = [_places(matcher.partition.looks, looks) for looks in queries.values()]
    known = np.flatnonzero(places >= 0)
    for start in range(0, len(known), _QUERIES):
        some = known[start : start + _QUERIES]
        of_regions = matcher.scores(places[some])
        score = np.full((len(some), len(matcher.partition.looks)), -np.inf, np.float32)
        for row, values in enumerate(of_regions):
            np.maximum.at(score[row], matcher.partition.region_looks, values)
        for row, query in enumerate(some.tolist()):
            ranks[query] = best_rank(score[row], relevant[query][relevant[query] >= 0])
    return summary(ranks, gallery)


def _to_garments(matcher: Matcher, truth: Truth, gallery: int) -> dict[str, Any]:
    queries = truth.garments_of()
    places = _places(matcher.partition.looks, list(queries))
    ranks = np.full(len(queries), np.inf)
    for query, garments in enumerate(queries.values()):
        regions = np.flatnonzero(matcher.partition.region_looks == places[query])
        if len(regions):
            score = matcher.scores_of_regions(regions).max(axis=0)
            relevant = _places(matcher.partition.garment_ids, garments)
            ranks[query] = best_rank(score, relevant[relevant >= 0])
    return summary(ranks, gallery)


def _let_through(matcher: Matcher, truth: Truth) -> tuple[int, int]:
    """Known pairs that the filter keeps, and all whose photos both have a vector."""
    part = matcher.partition
    garments = _places(part.garment_ids, [garment for garment, _ in truth.pairs])
    looks = _places(part.looks, [look for _, look in truth.pairs])
    kept = pairs = 0
    for garment, look in zip(garments.tolist(), looks.tolist(), strict=True):
        if garment >= 0 and look >= 0:
            blocks = np.searchsorted(
                part.starts, np.flatnonzero(part.region_looks == look), "right"
            )
            pairs += 1
            kept += bool(((int(part.admits[garment]) >> (blocks - 1)) & 1).any())
    return kept, pairs


def _places(ids: NDArray[np.bytes_], wanted: list[str]) -> NDArray[np.int64]:
    """Where each id is among ascending `ids`; -1 where it is not."""
    keys = np.array([one.encode() for one in wanted], dtype=np.bytes_)
    if not len(ids) or not len(keys):
        return np.full(len(keys), -1, np.int64)
    at = np.minimum(np.searchsorted(ids, keys), len(ids) - 1)
    return np.where(ids[at] == keys, at, -1)

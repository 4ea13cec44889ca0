"""Recall of known pairs, both ways, with the same scores as the matches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.evaluate.truth import Truth, read_truth
from lookweave.matching.duplicates import components
from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.recall import best_rank, summary
from lookweave.matching.select import wilson
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import same_pictures, together
from lookweave.pipeline.steps.match import open_matcher, partition, score_weights
from lookweave.pipeline.steps.match.matcher import Matcher
from lookweave.store.tables import full_disk
from lookweave.store.workspace import Workspace

Ranks = NDArray[np.float64]

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


@dataclass(frozen=True)
class Ranked:
    """Known pairs by query, in the order of the truth.

    Attributes:
        to_looks, to_garments: rank, from 1, of the best right answer of each garment and look; inf
            for a miss. float64.
        mutual: of each garment, whether its first region has it as its own first.
        clusters: of each garment and of each look, a name of all that hangs together by known
            pairs and by groups of garments.
        told: what `recall` gives.
        corrects_hubs: whether hubs were corrected.
    """

    to_looks: Ranks
    to_garments: Ranks
    mutual: NDArray[np.bool_]
    clusters: tuple[list[str], list[str]]
    told: dict[str, Any]
    corrects_hubs: bool


def recall(
    workspace: Workspace,
    config: Config,
    truth: Truth,
    weights: ScoreWeights | None = None,
) -> dict[str, Any]:
    """As `evaluate`, for known pairs and perhaps other weights of the score's parts."""
    return ranked(workspace, config, truth, weights).told


def ranked(
    workspace: Workspace,
    config: Config,
    truth: Truth,
    weights: ScoreWeights | None = None,
) -> Ranked:
    """What `recall` gives, and every query's rank."""
    setup = Setup.of(config)
    weights = weights or score_weights(workspace, setup)
    with ready_matcher(workspace, config, weights) as matcher:
        to_looks, mutual = _to_looks(matcher, truth)
        to_garments = _to_garments(matcher, truth)
        kept, pairs = _let_through(matcher, truth)
        parts, corrects_hubs = matcher.parts, matcher.corrects_hubs
    told = {
        "garment_to_look": summary(to_looks, workspace.table("looks").count()),
        "look_to_garment": summary(to_garments, workspace.table("garments").count()),
        "filter_recall": {
            "recall": kept / pairs if pairs else 0.0,
            "pairs": pairs,
            "ci95": list(wilson(kept, pairs)),
        },
        "parts": parts,
    }
    clusters = _clusters(truth, together(workspace, setup, "garment"))
    return Ranked(to_looks, to_garments, mutual, clusters, told, corrects_hubs)


def _clusters(truth: Truth, groups: dict[str, str]) -> tuple[list[str], list[str]]:
    """The clusters of the garments and of the looks of known pairs, in the truth's order."""
    garments, looks = list(truth.looks_of()), list(truth.garments_of())
    links = [(f"garment {one}", f"look {look}") for one, look in truth.pairs]
    links += [(f"garment {one}", f"group {groups[one]}") for one in garments if one in groups]
    place = {
        name: at for at, name in enumerate(dict.fromkeys(name for two in links for name in two))
    }
    edges = np.array([(place[one], place[other]) for one, other in links], np.int64).reshape(-1, 2)
    labels = components(len(place), edges)
    return (
        [str(labels[place[f"garment {one}"]]) for one in garments],
        [str(labels[place[f"look {one}"]]) for one in looks],
    )


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


def _to_looks(matcher: Matcher, truth: Truth) -> tuple[Ranks, NDArray[np.bool_]]:
    queries = truth.looks_of()
    places = _places(matcher.partition.garment_ids, list(queries))
    ranks = np.full(len(queries), np.inf)
    mutual = np.zeros(len(queries), bool)
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
        first, at = np.unique(of_regions.argmax(axis=1), return_inverse=True)
        back = matcher.scores_of_regions(first).argmax(axis=1)[at]
        mutual[some] = np.isfinite(of_regions.max(axis=1)) & (back == places[some])
    return ranks, mutual


def _to_garments(matcher: Matcher, truth: Truth) -> Ranks:
    queries = truth.garments_of()
    places = _places(matcher.partition.looks, list(queries))
    ranks = np.full(len(queries), np.inf)
    for query, garments in enumerate(queries.values()):
        regions = np.flatnonzero(matcher.partition.region_looks == places[query])
        if len(regions):
            score = matcher.scores_of_regions(regions).max(axis=0)
            relevant = _places(matcher.partition.garment_ids, garments)
            ranks[query] = best_rank(score, relevant[relevant >= 0])
    return ranks


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

"""Learn the score's weights and the probability from labelled pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.evaluate.recall import ready_matcher
from lookweave.evaluate.truth import read_truth
from lookweave.matching.calibrate import (
    MINIMUM_LABELS,
    enough,
    fit,
    learn_weights,
)
from lookweave.matching.fuse import NEUTRAL_DETAIL
from lookweave.matching.probability import Calibration, margins
from lookweave.matching.vectors import Vectors
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import together
from lookweave.pipeline.steps.match import CALIBRATION, set_weights
from lookweave.pipeline.steps.match.matcher import QUERY_ROWS, Matcher
from lookweave.store.reviews import standings
from lookweave.store.workspace import Workspace, write_atomically

_Labels = dict[tuple[str, str], bool]


def learn(workspace: Workspace, config: Config, truth: Path | None = None) -> dict[str, Any]:
    """Fit λ1, λ2, λ3 and the probability, and keep them in the workspace for the next build.

    With a truth file the best region of a true look is a yes, and that of any other look among a
    named garment's candidates a no: the file is taken as complete for the garments it names.
    Without one the reviews are the labels. Groups of garments are held out as a whole.

    Returns:
        What was learned: see `Calibration`.

    Raises:
        InputError: too few labels of a kind, or the truth file does not fit.
    """
    setup = Setup.of(config)
    groups = together(workspace, setup, "garment")
    as_set = set_weights(setup)
    if truth is not None:
        known = read_truth(workspace, truth)
        source = _Source(set(known.pairs), set(known.looks_of()), {})
    else:
        source = _Source(set(), set(), _reviewed(workspace))
    with ready_matcher(workspace, config, as_set, afresh=True) as matcher:
        labelled = _labelled(matcher, source)
        names = [groups.get(garment, garment) for garment in labelled.garments]
        if not enough(labelled.labels) or len(set(names)) < 2:
            yes = int(labelled.labels.sum())
            raise InputError(
                f"Among the candidates {yes} are labelled yes and {len(labelled.labels) - yes} no; "
                f"{MINIMUM_LABELS} of each are needed, of more than one garment. Give a "
                "larger truth file, or have more matches reviewed."
            )
        weights = learn_weights(
            labelled.parts[: 3 if as_set.detail else 2], labelled.labels, names, as_set
        )
    with ready_matcher(workspace, config, weights, afresh=True) as matcher:
        labelled = _labelled(matcher, source)
    names = [groups.get(garment, garment) for garment in labelled.garments]
    learned = replace(
        fit(labelled.score, labelled.margin, labelled.labels, names, weights),
        evidence=setup.fusion is not None,
    )
    write_atomically(workspace.path / CALIBRATION, learned.to_json().encode())
    return _told(learned, workspace)


class _Source:
    """Where labels come from.

    Args:
        pairs: true (garment, look); together with `complete`, the garments of which all looks
            are known.
        reviewed: (garment, region) -> verdict.
    """

    def __init__(self, pairs: set[tuple[str, str]], complete: set[str], reviewed: _Labels) -> None:
        self._pairs, self._complete, self._reviewed = pairs, complete, reviewed

    def garments(self) -> set[str]:
        return self._complete | {garment for garment, _ in self._reviewed}

    def label(self, garment: str, look: str, region: str, best: bool) -> bool | None:
        """`best`: the region is the look's best for this garment."""
        if garment in self._complete:
            return (garment, look) in self._pairs if best else None
        return self._reviewed.get((garment, region))


class _Labelled:
    """Labelled candidates, one row each."""

    def __init__(self) -> None:
        self.garments: list[str] = []
        self._rows: list[tuple[float, ...]] = []
        self._labels: list[bool] = []

    def add(self, garment: str, row: tuple[float, ...], label: bool) -> None:
        self.garments.append(garment)
        self._rows.append(row)
        self._labels.append(label)

    @property
    def labels(self) -> NDArray[np.bool_]:
        return np.array(self._labels, bool)

    @property
    def parts(self) -> list[Vectors]:
        """S_VLM, S_visual and S_detail."""
        return [self._column(at) for at in range(3)]

    @property
    def score(self) -> Vectors:
        return self._column(3)

    @property
    def margin(self) -> Vectors:
        return self._column(4)

    def _column(self, at: int) -> Vectors:
        return np.array([row[at] for row in self._rows], np.float32)


def _labelled(matcher: Matcher, source: _Source) -> _Labelled:
    part = matcher.partition
    wanted = np.array(sorted(name.encode() for name in source.garments()), dtype=np.bytes_)
    places = np.flatnonzero(np.isin(part.garment_ids, wanted))
    rows = _Labelled()
    for start in range(0, len(places), QUERY_ROWS):
        found = matcher.forward(places[start : start + QUERY_ROWS])
        looks = part.region_looks[found.regions]
        margin = margins(found.garments, looks, found.score)
        detail = np.where(np.isnan(found.s_detail), NEUTRAL_DETAIL, found.s_detail)
        seen: set[tuple[int, int]] = set()
        for at in np.lexsort((found.regions, -found.score)).tolist():
            pair = (int(found.garments[at]), int(looks[at]))
            garment = part.garment_ids[pair[0]].decode()
            label = source.label(
                garment,
                part.looks[pair[1]].decode(),
                part.region_ids(found.regions[at : at + 1])[0],
                pair not in seen,
            )
            seen.add(pair)
            if label is not None:
                columns = (found.s_vlm, found.s_visual, detail, found.score, margin)
                rows.add(garment, tuple(float(column[at]) for column in columns), label)
    return rows


def _reviewed(workspace: Workspace) -> _Labels:
    """(garment, region) -> what people decided; open disagreements are left out."""
    return {key: said.same for key, said in standings(workspace).items() if said.same is not None}


def _told(learned: Calibration, workspace: Workspace) -> dict[str, Any]:
    return {
        "lambda_vlm": learned.lambda_vlm,
        "lambda_visual": learned.lambda_visual,
        "lambda_detail": learned.lambda_detail,
        "labels": learned.labels,
        "positives": learned.positives,
        "brier": learned.brier,
        "method": "isotonic" if learned.steps_x else "logistic",
        "file": str(workspace.path / CALIBRATION),
        "next": "Run `lookweave build` again: matches and tiers will use it.",
    }

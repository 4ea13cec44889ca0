from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import skew
from tests.report.drawn_workspace import Drawn

from lookweave.config import Config
from lookweave.records import MATCH
from lookweave.report.hubs import hubs
from lookweave.report.scope import scope_of
from lookweave.store.workspace import Workspace


def test_counts_agree_with_counting_by_hand(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w")
    random = np.random.default_rng(5)
    garments, regions = 60, 40
    rows, among, first = [], np.zeros(regions, int), np.zeros(regions, int)
    for garment in range(garments):
        # Low numbers are drawn more often: they are the hubs.
        order = np.argsort(random.random(regions) ** (1 + np.arange(regions)[::-1]))[:15]
        for rank, region in enumerate(order.tolist(), 1):
            rows.append({"garment": f"g{garment}", "region": f"r{region:02d}", "rank": rank,
                         "look": f"l{region % 7}", "recipe": "r"})  # fmt: skip
            among[region] += rank <= 10
            first[region] += rank == 1
    # A pair that only the region chose: no rank, and no occurrence.
    rows.append({"garment": "g0", "region": "r99", "look": "l0", "recipe": "r", "rank": None})
    workspace.table("matches").upsert(MATCH.table(rows[::-1]))
    found = hubs(workspace, scope_of(workspace, Config()), shown=5)
    assert found is not None
    assert found.garments == garments
    assert found.reached == np.count_nonzero(among)
    assert found.skewness == pytest.approx(skew(among[among > 0]))
    assert sum(value * number for value, number in found.counts.items()) == garments * 10
    best = sorted(range(regions), key=lambda r: (-first[r], -among[r]))[:5]
    assert [(hub.first, hub.among) for hub in found.top] == [(first[r], among[r]) for r in best]
    assert all(hub.look == f"l{int(hub.region[1:]) % 7}" for hub in found.top)


def test_regions_never_matched_count_as_zero(drawn: Drawn) -> None:
    found = hubs(drawn.workspace, scope_of(drawn.workspace, drawn.config))
    assert found is not None
    assert found.regions == len(drawn.looks)
    assert sum(found.counts.values()) == found.regions


def test_nothing_matched(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w")
    assert hubs(workspace, scope_of(workspace, Config())) is None

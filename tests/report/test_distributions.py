from __future__ import annotations

import numpy as np
import pytest
from tests.report.drawn_workspace import Drawn

from lookweave.records import MATCH
from lookweave.report.distributions import distributions
from lookweave.report.scope import scope_of


def test_histograms_hold_every_value(drawn: Drawn) -> None:
    found = distributions(drawn.workspace, scope_of(drawn.workspace, drawn.config))
    matches = drawn.workspace.table("matches").read()
    for score, rows in found.histograms.items():
        values = matches.column(score).to_numpy()
        assert rows["all"].total == len(values)
        assert rows["all"].mean == pytest.approx(values.mean())
        expected = np.histogram(values, rows["all"].edges)[0]
        assert rows["all"].counts == tuple(expected.tolist())
        assert sum(rows[tier].total for tier in ("high", "medium", "low")) == 9
        assert len({row.edges for row in rows.values()}) == 1
    assert found.verified == {"high": 1, "medium": 0, "low": 0}
    assert found.calibrated == 0


def test_missing_and_equal_scores_do_no_harm(own: Drawn) -> None:
    rows = own.workspace.table("matches").read().to_pylist()
    changed = [{**row, "s_vlm": None, "s_visual": float("nan"), "score": 0.5} for row in rows]
    own.workspace.table("matches").upsert(MATCH.table(changed))
    own.workspace.table("pairs").delete("true")
    found = distributions(own.workspace, scope_of(own.workspace, own.config))
    assert set(found.histograms) == {"score", "probability"}
    assert found.histograms["score"]["all"].total == len(rows)

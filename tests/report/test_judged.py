from __future__ import annotations

import pytest
from scipy.stats import binomtest
from tests.report.drawn_workspace import Drawn

from lookweave.evaluate.verdicts import Verdicts
from lookweave.matching.select import wilson
from lookweave.records import REVIEW
from lookweave.report.judged import judge
from lookweave.report.scope import scope_of


@pytest.mark.parametrize(("right", "total"), [(0, 5), (5, 5), (13, 20), (950, 1000)])
def test_wilson_agrees_with_scipy(right: int, total: int) -> None:
    expected = binomtest(right, total).proportion_ci(0.95, "wilson")
    assert wilson(right, total) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_wilson_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_became_of_the_true_pairs(own: Drawn) -> None:
    verdicts = Verdicts(own.workspace, own.truth)
    scope = scope_of(own.workspace, own.config)
    recall = judge(own.workspace, scope, verdicts).recall
    assert recall is not None
    # Garment 5 truly belongs to look 6, its second match, which is no pair.
    assert (recall.known, recall.not_matched, recall.no_region) == (9, 0, 0)
    assert (recall.first, recall.paired) == (8, 8)

    own.workspace.table("matches").delete(f"garment = '{own.garments[2]}'")
    own.workspace.table("regions").delete(f"subject = '{own.looks[3]}'")
    own.workspace.table("matches").delete(f"garment = '{own.garments[3]}'")
    recall = judge(own.workspace, scope, verdicts).recall
    assert recall is not None
    assert (recall.not_matched, recall.no_region, recall.first) == (1, 1, 6)


def test_reviews_judge_by_majority_and_truth_comes_first(own: Drawn) -> None:
    def review(i: int, reviewer: str, decision: str) -> dict[str, object]:
        return {"garment": own.garments[i], "look": own.looks[i], "region": "r",
                "reviewer": reviewer, "decision": decision}  # fmt: skip

    own.workspace.table("reviews").upsert(
        REVIEW.table(
            [review(0, "ana", "yes"), review(0, "ben", "yes"), review(0, "cy", "no"),
             review(1, "ana", "yes"), review(1, "ben", "no"),
             review(2, "ana", "no"), review(2, "ben", "unsure")]
        )
    )  # fmt: skip
    scope = scope_of(own.workspace, own.config)
    result = judge(own.workspace, scope, Verdicts(own.workspace, None))
    assert (result.by_reviews, result.by_truth, result.reviews, result.reviewers) == (2, 0, 7, 3)
    assert [(each.tier, each.right, each.judged) for each in result.precision] == [("high", 1, 2)]
    assert result.recall is None
    result = judge(own.workspace, scope, Verdicts(own.workspace, own.truth))
    assert (result.by_reviews, result.by_truth) == (0, 9)


def test_reliability_bins_hold_every_judged_match(own: Drawn) -> None:
    scope = scope_of(own.workspace, own.config)
    result = judge(own.workspace, scope, Verdicts(own.workspace, own.truth))
    assert sum(each.judged for each in result.reliability) == own.workspace.table("matches").count()
    assert sum(each.right for each in result.reliability) == 9
    weighted = sum(
        each.judged * abs(each.right / each.judged - each.predicted) for each in result.reliability
    )
    assert result.calibration_error == pytest.approx(weighted / 18)

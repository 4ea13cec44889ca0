from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lookweave.config import Config, load
from lookweave.pipeline.run import Outcome, run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.choosing import frozen_candidates
from lookweave.pipeline.steps.group import Group
from lookweave.pipeline.steps.match import Match, score_weights
from lookweave.pipeline.steps.tier import Tier, measured_path
from lookweave.progress import Progress
from lookweave.records import GROUP, MATCH, REVIEW
from lookweave.store.audits import (
    CANDIDATES,
    Sample,
    folder_of,
    hash_of,
    name_of,
    save_sample,
)
from lookweave.store.workspace import Workspace


def run(workspace: Workspace, config: Config) -> Outcome:
    with Progress(quiet=True) as progress:
        return run_step(Tier(Setup.of(config)), workspace, progress)


def match(garment: str, look: str, probability: float, **more: Any) -> dict[str, Any]:
    return {
        "garment": garment, "look": look, "region": f"{look}:d:{more.pop('index', 0):02d}",
        "recipe": Match(Setup.of(load())).recipe, "s_vlm": 0.5, "s_visual": 0.6, "score": probability,
        "probability": probability, "calibrated": False, **more,
    }  # fmt: skip


def review(row: dict[str, Any], decision: str, reviewer: str = "ann") -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("garment", "region", "look")},
        "reviewer": reviewer, "decision": decision, "at": datetime.now(UTC),
    }  # fmt: skip


def made(path: Path, *matches: dict[str, Any], reviews: list[dict[str, Any]] = ()) -> Workspace:  # type: ignore[assignment]
    workspace = Workspace.create(path / "ws")
    workspace.table("matches").append([MATCH.table(list(matches))])
    if reviews:
        workspace.table("reviews").append([REVIEW.table(reviews)])
    return workspace


def pairs(workspace: Workspace, config: Config) -> dict[tuple[str, str], dict[str, Any]]:
    rows = workspace.table("pairs").read(where=Tier(Setup.of(config)).rows).to_pylist()
    return {(row["garment"], row["look"]): row for row in rows}


BOTH: dict[str, Any] = {"rank": 1, "reverse_rank": 1}
FREE = {"validation": 0.0, "test": 0.0}


def test_a_pair_is_the_best_region_in_the_tier_that_its_evidence_allows(tmp_path: Path) -> None:
    config = load(tier=FREE)
    workspace = made(
        tmp_path,
        match("g1", "l1", 0.9, rank=1, reverse_rank=1),
        match("g1", "l1", 0.7, rank=2, reverse_rank=4, index=1),
        match("g1", "l2", 0.6, rank=3),
        match("g2", "l2", 0.95, rank=1, reverse_rank=2),
        match("g2", "l1", 0.2, reverse_rank=1, index=1),
        {**match("g2", "l3", 0.9, rank=1), "recipe": "of another time"},
    )
    assert run(workspace, config).written == 4
    found = pairs(workspace, config)
    assert {at: row["tier"] for at, row in found.items()} == {
        ("g1", "l1"): "high", ("g1", "l2"): "low", ("g2", "l2"): "medium", ("g2", "l1"): "medium",
    }  # fmt: skip
    best = found["g1", "l1"]
    assert best["region"] == "l1:d:00"
    assert best["probability"] == pytest.approx(0.9)
    assert (best["s_vlm"], best["verified_by"], best["split"]) == (0.5, [], "train")
    told = json.loads(best["provenance"])
    assert told["match"] == Match(Setup.of(config)).recipe
    used = score_weights(workspace, Setup.of(config))
    assert told["weights"] == {"s_vlm": used.vlm, "s_visual": used.visual, "s_detail": used.detail}


def test_people_have_the_last_word(tmp_path: Path) -> None:
    config = load(tier=FREE)
    rows = [
        match("g1", "l1", 0.9, rank=1, reverse_rank=1),
        match("g2", "l2", 0.9, rank=1, reverse_rank=1),
        match("g2", "l2", 0.4, rank=2, index=1),
        match("g3", "l3", 0.1, rank=5),
        match("g4", "l4", 0.9, rank=1, reverse_rank=1),
        match("g4", "l4", 0.3, rank=2, index=1),
        match("g5", "l5", 0.3, rank=2),
    ]
    reviews = [
        review(rows[0], "no"),
        review(rows[1], "no"), review(rows[2], "yes", "bob"), review(rows[2], "yes", "ann"),
        review(rows[3], "yes"),
        review(rows[4], "no"),
        review(rows[6], "unsure"),
    ]  # fmt: skip
    workspace = made(tmp_path, *rows, reviews=reviews)
    run(workspace, config)
    found = pairs(workspace, config)
    assert {at: row["tier"] for at, row in found.items()} == {
        ("g2", "l2"): "high", ("g3", "l3"): "high", ("g5", "l5"): "low",
    }  # fmt: skip
    assert found["g2", "l2"]["region"] == "l2:d:01"
    assert found["g2", "l2"]["verified_by"] == ["ann", "bob"]


def test_votes_are_counted_and_a_tie_keeps_a_pair_out(tmp_path: Path) -> None:
    config = load(tier=FREE)
    one, two = (match(f"g{at}", f"l{at}", 0.9, rank=1) for at in (1, 2))
    votes = [review(one, "yes", "a"), review(one, "yes", "b"), review(one, "no", "c"),
             review(two, "yes", "a"), review(two, "no", "b")]  # fmt: skip
    workspace = made(tmp_path, one, two, reviews=votes)
    run(workspace, config)
    assert set(pairs(workspace, config)) == {("g1", "l1")}


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ({"high": 0.25, "medium": 0.5, "low": 0}, {"high": 25, "medium": 50}),
        ({"high": 10, "medium": 0.1, "low": 1}, {"high": 10, "medium": 10, "low": 80}),
        ({}, {"high": 100}),
    ],
)
def test_quotas_are_counts_or_shares_of_the_candidates(
    tmp_path: Path, tier: dict[str, float], expected: dict[str, int]
) -> None:
    config = load(tier={**FREE, **tier})
    rows = [match(f"g{at:03d}", f"l{at:03d}", 0.9 - at / 200, **BOTH) for at in range(100)]
    workspace = made(tmp_path, *rows)
    run(workspace, config)
    found = pairs(workspace, config)
    counted = {
        name: [at for at, row in found.items() if row["tier"] == name]
        for name in ("high", "medium", "low")
    }
    assert {name: len(rows) for name, rows in counted.items() if rows} == expected
    assert max(counted["high"])[0] < min([*counted["medium"], ("z", "z")])[0]  # the likeliest first
    measured = json.loads(measured_path(workspace, Tier(Setup.of(config)).recipe).read_text())
    assert measured["candidates"] == 100
    assert {name: count for name, count in measured["tiers"].items() if count} == expected


def test_limits_hold(tmp_path: Path) -> None:
    config = load(tier={**FREE, "looks_per_garment": 2, "garments_per_look": 3})
    crossing = [
        match(f"g{g}", f"l{look}", 1 / (1 + g + look), rank=1 + look)
        for g in range(6)
        for look in range(6)
    ]
    workspace = made(tmp_path, *crossing)
    run(workspace, config)
    chosen = list(pairs(workspace, config))
    assert max(sum(one == f"g{g}" for one, _ in chosen) for g in range(6)) == 2
    assert max(sum(one == f"l{look}" for _, one in chosen) for look in range(6)) == 3


def test_splits_tear_neither_pairs_nor_groups(tmp_path: Path) -> None:
    config = load(tier={"validation": 0.2, "test": 0.2})
    matches = [match(f"g{at:02d}", f"l{at % 40:02d}", 0.5, **BOTH) for at in range(60)]
    workspace = made(tmp_path, *matches)
    product = {"kind": "garment", "how": "same_product"}
    rows = [
        {"subject": f"g{at:02d}", "group": f"g{at - at % 2:02d}", **product} for at in range(60)
    ]
    rows += [
        {"subject": f"l{at:02d}", "kind": "look", "how": "same_shoot", "group": "l30"}
        for at in (30, 31, 38)
    ]
    rows += [
        {"subject": f"l{at:02d}", "kind": "look", "how": "same_photo", "group": "l38"}
        for at in (38, 39)
    ]
    recipe = Group(Setup.of(config)).recipe
    workspace.table("groups").append([GROUP.table([{**row, "recipe": recipe} for row in rows])])
    run(workspace, config)
    found = pairs(workspace, config)
    assert len(found) == 60
    split = {photo: row["split"] for at, row in found.items() for photo in at}
    for garment, look in found:
        assert split[garment] == split[look] == found[garment, look]["split"]
    for at in range(0, 60, 2):
        assert split[f"g{at:02d}"] == split[f"g{at + 1:02d}"]
    assert len({split[f"l{at:02d}"] for at in (30, 31, 38, 39)}) == 1
    sizes = {
        name: sum(row["split"] == name for row in found.values())
        for name in ("train", "validation", "test")
    }
    assert sizes["train"] >= 36
    assert min(sizes.values()) >= 6
    of_group = {row["group"]: row["split"] for row in found.values()}
    assert all(of_group[row["group"]] == row["split"] for row in found.values())


def test_what_hangs_together_trains_and_the_report_can_say_so(tmp_path: Path) -> None:
    config = load()
    workspace = made(
        tmp_path, *(match("g", f"l{at}", 0.5, rank=at + 1, reverse_rank=1) for at in range(5))
    )
    run(workspace, config)
    assert {row["split"] for row in pairs(workspace, config).values()} == {"train"}
    measured = json.loads(measured_path(workspace, Tier(Setup.of(config)).recipe).read_text())
    assert len(measured["short"]) == 2


def sampled(workspace: Workspace, config: Config, right: dict[int, bool] | None = None) -> Sample:
    """A sample of all that is frozen now, judged by the number of the garment."""
    pairs = frozen_candidates(workspace, Setup.of(config))
    digest = hash_of(pairs)
    name = name_of(CANDIDATES, digest)
    sample = Sample(
        name, CANDIDATES, len(pairs), len(pairs), 7, digest, "2026-01-01T00:00:00", "recipe",
        folder_of(workspace, name),
    )  # fmt: skip
    save_sample(sample, pairs, pairs)
    if right is not None:
        sample.save_verdicts({pair: right[int(pair[0][1:])] for pair in pairs})
    return sample


def test_a_target_precision_is_kept_by_a_random_sample_alone(tmp_path: Path) -> None:
    config = load(tier={**FREE, "target_precision": (0.9, 0.5, 0.0)})
    rows = [
        match(f"g{at:03d}", f"l{at:03d}", 0.99 - at / 800, rank=1, calibrated=True)
        for at in range(600)
    ]
    # Calibrated, and a hundred yes of people who chose what to judge: that promises nothing.
    workspace = made(tmp_path, *rows, reviews=[review(rows[at], "yes") for at in range(100)])

    def tiers() -> dict[str, str]:
        run(workspace, config)
        return {garment: row["tier"] for (garment, _), row in pairs(workspace, config).items()}

    def notes() -> list[str]:
        path = measured_path(workspace, Tier(Setup.of(config)).recipe)
        found: list[str] = json.loads(path.read_text())["short"]
        return found

    found = tiers()
    assert all(found[f"g{at:03d}"] == "high" for at in range(100))
    assert {found[f"g{at:03d}"] for at in range(100, 600)} == {"low"}
    assert any(
        "No pair is high and medium: their precision is known only" in one for one in notes()
    )
    sample = sampled(workspace, config)
    assert tiers() == found
    assert any("0 of 500 pairs are judged" in one for one in notes())
    # Of the order's 500, the first 300 are right, then every second.
    right = {at: at < 400 or at % 2 == 0 for at in range(600)}
    sample.save_verdicts({pair: right[int(pair[0][1:])] for pair in sample.pairs})
    found = tiers()
    high = [at for at in range(100, 600) if found[f"g{at:03d}"] == "high"]
    assert len(high) >= 290 and high == list(range(100, 100 + len(high)))
    assert sum(right[at] for at in high) / len(high) >= 0.9
    measured = json.loads(measured_path(workspace, Tier(Setup.of(config)).recipe).read_text())
    assert measured["cuts"][0]["pairs"] == len(high) == measured["cuts"][0]["judged"]
    assert measured["cuts"][0]["p_value"] <= 0.05 / 3
    assert run(workspace, config).read == 0


def test_what_comes_after_the_sample_is_promised_nothing(tmp_path: Path) -> None:
    config = load(tier={**FREE, "target_precision": (0.9, 0.0, 0.0)})
    rows = [match(f"g{at:03d}", f"l{at:03d}", 0.99 - at / 400, rank=1) for at in range(201)]
    workspace = made(tmp_path, *rows[1:])
    sampled(workspace, config, dict.fromkeys(range(201), True))
    workspace.table("matches").append([MATCH.table([rows[0]])])
    run(workspace, config)
    found = {garment: row["tier"] for (garment, _), row in pairs(workspace, config).items()}
    assert found.pop("g000") == "medium"
    assert set(found.values()) == {"high"}


def test_the_second_run_does_nothing_until_a_review_comes(tmp_path: Path) -> None:
    config = load(tier=FREE)
    row = match("g1", "l1", 0.9, rank=1, reverse_rank=1)
    workspace = made(tmp_path, row)
    assert run(workspace, config).written == 1
    assert run(workspace, config).read == 0
    workspace.table("reviews").append([REVIEW.table([review(row, "no")])])
    run(workspace, config)
    assert pairs(workspace, config) == {}
    assert run(workspace, config).read == 0


def test_no_matches_make_no_pairs(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    assert run(workspace, load()).written == 0
    assert run(workspace, load()).read == 0

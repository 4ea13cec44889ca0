from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.invented import TOKEN_WIDTH, Invented, invent

from lookweave.config import Config, load
from lookweave.errors import ModelError, WorkspaceError, WorkspaceFull
from lookweave.matching import hubness
from lookweave.matching.evidence import KNOTS, LARGEST
from lookweave.matching.fusion import Fusion
from lookweave.matching.probability import Calibration, rule_of_thumb
from lookweave.models.cards import models_of
from lookweave.models.details import unpacked
from lookweave.pipeline.run import Outcome, run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import Group
from lookweave.pipeline.steps.match import CALIBRATION, Match, measured_path, scratch
from lookweave.pipeline.steps.match import matcher as matcher_module
from lookweave.pipeline.steps.match import step as step_module
from lookweave.pipeline.steps.match.blocks import FAMILIES
from lookweave.pipeline.steps.match.partition import ATTRIBUTE_WEIGHTS
from lookweave.pipeline.steps.match.rows import present
from lookweave.progress import Progress
from lookweave.records import DESCRIPTION, GROUP, REGION
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES

COLUMNS = ["garment", "region", "look", "s_vlm", "s_visual", "s_detail", "score", "rank",
           "reverse_rank"]  # fmt: skip


def settings(**match: Any) -> Config:
    """By the inner product of descriptions, unless `evidence` is asked for."""
    return load(match={"top_k": 8, "reverse_k": 3, "categories": 2, "detail_pool": 12,
                       "lambda_vlm": 0.3, "lambda_visual": 0.7, "lambda_detail": 2.0,
                       "evidence": False, **match})  # fmt: skip


def run(workspace: Workspace, config: Config) -> Outcome:
    with Progress(quiet=True) as progress:
        return run_step(Match(Setup.of(config)), workspace, progress)


def rows_of(workspace: Workspace) -> list[dict[str, Any]]:
    rows = workspace.table("matches").read().to_pylist()
    return sorted(rows, key=lambda row: (row["garment"], row["region"]))


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    made = invent(tmp_path_factory.mktemp("match") / "ws", settings(), 64, 70, noise=1.5)
    run(made.workspace, settings())
    return made


@dataclass
class Reference:
    """Everything about the match by plain loops and whole matrices."""

    garments: list[str]
    regions: list[str]
    s_vlm: np.ndarray
    s_visual: np.ndarray
    s_detail: np.ndarray
    score: np.ndarray
    rank: np.ndarray
    reverse_rank: np.ndarray


def reference(made: Invented, config: Config) -> Reference:
    models = models_of(config)
    rows = made.workspace.table("regions").read().to_pylist()
    embedded = made.workspace.embeddings(
        models.encoder.key, models.encoder.dimension or 0
    ).read().to_pylist()  # fmt: skip
    vectors = {row["subject"]: np.array(row["vector"]) for row in embedded}
    tokens = {
        row["subject"]: unpacked(row["token_values"] or bytes([8, TOKEN_WIDTH])).astype(float)
        for row in embedded
    }
    said = {
        row["subject"]: np.array(row["attributes"], np.float64)
        for row in made.workspace.table("descriptions").read().to_pylist()
    }
    garments = sorted(
        (row for row in rows if row["kind"] == "garment"), key=lambda row: row["subject"]
    )
    regions = sorted((row for row in rows if row["kind"] == "look"), key=lambda row: row["id"])
    width = sum(len(values) for values in ATTRIBUTES.values())

    def of(row: dict[str, Any]) -> np.ndarray:
        return said.get(row["id"], np.zeros(width))

    s_vlm = np.zeros((len(garments), len(regions)))
    start = 0
    for name, values in ATTRIBUTES.items():
        here = slice(start, start + len(values))
        start += len(values)
        for g, garment in enumerate(garments):
            for r, region in enumerate(regions):
                left, right = of(garment)[here], of(region)[here]
                if left.any() and right.any():
                    alike = left @ right / np.linalg.norm(left) / np.linalg.norm(right)
                else:
                    alike = 0.5
                s_vlm[g, r] += ATTRIBUTE_WEIGHTS[name] * alike
    s_visual = (
        np.array([vectors[row["id"]] for row in garments])
        @ np.array([vectors[row["id"]] for row in regions]).T
    )
    weights = np.array([config.match.lambda_vlm, config.match.lambda_visual])
    score = (weights[0] * s_vlm + weights[1] * s_visual) / weights.sum()
    s_detail = np.full(score.shape, np.nan)
    if Setup.of(config).tokens:
        parts = [[tokens[row["id"]] for row in side] for side in (garments, regions)]
        s_detail = np.array([[part_by_part(g, r) for r in parts[1]] for g in parts[0]])
    has_parts = not np.isnan(s_detail).all()
    share = config.match.lambda_detail / (weights.sum() + config.match.lambda_detail)

    def whole(base: np.ndarray) -> np.ndarray:
        known = np.where(np.isnan(s_detail), 0.4, s_detail)
        return (1 - share) * base + share * known if has_parts else base

    allowed = np.array([[may_meet(of(g), g, of(r), r, config) for r in regions] for g in garments])
    plain = np.where(allowed, score, -np.inf)
    corrected = correct(plain, score, [row["subject"] for row in garments], config)
    reranked = plain
    if learned := Setup.of(config).fusion:
        s_vlm = np.array([[evident(learned, of(g), of(r)) for r in regions] for g in garments])
        gain = weights[0] * s_vlm + weights[1] * s_visual
        gain = gain / weights.sum() - score
        corrected, reranked = corrected + gain, plain + gain
    rank = np.zeros(score.shape, int)
    kept = config.match.top_k
    k = max(kept, config.match.detail_pool) if has_parts else kept
    final = whole(corrected)
    for g in range(len(garments)):
        pool = np.argsort(-plain[g])[: k + max(k, 16)]
        pool = pool[np.isfinite(plain[g][pool])]
        best = pool[np.argsort(-corrected[g][pool])][:k]
        best = best[np.argsort(-final[g][best])][:kept]
        rank[g, best] = np.arange(1, len(best) + 1)
    reverse_rank = np.zeros(score.shape, int)
    kept = config.match.reverse_k
    k = max(kept, config.match.detail_pool) if has_parts else kept
    for r in range(len(regions)):
        best = np.argsort(-plain[:, r])[:k]
        best = best[np.isfinite(plain[best, r])]
        best = best[np.argsort(-whole(reranked)[best, r])][:kept]
        reverse_rank[best, r] = np.arange(1, len(best) + 1)
    return Reference(
        [row["subject"] for row in garments], [row["id"] for row in regions],
        s_vlm, s_visual, s_detail, final, rank, reverse_rank,
    )  # fmt: skip


def evident(learned: Fusion, garment: np.ndarray, region: np.ndarray) -> float:
    """S_VLM of one pair, attribute by attribute."""
    nats, start = 0.0, 0
    for place, values in enumerate(ATTRIBUTES.values()):
        here = slice(start, start + len(values))
        start += len(values)
        p, q = (np.rint(127 * side[here]) for side in (garment, region))
        table = learned.evidence.tables.get(place)
        if table is None or not p.any() or not q.any():
            continue
        cosine = p @ q / np.linalg.norm(p) / np.linalg.norm(q)
        nats += table.rarity * np.log(p @ table.ratios @ q / p.sum() / q.sum()) + table.offset
        nats += np.maximum(cosine - np.array(KNOTS), 0) @ table.slopes
    return float(0.5 + np.clip(nats, -LARGEST, LARGEST) / (2 * LARGEST))


def part_by_part(one: np.ndarray, other: np.ndarray) -> float:
    if not len(one) or not len(other):
        return float("nan")
    cosine = one @ other.T / 200**2
    return float((cosine.max(axis=0).mean() + cosine.max(axis=1).mean()) / 2)


def may_meet(
    garment: np.ndarray, g: dict[str, Any], region: np.ndarray, r: dict[str, Any], config: Config
) -> bool:
    count = len(CATEGORIES)
    if config.match.categories == 0:
        return True

    def opinion(said: np.ndarray, row: dict[str, Any]) -> np.ndarray:
        return (
            said[:count]
            if said[:count].any()
            else np.array([float(name == row["label"]) for name in CATEGORIES])
        )

    theirs, mine = opinion(region, r), opinion(garment, g)
    if not theirs.any() or not mine.any():
        return True
    likely = np.argsort(-mine, kind="stable")[: config.match.categories]
    names = {CATEGORIES[at] for at in likely if mine[at] > 0}
    if np.count_nonzero(mine) < config.match.categories:
        names.add(g["label"])
    first = CATEGORIES[likely[0]]
    for name in (
        (first, g["label"]) if np.count_nonzero(mine) < config.match.categories else (first,)
    ):
        for family in FAMILIES:
            names |= family if name in family else set()
    return CATEGORIES[int(theirs.argmax())] in names


def correct(
    plain: np.ndarray, score: np.ndarray, garments: list[str], config: Config
) -> np.ndarray:
    beta = config.match.hubness_beta
    side = hubness.halves(garments)
    ids = np.array(garments, np.bytes_)
    banks = [hubness.bank(ids, side, half, config.match.hubness_bank) for half in (0, 1)]
    if beta == 0 or min(map(len, banks)) < hubness.MINIMUM_BANK:
        return plain
    corrected = plain.copy()
    for half, bank in enumerate(banks):
        pull = np.log(np.exp(beta * score[bank]).mean(axis=0)) / beta
        hubs = {int(plain[query].argmax()) for query in bank}
        for query in np.flatnonzero(side == half):
            if int(plain[query].argmax()) in hubs:
                corrected[query] = plain[query] - (pull - pull.mean())
    return corrected


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"categories": 0},
        {"hubness_beta": 0.0},
        {"lambda_vlm": 9.0, "lambda_visual": 1.0},
        {"details": False},
        {"lambda_detail": 0.0},
        {"lambda_detail": 9.0},
        {"detail_pool": 1},
        {"evidence": True},
        {"evidence": True, "lambda_vlm": 9.0},
    ],
    ids=[
        "as set",
        "no filter",
        "no hubness",
        "mostly description",
        "no details",
        "no weight of details",
        "mostly details",
        "only those kept",
        "evidence",
        "mostly evidence",
    ],
)
def test_matches_are_those_of_the_whole_matrices(invented: Invented, match: dict[str, Any]) -> None:
    config = settings(**match)
    run(invented.workspace, config)
    found = invented.workspace.table("matches").read(where=Match(Setup.of(config)).rows).to_pylist()
    expected = reference(invented, config)
    keep = (expected.rank > 0) | (expected.reverse_rank > 0)
    place = {
        (garment, region): (g, r)
        for g, garment in enumerate(expected.garments)
        for r, region in enumerate(expected.regions)
        if keep[g, r]
    }
    assert {(row["garment"], row["region"]) for row in found} == set(place)
    assert len(found) == len(place)
    for row in found:
        at = place[row["garment"], row["region"]]
        assert (row["rank"] or 0) == expected.rank[at]
        assert (row["reverse_rank"] or 0) == expected.reverse_rank[at]
        assert row["mutual"] == (expected.rank[at] == 1 == expected.reverse_rank[at])
        assert row["s_vlm"] == pytest.approx(expected.s_vlm[at], abs=1e-5)
        assert row["s_visual"] == pytest.approx(expected.s_visual[at], abs=1e-5)
        assert row["score"] == pytest.approx(expected.score[at], abs=1e-5)
        if np.isnan(expected.s_detail[at]):
            assert row["s_detail"] is None
        else:
            assert row["s_detail"] == pytest.approx(expected.s_detail[at], abs=1e-6)
        assert row["look"] == row["region"].partition(":")[0]
    assert sum(row["mutual"] for row in found) > 20


def test_the_rows_do_not_depend_on_how_the_work_was_cut(
    invented: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other order of rows in the tables, one garment at a time, small blocks, four workers."""
    config = settings(evidence=True)
    run(invented.workspace, config)
    expected = [
        row
        for row in rows_of(invented.workspace)
        if row["recipe"] == Match(Setup.of(config)).recipe
    ]
    monkeypatch.setattr(matcher_module, "QUERY_ROWS", 7)
    monkeypatch.setattr(step_module, "QUERY_ROWS", 7)
    other = load(match={**config.match.model_dump(), "block_rows": 64}, run={"workers": 4})
    made = invent(tmp_path / "ws", other, 64, 70, noise=1.5, order=5, chunk=13)
    run(made.workspace, other)
    assert rows_of(made.workspace) == expected


def test_the_second_run_does_nothing_and_what_changed_is_made_anew(tmp_path: Path) -> None:
    config = settings()
    made = invent(tmp_path / "ws", config, 45, 40)
    first = run(made.workspace, config)
    assert (first.read, first.written) == (45, made.workspace.table("matches").count())
    version = made.workspace.table("matches").version
    assert run(made.workspace, config).read == 0
    assert made.workspace.table("matches").version == version
    before = rows_of(made.workspace)

    # A run that was killed after it had removed rows leaves no record.
    made.workspace.table("matches").delete(matching(garment=made.garments[3]))
    assert run(made.workspace, config).read == 45
    assert rows_of(made.workspace) == before

    extra = {"id": "f" * 20 + ":x:00", "subject": "f" * 20, "kind": "look", "index": 0,
             "detector": models_of(config).detector.key}  # fmt: skip
    made.workspace.table("regions").append([REGION.table([extra])])
    assert run(made.workspace, config).read == 45
    assert rows_of(made.workspace) == before  # it has no vector

    group = [{"subject": one, "kind": "garment", "how": "same_product", "group": made.garments[0]}
             for one in made.garments[:2]]  # fmt: skip
    recipe = Group(Setup.of(config)).recipe
    made.workspace.table("groups").append(
        [GROUP.table([{**row, "recipe": recipe} for row in group])]
    )
    assert run(made.workspace, config).read == 45
    assert run(made.workspace, config).read == 0


def test_other_settings_stand_beside_and_blocks_are_no_setting(invented: Invented) -> None:
    assert Match(Setup.of(settings())).recipe == Match(Setup.of(settings(block_rows=64))).recipe
    assert Match(Setup.of(settings())).recipe == Match(Setup.of(load(
        match=settings().match.model_dump(), run={"workers": 3}, tier={"seed": 1}
    ))).recipe  # fmt: skip
    config = settings(top_k=3)
    assert Match(Setup.of(config)).recipe != Match(Setup.of(settings())).recipe
    before = invented.workspace.table("matches").count(Match(Setup.of(settings())).rows)
    run(invented.workspace, config)
    assert invented.workspace.table("matches").count(Match(Setup.of(settings())).rows) == before


def test_probabilities_are_marked_by_where_they_come_from(tmp_path: Path) -> None:
    config = settings()
    made = invent(tmp_path / "ws", config, 45, 40)
    run(made.workspace, config)
    plain = rows_of(made.workspace)
    assert not any(row["calibrated"] for row in plain)
    best = [row for row in plain if row["rank"] == 1]
    assert all(
        row["probability"] <= rule_of_thumb(np.float32([row["score"]]), np.float32([9.0]))[0] + 1e-6
        for row in best
    )

    learned = Calibration(0.0, 1.0, (30.0, 10.0), -20.0, (), (), 100, 50, 0.1)
    (made.workspace.path / CALIBRATION).write_text(learned.to_json())
    assert run(made.workspace, config).read == 45
    rows = rows_of(made.workspace)
    assert all(row["calibrated"] for row in rows)
    one = next(row for row in rows if row["rank"] == 1)
    rivals = [
        row["score"]
        for row in rows
        if row["garment"] == one["garment"] and row["look"] != one["look"]
    ]
    margin = np.float32(one["score"] - max(rivals))
    assert one["probability"] == pytest.approx(
        float(learned.probability(np.float32([one["score"]]), np.array([margin]))[0]), abs=1e-5
    )

    (made.workspace.path / CALIBRATION).write_text("{}")
    with pytest.raises(WorkspaceError, match="damaged"):
        run(made.workspace, config)


def test_a_region_without_category_meets_every_garment(tmp_path: Path) -> None:
    config = settings(categories=1, top_k=500)
    made = invent(tmp_path / "ws", config, 30, 20, described=0.0)
    regions = made.workspace.table("regions")
    nameless = regions.read(where="kind = 'look'").slice(0, 1).to_pylist()[0]
    regions.upsert(REGION.table([{**nameless, "label": None}]))
    run(made.workspace, config)
    rows = rows_of(made.workspace)
    met = {row["garment"] for row in rows if row["region"] == nameless["id"] and row["rank"]}
    assert met == set(made.garments)
    assert len(rows) < 30 * 40


def test_one_word_of_category_is_widened_by_the_detectors_opinion(tmp_path: Path) -> None:
    config = settings(categories=2, top_k=500)
    made = invent(tmp_path / "ws", config, 25, 30, described=0.0)
    garment = (
        made.workspace.table("regions").read(where="kind = 'garment'").slice(0, 1).to_pylist()[0]
    )
    detected = next(
        name for name in CATEGORIES if name not in ("bag", garment["label"])
        and any(region["label"] == name for region in looks_of(made))
        and not any({"bag", name} <= family for family in FAMILIES)
    )  # fmt: skip
    made.workspace.table("regions").upsert(REGION.table([{**garment, "label": detected}]))
    vector = np.zeros(sum(map(len, ATTRIBUTES.values())), np.float32)
    vector[CATEGORIES.index("bag")] = 1.0
    said = {
        "subject": garment["id"],
        "model": models_of(config).describer.key,
        "kind": "garment",
        "attributes": vector,
    }
    made.workspace.table("descriptions").append([DESCRIPTION.table([said])])
    run(made.workspace, config)
    labels = {region["id"]: region["label"] for region in looks_of(made)}
    met = {
        labels[row["region"]]
        for row in rows_of(made.workspace)
        if row["garment"] == garment["subject"] and row["rank"]
    }
    assert detected in met


def looks_of(made: Invented) -> list[dict[str, Any]]:
    return made.workspace.table("regions").read(where="kind = 'look'").to_pylist()


@pytest.mark.parametrize(("garments", "looks"), [(0, 5), (5, 0), (0, 0)])
def test_one_side_alone_matches_nothing(tmp_path: Path, garments: int, looks: int) -> None:
    config = settings()
    made = invent(tmp_path / "ws", config, garments, looks)
    done = run(made.workspace, config)
    assert (done.read, done.written) == (garments, 0)
    assert run(made.workspace, config).read == 0


def test_what_was_measured_is_kept_and_scratch_is_not(invented: Invented) -> None:
    config = settings()
    run(invented.workspace, config)
    measured = json.loads(
        measured_path(invented.workspace, Match(Setup.of(config)).recipe).read_text()
    )
    assert (measured["garments"], measured["regions"]) == (64, 140)
    assert measured["bank"] >= 20
    assert measured["hubness_off"] is None
    expected = reference(invented, settings(categories=0, hubness_beta=0.0))
    best = (0.3 * expected.s_vlm + 0.7 * expected.s_visual).argmax(axis=1)
    allowed = reference(invented, settings(top_k=500, hubness_beta=0.0)).rank > 0
    lost = sum(not allowed[garment, region] for garment, region in enumerate(best))
    assert (measured["filter_sample"], measured["filter_lost"]) == (64, lost)
    assert not scratch(invented.workspace).exists()


def test_a_small_catalogue_is_told_that_hubs_cannot_be_told(tmp_path: Path) -> None:
    made = invent(tmp_path / "ws", settings(), 12, 9)
    run(made.workspace, settings())
    measured = json.loads(
        measured_path(made.workspace, Match(Setup.of(settings())).recipe).read_text()
    )
    assert measured["bank"] == 0
    assert "too small" in measured["hubness_off"]


def test_equal_vectors_rank_by_position_alone(tmp_path: Path) -> None:
    """All regions alike: the order is that of the ids, however the tables are ordered."""
    config = settings(categories=0, hubness_beta=0.0)
    ranked = []
    for order in (1, 2):
        made = invent(tmp_path / f"ws{order}", config, 6, 40, described=0.0, order=order)
        models = models_of(config)
        table = made.workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
        rows = table.read().to_pylist()
        same = [{**row, "vector": rows[0]["vector"]} for row in rows]
        table.upsert(pa.Table.from_pylist(same, schema=table.spec.schema))
        run(made.workspace, config)
        ranked.append([{name: row[name] for name in COLUMNS} for row in rows_of(made.workspace)])
    assert ranked[0] == ranked[1]


def test_a_full_disk_leaves_the_matches_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = invent(tmp_path / "ws", settings(), 20, 10)
    run(made.workspace, settings())
    before = rows_of(made.workspace)
    monkeypatch.setattr("lookweave.matching.vectors.os.pwrite", lambda *_: 7)
    with pytest.raises(WorkspaceFull, match="No space is left"):
        run(made.workspace, settings(top_k=4))
    assert rows_of(made.workspace) == before
    monkeypatch.undo()
    assert run(made.workspace, settings(top_k=4)).written > 0


def test_regions_of_another_detector_are_not_taken_for_this_one(invented: Invented) -> None:
    """Two detectors number the regions of a photo alike."""
    rows = present(invented.workspace, Setup.of(settings()))
    own = models_of(settings()).detector.key
    ids = invented.workspace.table("regions").read(["id"]).column("id").slice(0, 5).to_pylist()
    assert (rows.find(pa.chunked_array([ids])) >= 0).any()
    others = [region.replace(f":{own}:", ":other:") for region in ids]
    assert (rows.find(pa.chunked_array([others])) == -1).all()


def test_a_photo_does_not_match_itself(tmp_path: Path) -> None:
    made = invent(tmp_path / "ws", settings(), 30, 30)
    run(made.workspace, settings())
    best = made.workspace.table("matches").read(where=column("rank").equals(1)).to_pylist()
    row = next(one for one in best if one["mutual"])
    recipe = Group(Setup.of(settings())).recipe
    same = {"how": "same_picture", "group": "x", "recipe": recipe}
    made.workspace.table("groups").append(
        [GROUP.table([{"subject": row["garment"], "kind": "garment", **same},
                      {"subject": row["look"], "kind": "look", **same}])]
    )  # fmt: skip
    run(made.workspace, settings())
    found = made.workspace.table("matches").read().to_pylist()
    assert not [
        one for one in found if (one["garment"], one["look"]) == (row["garment"], row["look"])
    ]
    mine = [one for one in found if one["garment"] == row["garment"] and one["rank"]]
    assert sorted(one["rank"] for one in mine) == list(range(1, len(mine) + 1))
    assert len(mine) == settings().match.top_k


def test_a_fault_in_the_middle_leaves_the_earlier_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = invent(tmp_path / "ws", settings(), 30, 30)
    run(made.workspace, settings())
    before = made.workspace.table("matches").count()
    garment = {"subject": made.garments[0], "kind": "garment", "how": "same_product"}
    recipe = Group(Setup.of(settings())).recipe
    made.workspace.table("groups").append(
        [GROUP.table([{**garment, "group": made.garments[0], "recipe": recipe}])]
    )

    def fails(self: object, batch: pa.Table) -> pa.Table:
        raise ModelError("The card fell out.")

    monkeypatch.setattr(Match.worker, "__call__", fails)
    with pytest.raises(ModelError, match="fell out"):
        run(made.workspace, settings())
    assert Workspace.open(made.workspace.path).table("matches").count() == before

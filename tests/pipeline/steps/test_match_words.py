"""Captions, brands and credits as parts of S_VLM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.invented import Invented, invent

from lookweave.config import Config, load
from lookweave.errors import ConfigError, InputError
from lookweave.evaluate import evaluate
from lookweave.evaluate.ablations import against_all, variants
from lookweave.evaluate.truth import read_truth
from lookweave.matching.captions import CaptionVectors
from lookweave.models.cards import models_of
from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match, measured_path
from lookweave.progress import Progress
from lookweave.records import DESCRIPTION, GARMENT, LOOK
from lookweave.store.workspace import Workspace

OFF = {"weight_captions": 0.0, "weight_brand": 0.0, "weight_credits": 0.0}
HOUSES = ("Lemaire", "Toteme", "Marni", "Prada", "Acne Studios")
THINGS = ("tweed", "corduroy", "gingham", "velvet", "seersucker", "moire", "organza", "boucle")


def settings(**match: Any) -> Config:
    """With a describer whose captions count; it is never loaded here."""
    set_ = {"top_k": 6, "reverse_k": 3, "categories": 2, **match}
    return load(models="vlm", vlm={"url": "http://localhost:1/v1", "model": "m"}, match=set_)


def run(workspace: Workspace, config: Config) -> list[dict[str, Any]]:
    with Progress(quiet=True) as progress:
        run_step(Match(Setup.of(config)), workspace, progress)
    rows = workspace.table("matches").read(where=Match(Setup.of(config)).rows).to_pylist()
    return sorted(rows, key=lambda row: (row["garment"], row["region"]))


@dataclass
class Spoken:
    """An invented workspace in which captions, brands and credits tell the truth."""

    made: Invented
    words: dict[str, str]  # garment -> its own words
    brand: dict[str, str]

    @property
    def workspace(self) -> Workspace:
        return self.made.workspace


def speak(made: Invented) -> Spoken:
    random = np.random.default_rng(11)
    words = {
        one: f"{THINGS[int(random.integers(8))]} {THINGS[int(random.integers(8))]} no{number:03d}x"
        for number, one in enumerate(made.garments)
    }
    brand = {one: HOUSES[number % 5] for number, one in enumerate(made.garments)}
    worn: dict[str, list[str]] = {}
    for garment, look in made.truth:
        worn.setdefault(made.looks[look], []).append(made.garments[garment])
    workspace, models = made.workspace, models_of(made.config)
    garments = workspace.table("garments").read().to_pylist()
    titled = [
        {**row, "title": f"{words[row['id']]} garment", "brand": brand[row["id"]],
         "sku": f"AB-{number:05d}"}
        for number, row in enumerate(sorted(garments, key=lambda row: row["id"]))
    ]  # fmt: skip
    workspace.table("garments").upsert(GARMENT.table(titled))
    credited = [
        {**row, "brand": brand[worn[row["id"]][0]],
         "metadata": json.dumps({"credits": ", ".join(words[one] for one in worn[row["id"]]),
                                 "page": "https://example.org/tweed"})}
        for row in workspace.table("looks").read().to_pylist() if row["id"] in worn
    ]  # fmt: skip
    workspace.table("looks").upsert(LOOK.table(credited))
    subject = {
        row["id"]: row["subject"]
        if row["kind"] == "garment"
        else worn[row["subject"]][row["index"]]
        for row in workspace.table("regions").read().to_pylist()
    }
    descriptions = workspace.table("descriptions")
    rows = descriptions.read().to_pylist()
    captioned = [
        {**row, "caption": f"A garment of {words[subject[row['subject']]]}."} for row in rows
    ]
    descriptions.upsert(DESCRIPTION.table(captioned))
    assert {row["model"] for row in rows} == {models.describer.key}
    return Spoken(made, words, brand)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    folder = tmp_path_factory.mktemp("words")
    return speak(invent(folder / "ws", settings(), 60, 70, worn=1, noise=40.0))


def truth_of(spoken: Spoken) -> set[tuple[str, str]]:
    made = spoken.made
    return {(made.garments[garment], made.looks[look]) for garment, look in made.truth}


def test_each_part_lifts_the_true_pairs_and_off_is_as_if_it_were_not_there(
    spoken: Spoken, tmp_path: Path
) -> None:
    silent = invent(tmp_path / "ws", settings(), 60, 70, worn=1, noise=40.0)
    columns = ("garment", "region", "s_vlm", "s_visual", "s_detail", "score", "rank",
               "reverse_rank")  # fmt: skip

    def of(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [tuple(row[name] for name in columns) for row in rows]

    off = run(spoken.workspace, settings(**OFF))
    assert of(off) == of(run(silent.workspace, settings()))
    truth = spoken.made.write_truth(tmp_path / "truth.csv")

    def mean_rank(config: Config) -> float:
        return float(evaluate(spoken.workspace, config, truth)["garment_to_look"]["MRR"])

    def back(config: Config) -> float:
        return float(evaluate(spoken.workspace, config, truth)["look_to_garment"]["MRR"])

    plain, plain_back = mean_rank(settings(**OFF)), back(settings(**OFF))
    for part in OFF:
        alone = settings(**{**OFF, part: 0.8})
        assert mean_rank(alone) > plain + 0.01, part
        assert back(alone) > plain_back, part
        lifted = {(row["garment"], row["region"]): row for row in run(spoken.workspace, alone)}
        true = truth_of(spoken)
        for row in off:
            now = lifted.get((row["garment"], row["region"]))
            if now and part == "weight_credits":
                assert now["s_vlm"] >= row["s_vlm"] - 1e-6
                if (row["garment"], row["look"]) in true:
                    assert now["s_vlm"] > row["s_vlm"]


def test_s_vlm_is_what_the_formula_says(spoken: Spoken) -> None:
    """By plain loops over the pairs, from S_VLM without words."""
    off = {
        (row["garment"], row["region"]): row
        for row in run(spoken.workspace, settings(**OFF, top_k=200, hubness_beta=0.0))
    }
    config = settings(top_k=200, hubness_beta=0.0)
    captions = {
        row["subject"]: row["caption"]
        for row in spoken.workspace.table("descriptions").read().to_pylist()
    }
    vectors = CaptionVectors()
    vectors.add(captions.values())
    looks = {row["id"]: row for row in spoken.workspace.table("looks").read().to_pylist()}
    rows = run(spoken.workspace, config)
    counted = [word for text in spoken.words.values() for word in set(text.split())]
    detector = models_of(config).detector.key
    seen = 0
    for row in rows[::37]:
        pair = [captions.get(f"{row['garment']}:{detector}:cut"), captions.get(row["region"])]
        left, right = vectors(pair)
        agreement = 0.5 + 0.5 * float(left @ right) if all(pair) else 0.5
        said = (off[row["garment"], row["region"]]["s_vlm"] + 0.5 * agreement) / 1.5
        look = looks[row["look"]]
        if look["brand"]:
            same = look["brand"] == spoken.brand[row["garment"]]
            said = (1.5 * said + 0.25 * same) / 1.75
        if look["metadata"]:
            credits = json.loads(look["metadata"])["credits"].replace(",", " ").split()
            words = [*set(spoken.words[row["garment"]].split())]
            weight = {word: np.log(61 / (1 + counted.count(word))) for word in words}
            for name in spoken.brand[row["garment"]].lower().split():
                weight[name] = np.log(61 / (1 + 12))
            named = sum(weight[word] for word in words if word in credits) / sum(weight.values())
            said += (1 - said) * 0.8 * named
            seen += named > 0
        assert row["s_vlm"] == pytest.approx(said, abs=1e-5)
    assert seen > 5


def test_ranks_and_recall_use_the_same_scores(spoken: Spoken, tmp_path: Path) -> None:
    config = settings(top_k=500)
    best: dict[str, dict[str, float]] = {}
    for row in run(spoken.workspace, config):
        if row["rank"]:
            looks = best.setdefault(row["garment"], {})
            looks[row["look"]] = max(looks.get(row["look"], -9.0), row["score"])
    ranks = []
    for garment in {garment for garment, _ in truth_of(spoken)}:
        order = sorted(best[garment], key=lambda look: (-best[garment][look], look))
        true = [order.index(look) for look in order if (garment, look) in truth_of(spoken)]
        ranks.append(1 + min(true, default=10**9))
    result = evaluate(spoken.workspace, config, spoken.made.write_truth(tmp_path / "truth.csv"))
    assert result["parts"] == ["attributes", "captions", "brand", "credits"]
    assert result["garment_to_look"]["MRR"] == pytest.approx(np.mean(1 / np.array(ranks)))


def test_reverse_ranks_are_by_the_same_scores(spoken: Spoken) -> None:
    """Where everything is kept both ways, a region's first garment is its best by S."""
    config = settings(top_k=200, reverse_k=60, hubness_beta=0.0)
    of_region: dict[str, list[dict[str, Any]]] = {}
    for row in run(spoken.workspace, config):
        of_region.setdefault(row["region"], []).append(row)
    for rows in of_region.values():
        ordered = sorted(
            (row for row in rows if row["reverse_rank"]), key=lambda row: row["reverse_rank"]
        )
        scores = [row["score"] for row in ordered]
        assert scores == sorted(scores, reverse=True)


def test_the_rows_do_not_depend_on_how_the_work_was_cut(
    spoken: Spoken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings()
    expected = run(spoken.workspace, config)
    monkeypatch.setattr("lookweave.pipeline.steps.match.matcher.QUERY_ROWS", 7)
    monkeypatch.setattr("lookweave.pipeline.steps.match.step.QUERY_ROWS", 7)
    made = invent(tmp_path / "ws", config, 60, 70, worn=1, noise=40.0, order=5, chunk=13)
    made.garments, made.looks = spoken.made.garments, spoken.made.looks
    speak(made)
    assert run(made.workspace, settings(block_rows=64)) == expected


def test_what_was_weighed_is_kept_for_the_report(spoken: Spoken) -> None:
    def measured(config: Config) -> dict[str, Any]:
        run(spoken.workspace, config)
        found: dict[str, Any] = json.loads(
            measured_path(spoken.workspace, Match(Setup.of(config)).recipe).read_text()
        )
        return found

    found = measured(settings())
    looks = len({look for _, look in spoken.made.truth})
    assert (found["branded"], found["credited"]) == (60, looks)
    assert found["captions"] == spoken.workspace.table("descriptions").count()
    off = measured(settings(**OFF))
    assert (off["captions"], off["branded"], off["credited"]) == (0, 0, 0)


def test_a_new_brand_makes_the_matches_anew(tmp_path: Path) -> None:
    made = invent(tmp_path / "ws", settings(), 25, 20)
    run(made.workspace, settings())
    silent = settings(weight_brand=0.0, weight_credits=0.0)
    run(made.workspace, silent)
    rows = made.workspace.table("garments").read().to_pylist()
    made.workspace.table("garments").upsert(
        GARMENT.table([{**row, "brand": "Prada"} for row in rows])
    )
    assert Match(Setup.of(settings())).plan(made.workspace).count == 25
    assert Match(Setup.of(silent)).plan(made.workspace).count == 0


def test_captions_of_the_embedded_describer_repeat_its_attributes_and_do_not_count(
    tmp_path: Path,
) -> None:
    config = load(match={"top_k": 6, "categories": 2})
    made = invent(tmp_path / "ws", config, 25, 20)
    before = run(made.workspace, config)
    descriptions = made.workspace.table("descriptions")
    rows = [{**row, "caption": "red dress"} for row in descriptions.read().to_pylist()]
    descriptions.upsert(DESCRIPTION.table(rows))
    assert run(made.workspace, config) == before
    with pytest.raises(InputError, match="no captions"):
        run(made.workspace, load(match={"weight_attributes": 0.0}))


def test_both_halves_of_s_vlm_cannot_be_off() -> None:
    with pytest.raises(ConfigError, match="weight_attributes and weight_captions"):
        settings(weight_attributes=0.0, weight_captions=0.0)


@pytest.mark.parametrize("off", [None, "captions", "brand", "credits"])
def test_ablations_have_a_row_for_each_part_that_speaks(
    spoken: Spoken, tmp_path: Path, off: str | None
) -> None:
    config = settings(**({f"weight_{off}": 0.0} if off else {}))
    truth = spoken.made.write_truth(tmp_path / "truth.csv")
    known = read_truth(spoken.workspace, truth)
    found = against_all(variants(spoken.workspace, config, known))
    parts = ("details", "captions", "brand", "credits")
    rows = {f"all but {part}" for part in parts if part != off}
    switched = {"all but hubness correction", "all but category filter"}
    assert {name for name in found if name.startswith("all but")} - switched == rows
    for row in rows:
        assert found[row]["parts"] == [
            part for part in found["all together"]["parts"] if part != row.removeprefix("all but ")
        ]
        if row == "all but details":  # these garments' words tell more than their parts
            continue
        left, all_parts = (found[name]["garment_to_look"] for name in (row, "all together"))
        # A brand is of many garments: by chance it may cost one of them its first place.
        assert left["MRR"] <= all_parts["MRR"] + 0.5 / all_parts["n"] + 1e-9

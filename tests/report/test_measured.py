"""What the steps and the calibration left beside the tables, as the page tells it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.report.drawn_workspace import MATCH_RECIPE, TIER_RECIPE, Drawn
from tests.report.report_page import ReportPage

from lookweave.pipeline.steps import match, tier
from lookweave.records import PAIR
from lookweave.report import write_report

CALIBRATION = {
    "lambda_vlm": 0.25, "lambda_visual": 0.75, "weights": [9.0, 4.0], "bias": -5.0, "steps_x": [],
    "steps_y": [], "labels": 46, "positives": 23, "brier": 0.1,
}  # fmt: skip


def test_what_was_measured_is_told(own: Drawn) -> None:
    _write(match.measured_path(own.workspace, MATCH_RECIPE), {
        "garments": 9, "regions": 9, "filter_sample": 40, "filter_lost": 3, "bank": 26,
        "hubness_off": None, "hubs": 4.5, "of_a_later_version": 1,
    })  # fmt: skip
    _write(tier.measured_path(own.workspace, TIER_RECIPE), {
        "candidates": 12345, "left_out_between_splits": 2, "short": ["Validation came out short."],
    })  # fmt: skip
    text = _text(own)
    assert "Of 40 garments searched without it, 3 had their best region outside: 7.5 % lost" in text
    assert "a bank of 26 held-out queries" in text
    assert "Chosen from 12 345 candidates" in text
    assert "2 pairs were left out" in text
    assert "Validation came out short." in text


def test_why_hubs_were_not_corrected(own: Drawn) -> None:
    path = match.measured_path(own.workspace, MATCH_RECIPE)
    _write(path, {"hubness_off": "too few photos"})
    assert "No correction for hubs: too few photos." in _text(own)


def test_damaged_measurements_do_no_harm(own: Drawn) -> None:
    path = match.measured_path(own.workspace, MATCH_RECIPE)
    for content in ("{", "[1]", "null", ""):
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        assert "category filter costs" not in _text(own)


def test_a_calibrated_workspace_shows_probabilities(own: Drawn) -> None:
    rows = own.workspace.table("pairs").read().to_pylist()
    own.workspace.table("pairs").upsert(PAIR.table([{**row, "calibrated": True} for row in rows]))
    _write(own.workspace.path / match.CALIBRATION, CALIBRATION)
    text = _text(own)
    assert "Probabilities are calibrated: they were fitted to 46 labelled matches" in text
    assert "98 % probability of being the same garment" in text
    assert "a rule of thumb" not in text
    assert "S = 0.25 · S VLM + 0.75 · S visual with weights learned from labels" in text


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def _text(own: Drawn) -> str:
    return ReportPage(write_report(own.workspace, own.config)).text.replace("\u202f", " ")

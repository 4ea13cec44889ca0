"""Every pair by article: what the page's table is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.report.drawn_workspace import HOSTILE, Drawn

from lookweave.evaluate.verdicts import Verdicts
from lookweave.records import GARMENT, LOOK
from lookweave.report import listing as module
from lookweave.report.listing import NOT_LISTED, RIGHT, TAKEN_DOWN, WRONG, Listing, listing
from lookweave.report.pictures import sources
from lookweave.report.scope import scope_of
from lookweave.store.workspace import Workspace


def read(drawn: Drawn, truth: bool = False) -> tuple[Listing, Any]:
    verdicts = Verdicts(drawn.workspace, drawn.truth if truth else None)
    found = listing(drawn.workspace, scope_of(drawn.workspace, drawn.config), verdicts)
    return found, json.loads(found.data)


def test_every_pair_is_there_with_its_numbers(drawn: Drawn) -> None:
    found, data = read(drawn, truth=True)
    rows = {
        (row["garment"], row["look"]): row
        for row in drawn.workspace.table("pairs").read().to_pylist()
    }
    assert found.pairs == len(data["pairs"]) == len(rows) == 9 and found.left_out == 0
    assert found.alone == found.several == found.same_name == 0 and data["alone"] == []
    garments = {place: photo for photo, place in found.places[0].items()}
    looks = {place: photo for photo, place in found.places[1].items()}
    for garment, look, tier, score, probability, verdict, who in data["pairs"]:
        row = rows[garments[garment], looks[look]]
        assert ("high", "medium", "low")[tier] == row["tier"]
        assert score == round(1000 * row["score"])
        assert probability == round(1000 * row["probability"])
        wrong = drawn.garments.index(row["garment"]) == 5
        assert verdict == (WRONG if wrong else RIGHT)
        assert ([] if who is None else [data["people"][who]]) == row["verified_by"]
        skus, title, brand, name, flags = data["garments"][garment]
        at = drawn.garments.index(row["garment"])
        assert (skus, brand, name, flags) == ([f"S{at}"], "Drawn & Sons", f"garment-{at}.png", 0)
        assert title == (HOSTILE if at == 0 else f"Shirt {at}")
        assert data["looks"][look] == [
            "", f"Photographer {at}, Spring 2026", f"look-{at}.png", 0,
        ]  # fmt: skip
        assert found.key(row["garment"], row["look"]) == f"{garment}-{look}"
    assert found.key(drawn.garments[0], "unknown") == ""
    assert "<" not in found.data


def test_what_may_not_be_seen_and_what_is_alone_is_marked(own: Drawn) -> None:
    pairs = own.workspace.table("pairs")
    rows = pairs.read().to_pylist()
    pairs.delete(f"garment = '{own.garments[8]}'")
    for name, noun, photo in (
        ("garments", GARMENT, own.garments[0]), ("looks", LOOK, own.looks[1]),
    ):  # fmt: skip
        row = own.workspace.table(name).rows_by("id", [photo]).to_pylist()[0]
        row["name"] = "deep/\x1b[31m\u202e.png" if name == "garments" else "other/look-2.png"
        own.workspace.table(name).upsert(noun.table([{**row, "taken_down": True}]))
    found, data = read(own)
    assert found.pairs == len(rows) - 1 and found.alone == 1
    alone = data["garments"][data["alone"][0]]
    assert alone[0] == ["S8"]
    garment = data["garments"][found.places[0][own.garments[0]]]
    assert garment[3:] == ["deep/\\x1b[31m\\u202e.png", TAKEN_DOWN]
    assert data["looks"][found.places[1][own.looks[1]]][2:] == ["other/look-2.png", TAKEN_DOWN]
    assert found.same_name == 2  # it and look-2.png


def test_unlisted_photos_are_marked() -> None:
    row = {"title": None, "name": "a.jpg", "taken_down": True, "listed": False}
    assert module._words(row, "id", "brand") == ["", "", "a.jpg", TAKEN_DOWN | NOT_LISTED]
    assert module._words({**row, "listed": None, "taken_down": None}, "id")[3] == 0


def test_a_takedown_that_fell_due_since_the_last_build_counts(own: Drawn) -> None:
    event = {
        "id": "1", "at": datetime(2026, 1, 1, tzinfo=UTC), "by": "ana", "what": "takedown",
        "photo": own.looks[2], "due": date(2026, 1, 2), "statement": "withdrawn",
    }  # fmt: skip
    table = own.workspace.table("takedowns")
    table.upsert(table.spec.table([event]))
    fresh = replace(own, workspace=Workspace.open(own.workspace.path))
    found, data = read(fresh)
    assert [look[3] for look in data["looks"]].count(TAKEN_DOWN) == 1
    assert data["looks"][found.places[1][own.looks[2]]][3] == TAKEN_DOWN
    shown = sources(fresh.workspace, "look", own.looks)
    assert [shown[look].taken_down for look in own.looks[:4]] == [False, False, True, False]


def test_articles_of_one_photo_are_counted(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    of_garment = module.products_of

    def several(workspace: Any, garments: Any) -> Any:
        found = of_garment(workspace, garments)
        first = found[drawn.garments[0]][0]
        return {**found, drawn.garments[0]: [first, {**first, "sku": "S0-L"}]}

    monkeypatch.setattr(module, "products_of", several)
    found, data = read(drawn)
    assert found.several == 1
    assert data["garments"][found.places[0][drawn.garments[0]]][0] == ["S0", "S0-L"]


def test_only_the_likeliest_are_kept_where_a_browser_could_not_open_all(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    found, data = read(drawn)
    assert (found.pairs, found.left_out) == (4, 5)
    kept = sorted((row[4] for row in data["pairs"]), reverse=True)
    every = drawn.workspace.table("pairs").read(["probability"])["probability"].to_pylist()
    assert kept == [round(1000 * value) for value in sorted(every, reverse=True)[:4]]

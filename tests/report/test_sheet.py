from __future__ import annotations

import pytest
from tests.report.drawn_workspace import BOX, LOOK_SIZE, Drawn

from lookweave.evaluate.verdicts import Verdicts
from lookweave.records import GARMENT, PAIR
from lookweave.report import sheet
from lookweave.report.pictures import FRAME, PictureMaker, sources
from lookweave.report.scope import scope_of
from lookweave.report.sheet import SHOWN, sheet_pairs


def test_each_tier_shows_strong_random_and_doubtful_pairs(own: Drawn) -> None:
    template = own.workspace.table("pairs").read().to_pylist()[0]
    rows = [
        {**template, "garment": garment, "look": look, "tier": "high",
         "probability": 0.9 - 0.01 * (9 * i + j), "score": 0.5}
        for i, garment in enumerate(own.garments) for j, look in enumerate(own.looks)
    ]  # fmt: skip
    own.workspace.table("pairs").delete("true")
    own.workspace.table("pairs").upsert(PAIR.table(rows))
    shown = sheet_pairs(own.workspace, scope_of(own.workspace, own.config), _nothing(own), 10**9)
    assert {why: [p.why for p in shown].count(why) for why in SHOWN} == SHOWN
    assert len({(p.garment.id, p.look.id) for p in shown}) == len(shown)
    probability = {why: [p.pair["probability"] for p in shown if p.why == why] for why in SHOWN}
    assert min(probability["strongest"]) > max(probability["doubtful"])
    # As many different photos as there are: one garment more than once only when all were shown.
    strongest = [p.garment.id for p in shown if p.why == "strongest"]
    assert len(set(strongest)) == len(strongest)


def test_the_sheet_is_the_same_every_time(drawn: Drawn) -> None:
    scope = scope_of(drawn.workspace, drawn.config)
    once = sheet_pairs(drawn.workspace, scope, _nothing(drawn), 10**9)
    again = sheet_pairs(drawn.workspace, scope, _nothing(drawn), 10**9)
    assert once == again


def test_pictures_shrink_to_the_budget(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "SIDES", (320, 120))
    scope = scope_of(drawn.workspace, drawn.config)
    large = sheet_pairs(drawn.workspace, scope, _nothing(drawn), 10**9)
    small = sheet_pairs(drawn.workspace, scope, _nothing(drawn), 1)
    assert sum(pair.size for pair in small) < sum(pair.size for pair in large)


def test_words_tell_where_descriptions_differ(drawn: Drawn) -> None:
    shown = sheet_pairs(
        drawn.workspace, scope_of(drawn.workspace, drawn.config), _nothing(drawn), 10**9
    )
    by_garment = {pair.garment.id: pair for pair in shown}
    words = {word.attribute: word for word in by_garment[drawn.garments[1]].words}
    assert words["category"].agree and words["colours"].agree and "length" not in words
    words = {word.attribute: word for word in by_garment[drawn.garments[3]].words}
    assert (words["colours"].garment, words["colours"].region) == ("yellow", "pink")
    assert not words["colours"].agree


def test_the_shop_photo_is_another_photo_of_the_product(own: Drawn) -> None:
    row, other = (
        own.workspace.table("garments").rows_by("id", [garment]).to_pylist()[0]
        for garment in own.garments[1:3]
    )
    own.workspace.table("garments").upsert(GARMENT.table([{**other, "product": row["product"]}]))
    shown = sheet_pairs(own.workspace, scope_of(own.workspace, own.config), _nothing(own), 10**9)
    shop = {pair.garment.id: pair.shop and pair.shop.id for pair in shown}
    assert shop[own.garments[1]] == own.garments[2]
    assert shop[own.garments[2]] == own.garments[1]
    assert shop[own.garments[4]] is None


def test_a_region_is_shown_where_its_box_is(drawn: Drawn) -> None:
    look = sources(drawn.workspace, "look", [drawn.looks[0]])[drawn.looks[0]]
    crop, whole = PictureMaker(drawn.workspace).region(look, BOX, 240)
    assert crop is not None and whole is not None and crop.focus is not None
    assert crop.width / crop.height == pytest.approx(FRAME, abs=0.02)
    assert whole.width / whole.height == pytest.approx(LOOK_SIZE[0] / LOOK_SIZE[1], abs=0.01)
    left, top, right, bottom = crop.focus
    assert 0 <= left < right <= crop.width and 0 <= top < bottom <= crop.height
    assert (right - left) / (bottom - top) == pytest.approx(108 / 120, abs=0.02)


def _nothing(drawn: Drawn) -> Verdicts:
    return Verdicts(drawn.workspace, None)

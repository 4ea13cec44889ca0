"""The describer against a server that answers wrongly in every way that we have seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lookweave.errors import CeilingReached, ConfigError, Rejected, ServerUnusable
from lookweave.models.card import Card
from lookweave.models.protocols import Crop, Description
from lookweave.models.vlm.cards import CARDS
from lookweave.models.vlm.describer import VlmDescriber
from lookweave.testing.fake_vlm import FakeVlm
from lookweave.testing.fake_vlm_ways import TOKENS_IN, TOKENS_OUT

Crops = Callable[..., list[Crop]]
Describers = Callable[..., VlmDescriber]


def shown_colour(answer: Description | Exception) -> tuple[int, int, int]:
    assert isinstance(answer, Description), answer
    found = re.search(r"colour (\d+) (\d+) (\d+)", answer.caption or "")
    assert found, answer.caption
    return int(found[1]), int(found[2]), int(found[3])


def assert_in_order(crops: list[Crop], answers: list[Description | Exception]) -> None:
    """Every description is of its own crop (JPEG moves a colour by a level or two)."""
    assert len(crops) == len(answers)
    for crop, answer in zip(crops, answers, strict=True):
        if isinstance(answer, Description) and answer.caption:
            assert np.abs(np.array(shown_colour(answer)) - crop.photo[0, 0]).max() <= 2


def test_a_good_answer_becomes_a_description(describer: Describers, crops: Crops) -> None:
    with FakeVlm() as server:
        [answer] = describer(server).describe(crops(1))
    assert isinstance(answer, Description)
    category = answer.attributes["category"]
    assert max(category, key=lambda word: category[word]) == "dress"
    assert sum(category.values()) == pytest.approx(1.0)
    assert sorted(category, key=lambda word: -category[word])[1] == "skirt"
    assert answer.attributes["sleeve"] == {"long": 1.0}
    assert "material" not in answer.attributes  # the model said that it cannot tell
    assert answer.scene is None


MENDED = {
    # transport: tried again
    "slow": 2, "dripping": 2, "rate_limited": 2, "rate_limited_wait": 2, "server_error": 2,
    "closed": 2, "half_body": 2, "not_json": 2, "error_in_200": 2, "empty_choices": 2,
    "empty_content": 2,
    # content: the repair round
    "half_json": 2, "wrong_schema": 2, "wrong_types": 2, "unknown_words": 2, "unknown_pattern": 2,
    "duplicate_keys": 2, "foreign": 2, "refusal": 2,
    # read as they are
    "fence": 1, "prose": 1, "thinking": 1, "stream": 1,
}  # fmt: skip


@pytest.mark.parametrize(("way", "requests"), MENDED.items())
def test_one_wrong_answer_is_mended(
    way: str, requests: int, describer: Describers, crops: Crops
) -> None:
    with FakeVlm(script=[way]) as server:
        subject = describer(server, timeout=0.4, retries=1)
        [answer] = subject.describe(crops(1))
        assert shown_colour(answer) == (0, 40, 60)
        assert server.ways == ({way: 1, "good": 1} if requests == 2 else {way: 1})
        # The same again costs nothing, wrong answers that were bought included.
        assert subject.describe(crops(1)) == [answer]
        assert len(server.asked) == requests
        if server.asked[-1].repair:
            problems = server.asked[-1].body["messages"][-1]["content"]
            assert "cannot be used" in problems


ALWAYS = {
    # reason, retry by the next build
    "too_slow": ("slow", True),
    "rate_limited": ("rate_limited", True),
    "server_error": ("server_error", True),
    "connection_lost": ("half_body", True),
    "broken_answer": ("not_json", True),
    "empty_answer": ("empty_choices", True),
    "huge_answer": ("huge", False),
    "server_refused": ("bad_request", False),
    "not_json": ("half_json", False),
    "wrong_schema": ("wrong_schema", False),
    "unknown_words": ("unknown_words", False),
    "refused": ("refusal", False),
}


@pytest.mark.parametrize(("reason", "case"), ALWAYS.items())
def test_what_stays_wrong_is_a_reject_with_a_reason(
    reason: str, case: tuple[str, bool], describer: Describers, crops: Crops
) -> None:
    way, retry = case
    with FakeVlm(script=["good", *[way] * 10]) as server:
        subject = describer(server, timeout=0.3, retries=1)
        [good, bad] = [*subject.describe(crops(1)), *subject.describe(crops(1, first=5))]
    assert isinstance(good, Description)
    assert isinstance(bad, Rejected)
    assert (bad.reason, bad.retry) == (reason, retry)
    assert len(bad.detail) > 30


@pytest.mark.parametrize("way", ["refusal_field", "filtered"])
def test_a_filter_is_not_asked_twice(way: str, describer: Describers, crops: Crops) -> None:
    with FakeVlm(script=[way, way]) as server:
        [answer] = describer(server).describe(crops(1))
        assert isinstance(answer, Rejected)
        assert answer.reason == "refused"
        assert len(server.asked) == 1


def test_after_the_repair_a_description_is_kept_without_its_unknown_word(
    describer: Describers, crops: Crops
) -> None:
    with FakeVlm(script=["unknown_pattern"] * 2) as server:
        [answer] = describer(server).describe(crops(1))
    assert isinstance(answer, Description)
    assert "pattern" not in answer.attributes
    assert answer.attributes["sleeve"] == {"long": 1.0}


def test_foreign_words_are_mapped_and_a_foreign_caption_left_out(
    describer: Describers, crops: Crops
) -> None:
    with FakeVlm(script=["foreign"] * 2) as server:
        [answer] = describer(server).describe(crops(1))
    assert isinstance(answer, Description)
    assert answer.attributes["colours"] == {"red": 0.7, "navy": 0.3}
    assert answer.caption is None


CHAOS = {
    "rate_limited": 0.06, "server_error": 0.06, "closed": 0.04, "half_body": 0.04,
    "not_json": 0.03, "empty_choices": 0.03, "half_json": 0.05, "fence": 0.05, "stream": 0.05,
    "wrong_schema": 0.05, "unknown_words": 0.04, "refusal": 0.04, "foreign": 0.04,
    "duplicate_keys": 0.03, "bad_request": 0.02, "huge": 0.01,
}  # fmt: skip


def test_nothing_is_lost_or_paid_twice_in_a_storm(describer: Describers, crops: Crops) -> None:
    subjects = crops(240)
    with FakeVlm(chances=CHAOS, latency=0.005) as server:
        subject = describer(server, concurrency=16, retries=2)
        answers = subject.describe(subjects)
        assert_in_order(subjects, answers)
        rejects = [answer for answer in answers if not isinstance(answer, Description)]
        assert all(isinstance(answer, Rejected) for answer in rejects)
        assert 3 < len(rejects) < 60
        assert max(server.delivered().values()) == 1
        assert server.peak <= 16
        billed = subject.spent().tokens
        # A huge answer's bill never arrives, so it counts at its estimate.
        assert billed >= server.billed_tokens() - 20 * (TOKENS_IN + TOKENS_OUT)

        # The next build tries again what may work by now, and asks nothing that it knows.
        asked = len(server.asked)
        known = server.delivered()
        again = describer(server, concurrency=16, retries=2).describe(subjects)
        for before, after in zip(answers, again, strict=True):
            if isinstance(before, Description):
                assert after == before
        assert all(server.delivered()[question] == 1 for question in known)
        assert len(server.asked) - asked <= 6 * len(rejects)


def test_throughput_grows_with_concurrency_up_to_the_servers_limit(
    describer: Describers, crops: Crops
) -> None:
    busiest = {}
    for round_, concurrency in enumerate((1, 4, 16)):
        with FakeVlm(latency=0.1, capacity=8) as server:
            subject = describer(server, concurrency=concurrency)
            subject.describe(crops(16 * round_ + 10, first=40 * round_))
            busiest[concurrency] = server.busiest
            assert server.peak <= concurrency
    assert busiest == {1: 1, 4: 4, 16: 8}


def test_several_calling_threads_share_one_bound(describer: Describers, crops: Crops) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with FakeVlm(latency=0.1) as server, ThreadPoolExecutor(4) as callers:
        subject = describer(server, concurrency=5)
        batches = [crops(10, first=10 * n) for n in range(4)]
        for batch, answers in zip(batches, callers.map(subject.describe, batches), strict=True):
            assert_in_order(batch, answers)
        assert server.peak == 5


def test_equal_crops_at_the_same_time_are_bought_once(describer: Describers, crops: Crops) -> None:
    with FakeVlm(latency=0.05) as server:
        answers = describer(server, concurrency=8).describe(crops(1) * 8)
        assert len(server.asked) == 1
    assert answers == answers[:1] * 8


def test_one_wrong_key_is_one_request_and_one_error(
    describer: Describers, crops: Crops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "sk-secret")
    with FakeVlm(api_key="another") as server:
        subject = describer(server, concurrency=16, api_key_variable="SHOP_KEY")
        with pytest.raises(ServerUnusable, match="API key in SHOP_KEY is not accepted") as error:
            subject.describe(crops(100))
        assert len(server.asked) == 1
    assert "sk-secret" not in str(error.value)  # this server repeats the key in its message


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    describer: Describers, crops: Crops, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("LOOKWEAVE_VLM_API_KEY", "sk-secret")
    with FakeVlm(api_key="sk-secret") as server:
        [answer] = describer(server).describe(crops(1))
    assert isinstance(answer, Description)
    for file in tmp_path.iterdir():
        assert b"sk-secret" not in file.read_bytes()


def test_a_key_that_is_withdrawn_stops_the_work(describer: Describers, crops: Crops) -> None:
    script = ["good"] * 10 + ["unauthorised"] * 90
    with FakeVlm(script=script, latency=0.005) as server:
        subject = describer(server, concurrency=4)
        with pytest.raises(ServerUnusable, match="401"):
            subject.describe(crops(100))
        assert len(server.asked) <= 10 + 4


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("no_such_model", "vlm.model"),
        ("out_of_credit", "no credit"),
        ("rate_limited_day", "build again"),
        ("redirect", "redirects to /v2"),
    ],
)
def test_what_no_retry_can_mend_stops_at_once(
    way: str, message: str, describer: Describers, crops: Crops
) -> None:
    with FakeVlm(script=[way] * 50) as server:
        with pytest.raises(ServerUnusable, match=message):
            describer(server).describe(crops(20))
        assert len(server.asked) == 1


def test_a_wrong_model_name_lists_what_the_server_has(describer: Describers, crops: Crops) -> None:
    with FakeVlm(model="qwen-vl") as server, pytest.raises(ServerUnusable, match="but: qwen-vl"):
        describer(server, model="qwen").describe(crops(1))


def test_a_server_that_is_not_there_is_one_error(describer: Describers, crops: Crops) -> None:
    with FakeVlm() as server:
        pass
    with pytest.raises(ServerUnusable, match=r"vlm\.url"):
        describer(server, retries=1).describe(crops(50))


def test_one_image_that_a_server_cannot_serve_stops_nothing(
    describer: Describers, crops: Crops
) -> None:
    with FakeVlm(script=["server_error"] * 4) as server:
        [answer] = describer(server).describe(crops(1))
    assert isinstance(answer, Rejected) and answer.retry


def test_a_model_that_never_answers_well_is_given_up(describer: Describers, crops: Crops) -> None:
    with FakeVlm(chances={"wrong_schema": 1.0}) as server:
        with pytest.raises(ServerUnusable, match="wrong_schema"):
            describer(server, concurrency=4).describe(crops(200))
        assert len(server.asked) < 2 * 20


PRICES = {"price_input": 1.0, "price_output": 5.0}
ANSWER_COST = (TOKENS_IN * 1.0 + TOKENS_OUT * 5.0) / 1e6


def test_the_ceiling_stops_before_it_is_crossed_and_a_higher_one_goes_on(
    describer: Describers, crops: Crops
) -> None:
    subjects = crops(40)
    with FakeVlm(latency=0.005) as server:
        subject = describer(server, ceiling_cost=12 * ANSWER_COST, **PRICES)
        with pytest.raises(CeilingReached, match=r"vlm.ceiling_cost.*spent on \d+ requests"):
            subject.describe(subjects)
        subject.close()
        bought = len(server.asked)
        assert 0 < bought * ANSWER_COST <= 12 * ANSWER_COST
        more = describer(server, ceiling_cost=1.0, **PRICES)
        answers = more.describe(subjects)
        assert_in_order(subjects, answers)
        assert len(server.asked) == 40  # the answers bought before the stop were not bought again
        assert more.spent().cost == pytest.approx(40 * ANSWER_COST)


def test_the_token_ceiling_counts_answers_that_never_came(
    describer: Describers, crops: Crops
) -> None:
    with FakeVlm(script=["good"], chances={"half_body": 1.0}) as server:
        subject = describer(server, ceiling_tokens=6000, retries=50, backoff=0.001)
        with pytest.raises(CeilingReached, match=r"vlm\.ceiling_tokens = 6000"):
            subject.describe(crops(4))
        assert subject.spent().tokens <= 6000


def test_the_scene_of_a_look_is_asked_once_for_all_its_regions(describer: Describers) -> None:
    photo = np.full((90, 60, 3), 200, np.uint8)
    photo[:30] = (220, 30, 40)
    regions = [Crop(photo, (0, 30 * n, 60, 30 * n + 30), kind="look") for n in range(3)]
    with FakeVlm() as server:
        answers = describer(server, scenes=True).describe(regions)
        kinds = sorted(asked.kind for asked in server.asked)
    assert kinds == ["garment", "garment", "garment", "scene"]
    for answer in answers:
        assert isinstance(answer, Description)
        assert (answer.scene, answer.light, answer.mood) == ("white studio", "soft", None)


def test_an_unreadable_scene_does_not_cost_the_garment(describer: Describers, crops: Crops) -> None:
    with FakeVlm(script=["good", "half_json", "half_json"]) as server:
        [answer] = describer(server, scenes=True).describe(crops(1, kind="look"))
    assert isinstance(answer, Description)
    assert answer.caption and answer.scene is None


def test_garments_are_asked_for_no_scene(describer: Describers, crops: Crops) -> None:
    with FakeVlm() as server:
        describer(server, scenes=True).describe(crops(3, kind="garment"))
        assert {asked.kind for asked in server.asked} == {"garment"}


def test_the_request_holds_the_model_to_the_schema(describer: Describers, crops: Crops) -> None:
    with FakeVlm() as server:
        describer(server, extra={"max_tokens": None, "seed": 3}).describe(crops(1))
        body = server.asked[0].body
    assert body["response_format"]["json_schema"]["strict"] is True
    schema = body["response_format"]["json_schema"]["schema"]
    assert set(schema["required"]) == set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "max_tokens" not in body and body["seed"] == 3
    with FakeVlm() as server:
        describer(server, response_format="text").describe(crops(1, first=1))
        assert "response_format" not in server.asked[0].body


def test_what_shapes_an_answer_buys_a_new_one(describer: Describers, crops: Crops) -> None:
    with FakeVlm() as server:
        for settings in ({}, {"temperature": 0.5}, {"image_side": 64}, {"max_tokens": 99}):
            describer(server, **settings).describe(crops(1))
        assert len(server.asked) == 4
        describer(server, concurrency=1, timeout=9, price_input=3).describe(crops(1))
        assert len(server.asked) == 4


def test_a_card_without_a_server_cannot_be_loaded() -> None:
    card: Card = CARDS[0]
    assert card.missing() == "the settings vlm.url, vlm.model are missing"
    with pytest.raises(ConfigError, match="url, model, cache must be set"):
        VlmDescriber(card)

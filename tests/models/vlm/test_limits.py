"""Pace, pauses, the answer file, pictures and keys of rows."""

from __future__ import annotations

import base64
import io
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from lookweave.config import Config, Vlm, load
from lookweave.errors import ConfigError, ModelError
from lookweave.models.cards import models_of
from lookweave.models.protocols import Crop
from lookweave.models.vlm import picture
from lookweave.models.vlm.answers import Answer, AnswerStore, Bill, answer_key
from lookweave.models.vlm.cards import CARDS, configure
from lookweave.models.vlm.chat import _retry_after
from lookweave.models.vlm.rate_limit import RateLimit


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_requests_are_spread_over_the_minute() -> None:
    clock = Clock()
    pace = RateLimit(requests_per_minute=120, sleep=clock.sleep, clock=clock)
    sent = []
    for _ in range(5):
        pace.wait(tokens=1000)
        sent.append(clock.now - 100.0)
    assert sent == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])


def test_tokens_are_spread_and_what_was_not_taken_is_given_back() -> None:
    clock = Clock()
    pace = RateLimit(tokens_per_minute=60_000, sleep=clock.sleep, clock=clock)
    pace.wait(1000)
    pace.wait(1000)
    assert clock.now == pytest.approx(101.0)
    pace.correct(-800)
    pace.wait(1000)
    assert clock.now == pytest.approx(101.2)


def test_a_pause_holds_for_those_who_wait_already() -> None:
    clock = Clock()
    pace = RateLimit(requests_per_minute=60, clock=clock, sleep=lambda left: naps.append(left))
    naps: list[float] = []
    pace.wait(1)

    def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.now += seconds
        if len(naps) == 1:
            pace.pause(10)

    pace._sleep = nap
    pace.wait(1)
    assert naps == pytest.approx([1.0, 10.0])


def test_retry_after_in_seconds_milliseconds_and_as_a_date() -> None:
    assert _retry_after(httpx.Headers({"Retry-After": "7"})) == 7.0
    assert _retry_after(httpx.Headers({"retry-after-ms": "250"})) == 0.25
    assert _retry_after(httpx.Headers({"Retry-After": "soon"})) is None
    assert _retry_after(httpx.Headers()) is None
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert _retry_after(httpx.Headers({"Retry-After": at})) == pytest.approx(30, abs=2)


def test_answers_and_bills_survive_reopening(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path / "new" / "answers.sqlite")
    answer = Answer('{"a": "é"}', "stop", Bill(1, 10, 2, 0.5))
    store.put("key", "model", answer)
    store.charge(Bill(1, 7, 0, 0.25))
    store.close()
    again = AnswerStore(tmp_path / "new" / "answers.sqlite")
    assert again.get("key") == answer
    assert again.get("other") is None
    assert again.spent() == Bill(2, 17, 2, 0.75)
    again.close()
    database = sqlite3.connect(tmp_path / "new" / "answers.sqlite")
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_two_processes_worth_of_stores_share_one_ledger(tmp_path: Path) -> None:
    one, other = AnswerStore(tmp_path / "a.sqlite"), AnswerStore(tmp_path / "a.sqlite")
    one.put("k1", "m", Answer("x", "", Bill(1, 1, 1, 0.1)))
    other.put("k2", "m", Answer("y", "", Bill(1, 2, 2, 0.2)))
    assert one.spent() == other.spent() == Bill(2, 3, 3, pytest.approx(0.3))
    assert one.get("k2") is not None
    one.close()
    other.close()


def test_a_file_that_is_none_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(ModelError, match=r"vlm\.cache"):
        AnswerStore(tmp_path / "a.sqlite")


def test_keys_depend_on_every_part() -> None:
    assert answer_key("a", {"x": 1, "y": 2}) == answer_key("a", {"y": 2, "x": 1})
    assert answer_key("ab", "c") != answer_key("a", "bc")


def decoded(shown: picture.Picture) -> np.ndarray:
    data = base64.b64decode(shown.data_url().partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_a_picture_is_the_region_at_the_set_size_with_its_surroundings_faded() -> None:
    photo = np.full((800, 1000, 3), 250, np.uint8)
    photo[200:600, 300:600] = (200, 0, 0)
    photo[:, :200] = (0, 0, 200)
    mask = np.full((40, 30), 255, np.uint8)
    crop = Crop(photo, (300, 200, 600, 600), mask)
    shown = picture.of_garment(crop, side=256, margin=0.5)
    image = decoded(shown)
    assert max(image.shape[:2]) == 256 and shown.size == (image.shape[1], image.shape[0])
    assert np.abs(image[128, 128] - (200, 0, 0)).max() < 6
    faded = image[128, 4]  # blue in the photo: seen, and pale
    assert faded[2] > faded[0] and faded[0] > 100
    assert picture.of_garment(replace(crop, mask=None), 256, 0.5).digest != shown.digest
    assert picture.of_garment(crop, 300, 0.5).digest != shown.digest
    assert picture.of_garment(crop, 256, 0.5).digest == shown.digest


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (10, 10, 11, 400), (5, 5, 900, 30)])
def test_tiny_and_thin_regions_give_pictures_that_models_take(
    box: tuple[float, float, float, float],
) -> None:
    shown = picture.of_garment(Crop(np.zeros((500, 1000, 3), np.uint8), box), 512, 0.1)
    assert min(shown.size) >= 1 and max(shown.size) <= 512
    assert decoded(shown).shape[:2] == shown.size[::-1]


def test_a_rows_key_follows_what_shapes_the_answer_and_nothing_else() -> None:
    def key(**settings: object) -> str:
        return configure(CARDS[0], Vlm(**settings)).key

    base = key(model="qwen")
    assert key(model="qwen", url="http://other/v1", concurrency=64, price_input=2) == base
    for other in ({"model": "x"}, {"temperature": 1.0}, {"scenes": False}, {"max_tokens": 99}):
        assert key(**{"model": "qwen", **other}) != base


def test_settings_reach_the_card_through_the_ensemble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKWEAVE_VLM__CONCURRENCY", "3")
    (tmp_path / "lookweave.toml").write_text(
        'models = "vlm"\n[vlm]\nurl = "http://localhost:8000/v1/"\nmodel = "qwen"\n'
    )
    card = models_of(load(tmp_path)).describer
    assert card.missing() is None
    assert card.running["url"] == "http://localhost:8000/v1"
    assert card.running["concurrency"] == 3
    assert card.running["cache"] == tmp_path / "vlm-answers.sqlite"
    assert card.settings["model"] == "qwen" and "url" not in card.settings


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "localhost:8000"},
        {"url": "http://me:secret@host/v1"},
        {"url": "http://host/v1?key=secret"},
        {"ceiling_cost": 5},
        {"concurrency": 0},
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_runs(
    settings: dict[str, object],
) -> None:
    with pytest.raises(ConfigError, match="vlm"):
        load(vlm=settings)


def test_no_setting_holds_the_api_key() -> None:
    assert not any("key" in name and name != "api_key_variable" for name in Vlm.model_fields)
    assert Config().vlm.api_key_variable == "LOOKWEAVE_VLM_API_KEY"

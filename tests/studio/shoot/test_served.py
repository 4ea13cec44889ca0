"""The backend `api` against a real HTTP server that misbehaves on command."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.errors import CeilingReached, ConfigError, ServerUnusable, WorkError
from lookweave.studio.shoot import backends, record, references
from lookweave.studio.shoot.choose import chosen
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import guide
from lookweave.testing.fake_images import FakeImages

SIZE = (96, 144)


@pytest.fixture(scope="module")
def seen(renderer: Any, fitted: Any, dress_photo: Path) -> Any:
    shoot = record.Shoot(
        garments=(record.Garment(photo=str(dress_photo)),), pose=record.Pose(name="walking"),
        scene=record.Scene(name="studio"), size=SIZE, seed=3,
    )  # fmt: skip
    return guide(renderer, chosen(shoot, 0, [fitted]), [fitted])


def at(server: FakeImages, folder: Path, **settings: Any) -> Any:
    given = {"url": server.url, "model": "fake-images", "backoff": 0.01, "retries": 2,
             "cache": str(folder / "pictures.sqlite"), **settings}  # fmt: skip
    return backends.generator("api", given)


def test_what_is_sent_and_what_comes_back(
    seen: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKWEAVE_IMAGES_API_KEY", "secret")
    with FakeImages(["server_error", "rate_limited"], api_key="secret") as server:
        made = at(server, tmp_path, extra={"input_fidelity": "high"}, pictures=3)
        given = made.generate(seen.shoot, seen)
        again = at(server, tmp_path, extra={"input_fidelity": "high"}, pictures=3)
        same = again.generate(seen.shoot, seen)
    assert [edit.way for edit in server.asked] == ["server_error", "rate_limited", "good"]
    edit = server.asked[-1]
    assert edit.fields["size"] == "96x144" and edit.fields["input_fidelity"] == "high"
    assert "Picture 1 is the layout" in edit.fields["prompt"] == given.prompt
    assert len(edit.pictures) == 3
    assert np.array_equal(np.asarray(edit.pictures[0]), photograph(seen))
    assert np.array_equal(np.asarray(edit.pictures[2]), references.skeleton(seen))
    assert np.array_equal(same.images[0], given.images[0])  # from the file, not paid for again
    rows = {(row.control, row.probe): row.got for row in given.rows[0]}
    assert rows["camera", "moved before registration"] == pytest.approx(2 * 768 / 144, rel=0.1)
    assert rows["garments", "off the guide after it"] < 2
    assert made.card.ai_system == "fake-images"


def test_pictures_that_may_not_be_shown(seen: Any, tmp_path: Path) -> None:
    ways = ["noise", "square", "broken", "moderated", "elsewhere"]
    with FakeImages(ways) as server:
        given = at(server, tmp_path, tries=5).generate(seen.shoot, seen)
    assert not given.images
    assert [one.reason for one in given.turned] == [
        "unlike_guide", "other_shape", "broken_picture", "server_refused", "picture_elsewhere"
    ]  # fmt: skip


def test_the_ceiling_holds_over_shoots(seen: Any, tmp_path: Path) -> None:
    asked = {"price_request": 0.04, "ceiling_cost": 0.1, "tries": 1}
    with FakeImages() as server:
        for seed in (1, 2):
            at(server, tmp_path, extra={"seed": seed}, **asked).generate(seen.shoot, seen)
        with pytest.raises(CeilingReached, match=r"images\.ceiling_cost = 0\.1: 0\.0800 spent"):
            at(server, tmp_path, extra={"seed": 3}, **asked).generate(seen.shoot, seen)
    assert server.billed() == 2


def test_servers_that_cannot_be_used(seen: Any, tmp_path: Path) -> None:
    with (
        FakeImages(api_key="another") as server,
        pytest.raises(ServerUnusable, match="LOOKWEAVE_IMAGES_API_KEY"),
    ):
        at(server, tmp_path).generate(seen.shoot, seen)
    with FakeImages() as server, pytest.raises(ServerUnusable, match=r"Set images\.model"):
        at(server, tmp_path, model="other").generate(seen.shoot, seen)
    with FakeImages(["not_json", "no_picture", "not_json"]) as server, pytest.raises(WorkError):
        at(server, tmp_path).generate(seen.shoot, seen)
    assert server.billed() == 3
    with pytest.raises(ServerUnusable, match=r"image server cannot be used.*images\.url"):
        at(server, tmp_path, retries=0).generate(seen.shoot, seen)  # it is gone
    with pytest.raises(ConfigError, match=r"images\.url and images\.model.*Two ways out"):
        backends.generator("api")
    with pytest.raises(ConfigError, match="ceiling_cost needs"):
        at(server, tmp_path, ceiling_cost=1)


def test_the_fake_is_what_openais_own_client_expects() -> None:
    openai = pytest.importorskip("openai")
    picture = io.BytesIO()
    Image.new("RGB", (32, 48), (200, 30, 30)).save(picture, "PNG")
    with FakeImages(api_key="k") as server:
        client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)
        answer = client.images.edit(
            model="fake-images", prompt="p", image=[("a.png", picture.getvalue(), "image/png")]
        )
    assert answer.data[0].b64_json and server.asked[0].fields["prompt"] == "p"

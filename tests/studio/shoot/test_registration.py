"""Pictures that lie on their guide, that can be brought onto it, and that show something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.errors import Rejected
from lookweave.studio.shoot import record, references, registration
from lookweave.studio.shoot.choose import chosen
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import guide
from lookweave.studio.shoot.light import LIGHTS

SIZE = (256, 384)


@pytest.fixture(scope="module")
def made(renderer: Any, fitted: Any, dress_photo: Path) -> Any:
    def one(pose: str = "walking", light: str = "soft box", scene: str = "studio") -> Any:
        shoot = record.Shoot(
            garments=(record.Garment(photo=str(dress_photo)),), pose=record.Pose(name=pose),
            scene=record.Scene(name=scene), light=record.Light(**LIGHTS[light]), size=SIZE, seed=3,
        )  # fmt: skip
        return guide(renderer, chosen(shoot, 0, [fitted]), [fitted])

    return one


@pytest.fixture(scope="module")
def seen(made: Any) -> Any:
    return made()


@pytest.fixture(scope="module")
def composite(seen: Any) -> Any:
    return photograph(seen)


def warped(picture: Any, turn: float = 0, zoom: float = 1, by: tuple[float, float] = (0, 0)) -> Any:
    matrix = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), turn, zoom)
    matrix[:, 2] += by
    return cv2.warpAffine(picture, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    ("turn", "zoom", "by", "moved"),
    [(0, 1, (0, 0), 0.0), (0, 1, (3, -1.5), 6.7), (0, 1.05, (0, 0), 9.0), (3, 1, (4, 0), None)],
)
def test_a_picture_that_moved_as_a_whole_comes_back(
    seen: Any, composite: Any, turn: float, zoom: float, by: Any, moved: float | None
) -> None:
    found = registration.registered(warped(composite, turn, zoom, by), composite, seen)
    if moved is not None:  # in pixels of a picture 768 high, twice those of this one
        assert found.moved == pytest.approx(moved, rel=0.2, abs=0.1)
    assert found.left < 0.5 and found.agreement > 0.95
    inner = references.garment_mask(seen)
    before = np.abs(warped(composite, turn, zoom, by).astype(int) - composite)[inner].mean()
    after = np.abs(found.picture.astype(int) - composite)[inner].mean()
    assert after < max(0.5 * before, 0.5)


@pytest.mark.parametrize("light", ["low sun", "overcast", "back light"])
def test_another_light_is_still_the_picture(
    made: Any, seen: Any, composite: Any, light: str
) -> None:
    found = registration.registered(photograph(made(light=light)), composite, seen)
    assert found.left < registration.MOST_SHIFT and found.moved < 3


def test_another_place_is_still_the_picture(made: Any, seen: Any, composite: Any) -> None:
    assert (
        registration.registered(photograph(made(scene="beach")), composite, seen).left
        < registration.MOST_SHIFT
    )


@pytest.mark.parametrize("pose", ["standing", "turning", "arms up", "hand on hip"])
def test_another_pose_is_turned_away(made: Any, seen: Any, composite: Any, pose: str) -> None:
    with pytest.raises(Rejected) as told:
        registration.registered(photograph(made(pose=pose)), composite, seen)
    assert told.value.reason in ("moved", "unlike_guide")


def test_noise_and_blank_paper_are_turned_away(seen: Any, composite: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, composite.shape, dtype=np.uint8)
    for picture in (noise, np.full_like(composite, 200)):
        with pytest.raises(Rejected, match="unlike_guide"):
            registration.registered(picture, composite, seen)


def test_fine_detail_comes_back_and_light_stays(seen: Any, composite: Any) -> None:
    darker = (cv2.GaussianBlur(composite, (0, 0), 1.5) * 0.8).astype(np.uint8)
    mended = registration.with_detail(darker, composite, seen)
    mask = references.garment_mask(seen)
    known = mask & (seen.confidence > 0.9)
    assert np.array_equal(mended[~mask], darker[~mask])
    goal = 0.8 * composite[known]
    assert np.abs(mended[known] - goal).mean() < 0.5 * np.abs(darker[known] - goal).mean()
    assert mended[known].mean() == pytest.approx(darker[known].mean(), rel=0.03)

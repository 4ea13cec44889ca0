"""Which failures are found, and the picture of them."""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

import pytest

for _package in ("torch", "cv2", "matplotlib"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from lookweave.models.embedded.cards import WEIGHTS
from lookweave.models.protocols import Detection, Pixels
from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.cli import app
from lookweave.train.describer_quality import naming_failures
from lookweave.train.failures import (
    Failure,
    Failures,
    draw_failures,
    failures_lines,
    failures_path,
)
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.region_quality import region_failures, region_quality
from lookweave.train.retrieval_quality import retrieval_failures


class Detector:
    """Says of every photo the same."""

    def __init__(self, *found: tuple[str, tuple[float, float, float, float]]) -> None:
        self._found = [Detection(box, 1.0, label) for label, box in found]

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        return [self._found for _ in photos]


def photo_of_a_dress_and_a_bag() -> ParsedPhoto:
    mask = np.zeros((100, 80), np.uint8)
    mask[10:60, 20:60] = SEGMENTER_CLASSES.index("dress")
    mask[70:90, 50:70] = SEGMENTER_CLASSES.index("bag")
    return ParsedPhoto("0007", np.full((100, 80, 3), 90, np.uint8), mask)


@pytest.mark.parametrize(
    ("detector", "captions"),
    [
        (Detector(("dress", (20, 10, 60, 60)), ("bag", (50, 70, 70, 90))), []),
        (Detector(("jumpsuit", (20, 10, 60, 60)), ("bag", (50, 70, 70, 90))), []),
        (Detector(("skirt", (20, 10, 60, 60)), ("bag", (50, 80, 70, 90))),
         ["dress/romper\ncalled skirt"]),
        (Detector(("dress", (20, 40, 60, 60))),
         ["dress/romper\nIoU 0.40", "bag\nIoU 0.00"]),
        (Detector(), ["dress/romper\nno region", "bag\nno region"]),
    ],
)  # fmt: skip
def test_garments_that_no_region_of_their_class_covers(
    detector: Detector, captions: list[str]
) -> None:
    photos = [photo_of_a_dress_and_a_bag()]
    failures = region_failures(photos, detector)
    assert [one.caption for one in failures.each] == captions
    quality = region_quality(photos, detector)
    assert failures.tried == quality["garments"] == 2
    assert quality["found_and_labelled"] == 1 - len(captions) / 2
    assert all(one.outlines[0].any() for one in failures.each)


def test_queries_whose_nearest_is_another() -> None:
    crops = [np.full((4, 4, 3), level, np.uint8) for level in (10, 20, 30)]
    similarity = np.array([[0.9, 0.1, 0.2], [0.5, 0.4, 0.7], [0.1, 0.8, 0.3]], np.float32)
    failures = retrieval_failures(crops, ["a", "b", "c"], crops, ["a", "b", "c"], similarity)
    assert (failures.tried, len(failures.each)) == (3, 2)
    second, third = failures.each
    assert second.pixels[::4, 0, 0].tolist() == [20, 30, 20], "asked, found first, right one"
    assert "place 3" in second.caption and "place 2" in third.caption
    assert second.weight < third.weight, "the surer the wrong answer, the more it weighs"


def test_rows_called_otherwise() -> None:
    said = np.array([[0.8, 0.2], [0.4, 0.6]], np.float32)
    pixels = np.zeros((2, 2, 3), np.uint8)
    failures = naming_failures(said, ["coat", "vest"], ["vest", "vest"], lambda row: pixels)
    assert [(one.caption, failures.tried) for one in failures.each] == [("vest\ncoat 80%", 2)]


def test_the_picture_lies_beside_the_page_while_there_are_failures(tmp_path: Path) -> None:
    page = tmp_path / "segmenter.md"
    picture = failures_path(page)
    assert picture == failures_path(tmp_path / "segmenter.onnx")
    mask = np.zeros((30, 20), bool)
    mask[5:20, 5:15] = True
    one = Failure(np.zeros((30, 20, 3), np.uint8), "dress\nIoU 0.1", 1.0, (mask, ~mask))
    assert failures_lines(page) == []
    heights = []
    for count in (3, 9, 60):
        draw_failures(picture, Failures("garments missed", 100, [one] * count), "test photos")
        with Image.open(picture) as drawn:
            heights.append(drawn.height)
    assert heights[0] < heights[1] < heights[2] < 3.1 * heights[0], "of many the worst"
    assert picture.name in "\n".join(failures_lines(page))
    draw_failures(picture, Failures("garments missed", 100, []), "test photos")
    assert failures_lines(page) == []


def test_pages_show_what_goes_wrong_on_rendered_pictures(tmp_path: Path) -> None:
    pytest.importorskip("moderngl", reason="the extra [studio] is not installed")
    from lookweave.studio.render import draw, job, shots

    rendered = tmp_path / "rendered"
    try:
        job.run(job.Recipe(8, 10, 3, shots.Dials.level(0.7), 200, 300), rendered, True, 1)
    except draw.NoRenderer as error:
        pytest.skip(str(error))
    pictures = {}
    for name in ("segmenter", "encoder", "describer", "text"):
        page = tmp_path / f"{name}.md"
        given = ["page", str(WEIGHTS / f"{name}.json"), str(page), "--rendered", str(rendered)]
        answer = CliRunner().invoke(app, given)
        assert answer.exit_code == 0, answer.output
        pictures[name] = failures_path(page).exists()
        assert ("## Failures" in page.read_text(encoding="utf-8")) == pictures[name]
    assert pictures["segmenter"] and pictures["describer"], "out of their world both err"
    assert not pictures["text"], "words are not judged by pictures"

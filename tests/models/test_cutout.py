import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw
from scipy import ndimage

from lookweave.models.cutout import _without_holes, cut_out, plain_foreground
from lookweave.models.protocols import Detection
from lookweave.taxonomy import CATEGORIES


def scores(label: str) -> np.ndarray:
    vector = np.zeros(len(CATEGORIES), np.float32)
    vector[CATEGORIES.index(label)] = 1.0
    return vector


def detection(label: str, box: tuple[float, float, float, float], score: float = 0.9) -> Detection:
    return Detection(box, score, label, scores(label))


def dress_on(background: tuple[int, int, int]) -> np.ndarray:
    photo = Image.new("RGB", (200, 300), background)
    ImageDraw.Draw(photo).polygon([(80, 40), (120, 40), (160, 260), (40, 260)], fill=(150, 20, 60))
    return np.asarray(photo)


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    resized = (
        np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize(truth.shape[::-1])) > 127
    )
    return float((resized & truth).sum() / (resized | truth).sum())


def test_a_plain_background_of_any_colour_is_taken_away() -> None:
    for background in ((255, 255, 255), (235, 233, 230), (40, 40, 44), (120, 160, 190)):
        photo = dress_on(background)
        found = plain_foreground(photo)
        assert found is not None
        assert iou(found, (photo == (150, 20, 60)).all(axis=2)) > 0.93


def test_a_cluttered_border_is_not_plain_and_an_empty_photo_shows_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 150, 3), np.uint8)
    assert plain_foreground(noise) is None
    assert plain_foreground(np.full((200, 150, 3), 250, np.uint8)) is None


def test_the_cut_out_covers_the_garment_and_keeps_the_detectors_opinion() -> None:
    photo = dress_on((255, 255, 255))
    one = cut_out(photo, [detection("dress", (60, 60, 140, 200))])
    assert np.allclose(one.box, (40, 40, 160, 260), atol=4)
    assert one.label == "dress" and one.label_scores is not None and one.label_scores.sum() > 0.99


def test_on_a_model_only_the_garment_in_question_is_cut_out() -> None:
    photo = np.full((300, 200, 3), 255, np.uint8)
    photo[50:150, 60:140] = (200, 30, 30)
    photo[150:280, 70:130] = (30, 30, 160)
    worn = [detection("shirt", (60, 50, 140, 150)), detection("jeans", (70, 150, 130, 280))]
    assert cut_out(photo, worn).label in {"shirt", "jeans"}
    assert cut_out(photo, worn, "jeans").box == (70, 150, 130, 280)
    assert cut_out(photo, worn, "shirt").box == (60, 50, 140, 150)


def test_the_catalogues_word_outweighs_the_network() -> None:
    one = cut_out(dress_on((255, 255, 255)), [detection("coat", (40, 40, 160, 260))], "dress")
    assert one.label == "dress" and one.label_scores is not None
    assert (
        one.label_scores[CATEGORIES.index("dress")] > one.label_scores[CATEGORIES.index("coat")] > 0
    )


def test_where_nothing_is_found_it_is_the_whole_photo() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 150, 3), np.uint8)
    assert cut_out(noise, []).box == (0.0, 0.0, 150.0, 200.0)


@settings(deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_holes_are_filled_as_scipy_fills_them(mask: np.ndarray) -> None:
    assert (_without_holes(mask) == ndimage.binary_fill_holes(mask)).all()


def test_another_name_for_the_same_half_is_still_the_piece_that_is_sold() -> None:
    photo = np.full((300, 200, 3), 255, np.uint8)
    photo[50:120, 70:130] = (200, 30, 30)
    photo[120:290, 60:140] = (30, 30, 160)
    worn = [detection("top", (70, 50, 130, 120)), detection("trousers", (60, 120, 140, 290))]
    assert cut_out(photo, worn, "shirt").box == (70, 50, 130, 120)
    assert cut_out(photo, worn, "jeans").box == (60, 120, 140, 290)


def test_a_dress_with_shoes_is_worn_and_one_without_is_not() -> None:
    photo = dress_on((255, 255, 255)).copy()
    photo[270:290, 80:120] = (20, 20, 20)
    dress = detection("dress", (40, 40, 160, 260))
    shoes = detection("shoes", (80, 270, 120, 290))
    assert cut_out(photo, [dress, shoes], "dress").box == dress.box
    assert cut_out(photo, [dress], "dress").box != dress.box  # all that stands out from the paper

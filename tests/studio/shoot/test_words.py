"""Words become controls; what is not known stays, and what may not be is refused."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.errors import InputError
from lookweave.studio.shoot import words
from lookweave.studio.shoot.record import POSE_NAMES, Garment, Pose, Scene, Shoot
from lookweave.studio.shoot.words import PHRASES, with_words

SHOOT = Shoot(garments=(Garment(photo="shirt.jpg"),))


def read(text: str, shoot: Shoot = SHOOT) -> tuple[Shoot, words.Parse]:
    return with_words(shoot, text)


def test_a_sentence_is_read_whole() -> None:
    shoot, parse = read(
        "A woman dancing on the beach at golden hour, grainy, lit from the left, melancholic"
    )
    assert shoot.pose.name == "dancing"
    assert shoot.scene.name == "beach"
    assert shoot.wearer.sex == "female"
    assert (shoot.light.azimuth, shoot.light.kelvin) == (-55, 3600)
    assert shoot.style.grain == 9
    assert shoot.prompt == parse.prompt == "melancholic"
    assert shoot.text.startswith("A woman")
    assert '"dancing" -> pose: name = dancing' in parse.lines()


def test_the_longest_phrase_wins() -> None:
    assert read("sitting sideways")[0].pose.name == "sitting aside"
    assert read("hand in hair")[0].pose.name == "hand in hair"
    assert read("low contrast light from below")[0].light.elevation == -12
    assert read("shot from below")[0].camera.height == 0.35


@pytest.mark.parametrize(
    "text",
    ["no grain", "not on the beach", "without a rim light", "she isn't dancing", "never sitting"],
)
def test_a_denied_phrase_sets_nothing(text: str) -> None:
    shoot, parse = read(text)
    assert parse.found == ()
    assert shoot.prompt == text
    assert shoot.model_copy(update={"text": "", "prompt": ""}) == SHOOT


def test_stated_values_are_never_overruled() -> None:
    stated = SHOOT.model_copy(
        update={"pose": Pose(name="walking"), "scene": Scene(plate="sea.jpg")}
    )
    shoot, parse = read("jumping in the garden with bokeh", stated)
    assert shoot.pose.name == "walking"
    assert (shoot.scene.name, shoot.scene.plate, shoot.scene.blur) == (None, "sea.jpg", 9)
    assert [one.reason for one in parse.found] == ["name is stated", "the scene is a plate", ""]


def test_of_two_that_contradict_the_first_holds() -> None:
    shoot, parse = read("walking, then dancing")
    assert shoot.pose.name == "walking"
    assert parse.found[1].reason == "name was said before"
    assert parse.found[1].used == {}


def test_numbers_with_units() -> None:
    assert read("3200 K")[0].light.kelvin == 3200
    # 2 atan(18 / 85): the upright angle of an 85 mm lens on 24 x 36 mm film.
    assert read("85mm")[0].camera.field_of_view == 23.9
    assert read("500 K, 5mm")[0].prompt == "500 K, 5mm"


def test_words_inside_other_words_are_not_read() -> None:
    shoot, parse = read("manhattan womanly streetcar cooler")
    assert parse.found == ()
    assert shoot.prompt == parse.text


@pytest.mark.parametrize(
    "text",
    [
        "a child on the beach",
        "two KIDS",
        "a 12-year-old",
        "teenage mood",
        "girl in a garden",
        "16 yo",
    ],
)
def test_minors_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="minor"):
        read(text)


@pytest.mark.parametrize(
    "text", ["baby blue paper", "boyfriend jeans", "kid leather", "a 45-year-old woman", "no kids"]
)
def test_words_that_only_sound_so_are_not(text: str) -> None:
    read(text)


def test_a_likeness_is_refused() -> None:
    with pytest.raises(InputError, match="consent"):
        read("she looks like Audrey on a terrace")
    read("looks like summer")


def test_every_setting_of_the_table_is_a_valid_value() -> None:
    for _, (control, values) in PHRASES:
        model = type(getattr(SHOOT, control))
        assert model.model_validate(values).model_dump(exclude_defaults=True) == values
    assert {v["name"] for _, (c, v) in PHRASES if c == "pose"} == set(POSE_NAMES)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["dancing", "no", "beach", "on the beach", "grain", "85mm", ",", "mood", "lit from the left",
     "sitting", "quiet", "and"]), max_size=9).map(" ".join))  # fmt: skip
def test_every_word_is_a_control_or_left(text: str) -> None:
    try:
        _, parse = read(text)
    except InputError:
        return
    kept: dict[str, Any] = {}
    for word in [*parse.prompt.split(), *(w for one in parse.found for w in one.words.split())]:
        bare = word.strip(",;.")
        kept[bare] = kept.get(bare, 0) + 1
    small = {"and", "with", "in", "on", "at", "a", "an", "the", ""}
    for word in text.replace(",", " ").replace(";", " ").replace(".", " ").split():
        if word not in small:
            assert any(word in one for one in kept), (word, parse)

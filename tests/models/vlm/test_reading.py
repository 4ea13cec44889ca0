from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookweave.models.protocols import Description
from lookweave.models.vlm import prompt, reading
from lookweave.models.vlm.language import _foreign_words, is_english, taxonomy_word
from lookweave.models.vlm.schema import LISTS, WORDS, GarmentAnswer, json_schema
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES, normalise

GOOD: dict[str, Any] = {
    "category": "jacket", "could_also_be": [], "colours": ["black"], "pattern": "plain",
    "material": "leather", "sleeve": "long", "length": None, "neckline": "collar",
    "caption": "A biker jacket with an asymmetric zip.",
}  # fmt: skip


def said(**fields: Any) -> str:
    return json.dumps({**GOOD, **fields}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("attribute", "word", "expected"),
    [
        ("category", "Denim Jacket", "jacket"),
        ("category", "t shirt", "top"),
        ("category", "scarves", None),
        ("category", "Kleid", "dress"),
        ("category", "jupe", "skirt"),
        ("category", "a lovely thing that a person might wear as a dress", None),
        ("colours", "light blue", "blue"),
        ("colours", "off_white", "white"),
        ("colours", "Schwarz.", "black"),
        ("colours", "azul marino", "navy"),
        ("neckline", "V neck", "v-neck"),
        ("neckline", "crew neck", "crew"),
        ("sleeve", "long sleeve", "long"),
        ("length", "knee length", "knee"),
        ("pattern", "polka dots", "dotted"),
        ("material", "faux leather", "leather"),
        ("material", "unobtainium", None),
    ],
)
def test_words_are_brought_into_the_taxonomy(
    attribute: str, word: str, expected: str | None
) -> None:
    assert taxonomy_word(attribute, word) == expected


def test_no_foreign_word_contradicts_the_taxonomy() -> None:
    for attribute, words in _foreign_words().items():
        for form, word in words.items():
            assert normalise(attribute, form) in (None, word), (attribute, form)


@pytest.mark.parametrize(
    ("sentence", "english"),
    [
        ("A red dress with a bow at the back.", True),
        ("Slim jeans, high rise.", True),
        ("", True),
        ("Une robe rouge avec des manches longues.", False),
        ("Ein rotes Kleid mit einer Schleife.", False),
        ("Un vestido rojo con una falda y un lazo.", False),
        ("红色连衣裙，带蝴蝶结", False),
        ("Красное платье с бантом", False),
        ("A jacket in the style of la garçonne by A.P.C.", True),
    ],
)
def test_english_is_told_from_the_rest(sentence: str, english: bool) -> None:
    assert is_english(sentence) is english


def test_the_detector_orders_what_the_model_does_not_name() -> None:
    scores = np.zeros(len(CATEGORIES), np.float32)
    scores[CATEGORIES.index("coat")] = 0.7
    scores[CATEGORIES.index("dress")] = 0.3
    category = reading.garment(said(could_also_be=["vest"]), scores).attributes["category"]
    order = sorted(category, key=lambda word: -category[word])
    assert order[:4] == ["jacket", "vest", "coat", "dress"]
    assert sum(category.values()) == pytest.approx(1.0)


def test_a_list_given_as_text_is_read() -> None:
    description = reading.garment(said(colours="navy, white and red", could_also_be="none"))
    assert list(description.attributes["colours"]) == ["navy", "white", "red"]


def test_the_same_key_twice_with_one_value_is_no_fault() -> None:
    text = '{"category": "jacket", ' + said()[1:]
    assert isinstance(reading.garment(text), Description)
    with pytest.raises(reading.UnreadableError, match="twice"):
        reading.garment('{"category": "coat", ' + said()[1:])


def test_problems_are_told_to_the_model_in_full() -> None:
    with pytest.raises(reading.UnreadableError) as caught:
        reading.garment(said(category="frockle", colours=["mauve-ish tone"], caption=None))
    problems = "\n".join(caught.value.problems)
    assert "'frockle' is not one of: top, shirt" in problems
    assert '"caption" is missing' in problems
    repair = prompt.load("v1").repair(caught.value.problems)
    assert "- \"category\": 'frockle'" in repair


def test_a_caption_is_one_printable_line_of_bounded_length() -> None:
    caption = reading.garment(said(caption="A coat\n\x00with " + "many " * 300)).caption
    assert caption is not None
    assert caption.startswith("A coat with many")
    assert len(caption) <= 400 and caption.isprintable()


@given(
    st.one_of(
        st.text(max_size=300),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([*GarmentAnswer.model_fields, "scene", "x"]), inner, max_size=5
                )
            ),
            max_leaves=8,
        ).map(json.dumps),
    ),
    st.booleans(),
)
def test_any_text_is_a_description_or_unreadable(text: str, final: bool) -> None:
    """No answer of a model may raise anything else, and no description leaves the taxonomy."""
    try:
        description = reading.garment(text, final=final)
    except reading.UnreadableError as error:
        assert error.problems
        return
    for attribute, values in description.attributes.items():
        assert set(values) <= set(ATTRIBUTES[attribute])
        assert sum(values.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["{" * 20_000, '{"a":' * 5_000, "[" * 20_000, "{}" * 5_000])
def test_hostile_nesting_ends(text: str) -> None:
    with pytest.raises(reading.UnreadableError):
        reading.garment(text)


def test_the_schema_is_the_taxonomy() -> None:
    schema = json_schema(GarmentAnswer)
    for name, attribute in (WORDS | LISTS).items():
        field = schema["properties"][name]
        field = next(iter(field.get("anyOf", [field])))
        assert field.get("items", field)["enum"] == list(ATTRIBUTES[attribute])
    assert "title" not in json.dumps(schema)


def test_prompts_name_every_word_and_their_version_follows_the_text(tmp_path: Any) -> None:
    shipped = prompt.load("v1")
    for values in ATTRIBUTES.values():
        assert ", ".join(values) in shipped.garment
    assert "{" not in shipped.garment.replace("{}", "")
    assert "coat" in shipped.ask("coat") and "detector" not in shipped.ask(None)
    own = tmp_path / "mine"
    own.mkdir()
    for name in prompt.FILES:
        (own / f"{name}.md").write_text("Say what it is.", encoding="utf-8")
    first = prompt.load(str(own)).version
    (own / "repair.md").write_text("Again: {problems}", encoding="utf-8")
    assert first.startswith("mine-") and prompt.load(str(own)).version != first
    (own / "scene.md").unlink()
    with pytest.raises(Exception, match=r"lacks scene\.md"):
        prompt.load(str(own))

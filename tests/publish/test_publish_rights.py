"""What a rights field allows, in one place."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookweave.publish.rights import FORBIDDING, RightsRules, Standing, plain

RULES = RightsRules()


@pytest.mark.parametrize(
    "words",
    [
        "All rights reserved",
        "ALL  RIGHTS\u00a0RESERVED.",
        "all-rights-reserved",
        "Ａｌｌ ｒｉｇｈｔｓ ｒｅｓｅｒｖｅｄ",
        "all ri\u200bghts reserved",
        "© 2024 Maison X. All rights reserved.",
        "Tous droits réservés",
        "no publication",
        "NO_PUBLICATION",
        "Do not publish!",
        "Don’t publish",
        "internal",
        "Internal use only",
        "editorial only",
        "for editorial use",
        "Private",
        "non-redistributable",
        "Nonredistributable",
        "CC BY 4.0, internal copy",
        "publication not permitted",
        "licence expired 2021",
        "no",
        "本作品版权所有不得转载",
    ],
)
def test_forbids(words: str) -> None:
    judged = RULES.judge(words)
    assert judged.standing is Standing.FORBIDDEN
    assert judged.words == words.strip()


@pytest.mark.parametrize(
    ("words", "non_commercial", "no_derivatives"),
    [
        ("CC-BY-4.0", False, False),
        ("cc by-sa 3.0", False, False),
        ("CC BY-NC 4.0", True, False),
        ("cc-by-nc-nd-4.0", True, True),
        ("https://creativecommons.org/licenses/by-nd/4.0/", False, True),
        ("Creative Commons Attribution-NonCommercial-NoDerivatives", True, True),
        ("CC0-1.0", False, False),
        ("https://creativecommons.org/publicdomain/zero/1.0/", False, False),
        ("Public Domain", False, False),
        ("MIT", False, False),
        ("Apache-2.0", False, False),
        ("publication allowed", False, False),
    ],
)
def test_allows(words: str, non_commercial: bool, no_derivatives: bool) -> None:
    judged = RULES.judge(words)
    assert judged.standing is Standing.ALLOWED
    assert (judged.non_commercial, judged.no_derivatives) == (non_commercial, no_derivatives)


@pytest.mark.parametrize(
    "words", ["", None, "  ", "© Maison X", "press kit", "unrestricted?", "nope"]
)
def test_what_is_not_understood_is_unknown(words: str | None) -> None:
    assert RULES.judge(words).standing is Standing.UNKNOWN


def test_own_phrases_count_but_never_lift_a_prohibition() -> None:
    rules = RightsRules(allow=("Licensed by Maison X", "internal"), forbid=("press kit",))
    assert rules.judge("licensed by maison x").standing is Standing.ALLOWED
    assert rules.judge("Press-Kit 2024").standing is Standing.FORBIDDEN
    assert rules.judge("internal").standing is Standing.FORBIDDEN


def test_the_strictest_source_decides() -> None:
    together = RULES.judge_all
    assert together(["CC0", "All rights reserved", ""]).standing is Standing.FORBIDDEN
    assert together(["CC0", "© X"]).standing is Standing.UNKNOWN
    assert together(["CC0", ""]).standing is Standing.ALLOWED
    assert together(["CC0", "CC-BY-NC"]).non_commercial
    assert together([]).standing is Standing.UNKNOWN


@given(
    st.sampled_from([phrase for phrase in FORBIDDING if phrase != "no"]),
    st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from([" ", "  ", "_", "-", "\u00a0", " \u200b", "\n"]),
    st.sampled_from(["", "CC-BY-4.0; ", "© X – ", "(", "public domain "]),
)
def test_no_way_of_writing_it_gets_a_prohibition_through(
    phrase: str, form: str, case: object, space: str, before: str
) -> None:
    written = before + case(phrase.replace(" ", space)) + "."  # type: ignore[operator]
    assert RULES.judge(unicodedata.normalize(form, written)).standing is Standing.FORBIDDEN  # type: ignore[arg-type]


@given(st.text())
def test_any_text_can_be_read(words: str) -> None:
    assert plain(plain(words)) == plain(words)
    RULES.judge(words)

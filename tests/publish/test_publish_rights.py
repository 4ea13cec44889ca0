"""What a rights field allows, in one place."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lookweave.publish.licences import PORTS
from lookweave.publish.rights import FORBIDDING, RightsRules, Standing, plain

RULES = RightsRules()
RULES.judge("MIT")  # the list of SPDX identifiers is read once


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
        "not cleared",
        "not licensed under Creative Commons",
        "Nein",
        "Nicht zur Veröffentlichung",
        "Usage interne",
        "In copyright",
        "http://rightsstatements.org/vocab/InC/1.0/",
        "MIT OR proprietary",
        "permission not granted", "CC BY 4.0 denied", "nur redaktionelle Nutzung", "keine Freigabe",
        "Weitergabe verboten", "usage éditorial uniquement", "Non autorisé", "publication interdite",
        "prohibida su publicación", "solo uso editorial", "pubblicazione vietata", "scaduta",
        "alle rechten voorbehouden", "Wszelkie prawa zastrzeżone", "Все права защищены", "禁止转载",
        "intern", "INTERNALUSE",
    ],
)  # fmt: skip
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
        ("Zur Veröffentlichung freigegeben", False, False),
        ("cleared", False, False),
        ("CC BY 4", False, False),
        ("CC BY-SA 2.0 Germany", False, False),
        ("CC-BY-SA-2.0-UK", False, False),
        ("License: CC BY 4.0", False, False),
        (
            "This work is licensed under a Creative Commons Attribution 4.0 International License.",
            False,
            False,
        ),
        ("Attribution-NonCommercial 4.0 International (CC BY-NC 4.0)", True, False),
        ("Namensnennung – Keine Bearbeitungen 4.0 International", False, True),
        ("CC Attribution - Pas d’Utilisation Commerciale 2.0 France", True, False),
        ("creativecommons.org/licenses/by/4.0/deed.de", False, False),
        ("https://creativecommons.org/licenses/by/4.0/?ref=chooser-v1", False, False),
        ("https://creativecommons.org/licenses/by-nc/3.0/no/", True, False),
        ("https://rightsstatements.org/page/NoC-NC/1.0/?language=en", True, False),
        ("https://spdx.org/licenses/CC-BY-NC-4.0.html", True, False),
        ("https://opensource.org/licenses/MIT", False, False),
        ("GPL-3.0-only OR CC-BY-4.0", False, False),
        ("CC-BY-ND-4.0 OR CC-BY-NC-4.0", True, False),
        ("MIT AND CC-BY-NC-4.0", True, False),
        ("CC0; CC BY-NC 4.0", True, False),
    ],
)
def test_allows(words: str, non_commercial: bool, no_derivatives: bool) -> None:
    judged = RULES.judge(words)
    assert judged.standing is Standing.ALLOWED
    assert (judged.non_commercial, judged.no_derivatives) == (non_commercial, no_derivatives)


@pytest.mark.parametrize(
    "words",
    [
        "", None, "  ", "some rights reserved", "certains droits réservés", "© Maison X", "press kit", "unrestricted?", "nope", "yes", "ok",
        "not CC BY", "non CC0", "no CC BY",
        "CC BY requested, no answer yet", "CC-BY pending", "was CC BY until 2020",
        "please cc by email to rights desk", "CC BY only after payment", "© CC Sa, Paris",
        "Creative Commons", "Creative Commons? ask photographer", "CC", "CC SA", "BY", "Attribution",
        "CC BY?", "CC BY*", "~CC BY", "-CC BY", "≠ CC BY", "C̶C̶ ̶B̶Y̶", "❌ CC BY", "“CC BY”",
        "CC BY 5.0", "CC BY 3.0 no", "CC BY-SA-ND 4.0", "CC BY 4.0 (pending)", "CC0; © Maison X",
        "CC BY 4.0\nsee e-mail", "publication allowed?", "cleared?", "uncleared",
        "Attribution-NonCommercial 4.0 International (CC BY 4.0)",
        "https://example.org/?https://creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org/licenses/", "https://creativecommons.org/about/cc-by/",
        "https://creativecommons.org.example.org/licenses/by/4.0/",
        "https://rightsstatements.org/vocab/CNE/1.0/", "https://rightsstatements.org/vocab/UND/1.0/",
        "GPL-3.0-only", "MIT OR GPL-3.0-only AND", "CC-BY-4.0 AND GPL-3.0-only", "NOASSERTION",
        "CC-BY-4.0 OR LicenseRef-ours", "CC-BY-4.0 OR ask", "CC-BY-4.0 AND not published",
    ],
)  # fmt: skip
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
    st.sampled_from(FORBIDDING),
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


LICENCES = (
    "CC BY 4.0", "CC-BY-SA-4.0", "CC0", "CC0 1.0 Universal", "Public Domain", "MIT",
    "Apache-2.0", "CC-BY-4.0 OR MIT", "Creative Commons Attribution 4.0 International",
    "Attribution-NonCommercial 4.0 International (CC BY-NC 4.0)", "publication allowed", "cleared",
    "https://creativecommons.org/licenses/by/4.0/", "Licensed under CC BY 4.0",
)  # fmt: skip
DOUBTS = (
    "not", "no", "non", "nicht", "kein", "keine", "pas", "sans", "sin", "senza", "never", "without",
    "un", "if", "unless", "until", "was", "formerly", "before", "after", "only", "except", "but",
    "pending", "requested", "asked for", "to be confirmed", "tbc", "tbd", "maybe", "perhaps",
    "probably", "presumably", "vielleicht", "please", "bitte", "when", "once", "would be",
    "should be", "will be", "could be", "is not", "isn't", "instead of", "other than", "ex-",
    "?", "!", "*", "~", "!=", "≠", "¬", "…", "(?)", "[", "✗", "❌", "\u0336", "<", ">", "=", "\"",
    "no answer yet", "ask the photographer", "see contract", "NOT", "wait for", "any but", "anti",
    "contra", "refused", "denied", "rejected", "void", "in 2030", "since", "from 2030", "off",
    "and not", "or not", "or", "and", "with", "under no", "less than", "half", "part", "some of it",
)  # fmt: skip
"""What negates, puts off or limits, before a licence or after it."""


@given(
    st.sampled_from(LICENCES),
    st.sampled_from(DOUBTS),
    st.sampled_from([" ", ", ", ": ", " – ", ". ", "\u00a0", " (", "; ", "\n", " / "]),
    st.booleans(),
    st.sampled_from([str, str.upper, str.lower, str.title]),
    st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
)
def test_no_doubt_beside_a_licence_is_permission(
    licence: str, doubt: str, between: str, first: bool, case: object, form: str
) -> None:
    written = f"{doubt}{between}{licence}" if first else f"{licence}{between}{doubt}"
    written = unicodedata.normalize(form, case(written))  # type: ignore[operator, arg-type]
    assert RULES.judge(written).standing is not Standing.ALLOWED, written
    assert RULES.judge(licence).standing is Standing.ALLOWED


@given(
    st.sampled_from(LICENCES),
    st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x24F), min_size=1, max_size=12),
    st.booleans(),
)
def test_no_word_beside_a_licence_is_permission(licence: str, word: str, first: bool) -> None:
    """Whatever the word is: only another statement of the licence itself is understood."""
    assume(plain(word) not in UNDERSTOOD | set(PORTS))
    written = f"{word} {licence}" if first else f"{licence} {word}"
    assert RULES.judge(written).standing is not Standing.ALLOWED, written


UNDERSTOOD = frozenset({
    "cc", "creative", "commons", "license", "licence", "lizenz", "licencia", "licenza", "licenca",
    "licentie", "de", "us", "uk", "fr", "igo", "international", "generic", "unported", "public",
})  # fmt: skip
"""Words that may stand in a licence's own name."""


@given(st.text())
def test_any_text_can_be_read(words: str) -> None:
    assert plain(plain(words)) == plain(words)
    RULES.judge(words)

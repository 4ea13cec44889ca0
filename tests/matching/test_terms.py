from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookweave.matching.terms import plain, said, terms


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("blazer", "Blazer, navy"), ("azur", "T-Shirt “Côte d’Azur”"), ("t-shirt", "T-SHIRT"),
        ("tshirt", "T-Shirt"), ("t-shirt", "tshirt"), ("étole", unicodedata.normalize("NFD", "Étole")),
        (unicodedata.normalize("NFD", "étole"), "ÉTOLE"), ("etole", "Étole en soie"),
        ("ドレス", "赤いドレス"), ("赤いドレス", "赤いドレス"), ("bluse", "Kleid/Bluse (Größe M)"),
        ("grösse", "Größe M"), ("wickelrock", "SALE!Wickelrock"), ("wickelhose", "<b>Wickelhose</b> rot"),
        ("straße", "STRASSE Mantel"), ("apc", "A.P.C."), ("a.p.c.", "APC"), ("00103", "No. 00103"),
        ("πουλοβερ", "Πουλόβερ"), ("платье", "ПЛАТЬЕ"), ("กระโปรง", "กระโปรงสีแดง"), ("blau", "blau\u200b"),
        ("m&m", "M&amp;M"), ("rouge", "robe&nbsp;rouge"),
    ],
)  # fmt: skip
def test_a_term_finds_what_a_person_means(query: str, text: str) -> None:
    (term,) = terms(query)
    assert term.is_in(said(text))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("red", "Scarred"),
        ("0010", "00103"),
        ("ハット", "赤いドレス"),
        ("shirt", "tshirts"),
        ("バス", "ハス"),
    ],
)
def test_and_no_more(query: str, text: str) -> None:
    (term,) = terms(query)
    assert not term.is_in(said(text))


@pytest.mark.parametrize("query", ["", "   ", "!!!", "%", "👗", "\u200b", "--", "';"])
def test_what_says_nothing_has_no_terms(query: str) -> None:
    assert terms(query) == ()


@given(st.text(max_size=40))
def test_every_term_of_a_text_is_in_it(text: str) -> None:
    assert all(term.is_in(said(text)) for term in terms(text))


@given(st.text(max_size=40))
def test_case_and_composition_do_not_count(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert plain(unicodedata.normalize(form, text)) == plain(text)

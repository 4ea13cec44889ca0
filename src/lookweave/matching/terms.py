"""Words of a query held against a text, as people write and search them.

Case, accents, markup and punctuation do not count: ``etole`` finds ``Étole``, ``tshirt`` and
``t-shirt`` find each other, ``apc`` finds ``A.P.C.``, ``azur`` finds ``d’Azur``. In scripts that
put no spaces between words a term may stand inside a longer text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_ACCENTED = ("LATIN", "GREEK", "CYRILLIC")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)


def plain(text: str) -> str:
    """Text without markup, case, accents of alphabets, and invisible characters.

    >>> plain("<b>Étole</b> Größe &amp; ドレス")
    ' etole  grosse & ドレス'
    """
    text = unicodedata.normalize("NFKC", html.unescape(_TAG.sub(" ", text))).casefold()
    if text.isascii():
        return text
    kept: list[str] = []
    base = ""
    for character in unicodedata.normalize("NFD", text):
        kind = unicodedata.category(character)
        if kind == "Cf":
            continue
        if kind != "Mn":
            base = character
        elif base and unicodedata.name(base, "").startswith(_ACCENTED):
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


@dataclass(frozen=True)
class Term:
    """One term of a query: what stands between two spaces.

    Attributes:
        parts: its words, such as ``t`` and ``shirt``.
        joined: all of them together, ``tshirt``.
    """

    parts: tuple[str, ...]
    joined: str

    def is_in(self, said: Said) -> bool:
        """Whether a text says it."""
        if self.joined in said.words or all(part in said.words for part in self.parts):
            return True
        return is_unspaced(self.joined) and self.joined in said.joined


@dataclass(frozen=True)
class Said:
    """What a text says.

    Attributes:
        words: each word, and each group of words that no space parts, joined.
        joined: the whole text without spaces and punctuation.
    """

    words: frozenset[str]
    joined: str


def is_unspaced(text: str) -> bool:
    """Whether a text has letters of a script that puts no spaces between words."""
    return _UNSPACED.search(text) is not None


def terms(query: str) -> tuple[Term, ...]:
    """The terms of a query, each once; none where it has no letter and no digit."""
    found = {term.joined: term for term in map(_term, plain(query).split()) if term.parts}
    return tuple(found.values())


def said(text: str) -> Said:
    """The words of a text."""
    chunks = [term for term in map(_term, plain(text).split()) if term.parts]
    words = {part for chunk in chunks for part in chunk.parts}
    return Said(
        frozenset(words | {chunk.joined for chunk in chunks}),
        "".join(chunk.joined for chunk in chunks),
    )


def _term(chunk: str) -> Term:
    # A mark that is kept belongs to its letter, as in ข้าว; an underscore is no letter.
    parts = tuple(
        part for part in re.split(r"[^\w\u0300-\u036f\u0e31-\u0e4e\u3099\u309a]+|_", chunk) if part
    )
    return Term(parts, "".join(parts))

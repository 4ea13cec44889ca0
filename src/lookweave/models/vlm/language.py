"""Words of other languages, and telling English from the rest.

A small model asked in English sometimes answers in the language of its training data. Single
words are mapped where their meaning is certain; a sentence is only recognised, not translated.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from lookweave.taxonomy import ATTRIBUTES, normalise

_NOTHING = frozenset(
    ("", "-", "none", "null", "n/a", "na", "unknown", "not visible", "not applicable", "unclear")
)

# Function words that no English caption of a garment has, or that every one has. Words shared
# between the two sides ("a", "in", "on", "die" as a verb) are left out.
_ENGLISH = frozenset(
    ("the", "with", "and", "of", "at", "an", "to", "its", "has", "is", "from", "that", "for", "by")
)
_FOREIGN = frozenset(
    (
        "le", "la", "les", "une", "des", "du", "avec", "et", "est", "pour", "sur", "der", "das",
        "und", "mit", "einem", "einer", "ein", "eine", "ist", "auf", "el", "los", "las", "una",
        "con", "para", "del", "di", "il", "lo", "gli", "della", "y", "che", "è", "och", "med",
        "een", "het",
    )
)  # fmt: skip


def is_nothing(word: str) -> bool:
    """Whether the word says that there is nothing to say."""
    return word.strip().lower() in _NOTHING


def taxonomy_word(attribute: str, said: str) -> str | None:
    """The taxonomy's word for what a model said, or None when there is none.

    Tries the words as said, hyphenated, in the singular and in other languages, and then a
    compound's words from its end: *denim jacket* is a jacket, *light blue* is blue.
    """
    said = re.sub(r"[\s_]+", " ", said.strip().lower().strip(".,;:!\"'"))
    if found := _whole(attribute, said):
        return found
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", said)
    if len(words) > 4:  # a sentence names too much to pick a word from it
        return None
    return next((found for word in reversed(words) if (found := _whole(attribute, word))), None)


def is_english(sentence: str) -> bool:
    """Whether a sentence is English, as far as its script and function words tell."""
    letters = [letter for letter in sentence if letter.isalpha()]
    if not letters:
        return True
    if sum(ord(letter) > 0x24F for letter in letters) > 0.2 * len(letters):
        return False
    words = re.findall(r"[^\W\d_]+", sentence.lower())
    foreign = sum(word in _FOREIGN for word in words)
    return foreign < 2 or foreign <= sum(word in _ENGLISH for word in words)


def _whole(attribute: str, word: str) -> str | None:
    hyphenated = word.replace(" ", "-")
    for form in (word, hyphenated, word.removesuffix("s"), hyphenated.removesuffix("-length")):
        if found := normalise(attribute, form):
            return found
    return _foreign_words().get(attribute, {}).get(word)


@cache
def _foreign_words() -> dict[str, dict[str, str]]:
    text = resources.files(__package__).joinpath("foreign.toml").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    known = {
        attribute: {form: word for word, forms in words.items() for form in forms}
        for attribute, words in table.items()
    }
    wrong = {word for name, words in table.items() for word in words.keys() - set(ATTRIBUTES[name])}
    if wrong:
        raise ValueError(f"foreign.toml maps to words outside the taxonomy: {sorted(wrong)}")
    return known

"""What a photo's rights field says about publishing it: the one place that decides.

The field is free text from a catalogue, a manifest or a person. It is read without regard to
case, spacing, punctuation or Unicode form. What forbids always wins: "CC BY 4.0, internal use
only" is forbidden. What is not understood is *unknown*, never allowed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Standing(Enum):
    """Whether a photo may be published."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"


FORBIDDING: tuple[str, ...] = (
    "all rights reserved", "alle rechte vorbehalten", "tous droits reserves",
    "todos los derechos reservados", "tutti i diritti riservati",
    "todos os direitos reservados", "無断転載禁止", "版权所有", "版權所有",
    "no publication", "not for publication", "do not publish", "dont publish",
    "don t publish", "not publishable", "unpublishable", "no publishing",
    "do not distribute", "not for distribution", "no distribution",
    "do not redistribute", "no redistribution", "not for redistribution",
    "not redistributable", "non redistributable", "nonredistributable",
    "do not share", "not for sharing", "do not use", "no reuse", "no re use",
    "internal", "private", "confidential", "proprietary", "restricted",
    "editorial only", "editorial use", "for editorial", "personal use", "press use", "press only",
    "rights managed", "no license", "no licence", "unlicensed", "unlicenced",
    "license expired", "licence expired", "expired", "embargo", "embargoed",
    "forbidden", "prohibited", "not permitted", "not allowed", "permission denied",
    "no permission", "without permission", "revoked", "withdrawn", "taken down", "takedown",
    "take down", "under nda", "evaluation only", "no",
)  # fmt: skip
"""Phrases that forbid, wherever they stand in the field ("no" only when it is all of it)."""

ALLOWING: tuple[str, ...] = (
    "public domain", "pdm", "cc0", "cc zero", "no known copyright", "no rights reserved",
    "may be published", "can be published", "free to publish", "for publication",
    "publication allowed", "publication permitted", "publication granted", "publishable",
    "publish", "redistributable", "redistribution allowed", "redistribution permitted",
    "cleared", "release signed", "allowed", "permitted", "granted", "yes", "ok", "open",
)  # fmt: skip
"""Phrases that are all of the field and allow."""

_SPDX_OPEN = frozenset(
    {
        "0bsd", "apache 2 0", "apache license 2 0", "bsd 2 clause", "bsd 3 clause", "cc pddc",
        "cdla permissive 1 0", "cdla permissive 2 0", "cdla sharing 1 0", "dl de by 2 0",
        "dl de zero 2 0", "etalab 2 0", "gfdl 1 2", "gfdl 1 3", "gfdl 1 3 or later", "isc",
        "lal 1 3", "mit", "mit 0", "odbl 1 0", "odc by 1 0", "ogl uk 3 0", "pddl 1 0",
        "unlicense", "wtfpl", "zlib",
    }
)  # fmt: skip
_WHOLE_ONLY = frozenset({"no"})
_CREATIVE_COMMONS = re.compile(
    r"\bcc (by|sa|nc|nd|0|zero|pdm)\b|\bcc0\b|\bccby\b|\bcreative ?commons\b|"
    r"\bcreativecommons org (licenses|publicdomain)\b"
)
_NON_COMMERCIAL = re.compile(r"\bnc\b|\bnon ?commercial\b")
_NO_DERIVATIVES = re.compile(r"\bnd\b|\bno ?deriv")


@dataclass(frozen=True)
class Judgement:
    """What one or several rights fields say.

    Attributes:
        standing: may it go out.
        words: the field that decided, as it was written; empty when nothing was said.
        non_commercial: the licence forbids commercial use.
        no_derivatives: the licence forbids altered copies, so no crop is made of the photo.
    """

    standing: Standing
    words: str = ""
    non_commercial: bool = False
    no_derivatives: bool = False


@dataclass
class RightsRules:
    """The built-in phrases and those of the person who publishes.

    Args:
        allow: further phrases that allow when they are all of the field.
        forbid: further phrases that forbid wherever they stand.
    """

    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    _known: dict[str, Judgement] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        phrases = [plain(phrase) for phrase in (*FORBIDDING, *self.forbid)]
        anywhere = [re.escape(phrase) for phrase in phrases if phrase and phrase not in _WHOLE_ONLY]
        # Word boundaries are no help in scripts without spaces, where the phrase may stand inside.
        self._forbids = re.compile(
            "|".join(word if not word.isascii() else rf"\b{word}\b" for word in anywhere)
        )
        self._allows = {plain(phrase) for phrase in (*ALLOWING, *self.allow)} | _SPDX_OPEN

    def judge(self, rights: str | None) -> Judgement:
        """What one field says."""
        words = (rights or "").strip()
        if words not in self._known:
            self._known[words] = self._judge(words)
        return self._known[words]

    def judge_all(self, fields: Iterable[str | None]) -> Judgement:
        """What all that is known of one photo says together: the strictest word wins.

        A field without words adds nothing to one that has some.
        """
        said = [self.judge(words) for words in fields]
        said = [one for one in said if one.words] or [Judgement(Standing.UNKNOWN)]
        worst = max(said, key=lambda one: _STRICTNESS[one.standing])
        return Judgement(
            worst.standing,
            worst.words,
            any(one.non_commercial for one in said),
            any(one.no_derivatives for one in said),
        )

    def _judge(self, words: str) -> Judgement:
        text = plain(words)
        if text in _WHOLE_ONLY or self._forbids.search(text):
            return Judgement(Standing.FORBIDDEN, words)
        if _CREATIVE_COMMONS.search(text):
            return Judgement(
                Standing.ALLOWED,
                words,
                non_commercial=bool(_NON_COMMERCIAL.search(text)),
                no_derivatives=bool(_NO_DERIVATIVES.search(text)),
            )
        return Judgement(Standing.ALLOWED if text in self._allows else Standing.UNKNOWN, words)


_STRICTNESS = {Standing.ALLOWED: 0, Standing.UNKNOWN: 1, Standing.FORBIDDEN: 2}


def plain(words: str) -> str:
    """Text without case, accents, punctuation, invisible characters or doubled spaces.

    >>> plain("  All\\u00a0Rights — RÉSERVÉS\\u200b ")
    'all rights reserves'
    """
    decomposed = unicodedata.normalize("NFKD", words).casefold()
    kept = (
        " " if not character.isalnum() else character
        for character in decomposed
        if unicodedata.category(character) not in ("Mn", "Cf")
    )
    return " ".join("".join(kept).split())

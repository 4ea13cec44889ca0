"""What a photo's rights field says about publishing it: the one place that decides.

The field is free text from a catalogue, a manifest or a person. What forbids always wins,
wherever it stands and however it is written: "CC BY 4.0, internal use only" is forbidden. What
allows must be all of the field: a licence (`licences`), or a phrase that grants publication.
What is not understood is *unknown*, never allowed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from lookweave.publish.licences import licence_named, plain_words


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
    "take down", "under nda", "evaluation only", "not cleared", "not licensed", "not licenced",
    "not released", "not approved", "not authorized", "not authorised",
    "nicht veroffentlichen", "keine veroffentlichung", "nicht zur veroffentlichung",
    "nicht freigegeben", "nur intern", "nur fur internen", "interne nutzung",
    "interner gebrauch", "internen gebrauch", "vertraulich", "gesperrt", "unter embargo",
    "ne pas publier", "ne pas diffuser", "usage interne", "confidentiel", "interdit",
    "no publicar", "uso interno", "confidencial", "prohibido", "non pubblicare", "vietato",
    "riservato", "nao publicar", "proibido", "niet publiceren", "vertrouwelijk",
    "intern gebruik",
    # Some rights are reserved by open licences too: the word for all of them must stand there.
    "all right reserved", "copyright reserved", "reservados todos los derechos",
    "alle rechten voorbehouden", "wszelkie prawa zastrzezone", "alla rattigheter forbehallna",
    "alle rettigheter forbeholdt", "alle rettigheder forbeholdes", "vsechna prava vyhrazena",
    "tum haklari saklidir", "все права защищены", "転載禁止", "使用禁止", "禁止转载", "禁止使用",
    "not granted", "never publish", "cannot be published", "not be published", "dontpublish",
    "donotpublish", "internaluse", "refused", "denied", "declined", "on hold", "pulled",
    "no usage rights", "no longer licensed", "no longer cleared", "consent withdrawn",
    "nur redaktionell", "nur redaktionelle", "redaktionelle nutzung", "redaktionelle zwecke",
    "redaktionelle verwendung", "usage editorial", "uso editorial", "uso editoriale",
    "redactioneel gebruik", "keine nutzungsrechte", "keine nutzung", "keine freigabe",
    "keine weitergabe", "nicht zur weitergabe", "nicht verwenden", "nicht nutzen",
    "nicht genehmigt", "nicht erlaubt", "nicht gestattet", "verboten", "untersagt",
    "abgelaufen", "widerrufen", "nur zur internen", "fur den internen", "non autorise",
    "non autorisee", "pas de publication", "pas d autorisation", "publication interdite",
    "interdiction", "ne pas utiliser", "droits expires", "licence expiree", "no autorizado",
    "no autorizada", "prohibida", "sin permiso", "sin autorizacion", "no usar", "no difundir",
    "caducado", "caducada", "non autorizzato", "non autorizzata", "vietata", "non utilizzare",
    "senza autorizzazione", "scaduto", "scaduta", "nao autorizado", "nao usar", "proibida",
    "niet vrijgegeven", "geen toestemming", "niet gebruiken", "niet toegestaan", "verlopen",
)  # fmt: skip
"""Phrases that forbid, wherever they stand in the field."""

FORBIDDING_ALONE = frozenset({"no", "nein", "non", "nee", "nao", "intern", "interne", "interno"})
"""Words that forbid when they are all of the field."""

ALLOWING: tuple[str, ...] = (
    "may be published", "can be published", "free to publish", "for publication",
    "publication allowed", "publication permitted", "publication granted", "publishable",
    "redistributable", "redistribution allowed", "redistribution permitted", "cleared",
    "rights cleared", "cleared for publication", "released for publication",
    "zur Veröffentlichung freigegeben", "publication autorisée", "publicación autorizada",
    "pubblicazione autorizzata",
    "CC0-1.0, rendered by Lookweave",  # what `lookweave render` says of its photos
)  # fmt: skip
"""Phrases that are all of the field and allow. A bare "yes" or "ok" is none: in a column of
copyrights it says the opposite."""

_MOST_REMEMBERED = 1 << 16  # different texts: a catalogue has few, but each row may have its own


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


class RightsRules:
    """The built-in phrases and those of the person who publishes.

    Args:
        allow: further phrases that allow when they are all of the field.
        forbid: further phrases that forbid wherever they stand.
    """

    def __init__(self, allow: tuple[str, ...] = (), forbid: tuple[str, ...] = ()) -> None:
        phrases = [plain(phrase) for phrase in (*FORBIDDING, *forbid)]
        anywhere = [re.escape(phrase) for phrase in phrases if phrase]
        # Word boundaries are no help in scripts without spaces, where the phrase may stand inside.
        self._forbids = re.compile(
            "|".join(word if not word.isascii() else rf"\b{word}\b" for word in anywhere)
        )
        self._allows = frozenset(map(_exact, ALLOWING))
        self._allows_too = frozenset(map(_exact, allow))
        self._remembered = lru_cache(_MOST_REMEMBERED)(self._judge)

    def judge(self, rights: str | None) -> Judgement:
        """What one field says.

        Several statements in one field, with semicolons or on lines of their own, are judged one
        by one, and the strictest wins.
        """
        return self._remembered((rights or "").strip())

    def judge_all(self, fields: Iterable[str | None]) -> Judgement:
        """What all that is known of one photo says together: the strictest word wins.

        A field without words adds nothing to one that has some.
        """
        said = [one for one in map(self.judge, fields) if one.words]
        return strictest(said) if said else Judgement(Standing.UNKNOWN)

    def _judge(self, words: str) -> Judgement:
        text = plain(words)
        if text in FORBIDDING_ALONE or self._forbids.search(text):
            return Judgement(Standing.FORBIDDEN, words)
        statements = [part.strip() for part in re.split(r"[;\n\r]", words) if part.strip()]
        if len(statements) > 1 and _exact(words) not in self._allows_too:
            judged = strictest([self.judge(one) for one in statements])
            return replace(judged, words=words)
        return self._statement(words)

    def _statement(self, words: str) -> Judgement:
        text = _exact(words)
        if text in self._allows or text in self._allows_too:
            return Judgement(Standing.ALLOWED, words)
        licence = licence_named(words)
        if licence is None:
            return Judgement(Standing.UNKNOWN, words)
        return Judgement(
            Standing.ALLOWED if licence.permits else Standing.FORBIDDEN,
            words,
            non_commercial=licence.non_commercial,
            no_derivatives=licence.no_derivatives,
        )


def strictest(judged: list[Judgement]) -> Judgement:
    """One judgement of several, at least one: the strictest, with the limits of all."""
    worst = max(judged, key=lambda one: _STRICTNESS[one.standing])
    return replace(
        worst,
        non_commercial=any(one.non_commercial for one in judged),
        no_derivatives=any(one.no_derivatives for one in judged),
    )


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


def _exact(words: str) -> str:
    """Text as it is held against the phrases that allow."""
    return plain_words(words) or " ".join(words.casefold().split())

"""Which licence a text names, if it names one and says nothing else.

A text is a licence where it is, whole: an SPDX identifier or expression (SPDX specification 2.3,
annex D), a licence's name, or its address. A text with one word more ("CC BY, if the
photographer agrees") is none: what that word says is for a person to judge. So are marks that
carry a meaning: "CC BY?" is a question.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Licence:
    """What a licence says about publishing a photo.

    Attributes:
        permits: anyone may copy the photo and hand it on.
        non_commercial: not for commercial use.
        no_derivatives: no altered copies.
    """

    permits: bool
    non_commercial: bool = False
    no_derivatives: bool = False


OPEN = Licence(permits=True)
_CLOSED = Licence(permits=False)
_NON_COMMERCIAL = Licence(permits=True, non_commercial=True)

_OPEN_IDENTIFIERS = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-PDDC", "CC-PDM-1.0", "CC-SA-1.0",
    "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "DL-DE-BY-2.0",
    "DL-DE-ZERO-2.0", "etalab-2.0", "FreeBSD-DOC", "GFDL-1.1-only", "GFDL-1.1-or-later",
    "GFDL-1.2-only", "GFDL-1.2-or-later", "GFDL-1.3-only", "GFDL-1.3-or-later", "ISC", "LAL-1.2",
    "LAL-1.3", "MIT", "MIT-0", "NLOD-1.0", "NLOD-2.0", "ODbL-1.0", "ODC-By-1.0", "OGL-UK-1.0",
    "OGL-UK-2.0", "OGL-UK-3.0", "OGL-Canada-2.0", "PDDL-1.0", "TAPR-OHL-1.0", "Unlicense",
    "WTFPL", "Zlib",
})  # fmt: skip
"""SPDX identifiers that permit, beside those of Creative Commons."""

_NAMES: dict[str, Licence] = {
    **dict.fromkeys(
        (
            "public domain", "public domain mark", "public domain mark 1 0", "pdm", "pdm 1 0",
            "cc pdm 1 0", "in the public domain", "public domain dedication", "gemeinfrei",
            "domaine public", "dominio publico", "pubblico dominio", "dominio pubblico",
            "cc0", "cc 0", "cc zero", "cc0 1 0", "cc zero 1 0", "cc0 1 0 universal",
            "cc0 public domain dedication", "cc0 1 0 universal public domain dedication",
            "creative commons zero", "creative commons 0", "creative commons zero 1 0",
            "creative commons zero v1 0 universal", "creative commons cc0",
            "creative commons cc0 1 0", "creative commons cc0 1 0 universal",
            "no known copyright", "no known copyright restrictions", "no rights reserved",
            "mit license", "mit licence", "the mit license", "isc license", "zlib license",
            "apache license 2 0", "apache license version 2 0", "apache 2 0", "apache 2",
            "bsd 2 clause license", "bsd 3 clause license", "the unlicense",
            "gfdl", "gnu free documentation license", "gnu fdl", "gfdl 1 2", "gfdl 1 3",
            "gnu free documentation license 1 2", "gnu free documentation license 1 3",
            "odbl", "open database license", "odc by", "pddl", "free art license",
            "licence art libre", "open government licence v3 0", "open government licence 3 0",
            "licence ouverte 2 0", "dl de by 2 0", "dl de zero 2 0",
        ),
        OPEN,
    ),
    **dict.fromkeys(
        (
            "in copyright", "copyrighted", "urheberrechtlich geschutzt",
            "protege par le droit d auteur",
        ),
        _CLOSED,
    ),
}  # fmt: skip
"""Names that are all of the text; as `_words` writes them."""

_RIGHTS_STATEMENTS: dict[str, Licence] = {
    "inc": _CLOSED, "inc-ow-eu": _CLOSED, "inc-edu": _CLOSED, "inc-ruu": _CLOSED,
    "noc-cr": _CLOSED, "noc-oklr": _CLOSED,
    "inc-nc": _NON_COMMERCIAL, "noc-nc": _NON_COMMERCIAL, "nkc": OPEN,
}  # fmt: skip
"""rightsstatements.org; the rest (no copyright in the United States alone, not evaluated,
undetermined) says too little."""

_ADDRESSES: tuple[tuple[re.Pattern[str], Licence], ...] = tuple(
    (re.compile(rf"(?:https?://)?(?:www\.)?{pattern}"), licence)
    for pattern, licence in (
        (r"opensource\.org/licenses?/(?:mit|isc|apache-2[.-]0|bsd-[23]-clause|0bsd|zlib)/?", OPEN),
        (r"apache\.org/licenses/license-2\.0(?:\.txt|\.html)?", OPEN),
        (r"opendatacommons\.org/licenses/(?:by|odbl|pddl)/(?:1-0|1\.0)/?", OPEN),
        (r"gnu\.org/(?:licenses|copyleft)/fdl(?:-1\.[123])?(?:\.txt|\.html)?", OPEN),
        (r"unlicense\.org/?", OPEN),
        (r"artlibre\.org(?:/licence/lal(?:/[a-z]{2})?)?/?", OPEN),
        (r"govdata\.de/dl-de/(?:by|zero)-2-0", OPEN),
        (r"nationalarchives\.gov\.uk/doc/open-government-licence/version/[123]/?", OPEN),
        (r"creativecommons\.org/(?:publicdomain/(?:zero|mark)|share-your-work/public-domain/"
         r"(?:cc0|pdm))(?:/1\.0)?(?:/(?:deed|legalcode)(?:\.[a-z_-]+)?)?/?(?:\?ref=chooser-v1)?",
         OPEN),
    )
)  # fmt: skip
_CREATIVE_COMMONS_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/licenses/"
    r"(?P<code>[a-z-]+)/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2}|igo|scotland))?"
    r"(?:/(?:deed|legalcode|rdf)(?:\.[a-z_-]+)?)?/?(?:\?ref=chooser-v1)?"
)
_RIGHTS_STATEMENTS_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?rightsstatements\.org/(?:vocab|page|data)/(?P<code>[a-z-]+)"
    r"(?:/1\.0)?/?(?:\?language=[a-z]{2})?"
)
_SPDX_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?spdx\.org/licenses/(?P<id>[a-z0-9.+-]+?)(?:\.html|\.json)?/?"
)

_CODES: dict[str, Licence] = {
    "by": OPEN,
    "by-sa": OPEN,
    "by-nd": Licence(True, no_derivatives=True),
    "by-nc": _NON_COMMERCIAL,
    "by-nc-sa": _NON_COMMERCIAL,
    "by-nc-nd": Licence(True, non_commercial=True, no_derivatives=True),
    "by-nd-nc": Licence(True, non_commercial=True, no_derivatives=True),  # as 1.0 wrote it
}
"""The licences of Creative Commons, by the code in their address."""

PORTS = (
    "ar", "at", "au", "az", "be", "bg", "br", "ca", "ch", "cl", "cn", "co", "cr", "cz", "de", "dk",
    "ec", "ee", "eg", "es", "fi", "fr", "ge", "gr", "gt", "hk", "hr", "hu", "ie", "igo", "il",
    "in", "it", "jp", "kr", "lu", "mk", "mt", "mx", "my", "nl", "nz", "pe", "ph", "pl", "pr",
    "pt", "ro", "rs", "se", "sg", "si", "th", "tw", "ug", "uk", "us", "ve", "vn", "za",
    "argentina", "australia", "austria", "osterreich", "belgium", "brazil", "brasil", "canada",
    "chile", "china mainland", "croatia", "czech republic", "denmark", "england and wales",
    "estonia", "finland", "france", "germany", "deutschland", "greece", "hong kong", "hungary",
    "ireland", "israel", "italy", "italia", "japan", "korea", "luxembourg", "mexico",
    "netherlands", "nederland", "new zealand", "norway", "poland", "portugal", "romania",
    "scotland", "serbia", "singapore", "slovenia", "south africa", "spain", "espana", "sweden",
    "switzerland", "schweiz", "taiwan", "united kingdom", "united states", "vietnam",
)  # fmt: skip
"""Where a licence was ported to. Norway's code, "no", is left out: it also means no."""


def _any_of(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


_PORT = _any_of("international", "unported", "generic", *PORTS)
_VERSION = r"(?:(?:v|version |v |ver )?(?P<version>[1-4](?: [015])?))"
_LICENCE_WORD = _any_of("licen[cs]e", "licencia", "licenza", "licenca", "lizenz", "licentie")
_ELEMENTS: dict[str, str] = {
    "by": _any_of("by", "attribution", "namensnennung", "atribucion", "reconocimiento",
                  "attribuzione", "atribuicao", "naamsvermelding"),
    "nc": _any_of("nc", "non ?commercial", "nicht ?kommerziell", "pas d utilisation commerciale",
                  "no ?comercial", "non ?commerciale", "nao ?comercial", "niet ?commercieel"),
    "nd": _any_of("nd", "no ?deriv(?:ative)?s?(?: ?works)?", "keine ?bearbeitung(?:en)?",
                  "pas de modification", "sin ?(?:obra ?derivada|derivadas)",
                  "non opere derivate", "sem ?derivacoes", "geen ?afgeleide ?werken"),
    "sa": _any_of("sa", "share ?alike", "weitergabe unter gleichen bedingungen",
                  "partage dans les memes conditions", "partage a l identique",
                  "compartir ?igual", "condividi allo stesso modo", "compartilha ?igual",
                  "gelijk ?delen"),
}  # fmt: skip
_CODE_WORDS = "(?: |^)?" + _any_of(
    *(
        " ".join(f"{_ELEMENTS[element]}" for element in code.split("-"))
        for code in sorted(_CODES, key=len, reverse=True)
    )
)
_CREATIVE_COMMONS_NAME = re.compile(
    rf"(?P<family>(?:creative ?commons|cc)(?: {_LICENCE_WORD})? ?)?(?P<code>{_CODE_WORDS})"
    rf"(?: {_LICENCE_WORD})?(?: {_VERSION}(?: (?P<port>{_PORT}))?)?(?: public)?"
    rf"(?: {_LICENCE_WORD})?"
)
_TAIL = re.compile(r"(?P<name>[^()]+?) ?\((?P<tail>cc[^()]*)\)\.?")
_LEAD = re.compile(
    rf"(?:(?:{_LICENCE_WORD}|rights|usage) ?[:=] ?|(?:this (?:work|photo|image|picture) is )?"
    rf"(?:licen[cs]ed|released|published|available) under (?:an? |the )?|under (?:an? |the )?)"
)


def licence_named(text: str) -> Licence | None:
    """The licence that `text` is, or None where it is none or says more than a licence.

    >>> licence_named("CC BY-NC 4.0")
    Licence(permits=True, non_commercial=True, no_derivatives=False)
    >>> licence_named("not CC BY-NC 4.0") is None
    True
    """
    written = _usual(text)
    if lead := _LEAD.match(written):
        written = written[lead.end() :]
    if found := _address(written) or _name(written) or _expression(written):
        return found
    if tail := _TAIL.fullmatch(written):
        # "Attribution 4.0 International (CC BY 4.0)": both must say the same.
        found, again = _name(tail["name"], family_follows=True), _name(tail["tail"])
        return found if found == again else None
    return None


def plain_words(text: str) -> str | None:
    """The text without case, accents and the marks that only separate words, a space for each;
    None where it has any other mark, which may mean something, or begins with one."""
    return _words(_usual(text))


def _usual(text: str) -> str:
    letters = "".join(map(_letter, unicodedata.normalize("NFC", text)))
    return " ".join(letters.split()).casefold()


def _letter(character: str) -> str:
    """A letter or digit as it is usually written; a mark as it is: "…" is no three dots."""
    if unicodedata.category(character) == "Cf":
        return ""  # no width, no meaning
    usual = unicodedata.normalize("NFKC", character)
    return usual if usual.isalnum() or usual.isspace() else character


def _address(written: str) -> Licence | None:
    if found := _CREATIVE_COMMONS_ADDRESS.fullmatch(written):
        return _CODES.get(found["code"])
    if found := _RIGHTS_STATEMENTS_ADDRESS.fullmatch(written):
        return _RIGHTS_STATEMENTS.get(found["code"])
    if found := _SPDX_ADDRESS.fullmatch(written):
        return _expression(found["id"])
    return next((licence for known, licence in _ADDRESSES if known.fullmatch(written)), None)


def _expression(written: str) -> Licence | None:
    """What an SPDX expression says: of an OR the part that permits more, of an AND both."""
    from license_expression import ExpressionError, ParseError

    # The parser lets an operator stand at the end, as in "MIT or": that is no expression.
    if not re.fullmatch(rf"\(*{_ID}\)*(?: (?:and|or|with) \(*{_ID}\)*)*", written):
        return None
    try:
        parsed = _spdx().parse(written, validate=True, strict=True)
    except (ExpressionError, ParseError):
        return None
    return _of_expression(parsed) if parsed is not None else None


_ID = r"[a-z0-9.+-]+"


@cache
def _spdx() -> Any:
    """The list of SPDX identifiers, which takes a moment to read."""
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _of_expression(parsed: Any) -> Licence | None:
    from license_expression import LicenseSymbol

    if isinstance(parsed, LicenseSymbol):
        return _identifier(str(parsed.key))
    parts = [_of_expression(part) for part in parsed.args]
    known = [part for part in parts if part is not None]
    if parsed.operator.strip() == "OR":
        return min(known, key=_restrictions, default=None)
    if len(known) < len(parts):  # one of the licences that hold together is not known to permit
        return None
    return Licence(
        all(part.permits for part in known),
        any(part.non_commercial for part in known),
        any(part.no_derivatives for part in known),
    )


def _restrictions(licence: Licence) -> int:
    return 4 * (not licence.permits) + 2 * licence.no_derivatives + licence.non_commercial


def _identifier(key: str) -> Licence | None:
    if key in _OPEN_IDENTIFIERS:
        return OPEN
    if found := re.fullmatch(r"CC-(BY(?:-[A-Z]{2})*)-\d\.\d(?:-[A-Z]+)?", key):
        code = found[1].lower()
        # BY-SA-2.0-UK reads as by-sa, BY-3.0-DE as by: the country stands after the version.
        return _CODES.get(code)
    return None


def _name(written: str, *, family_follows: bool = False) -> Licence | None:
    words = _words(written)
    if words is None:
        return None
    if words in _NAMES:
        return _NAMES[words]
    found = _CREATIVE_COMMONS_NAME.fullmatch(words)
    if found is None:
        return None
    # "by" and "Attribution" alone are words; it takes the family's name, or the full title.
    if not (found["family"] or family_follows or (found["version"] and found["port"])):
        return None
    code = found["code"].strip()
    for element, pattern in _ELEMENTS.items():
        code = re.sub(rf"\b{pattern}(?= |$)", f"<{element}>", code)
    return _CODES.get("-".join(re.findall(r"<([a-z]{2})>", code)))


def _words(written: str) -> str | None:
    if not re.match(r"[(\w]", written) or ".." in written:
        return None
    plain = []
    for character in written:
        if character in " -_–‐‑./,:()'’":
            plain.append(" ")
            continue
        letter = unicodedata.normalize("NFKD", character)[0]
        if not letter.isalnum():
            return None
        plain.append(letter)
    return " ".join("".join(plain).split())

"""What a cell says: yes or no, a day, a price, a number that is a name."""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from typing import Any

from lookweave.sources.column_names import CURRENCIES, words

_NO = words(
    """
    no n not false f off none null nil nan na n/a nothing never nein falsch keine kein nie
    non faux aucun jamais falso ninguno nessuno mai nee onwaar geen nooit nej não nao nie
    nem ne нет ложь いいえ 否 不 아니요
    """
)
_YES = words(
    """
    yes y true t x on ok ja wahr j oui vrai o si sì sí s vero verdadero waar sim sic da tak
    да はい 是 예
    """
)
_TICKS = frozenset("✓✔☑✅×✗✘☒")
_WITHDRAWN = words(
    """
    withdrawn removed deleted unpublished revoked retracted blocked banned suppressed hidden
    inactive disabled draft archived private offline trash rejected expired restricted
    gesperrt zuruckgezogen zurueckgezogen geloscht geloescht entfernt inaktiv entwurf
    archiviert deaktiviert retire supprime inactif brouillon archive retirado eliminado
    inactivo borrador archivado ritirato rimosso eliminato inattivo bozza archiviato
    ingetrokken verwijderd inactief concept gearchiveerd
    """
)
_WITHDRAWN_PHRASES = (
    "taken down", "take down", "takedown", "do not publish", "do not use", "not published",
    "not publishable", "opted out", "opt out", "nicht veroffentlichen", "ne pas publier",
    "no publicar", "non pubblicare", "niet publiceren", "legal hold", "on hold",
)  # fmt: skip
_MONTHS = {
    name: number
    for number, said in enumerate(
        (
            "jan january januar janvier enero ene gennaio gen januari",
            "feb february februar fevrier febrero febbraio februari",
            "mar march marz maerz mars marzo maart mrt",
            "apr april avril abril abr aprile",
            "may mai mayo maggio mag mei",
            "jun june juni juin junio giugno giu",
            "jul july juli juillet julio luglio lug",
            "aug august aout agosto ago augustus",
            "sep sept september septembre septiembre settembre set",
            "oct october oktober okt octobre octubre ottobre ott",
            "nov november novembre noviembre",
            "dec december dezember dez decembre diciembre dic dicembre",
        ),
        start=1,
    )
    for name in said.split()
}
_FROM = words(
    """
    from since as of on by after effective starting until till at the ab am seit vom bis zum
    a partir du de depuis le au jusqu desde el hasta dal dall il fino al vanaf sinds per op
    tot utc z gmt t
    """
)
_SHORT_DECIMALS = re.compile(r"(?P<whole>\d[\d.,\s'’]*?)(?:[.,](?P<cents>\d{1,2}))?")
_SYMBOLS = {"€": "EUR", "£": "GBP", "zł": "PLN", "₹": "INR", "₩": "KRW", "₺": "TRY", "₽": "RUB"}


def as_text(value: object) -> str:
    """A cell as text: a whole number without decimals, a spreadsheet's ``="00123"`` as 00123."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(as_text(each) for each in value if each is not None)
    text = str(value).strip()
    if formula := re.fullmatch(r'=\s*"(.*)"', text):
        return formula[1].strip()
    if re.fullmatch(r"'[\d.,+-]+", text):
        return text[1:]  # the apostrophe that keeps a spreadsheet from reading a number
    return text


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet has written a long number as ``4.06E+12``: its digits are lost."""
    return re.fullmatch(r"\d[.,]\d+E\+?\d+", text) is not None


def is_no(value: object) -> bool:
    """Whether a cell is a plain no: empty, zero, a dash, or no in one of several languages."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return not value or value != value
    text = _bare(value)
    return not text or text in _NO or re.fullmatch(r"[0.,]+", text) is not None


def is_yes(value: object) -> bool:
    """Whether a cell is a plain yes and says nothing more."""
    if isinstance(value, bool | int | float):
        return value == 1
    text = str(value).strip()
    return text in _TICKS or _bare(value) in _YES or _bare(value) in {"1", "1.0", "1,0"}


def is_withdrawn(value: object) -> bool:
    """Whether the cell of a status says that the article or photo is not, or no longer, shown."""
    said = _words(str(value))
    text = " ".join(said)
    return (len(said) <= 3 and bool(_WITHDRAWN & set(said))) or any(
        re.search(rf"\b{phrase}\b", text) for phrase in _WITHDRAWN_PHRASES
    )


def _bare(value: object) -> str:
    """Text without case and without the marks around it: ``'0``, ``False.``, ``—``, ``#N/A``."""
    text = unicodedata.normalize("NFKC", str(value)).casefold().strip()
    if re.fullmatch(r"-\d+([.,]\d+)?", text):
        return text
    return text.strip(" '\"’`.;:,!?#*_-–—‒−()[]\u200b\ufeff\u00a0")


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in folded if unicodedata.category(each) != "Mn")
    return re.findall(r"[^\W_]+", plain)


def day(value: object) -> datetime.date | None:
    """The one day that a cell names, alone or after a word such as "from"; None: it does not.

    Where day and month could be either way round, the earlier day is taken.
    """
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    days, rest = _days(text)
    if len(days) != 1 or set(_words(rest)) - _FROM:
        return None
    return days[0]


_ISO = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}\S*)?")
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_SHORT = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?!\d)(?: \d{1,2}:\d{2}\S*)?")
_WORDED = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|\.|º)?[ -]+(?:de )?([^\W\d_]{3,})\.?,?[ -]+(?:de )?(\d{4})"
)
_AMERICAN = re.compile(r"\b([^\W\d_]{3,})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")


def _days(text: str) -> tuple[list[datetime.date], str]:
    """The days that a text names, and what is left of it."""
    for pattern, order in (
        (_ISO, "ymd"),
        (_COMPACT, "ymd"),
        (_WORDED, "dby"),
        (_AMERICAN, "bdy"),
        (_SHORT, "?"),
    ):
        found = list(pattern.finditer(text))
        if not found:
            continue
        days = [day for match in found if (day := _day(match.groups(), order)) is not None]
        return days, pattern.sub(" ", text)
    return [], text


def _day(parts: tuple[str, ...], order: str) -> datetime.date | None:
    if order == "?":
        one, other, year = (int(part) for part in parts)
        year += 2000 if year < 100 else 0
        either = [_date(year, other, one), _date(year, one, other)]
        return min((each for each in either if each is not None), default=None)
    said = dict(zip(order, parts, strict=True))
    month = _MONTHS.get("".join(_words(said["b"]))) if "b" in said else int(said["m"])
    return _date(int(said["y"]), month or 0, int(said["d"]))


def _date(year: int, month: int, number: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, number)
    except ValueError:
        return None


def parse_price(value: object) -> float | None:
    """A price as a number: ``"€ 1.299,00"`` -> 1299.0; None where it says no one price.

    The last separator starts the decimals when one or two digits follow it; a separator before
    three digits groups thousands, whichever it is.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    text = str(value).strip()
    if re.fullmatch(r"\d+\.\d{4,}|\d+(\.\d+)?[eE][+-]?\d+", text):
        number = float(text)  # written by a program
        return number if math.isfinite(number) else None
    numbers = re.findall(r"\d[\d.,'’\u00a0\u202f ]*", text)
    if len(numbers) != 1 or re.search(r"-\s*\d", text):
        return None
    digits = numbers[0].strip(" .,'’\u00a0\u202f")
    match = _SHORT_DECIMALS.fullmatch(digits)
    if match is None:
        return None
    groups = re.split(r"[.,'’\s]", match["whole"])
    if any(len(group) != 3 for group in groups[1:]):
        return None
    return float("".join(groups) + "." + (match["cents"] or "0"))


def currency(value: object) -> str | None:
    """The currency that a cell names without doubt: ``"12,50 EUR"`` -> EUR; ``$`` is of many."""
    text = str(value)
    for word in re.findall(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])", text):
        if word.casefold() in CURRENCIES:
            return str(word.upper())
    return next((code for symbol, code in _SYMBOLS.items() if symbol in text), None)


def is_number(value: object) -> bool:
    """Whether a cell is a number and nothing else."""
    if isinstance(value, int | float):
        return True
    return re.fullmatch(r"\d+(\.\d+)?", str(value).strip()) is not None


def storable(value: Any) -> Any:
    """A cell as JSON can hold it; None where it says nothing.

    Dates and decimals become text, NaN and null nothing, infinities text.
    """
    if isinstance(value, str):
        return value.strip() or None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): storable(each) for key, each in value.items()} or None
    if isinstance(value, list | tuple):
        return [storable(each) for each in value] or None
    return str(value)

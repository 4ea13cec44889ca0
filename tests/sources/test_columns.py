"""Names of columns, and what rights and takedowns in them mean."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from lookweave.errors import InputError
from lookweave.publish.rights import RightsRules, Standing
from lookweave.sources import column_names, values
from lookweave.sources.column_table import renew
from lookweave.sources.columns import plain_name, understand
from lookweave.sources.rows import RowSays, row_says
from lookweave.sources.source import ProductFacts

TODAY = datetime.date(2026, 6, 15)
DOCS = Path(__file__).parents[2] / "docs/catalogues.md"


def says(kind: str = "look", **cells: Any) -> RowSays:
    return row_says(kind, cells, understand(kind, ["path", *cells]), TODAY)


def test_the_page_has_every_name() -> None:
    page = DOCS.read_text("utf-8")
    assert renew(page) == page, "python -m lookweave.sources.column_table docs/catalogues.md"


def test_every_name_is_written_as_it_is_compared() -> None:
    for table in (column_names.PICTURES, column_names.FIELDS, column_names.RIGHTS):
        for words in table.values():
            assert all(plain_name(name) == name for name in column_names.names(words))


def test_no_name_of_rights_is_a_name_of_something_else() -> None:
    rights = {each for words in column_names.RIGHTS.values() for each in column_names.names(words)}
    others = {
        each
        for table in (column_names.PICTURES, column_names.FIELDS)
        for words in table.values()
        for each in column_names.names(words)
    }
    assert not rights & others
    assert not rights & column_names.NOT_RIGHTS


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (" Image URL", "image_url"), ("imagePath", "image_path"), ("Größe", "grosse"),
        ("GRÖSSE", "grosse"), ("Référence", "reference"), ("taken down?", "taken_down"),
        ("dc:rights", "dc_rights"), ("Image-Src", "image_src"), ("imageURL", "image_url"),
        ("作者", "作者"), ("SKU", "sku"), ("Año\u200b", "ano"),
    ],
)  # fmt: skip
def test_plain_name(written: str, plain: str) -> None:
    assert plain_name(written) == plain


RIGHTS = (
    "rights", "Usage Rights", "licence", "License", "copyright", "Copyright Notice",
    "rights_statement", "dc:rights", "dcterms:rights", "xmpRights:UsageTerms", "usage_terms",
    "license_url", "licence_name", "image_license", "photo_rights", "Rights Status", "permission",
    "Terms of use", "publication rights", "Nutzungsrechte", "Lizenz", "Urheberrecht", "Droits",
    "licencia", "derechos", "licenza", "diritti", "Rechten", "licentie", "rights (2)",
    "rights 2", "licence_1", "Usage Terms (en)", "product_image_rights", "Nutzungsrecht",
)  # fmt: skip


@pytest.mark.parametrize("column", RIGHTS)
def test_every_column_of_rights_counts(column: str) -> None:
    assert says(**{column: "no publication", "license": "cc0"}).rights in (
        ("no publication", "cc0"), ("no publication",), ("cc0",),
    )  # fmt: skip
    assert "no publication" in says(**{column: "no publication"}).rights


TAKEDOWNS = (
    "taken_down", "Taken down", "taken-down", "TakenDown", "take_down", "takedown_date",
    "is_taken_down", "taken down?", "withdrawn", "unpublish", "do_not_publish", "Don't publish",
    "deleted", "opt_out", "optOut", "removed", "removed_at", "photo_removed", "hidden", "revoked",
    "consent withdrawn", "DMCA", "gesperrt", "zurückgezogen", "gelöscht", "retiré", "retirado",
    "ritirato", "ingetrokken", "image_taken_down", "was_withdrawn",
    "taken_down (yes/no)", "gesperrt (ja/nein)", "takedown_flag", "Sperrvermerk", "Retiré le",
    "ritirato il", "takendown", "pulled_at", "GDPR request", "product_photo_removed",
)  # fmt: skip


@pytest.mark.parametrize("column", TAKEDOWNS)
def test_every_column_of_takedowns_counts(column: str) -> None:
    assert says(**{column: "yes", "removed from": "x"}).takedowns == (f"{column}: yes",)
    assert says(**{column: "no"}).takedowns == ()


def test_infinities_and_nan_are_no_facts() -> None:
    cells = {"sku": float("inf"), "gtin": float("nan"), "price": float("-inf"), "title": "Inf"}
    facts = says("garment", **cells).facts
    assert facts == ProductFacts(title="Inf")


def test_all_columns_are_heard_not_the_first() -> None:
    said = says(rights="cc0", licence="no publication", taken_down="no", removed="yes")
    assert said.rights == ("cc0", "no publication")
    assert said.takedowns == ("removed: yes",)


NO = (
    "no", "NO", "n", "false", "False.", "false;", "f", "0", "0.0", "0,00", "0.00", "'0", "off",
    "none", "NULL", "nan", "n/a", "#N/A", "-", "—", "–", " ", "nein", "non", "FALSCH", "FAUX",
    "falso", "nee", "нет", "いいえ", "否", "Nein!", False, 0, 0.0,
)  # fmt: skip
YES = (
    "yes", "TRUE", "1", "1.0", "ja", "oui", "sí", "x", "✓", "☑", "WAHR", "2024-05-01", "removed",
    "no, must go", "see mail", True, 1, 1.0, "15.06.2026", "2026-06-15T08:00:00Z", "1 May 2026",
    "seit 01.02.2024", "45413", "03/04/2026",
)  # fmt: skip


@pytest.mark.parametrize("value", NO)
def test_plain_no(value: object) -> None:
    assert says(taken_down=value).takedowns == ()


@pytest.mark.parametrize("value", YES)
def test_anything_else_is_a_takedown(value: object) -> None:
    assert says(taken_down=value).takedowns
    assert says(taken_down=value).takedown_due is None


@pytest.mark.parametrize(
    "value",
    ["2026-06-16", "16.06.2026", "from 2026-06-16", "ab 16.06.2026", "16 June 2026",
     "June 16, 2026", "16. Juni 2026", "16 de junio de 2026", "20260616", "2026-06-16 00:00:00"],
)  # fmt: skip
def test_takedown_of_a_day_to_come_is_due_then(value: str) -> None:
    said = says(takedown_date=value, withdrawn="2027-01-01")
    assert said.takedowns == ()
    assert said.takedown_due == datetime.date(2026, 6, 16)
    then = row_says(
        "look", {"takedown_date": value}, understand("look", ["path", "takedown_date"]),
        datetime.date(2026, 6, 16),
    )  # fmt: skip
    assert then.takedowns == (f"takedown_date: {value}",)


def test_day_or_month_the_earlier_counts() -> None:
    assert values.day("07/06/2026") == datetime.date(2026, 6, 7)
    assert values.day("06/07/2026") == datetime.date(2026, 6, 7)
    assert values.day("31/12/2026") == datetime.date(2026, 12, 31)
    assert values.day("99/99/2026") is None
    assert values.day("removed, see 2027-01-01") is None
    assert says(taken_down="removed, see 2027-01-01").takedowns


def test_values_that_are_not_understood_are_told() -> None:
    assert says(taken_down="open").unclear == ("taken_down: open",)
    assert says(taken_down="yes", removed="2020-01-01", takedown_reason="by mail").unclear == ()


@pytest.mark.parametrize(
    ("column", "value", "down"),
    [
        ("published", "no", True), ("published", "false", True), ("Published", "-1", True),
        ("published", "TRUE", False), ("published", "2024-01-01", False),
        ("published", "2027-01-01", True), ("active", "0", True), ("active", "nein", True),
        ("active", "yes", False), ("enabled", 0, True), ("product_online", "2", True),
        ("product_online", "1", False), ("status", "withdrawn", True), ("Status", "draft", True),
        ("status", "active", False), ("status", "new", False), ("status", "Taken down", True),
        ("status", "gelöscht", True), ("aktiv", "nein", True),
    ],
)  # fmt: skip
def test_columns_that_say_it_the_other_way_round(column: str, value: object, down: bool) -> None:
    assert bool(says(**{column: value}).takedowns) is down


RULES = RightsRules()


@pytest.mark.parametrize(
    ("column", "value", "standing"),
    [
        ("permission", "yes", Standing.UNKNOWN), ("permission", "no", Standing.FORBIDDEN),
        ("copyright", "yes", Standing.UNKNOWN), ("license", "yes", Standing.UNKNOWN),
        ("internal_only", "yes", Standing.FORBIDDEN), ("confidential", "x", Standing.FORBIDDEN),
        ("editorial use only", "1", Standing.FORBIDDEN),
        ("rights_until", "2026-06-14", Standing.FORBIDDEN),
        ("embargo_until", "2026-06-16", Standing.FORBIDDEN), ("embargo", "yes", Standing.FORBIDDEN),
    ],
)  # fmt: skip
def test_what_publishing_makes_of_a_statement(column: str, value: str, standing: Standing) -> None:
    rights = says(**{column: value}).rights
    assert len(rights) == 1
    assert RULES.judge(rights[0]).standing is standing


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("internal_only", "no"),
        ("embargo_until", "2026-06-15"),
        ("embargo", "nein"),
        ("rights_until", "2026-06-15"),
        ("rights_until", "unlimited"),
        ("credit", "P. P."),
        ("copyright_holder", "Maison"),
        ("rights_owner", "Maison"),
    ],
)
def test_what_restricts_nothing(column: str, value: str) -> None:
    assert says(**{column: value}).rights == ()


@pytest.mark.parametrize(
    "column",
    ["rights_de_luxe", "permission given by", "Publish where", "usage in china", "gdpr", "legal",
     "expiry", "blocked in", "allowed countries", "rechte dritter"],
)  # fmt: skip
def test_columns_that_sound_like_rights_are_warned_of(column: str) -> None:
    assert understand("look", ["path", column]).suspicious == [column]


@pytest.mark.parametrize(
    "column",
    ["credit line", "publisher", "publication_date", "copyright year", "title", "option", "Brand",
     "released", "description", "Backorders allowed?"],
)  # fmt: skip
def test_columns_that_do_not_sound_like_rights(column: str) -> None:
    assert understand("garment", ["path", column]).suspicious == []


def test_named_columns() -> None:
    found = understand("garment", ["Nr", "Pic", "x"], {"sku": "nr", "image": "Pic", "rights": "x"})
    assert (found.facts["sku"], found.pictures[0].column, found.rights) == (
        ["Nr"], "Pic", {"x": "rights"},
    )  # fmt: skip
    with pytest.raises(InputError, match="no field 'skew'"):
        understand("garment", ["Nr"], {"skew": "Nr"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123.0, "123"), (7, "7"), ("00123", "00123"), ('="00123"', "00123"), ("'00123", "00123"),
        (1.5, "1.5"), (" x ", "x"), (["a", "b"], "a, b"), (True, "true"),
    ],
)  # fmt: skip
def test_numbers_that_are_names(value: object, text: str) -> None:
    assert values.as_text(value) == text


@pytest.mark.parametrize(
    ("text", "currency"),
    [("12,50 EUR", "EUR"), ("€ 5", "EUR"), ("chf 5.-", "CHF"), ("$5", None), ("5", None)],
)
def test_currency(text: str, currency: str | None) -> None:
    assert values.currency(text) == currency

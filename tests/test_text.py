"""What leaves for terminal, CSV, JSON and HTML is harmless there, and nothing of it is lost."""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookweave.text import csv_cell, csv_value, html, to_json, visible, write_csv

ANY_TEXT = st.text(st.characters())  # surrogates and control characters too


@given(ANY_TEXT)
def test_nothing_on_a_terminal_acts(text: str) -> None:
    shown = visible(text, one_line=True)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(one) for one in shown} & {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Robe à fleurs 👗", "Robe à fleurs 👗"),
        ("esc\x1b[31mred\x1b[2J", r"esc\x1b[31mred\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("over\rwritten", r"over\x0dwritten"),
        ("\udcff.jpg", r"\udcff.jpg"),
    ],
)
def test_what_a_terminal_shows(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_cell_is_one_line() -> None:
    assert visible("a\nb\tc", one_line=True) == r"a\nb\tc"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n")))
def test_a_csv_cell_is_no_formula_and_gives_its_text_back(text: str) -> None:
    cell = csv_cell(text)
    assert isinstance(cell, str)
    number = cell.strip("+-.,%").replace(".", "").replace(",", "").replace("e", "")
    if not number.replace("+", "").replace("-", "").isdecimal():
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert csv_value(cell) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("  =1+1", "'  =1+1"),
        ("＝1+1", "'＝1+1"),
        ("-9.90", "-9.90"),
        ("+49 30 12", "'+49 30 12"),
        ("a\x1b[2J\x00\r\nb\udcff", "a\\x1b[2J\\x00\nb\\udcff"),
        ("'t Hof", "''t Hof"),
        (None, ""),
        (math.nan, ""),
        (-1.5, -1.5),
        (["a", "=b"], '["a", "=b"]'),
    ],
)
def test_cells(value: object, cell: object) -> None:
    assert csv_cell(value) == cell


def test_rows_come_back_from_the_file() -> None:
    rows = [{"name": "=1+1", "note": "a;=2\nb,c", "n": 3}, {"name": "x\udcff", "n": 0.5}]
    file = io.StringIO(newline="")
    assert write_csv(file, ["name", "note", "n"], rows) == 2
    file.seek(0)
    back = list(csv.DictReader(file))
    assert [csv_value(row["name"]) for row in back] == ["=1+1", "x\\udcff"]
    assert back[0]["note"] == "a;=2\nb,c" and back[1]["note"] == "" and back[0]["n"] == "3"
    assert '"a;=2' in file.getvalue()  # quoted: no semicolon begins a cell of its own


@dataclass
class Something:
    path: Path
    share: float


def test_json_that_every_reader_takes() -> None:
    value = {
        "nan": math.nan, "inf": [math.inf, -math.inf], "one": np.float32(0.5), "array": np.arange(2),
        "when": datetime(2026, 1, 2, tzinfo=UTC), "what": Something(Path("a/b"), math.nan), 3: True,
        "name": "\udcff ä",
    }  # fmt: skip
    text = to_json(value)

    def refuse(name: str) -> object:
        raise AssertionError(name)

    assert json.loads(text.encode(), parse_constant=refuse) == {
        "nan": None, "inf": [None, None], "one": 0.5, "array": [0, 1],
        "when": "2026-01-02T00:00:00+00:00", "what": {"path": "a/b", "share": None}, "3": True,
        "name": "\udcff ä",
    }  # fmt: skip
    assert to_json("ä") == '"ä"' and to_json("ä", ascii_only=True) == '"\\u00e4"'


@given(ANY_TEXT)
def test_html_holds_the_text_and_no_tag(text: str) -> None:
    tags: list[str] = []
    data: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert dict(attrs) == {"title": visible(text)}

        def handle_data(self, part: str) -> None:
            data.append(part)

    reader = Reader()
    reader.feed(f'<p title="{html(text)}">{html(text)}')
    reader.close()
    assert tags == ["p"] and "".join(data) == visible(text)

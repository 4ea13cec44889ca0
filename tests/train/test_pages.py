"""The pages of the small models say what their records say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lookweave.models.embedded.cards import WEIGHTS
from lookweave.train.failures import failures_lines
from lookweave.train.head_page import HEADS, head_page

PAGES = Path(__file__).parents[2] / "docs/models"


@pytest.mark.parametrize("name", HEADS)
def test_a_page_is_what_its_record_gives(name: str) -> None:
    record = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    page = PAGES / f"{name}.md"
    assert page.read_text(encoding="utf-8") == head_page(record, failures_lines(page))

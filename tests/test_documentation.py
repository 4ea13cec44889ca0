"""What the pages at the root promise: links that lead somewhere, verbs and names that exist.

Links inside docs/ are held by `make docs`, which fails on a broken one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

import lookweave
from lookweave.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    lost = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not lost


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_verb_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    verbs = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^\s*lookweave ([a-z][a-z-]+)", text, re.M))
    named |= set(re.findall(r"`lookweave ([a-z][a-z-]+)", text))
    assert named <= verbs


def test_the_python_of_the_readme_names_what_there_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"\blookweave\.([a-z_]+)\(", text):
        assert name in lookweave.__all__
    for name in re.findall(r"\bworkspace\.([a-z_]+)\(", text):
        assert hasattr(lookweave.Workspace, name)

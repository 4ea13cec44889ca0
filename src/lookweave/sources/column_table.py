"""The page of column names: `python -m lookweave.sources.column_table docs/catalogues.md`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from lookweave.sources import column_names

BEGIN, END = "<!-- names begin -->", "<!-- names end -->"

_MEANINGS = {
    "image": "main picture; a second one is a further picture",
    "variant_image": "the variant's own picture",
    "smaller_image": "a small copy, used where no larger picture is named",
    "additional_image": "further pictures",
    "swatch_image": "a patch of the cloth or colour",
    "worn_image": "the article as somebody wears it",
    "sku": "the article's number", "gtin": "the number under its bar code",
    "title": "its name", "brand": "its brand", "style": "what its variants share",
    "colour": "its colour", "size": "its size", "category": "the catalogue's own category",
    "price": "its price", "currency": "the price's currency", "url": "its page",
    "season": "season (looks)", "photographer": "photographer (looks)",
    "shoot": "what photos of one shoot share (looks)",
    "rights": "a statement of rights",
    "restricted": "yes: a restriction of this name",
    "taken_down": "yes, or a day: taken down, from that day",
    "published": "no: taken down",
    "status": "withdrawn, removed, draft, archived and the like: taken down",
    "expires": "the last day of the rights",
    "embargo": "yes, or a day to come: not to be published until then",
}  # fmt: skip


def markdown() -> str:
    """One table for pictures, facts and rights each."""
    parts = []
    for title, table in (
        ("Pictures", column_names.PICTURES),
        ("Facts", column_names.FIELDS),
        ("Rights and takedowns", column_names.RIGHTS),
    ):
        parts += [f"### {title}", "", "| Field | Means | Names |", "|---|---|---|"]
        parts += [
            f"| `{field}` | {_MEANINGS[field]} | {_said(words)} |" for field, words in table.items()
        ]
        parts.append("")
    return "\n".join(parts)


def _said(words: Mapping[str, str]) -> str:
    return "<br>".join(
        f"{column_names.LANGUAGES[language]}: {', '.join(said.split())}"
        for language, said in words.items()
    )


def renew(page: str) -> str:
    """A page with its table as the code has it now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.write_text(renew(where.read_text("utf-8")), "utf-8")

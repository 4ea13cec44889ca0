"""What a browser would make of the page: its tags, its text and the counts it marks."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from PIL import Image

_VOID = {"meta", "link", "img", "input", "br", "rect", "line", "circle", "path"}


class ReportPage(HTMLParser):
    """Parses a report; `text` is what is read, `counts` the numbers by their `data-count`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.counts: dict[str, int] = {}
        self.open: list[str] = []
        self._counting: str | None = None
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag not in _VOID:
            self.open.append(tag)
        self._counting = attributes.get("data-count", self._counting)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes what is not open"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            return
        self.words.append(data)
        if self._counting and data.strip():
            self.counts[self._counting] = int("".join(data.split()))
            self._counting = None

    def images(self) -> list[Image.Image]:
        """Every picture of the page, decoded."""
        found = []
        for image in self.of("img"):
            head, _, body = image["src"].partition(",")
            assert head == "data:image/webp;base64"
            picture = Image.open(BytesIO(base64.b64decode(body, validate=True)))
            picture.load()
            found.append(picture)
        return found

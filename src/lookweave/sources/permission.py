"""What a server says of who may take its photos: robots.txt and headers that opt out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from protego import Protego

ROBOT = "lookweave"
"""The name under which robots.txt and X-Robots-Tag may speak of us."""

OPT_OUT = ("noai", "noimageai", "noindex", "noimageindex")
"""Directives of X-Robots-Tag that say no to a data set."""

MOST_BYTES = 1_000_000
"""Of a robots.txt. RFC 9309, 2.5 asks for half of it at least."""

_OF_A_ROBOT = re.compile(r"^\s*([\w.*-]+)\s*:(?!//)\s*(.*)$")
_WITH_A_VALUE = {"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"}


class Robots:
    """A robots.txt, of RFC 9309 and with the wishes that are common beside it.

    Args:
        content: of the file; b"" where the server has none.
    """

    def __init__(self, content: bytes) -> None:
        self._rules = Protego.parse(content.decode("utf-8", errors="replace"))

    def allows(self, address: str) -> bool:
        """Whether we may fetch this address."""
        return bool(self._rules.can_fetch(address, ROBOT))

    @property
    def delay(self) -> float:
        """Seconds that the server wishes between two requests; 0 where it says nothing."""
        delay = float(self._rules.crawl_delay(ROBOT) or 0.0)
        rate = self._rules.request_rate(ROBOT)
        return max(delay, rate.seconds / rate.requests if rate and rate.requests else 0.0)


def opted_out(headers: Iterable[tuple[str, str]], directives: Sequence[str]) -> str | None:
    """The header by which a photo's answer opts out of data sets, as it was sent; None: by none.

    Args:
        headers: names and values, a header that came twice twice.
        directives: those of X-Robots-Tag that count, in lower case. With any, TDM-Reservation
            counts too (the W3C community group's TDM Reservation Protocol).
    """
    if not directives:
        return None
    for name, value in headers:
        lowered = name.lower()
        if lowered == "tdm-reservation" and value.strip() == "1":
            return f"{name}: {value.strip()}"
        if lowered == "x-robots-tag" and _directives(value) & set(directives):
            return f"{name}: {value.strip()}"
    return None


def _directives(value: str) -> set[str]:
    """Those for everybody and for us: a robot's name stands before what is for it alone."""
    found: set[str] = set()
    counts = True
    for piece in value.lower().split(","):
        said = piece.strip()
        named = _OF_A_ROBOT.match(said)
        if named and named[1] not in _WITH_A_VALUE:
            counts, said = named[1] in (ROBOT, "*"), named[2].strip()
        if counts:
            found.add("noindex" if said == "none" else said)
    return found

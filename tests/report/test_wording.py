from __future__ import annotations

import pytest

from lookweave.report.wording import count, duration, share, things


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (9999, "9999"), (10_000, "10\u202f000"), (1234567, "1\u202f234\u202f567")],
)
def test_count(value: int, said: str) -> None:
    assert count(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1.0, "100 %")],
)
def test_share_never_rounds_to_certainty(value: float, said: str) -> None:
    assert share(value).replace("\u202f", " ") == said


def test_share_with_a_digit() -> None:
    assert share(0.1834, 1).replace("\u202f", " ") == "18.3 %"
    assert share(0.9999, 1).replace("\u202f", " ") == "> 99.9 %"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (75, "75 s"), (600, "10 min"), (10_800, "3.0 h")]
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_things() -> None:
    assert things(1, "look") == "1 look"
    assert things(0, "is", "are") == "0 are"

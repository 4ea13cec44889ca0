"""What catalogues' words say of a garment."""

from __future__ import annotations

import pytest

from lookweave.taxonomy import sold_as


@pytest.mark.parametrize(
    ("category", "title", "said"),
    [
        ("dress", "", "dress"),
        ("Dresses", "Shirt", "dress"),
        ("Apparel & Accessories > Clothing > Pants", "", "trousers"),
        ("Women/Knit tops", "", "top"),
        ("New in", "Striped Shirt Dress with Belt", "dress"),
        ("", "Denim jacket over a dress", "jacket"),
        ("", "LEINENHOSE", None),
        ("", "Jeans mit Hemd", "jeans"),
        ("", "T-Shirt, grün", "top"),
        ("", "Top and skirt", None),
        ("Sets", "Suit trousers", "trousers"),
        ("", "", None),
        ("Tops > Skirts", "", "skirt"),
    ],
)
def test_what_is_sold(category: str, title: str, said: str | None) -> None:
    assert sold_as(category, title) == said

"""A garment of the demo sample, and concepts for it, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

import lookweave.demo

GARMENTS = Path(lookweave.demo.__file__).parent / "sample" / "garments"


@pytest.fixture(scope="session")
def photo() -> Path:
    return GARMENTS / "lw-00012.jpg"


@pytest.fixture(scope="session")
def worn(photo: Path) -> Any:
    from lookweave.studio.shoot.record import Garment

    return (Garment(photo=str(photo)),)


@pytest.fixture(scope="session")
def known(worn: Any) -> Any:
    from lookweave.studio.direction.garment_facts import all_facts

    return all_facts(worn)

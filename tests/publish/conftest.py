"""Fixtures: workspaces to publish, how tests publish them, and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.publish.shop import SHAPE, Publisher, Shop

from lookweave.config import Config
from lookweave.progress import Progress
from lookweave.publish import Options, publish
from lookweave.store.workspace import Workspace


@pytest.fixture(scope="session")
def first_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("first") / "shop")
    for (tier, split), count in SHAPE.items():
        for index in range(count):
            made.couple(f"{tier}-{split}-{index}", tier, split)
    return made


@pytest.fixture
def shop(tmp_path: Path, first_shop: Shop) -> Shop:
    """A shop of the shape `SHAPE`, a test's own."""
    return Shop(tmp_path / "shop", like=first_shop)


@pytest.fixture
def empty_shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


@pytest.fixture
def publish_shop() -> Publisher:
    """Publish a shop: ``publish_shop(shop, to, snapshot=None, **options)``."""

    def run(
        shop: Shop, to: Path | str, snapshot: str | None = None, **options: Any
    ) -> dict[str, Any]:
        with Progress(quiet=True) as progress:
            return publish(
                Workspace.open(shop.workspace.path), Config(), str(to),
                snapshot=snapshot, progress=progress, options=Options(**options),
            )  # fmt: skip

    return run


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may ask the network, nor leave a cache in the home folder."""
    import datasets

    cache = tmp_path / "cache"
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(cache))

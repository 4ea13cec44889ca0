"""A client to be killed: describes crops one batch after another until it is done or dies.

Run as ``python interrupted_client.py URL CACHE COUNT``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from conftest import solid_crops
from lookweave.config import Vlm
from lookweave.models.vlm.cards import CARDS, configure
from lookweave.models.vlm.describer import VlmDescriber


def main(url: str, cache: str, count: str) -> None:
    settings = Vlm(
        url=url, model="fake-vlm", cache=Path(cache), concurrency=6, backoff=0.01, scenes=False
    )
    describer = VlmDescriber(configure(CARDS[0], settings))
    print(len(describer.describe(solid_crops(int(count)))))
    describer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Every benchmark by the name that `lookweave benchmark` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lookweave.benchmark import (
    consumer_to_shop,
    deepfashion2,
    dress_code,
    garments2look,
    in_shop,
    lookbench,
    lrvsf,
    street2shop,
    truth_folder,
    viton_hd,
)
from lookweave.benchmark.content import Benchmark
from lookweave.errors import InputError

READERS: dict[str, Callable[[Path], Benchmark]] = {
    "deepfashion2": deepfashion2.read,
    "in-shop": in_shop.read,
    "consumer-to-shop": consumer_to_shop.read,
    "dress-code": dress_code.read,
    "viton-hd": viton_hd.read,
    "street2shop": street2shop.read,
    "lookbench": lookbench.read,
    "lrvs-f": lrvsf.read,
    "garments2look": garments2look.read,
    "folder": truth_folder.read,
}


def read_benchmark(name: str, root: Path) -> Benchmark:
    """Read a benchmark's lists; no photo is opened.

    Raises:
        InputError: there is no benchmark of this name, or a part of it is missing or not as it
            should be.
    """
    reader = READERS.get(name)
    if reader is None:
        raise InputError(f"There is no benchmark {name!r}. Known: {', '.join(READERS)}.")
    return reader(root)

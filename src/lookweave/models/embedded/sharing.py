"""What the embedded describer and encoder share: the network that both stand on, and within a build
what the describer saw of each region, so that the encoder need not look twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from lookweave.models.details import Whitening
from lookweave.models.embedded.describer_head import DescriberHead
from lookweave.models.embedded.features import ImageTower

Numbers = tuple[float, ...]

_lock = threading.RLock()
_heads: WeakValueDictionary[tuple[object, ...], DescriberHead] = WeakValueDictionary()
_builds: list[list[DescriberHead]] = []
"""The heads that each build in this process has used: they live until it ends."""


@contextmanager
def one_build() -> Iterator[None]:
    """Within the block the encoder recalls what the describer saw; at its end all of it is gone.

    While two builds run in one process nothing is recalled: a region of the one may bear the name
    of another's.
    """
    heads: list[DescriberHead] = []
    with _lock:
        _builds.append(heads)
        _recall_within_one_build()
    try:
        yield
    finally:
        with _lock:
            _builds[:] = [others for others in _builds if others is not heads]
            for head in heads:
                head.recalls(False)
            _recall_within_one_build()


def shared_head(
    encoder: Path, side: int, mean: Numbers, std: Numbers, describer: Path, encoder_sha256: str
) -> DescriberHead:
    """The head of these weights that is in use in this process, or a new one.

    Args:
        encoder, side, mean, std: weights, input size and levels of the image tower.
        describer, encoder_sha256: weights of the head, and the encoder that they stand on.

    Raises:
        ModelError: weights are missing, broken or do not go together.
    """
    made_of = (encoder, side, mean, std, describer, encoder_sha256)
    with _lock:
        head = _heads.get(made_of)
        if head is None:
            whitening = Whitening.read(encoder.with_name("details.npz"), encoder_sha256)
            tower = ImageTower(encoder, side, mean, std, whitening)
            head = DescriberHead(describer, encoder_sha256, tower)
            _heads[made_of] = head
        for heads in _builds:
            heads.append(head)
        _recall_within_one_build()
        return head


def _recall_within_one_build() -> None:
    for heads in _builds:
        for head in heads:
            head.recalls(len(_builds) == 1)

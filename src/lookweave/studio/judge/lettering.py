"""Words printed on a garment: read in its photo and in the picture, and compared.

The reader is RapidOCR (PP-OCR on onnxruntime, its weights in the package), extra ``[judge]``.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.studio.judge.rows import Measure, measured, unmeasured

_SURE = 0.6  # of a line
_LEAST_LETTERS = 3
_PROBE = "lettering"
_UNIT = "letters that differ, share of all"


def words_on(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[str, ...] | None:
    """Lines of at least three letters on the garment, top to bottom; None without a reader."""
    reader = _reader()
    if reader is None:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    cut = photo[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = reader(np.ascontiguousarray(cut[..., ::-1]))  # it expects BGR
    if found.txts is None:
        return ()
    lines = [
        (float(box[:, 1].mean()), text.strip())
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        if score >= _SURE and sum(map(str.isalnum, text)) >= _LEAST_LETTERS
    ]
    return tuple(text for _, text in sorted(lines))


def row(
    name: str, asked: tuple[str, ...] | None, picture: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> Measure:
    """How much of the photo's lettering the picture still shows."""
    probe = f"{name}, {_PROBE}"
    if asked is None:
        note = "reading needs the extra [judge]: pip install 'lookweave[judge]'"
        return unmeasured("garments", probe, _UNIT, note)
    if not asked:
        return unmeasured("garments", probe, _UNIT, "no lettering was read on the photo")
    got = words_on(picture, mask) or ()
    return measured("garments", probe, _UNIT, list(asked), list(got), distance(asked, got))


def distance(asked: tuple[str, ...], got: tuple[str, ...]) -> float:
    """Levenshtein's distance of all letters, case and spaces aside, as a share of the longer."""
    from rapidfuzz.distance import Levenshtein

    one, other = ("".join("".join(lines).casefold().split()) for lines in (asked, got))
    return float(Levenshtein.normalized_distance(one, other))


@cache
def _reader() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError:
        return None
    reader = RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": False})
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return reader

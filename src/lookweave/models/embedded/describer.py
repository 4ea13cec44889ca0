"""The embedded describer: what can be said without a vision-language model."""

from __future__ import annotations

from pathlib import Path

from lookweave.models import colour
from lookweave.models.card import Card
from lookweave.models.framing import cut
from lookweave.models.protocols import Crop, Description
from lookweave.taxonomy import CATEGORIES

_SPOKEN_SHARE = 0.2  # colours below this share of the surface are left out of the caption


class EmbeddedDescriber:
    """Category from the detector's opinion, colours measured in the mask, a plain caption.

    It says nothing of pattern, material, sleeve, length or neckline: those attributes stay
    unknown and weigh on no match.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        return [self._one(crop) for crop in crops]

    def _one(self, crop: Crop) -> Description:
        shares = colour.named_shares(colour.samples(*cut(crop)))
        attributes = {"colours": shares}
        words = [name for name, share in _largest(shares) if share >= _SPOKEN_SHARE][:2]
        thing = "garment"
        if crop.label_scores is not None:
            scores = dict(zip(CATEGORIES, crop.label_scores.tolist(), strict=True))
            attributes["category"] = scores
            thing = _largest(scores)[0][0]
        caption = " and ".join(words or [_largest(shares)[0][0]]) + f" {thing}"
        return Description(attributes, caption)


def _largest(shares: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: -item[1])

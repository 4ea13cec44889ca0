"""The embedded describer: what can be said without a vision-language model."""

from __future__ import annotations

from pathlib import Path

from lookweave.models import colour
from lookweave.models.card import Card
from lookweave.models.embedded.head import SLEEVED
from lookweave.models.embedded.sharing import shared_head
from lookweave.models.protocols import Crop, Description, Vectors
from lookweave.taxonomy import CATEGORIES

_SURE_SLEEVE = 0.7


class EmbeddedDescriber:
    """Category and sleeve from the encoder's features, the mask's outline and the detector's
    opinion, colours measured in the mask, a plain caption.

    It says nothing of pattern, material, length or neckline: those attributes stay unknown and
    weigh on no match.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None or card.input_size is None:
            raise ValueError(f"the card {card.name} lacks weights or input size")
        settings = card.settings
        self._head = shared_head(
            card.weights.with_name(settings["encoder"]),
            card.input_size[0],
            tuple(settings["mean"]),
            tuple(settings["std"]),
            card.weights,
            settings["encoder_sha256"],
        )

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        """One description for each crop."""
        if not crops:
            return []
        known = self._head.analyse(crops, keep=True)
        return [
            _description(*one)
            for one in zip(known.categories, known.long_sleeved, known.surfaces, strict=True)
        ]


def _description(categories: Vectors, long_sleeved: float, surface: colour.Surface) -> Description:
    shares = colour.named_shares(surface)
    attributes = {
        "category": dict(zip(CATEGORIES, categories.tolist(), strict=True)),
        "colours": shares,
    }
    thing = CATEGORIES[int(categories.argmax())]
    words = [name for name, share in _largest(shares) if share >= colour.SPOKEN_SHARE][:2]
    said = [" and ".join(words or [_largest(shares)[0][0]])]
    if thing in SLEEVED:
        sleeve = {"short": 1.0 - float(long_sleeved), "long": float(long_sleeved)}
        attributes["sleeve"] = sleeve
        said += [f"{name}-sleeved" for name in sleeve if sleeve[name] >= _SURE_SLEEVE]
    return Description(attributes, " ".join([*said, thing]))


def _largest(shares: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: -item[1])

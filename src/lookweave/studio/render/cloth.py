"""What a cloth is: its print, its weave, and how it takes the light."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fabric:
    """Cloth by the metre."""

    pattern: str = "plain"  # taxonomy word
    motif: str = ""  # what exactly: "breton", "tartan", "pin dot", ...
    material: str = "cotton"  # taxonomy word
    weave: str = "jersey"
    colours: tuple[tuple[float, float, float], ...] = ((0.5, 0.5, 0.5),)
    scale: float = 0.12  # metres per repeat of the pattern
    seed: int = 0
    wash: float = 0.0  # denim: how faded

    @property
    def gloss(self) -> float:
        """Strength of the sheen, 0..1."""
        table = {"leather": 0.5, "silk": 0.26, "synthetic": 0.4, "sequin": 0.9, "wool": 0.0}
        return table.get(self.material, 0.06)

    @property
    def metal(self) -> float:
        """How far highlights take the cloth's colour."""
        return {"silk": 0.3, "sequin": 0.9, "leather": 0.1}.get(self.material, 0.0)

    @property
    def relief(self) -> float:
        """Depth of the weave in the light."""
        return {
            "knit": 0.55, "cable": 0.85, "rib": 0.8, "denim": 0.22, "leather": 0.25, "tweed": 0.35,
            "corduroy": 0.8, "sequin": 0.3, "satin": 0.03, "poplin": 0.06, "fleece": 0.15,
        }.get(self.weave, 0.10)  # fmt: skip

    @property
    def fold(self) -> float:
        """How strongly it folds: silk and poplin crease, knit and leather less."""
        return {
            "satin": 0.62, "poplin": 0.55, "jersey": 0.5, "denim": 0.34, "leather": 0.42,
            "knit": 0.24, "cable": 0.18, "rib": 0.2, "tweed": 0.26, "fleece": 0.36, "sequin": 0.3,
            "nylon": 0.5, "corduroy": 0.28,
        }.get(self.weave, 0.4)  # fmt: skip

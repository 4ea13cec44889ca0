"""What makes pictures from a guide: one protocol for every backend, and the embedded one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lookweave.models.protocols import Pixels
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.record import Shoot

if TYPE_CHECKING:
    from lookweave.studio.judge.rows import Measure

Obedience = Literal["exact", "guided", "prompted", "ignored"]
OBEDIENCE: tuple[Obedience, ...] = ("exact", "guided", "prompted", "ignored")
CONTROLS = ("garments", "wearer", "pose", "camera", "scene", "light", "style", "text")
"""What a card must speak of."""


@dataclass(frozen=True)
class GeneratorCard:
    """What a backend is.

    Attributes:
        name: how a person asks for it.
        controls: control -> how it obeys: ``exact`` (the picture shows the stated values),
            ``guided`` (a layer of the guide steers it), ``prompted`` (words only), ``ignored``.
        licence: SPDX name of what it is made of, or words.
        licence_date: when that licence was read, ISO; "" where nobody read it.
        memory_mb: what one picture of 512 x 768 takes, about; 0 where nobody looked.
        source_type: IPTC DigitalSourceType of its pictures.
        notes: what else a person must know of a control.
        good_for: one line for `lookweave models`.
        source: where its weights come from: ``package``, ``hub:OWNER/NAME``, ``path``, ``server``.
        references: the pictures that it is given, in the order that the model weighs them, of
            `references.KINDS`; a kind may stand for several pictures.
        most_references: how many pictures it takes; 0 for none.
        needs: Python packages that must be installed.
        ai_system: what a picture's metadata names as the AI that made it; "" for none.
        commercial: the licence allows trade.
        settings: what else shapes its pictures; another value makes another shoot.
        offered_by: the installed package that the card came with; "" for Lookweave's own.
        price_request: what one try of one picture costs, beside tokens; 0 where nobody said.
    """

    name: str
    controls: Mapping[str, Obedience]
    licence: str
    licence_date: str
    memory_mb: int
    source_type: str
    notes: Mapping[str, str] = field(default_factory=dict)
    good_for: str = ""
    source: str = "package"
    references: tuple[str, ...] = ()
    most_references: int = 0
    needs: tuple[str, ...] = ()
    ai_system: str = ""
    commercial: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    offered_by: str = ""
    price_request: float = 0.0

    def missing(self) -> str | None:
        """Why it cannot be used here, as a sentence; None when what it needs is installed.

        Weights of a hub are not looked for.
        """
        for module in self.needs:
            if importlib.util.find_spec(module) is None:
                return f"the Python package {module} is not installed"
        return None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name, "controls": dict(self.controls), "notes": dict(self.notes),
            "licence": self.licence, "licence_date": self.licence_date,
            "commercial": self.commercial, "memory_mb": self.memory_mb, "source": self.source,
            "references": list(self.references), "most_references": self.most_references,
            "settings": dict(self.settings),
        }  # fmt: skip


@dataclass(frozen=True)
class Turned:
    """A picture that was made and turned away.

    Attributes:
        reason: a slug, such as ``moved``.
        detail: a sentence that says what was found.
        seed: what it was made from.
    """

    reason: str
    detail: str
    seed: int


@dataclass(frozen=True)
class Pictures:
    """Pictures of one shoot: uint8 sRGB (H, W, 3) each, and what they were made from.

    Attributes:
        images: what may be shown; empty when all were turned away.
        card: of the backend.
        rows: what the backend measured itself, a tuple of `probes.Measure` for each image.
        turned: what was made and may not be shown.
        prompt: the words that the model was given; "" for none.
    """

    images: tuple[Pixels, ...]
    card: GeneratorCard
    rows: tuple[tuple[Measure, ...], ...] = ()
    turned: tuple[Turned, ...] = ()
    prompt: str = ""


class Generator(Protocol):
    """A backend."""

    @property
    def card(self) -> GeneratorCard:
        """What it is."""
        ...

    def generate(self, shoot: Shoot, guide: Guide) -> Pictures:
        """Pictures of `shoot`, every value of which is stated, steered by `guide`.

        Raises:
            WorkError: the backend cannot work, now or at all; a picture that came out wrong is
                no error but in `Pictures.turned`.
        """
        ...


def reject(name: str, shoot: Shoot, given: Pictures) -> dict[str, Any]:
    """The row of a picture that was turned away at every try, for ``shoot.json``."""
    return {
        "file": name, "digest": shoot.digest(),
        "tries": [
            {"reason": one.reason, "detail": one.detail, "seed": one.seed} for one in given.turned
        ],
    }  # fmt: skip


def nothing_left(card: GeneratorCard, rejects: Sequence[Mapping[str, Any]], record: Path) -> str:
    """What to say when every picture was turned away."""
    tries = [one for row in rejects for one in row["tries"]]
    last = f" The last: {tries[-1]['detail']}" if tries else ""
    return (
        f"{card.name} made no picture that may be shown: {len(rejects)} were turned away.{last} "
        f"{record} has the reasons; try another seed, or --backend embedded."
    )


COMPOSITE = GeneratorCard(
    name="embedded",
    controls={
        "garments": "exact", "wearer": "exact", "pose": "exact", "camera": "exact",
        "scene": "exact", "light": "exact", "style": "exact", "text": "ignored",
    },
    licence="Apache-2.0",
    licence_date="2026-11-30",
    memory_mb=1100,
    source_type="compositeSynthetic",
    notes={
        "garments": "the front is the photograph's own pixels; sides and back are continued, and "
        "marked as invented in the guide's confidence",
        "wearer": "a drawn adult; a photo of a real person is not used",
        "light": "of a plate, a guess where nothing is stated",
        "text": "only what became a control (shown as the parse); the rest is for other backends",
    },
    good_for="the garment's own pixels on a rendered person; needs no weights and no network",
)  # fmt: skip


class Compositor:
    """The embedded backend: the guide's composite, developed as a photograph."""

    card = COMPOSITE

    def generate(self, shoot: Shoot, guide: Guide) -> Pictures:
        """One picture; equal shoots give equal pictures."""
        if guide.shoot.size != shoot.size:
            raise ValueError(f"the guide is of {guide.shoot.size}, the shoot of {shoot.size}")
        return Pictures((photograph(guide),), self.card)

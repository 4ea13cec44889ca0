"""What makes pictures from a guide: one protocol for every backend, and the embedded one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from lookweave.models.protocols import Pixels
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.record import Shoot

Obedience = Literal["exact", "guided", "prompted", "ignored"]


@dataclass(frozen=True)
class GeneratorCard:
    """What a backend is.

    Attributes:
        name: how a person asks for it.
        controls: control -> how it obeys: ``exact`` (the picture shows the stated values),
            ``guided`` (a layer of the guide steers it), ``prompted`` (words only), ``ignored``.
        licence: SPDX name of what it is made of.
        licence_date: when that licence was read, ISO.
        memory_mb: what one picture of 512 x 768 takes, about.
        source_type: IPTC DigitalSourceType of its pictures.
        notes: what else a person must know of a control.
    """

    name: str
    controls: dict[str, Obedience]
    licence: str
    licence_date: str
    memory_mb: int
    source_type: str
    notes: dict[str, str]


@dataclass(frozen=True)
class Pictures:
    """Pictures of one shoot: uint8 sRGB (H, W, 3) each, and what they were made from."""

    images: tuple[Pixels, ...]
    card: GeneratorCard


class Generator(Protocol):
    """A backend."""

    card: GeneratorCard

    def generate(self, shoot: Shoot, guide: Guide) -> Pictures:
        """Pictures of `shoot`, every value of which is stated, steered by `guide`.

        Raises:
            WorkError: the backend cannot do it.
        """
        ...


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
)  # fmt: skip


class Compositor:
    """The embedded backend: the guide's composite, developed as a photograph."""

    card = COMPOSITE

    def generate(self, shoot: Shoot, guide: Guide) -> Pictures:
        """One picture; equal shoots give equal pictures."""
        if guide.shoot.size != shoot.size:
            raise ValueError(f"the guide is of {guide.shoot.size}, the shoot of {shoot.size}")
        return Pictures((photograph(guide),), self.card)

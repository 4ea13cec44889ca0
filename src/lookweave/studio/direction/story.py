"""Titles, narratives and reasons of concepts, from the dictionary of the trade's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lookweave.studio.direction import trade
from lookweave.studio.direction.garment_facts import Facts, chroma, hue
from lookweave.studio.direction.moodboard import Board
from lookweave.studio.shoot.colours import difference
from lookweave.studio.shoot.record import Point

if TYPE_CHECKING:
    from lookweave.studio.direction.concept import Concept


def told(
    chosen: Sequence[Concept], board: Board, known: Sequence[Facts], seed: int
) -> list[Concept]:
    """`chosen` with titles, of which no two are alike, narratives and reasons."""
    finished: list[Concept] = []
    taken: set[str] = set()
    for number, one in enumerate(chosen):
        rng = np.random.default_rng([seed, number, *b"title"])
        title = _title(one, board, rng, taken)
        taken.add(title)
        finished.append(
            one.model_copy(
                update={
                    "title": title, "narrative": _narrative(one, board, known),
                    "why": _reasons(one, known),
                }
            )
        )  # fmt: skip
    return finished


def _title(one: Concept, board: Board, rng: np.random.Generator, taken: set[str]) -> str:
    places = trade.of("scenes", one.scene.name or "").get("nouns", ["The Place"])
    lights = trade.of("lights", one.light_name).get("nouns", ["As Lit"])
    eras = [f"{word.name}: " for word in board.eras[:1]]
    options = [
        *places, *(f"{place}, {light}" for place in places for light in lights),
        *(f"{era}{place}" for era in eras for place in places),
    ]  # fmt: skip
    order = rng.permutation(len(options))
    for k in order:
        if options[k] not in taken:
            return str(options[k])
    return f"{options[0]} {len(taken) + 1}"


def _narrative(one: Concept, board: Board, known: Sequence[Facts]) -> tuple[str, str]:
    place = trade.of("scenes", one.scene.name or "").get("line", "A photographed place")
    light = trade.of("lights", one.light_name).get("line", "the light as the board has it")
    first = f"{place}; {light}."
    worn = " and ".join(f"the {fact.words()}" for fact in known)
    does = [trade.pose_line(pose.name) for pose in one.poses[:2] if pose.name]
    style = ", ".join(word.name for word in (*board.eras[:1], *board.styles[:2]))
    second = f"Someone in {worn} {', then '.join(does)}" + (f": {style}." if style else ".")
    return first, second


def _reasons(one: Concept, known: Sequence[Facts]) -> tuple[str, ...]:
    reasons = [_colours_apart(known[-1], one.palette)] if one.palette else []
    for fact in known:
        data = trade.of("garments", fact.category)
        shared = [pose.name for pose in one.poses if pose.name in data.get("poses", ())]
        if shared:
            reasons.append(f"{', '.join(str(n) for n in shared)}: {data['why']}")
        else:
            reasons.append(f"none of its poses is usual for {fact.category}: look at the cut first")
    soft, level = one.light.softness or 0.0, known[-1].colours[0][0][0]
    if level < 30 and (one.light.rim or 0) >= 0.4:
        reasons.append("a rim of light draws the outline of a dark garment")
    elif level < 30 and soft > 0.6 and (one.light.key_to_fill or 0) < 1:
        reasons.append("soft light keeps a dark garment dark: folds will hardly show")
    elif soft < 0.35:
        reasons.append("hard light shows folds and the weave")
    else:
        reasons.append("soft light leaves the print and the colour as they are")
    return tuple(reasons)


def _colours_apart(garment: Facts, palette: Sequence[Point]) -> str:
    """How the garment's main colour stands to the palette."""
    own = garment.colours[0][0]
    gaps = difference(np.array(palette), np.array(own))
    far = palette[int(np.argmax(gaps))]
    name, other = trade.colour_name(own), trade.colour_name(far)
    if chroma(own) > 15 and chroma(far) > 15:
        turn = abs((hue(own) - hue(far) + 180) % 360 - 180)
        kind = "opposite hues" if turn > 130 else "a related hue" if turn < 45 else "a third hue"
        return f"{name} against {other}: {kind}, {turn:.0f}° apart"
    gap = abs(own[0] - far[0])
    if gap > 25:
        return f"{name} against {other}: {gap:.0f} of 100 apart in lightness, so it stands off"
    return f"{name} with {other}: close in tone, the cut must carry the picture"

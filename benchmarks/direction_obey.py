"""Do concepts obey their board? Boards of known dials, against the same boards shuffled.

Each board is two rendered pictures (their records hidden) with a palette, a light, a place and a
pose drawn by number, and words for place and pose; every second one also says the light in words.
One concept of each is rendered, in another garment. "Beyond shuffled" is the difference to the
mean over all other boards; intervals by bootstrap over boards.

python benchmarks/direction_obey.py WORK [--boards 40] [--size 128 192]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import lookweave.demo
from lookweave.models.colour import to_lab
from lookweave.studio.direction import measure
from lookweave.studio.direction.concept import conceive, palette_distance
from lookweave.studio.direction.garment_facts import all_facts
from lookweave.studio.direction.moodboard import Board, make_board
from lookweave.studio.direction.shotlist import shot_list
from lookweave.studio.render.draw import Renderer
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot import fit
from lookweave.studio.shoot.choose import CALM, chosen
from lookweave.studio.shoot.generator import Compositor
from lookweave.studio.shoot.guide import guide
from lookweave.studio.shoot.light import LIGHTS, stated
from lookweave.studio.shoot.record import Camera, Garment, Light, Pose, Scene, Shoot, Style

GARMENTS = Path(lookweave.demo.__file__).parent / "sample" / "garments"
SHOWN, WORN = "lw-00006.jpg", "lw-00012.jpg"
POSES = (*CALM, "dancing", "leaning", "arms up")
PLACES = {"studio": "white studio", "coloured studio": "coloured studio", "street": "street",
          "interior": "living room", "beach": "beach", "night": "at night", "runway": "runway",
          "garden": "garden"}  # fmt: skip


def drawn(number: int) -> dict[str, Any]:
    rng = np.random.default_rng([number, 26])
    hue = rng.uniform(0, 360)
    palette = []
    for k in range(4):
        angle, chroma = np.radians(hue + rng.normal(0, 25) + 180 * (k % 2)), rng.uniform(12, 48)
        palette.append(
            (
                float(rng.uniform(25, 85)),
                float(chroma * np.cos(angle)),
                float(chroma * np.sin(angle)),
            )
        )
    name = list(LIGHTS)[number % len(LIGHTS)]
    light = {**LIGHTS[name], "azimuth": LIGHTS[name]["azimuth"] * rng.choice([-1, 1])}
    return {
        "palette": palette, "light_name": name, "light": light, "scene": SCENES[int(rng.integers(8))],
        "pose": POSES[int(rng.integers(len(POSES)))], "said": bool(number // len(LIGHTS) % 2),
    }  # fmt: skip


def picture(renderer: Renderer, shoot: Shoot, fitted: Any) -> tuple[Any, Any]:
    seen = guide(renderer, chosen(shoot, 0, fitted), fitted)
    return Compositor().generate(seen.shoot, seen).images[0], seen


def turn(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--boards", type=int, default=40)
    parser.add_argument("--size", type=int, nargs=2, default=(128, 192))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    begin = time.process_time()
    renderer = Renderer()
    shown, worn = (Garment(photo=str(GARMENTS / name)) for name in (SHOWN, WORN))
    fits = [[fit.fit(renderer, one, given.work / "fitted")] for one in (shown, worn)]
    known = all_facts([worn])
    dials, boards, shots = [], [], []
    for number in range(given.boards):
        dial = drawn(number)
        files = []
        for k, crop in enumerate(("full", "three-quarter")):
            shoot = Shoot(
                garments=(shown,), pose=Pose(name=dial["pose"]), camera=Camera(crop=crop, head=False),
                scene=Scene(name=dial["scene"]), light=Light(**dial["light"]),
                style=Style(palette=tuple(dial["palette"])), size=tuple(given.size), seed=number * 2 + k,
            )  # fmt: skip
            files.append(given.work / f"board-{number:02d}-{k}.png")
            Image.fromarray(picture(renderer, shoot, fits[0])[0]).save(files[-1])
        words = f"{dial['pose']}, {PLACES[dial['scene']]}"
        if dial["said"]:
            words += f", {dial['light_name']}"
        board = make_board(files, words)
        found = conceive(board, (worn,), known, count=1, seed=number)
        listed = shot_list(found.concepts[0], (worn,), ["dress"], tuple(given.size), ["opener"])
        image, seen = picture(renderer, listed.shots[0].shoot, fits[1])
        Image.fromarray(image).save(given.work / f"shot-{number:02d}.png")
        lab = to_lab(image.reshape(-1, 3)[::3]).astype(float)
        dials.append(dial)
        boards.append(board)
        shots.append(
            {"palette": [c for c, _ in measure.palette(lab)], "light": stated(seen.lighting),
             "guess": measure.guessed_light(image).azimuth, "scene": seen.shoot.scene.name,
             "pose": seen.shoot.pose.name, "poses": [p.name for p in found.concepts[0].poses]}
        )  # fmt: skip
        print(number, dial["scene"], dial["pose"], dial["light_name"], "->", shots[-1]["scene"],
              shots[-1]["pose"], round(shots[-1]["light"]["azimuth"]), flush=True)  # fmt: skip

    def measured(board: Board) -> list[Any]:
        return [one.lab for one in board.palette if one.how == "measured"]

    def guess(board: Board) -> float:
        values = [one.light.azimuth for one in board.lights if one.how == "guessed"]
        return float(np.mean([v for v in values if v is not None] or [0.0]))

    n = given.boards
    said = np.array([d["said"] for d in dials])
    everyone = np.ones(n, bool)
    tables: dict[str, tuple[Any, Any, bool]] = {
        "reading: board's palette to the dial's, CIEDE2000": (
            lambda i, j: palette_distance(measured(boards[i]), dials[j]["palette"]), everyone, False),
        "reading: guessed side of the key to the dial's, degrees": (
            lambda i, j: turn(guess(boards[i]), dials[j]["light"]["azimuth"]), everyone, False),
        "shot's palette to the board's, CIEDE2000": (
            lambda i, j: palette_distance(shots[i]["palette"], measured(boards[j])), everyone, False),
        "shot's key to the dial's, degrees, light said": (
            lambda i, j: turn(shots[i]["light"]["azimuth"], dials[j]["light"]["azimuth"]), said, False),
        "shot's key to the dial's, degrees, light guessed": (
            lambda i, j: turn(shots[i]["light"]["azimuth"], dials[j]["light"]["azimuth"]), ~said, False),
        "shot's key to the board's lights (nearest), degrees": (
            lambda i, j: min(turn(shots[i]["light"]["azimuth"], one.light.azimuth)
                             for one in boards[j].lights if one.light.azimuth is not None), everyone, False),
        "place hit": (lambda i, j: float(shots[i]["scene"] == dials[j]["scene"]), everyone, True),
        "pose hit, opener": (lambda i, j: float(shots[i]["pose"] == dials[j]["pose"]), everyone, True),
        "pose hit, any of the concept's": (
            lambda i, j: float(dials[j]["pose"] in shots[i]["poses"]), everyone, True),
    }  # fmt: skip
    rng = np.random.default_rng(0)
    out = {}
    for name, (value, where, rate) in tables.items():
        places = np.flatnonzero(where)
        table = np.array([[value(i, j) for j in places] for i in places])
        own = np.diag(table)
        others = (table.sum(1) - own) / (len(places) - 1)
        draws = rng.integers(len(places), size=(4000, len(places)))
        centre = np.mean if rate else np.median

        def interval(values: Any, by: Any, draws: Any = draws) -> list[float]:
            return [
                round(float(v), 3) for v in np.percentile(by(values[draws], axis=1), [2.5, 97.5])
            ]

        out[name] = {
            "n": len(places), "own": round(float(centre(own)), 3), "own_interval": interval(own, centre),
            "shuffled": round(float(np.mean(others) if rate else np.median(others)), 3),
            "difference": round(float(np.mean(own - others)), 3),
            "difference_interval": interval(own - others, np.mean),
        }  # fmt: skip
        print(name, json.dumps(out[name]))
    print(f"{time.process_time() - begin:.0f} processor seconds")
    (given.work / "obey.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()

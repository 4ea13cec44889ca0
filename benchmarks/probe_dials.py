"""Probes against the renderer's own dials: does each see its dial, and only its own?

    python benchmarks/probe_dials.py WORK [--values 6]

Three garments of the demo sample are photographed while one dial at a time runs through its
range. Printed are Spearman's correlations of dial and reading, the median over the garments, as a
table dial x probe (own: at least .9 in size; others: at most .2), and the median error of each
probe over all pictures: its floor, which `studio/judge/rows.py` holds.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, stats

import lookweave.demo
from lookweave.studio.judge import identity, shading
from lookweave.studio.judge.composition import measures
from lookweave.studio.judge.pictures import own_of
from lookweave.studio.judge.table import look_at, probed
from lookweave.studio.render.draw import Renderer
from lookweave.studio.shoot import fit, record
from lookweave.studio.shoot.choose import chosen
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.generator import COMPOSITE
from lookweave.studio.shoot.guide import guide

GARMENTS = Path(lookweave.demo.__file__).parent / "sample" / "garments"
NUMBERS = (12, 19, 6)
DIALS = {
    "light azimuth": (-80.0, 80.0), "light elevation": (0.0, 70.0), "light key to fill": (-0.5, 3.0),
    "light mired": (130.0, 320.0), "contrast": (-0.3, 0.7), "vignette": (0.0, 0.7),
    "grain": (0.0, 12.0), "cloth lightness": (0.6, 1.25), "cloth blur": (0.0, 4.0),
    "camera azimuth": (-25.0, 25.0),
}  # fmt: skip
PROBES = {
    "light azimuth": "light azimuth", "light elevation": "light elevation",
    "light key to fill": "light key to fill", "light mired": "light mired",
    "contrast": "contrast", "vignette": "vignette", "grain": "grain",
    "cloth lightness": "colour L*", "cloth blur": "texture, 1 pixel",
}  # fmt: skip
"""Dial -> the probe that is its own."""


def base(garment: record.Garment, seed: int) -> record.Shoot:
    return record.Shoot(
        garments=(garment,), size=(256, 384), seed=seed, pose=record.Pose(name="contrapposto", yaw=0.0),
        camera=record.Camera(azimuth=0.0, crop="three-quarter", height=1.1, field_of_view=20.0),
        scene=record.Scene(name="studio"),
        light=record.Light(azimuth=50.0, elevation=30.0, key_to_fill=1.4, kelvin=5500.0, softness=0.4, rim=0.0),
        style=record.Style(grade="clean", contrast=0.1, grain=3.0, vignette=0.1),
    )  # fmt: skip


def turned(
    shoot: record.Shoot, fitted: fit.Fitted, dial: str, value: float
) -> tuple[record.Shoot, fit.Fitted]:
    if dial.startswith("cloth"):
        texture = fitted.texture.copy()
        if dial == "cloth lightness":  # square roots of linear colour
            texture[..., :3] = np.clip(texture[..., :3] * value, 0, 255).astype(np.uint8)
        else:
            texture[..., :3] = ndimage.gaussian_filter(
                texture[..., :3].astype(float), (value, value, 0)
            )
        return shoot, replace(fitted, key=f"{fitted.key} {dial} {value}", texture=texture)
    control, _, field = dial.partition(" ")
    if control in ("contrast", "vignette", "grain"):
        control, field = "style", control
    field = field.replace(" ", "_")
    if field == "mired":
        field, value = "kelvin", 1e6 / value
    old = getattr(shoot, control)
    return shoot.model_copy(update={control: old.model_copy(update={field: value})}), fitted


def readings(look: Any) -> dict[str, float | None]:
    found, seen = look.light, look.garment(0)
    told = found is not None and not found.even
    strong = told and not found.frontal
    bands = identity.bands(seen.picture, seen.mask, min(160.0, float(np.sqrt(seen.mask.sum()))))
    taken = measures(look.picture, look.clothes)
    unlit = identity.median(seen.unlit[seen.inner])
    return {
        "light azimuth": found.azimuth if told else None,
        "light elevation": found.elevation if told else None,
        "light key to fill": found.key_to_fill if strong else None,
        "light mired": shading.mired(found.kelvin) if told else None,
        "contrast": look.finish.contrast, "vignette": look.finish.vignette,
        "grain": None, "colour L*": float(unlit[0]), "texture, 1 pixel": float(bands[0, 0]),
        "sharpness": taken.sharpness, "clipped": taken.clipped,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--values", type=int, default=6)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    drawing = Renderer()
    errors: dict[str, list[float]] = {}
    series: dict[str, dict[str, list[float]]] = {dial: {} for dial in DIALS}
    for place, number in enumerate(NUMBERS):
        garment = record.Garment(photo=str(GARMENTS / f"lw-{number:05d}.jpg"))
        fitted = fit.fit(drawing, garment, given.work / "fitted")
        own = own_of(garment)
        for dial, (low, high) in DIALS.items():
            asked, got = np.linspace(low, high, given.values), []
            for value in asked:
                shoot, worn = turned(base(garment, place), fitted, dial, float(value))
                shown = guide(drawing, chosen(shoot, 0, [worn]), [worn])
                picture = photograph(shown)
                look = look_at(shown, picture, COMPOSITE.controls)
                row = readings(look)
                rows = probed(shown, picture, [own], COMPOSITE.controls)
                for one in rows:
                    if one.probe == "grain":
                        row["grain"] = float(one.got)
                    if (
                        one.error is not None
                        and one.how == "measured"
                        and not dial.startswith("cloth")
                    ):
                        errors.setdefault(one.probe.removeprefix("garment 1, "), []).append(
                            one.error
                        )
                got.append(row)
            for probe in got[0]:
                there = [
                    (a, row[probe])
                    for a, row in zip(asked, got, strict=True)
                    if row[probe] is not None
                ]
                if len(there) < 4 or len({round(float(b), 6) for _, b in there}) < 2:
                    continue
                rho = stats.spearmanr(*zip(*there, strict=True)).statistic
                series[dial].setdefault(probe, []).append(float(rho))
            print(number, dial, flush=True)
    table = {
        d: {p: round(float(np.median(v)), 2) for p, v in row.items()} for d, row in series.items()
    }
    probes = list(dict.fromkeys(p for row in table.values() for p in row))
    print("\n| dial | " + " | ".join(probes) + " |\n|---|" + "---|" * len(probes))
    for dial, row in table.items():
        cells = [
            ("**{:.2f}**" if PROBES.get(dial) == p else "{:.2f}").format(row[p])
            if p in row
            else "-"
            for p in probes
        ]
        print(f"| {dial} | " + " | ".join(cells) + " |")
    floors = {name: round(float(np.median(values)), 3) for name, values in errors.items()}
    spread = {
        name: [round(float(v), 3) for v in np.percentile(values, [25, 75])]
        for name, values in errors.items()
    }
    print("\nmedian errors over", max(map(len, errors.values())), "pictures:")
    for name, value in floors.items():
        print(f"  {name}: {value} (quartiles {spread[name][0]} to {spread[name][1]})")
    (given.work / "dials.json").write_text(json.dumps({"table": table, "floors": floors}, indent=1))


if __name__ == "__main__":
    main()

"""How well product photos are fitted, and whether their pictures still show *these* garments.

    python benchmarks/shoot_fit.py PHOTOS --work DIR

Every photo of the folder is fitted (or rejected with its reason) and photographed once, with pose,
place and light drawn by its number. A picture finds its own photo when the embedded encoder's
vector of the garment in the picture is nearest to the photo's among all photos of the folder.
Fits are kept in DIR and a picture that is there is not made again. Prints a table and writes
DIR/result.json; 95% intervals by bootstrap over garments.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lookweave.errors import Rejected
from lookweave.studio.judge.identity import Own, crop, encoded
from lookweave.studio.judge.table import probed
from lookweave.studio.render.draw import Renderer
from lookweave.studio.render.dress import FIRST_GARMENT_ID
from lookweave.studio.shoot import fit, record
from lookweave.studio.shoot.choose import chosen
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.generator import COMPOSITE
from lookweave.studio.shoot.guide import guide
from lookweave.studio.shoot.template import FAMILY


def interval(values: np.ndarray, statistic: Any = np.mean) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(2000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def one(renderer: Renderer, path: Path, number: int, work: Path) -> dict[str, Any]:
    garment = record.Garment(photo=str(path))
    row: dict[str, Any] = {"file": path.name}
    try:
        photo, mask, opinion = fit.cut_out(garment)
        row["said"] = max(opinion, key=lambda name: opinion[name])
        row["vector"] = encoded([crop(photo, mask, "garment")])[0].tolist()
        fitted = fit.fit(renderer, garment, work / "fitted")
    except Rejected as error:
        return {**row, "rejected": error.reason, "detail": error.detail}
    row["fit"] = fitted.report()
    shoot = record.Shoot(garments=(garment,), seed=number)
    begin = time.process_time()
    seen = guide(renderer, chosen(shoot, 0, [fitted]), [fitted])
    picture = photograph(seen)
    row["seconds"] = time.process_time() - begin
    Image.fromarray(picture).save(work / f"{path.stem}.jpg", quality=92)
    rows = probed(seen, picture, [Own(path.name, photo, mask)], COMPOSITE.controls)
    row["table"] = [r.to_dict() for r in rows]
    shown = seen.ids == FIRST_GARMENT_ID
    row["shown"] = encoded([crop(picture, shown, "look")])[0].tolist()
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0, help="of a share of the photos")
    parser.add_argument("--step", type=int, default=1)
    given = parser.parse_args()
    paths = sorted(p for p in given.photos.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    rows_folder = given.work / "rows"
    rows_folder.mkdir(parents=True, exist_ok=True)
    renderer = Renderer()
    for number, path in list(enumerate(paths))[given.first :: given.step]:
        kept = rows_folder / f"{path.stem}.json"
        if not kept.exists():
            row = one(renderer, path, number, given.work)
            kept.write_text(json.dumps(row))
            told = row.get("rejected") or "overlap {overlap:.3f}, {category}".format(**row["fit"])
            print(f"{number} {path.name}: {told}", flush=True)
    there = [rows_folder / f"{path.stem}.json" for path in paths]
    report([json.loads(path.read_text()) for path in there if path.exists()], given.work)


def report(rows: list[dict[str, Any]], work: Path) -> None:
    able = [row for row in rows if row.get("said") in FAMILY or "fit" in row]
    fitted = [row for row in rows if "fit" in row]
    print(
        f"\n{len(rows)} photos, {len(able)} of categories that can be fitted, {len(fitted)} fitted"
    )
    for reason in sorted({row["rejected"] for row in rows if "rejected" in row}):
        names = [row["file"] for row in rows if row.get("rejected") == reason]
        print(f"  rejected, {reason}: {len(names)} ({', '.join(names)})")
    gallery = np.array([row["vector"] for row in rows if "vector" in row])
    place = {row["file"]: n for n, row in enumerate(r for r in rows if "vector" in r)}
    ranks = []
    for row in fitted:
        likeness = gallery @ np.array(row["shown"])
        ranks.append(int((likeness > likeness[place[row["file"]]] + 1e-9).sum()))
    rank = np.array(ranks)
    values = {
        "overlap": np.array([row["fit"]["overlap"] for row in fitted]),
        "overlap before the warp": np.array([row["fit"]["template_overlap"] for row in fitted]),
        "colour error of the fit": np.array([row["fit"]["colour_error"] for row in fitted]),
        "CPU seconds of a fit": np.array([row["fit"]["seconds"] for row in fitted]),
        "CPU seconds of a picture": np.array([row["seconds"] for row in fitted]),
    }
    for probe in ("colour", "colour without light and finish", "likeness"):
        found = [
            r["error"] for row in fitted for r in row["table"]
            if r["probe"] == f"garment 1, {probe}" and r["error"] is not None
        ]  # fmt: skip
        values[f"picture: error of {probe}"] = np.array(found)
    for name, value in values.items():
        low, high = interval(value, np.median)
        print(f"{name}: median {np.median(value):.3f} ({low:.3f} to {high:.3f}), "
              f"worst {value.min():.3f} .. {value.max():.3f}")  # fmt: skip
    summary: dict[str, Any] = {"photos": len(rows), "able": len(able), "fitted": len(fitted)}
    for k in (1, 5):
        low, high = interval((rank < k).astype(float))
        print(
            f"own photo among {len(gallery)}: R@{k} {np.mean(rank < k):.3f} ({low:.2f} to {high:.2f})"
        )
        summary[f"R@{k}"] = float(np.mean(rank < k))
    summary |= {name: float(np.median(value)) for name, value in values.items()}
    (work / "result.json").write_text(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()

"""A workspace drawn and filled in by hand, so that the report is tested without a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lookweave.config import Config
from lookweave.models.cards import resolve
from lookweave.photos import load, thumbnail
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.records import (
    DESCRIPTION,
    GARMENT,
    GROUP,
    LOOK,
    MATCH,
    PAIR,
    REGION,
    REJECT,
    RUN,
    SOURCE,
    embedding_spec,
    file_sha256,
    photo_id,
    region_id,
)
from lookweave.store.workspace import Workspace

COLOURS = {
    "red": (168, 52, 48), "navy": (38, 52, 88), "green": (82, 120, 88), "yellow": (214, 176, 84),
    "pink": (214, 150, 160), "grey": (128, 126, 122), "brown": (116, 84, 62),
    "blue": (104, 142, 184), "orange": (206, 122, 66),
}  # fmt: skip
HOSTILE = "<script>alert('hi')</script> \"&\" <img src=x>"
LOOK_SIZE = (300, 400)
BOX = [96.0, 110.0, 204.0, 230.0]
MATCH_RECIPE, TIER_RECIPE = "match-one", "tier-one"


@dataclass
class Drawn:
    """What was drawn, for tests to compare with."""

    workspace: Workspace
    config: Config
    garments: list[str]
    looks: list[str]
    truth: Path


def drawn_workspace(folder: Path, pairs: int = 9) -> Drawn:
    """Garments and looks in as many colours as there are pairs, all steps filled in.

    Every third pair goes to each tier; garment i matches look i best, look i + 1 second; in
    the low tier half of the pairs are wrong by the truth.
    """
    workspace = Workspace.create(folder / "workspace")
    photos = folder / "photos"
    garments = _photos(workspace, photos, "garment", pairs)
    looks = _photos(workspace, photos, "look", pairs)
    _fill(workspace, garments, looks)
    truth = folder / "truth.csv"
    lines = [
        f"garment-{i}.png,look-{i + 1 if i % 6 == 5 and i + 1 < pairs else i}.png"
        for i in range(pairs)
    ]
    truth.write_text("\n".join(["garment,look", *lines]))
    return Drawn(workspace, Config(), garments, looks, truth)


def _photos(workspace: Workspace, folder: Path, kind: str, number: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_photo(workspace, folder, kind, i) for i in range(number)]
    workspace.table(f"{kind}s").upsert((GARMENT if kind == "garment" else LOOK).table(rows))
    sources = [
        {"kind": kind, "path": row["path"], "name": row["name"], "id": row["id"], "metadata": "{}"}
        for row in rows
    ]
    workspace.table("sources").upsert(SOURCE.table(sources))
    return [str(row["id"]) for row in rows]


def _photo(workspace: Workspace, folder: Path, kind: str, i: int) -> dict[str, object]:
    path = folder / f"{kind}-{i}.png"
    image = _garment(i) if kind == "garment" else _look(i)
    image.save(path)
    sha = file_sha256(path)
    photo = photo_id(sha)
    workspace.keep_thumbnail(photo, thumbnail(load(path), 200))
    row: dict[str, object] = {
        "id": photo, "path": str(path), "name": path.name, "width": image.width,
        "height": image.height, "format": "PNG", "bytes": path.stat().st_size, "sha256": sha,
        "phash": "0" * 16, "rights": None, "taken_down": False, "metadata": "{}",
    }  # fmt: skip
    if kind == "look":
        return {**row, "photographer": f"Photographer {i}", "season": "Spring 2026"}
    title = HOSTILE if i == 0 else f"Shirt {i}"
    return {**row, "sku": f"S{i}", "title": title, "brand": "Drawn & Sons", "product": f"S{i}"}


def _fill(workspace: Workspace, garments: list[str], looks: list[str]) -> None:
    models = resolve("embedded")
    detector, describer, encoder = models.detector, models.describer, models.encoder
    colours = list(COLOURS)
    regions: list[dict[str, object]] = []
    descriptions: list[dict[str, object]] = []
    vectors: list[dict[str, object]] = []
    for kind, photos in (("garment", garments), ("look", looks)):
        for i, photo in enumerate(photos):
            name = region_id(photo, detector.key, 0, kind)
            box = BOX if kind == "look" else [20.0, 20.0, 280.0, 330.0]
            regions.append(
                {"id": name, "subject": photo, "kind": kind, "detector": detector.key, "index": 0,
                 "box": box, "label": "shirt", "score": 0.9, "area": 0.2}
            )  # fmt: skip
            colour = colours[(i + (kind == "look" and i % 4 == 3)) % len(colours)]
            descriptions.append(
                {"subject": name, "model": describer.key, "kind": kind, "category": "shirt",
                 "colours": [colour], "pattern": "plain", "sleeve": "short", "confidence": 0.9}
            )  # fmt: skip
            vector = np.zeros(encoder.dimension or 8, np.float32)
            vector[i % len(vector)] = 1.0
            vectors.append({"subject": name, "kind": kind, "vector": vector})
    workspace.table("regions").upsert(REGION.table(regions))
    workspace.table("descriptions").upsert(DESCRIPTION.table(descriptions))
    noun = embedding_spec(encoder.dimension or 8)
    workspace.embeddings(encoder.key, encoder.dimension or 8).upsert(noun.table(vectors))
    matches: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    for i, garment in enumerate(garments):
        probability = 0.98 - 0.9 * i / len(garments)
        for rank, at in ((1, i), (2, (i + 1) % len(looks))):
            scores = {
                "s_vlm": 0.9 - 0.03 * i, "s_visual": 0.95 - 0.05 * i, "score": 0.93 - 0.04 * i,
                "probability": probability / rank, "calibrated": False,
            }  # fmt: skip
            ids = {
                "garment": garment,
                "look": looks[at],
                "region": region_id(looks[at], detector.key, 0),
            }
            match = {
                "recipe": MATCH_RECIPE,
                "rank": rank,
                "reverse_rank": rank,
                "mutual": rank == 1,
            }
            matches.append({**ids, **scores, **match})
            if rank == 1:
                tier = ("high", "medium", "low")[3 * i // len(garments)]
                pair = {
                    "recipe": TIER_RECIPE, "tier": tier, "group": garment,
                    "split": ("train", "train", "test")[i % 3],
                    "verified_by": ["ana"] if i == 1 else [],
                }  # fmt: skip
                pairs.append({**ids, **scores, **pair})
    workspace.table("matches").upsert(MATCH.table(matches))
    workspace.table("pairs").upsert(PAIR.table(pairs))
    workspace.table("groups").upsert(
        GROUP.table(
            [{"subject": photo, "kind": "look", "group": min(looks[:2]), "how": "same_photo"}
             for photo in looks[:2]]
        )
    )  # fmt: skip
    workspace.table("rejects").upsert(REJECT.table(_rejects(looks)))
    workspace.table("runs").append([RUN.table(_runs())])


def _rejects(looks: list[str]) -> list[dict[str, object]]:
    ingest = Ingest(Setup.of(Config())).recipe
    broken = [
        {"step": "ingest", "recipe": ingest, "subject": f"broken-{i}.jpg", "kind": "look",
         "name": f"broken-{i}.jpg", "reason": "truncated_image", "retry": False,
         "detail": "The file ends too early: copy or download it again."}
        for i in range(8)
    ]  # fmt: skip
    detector = resolve("embedded").detector.key
    unseen = {"step": "detect", "recipe": detector, "subject": looks[-1], "kind": "look",
              "name": "look.png", "reason": "no_garment_found", "retry": False,
              "detail": "The detector saw no garment in this look."}  # fmt: skip
    return [*broken, unseen]


def _runs() -> list[dict[str, object]]:
    began = datetime(2026, 3, 1, 12, tzinfo=UTC)
    steps = ("ingest", "detect", "describe", "embed", "match", "tier")
    recipes = {"match": MATCH_RECIPE, "tier": TIER_RECIPE}
    same = {"read": 18, "written": 17, "rejected": 1, "engine": "local",
            "settings": Config().model_dump_json()}  # fmt: skip
    return [
        {"id": str(i), "step": step, "recipe": recipes.get(step, "1"),
         "started": began + timedelta(minutes=i), "seconds": 2.5 * (i + 1), **same}
        for i, step in enumerate(steps)
    ]  # fmt: skip


def _garment(i: int) -> Image.Image:
    image = Image.new("RGB", (300, 350), (250, 249, 247))
    _shirt(ImageDraw.Draw(image), i, 150, 40, 2.0)
    return image


def _look(i: int) -> Image.Image:
    ground = [(222, 214, 203), (196, 204, 208), (206, 196, 198)][i % 3]
    image = Image.new("RGB", LOOK_SIZE, ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((130, 55, 170, 110), fill=(196, 154, 126))
    draw.rectangle((122, 225, 178, 385), fill=(58, 56, 60))
    _shirt(draw, i, 150, 112, 0.85)
    return image


def _shirt(draw: ImageDraw.ImageDraw, i: int, x: float, y: float, scale: float) -> None:
    outline = [
        (-22, 0), (22, 0), (58, 22), (44, 52), (32, 44), (32, 136), (-32, 136), (-32, 44),
        (-44, 52), (-58, 22),
    ]  # fmt: skip
    colour = list(COLOURS.values())[i % len(COLOURS)]
    draw.polygon([(x + scale * a, y + scale * b) for a, b in outline], fill=colour)

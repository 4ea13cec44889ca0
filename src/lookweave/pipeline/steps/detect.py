"""detect f_OD(l): the garments of each look, and the cut-out of each product photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from lookweave.errors import Rejected
from lookweave.models import protocols as models
from lookweave.models.checks import check_detections
from lookweave.models.cutout import garment_region
from lookweave.models.framing import fitted_side
from lookweave.models.protocols import Detection, Pixels
from lookweave.photos import Photo
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Plan, Step, Worker, outcome, reject_row
from lookweave.pipeline.steps.subjects import PhotoReader, Seen, batches, rejected, unseen
from lookweave.records import REGION, region_id
from lookweave.store.conditions import column, matching
from lookweave.store.takedowns import SHOWN
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import sold_as


class Detector(Worker):
    """Photos -> regions."""

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        super().__init__(workspace, setup)
        self._card = setup.models.detector
        self._key = self._card.key
        self._detector: models.Detector = self._card.load(setup.config.models_dir)
        self._reader = PhotoReader(workspace)

    def __call__(self, batch: pa.Table) -> pa.Table:
        subjects = batch.to_pylist()
        read = [self._read(subject) for subject in subjects]
        opened = [photo for photo in read if isinstance(photo, Photo)]
        found = iter(self._detect([photo.pixels for photo in opened]) if opened else [])
        rows: list[dict[str, object]] = []
        rejects: list[dict[str, object]] = []
        for subject, photo in zip(subjects, read, strict=True):
            try:
                if isinstance(photo, Rejected):
                    raise photo
                detections = self._of_kind(subject, photo.pixels, next(found))
            except Rejected as why:
                rejects.append(
                    reject_row("detect", self._key, subject["id"], why,
                               kind=subject["kind"], name=subject["name"])
                )  # fmt: skip
                continue
            rows += [self._row(subject, photo, index, one) for index, one in enumerate(detections)]
        return outcome(REGION, rows, rejects)

    def _detect(self, photos: list[Pixels]) -> Sequence[Sequence[Detection]]:
        return check_detections(self._card, self._detector.detect(photos), len(photos))

    def _read(self, subject: dict[str, Any]) -> Photo | Rejected:
        frames, shape = self._card.sees, (subject["height"], subject["width"])
        enough = fitted_side(frames, *shape) if frames else None
        return self._reader.read(subject["id"], subject["path"], enough)

    def _of_kind(
        self, subject: dict[str, str], pixels: Pixels, detections: Sequence[Detection]
    ) -> Sequence[Detection]:
        if subject["kind"] == "garment":
            category = _sold_as(subject["category"], subject["title"])
            return [garment_region(self._card, pixels, detections, category)]
        if not detections:
            raise Rejected(
                "no_garment_found",
                "The detector saw no garment in this look. If there is one, try another detector "
                "(`lookweave models` lists them).",
            )
        return detections

    def _row(
        self, subject: dict[str, str], photo: Photo, index: int, one: Detection
    ) -> dict[str, object]:
        x0, y0, x1, y1 = (edge / photo.scale for edge in one.box)
        box = [max(0.0, x0), max(0.0, y0), min(photo.width, x1), min(photo.height, y1)]
        inside = 1.0 if one.mask is None else float((one.mask > 127).mean())
        return {
            "id": region_id(subject["id"], self._key, index, subject["kind"]),
            "subject": subject["id"],
            "kind": subject["kind"],
            "detector": self._key,
            "index": index,
            "box": box,
            "label": one.label,
            "score": one.score,
            "label_scores": None if one.label_scores is None else one.label_scores.tolist(),
            "mask": None if one.mask is None else _png(one.mask),
            "made_of": _sold_as(subject.get("category"), subject.get("title")) or "",
            "area": (box[2] - box[0]) * (box[3] - box[1]) * inside / (photo.width * photo.height),
        }


class Detect(Step):
    """Every photo once for each detector."""

    name = "detect"
    worker: ClassVar[type[Worker]] = Detector
    spec = REGION

    @cached_property
    def recipe(self) -> str:
        return self.setup.models.detector.key

    def plan(self, workspace: Workspace) -> Plan:
        count, parts = 0, []
        for kind in ("garment", "look"):
            made = matching(detector=self.recipe, kind=kind)
            regions = workspace.table("regions")
            seen = [
                Seen(regions, "subject", made, "made_of"),
                # A version before this one did not say what a cut-out was made of.
                Seen(regions, "subject", made & column("made_of").is_null(), "label"),
                rejected(workspace, self.name, self.recipe),
            ]
            said = ["category", "title"] if kind == "garment" else []
            positions = unseen(workspace.table(f"{kind}s"), SHOWN, seen, said, _sold_as)
            count += len(positions)
            parts.append(self._photos(workspace, kind, positions))
        return Plan(count, chain.from_iterable(parts))

    def _photos(
        self, workspace: Workspace, kind: str, positions: NDArray[np.int64]
    ) -> Iterator[pa.Table]:
        columns = ["id", "path", "name", "width", "height"] + (
            ["category", "title"] if kind == "garment" else []
        )
        run = self.setup.config.run
        table = workspace.table(f"{kind}s")
        for batch in batches(table, positions, run.batch_rows, run.workers, columns):
            yield batch.append_column("kind", pa.array([kind] * batch.num_rows))


def _sold_as(category: str | None, title: str | None) -> str | None:
    return sold_as(category or "", title or "")


def _png(mask: Pixels) -> bytes:
    packed = BytesIO()
    bits = Image.fromarray(mask).convert("1", dither=Image.Dither.NONE)
    bits.save(packed, "PNG", compress_level=1)  # small anyhow
    return packed.getvalue()

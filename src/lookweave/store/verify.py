"""verify-store: prove that a workspace is whole, and mend what a crash left half-done.

A derived row that points nowhere is deleted: the next build makes it again. Nothing that a
person made (reviews) and no source photo is ever deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from lookweave import photos
from lookweave.errors import Rejected
from lookweave.progress import Progress
from lookweave.records import SOURCE, TABLES, file_sha256
from lookweave.store.conditions import column, matching
from lookweave.store.tables import Lookup, Table
from lookweave.store.workspace import Workspace, is_scratch

_REFERENCES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("sources", "id", ("garments", "looks")),
    ("regions", "subject", ("garments", "looks")),
    ("descriptions", "subject", ("regions",)),
    ("groups", "subject", ("garments", "looks")),
    ("matches", "garment", ("garments",)),
    ("matches", "region", ("regions",)),
    ("pairs", "garment", ("garments",)),
    ("pairs", "look", ("looks",)),
    ("pairs", "region", ("regions",)),
    ("reviews", "garment", ("garments",)),
)
"""(table, column, tables one of which must have that id)"""

_KEPT = {"reviews"}  # a person's work: reported, never deleted


@dataclass
class Problem:
    """One kind of fault in one place."""

    table: str
    what: str
    rows: int
    repaired: bool
    examples: list[str] = field(default_factory=list)


@dataclass
class Verdict:
    """What `verify` looked at and what it found."""

    rows: dict[str, int] = field(default_factory=dict)
    photos_hashed: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all is well now. A review of a photo that was replaced since is history, and
        no fault."""
        return all(problem.repaired or problem.table in _KEPT for problem in self.problems)

    def to_dict(self) -> dict[str, object]:
        return {"ok": self.ok, **asdict(self)}


def verify(
    workspace: Workspace, progress: Progress, *, repair: bool = True, hashes: bool = True
) -> Verdict:
    """Check every table, reference, vector, thumbnail and source photo.

    Args:
        repair: mend what can be mended; otherwise only report.
        hashes: read every source photo and compare its SHA-256; otherwise only that it is there.
    """
    verdict = Verdict()
    if not repair:
        _verify(Workspace.open(workspace.path), verdict, progress, repair=False, hashes=hashes)
        return verdict
    writer = Workspace.create(workspace.path)
    with writer.lock():
        _verify(writer, verdict, progress, repair=True, hashes=hashes)
        writer.clean()
    return verdict


def _verify(
    workspace: Workspace, verdict: Verdict, progress: Progress, *, repair: bool, hashes: bool
) -> None:
    _leftovers(workspace, verdict, repair)
    for name in TABLES:
        table = workspace.table(name)  # raises on a broken manifest or another schema
        table.validate()
        verdict.rows[name] = table.count()
        _keys(table, verdict, repair)
    for name, reference, targets in _REFERENCES:
        known = [Lookup(workspace.table(target), "id") for target in targets]
        _references(workspace.table(name), reference, known, verdict, repair)
    regions = Lookup(workspace.table("regions"), "id")
    for table in workspace.embedding_tables():
        verdict.rows[f"embeddings/{table.path.stem}"] = table.count()
        _keys(table, verdict, repair)
        _references(table, "subject", [regions], verdict, repair)
        _vectors(table, verdict, repair)
    _boxes(workspace, verdict, repair)
    _thumbnails(workspace, verdict, repair)
    _sources(workspace, verdict, progress, repair=repair, hashes=hashes)


def _leftovers(workspace: Workspace, verdict: Verdict, repair: bool) -> None:
    """Files that a killed process was still writing."""
    scratch = [
        path
        for path in workspace.path.rglob(".*.tmp")
        if is_scratch(path.name) and path.is_file() and not path.is_symlink()
    ]
    if repair:
        for path in scratch:
            path.unlink(missing_ok=True)
    _say(verdict, "files", "half-written file", [path.name for path in scratch], repair)


def _keys(table: Table, verdict: Verdict, repair: bool) -> None:
    """Each key once. Two rows of one key are both deleted, to be made again.

    Of a key eight bytes are held: its hash. Keys whose hash is not alone are then read again.
    """
    names = list(table.spec.key)
    pieces = [np.empty(0, np.int64)]
    for batch in table.scan(names):
        pieces.append(np.array([hash(key) for key in _each(batch, names)], np.int64))
    hashes = np.sort(np.concatenate(pieces))
    suspect = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    counts: Counter[tuple[str | None, ...]] = Counter()
    for batch in table.scan(names) if suspect else ():
        counts.update(key for key in _each(batch, names) if hash(key) in suspect)
    twice = sorted((key for key, count in counts.items() if count > 1), key=str)
    mended = repair and table.spec.name not in _KEPT
    if mended:
        for key in twice:
            table.delete(matching(**dict(zip(names, key, strict=True))))
    _say(
        verdict,
        table.path.stem,
        "key stands twice",
        [" ".join(map(str, key)) for key in twice],
        mended,
    )


def _each(batch: pa.Table, names: list[str]) -> Iterator[tuple[str | None, ...]]:
    columns = [batch.column(name).cast(pa.string()).to_pylist() for name in names]
    return zip(*columns, strict=True)


def _references(
    table: Table, name: str, known: list[Lookup], verdict: Verdict, repair: bool
) -> None:
    dangling: set[str] = set()
    for batch in table.scan([name]):
        values = list(set(batch.column(name).to_pylist()))
        found = np.zeros(len(values), bool)
        for lookup in known:
            found |= lookup.positions(values) >= 0
        dangling.update(value for value, there in zip(values, found, strict=True) if not there)
    mended = repair and table.spec.name not in _KEPT
    if mended:
        _delete(table, name, sorted(dangling))
    _say(verdict, table.path.stem, f"{name} points nowhere", sorted(dangling), mended)


def _vectors(table: Table, verdict: Verdict, repair: bool) -> None:
    """Every vector finite and of unit norm."""
    broken: list[str] = []
    for batch in table.scan(["subject", "vector"]):
        flat = batch.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        norms = np.linalg.norm(flat.reshape(batch.num_rows, -1), axis=1)
        wrong = ~(np.abs(norms - 1.0) < 1e-3)
        subjects = batch.column("subject").to_pylist()
        broken += [subject for subject, bad in zip(subjects, wrong, strict=True) if bad]
    if repair:
        _delete(table, "subject", broken)
    _say(verdict, table.path.stem, "vector is not of unit norm", broken, repair)


def _boxes(workspace: Workspace, verdict: Verdict, repair: bool) -> None:
    """Every region's box inside its photo, every mask a readable PNG."""
    regions = workspace.table("regions")
    sizes = {kind: workspace.table(kind) for kind in ("garments", "looks")}
    rows = {kind: Lookup(table, "id") for kind, table in sizes.items()}
    broken: list[str] = []
    for batch in regions.scan(["id", "subject", "kind", "box", "mask"], rows=2048):
        found: dict[str, tuple[int, int]] = {}
        for kind, table in sizes.items():
            subjects = sorted(set(batch.column("subject").to_pylist()))
            at = rows[kind].positions(subjects)
            if (at >= 0).any():
                photo = table.take(at[at >= 0], ["id", "width", "height"]).to_pylist()
                found |= {row["id"]: (row["width"], row["height"]) for row in photo}
        for row in batch.to_pylist():
            width, height = found.get(row["subject"], (0, 0))
            x0, y0, x1, y1 = row["box"]
            inside = -1 <= x0 < x1 <= width + 1 and -1 <= y0 < y1 <= height + 1
            if not inside or not _opens(row["mask"]):
                broken.append(row["id"])
    if repair:
        _delete(regions, "id", broken)
    _say(verdict, "regions", "box outside the photo or unreadable mask", broken, repair)


def _opens(mask: bytes | None) -> bool:
    if mask is None:
        return True
    try:
        Image.open(BytesIO(mask)).load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _thumbnails(workspace: Workspace, verdict: Verdict, repair: bool) -> None:
    lost: list[str] = []
    mended = repair
    for name in ("garments", "looks"):
        for batch in workspace.table(name).scan(["id", "path"]):
            for row in batch.to_pylist():
                thumbnail = workspace.thumbnail_path(row["id"])
                if thumbnail.exists() and thumbnail.stat().st_size:
                    continue
                lost.append(row["id"])
                mended = repair and _make_thumbnail(workspace, row) and mended
    _say(verdict, "thumbnails", "thumbnail is missing", lost, mended)


def _make_thumbnail(workspace: Workspace, row: dict[str, str]) -> bool:
    try:
        photo = photos.load(workspace.photo_path(row["id"], row["path"]), max_side=384)
    except Rejected:
        return False
    workspace.keep_thumbnail(row["id"], photos.thumbnail(photo, 384))
    return True


def _sources(
    workspace: Workspace, verdict: Verdict, progress: Progress, *, repair: bool, hashes: bool
) -> None:
    """Every photo's bytes where the tables say, and the same as then."""
    gone: list[str] = []
    changed: list[str] = []
    places: set[str] = set()
    progress.start("verify", workspace.table("sources").count(), "photos")
    for batch in workspace.table("sources").scan(["path", "id", "name", "place"]):
        for row in batch.to_pylist():
            path = Path(workspace.photo_path(row["id"], row["path"]))
            progress.advance(1)
            if not path.exists():
                gone.append(row["name"])
            elif hashes:
                verdict.photos_hashed += 1
                if not file_sha256(path).startswith(row["id"]):
                    changed.append(row["name"])
                    places.add(row["place"] or "")
    progress.end()
    if repair:
        _look_again(workspace.table("sources"), sorted(places - {""}))
    _say(verdict, "sources", "photo is gone (put it back, or build without it)", gone, False)
    _say(verdict, "sources", "photo has changed (the next build reads it anew)", changed, False)


def _look_again(sources: Table, places: list[str]) -> None:
    """Let the next build read these places, also where a file kept its size and time."""
    for piece in _pieces(places, 500):
        rows = sources.rows_by("place", piece).to_pylist()
        sources.upsert(SOURCE.table([{**row, "size": None} for row in rows]))


def _delete(table: Table, name: str, values: list[str]) -> None:
    for piece in _pieces(values, 500):
        table.delete(column(name).is_in(piece))


def _pieces(values: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _say(verdict: Verdict, table: str, what: str, rows: list[str], repaired: bool) -> None:
    if rows:
        verdict.problems.append(Problem(table, what, len(rows), repaired, rows[:5]))

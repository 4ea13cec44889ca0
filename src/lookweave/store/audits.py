"""Random samples for audits: what was frozen, what was drawn, what people said of it.

Each is a folder of its own, `audits/NAME`, written once; only the verdicts are written again as
they come in. What people say in an audit decides no tier and teaches nothing, or it could not tell
how right the tiers are: it never comes into the table `reviews`. The one exception is a sample of
the candidates, which exists to cut tiers from them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.errors import WorkspaceError
from lookweave.records import fingerprint
from lookweave.store.workspace import Workspace, write_atomically

FOLDER = "audits"
CANDIDATES = "candidates"
"""In place of a tier: all that tiers with a target precision are cut from."""

_PAIR = ("garment", "look", "region")
Pair = tuple[str, str, str]


@dataclass(frozen=True)
class Sample:
    """A uniform random sample of frozen pairs.

    Attributes:
        name: ``audit-TIER-`` and the beginning of `frozen`; of a sheet and a queue, too.
        tier: high, medium, low, or `CANDIDATES`.
        population: how many pairs were frozen.
        size: how many of them were drawn; each had the probability size / population.
        seed: of the draw.
        frozen: SHA-256 of the frozen pairs, one a line, sorted.
        drawn_at: in UTC.
        recipe: whose pairs they are.
        folder: where its files lie.
    """

    name: str
    tier: str
    population: int
    size: int
    seed: int
    frozen: str
    drawn_at: str
    recipe: str
    folder: Path

    @property
    def inclusion(self) -> float:
        """The probability with which each frozen pair was drawn."""
        return self.size / self.population

    @cached_property
    def pairs(self) -> list[Pair]:
        """Garment, look and region of what was drawn, in the order in which to ask."""
        return _read(self.folder / "sample.parquet")

    def frozen_pairs(self) -> list[Pair]:
        """All that was frozen, sorted."""
        return _read(self.folder / "frozen.parquet")

    def verdicts(self) -> dict[Pair, bool]:
        """What people decided so far: whether the pair is right. What none can tell is not."""
        path = self.folder / "verdicts.parquet"
        if not path.exists():
            return {}
        table = _table(path)
        rights = table.column("right").to_pylist()
        return dict(zip(_pairs(table), rights, strict=True))

    def save_verdicts(self, said: dict[Pair, bool]) -> bool:
        """Keep what people decided. Returns whether that is news."""
        if said == self.verdicts():
            return False
        columns = {name: [pair[at] for pair in sorted(said)] for at, name in enumerate(_PAIR)}
        _write(
            self.folder / "verdicts.parquet",
            pa.table({**columns, "right": pa.array([said[pair] for pair in sorted(said)])}),
        )
        return True


def name_of(tier: str, frozen: str) -> str:
    """What the sample of a tier that was frozen like this is called."""
    return f"audit-{tier}-{frozen[:10]}"


def hash_of(pairs: Iterable[Pair]) -> str:
    """SHA-256 of pairs, in whatever order they come."""
    lines = sorted("\t".join(pair) for pair in pairs)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def save_sample(sample: Sample, frozen: Sequence[Pair], drawn: Sequence[Pair]) -> None:
    """Write a sample's files; what says that it is there comes last."""
    columns = ("frozen.parquet", sorted(frozen)), ("sample.parquet", drawn)
    for file, pairs in columns:
        _write(
            sample.folder / file,
            pa.table({name: [pair[at] for pair in pairs] for at, name in enumerate(_PAIR)}),
        )
    sample.save_verdicts({})
    told = {name: value for name, value in asdict(sample).items() if name != "folder"}
    write_atomically(sample.folder / "audit.json", json.dumps(told, indent=1).encode())


def folder_of(workspace: Workspace, name: str) -> Path:
    """Where a sample's files lie."""
    return workspace.path / FOLDER / name


def samples(workspace: Workspace) -> list[Sample]:
    """All samples, the oldest first.

    Raises:
        WorkspaceError: one is damaged.
    """
    found = []
    for path in sorted((workspace.path / FOLDER).glob("audit-*/audit.json")):
        try:
            found.append(Sample(**json.loads(path.read_text(encoding="utf-8")), folder=path.parent))
        except (ValueError, TypeError) as error:
            raise WorkspaceError(f"{path} is damaged ({error}): remove its folder.") from error
    return sorted(found, key=lambda one: (one.drawn_at, one.name))


def newest(workspace: Workspace, tier: str) -> Sample | None:
    """The sample of a tier that was drawn last."""
    return next((one for one in samples(workspace)[::-1] if one.tier == tier), None)


def version(sample: Sample | None) -> str:
    """Something that changes whenever the sample or its verdicts do."""
    if sample is None:
        return ""
    return fingerprint(sample.name, sample.seed, sorted(sample.verdicts().items()))


def _read(path: Path) -> list[Pair]:
    return _pairs(_table(path))


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(f"{path} is damaged ({error}): remove its folder.") from error


def _pairs(table: pa.Table) -> list[Pair]:
    columns = (table.column(name).to_pylist() for name in _PAIR)
    return list(zip(*columns, strict=True))


def _write(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_atomically(path, sink.getvalue().to_pybytes())

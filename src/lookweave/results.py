"""What the public functions give back: frozen records, each with `to_dict` as the JSON shows it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from lookweave.text import html

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import RenderableType

    from lookweave.models.card import Card

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the oriented photo."""


@dataclass(frozen=True)
class Hit:
    """A photo that a search found.

    Attributes:
        score: larger is better; comparable within one search.
        kind: ``garment`` or ``look``.
        what: what the describer says of the region, if anything.
        id: of the photo.
        name: of its file, as the folder or manifest gives it.
        path: where it was found: a file or an address.
        box: of the region that fits best.
        title: as the catalogue or the credits say it.
        products: the articles that a garment's photo shows, with ``sku``, ``gtin``,
            ``title``, ``brand``, ``style``, ``colour`` and ``size``.
        tier: of the best pair that the photo is in; None: it is in none.
        taken_down: it must not be shown; publications leave it out.
        listed: some input lists it now.
    """

    score: float
    kind: str
    what: str | None
    id: str
    name: str
    path: str
    box: Box
    title: str | None = None
    products: tuple[Mapping[str, str | None], ...] = ()
    tier: str | None = None
    taken_down: bool = False
    listed: bool = True
    thumbnail: Path | None = field(default=None, repr=False, compare=False)

    @property
    def skus(self) -> tuple[str, ...]:
        """Numbers of the articles."""
        return tuple(str(one["sku"]) for one in self.products if one.get("sku"))

    def to_dict(self) -> dict[str, Any]:
        """As ``lookweave search --json`` shows it."""
        told = asdict(self)
        del told["thumbnail"]
        lists = {"box": list(self.box), "products": list(told["products"]), "skus": list(self.skus)}
        return {**told, **lists}

    @property
    def marks(self) -> str:
        """What keeps it out of the data set, in words; "" for most."""
        return "taken down" if self.taken_down else "" if self.listed else "listed no more"

    def _repr_html_(self) -> str:
        score = f"{self.score:.3f} {self.kind}"
        said = (score, self.marks, ", ".join(self.skus), self.what or "", self.name)
        return _figure(self.thumbnail, *said)


@dataclass(frozen=True)
class SearchResult(Sequence[Hit]):
    """What a search found, best first: a sequence of `Hit`.

    Attributes:
        by: how words or photo were compared.
        hits: one for each photo.
        note: of an empty answer, why it is empty and what would help.
    """

    by: str
    hits: tuple[Hit, ...]
    note: str = ""

    @classmethod
    def from_dict(cls, told: Mapping[str, Any], thumbnail: Callable[[str], Path]) -> SearchResult:
        """Of what `search.search` tells; `thumbnail`: where that of a photo is."""
        names = [name for name in Hit.__dataclass_fields__ if name != "thumbnail"]
        hits = tuple(
            Hit(
                **{
                    **{name: row[name] for name in names},
                    "box": tuple(row["box"]), "products": tuple(row["products"]),
                    "thumbnail": thumbnail(row["id"]),
                }
            )
            for row in told["results"]
        )  # fmt: skip
        return cls(told["by"], hits, told.get("note", ""))

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, place: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[place]

    def __len__(self) -> int:
        return len(self.hits)

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave search --json`` prints."""
        note = {"note": self.note} if self.note else {}
        return {"by": self.by, "results": [hit.to_dict() for hit in self.hits], **note}

    def to_arrow(self) -> pa.Table:
        """A row for each photo: ``kind``, ``score``, ``tier``, ``skus``, ``gtins``, ``title``,
        ``what``, ``name``, ``path``, ``box``, ``id``, ``taken_down``, ``listed``."""
        import pyarrow as pa

        texts = pa.list_(pa.string())
        schema = pa.schema(
            [
                ("kind", pa.string()), ("score", pa.float32()), ("tier", pa.string()),
                ("skus", texts), ("gtins", texts), ("title", pa.string()), ("what", pa.string()),
                ("name", pa.string()), ("path", pa.string()), ("box", pa.list_(pa.float32(), 4)),
                ("id", pa.string()), ("taken_down", pa.bool_()), ("listed", pa.bool_()),
            ]
        )  # fmt: skip
        rows = [
            {**hit.to_dict(), "gtins": [one["gtin"] for one in hit.products if one.get("gtin")]}
            for hit in self.hits
        ]
        return pa.Table.from_pylist(rows, schema)

    def _repr_html_(self) -> str:
        pictures = "".join(hit._repr_html_() for hit in self.hits)
        said = f"{len(self.hits)} found by {self.by}" + (f". {self.note}" if self.note else "")
        return f"<p>{html(said)}</p>{_row(pictures)}"


@dataclass(frozen=True)
class Pair:
    """A garment and a look of the data set.

    Attributes:
        values: the columns of the table `pairs`.
    """

    garment: str
    look: str
    tier: str
    split: str
    score: float
    probability: float
    values: Mapping[str, Any] = field(repr=False)
    thumbnails: tuple[Path, Path] | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """All columns of the pair."""
        return dict(self.values)

    def _repr_html_(self) -> str:
        garment, look = self.thumbnails or (None, None)
        said = f"{self.tier}, {self.split}, probability {self.probability:.2f}"
        return _row(_figure(garment, "garment", self.garment) + _figure(look, said, self.look))


class Pairs(Sequence[Pair]):
    """Pairs as an Arrow table that shows its pictures in a notebook.

    It has whatever a `pyarrow.Table` has (`num_rows`, `column`, `to_pandas`, …), goes wherever
    Arrow's C interface is understood (``pyarrow.table(pairs)``, polars, duckdb), and is a sequence
    of `Pair`.

    Attributes:
        table: the `pyarrow.Table` itself.
    """

    _SHOWN = 12

    def __init__(self, table: pa.Table, thumbnail: Callable[[str], Path] | None = None) -> None:
        self.table = table
        self._thumbnail = thumbnail

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "table":
            raise AttributeError(name)
        return getattr(self.table, name)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    @overload
    def __getitem__(self, place: int) -> Pair: ...
    @overload
    def __getitem__(self, place: slice) -> Pairs: ...
    def __getitem__(self, place: int | slice) -> Pair | Pairs:
        if isinstance(place, slice):
            rows = range(len(self))[place]
            return Pairs(self.table.take(list(rows)), self._thumbnail)
        row = self.table.slice(range(len(self))[place], 1).to_pylist()[0]
        names = ("garment", "look", "tier", "split", "score", "probability")
        thumbnails = None
        if self._thumbnail is not None:
            thumbnails = (self._thumbnail(row["garment"]), self._thumbnail(row["look"]))
        return Pair(**{name: row[name] for name in names}, values=row, thumbnails=thumbnails)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Pair]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} pairs>"

    def _repr_html_(self) -> str:
        shown = "".join(pair._repr_html_() for pair in self[: self._SHOWN])
        more = len(self) - self._SHOWN
        return f"<p>{len(self)} pairs</p>{shown}" + (f"<p>and {more} more</p>" if more > 0 else "")


@dataclass(frozen=True)
class Recall:
    """How many known pairs were found, in one direction.

    Attributes:
        at: k -> share of the queries with a right answer among the first k.
        mrr: mean reciprocal rank of the first right answer.
        n: queries.
        gallery: photos that were ranked against each other.
        intervals: of each measure (``R@1``, …, ``MRR``), the 95 % interval.
    """

    at: Mapping[int, float]
    mrr: float
    n: int
    gallery: int
    intervals: Mapping[str, tuple[float, float]]
    told: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Recall:
        """Of what `matching.recall.summary` tells."""
        at = {int(name[2:]): float(told[name]) for name in told if name.startswith("R@")}
        intervals = {name: (low, high) for name, (low, high) in told["ci95"].items()}
        return cls(at, told["MRR"], told["n"], told["gallery"], intervals, told)

    def to_dict(self) -> dict[str, Any]:
        """``R@1``, ``R@5``, ``R@10``, ``MRR``, ``n``, ``gallery`` and ``ci95``."""
        return dict(self.told)


@dataclass(frozen=True)
class Evaluation:
    """What matches are worth against known pairs.

    Attributes:
        garment_to_look, look_to_garment: recall in both directions.
        filter_recall: share of the known pairs that the category filter lets through.
        missing: names of the truth's photos that were turned away.
        ablations: name of a variant -> what it gives, where that was asked for.
        models: name of a model -> what it gives, where several were compared.
    """

    garment_to_look: Recall
    look_to_garment: Recall
    filter_recall: float
    missing: tuple[str, ...]
    ablations: Mapping[str, Evaluation]
    models: Mapping[str, Evaluation]
    told: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Evaluation:
        """Of what `evaluate.evaluate` tells."""
        variants, models = told.get("ablations", {}), told.get("models", {})
        return cls(
            Recall.from_dict(told["garment_to_look"]),
            Recall.from_dict(told["look_to_garment"]),
            float(told["filter_recall"]["recall"]),
            tuple(told.get("missing", ())),
            {name: cls.from_dict(variant) for name, variant in variants.items()},
            {name: cls.from_dict(one) for name, one in models.items()},
            told,
        )

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave evaluate --json`` prints."""
        return dict(self.told)

    def text(self) -> str:
        """A few lines for a person."""
        from lookweave.evaluate.wording import as_text

        return as_text(dict(self.told))


@dataclass(frozen=True)
class Learned:
    """What was learned from labelled pairs.

    Attributes:
        lambda_vlm, lambda_visual, lambda_detail: weights of the score, which the next build uses.
        labels, positives: how many there were.
        brier: of the probability, on garments that it was not fitted on; smaller is better.
        method: ``logistic`` or ``isotonic``.
        file: where it is kept.
    """

    lambda_vlm: float
    lambda_visual: float
    lambda_detail: float
    labels: int
    positives: int
    brier: float
    method: str
    file: str
    next: str

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave calibrate --json`` prints."""
        return asdict(self)


@dataclass(frozen=True)
class Publication:
    """A data set that was written or pushed.

    Attributes:
        to: the folder or the address.
        pairs: tier -> split -> how many.
        total: how many pairs.
        held_back: reason -> how many pairs stayed in.
        rights_unknown: photos whose rights are not known.
    """

    to: str
    pairs: Mapping[str, Mapping[str, int]]
    total: int
    held_back: Mapping[str, int]
    rights_unknown: int
    told: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Publication:
        """Of what `publish.publish` tells."""
        names = ("to", "pairs", "total", "held_back", "rights_unknown")
        return cls(**{name: told[name] for name in names}, told=told)

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave publish --json`` prints."""
        return dict(self.told)

    def text(self) -> str:
        """A few lines for a person."""
        from lookweave.publish import summary_text

        return summary_text(dict(self.told))


@dataclass(frozen=True)
class StepStatus:
    """How far a step is.

    Attributes:
        step: its name.
        unit: what is counted.
        rows: what it has made; None where that cannot be told.
        left: what it has still to do; None where that cannot be told yet.
        state: ``done``, ``left``, ``waiting`` or ``unknown``.
        rejected: what it turned away; `reasons` says why.
        why: why something cannot be told.
    """

    step: str
    unit: str
    rows: int | None
    left: int | None
    state: str
    rejected: int
    reasons: Mapping[str, int]
    why: str | None = None


@dataclass(frozen=True)
class Status:
    """What is in a workspace and what is left to do.

    Attributes:
        workspace: its folder.
        tables: table -> rows.
        tiers: tier -> pairs.
        steps: in their order.
        snapshots: names.
        disk: bytes of each part, and ``total``.
    """

    workspace: str
    tables: Mapping[str, int]
    tiers: Mapping[str, int]
    steps: tuple[StepStatus, ...]
    snapshots: tuple[str, ...]
    disk: Mapping[str, int]
    told: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Status:
        """Of what `status.status` tells."""
        names = ("workspace", "tables", "tiers", "disk")
        known = StepStatus.__dataclass_fields__
        steps = tuple(
            StepStatus(**{name: value for name, value in step.items() if name in known})
            for step in told["steps"]
        )
        plain = {name: told[name] for name in names}
        return cls(**plain, steps=steps, snapshots=tuple(told["snapshots"]), told=told)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return all(step.state == "done" for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave status --json`` prints."""
        return dict(self.told)

    def __rich__(self) -> RenderableType:
        from lookweave.status import render

        return render(dict(self.told))


@dataclass(frozen=True)
class ModelState:
    """A model, and whether it can be used here.

    Attributes:
        missing: what it lacks; None when it is ready.
    """

    card: Card
    missing: str | None

    def to_dict(self) -> dict[str, Any]:
        """As ``lookweave models --json`` shows it."""
        card = self.card
        return {
            "name": card.name, "task": card.task, "size_mb": round(card.size_mb, 1),
            "licence": card.licence, "licence_read": card.licence_read,
            "commercial": card.commercial, "source": card.source,
            "good_for": card.good_for, "key": card.key, "commit": card.commit,
            "package": card.offered_by or "lookweave",
            "ready": self.missing is None, "missing": self.missing,
        }  # fmt: skip


@dataclass(frozen=True)
class ModelListing:
    """Every model that is known here.

    Attributes:
        presets: name of a preset -> the models that it stands for, joined by ``+``.
        unreadable: package whose models cannot be read -> why.
        generators: the backends of photo-shoots: their cards (`GeneratorCard.to_dict`), each with
            ``good_for`` and ``missing``; none where the extra [studio] is not installed.
    """

    models: tuple[ModelState, ...]
    presets: Mapping[str, str]
    unreadable: Mapping[str, str]
    generators: tuple[Mapping[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave models --json`` prints."""
        return {
            "models": [one.to_dict() for one in self.models],
            "presets": dict(self.presets),
            "unreadable": dict(self.unreadable),
            "generators": [dict(one) for one in self.generators],
        }


def _figure(thumbnail: Path | None, *lines: str) -> str:
    """A small picture with lines under it; all in it, nothing to fetch."""
    try:
        data = base64.b64encode(thumbnail.read_bytes()).decode() if thumbnail else ""
    except OSError:
        data = ""
    picture = (
        f'<img src="data:{_media_type(thumbnail)};base64,{data}" alt="{html(lines[-1])}" '
        'style="max-width:160px;max-height:200px">'
        if data
        else '<span style="display:inline-block;width:160px">no picture</span>'
    )
    said = "<br>".join(html(line) for line in lines if line)
    return (
        f'<figure style="display:inline-block;margin:4px;width:170px;vertical-align:top">{picture}'
        f'<figcaption style="overflow-wrap:anywhere">{said}</figcaption></figure>'
    )


def _media_type(picture: Path | None) -> str:
    """Of a thumbnail; an earlier version kept WebP."""
    return "image/webp" if picture and picture.suffix == ".webp" else "image/jpeg"


def _row(pictures: str) -> str:
    return f"<div>{pictures}</div>"

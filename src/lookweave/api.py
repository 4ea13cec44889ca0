"""The public functions: what a notebook, a program and the command line call.

::

    import lookweave

    workspace = lookweave.build(garments="shop/", looks="campaign/", out="ws")
    workspace = lookweave.open("ws")
    workspace.search("red striped shirt")         # shows its pictures in a notebook
    workspace.matches(top=5).to_pandas()
    workspace.publish("data-set")

Errors are those of `lookweave.errors`; what the operating system refuses is a `SystemRefused`.
Each function imports what it needs, so that this module costs nothing.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookweave.arguments import (
    AnyPath,
    Inputs,
    beginning_of,
    only_given,
    path_of,
    photo_file,
    places_of,
    positive,
    writable_file,
)  # fmt: skip
from lookweave.errors import InputError, told
from lookweave.results import (
    Evaluation,
    Learned,
    ModelListing,
    ModelState,
    Publication,
    SearchResult,
    Status,
)
from lookweave.workspace_tables import WorkspaceTables, table_file, write_table

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookweave.benchmark import BenchmarkResult
    from lookweave.building import BuildResult
    from lookweave.config import Setting
    from lookweave.demo import DemoResult
    from lookweave.inputs import InputState
    from lookweave.progress import Progress
    from lookweave.review.audits import AuditResult
    from lookweave.store.verify import Verdict
    from lookweave.store.workspace import Workspace as Store
    from lookweave.takedown import TakedownEvent, TakenDown

_log = logging.getLogger(__name__)


@told()
def build(
    garments: Inputs | None = None,
    looks: Inputs | None = None,
    *,
    out: AnyPath,
    models: str | None = None,
    models_dir: AnyPath | None = None,
    accept_non_commercial: bool | None = None,
    engine: str | None = None,
    workers: int | None = None,
    copy: bool | None = None,
    columns: Mapping[str, str] | None = None,
    base: AnyPath | None = None,
    encoding: str | None = None,
    snapshot: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Workspace:
    """Pair product photos with editorial photos; on a half-done workspace, go on with it.

    Args:
        garments: product photos: folders, or manifests (CSV, TSV, Parquet).
        looks: editorial photos, likewise. What an earlier build of the workspace was given need
            not be given again.
        out: folder of the workspace, new or to go on with.
        models: a preset or names joined by ``+``; see `list_models`.
        models_dir: where fetched weights lie.
        accept_non_commercial: allow weights under licences that forbid commercial use.
        engine: where the work runs: ``local``, ``ray`` or a registered executor.
        workers: batches at work at a time.
        copy: bring the photos' bytes into the workspace.
        columns: by field, a manifest's own name of its column: ``{"sku": "Art.-Nr."}``.
        base: folder or address where a manifest's relative paths begin; None: its own folder.
        encoding: of manifests that are text; None: found out.
        snapshot: a name for the finished state, to publish from it later.
        settings: further settings of this call, such as ``{"match": {"top_k": 20}}``.
        progress: show it on stderr.

    Returns:
        The workspace, open as it now is; its `last_build` says what was done.

    Raises:
        UsageError: inputs, settings or names cannot be used; told before any work.
        WorkError: the work failed. What was committed is safe, and the same call goes on.
    """
    from lookweave.building import build_workspace
    from lookweave.config import merge

    given = {
        "garments": places_of("garments", garments),
        "looks": places_of("looks", looks),
        "models": models,
        "models_dir": None if models_dir is None else path_of(models_dir, "models_dir"),
        "accept_non_commercial": accept_non_commercial,
        "run": only_given(engine=engine, workers=workers),
        "ingest": only_given(
            copy_photos=copy,
            columns=None if columns is None else dict(columns),
            base=None if base is None else beginning_of(base),
            encoding=encoding,
        ),
    }
    flags = {name: value for name, value in given.items() if value is not None}
    where = path_of(out, "out")
    with _progress(progress) as shown:
        result = build_workspace(where, merge(settings or {}, flags), shown, snapshot=snapshot)
    return Workspace(where, last_build=result)


@told()
def open(path: AnyPath, snapshot: str | None = None) -> Workspace:
    """An existing workspace, as it is now or as it was when a snapshot was taken.

    Raises:
        InputError: there is no workspace, or no such snapshot.
        WorkspaceError: it was made by another version of Lookweave.
    """
    return Workspace(path, snapshot)


class Workspace(WorkspaceTables):
    """A workspace, open for reading: what it gives is as it was when it was opened.

    `take_down`, `lift_takedown`, `drop_source`, `calibrate` and `verify` write to it, and need that
    no other process does. A report goes to a file, a data set to a folder.

    Attributes:
        path: its folder.
        snapshot: the name of the state that is read; None for the newest.
        last_build: what the call of `build` did that gave this workspace; None after `open`.
    """

    def __init__(
        self, path: AnyPath, snapshot: str | None = None, *, last_build: BuildResult | None = None
    ) -> None:
        from lookweave.building import open_workspace

        self._store, self._config = open_workspace(path_of(path, "a workspace's folder"), snapshot)
        self.path: Path = self._store.path
        self.snapshot = snapshot
        self.last_build = last_build

    def __repr__(self) -> str:
        named = f", snapshot={self.snapshot!r}" if self.snapshot else ""
        return f"lookweave.open({str(self.path)!r}{named})"

    @contextmanager
    def _writing(self) -> Iterator[Store]:
        """The workspace to write to; what is read from then on is as it was left."""
        from lookweave.building import open_workspace
        from lookweave.store.workspace import Workspace as Store

        if self.snapshot:
            raise InputError(f"{self!r} is a state of the past: open the workspace as it is now.")
        yield Store.create(self.path)
        self._store, self._config = open_workspace(self.path)

    @told()
    def sources(self) -> list[InputState]:
        """The folders and manifests that builds were given, in the order in which they came."""
        from lookweave.inputs import input_states

        return input_states(self._store)

    @told()
    def drop_source(self, path: AnyPath) -> int:
        """List a folder or manifest no more: its photos leave pairs and publications, but for
        those that another one lists. Their rows stay.

        Returns:
            How many photos are listed by nobody now.

        Raises:
            InputError: no build was given it.
            WorkspaceLocked: another process is writing.
        """
        from lookweave.inputs import drop_input

        with self._writing() as store:
            return drop_input(store, self._config, str(path_of(path, "the input")))

    @told()
    def takedowns(self) -> list[TakedownEvent]:
        """Every takedown and every lift, oldest first."""
        from lookweave.takedown import takedown_events

        return takedown_events(self._store)

    @told()
    def take_down(self, name: str, *, statement: str = "", by: str = "") -> list[TakenDown]:
        """Take photos down, at once and until it is lifted in words.

        Args:
            name: a photo's id, path, address or file name, or an article's sku or gtin.
            statement: why; a sentence.
            by: who says so; the person at this machine when empty.

        Returns:
            The photos that are down now, wherever they are found.

        Raises:
            InputError: the name means no photo, or a file name means several.
            WorkspaceLocked: another process is writing.
        """
        from lookweave.takedown import take_down

        with self._writing() as store:
            return take_down(store, self._config, name, statement, by)

    @told()
    def lift_takedown(self, name: str, *, statement: str = "", by: str = "") -> list[TakenDown]:
        """Lift all that stands against the photos that a name means; see `take_down`.

        Raises:
            InputError: the name means no photo, or nothing is taken down.
            WorkspaceLocked: another process is writing.
        """
        from lookweave.takedown import lift_takedown

        with self._writing() as store:
            return lift_takedown(store, self._config, name, statement, by)

    @told()
    def search(
        self,
        words: str | os.PathLike[str] | Image | None = None,
        *,
        image: AnyPath | Image | None = None,
        kind: str | None = None,
        top: int = 10,
        to: AnyPath | None = None,
    ) -> SearchResult:
        """Find garments and looks by words or by a photo.

        Args:
            words: such as "red floral midi dress"; or a photo, as `image`.
            image: a photo in place of words: a file, or an image of Pillow.
            kind: ``garment`` or ``look``; both when not given.
            top: how many photos.
            to: also write them as a table, CSV or Parquet as the file's name ends.

        Raises:
            InputError: words and image, or neither; an unreadable photo; an unknown kind; a file
                that cannot be written.
        """
        from lookweave.search import search

        file_of_table = None if to is None else table_file(to)
        if (words is None) == (image is None):
            raise InputError("Give words to search for, or an image (--image FILE), and not both.")
        if words is not None and not isinstance(words, str):
            words, image = None, words
        with photo_file(image) as file:
            answer = search(
                self._store, self._config, words=words, image=file, kind=kind,
                top=positive("top", top),
            )  # fmt: skip
        found = SearchResult.from_dict(answer, self._store.thumbnail_path)
        if file_of_table is not None:
            write_table(file_of_table, [found.to_arrow()])
        return found

    @told()
    def status(self) -> Status:
        """What is there and what is left to do."""
        from lookweave.status import status

        return Status.from_dict(status(self._store, self._config))

    @told()
    def config(self) -> list[Setting]:
        """Every setting, its value, and where that comes from."""
        from lookweave.building import explained

        return explained(self._store)

    @told()
    def evaluate(
        self,
        truth: AnyPath,
        *,
        models: Sequence[str] | None = None,
        ablations: bool = False,
        progress: bool = False,
    ) -> Evaluation:
        """Recall against known pairs, both ways, with 95 % intervals.

        Args:
            truth: a CSV with the columns garment and look (file names).
            models: compare these, each as in `build`, with what they make of the same photos.
            ablations: also each part of the score alone.

        Raises:
            InputError: the file does not fit the workspace, or nothing is embedded yet.
        """
        from lookweave import evaluate as measure

        file = path_of(truth, "truth")
        with _progress(progress) as shown:
            if models is None:
                found = measure.evaluate(self._store, self._config, file)
            else:
                found = measure.compare(self._store, self._config, file, models, shown)
            if ablations:
                found["ablations"] = measure.ablations(self._store, self._config, file, shown)
        return Evaluation.from_dict(found)

    @told()
    def calibrate(self, truth: AnyPath | None = None) -> Learned:
        """Learn the score's weights and its probability from labelled pairs; kept for the next
        build.

        Args:
            truth: known pairs, complete for the garments that they name; without it the reviews
                are the labels.

        Raises:
            InputError: too few labels, or the file does not fit.
        """
        from lookweave.evaluate import learn

        file = None if truth is None else path_of(truth, "truth")
        with self._store.lock():
            learned = Learned(**learn(self._store, self._config, file))
        _log.info("learned from %d labels: %s", learned.labels, learned.to_dict())
        return learned

    @told()
    def audit(
        self,
        tier: str,
        *,
        n: int | None = None,
        seed: int | None = None,
        delta: float = 0.05,
        sheet: AnyPath | None = None,
        read: AnyPath | None = None,
        reviewer: str = "",
    ) -> AuditResult:
        """Draw a random sample of a tier, or take verdicts on it in; tell how right the tier is.

        A tier that is as it was keeps its sample: an audit is never drawn again until it pleases.

        Args:
            tier: ``high``, ``medium`` or ``low``; or ``candidates``, which tiers with a target
                precision are cut from.
            n: pairs to draw; 600 when not given.
            seed: of the draw.
            delta: chance that a bound is wrong.
            sheet: write the pairs into this new folder, to be judged by hand.
            read: a sheet that was filled in.
            reviewer: who filled it in.

        Raises:
            InputError: there is no pair, another sample of the same pairs is being judged, or the
                sheet does not fit.
            WorkspaceLocked: another process is writing.
        """
        from lookweave.review.auditing import audit

        if not 0 < delta < 1:
            raise InputError(f"delta is between 0 and 1, not {delta:g}.")
        folder, file = (
            None if one is None else path_of(one, name)
            for one, name in ((sheet, "sheet"), (read, "read"))
        )
        with self._store.lock():
            return audit(
                self._store, self._config, tier, size=None if n is None else positive("n", n),
                seed=seed, delta=delta, sheet=folder, read=file, reviewer=reviewer,
            )  # fmt: skip

    @told()
    def report(self, to: AnyPath | None = None, *, truth: AnyPath | None = None) -> Path:
        """Write the report: one HTML file that needs nothing else.

        Args:
            to: by default ``report.html`` in the workspace.
            truth: known pairs, for the precision of each tier.

        Returns:
            Where it is.

        Raises:
            InputError: `to` cannot be written, or `truth` does not fit.
        """
        from lookweave.report import write_report

        where = self.path / "report.html" if to is None else path_of(to, "the report's file")
        writable_file(where, (".html", ".htm"))
        file = None if truth is None else path_of(truth, "truth")
        written = write_report(self._store, self._config, where, file)
        _log.info("the report is %s", written)
        return written

    @told()
    def publish(
        self,
        to: AnyPath,
        *,
        snapshot: str | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Publication:
        """Write the data set, or push it to a hub.

        Args:
            to: a folder, or ``hf://OWNER/NAME``.
            snapshot: publish this named state; takedowns and rights count as of now all the same.
            progress: show it on stderr.
            options: the fields of `lookweave.publish.Options`, such as ``title`` and ``licence``.

        Raises:
            InputError, ConfigError: the destination or an option cannot be used.
            PublishError: there is nothing to publish, or it cannot be written or pushed.
        """
        from lookweave.publish import Options, publish

        known = {field.name for field in dataclasses.fields(Options)}
        if unknown := sorted(set(options) - known):
            raise InputError(
                f"publish has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}."
            )
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in options.items()
            if value is not None
        }
        with _progress(progress) as shown:
            summary = publish(
                self._store, self._config, os.fspath(to), snapshot=snapshot or self.snapshot,
                progress=shown, options=Options(**given),
            )  # fmt: skip
        _log.info("published %d pairs to %s", summary["total"], summary["to"])
        for reason, count in summary["held_back"].items():
            _log.info("held back %d: %s", count, reason)
        return Publication.from_dict(summary)

    @told()
    def verify(
        self, *, repair: bool = True, hashes: bool = True, progress: bool = False
    ) -> Verdict:
        """Prove that every row's references, hashes and schemas hold.

        Args:
            repair: mend what a crash left half-done; otherwise only report.
            hashes: read every photo and compare its hash; otherwise only that it is there.
        """
        from lookweave.store.verify import verify

        with _progress(progress) as shown:
            verdict = verify(self._store, shown, repair=repair, hashes=hashes)
        for one in verdict.problems:
            state = "mended" if one.repaired else "not mended"
            _log.warning("%s: %s: %d rows (%s)", one.table, one.what, one.rows, state)
        return verdict


@told()
def run_demo(out: AnyPath = "demo-out", *, progress: bool = False, show: bool = True) -> DemoResult:
    """Build the sample that ships with Lookweave, hold it against its truth, publish and report it.

    Args:
        out: a new folder, or that of an earlier demo.
        show: open the report, where the standard output is a terminal.

    Raises:
        InputError: `out` holds other things.
    """
    from lookweave.demo import run

    with _progress(progress) as shown:
        return run(path_of(out, "out"), shown, show=show)


@told()
def run_benchmark(
    name: str,
    data: AnyPath,
    *,
    models: str | Sequence[str] | None = None,
    out: AnyPath | None = None,
    regions: str | None = None,
    models_dir: AnyPath | None = None,
    accept_non_commercial: bool | None = None,
    progress: bool = False,
) -> BenchmarkResult:
    """Measure models on a benchmark that others know; a run that was stopped goes on.

    Args:
        name: such as ``in-shop``; `lookweave.benchmark.READERS` has all.
        data: its folder, in the layout of its authors.
        models: one system, or several of which the first is the one to compare with; by default
            what the settings say.
        out: folder for vectors and results; ``benchmark-NAME`` by default.
        regions: ``whole``, ``given`` or ``found``, in place of the benchmark's own rule.
        models_dir: where fetched weights lie.
        accept_non_commercial: allow weights under licences that forbid commercial use.
        progress: show it on stderr.

    Raises:
        InputError: there is no such benchmark, or a part of it is missing.
        ConfigError: the extra is not installed, or a setting is wrong.
        ModelError: a model cannot be loaded.
    """
    from lookweave.benchmark import REGIONS, run_benchmark
    from lookweave.config import load

    chosen = next((one for one in REGIONS if one == regions), None)
    if regions is not None and chosen is None:
        raise InputError(f"regions is {', '.join(REGIONS)}, not {regions!r}.")
    systems = [models] if models is None or isinstance(models, str) else list(models)
    where = None if models_dir is None else path_of(models_dir, "models_dir")
    configs = [
        load(models=one, models_dir=where, accept_non_commercial=accept_non_commercial)
        for one in systems or [None]
    ]
    folder = path_of(f"benchmark-{name}" if out is None else out, "out")
    with _progress(progress) as shown:
        return run_benchmark(name, path_of(data, "data"), configs, folder, shown, regions=chosen)


@told()
def list_models(models_dir: AnyPath | None = None) -> ModelListing:
    """Every model that is known here.

    Args:
        models_dir: where fetched weights lie.
    """
    from lookweave.models.cards import PRESETS, cards_here
    from lookweave.models.registry import unreadable_packages

    where = None if models_dir is None else path_of(models_dir, "models_dir")
    models = tuple(ModelState(card, card.missing(where)) for card in cards_here(where))
    try:
        from lookweave.studio.shoot.backends import cards
    except ImportError:
        cards = list
    generators = tuple(
        {**card.to_dict(), "good_for": card.good_for, "missing": card.missing()} for card in cards()
    )
    return ModelListing(models, PRESETS, unreadable_packages(), generators)


@told()
def fetch_model(name: str, to: AnyPath) -> Path:
    """Bring a model's weights to a folder, for a machine without a network.

    Raises:
        UnknownModel: there is no such model.
        HubUnreachable: the weights are not to be had.
    """
    from lookweave.models.cards import card_named
    from lookweave.models.hub.fetch import fetch

    return fetch(card_named(name), path_of(to, "to"))


@contextmanager
def _progress(shown: bool) -> Iterator[Progress]:
    from lookweave.progress import Progress

    with Progress(quiet=not shown) as progress:
        yield progress

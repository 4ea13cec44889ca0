"""The command line: one function a verb, no work of its own.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the work failed,
2 the call was wrong.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import re
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, cast

import typer

from lookweave import __version__, api
from lookweave.cli_options import Json, WorkspacePath
from lookweave.cli_tables import matches, pairs, products, search
from lookweave.errors import LookweaveError, UsageError, from_system
from lookweave.log import log_to
from lookweave.studio.render.cli import render
from lookweave.studio.shoot.cli import shoot
from lookweave.terminal import (
    StdoutError,
    complain,
    flush,
    say,
    show,
    show_result,
    show_table,
)  # fmt: skip
from lookweave.text import to_json, visible
from lookweave.train.cli import app as train_app

_log = logging.getLogger(__name__)

app = typer.Typer(
    name="lookweave",
    help="Pair product photos of garments with editorial photos of the very same garments.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(invoke_without_command=True)
app.add_typer(models_app, name="models", help="Every model card.")
app.add_typer(train_app, name="train")
app.command("render")(render)
app.command("shoot")(shoot)
for _verb in (matches, pairs, products, search):
    app.command()(_verb)

Models = Annotated[
    str | None, typer.Option(help="a preset or names joined by + (see `lookweave models`)")
]
NonCommercial = Annotated[
    bool, typer.Option("--accept-non-commercial", help="allow weights under such licences")
]
LogFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="write what happens to the end of this file")
]
LogJson = Annotated[bool, typer.Option("--log-json", help="as JSON, an object a line")]
ModelsDir = Annotated[str | None, typer.Option(help="where fetched weights lie")]


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"lookweave {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="print the version", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(2)


@app.command()
def demo(
    out: Annotated[str, typer.Option(help="a new folder")] = "demo-out",
    json_: Json = False,
) -> None:
    """Build a sample end to end and open its report."""
    result = api.run_demo(out, progress=not json_)
    show_result(result.to_dict() if json_ else result.text(), json_)


@app.command()
def build(
    out: Annotated[str, typer.Option(metavar="WS", help="the workspace, new or to go on with")],
    garments: Annotated[
        list[str] | None, typer.Option(metavar="DIR|CSV", help="product photos; may be repeated")
    ] = None,
    looks: Annotated[
        list[str] | None, typer.Option(metavar="DIR|CSV", help="editorial photos; may be repeated")
    ] = None,
    models: Models = None,
    engine: Annotated[str | None, typer.Option(help="local or ray")] = None,
    workers: Annotated[int | None, typer.Option(help="batches at work at a time")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="bring the photos into WS")] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=NAME,…", help="a manifest's own names: sku=Art-Nr,image=Bild"),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="DIR|URL", help="where a manifest's paths begin")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="of manifests that are text")] = None,
    models_dir: ModelsDir = None,
    accept_non_commercial: NonCommercial = False,
    snapshot: Annotated[
        str | None, typer.Option(help="name the finished state, to publish from it later")
    ] = None,
    json_: Json = False,
) -> None:
    """Pair two folders of photos; on a half-done workspace, go on with it."""
    built = api.build(
        garments, looks, out=out, models=models, models_dir=models_dir,
        accept_non_commercial=accept_non_commercial or None, engine=engine, workers=workers,
        copy=copy or None, columns=_columns(columns), base=base, encoding=encoding,
        snapshot=snapshot, progress=not json_,
    )  # fmt: skip
    assert built.last_build is not None
    show_result(built.last_build.to_dict() if json_ else built.last_build.text(), json_)


def _columns(given: list[str] | None) -> dict[str, str] | None:
    """``["sku=Art. No,image=Bild"]`` as a dictionary; None where nothing is given."""
    if not given:
        return None
    named: dict[str, str] = {}
    for part in (part for each in given for part in re.split(r",(?=\s*\w+\s*=)", each)):
        name, equals, column = part.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise UsageError(
                f"--columns {part!r} cannot be read: write a field, = and a column's name, such "
                "as --columns sku=Art-Nr,image=Bild."
            )
        named[name.strip()] = column.strip()
    return named


@app.command()
def status(workspace: WorkspacePath, json_: Json = False) -> None:
    """What is in a workspace and what is left to do."""
    found = api.open(workspace).status()
    if json_:
        show_result(found.to_dict(), True)
    else:
        show(found)


@app.command()
def config(workspace: WorkspacePath, json_: Json = False) -> None:
    """Every setting, its value, and where that comes from."""
    found = api.open(workspace).config()
    if json_:
        show_result({"settings": [one.to_dict() for one in found]}, True)
    else:
        rows = [(one.name, to_json(one.value), one.origin) for one in found]
        show_table("", ("setting", "value", "from"), rows)


@app.command()
def sources(
    workspace: WorkspacePath,
    drop: Annotated[
        str | None, typer.Option(metavar="INPUT", help="list this folder or manifest no more")
    ] = None,
    json_: Json = False,
) -> None:
    """The folders and manifests of a workspace, or drop one of them."""
    opened = api.open(workspace)
    if drop is not None:
        gone = opened.drop_source(drop)
        told = (
            f"{drop} is dropped: {gone} photos are listed by nobody now, and leave the next build"
        )
        show_result({"dropped": drop, "listed_no_more": gone} if json_ else told, json_)
        return
    found = opened.sources()
    if json_:
        show_result({"sources": [one.to_dict() for one in found]}, True)
    else:
        rows = [
            (one.kind, one.path, f"{one.added:%Y-%m-%d}", str(one.photos), str(one.not_read),
             str(one.listed_no_more))
            for one in found
        ]  # fmt: skip
        columns = ("kind", "input", "added", "photos", "not read", "listed no more")
        show_table("", columns, rows)


@app.command()
def takedown(
    workspace: WorkspacePath,
    name: Annotated[
        str | None,
        typer.Argument(help="a photo's id, path, address or file name, or an article's number"),
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="lift what stands against NAME")] = False,
    list_: Annotated[bool, typer.Option("--list", help="every takedown and every lift")] = False,
    reason: Annotated[str, typer.Option(help="why; a sentence that is kept with it")] = "",
    by: Annotated[str, typer.Option(help="who says so; you, when not given")] = "",
    json_: Json = False,
) -> None:
    """Take a photo down until it is lifted, lift a takedown, or list them."""
    if list_ == (name is not None) or (lift and list_):
        raise UsageError("Give the NAME of a photo or article, with or without --lift; or --list.")
    opened = api.open(workspace)
    if name is None:
        events = opened.takedowns()
        if json_:
            show_result({"takedowns": [one.to_dict() for one in events]}, True)
            return
        rows = [
            (f"{one.at:%Y-%m-%d %H:%M}", one.what, "stands" if one.stands else "", one.name, one.by,
             one.statement, one.due.isoformat() if one.due else "at once")
            for one in events
        ]  # fmt: skip
        show_table("", ("at", "what", "", "name", "by", "statement", "from"), rows)
        return
    change = opened.lift_takedown if lift else opened.take_down
    photos = change(name, statement=reason, by=by)
    key = "lifted" if lift else "taken_down"
    if json_:
        show_result({key: [one.to_dict() for one in photos]}, True)
        return
    for one in photos:
        say(f"{'lifted' if lift else 'taken down'}: {one.kind} {visible(one.place, one_line=True)}")


@app.command()
def report(
    workspace: WorkspacePath,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="default WS/report.html")
    ] = None,
    truth: Annotated[str | None, typer.Option(help="truth.csv, for precision per tier")] = None,
    json_: Json = False,
) -> None:
    """Write the report: one HTML file that needs nothing else."""
    where = api.open(workspace).report(output, truth=truth)
    show_result({"report": str(where)} if json_ else str(where), json_)


@app.command("verify-store")
def verify_store(
    workspace: WorkspacePath,
    repair: Annotated[bool, typer.Option(help="mend what a crash left half-done")] = True,
    hashes: Annotated[bool, typer.Option(help="read every photo and compare its hash")] = True,
    json_: Json = False,
) -> None:
    """Prove that every row's references, hashes and schemas hold."""
    verdict = api.open(workspace).verify(repair=repair, hashes=hashes, progress=not json_)
    if json_:
        show_result(verdict.to_dict(), True)
    else:
        rows = sum(verdict.rows.values())
        say(f"{rows} rows in {len(verdict.rows)} tables, {verdict.photos_hashed} photos hashed.")
        for one in verdict.problems:
            state = "mended" if one.repaired else "NOT mended"
            examples = visible(", ".join(one.examples), one_line=True)
            say(f"{one.table}: {one.what}: {one.rows} ({state}), e.g. {examples}")
        say("The workspace is whole." if verdict.ok else "The workspace is not whole.")
    if not verdict.ok:
        raise typer.Exit(1)


@app.command()
def serve(
    workspace: WorkspacePath,
    host: Annotated[str, typer.Option(help="localhost: only this machine may connect")] = (
        "localhost"
    ),
    port: Annotated[int, typer.Option(help="0: any that is free")] = 8090,
) -> None:
    """Open the review desk in a browser, until it is stopped."""
    from lookweave.web.serving import serve as run

    run(Path(workspace), host, port, lambda address: say(f"{address} (Ctrl-C stops)"))


@app.command()
def evaluate(
    workspace: WorkspacePath,
    truth: Annotated[str, typer.Option(help="CSV with the columns garment and look (file names)")],
    ablations: Annotated[
        bool, typer.Option(help="also each part alone: photo, detection, description")
    ] = False,
    models: Annotated[list[str] | None, typer.Option(help="compare these; repeat it")] = None,
    json_: Json = False,
) -> None:
    """Measure recall against known pairs, both ways, with 95% intervals."""
    shown = {"ablations": ablations, "progress": not json_}
    found = api.open(workspace).evaluate(truth, models=models, **shown)
    show_result(found.to_dict() if json_ else found.text(), json_)


@app.command()
def benchmark(
    name: Annotated[str, typer.Argument(help="such as in-shop, or folder for one of your own")],
    data: Annotated[str, typer.Option(metavar="DIR", help="where its files lie, in its layout")],
    models: Annotated[
        list[str] | None,
        typer.Option(help="may be repeated; the others are compared with the first"),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="vectors and results; benchmark-NAME")
    ] = None,
    regions: Annotated[
        str | None, typer.Option(help="whole, given or found, in place of its own rule")
    ] = None,
    models_dir: ModelsDir = None,
    accept_non_commercial: NonCommercial = False,
    json_: Json = False,
) -> None:
    """Measure models on a benchmark that others know; a run that was stopped goes on."""
    found = api.run_benchmark(
        name, data, models=models, out=out, regions=regions, models_dir=models_dir,
        accept_non_commercial=accept_non_commercial or None, progress=not json_,
    )  # fmt: skip
    show_result(found.to_dict() if json_ else found.text(), json_)


@app.command()
def calibrate(
    workspace: WorkspacePath,
    truth: Annotated[
        str | None, typer.Option(help="known pairs; without it the reviews are used")
    ] = None,
    json_: Json = False,
) -> None:
    """Learn the weights of the score and its probability from labelled pairs."""
    learned = api.open(workspace).calibrate(truth).to_dict()
    show_result(learned if json_ else to_json(learned, indent=2), json_)


@app.command()
def publish(
    workspace: WorkspacePath,
    to: Annotated[str, typer.Option(metavar="DIR|hf://owner/name")],
    snapshot: Annotated[str | None, typer.Option(help="publish this named state")] = None,
    title: Annotated[str | None, typer.Option(help="of the card")] = None,
    licence: Annotated[str | None, typer.Option(help="of the data set, such as cc-by-4.0")] = None,
    description: Annotated[str | None, typer.Option(help="a paragraph for the card")] = None,
    contact: Annotated[str | None, typer.Option(help="how to ask for a takedown")] = None,
    homepage: Annotated[str | None, typer.Option(help="of the data set")] = None,
    authors: Annotated[str | None, typer.Option(help="for the citation")] = None,
    year: Annotated[int | None, typer.Option(help="for the citation")] = None,
    tiers: Annotated[list[str] | None, typer.Option(help="may be repeated; all by default")] = None,
    formats: Annotated[list[str] | None, typer.Option(help="parquet, webdataset; both")] = None,
    recipe: Annotated[str | None, typer.Option(help="which recipe's pairs")] = None,
    max_side: Annotated[int | None, typer.Option(help="longest side of a photo, pixels")] = None,
    region_side: Annotated[int | None, typer.Option(help="and of a region's crop")] = None,
    quality: Annotated[int | None, typer.Option(help="of JPEG")] = None,
    original: Annotated[
        bool | None, typer.Option("--original", help="the photos' own bytes")
    ] = None,
    metadata: Annotated[
        bool | None, typer.Option("--metadata", help="all manifest columns")
    ] = None,
    shard_bytes: Annotated[int | None, typer.Option(help="a shard's size")] = None,
    allow_rights: Annotated[list[str] | None, typer.Option(help="phrases that allow")] = None,
    forbid_rights: Annotated[list[str] | None, typer.Option(help="phrases that forbid")] = None,
    allow_unknown_rights: Annotated[
        bool | None,
        typer.Option(help="of unknown rights; unset: to a folder, if nothing is said of them"),
    ] = None,
    private: Annotated[bool | None, typer.Option("--private", help="a new repository")] = None,
    commit_message: Annotated[str | None, typer.Option(help="on a hub")] = None,
    forget_history: Annotated[
        bool | None, typer.Option("--forget-history", help="on a hub, drop earlier versions")
    ] = None,
    json_: Json = False,
) -> None:
    """Write the data set: Parquet with images, WebDataset, Croissant and a card."""
    # Every parameter above but these is one of `publish.Options`.
    options = {
        name: value
        for name, value in locals().items()
        if name not in ("workspace", "to", "snapshot", "json_")
    }
    summary = api.open(workspace).publish(to, snapshot=snapshot, progress=not json_, **options)
    show_result(summary.to_dict() if json_ else summary.text(), json_)


@models_app.callback()
def list_models(context: typer.Context, json_: Json = False, models_dir: ModelsDir = None) -> None:
    """Every model card: task, size, licence, where its weights come from, ready or not."""
    if context.invoked_subcommand:
        return
    listing = api.list_models(models_dir)
    if json_:
        show_result(listing.to_dict(), True)
        return
    for one in listing.models:
        card = one.card
        size = f"{round(card.size_mb, 1):g} MB" if card.size_mb else "-"
        commerce = "" if card.commercial else ", not for commerce"
        state = "not ready" if one.missing else "ready"
        say(
            f"{card.name:<26} {card.task:<10} {size:<9} {card.licence_text}{commerce}, "
            f"{card.source}: {state}"
        )
        say(f"    {card.good_for}")
        if card.offered_by:
            say(f"    from the package {card.offered_by}")
        if one.missing:
            say(f"    not ready: {one.missing}")
    say("\nPresets:")
    for name, parts in listing.presets.items():
        say(f"    --models {name:<10} {parts}")
    for package, reason in listing.unreadable.items():
        say(f"\nThe models of the package {package} cannot be read: {reason}")


@models_app.command("fetch")
def fetch_model(
    name: Annotated[str, typer.Argument(help="a card whose weights come from the hub")],
    to: Annotated[str, typer.Option(help="the models folder; --models-dir on the other machine")],
    json_: Json = False,
) -> None:
    """Bring a model's weights to a folder, for a machine without a network."""
    where = api.fetch_model(name, to)
    show_result({"model": name, "folder": str(where)} if json_ else str(where), json_)


def _with_log(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with the options --log-file and --log-json."""

    @wraps(verb)
    def logged(*, log_file: str | None, log_json: bool, **given: Any) -> None:
        if log_file is None:
            if log_json:
                raise UsageError("--log-json says how a log is written: name its --log-file, too.")
            verb(**given)
            return
        with log_to(Path(log_file), as_json=log_json):
            _log.info("lookweave %s: %s", __version__, shlex.join(sys.argv[1:]))
            try:
                verb(**given)
            except typer.Exit as ended:
                _log.info("ended with exit code %d", ended.exit_code)
                raise
            except LookweaveError as error:
                _log.error("failed: %s", error)
                raise
            except KeyboardInterrupt:
                _log.warning("stopped by a signal")
                raise
            except Exception as error:
                _log.exception("failed: %s", type(error).__name__)
                raise
            _log.info("done")

    signature = inspect.signature(verb, eval_str=True)
    further = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, default, kind in (("log_file", None, LogFile), ("log_json", False, LogJson))
    ]
    parameters = [*signature.parameters.values(), *further]
    logged.__annotations__ = {one.name: one.annotation for one in parameters}
    logged.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return logged


for _app in (app, models_app, train_app):
    for _command in _app.registered_commands:
        if _command.callback is not None:
            _command.callback = _with_log(_command.callback)


def main() -> None:
    """Run the command line and end with its exit code."""
    # Pillow tells stderr of every oddity that it meets; what matters ends in a reject.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What a terminal has no character for is shown as an escape, not as a failure.
            stream.reconfigure(errors="backslashreplace")
    warnings_shown = _Warnings(logging.WARNING)
    logging.getLogger("lookweave").addHandler(warnings_shown)
    try:
        code = _run()
        flush()
    except StdoutError as error:
        code = 1
        if not isinstance(error.__cause__, BrokenPipeError):  # who reads no further knows it
            reason = os.strerror(getattr(error.__cause__, "errno", None) or 5)
            complain(f"the result cannot be written to the standard output: {reason}.")
    finally:
        logging.getLogger("lookweave").removeHandler(warnings_shown)
    sys.exit(code)


class _Warnings(logging.Handler):
    """Shows on stderr what should be known and does not end the work."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in (__name__, api.__name__):  # those the verbs say themselves
            complain(f"warning: {record.getMessage()}")


def _run() -> int:
    signals: list[int] = []
    try:
        with _interrupted_by(signals):
            code = app(standalone_mode=False)
        if not signals:  # Typer makes an exit code of its own of an interruption
            return code if isinstance(code, int) else 0
    except (typer.Abort, KeyboardInterrupt):
        pass
    except StdoutError:
        raise
    except Exception as error:
        if not signals:  # what is broken off may fail in any way
            return _failed(error)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        if not signals:  # a panic of Lance, which is written in Rust
            return _failed(RuntimeError(f"a panic in Lance: {error}"))
    complain("stopped. What was committed is safe; the same command goes on from here.")
    return 128 + (signals[0] if signals else signal.SIGINT)


def _failed(error: Exception) -> int:
    """Say what went wrong; returns the exit code."""
    if isinstance(error, _WrongCall):
        wrong = cast(typer.BadParameter, error)
        usage = f"\n{wrong.ctx.get_usage()}" if wrong.ctx else ""
        complain(f"{wrong.format_message()}{usage}")
        return wrong.exit_code
    if isinstance(error, (OSError, MemoryError)):
        error = from_system(error)
    if isinstance(error, LookweaveError):
        complain(str(error))
        return error.exit_code
    if os.environ.get("LOOKWEAVE_DEBUG"):
        raise error
    complain(
        f"a fault in Lookweave itself: {type(error).__name__}: {error}\n"
        "What was committed is safe. Please report this with the output of the same command "
        "under LOOKWEAVE_DEBUG=1."
    )
    return 1


_WrongCall: type[Exception] = typer.BadParameter.__mro__[2]
"""Click's error of all that is wrong with a call; Typer brings its own copy of Click."""


@contextlib.contextmanager
def _interrupted_by(signals: list[int]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the work, as Ctrl-C does; `signals` gets those that came."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    main()

"""The verbs that make a workspace and keep it: build, sources, takedown and the like."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from lookweave import api
from lookweave.cli.options import (
    Json,
    Models,
    ModelsDir,
    NonCommercial,
    WorkspacePath,
    read_columns,
)
from lookweave.errors import UsageError
from lookweave.terminal import say, show, show_result, show_table
from lookweave.text import to_json, visible


def demo(
    out: Annotated[str, typer.Option(help="a new folder")] = "demo-out",
    serve_: Annotated[
        bool, typer.Option("--serve", help="open its review desk and library, until it is stopped")
    ] = False,
    port: Annotated[int, typer.Option(help="for --serve; 0: any that is free")] = 8090,
    json_: Json = False,
) -> None:
    """Build a sample end to end and open its report."""
    if serve_ and json_:
        raise UsageError("--json prints one object and ends; --serve goes on: give one of them.")
    if serve_:
        from lookweave.web.serving import needed
        from lookweave.web.serving import serve as run

        needed("demo --serve")  # before the work
    result = api.run_demo(out, progress=not json_, show=not serve_)
    show_result(result.to_dict() if json_ else result.text(), json_)
    if serve_:
        run(Path(result.build.workspace), "localhost", port, _open)


def _open(told: str) -> None:
    """Say where pages are, and open them where a person looks on."""
    say(f"{told} (Ctrl-C stops)")
    if sys.stdout.isatty():
        webbrowser.open(told)


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
        copy=copy or None, columns=read_columns(columns), base=base, encoding=encoding,
        snapshot=snapshot, progress=not json_,
    )  # fmt: skip
    assert built.last_build is not None
    show_result(built.last_build.to_dict() if json_ else built.last_build.text(), json_)


def status(workspace: WorkspacePath, json_: Json = False) -> None:
    """What is in a workspace and what is left to do."""
    found = api.open(workspace).status()
    if json_:
        show_result(found.to_dict(), True)
    else:
        show(found)


def config(workspace: WorkspacePath, json_: Json = False) -> None:
    """Every setting, its value, and where that comes from."""
    found = api.open(workspace).config()
    if json_:
        show_result({"settings": [one.to_dict() for one in found]}, True)
    else:
        rows = [(one.name, to_json(one.value), one.origin) for one in found]
        show_table("", ("setting", "value", "from"), rows)


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


def serve(
    workspace: Annotated[
        str | None,
        typer.Argument(metavar="[WS]", help="where there is none yet, a page builds one"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="localhost: only this machine; any other one wants users")
    ] = "localhost",
    port: Annotated[int, typer.Option(help="0: any that is free")] = 8090,
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="what people type into the browser: https://…"),
    ] = None,
    trust_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="IP", help="believe this reverse proxy's X-Forwarded-For; repeat it"),
    ] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[garments=|looks=]FOLDER", help="build what comes in meanwhile; repeat it"
        ),
    ] = None,
) -> None:
    """Open the review desk and the library in a browser, until it is stopped."""
    from lookweave.web.serving import serve as run

    run(
        Path(workspace) if workspace else None, host, port,
        lambda told: say(f"{told} (Ctrl-C stops)"), address=address, proxies=trust_proxy or (),
        watch=watch or (),
    )  # fmt: skip

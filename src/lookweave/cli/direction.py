"""``lookweave board``, ``concepts``, ``shots``, ``spread``, ``campaign`` and ``outfits``."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lookweave import studio_api
from lookweave.cli.options import Json, read_columns
from lookweave.cli.studio import Backend, Settings
from lookweave.errors import InputError
from lookweave.progress import Progress
from lookweave.studio import direction
from lookweave.terminal import say, show_result

Seed = Annotated[int, typer.Option(min=0, help="same seed, same result")]


def board(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PICTURE…]", help="pictures of the mood; with --workspace also looks' ids"
        ),
    ] = None,
    words: Annotated[str, typer.Option(help='such as "1970s disco, neon, dance poses"')] = "",
    title: Annotated[str, typer.Option(help="of the board")] = "",
    out: Annotated[Path, typer.Option(help="file of the board, .toml or .json")] = Path(
        "board.toml"
    ),
    vlm_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible server that looks at the pictures; they "
                                 "are sent there")
    ] = None,
    vlm_model: Annotated[str | None, typer.Option(help="its model")] = None,
    workspace: Annotated[
        str | None, typer.Option(metavar="WS", help="where pictures are ids or names of looks")
    ] = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """A mood board from pictures and words, to be edited: of every entry it says the source."""
    vlm = None
    if vlm_url is not None or vlm_model is not None:
        vlm = {"url": vlm_url, "model": vlm_model, "cache": out.with_suffix(".answers.sqlite")}
    made = studio_api.board(list(pictures or ()), words, title=title, vlm=vlm, workspace=workspace)
    made.write(out)
    if json_:
        show_result({"file": str(out), "board": made.model_dump(mode="json")}, True)
        return
    for line in made.lines():
        say(line)
    say(f"written to {out}")


def concepts(
    garment: Annotated[list[Path], typer.Option(help="product photo; may be repeated, innermost "
                                                "first")],
    board: Annotated[Path | None, typer.Option(help="a board that `lookweave board` wrote")] = None,
    picture: Annotated[list[Path] | None, typer.Option(help="picture of the mood, in place of a "
                                                       "board; may be repeated")] = None,
    words: Annotated[str, typer.Option(help="words of the mood, in place of a board")] = "",
    count: Annotated[int, typer.Option(min=1, help="concepts")] = 4,
    seed: Seed = 0,
    lock: Annotated[list[str] | None, typer.Option(help="part that stays the same: scene, light, "
                                                   "poses, palette, style, camera, wearer")] = None,
    like: Annotated[str | None, typer.Option(help="FOLDER:NUMBER of an earlier concept whose "
                                             "locked parts are kept")] = None,
    out: Annotated[Path, typer.Option(help="folder for the concepts")] = Path("concepts-out"),
    pictures: Annotated[bool, typer.Option(help="make a small picture of each")] = True,
    cache: Annotated[Path | None, typer.Option(help="where fitted garments are kept")] = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """Concepts for garments in the mood of a board: title, story, place, light, poses, palette."""
    if (board is None) == (not picture and not words.strip()):
        raise InputError("Give --board, or --picture and --words, not both.")
    given: Any = board if board is not None else direction.board(list(picture or ()), words)
    kept = None
    if like is not None:
        folder, _, number = like.rpartition(":")
        if not folder or not number.isdigit():
            raise InputError(f"--like {like!r} is not FOLDER:NUMBER.")
        kept = direction.read_concepts(folder).numbered(int(number))
    with Progress(quiet=json_ or not pictures) as progress:
        progress.start("concepts", count, "pictures")
        found = direction.concepts(
            given, list(garment), count=count, seed=seed, lock=tuple(lock or ()), like=kept,
            out=out, pictures=pictures, cache=cache, done=lambda title: progress.advance(1),
        )  # fmt: skip
        progress.end(f", in {out}")
    if json_:
        show_result({"folder": str(out), "concepts": found.model_dump(mode="json")}, True)
        return
    for place, one in enumerate(found.concepts, 1):
        say(f"{place}  {one.title}")
        for line in (*one.narrative, *(f"- {reason}" for reason in one.why)):
            say(f"   {line}")
    say(f"cards in {out / direction.CARDS}")


def shots(
    found: Annotated[Path, typer.Argument(metavar="CONCEPTS", help="folder or file of concepts")],
    number: Annotated[int, typer.Option(min=1, help="which concept")] = 1,
    out: Annotated[Path, typer.Option(help="folder for the shots; goes on when half done")] = Path(
        "shots-out"
    ),
    role: Annotated[list[str] | None, typer.Option(help="opener, full length, detail, movement, "
                                                   "closer; all of them by default")] = None,
    width: Annotated[int, typer.Option(min=64, max=4096, help="pixels across")] = 512,
    height: Annotated[int, typer.Option(min=64, max=4096, help="pixels down")] = 768,
    cache: Annotated[Path | None, typer.Option(help="where fitted garments are kept")] = None,
    backend: Backend = "embedded",
    settings: Settings = None,
    dry_run: Annotated[bool, typer.Option(help="say what would be made, and how long it takes")]
    = False,
    json_: Json = False,
) -> None:  # fmt: skip
    """The shots of a concept with a role each, and their contact sheet."""
    listed = direction.list_shots(found, number, roles=role or None, size=(width, height))
    from lookweave.studio.direction.shotlist import estimate
    from lookweave.studio.shoot import backends

    maker = backends.generator(backend, backends.read_settings(settings or ()))
    before = estimate(listed, out, cache, maker)
    if not json_:
        say(listed.to_text())
        say(before.line())
    if dry_run:
        if json_:
            show_result({"shots": listed.model_dump(mode="json"), "estimate": vars(before)}, True)
        return
    with Progress(quiet=json_) as progress:
        progress.start("shots", len(listed.shots), "pictures")
        made = direction.shots(
            found, number, out=out, roles=role or None, size=(width, height), cache=cache,
            generator=maker, done=lambda role: progress.advance(1),
        )  # fmt: skip
        progress.end(f", {made.made} made, in {out}")
    if json_:
        show_result({**made.to_dict(), "estimate": vars(before)}, True)
        return
    for name, why in made.failed.items():
        say(f"failed  {name}: {why}")
    say(f"contact sheet in {out / 'contact-sheet.jpg'}")


def spread(
    folder: Annotated[Path, typer.Argument(metavar="SHOTS", help="folder that `shots` made")],
    out: Annotated[Path, typer.Option(help="folder for the pages")] = Path("spread-out"),
    layout: Annotated[str, typer.Option(help="single (1 picture), double (2), story (5)")] = (
        "story"
    ),
    star: Annotated[list[int] | None, typer.Option(help="number of a shot to show; may be "
                                                   "repeated, in the order of the pages")] = None,
    title: Annotated[str, typer.Option(help="by default the concept's")] = "",
    credit: Annotated[str, typer.Option(help="who is to be named")] = "",
    json_: Json = False,
) -> None:  # fmt: skip
    """Shots as pages: a PDF for print, a web page, and a ZIP of both with pictures and recipes."""
    made = direction.spread(
        folder, out=out, layout=layout, stars=tuple(star or ()), title=title, credit=credit
    )
    if json_:
        show_result(made.to_dict(), True)
        return
    told = made.story
    say(f"{made.pages} pages in {made.file}, shots {', '.join(map(str, made.shots))}")
    say(f"consistency {told.consistency}, variety {told.variety}, order {told.order}")
    for note in made.notes:
        say(f"note  {note}")


def campaign(
    catalogue: Annotated[str, typer.Argument(help="folder of product photos, or a manifest")],
    brief: Annotated[str, typer.Option(help="the look, the shots and the size, in TOML")],
    out: Annotated[
        str, typer.Option(help="folder for the pictures; goes on when half done")
    ] = "campaign-out",
    workspace: Annotated[
        str | None, typer.Option(metavar="WS", help="whose takedowns hold too")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="of a manifest; repeatable")
    ] = None,
    base: Annotated[str | None, typer.Option(help="where a manifest's paths begin")] = None,
    allow_rights: Annotated[list[str] | None, typer.Option(help="phrase that allows")] = None,
    forbid_rights: Annotated[list[str] | None, typer.Option(help="phrase that forbids")] = None,
    cache: Annotated[str | None, typer.Option(help="where fitted garments are kept")] = None,
    backend: Backend = "embedded",
    settings: Settings = None,
    dry_run: Annotated[bool, typer.Option(help="say what is left, how long and at what price")]
    = False,
    json_: Json = False,
) -> None:  # fmt: skip
    """Every article of a catalogue in one look, two shots each."""
    from lookweave.studio.shoot.backends import read_settings

    named = read_columns(columns)
    before, made = studio_api.campaign(
        catalogue, brief, out=out, workspace=workspace, columns=named, base=base,
        allow_rights=tuple(allow_rights or ()), forbid_rights=tuple(forbid_rights or ()),
        generator=backend, settings=read_settings(settings or ()), cache=cache, dry_run=dry_run,
        progress=not json_,
    )  # fmt: skip
    if json_:
        told = {} if made is None else made.to_dict()
        show_result({"plan": asdict(before), **told}, True)
        return
    if made is None:
        for line in before.lines():
            say(line)
        return
    for reason, count in Counter(one.reason for one in made.refused).most_common():
        say(f"not shown  {count} ({reason})")
    say(f"{len(made.rows())} pictures in {out}, listed in pictures.csv and rejects.csv")


def outfits(
    wardrobe: Annotated[
        str, typer.Argument(help="folder of photos, a garment each, or a manifest")
    ],
    rules: Annotated[str | None, typer.Option(help="layers and colours, in TOML")] = None,
    count: Annotated[int, typer.Option(min=1, help="outfits, the best first")] = 20,
    columns: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="of a manifest; repeatable")
    ] = None,
    base: Annotated[str | None, typer.Option(help="where a manifest's paths begin")] = None,
    json_: Json = False,
) -> None:
    """Outfits of one's own garments, by rules of layers and colours that can be changed."""
    found = studio_api.outfits(
        wardrobe, rules=rules, count=count, columns=read_columns(columns), base=base,
        progress=not json_,
    )  # fmt: skip
    if json_:
        show_result(found.to_dict(), True)
        return
    for number, one in enumerate(found.outfits, 1):
        say(f"{number}  {one.points:.1f}  {one.shape}: {'; '.join(one.why)}")
        say("   " + " ".join(f"--garment {shlex.quote(photo)}" for photo in one.photos))
    for refusal in found.refused:
        say(f"not used  {refusal.photo}: {refusal.detail} ({refusal.reason})")

"""The verbs that measure a workspace and let results out of it."""

from __future__ import annotations

from typing import Annotated

import typer

from lookweave import api
from lookweave.arguments import path_of
from lookweave.cli.options import Json, ModelsDir, NonCommercial, WorkspacePath
from lookweave.errors import InputError
from lookweave.terminal import show_result
from lookweave.text import to_json


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


def audit(
    workspace: WorkspacePath,
    tier: Annotated[
        str, typer.Option(help="high, medium, low; candidates, to cut tiers by a target precision")
    ],
    n: Annotated[int | None, typer.Option(min=1, help="pairs to draw; 600")] = None,
    seed: Annotated[int | None, typer.Option(help="of the draw")] = None,
    delta: Annotated[float, typer.Option(help="chance that a bound is wrong")] = 0.05,
    sheet: Annotated[
        str | None, typer.Option(metavar="DIR", help="write the pairs here, to judge them by hand")
    ] = None,
    read: Annotated[
        str | None, typer.Option(metavar="FILE", help="take in a sheet that was filled in")
    ] = None,
    reviewer: Annotated[str, typer.Option(help="who filled it in")] = "",
    json_: Json = False,
) -> None:
    """Draw a random sample of a tier, have people judge it, and tell how right the tier is."""
    found = api.open(workspace).audit(
        tier, n=n, seed=seed, delta=delta, sheet=sheet, read=read, reviewer=reviewer
    )
    show_result(found.to_dict() if json_ else found.text(), json_)


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


def export(
    workspace: WorkspacePath,
    to: Annotated[str, typer.Option(metavar="FILE.csv|.json|.pdf|.zip|DIR")],
    selection: Annotated[str | None, typer.Option(help="one that is kept in the library")] = None,
    photos: Annotated[
        str | None, typer.Option(metavar="FILE", help="ids of photos, one a line, instead")
    ] = None,
    tiers: Annotated[
        list[str] | None, typer.Option(help="also links of this tier; may be repeated")
    ] = None,
    metadata: Annotated[
        bool, typer.Option(help="write articles and their places into the copies (IPTC, as XMP)")
    ] = True,
    allow_unknown_rights: Annotated[
        bool, typer.Option("--allow-unknown-rights", help="also rights that are not understood")
    ] = False,
    json_: Json = False,
) -> None:
    """Write chosen photos for others: a table, a contact sheet, copies with their articles."""
    ids = None
    if photos is not None:
        lines = path_of(photos, "photos")
        try:
            ids = lines.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{lines} cannot be read: {error}.") from error
    done = api.open(workspace).export(
        to, selection=selection, photos=ids, tiers=tiers or (), metadata=metadata,
        allow_unknown_rights=allow_unknown_rights,
    )  # fmt: skip
    if json_:
        show_result(done.to_dict(), True)
        return
    said = [f"{done.photos} photos in {done.to}"]
    said += [
        f"left out {count}: {reason.replace('_', ' ')}" for reason, count in done.reasons.items()
    ]
    show_result("\n".join(said), False)

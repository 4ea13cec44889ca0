"""The verbs that give tables: matches, pairs, products, search."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lookweave import api
from lookweave.cli.options import Json, TableFile, WorkspacePath
from lookweave.errors import UsageError
from lookweave.terminal import say, show_result, show_table

_UNCALIBRATED = (
    "The probabilities are not calibrated: they are a rule of thumb until `lookweave calibrate` "
    "has learned from known pairs or reviews."
)
_SHOWN = 50


def matches(
    workspace: WorkspacePath,
    output: TableFile = None,
    top: Annotated[int, typer.Option(min=1, help="matches of each garment")] = 10,
    sku: Annotated[str | None, typer.Option(help="only of this article")] = None,
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help="the articles that no look shows, instead")
    ] = False,
    bound: Annotated[
        float | None, typer.Option(help="with --unmatched: the least probability of a match; 0.5")
    ] = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="the matches that truth or reviews refuse, instead")
    ] = False,
    truth: Annotated[
        str | None, typer.Option(help="with --refused: known pairs; without it the reviews")
    ] = None,
    json_: Json = False,
) -> None:
    """The best matches of every garment or of one article, as CSV or Parquet."""
    if sum((sku is not None, unmatched, refused)) > 1:
        raise UsageError("--sku, --unmatched and --refused are three tables: ask for one.")
    if bound is not None and not unmatched:
        raise UsageError("--bound belongs to --unmatched.")
    if truth is not None and not refused:
        raise UsageError("--truth belongs to --refused.")
    if output is None and not unmatched and sku is None:
        raise UsageError("Name a file for the table: -o matches.csv or -o matches.parquet.")
    opened = api.open(workspace)
    note, what = "", "matches"
    if unmatched:
        least, what = 0.5 if bound is None else bound, "articles without a match"
        note = "" if opened.is_calibrated() else _UNCALIBRATED
        if output is None:
            _show_unmatched(opened, least, note, json_)
            return
        rows = opened.export_unmatched(output, bound=least)
    elif refused:
        assert output is not None
        rows = opened.export_hard_negatives(output, truth=truth)
        what = "refused matches"
    elif output is None:
        assert sku is not None
        _show_matches(opened, top, sku, json_)
        return
    else:
        rows = opened.export_matches(output, top=top, sku=sku)
    _written(rows, what, output, note, json_)


def pairs(
    workspace: WorkspacePath,
    output: TableFile = None,
    tier: Annotated[str | None, typer.Option(help="high, medium or low; all by default")] = None,
    json_: Json = False,
) -> None:
    """The pairs of the data set, as CSV or Parquet."""
    if output is None:
        raise UsageError("Name a file for the table: -o pairs.csv or -o pairs.parquet.")
    rows = api.open(workspace).export_pairs(output, tier=tier)
    _written(rows, "pairs", output, "", json_)


def products(
    workspace: WorkspacePath,
    output: TableFile = None,
    json_: Json = False,
) -> None:
    """Every article with its photos, best match and tier, as CSV or Parquet."""
    if output is None:
        raise UsageError("Name a file for the table: -o products.csv or -o products.parquet.")
    rows = api.open(workspace).export_products(output)
    _written(rows, "articles", output, "", json_)


def search(
    workspace: WorkspacePath,
    query: Annotated[
        str | None, typer.Argument(help='words, such as "red floral midi dress"')
    ] = None,
    image: Annotated[str | None, typer.Option(help="a photo in place of words")] = None,
    kind: Annotated[str | None, typer.Option(help="garment or look; both when not given")] = None,
    top: Annotated[int, typer.Option(min=1)] = 10,
    output: TableFile = None,
    json_: Json = False,
) -> None:
    """Find garments and looks by words or by a photo."""
    found = api.open(workspace).search(query, image=image, kind=kind, top=top, to=output)
    if output is not None:
        _written(len(found), "photos", output, found.note, json_)
    elif json_:
        show_result(found.to_dict(), True)
    elif found:
        rows = [
            (f"{hit.score:.3f}", hit.kind, hit.name, ", ".join(hit.skus), hit.what or "", hit.marks)
            for hit in found
        ]
        show_table(f"by {found.by}", ("score", "kind", "name", "articles", "what", ""), rows)
    else:
        say(f"Nothing was found by {found.by}.\n{found.note}")


def _written(rows: int, what: str, output: str, note: str, json_: bool) -> None:
    told: dict[str, Any] = {"rows": rows, "file": output, **({"note": note} if note else {})}
    show_result(told if json_ else "\n".join([f"{rows} {what} in {output}", *note.splitlines()]),
                json_)  # fmt: skip


def _show_matches(opened: api.Workspace, top: int, sku: str, json_: bool) -> None:
    found = opened.matches(top, sku=sku).to_pylist()
    note = "" if found else f"No garment of the article {sku} has a match."
    if json_:
        show_result({"matches": found, **({"note": note} if note else {})}, True)
    elif found:
        rows = [
            (f"{row['probability']:.2f}", str(row["rank"]), row["garment_path"], row["look_path"])
            for row in found
        ]
        show_table("", ("probability", "rank", "garment", "look"), rows)
    else:
        say(note)


def _show_unmatched(opened: api.Workspace, bound: float, note: str, json_: bool) -> None:
    found = opened.unmatched(bound).to_pylist()
    if json_:
        show_result({"unmatched": found, **({"note": note} if note else {})}, True)
        return
    rows = [
        (row["sku"] or ", ".join(row["photos"]), row["title"] or "",
         "" if row["probability"] is None else f"{row['probability']:.2f}", row["why"])
        for row in found[:_SHOWN]
    ]  # fmt: skip
    if rows:
        show_table("", ("article", "title", "best probability", "why"), rows)
    more = len(found) - len(rows)
    further = f", and {more} more: -o FILE writes all" if more else ""
    say(f"{len(found)} articles have no match as probable as {bound:g}{further}.")
    if note:
        say(note)

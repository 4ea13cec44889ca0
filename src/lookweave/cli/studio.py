"""The verbs of photo-shoots: make pictures, and measure pictures made anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lookweave import studio_api
from lookweave.cli.options import Json
from lookweave.errors import InputError
from lookweave.studio_results import Judged, ProbedPicture
from lookweave.terminal import say, show_result, show_table

if TYPE_CHECKING:
    from lookweave.studio.judge.matrix import Matrix
    from lookweave.studio.shoot.leaving import Leaving

Backend = Annotated[str, typer.Option(help="who makes the picture (see `lookweave models`)")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a setting of the backend")
]
_COLUMNS = ("likeness", "colour", "colour without light and finish", "texture inside", "lettering",
            "rank")  # fmt: skip


def shoot(
    garments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GARMENT…",
            help="product photos worn together, innermost first; with --workspace also ids",
        ),
    ] = None,
    out: Annotated[
        str, typer.Option(help="folder for the pictures; goes on when half done")
    ] = "shoot-out",
    workspace: Annotated[
        str | None, typer.Option(metavar="WS", help="where garments are ids or article numbers")
    ] = None,
    pose: Annotated[str | None, typer.Option(help="a name, joints in a .json, or words")] = None,
    scene: Annotated[str | None, typer.Option(help="a name or a photograph")] = None,
    light: Annotated[
        str | None, typer.Option(help='a name, "azimuth=-40,kelvin=3200", a look\'s .json, words')
    ] = None,
    style: Annotated[
        str | None, typer.Option(help='a grade, "grain=6,contrast=0.3", a reference picture, words')
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help='a crop, "azimuth=20,height=1.4", or words')
    ] = None,
    wearer: Annotated[
        str | None, typer.Option(help='female, male, "hair_style=bun,skin=#c69674", or words')
    ] = None,
    text: Annotated[str, typer.Option(help="words, read into what is not stated")] = "",
    vary: Annotated[
        list[str] | None, typer.Option(help="only this control changes; may be repeated")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="pictures")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="same seed, same pictures")] = 0,
    width: Annotated[int, typer.Option(min=64, max=4096, help="pixels across")] = 512,
    height: Annotated[int, typer.Option(min=64, max=4096, help="pixels down")] = 768,
    recipe: Annotated[
        str | None, typer.Option(help="a shoot in .toml or .json, in place of the controls")
    ] = None,
    cache: Annotated[str | None, typer.Option(help="where fitted garments are kept")] = None,
    backend: Backend = "embedded",
    settings: Settings = None,
    badge: Annotated[
        bool, typer.Option("--badge", help="a visible mark that says what made the picture")
    ] = False,
    psd: Annotated[
        bool, typer.Option("--psd", help="a layered file, masks and the recipe beside each picture")
    ] = False,
    c2pa: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="CERT KEY", help="sign content credentials with these PEM files"),
    ] = None,
    c2pa_self_signed: Annotated[
        bool, typer.Option(help="sign with a key that nobody vouches for: shown as untrusted")
    ] = False,
    json_: Json = False,
) -> None:
    """Editorial pictures of garments from their product photos: pose, scene, light and style."""
    result = studio_api.shoot(
        garments, out=out, workspace=workspace, recipe=recipe, count=count, wearer=wearer,
        pose=pose, camera=camera, scene=scene, light=light, style=style, text=text,
        vary=tuple(vary or ()), size=(width, height), seed=seed, generator=backend,
        settings=_settings(settings), leaving=_leaving(badge, psd, c2pa, c2pa_self_signed),
        cache=cache, progress=not json_,
    )  # fmt: skip
    if json_:
        show_result(result.to_dict(), True)
        return
    for line in result.read:
        say(f"read  {line}")
    for garment in result.garments:
        say(
            f"fit   {garment['photo']}: {garment['category']}, overlap {garment['overlap']:.3f}, "
            f"colour {garment['colour_error']:.1f} CIEDE2000, {garment['invented']:.0%} invented"
        )
    for picture in result:
        told = "; ".join(
            f"{row.probe} error {row.error:g}"
            for row in picture.table
            if row.control in ("garments", "light") and row.error is not None
        )
        say(f"made  {picture.path}: {told}")
    for reject in result.rejects:
        say(f"turned away  {reject['file']}: {reject['tries'][-1]['detail']}")


def _leaving(
    badge: bool, psd: bool, c2pa: tuple[Path, Path] | None, self_signed: bool
) -> Leaving | None:
    """What leaves with each picture; None: what always does."""
    if not (badge or psd or c2pa or self_signed):
        return None
    from lookweave.studio.shoot import provenance
    from lookweave.studio.shoot.leaving import Leaving

    if c2pa is not None and self_signed:
        raise InputError("Give --c2pa CERT KEY or --c2pa-self-signed, not both.")
    signed = None
    if c2pa is not None:
        signed = provenance.credentials(*c2pa)
    elif self_signed:
        signed = provenance.self_signed()
    return Leaving(badge, signed, psd)


def _settings(given: list[str] | None) -> dict[str, Any] | None:
    from lookweave.studio.shoot.backends import read_settings

    return read_settings(given) if given else None


def judge(
    pictures: Annotated[
        list[str] | None, typer.Argument(metavar="PICTURES", help="files and folders")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="GARMENT", help="product photo that they are to show; repeat it"),
    ] = None,
    shoot: Annotated[
        str | None, typer.Option(metavar="SHOOT.JSON", help="what was asked of the pictures")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option(metavar="WS", help="where garments are ids or article numbers")
    ] = None,
    text: Annotated[str, typer.Option(help="what the pictures are to show, in words")] = "",
    among: Annotated[
        str | None, typer.Option(metavar="DIR", help="product photos to rank the garment's among")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="write judge.html, judge.json and a sheet")
    ] = None,
    cache: Annotated[str | None, typer.Option(help="where fitted garments are kept")] = None,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="move each control alone, of garments --against")
    ] = False,
    shoots: Annotated[int, typer.Option(min=3, help="of the matrix; each is made 9 times")] = 8,
    width: Annotated[int, typer.Option(min=128, max=2048, help="of the matrix's pictures")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="of the matrix")] = 0,
    backend: Backend = "embedded",
    settings: Settings = None,
    json_: Json = False,
) -> None:
    """Measure pictures against garments: asked, got, error; or a backend's intervention matrix."""
    if matrix:
        if pictures or shoot or text or among:
            raise InputError("--matrix makes its own pictures: give it --against and --out alone.")
        found_matrix = studio_api.intervention_matrix(
            against or [], out=out or "matrix-out", workspace=workspace, shoots=shoots,
            size=(width, width * 3 // 2), seed=seed, generator=backend,
            settings=_settings(settings), cache=cache, progress=not json_,
        )  # fmt: skip
        _show_matrix(found_matrix, out or "matrix-out", json_)
        return
    found = studio_api.judge(
        pictures or None, against=against or None, workspace=workspace, shoot=shoot, text=text,
        among=among, out=out, cache=cache, progress=not json_,
    )  # fmt: skip
    if json_:
        show_result(found.to_dict(), True)
        return
    show_table("", *_table(found))
    for one in found.rejects:
        say(f"not looked at: {one['file']}: {one['detail']} ({one['reason']})")
    if found.page is not None:
        say(f"every probe of every picture: {found.page}")


def _table(found: Judged) -> tuple[tuple[str, ...], list[list[str]]]:
    """One row a picture; a dash where nothing was measured."""
    several = len(found.against) > 1
    names = [
        (f"{n + 1}: {probe}" if several else probe, f"garments, garment {n + 1}, {probe}")
        for n in range(len(found.against))
        for probe in _COLUMNS
    ]
    names += [
        ("outline", "pose, outline"), ("light, degrees off", "light, direction"),
        ("grain", "style, grain"), ("words", "text, words and picture"),
        ("index", "picture, technical and composition index"),
    ]  # fmt: skip
    shown = [(head, name) for head, name in names if any(_there(one, name) for one in found)]
    rows = [
        [one.path.name, *(_cell(one, name) for _, name in shown)] for one in found
    ]  # fmt: skip
    return ("picture", *(head for head, _ in shown)), rows


def _there(one: ProbedPicture, name: str) -> bool:
    return any(f"{m.control}, {m.probe}" == name and m.how != "not measured" for m in one.table)


def _cell(one: ProbedPicture, name: str) -> str:
    if not _there(one, name):
        return "-"
    found = one[name]
    errors = ("colour" in name, "texture" in name, "lettering" in name, "direction" in name)
    value = found.error if any(errors) else found.got
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _show_matrix(found: Matrix, out: str, json_: bool) -> None:
    if json_:
        show_result(found.to_dict(), True)
        return
    probes = list(found.scale)
    rows = [
        [moved, *("-" if (v := row[name]) is None else f"{v:.2f}" for name in probes)]
        for moved, row in found.cells.items()
    ]
    show_table("", ("moved alone", *probes), rows)
    for name, (slope, low, high) in found.obedience.items():
        say(f"asked to got  {name}: slope {slope:.2f} ({low:.2f} to {high:.2f})")
    for name, same in found.bits.items():
        say(f"another garment  {name} the same to the bit in {same} of {found.shoots}")
    if found.leaks():
        change, moved, name = found.leaks()[0]
        say(f"worst leak  {name} moved by {change:.2f} when {moved} changed")
    say(f"written to {out}: matrix.json, matrix.png, matrix-pictures.jpg")

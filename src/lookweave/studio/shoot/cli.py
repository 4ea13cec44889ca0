"""``lookweave shoot``: editorial pictures of garments, control by control."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookweave.errors import InputError
from lookweave.progress import Progress
from lookweave.terminal import say, show_result


def shoot(
    garments: Annotated[
        list[Path] | None,
        typer.Argument(metavar="GARMENT…", help="product photos worn together, innermost first"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="folder for the pictures; goes on when half done")
    ] = Path("shoot-out"),
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
        Path | None, typer.Option(help="a shoot in .toml or .json, in place of the controls")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="where fitted garments are kept")] = None,
    backend: Annotated[
        str, typer.Option(help="who makes the picture (see `lookweave models`)")
    ] = "embedded",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="a setting of the backend"),
    ] = None,
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
    json_: Annotated[
        bool, typer.Option("--json", help="print one JSON object and nothing else")
    ] = False,
) -> None:
    """Editorial pictures of garments from their product photos: pose, scene, light and style."""
    try:
        from lookweave.studio.shoot import backends, job, provenance
        from lookweave.studio.shoot.leaving import Leaving
        from lookweave.studio.shoot.record import Shoot
    except ImportError as error:
        raise InputError(
            f"lookweave shoot needs the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    if recipe is not None:
        if garments or any((pose, scene, light, style, camera, wearer, text, vary)):
            raise InputError("Give a recipe or controls, not both.")
        asked = Shoot.read(recipe)
    else:
        asked = job.asked(
            list(garments or ()), wearer=wearer, pose=pose, camera=camera, scene=scene,
            light=light, style=style, text=text, vary=tuple(vary or ()), size=(width, height),
            seed=seed,
        )  # fmt: skip
    maker = backends.generator(backend, backends.read_settings(settings or ()))
    signed = None
    if c2pa is not None and c2pa_self_signed:
        raise InputError("Give --c2pa CERT KEY or --c2pa-self-signed, not both.")
    if c2pa is not None:
        signed = provenance.credentials(*c2pa)
    elif c2pa_self_signed:
        signed = provenance.self_signed()
    leaving = Leaving(badge, signed, psd)
    with Progress(quiet=json_) as progress:
        progress.start("shoot", count, "pictures")
        result = job.run(
            asked,
            out,
            count,
            generator=maker,
            leaving=leaving,
            cache=cache,
            done=lambda file: progress.advance(1),
        )  # fmt: skip
        progress.end(f", {result.made} made, in {out}")
    if json_:
        show_result(result.to_dict(), True)
        return
    for line in result.parse.lines():
        say(f"read  {line}")
    for garment in result.garments:
        say(
            f"fit   {garment['photo']}: {garment['category']}, overlap {garment['overlap']:.3f}, "
            f"colour {garment['colour_error']:.1f} CIEDE2000, {garment['invented']:.0%} invented"
        )
    for picture in result.pictures:
        told = "; ".join(
            f"{row.probe} error {row.error:g}"
            for row in picture.rows
            if row.how == "measured" and row.error is not None
        )
        say(f"made  {out / picture.file}: {told}")
    for reject in result.rejects:
        say(f"turned away  {reject['file']}: {reject['tries'][-1]['detail']}")

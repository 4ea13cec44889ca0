"""``lookweave render``: rendered garments and looks with exact truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from lookweave.errors import InputError, ModelError
from lookweave.progress import Progress
from lookweave.terminal import show_result

app = typer.Typer(add_completion=False)


def _dial(what: str) -> Any:
    return typer.Option(min=0.0, max=1.0, show_default="as --difficulty", help=what)


_Pose = Annotated[float | None, _dial("Wild poses, turned bodies, high and low cameras.")]
_Light = Annotated[float | None, _dial("Light from the side, hard contrast, low sun, rims.")]
_Gels = Annotated[float | None, _dial("Coloured light.")]
_Clutter = Annotated[
    float | None, _dial("Street, room, beach, night, runway, garden; else studios.")
]
_Occlusion = Annotated[float | None, _dial("Arms, bags, other people, things before the lens.")]
_Crop = Annotated[float | None, _dial("Cut at knee, hip or neck; off centre; tilted.")]
_Blur = Annotated[float | None, _dial("The person out of focus.")]
_Grain = Annotated[float | None, _dial("Film grain.")]
_Grade = Annotated[float | None, _dial("Colour grades, exposure, vignette.")]
_Collage = Annotated[float | None, _dial("Pages of several photos.")]


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="Folder for the pictures; resumed when half done.")],
    garments: Annotated[int, typer.Option(min=1, help="Product photos to make.")] = 200,
    looks: Annotated[int, typer.Option(min=0, help="Editorial photos to make.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pictures.")] = 7,
    difficulty: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0: as easy as a catalogue; 1: wild.")
    ] = 0.5,
    pose: _Pose = None,
    light: _Light = None,
    gels: _Gels = None,
    clutter: _Clutter = None,
    occlusion: _Occlusion = None,
    crop: _Crop = None,
    blur: _Blur = None,
    grain: _Grain = None,
    grade: _Grade = None,
    collage: _Collage = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="Also masks, boxes, joints, depth, normals, light.")
    ] = False,
    width: Annotated[int, typer.Option(help="Pixels across.")] = 512,
    height: Annotated[int, typer.Option(help="Pixels down.")] = 768,
    quality: Annotated[int, typer.Option(min=30, max=100, help="JPEG quality.")] = 90,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
) -> None:
    """Render product photos and looks of the same garments, with truth.csv and manifests."""
    try:
        from lookweave.studio.render import job
        from lookweave.studio.render.draw import NoRenderer, Renderer
        from lookweave.studio.render.shots import Dials

        Renderer().close()  # fail here, with one message, rather than in every process
    except ImportError as error:
        raise InputError(
            f"lookweave render needs the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    except NoRenderer as error:
        raise ModelError(str(error)) from error
    dials = Dials.level(
        difficulty, pose=pose, light=light, gels=gels, clutter=clutter, occlusion=occlusion,
        crop=crop, blur=blur, grain=grain, grade=grade, collage=collage,
    )  # fmt: skip
    recipe = job.Recipe(garments, looks, seed, dials, width, height, quality)
    count = workers or os.cpu_count() or 1
    with Progress(quiet=as_json) as progress:
        result = job.run(
            recipe, out, labels, count,
            done=lambda kind, n: progress.advance(n),
            found=lambda left: progress.start("render", left, "pictures"),
        )  # fmt: skip
        progress.end(f", {result['pairs']} pairs in {out / 'truth.csv'}")
    if as_json:
        show_result({**result, "out": str(out)}, True)

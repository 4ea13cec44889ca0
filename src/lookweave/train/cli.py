"""The commands under ``lookweave train``.

Torch is imported by the command that needs it, so that ``--help`` is quick and works without
the extra ``[train]``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lookweave.train.environment import MissingTrainingPackageError

app = typer.Typer(help="Train the models that ship with Lookweave, or better ones on your data.")

Parsed = Annotated[
    Path,
    typer.Option("--parsed", help="Clothing Co-Parsing: photos/, masks/, labels.json", exists=True),
]
Products = Annotated[
    Path | None,
    typer.Option("--products", help="product photos: train|validation|test/<class>/", exists=True),
]
Rendered = Annotated[
    Path | None,
    typer.Option("--rendered", help="a folder made by `render --labels`", exists=True),
]
Tagged = Annotated[
    bool, typer.Option(help="learn from photos with tags only, too (tags.csv of --parsed)")
]
LabelTaggedAt = Annotated[
    list[int] | None,
    typer.Option(help="epoch before which tagged photos get masks by the network; repeatable"),
]
Start = Annotated[
    Path | None, typer.Option(help="checkpoint of an earlier run to start from", exists=True)
]
Out = Annotated[Path, typer.Option("--out", help="checkpoint, curves, ONNX file and record")]
Epochs = Annotated[int | None, typer.Option(help="how often to go through the data")]
Minutes = Annotated[
    float | None, typer.Option(help="stop after this long at the latest; not repeatable exactly")
]
Seed = Annotated[int, typer.Option(help="the same seed, data and machine give the same weights")]
Threads = Annotated[int, typer.Option(help="processor cores to use")]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option(help="auto: a CUDA card where there is one")
]
Workers = Annotated[int, typer.Option(help="processes that prepare batches for a card")]
Resume = Annotated[bool, typer.Option(help="go on from the last epoch in --out")]


def _given(**options: Any) -> dict[str, Any]:
    """The options that were set; the rest stay as the recipe has them."""
    return {name: value for name, value in options.items() if value is not None}


def _missing(error: ImportError) -> typer.Exit:
    if not isinstance(error, MissingTrainingPackageError):
        error = MissingTrainingPackageError(error.name or "torch")
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(1)


@app.command()
def segmenter(
    parsed: Parsed, out: Out, products: Products = None, rendered: Rendered = None,
    tagged: Tagged = False, label_tagged_at: LabelTaggedAt = None, start: Start = None,
    epochs: Epochs = None, minutes: Minutes = None, seed: Seed = 7, threads: Threads = 2,
    device: Device = "auto", workers: Workers = 0, resume: Resume = True,
) -> None:  # fmt: skip
    """Train the garment segmenter; about an hour on one core.

    With --start the run goes on from an earlier one's best weights with settings of its own:
    more, smaller steps at a larger size; an hour and a half on two cores.
    """
    try:
        from lookweave.train import segmenter as recipe
        from lookweave.train.segmenter_config import FURTHER, SegmenterConfig
    except ImportError as error:
        raise _missing(error) from error
    options = _given(
        products=products, rendered=rendered, label_tagged_at=tuple(label_tagged_at or ()) or None,
        start=start, epochs=epochs, minutes=minutes,
    )  # fmt: skip
    config = SegmenterConfig(
        parsed=parsed, out=out, tagged=tagged, seed=seed, threads=threads, device=device,
        workers=workers, resume=resume, **{**(FURTHER if start else {}), **options},
    )  # fmt: skip
    record = recipe.train(config)
    typer.echo(f"{config.out / record['file']}: mean IoU"
               f" {record['quality']['parsed_test']['mean_iou']}", err=True)  # fmt: skip


Cache = Annotated[
    Path | None, typer.Option("--cache", help="where crops' features are kept; default: --out")
]
Model = Annotated[
    str | None,
    typer.Option("--start", help="a SigLIP, CLIP or OpenCLIP to fine-tune: a card or a folder"),
]
ModelsDir = Annotated[Path | None, typer.Option(help="where fetched weights lie")]
Steps = Annotated[int | None, typer.Option(help="steps of the optimiser")]
EachThreads = Annotated[
    int | None, typer.Option("--threads", help="cores for each run: 1; with --start: 2")
]
AtOnce = Annotated[
    int | None,
    typer.Option(
        min=1, help="runs side by side, 6 GB of memory each; default: as many as cores allow"
    ),
]


@app.command()
def encoder(
    parsed: Parsed, out: Out, products: Products = None, rendered: Rendered = None,
    cache: Cache = None, start: Model = None, models_dir: ModelsDir = None, steps: Steps = None,
    minutes: Minutes = None, seed: Seed = 7, threads: EachThreads = None,
    at_once: AtOnce = None, resume: Resume = True,
) -> None:  # fmt: skip
    """Train the joint encoder on crops by the installed segmenter: two runs, 40 minutes of a core
    each. The number of --threads shows in the last digits, the number of runs --at-once does not.

    With --start the same recipe fine-tunes an image-text model of the hub; wants a GPU.
    """
    try:
        from lookweave.train import encoder as recipe
    except ImportError as error:
        raise _missing(error) from error
    options = _given(
        products=products, rendered=rendered, steps=steps, minutes=minutes, threads=threads
    )
    if start is not None:
        from lookweave.train import hub_encoder

        tuned = hub_encoder.train(
            hub_encoder.HubEncoderConfig(
                parsed=parsed, out=out, cache=cache or out, seed=seed, resume=resume,
                start=start, models_dir=models_dir, **options,
            )
        )  # fmt: skip
        scores = tuned["quality"]["test"]["cut_out_to_scene"]
        typer.echo(f"{out / tuned['folder']}: R@1 {scores['R@1']}", err=True)
        return
    config = recipe.EncoderConfig(
        parsed=parsed, out=out, cache=cache or out, seed=seed, resume=resume, **options
    )
    record = recipe.train(config, at_once=at_once or (os.cpu_count() or 1) // config.threads)
    typer.echo(f"{config.out / record['file']}: R@1"
               f" {record['quality']['cut_out_to_scene']['R@1']}", err=True)  # fmt: skip


@app.command(name="encoder-ablation")
def encoder_ablation(
    parsed: Parsed, out: Out, products: Products = None, rendered: Rendered = None,
    cache: Cache = None, steps: Annotated[int, typer.Option(help="of each row")] = 150,
    seed: Seed = 7, threads: Threads = 2,
) -> None:  # fmt: skip
    """Measure what each ingredient of the encoder's recipe brings; --out as for `encoder`."""
    try:
        from lookweave.train.encoder import EncoderConfig
        from lookweave.train.encoder_ablation import ablate
    except ImportError as error:
        raise _missing(error) from error
    options = _given(products=products, rendered=rendered)
    rows = ablate(
        EncoderConfig(
            parsed=parsed, out=out, cache=cache or out, steps=steps, seed=seed, threads=threads,
            **options,
        )
    )  # fmt: skip
    for row in rows:
        typer.echo(f"{row['what']}: R@1 {row['cut_out_to_scene']['R@1']}", err=True)


Product = Annotated[
    Path,
    typer.Option("--products", help="product photos: train|validation|test/<class>/", exists=True),
]


@app.command()
def text(
    parsed: Parsed, products: Product, out: Out, cache: Cache = None, seed: Seed = 7,
    threads: Threads = 2,
) -> None:  # fmt: skip
    """Train the text tower on the installed encoder and the describer in --out; minutes."""
    try:
        from lookweave.train import text_tower as recipe
    except ImportError as error:
        raise _missing(error) from error
    config = recipe.TextConfig(
        parsed=parsed, products=products, out=out, cache=cache or out,
        describer=out / "describer.npz", seed=seed, threads=threads,
    )  # fmt: skip
    record = recipe.train(config)
    typer.echo(f"{out / record['file']}: class names"
               f" {record['quality']['class_names']['accuracy']}", err=True)  # fmt: skip


@app.command()
def describer(
    parsed: Parsed, products: Product, out: Out, cache: Cache = None, seed: Seed = 7,
    threads: Threads = 2,
) -> None:  # fmt: skip
    """Train the describer on the installed segmenter and encoder; minutes."""
    try:
        from lookweave.train import describer as recipe
    except ImportError as error:
        raise _missing(error) from error
    config = recipe.DescriberConfig(
        parsed=parsed, products=products, out=out, cache=cache or out, seed=seed, threads=threads
    )
    record = recipe.train(config)
    typer.echo(f"{out / record['file']}: accuracy"
               f" {record['quality']['product_test']['accuracy']}", err=True)  # fmt: skip


@app.command()
def details(
    parsed: Parsed,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="the file to write; default: where the encoder looks for it"),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="whose parts: a card, or a model folder")
    ] = "lookweave-encoder",
    models_dir: ModelsDir = None,
    garments: Annotated[int | None, typer.Option(help="training garments at most")] = None,
    seed: Seed = 7,
    threads: Threads = 2,
) -> None:
    """Learn what the inner features of an encoder have in common on all garments; two minutes for
    the embedded one. Builds with it then compare candidates part by part."""
    try:
        from lookweave.train import details as recipe
    except ImportError as error:
        raise _missing(error) from error
    options = _given(garments=garments, out=out, models_dir=models_dir)
    record = recipe.train(
        recipe.DetailsConfig(parsed=parsed, encoder=encoder, seed=seed, threads=threads, **options)
    )
    scores = record["quality"]["cut_out_to_look"]
    typer.echo(f"{record['file']}: R@1 by vectors {scores['vectors']['R@1']}, with tokens"
               f" {scores['vectors + 2 tokens']['R@1']}", err=True)  # fmt: skip


@app.command()
def fusion(
    parsed: Annotated[
        Path | None,
        typer.Option("--parsed", help="Clothing Co-Parsing, of which held-out photos", exists=True),
    ] = None,
    rendered: Rendered = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="the file to write; default: where builds look for it"),
    ] = None,
    models: Annotated[str, typer.Option(help="a preset, or names joined by +")] = "embedded",
    models_dir: ModelsDir = None,
    seed: Seed = 7,
) -> None:
    """Learn what descriptions say for "the same garment", and how much descriptions, visual
    likeness and details count in the score; ten minutes. Builds with these models use it."""
    if parsed is None and rendered is None:
        raise typer.BadParameter("give --parsed, --rendered or both: pairs are learned from them")
    try:
        from lookweave.train import fusion as recipe
    except ImportError as error:
        raise _missing(error) from error
    learned = recipe.train(
        recipe.FusionConfig(
            parsed=parsed, rendered=rendered, out=out, models=models, models_dir=models_dir,
            seed=seed,
        )
    )  # fmt: skip
    weights = ", ".join(f"{part} {one:.2f}" for part, one in
                        zip(recipe.PARTS, learned["weights"], strict=True))  # fmt: skip
    typer.echo(f"{learned['file']}: {weights}", err=True)


@app.command()
def page(
    record: Annotated[Path, typer.Argument(help="the JSON record beside a weights file")],
    to: Annotated[Path, typer.Argument(help="the Markdown file to write")],
    rendered: Rendered = None,
) -> None:
    """Write a model's page from the record of the run that made it. With --rendered, first draw
    what the installed model of this name gets wrong there, beside the page."""
    content = json.loads(record.read_text(encoding="utf-8"))
    if rendered is not None:
        try:
            from lookweave.train.failures import draw_failures, failures_path
            from lookweave.train.rendered_failures import rendered_failures
        except ImportError as error:
            raise _missing(error) from error
        if (failed := rendered_failures(content["name"], rendered)) is not None:
            draw_failures(failures_path(to), failed, "rendered pictures")
    from lookweave.train.head_page import HEADS, write_head_page

    if content["name"] in HEADS:
        write_head_page(content, to)
        return
    from lookweave.train.model_page import write_model_page

    write_model_page(record, to)

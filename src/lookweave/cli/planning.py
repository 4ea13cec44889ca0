"""``measure`` and ``plan``: this machine's rates, and a build of another size by them."""

from __future__ import annotations

from typing import Annotated

import typer

from lookweave.cli.options import Json, Models, ModelsDir, NonCommercial
from lookweave.terminal import say, show_result, show_table

Photos = Annotated[list[str] | None, typer.Option(metavar="DIR|CSV", help="may be repeated")]


def measure(
    garments: Photos = None,
    looks: Photos = None,
    models: Models = None,
    models_dir: ModelsDir = None,
    accept_non_commercial: NonCommercial = False,
    workers: Annotated[int | None, typer.Option(help="batches at work at a time")] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE.json", help="for plan --rates")
    ] = None,
    json_: Json = False,
) -> None:
    """Find this machine's rates, by three builds of photographs given or of the sample."""
    from lookweave.planning import calls

    rates = calls.measure(
        garments, looks, models=models, models_dir=models_dir, workers=workers, out=output,
        accept_non_commercial=accept_non_commercial or None, progress=not json_,
    )  # fmt: skip
    if json_:
        show_result(rates.model_dump(), True)
        return
    say(
        f"{rates.models}, {rates.garments} garments and {rates.looks} looks, {rates.workers} "
        f"workers on {rates.cores} cores; the join of match: {rates.join_rate / 1e9:.1f} billion "
        "multiplications and additions of a core a second"
    )
    show_table(
        "What a step costs",
        ["step", "unit", "fixed, core s", "each, core ms", "each, clock ms", "kept, bytes each"],
        [
            [name, one.unit, f"{one.cpu_fixed:.2f}", f"{1e3 * one.cpu_each:.2f}",
             f"{1e3 * one.seconds_each:.2f}", f"{one.bytes_each:.0f}"]
            for name, one in rates.steps.items()
        ],
    )  # fmt: skip


def plan(
    garments: Annotated[int, typer.Option(help="photographs of products")],
    looks: Annotated[int, typer.Option(help="editorial photographs")],
    rates: Annotated[
        str, typer.Option(metavar="FILE.json", help="what `lookweave measure -o FILE` wrote")
    ] = "",
    models: Models = None,
    models_dir: ModelsDir = None,
    accept_non_commercial: NonCommercial = False,
    nodes: Annotated[int, typer.Option(help="machines")] = 1,
    cores: Annotated[int | None, typer.Option(help="of each; as measured if not said")] = None,
    gpu: Annotated[str | None, typer.Option(metavar="NAME", help="of each: h100, l4 …")] = None,
    network: Annotated[float, typer.Option(help="Gbit/s of each, to the photographs")] = 10.0,
    json_: Json = False,
) -> None:
    """Time, memory, storage, network and bottleneck of a build; without --rates measured now."""
    from lookweave.planning import calls

    planned = calls.plan(
        garments, looks, nodes=nodes, cores=cores, gpu=gpu, network=network,
        rates=rates or calls.measure(
            models=models, models_dir=models_dir, progress=not json_,
            accept_non_commercial=accept_non_commercial or None,
        ),
    )  # fmt: skip
    if json_:
        show_result(planned.to_dict(), True)
        return
    told = planned.to_dict()
    show_table(
        f"{garments} garments, {looks} looks, {planned.models}, {nodes} x "
        f"{planned.machines.cores} cores{f' and {gpu}' if gpu else ''}",
        ["step", "units", "hours", "core hours", "GPU hours", "read, GB", "kept, GB", "memory, GB",
         "bottleneck"],
        [
            [one.step, f"{one.units:,.0f} {one.unit}", f"{one.seconds / 3600:.2f}",
             f"{one.core_seconds / 3600:.2f}", f"{one.gpu_seconds / 3600:.2f}",
             f"{one.network_bytes / 1e9:.1f}", f"{one.storage_bytes / 1e9:.1f}",
             f"{one.memory_mb / 1e3:.1f}", one.bottleneck]
            for one in planned.steps
        ],
    )  # fmt: skip
    say(
        f"together {planned.seconds / 3600:.2f} hours, {told['storage_bytes'] / 1e9:.1f} GB kept, "
        f"{told['network_bytes'] / 1e9:.1f} GB read; longest: {told['bottleneck']}"
    )
    for sentence in planned.assumed:
        say(f"assumed: {sentence}")

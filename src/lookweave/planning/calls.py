"""``lookweave.measure`` and ``lookweave.plan``: what programs and the command line call."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from lookweave.arguments import (
    AnyPath,
    Inputs,
    only_given,
    path_of,
    places_of,
    writable_file,
)
from lookweave.errors import InputError, told
from lookweave.planning import measure as measuring
from lookweave.planning import plan as planning
from lookweave.planning.plan import Plan
from lookweave.planning.rates import Rates, read_rates
from lookweave.progress import Progress
from lookweave.store.workspace import write_atomically

_SAMPLE = Path(str(resources.files("lookweave") / "demo" / "sample"))


@told()
def measure(
    garments: Inputs | None = None,
    looks: Inputs | None = None,
    *,
    models: str | None = None,
    models_dir: AnyPath | None = None,
    accept_non_commercial: bool | None = None,
    workers: int | None = None,
    out: AnyPath | None = None,
    progress: bool = False,
) -> Rates:
    """The rates of all steps on this machine, for `plan`: three builds that are thrown away.

    Args:
        garments, looks: folders and manifests; without both, the sample that ships, which says
            little of real photographs.
        models, models_dir, accept_non_commercial, workers: as of `build`.
        out: a file that `plan` reads, .json.
        progress: show it on stderr.

    Raises:
        InputError: there are too few photographs, one kind alone, or `out` cannot be written.
    """
    given = {"garments": places_of("garments", garments), "looks": places_of("looks", looks)}
    if (given["garments"] is None) != (given["looks"] is None):
        raise InputError("Rates need garments and looks: give both, or neither for the sample.")
    file = None if out is None else path_of(out, "out")
    if file is not None:
        writable_file(file, (".json",))
    with Progress(quiet=not progress) as shown:
        rates = measuring.measure(
            given["garments"] or (str(_SAMPLE / "garments"),),
            given["looks"] or (str(_SAMPLE / "looks"),),
            shown,
            models=models,
            models_dir=None if models_dir is None else path_of(models_dir, "models_dir"),
            accept_non_commercial=accept_non_commercial,
            run=only_given(workers=workers),
        )
    if file is not None:
        write_atomically(file, rates.to_json().encode())
    return rates


@told()
def plan(
    garments: int,
    looks: int,
    *,
    rates: Rates | AnyPath,
    nodes: int = 1,
    cores: int | None = None,
    gpu: str | None = None,
    network: float = 10.0,
) -> Plan:
    """What a build of this size takes: time, memory, storage, network, each step's bottleneck.

    Args:
        garments, looks: how many photographs of each.
        rates: what `measure` found, or its file.
        nodes: machines.
        cores: of each; as many as the measured machine has where nothing is said.
        gpu: of each, such as ``h100``; None: none.
        network: gigabits a second between each and the photographs.

    Raises:
        InputError: a number or name cannot be, or the file holds no rates.
    """
    known = rates if isinstance(rates, Rates) else read_rates(path_of(rates, "rates"))
    machines = planning.Machines(nodes, known.cores if cores is None else cores, gpu, network)
    return planning.plan(garments, looks, known, machines)

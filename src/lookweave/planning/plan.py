"""What a build of another size takes, on other machines, by measured rates."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lookweave.errors import InputError
from lookweave.planning.measure import join_work, rows_allowed
from lookweave.planning.rates import Rates, StepRate

GPUS: dict[str, float] = {
    "b200": 2250, "h200": 989, "h100": 989, "a100": 312, "l40s": 362, "l4": 121, "a10": 125,
    "v100": 125, "t4": 65,
}  # fmt: skip
"""Dense half-precision TFLOPS by the makers' data sheets."""

USED = 0.3
"""Share of a GPU's TFLOPS that networks are assumed to reach. Assumed, not measured."""

_NETWORKS = ("detect", "describe", "embed")
_READ_PHOTOS = ("ingest", "detect", "describe", "embed")
_ONE_NODE = ("group", "tier")
_MATCH_BYTES = 18  # of memory for each garment and region (docs/architecture.md)
_GROUP_BYTES = 300  # of memory for each photo: id, hash, article. Assumed, not measured


@dataclass(frozen=True)
class Machines:
    """What a build is planned for.

    Attributes:
        nodes: machines.
        cores: of each.
        gpu: of each one, a name of `GPUS`; None: none.
        network: gigabits a second between each node and the photos.
    """

    nodes: int = 1
    cores: int = 2
    gpu: str | None = None
    network: float = 10.0

    def __post_init__(self) -> None:
        if self.nodes < 1 or self.cores < 1 or self.network <= 0:
            raise InputError("Nodes and cores are at least 1, and the network is above 0 Gbit/s.")
        if self.gpu is not None and self.gpu not in GPUS:
            raise InputError(f"There is no GPU {self.gpu!r} here: name one of {', '.join(GPUS)}.")


@dataclass(frozen=True)
class StepPlan:
    """One step.

    Attributes:
        units: photos, regions, photos and regions or matches.
        seconds: it takes, on all nodes.
        core_seconds, gpu_seconds: of all nodes together.
        network_bytes: read from where the photos and tables are.
        storage_bytes: written and kept.
        memory_mb: of a node, at the peak.
        bottleneck: cores, GPU or network.
    """

    step: str
    unit: str
    units: float
    seconds: float
    core_seconds: float
    gpu_seconds: float
    network_bytes: float
    storage_bytes: float
    memory_mb: float
    bottleneck: str


@dataclass(frozen=True)
class Plan:
    """A build that is not made yet.

    Attributes:
        assumed: what in it was not measured, in sentences.
    """

    garments: int
    looks: int
    models: str
    machines: Machines
    steps: tuple[StepPlan, ...]
    assumed: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """Of all steps, one after the other."""
        return sum(step.seconds for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave plan --json`` prints."""
        return {
            **asdict(self),
            "seconds": self.seconds,
            "storage_bytes": sum(step.storage_bytes for step in self.steps),
            "network_bytes": sum(step.network_bytes for step in self.steps),
            "memory_mb": max(step.memory_mb for step in self.steps),
            "bottleneck": max(self.steps, key=lambda step: step.seconds).step,
        }


def plan(garments: int, looks: int, rates: Rates, machines: Machines) -> Plan:
    """Carry rates to another size and other machines.

    A core is taken to be as fast as one of the measured machine, the photos to be as those that
    were measured, and a step to use all cores that it is given, `group` and `tier`, which look at
    everything at once, one. Only the driver writes; its part is counted as if it were spread.

    Raises:
        InputError: a number is below 1.
    """
    if garments < 1 or looks < 1:
        raise InputError("A plan needs at least 1 garment and 1 look.")
    photos = garments + looks
    regions = looks * rates.regions_per_look
    matches = rates.matches_kept * rows_allowed(
        garments, regions, rates.compared, rates.top_k, rates.reverse_k
    )
    units = {
        "photos": float(photos), "regions": garments + regions, "matches": matches,
        "photos and regions": garments + regions,
    }  # fmt: skip
    join = join_work(garments, regions, rates.compared, rates.width)
    assumed = _assumed(rates, machines)
    steps = []
    for name, rate in rates.steps.items():
        count = units[rate.unit]
        on_gpu = name in _NETWORKS and machines.gpu is not None and rates.models != "embedded"
        cores = rate.cpu_fixed + rate.cpu_each * count
        if name == "match":
            cores += join / rates.join_rate
        gpu = 0.0
        if on_gpu:
            cores, gpu = _shared(cores, count, rate, rates, machines)
        nodes = 1 if name in _ONE_NODE else machines.nodes
        read = rates.bytes_per_photo * photos if name in _READ_PHOTOS else 0.0
        if name == "match":  # each node joins a share of the garments with all regions
            read = 4.0 * rates.width * (garments + regions * nodes)
        times = {
            "cores": cores / (nodes * (1 if name in _ONE_NODE else machines.cores)),
            "GPU": gpu / nodes,
            "network": read * 8 / (machines.network * 1e9 * nodes),
        }
        bottleneck = max(times, key=lambda what: times[what])
        # `match` lists its matches by its own unit; its rows are those that tier counts.
        kept = rate.bytes_each * count
        steps.append(
            StepPlan(
                step=name,
                unit=rate.unit,
                units=count,
                seconds=times[bottleneck],
                core_seconds=cores,
                gpu_seconds=gpu,
                network_bytes=read,
                storage_bytes=kept,
                memory_mb=rate.peak_mb + _grows(name, photos, garments + regions) / (1 << 20),
                bottleneck=bottleneck,
            )
        )
    return Plan(garments, looks, rates.models, machines, tuple(steps), tuple(assumed))


def _shared(
    cores: float, count: float, rate: StepRate, rates: Rates, machines: Machines
) -> tuple[float, float]:
    """Core seconds and GPU seconds of a step with a network: photos are read on cores, as ingest
    reads them; what is left runs on the GPU."""
    assert machines.gpu is not None
    if rates.device == "cuda":
        return cores, rate.seconds_fixed + rate.seconds_each * count
    reading = min(cores, rates.steps["ingest"].cpu_each * count)
    # A core's rate of the join is that of its matrix products: two operations each.
    speed = GPUS[machines.gpu] * 1e12 * USED / (2 * rates.join_rate)
    return reading, (cores - reading) / speed


def _grows(step: str, photos: float, rows: float) -> float:
    """Bytes of memory that grow with the size (docs/architecture.md)."""
    return {"match": _MATCH_BYTES * rows, "group": _GROUP_BYTES * photos}.get(step, 0.0)


def _assumed(rates: Rates, machines: Machines) -> list[str]:
    found = [
        f"memory of group: {_GROUP_BYTES} bytes a photo beside what was measured",
        f"a core is as fast as one of the machine that was measured ({rates.cores} cores)",
    ]
    if machines.gpu is None:
        return found
    if rates.models == "embedded":
        found.append("the embedded models run on cores: the GPU is not used")
    elif rates.device == "cpu":
        found.append(
            f"GPU seconds: rates of cores, carried to {GPUS[machines.gpu]:g} TFLOPS of which "
            f"networks reach {USED:.0%}. Measured ones: `lookweave measure` on such a machine with "
            "hub.device = cuda"
        )
    return found

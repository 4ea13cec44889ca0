"""The rates of the steps on one machine, as `lookweave measure` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookweave.errors import InputError
from lookweave.text import to_json

Unit = Literal["photos", "regions", "photos and regions", "matches"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(_Record):
    """One step in one build. Seconds of the clock, and of all cores together."""

    units: int = Field(ge=0)
    seconds: float = Field(ge=0)
    cpu_seconds: float = Field(ge=0)


class StepRate(_Record):
    """What a step costs: ``fixed + each * units``, by least squares of relative errors over
    `runs`, both at least 0."""

    unit: Unit = Field(description="what is counted; of match: garments and regions of looks")
    cpu_fixed: float = Field(ge=0, description="seconds of a core, whatever the size")
    cpu_each: float = Field(ge=0, description="and for each unit, the join of match aside")
    seconds_fixed: float = Field(ge=0, description="of the clock, on the measured machine")
    seconds_each: float = Field(ge=0)
    bytes_each: float = Field(ge=0, description="on disk, for each unit")
    peak_mb: float = Field(ge=0, description="resident memory by the end of the step")
    runs: tuple[Run, ...]


class Rates(_Record):
    """One machine, one set of models, some photographs."""

    models: str
    device: Literal["cpu", "cuda"] = Field(description="where networks ran")
    cores: int = Field(ge=1, description="that the machine has")
    workers: int = Field(ge=1, description="that were used")
    memory_mb: float = Field(ge=0)
    garments: int = Field(ge=1)
    looks: int = Field(ge=1)
    bytes_per_photo: float = Field(ge=0, description="of its file")
    regions_per_look: float = Field(ge=0)
    compared: float = Field(ge=0, le=1, description="share of garments x regions in match's blocks")
    matches_kept: float = Field(ge=0, description="of the most that top_k and reverse_k allow")
    top_k: int = Field(ge=1)
    reverse_k: int = Field(ge=0)
    width: int = Field(ge=1, description="of the vectors that are joined")
    join_rate: float = Field(gt=0, description="multiplications and additions of a core, a second")
    steps: dict[str, StepRate]

    def to_json(self) -> str:
        """The text that `read_rates` reads."""
        return to_json(self.model_dump())


def read_rates(path: Path) -> Rates:
    """The rates that `lookweave measure -o FILE` wrote.

    Raises:
        InputError: there is no such file, or it holds no rates.
    """
    try:
        return Rates.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(
            f"{path} holds no rates ({where}: {first['msg']}): write them with `lookweave measure "
            f"-o {path.name}`."
        ) from error

"""Every setting, checked whole before any work starts.

Later wins: defaults, `lookweave.toml` in the workspace, environment (`LOOKWEAVE_MATCH__TOP_K=20`),
flags. Whatever is wrong ends in one `ConfigError` that lists all of it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lookweave.errors import ConfigError

FILE_NAME = "lookweave.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ingest(_Section):
    """How photos are fetched and what is refused."""

    max_pixels: int = Field(200_000_000, gt=0, description="larger photos are refused as bombs")
    max_bytes: int = Field(100_000_000, gt=0, description="larger files are refused")
    min_side: int = Field(32, gt=0, description="photos with a shorter side are refused")
    thumbnail_side: int = Field(384, ge=64, le=2048)
    copy_photos: bool = Field(False, description="bring the bytes into the workspace")
    http_timeout: float = Field(15.0, gt=0, description="seconds for one address")
    http_retries: int = Field(2, ge=0)
    http_redirects: int = Field(5, ge=0)
    allow_private_addresses: bool = False


class Match(_Section):
    """Who may match whom, and how likeness is weighed."""

    lambda_vlm: float = Field(0.3, ge=0, description="weight of the descriptions' agreement")
    lambda_visual: float = Field(0.7, ge=0, description="weight of the visual likeness")
    categories: int = Field(4, ge=0, description="a garment's likeliest categories; 0: no filter")
    top_k: int = Field(50, ge=1, description="regions kept for a garment")
    reverse_k: int = Field(10, ge=1, description="garments kept for a region")
    hubness_beta: float = Field(20.0, ge=0, description="0 switches the correction off")
    hubness_bank: int = Field(2048, ge=0, description="queries in the held-out bank")
    block_rows: int = Field(16_384, ge=64, description="rows of one block of the join")

    @model_validator(mode="after")
    def _some_weight(self) -> Match:
        if self.lambda_vlm + self.lambda_visual <= 0:
            raise ValueError("lambda_vlm and lambda_visual cannot both be 0")
        return self


class Tier(_Section):
    """What goes into the data set.

    `high`, `medium` and `low` are counts of pairs when above 1 and fractions of the candidate
    pairs otherwise. With `target_precision` (high, medium, low) they are upper limits, and a
    tier ends where the lower bound of its precision's interval would fall below its target.
    """

    high: float = Field(10_000, ge=0)
    medium: float = Field(50_000, ge=0)
    low: float = Field(300_000, ge=0)
    target_precision: tuple[float, float, float] | None = None
    looks_per_garment: int = Field(5, ge=1)
    garments_per_look: int = Field(8, ge=1)
    validation: float = Field(0.1, ge=0, lt=1)
    test: float = Field(0.1, ge=0, lt=1)
    seed: int = 7

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Tier:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must leave something to train on")
        return self


class Run(_Section):
    """How the work is run; nothing here changes a result."""

    engine: Literal["local", "ray"] = "local"
    workers: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1)
    batch_rows: int = Field(16, ge=1, description="photos in one call of a step")
    commit_rows: int = Field(4096, ge=1, description="rows in one commit")
    commit_seconds: float = Field(20.0, gt=0, description="and at least this often")


class Config(BaseSettings):
    """All settings of a workspace."""

    model_config = SettingsConfigDict(
        env_prefix="LOOKWEAVE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    garments: tuple[str, ...] = Field((), description="folders or manifests of product photos")
    looks: tuple[str, ...] = Field((), description="folders or manifests of editorial photos")
    models: str = Field(
        "embedded",
        description="a preset, or names joined by +: DETECTOR+ENCODER+DESCRIBER in any order",
    )
    models_dir: Path | None = Field(None, description="where fetched weights lie")
    accept_non_commercial: bool = Field(False, description="allow weights under such licences")
    ingest: Ingest = Ingest()
    match: Match = Match()
    tier: Tier = Tier()
    run: Run = Field(default_factory=Run)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings


def load(workspace: Path | None = None, **flags: Any) -> Config:
    """Settings of `workspace` (if it has a `lookweave.toml`), environment and flags.

    Args:
        flags: settings by name; a nested one is a dictionary, ``match={"top_k": 20}``.
            None means not given.

    Raises:
        ConfigError: one sentence for each thing that is wrong.
    """
    from_file: dict[str, Any] = {}
    where = workspace / FILE_NAME if workspace else None
    if where and where.exists():
        try:
            from_file = tomllib.loads(where.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{where} is not valid TOML: {error}") from error
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        # Environment beats the file and flags beat both, so the file goes in first by hand.
        from_environment = _only_set(Config())
        return Config(**_merge(_merge(from_file, from_environment), given))
    except ValidationError as error:
        raise ConfigError(_explain(error, where)) from error


def _only_set(config: BaseModel) -> dict[str, Any]:
    return config.model_dump(exclude_unset=True)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = (
            _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged


def _explain(error: ValidationError, where: Path | None) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name}: there is no such setting.")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{name}: {message} (it is {problem['input']!r}).")
    origin = f" Settings come from {where}, LOOKWEAVE_* variables and flags." if where else ""
    return "Wrong settings: " + " ".join(lines) + origin

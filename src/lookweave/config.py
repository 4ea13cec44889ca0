"""Every setting, checked whole before any work starts.

Later wins: defaults, what earlier builds of the workspace were given, `lookweave.toml` in the
workspace, environment (`LOOKWEAVE_MATCH__TOP_K=20`), flags of this call. `explain` says of each
setting which of them it comes from. Whatever is wrong ends in one `ConfigError` that lists all of
it.
"""

from __future__ import annotations

import codecs
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from lookweave.errors import ConfigError

FILE_NAME = "lookweave.toml"

DEFAULT = "default"
EARLIER = "an earlier build"
CALL = "this call"

_PREFIX = "LOOKWEAVE_"
_NO_SETTINGS = {"LOOKWEAVE_DEBUG", "LOOKWEAVE_TEST_DATA"}
"""Variables that are read elsewhere: tracebacks, and the data of tests and benchmarks."""


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
    http_together: int = Field(64, ge=1, description="photos on their way at a time")
    http_per_host: int = Field(16, ge=1, description="requests to one host at a time")
    http_robots: bool = Field(True, description="keep to each host's robots.txt")
    http_opt_out: tuple[str, ...] = Field(
        ("noai", "noimageai", "noindex", "noimageindex"),
        description="of X-Robots-Tag, what keeps a photo out; with any, TDM-Reservation does too",
    )
    allow_private_addresses: bool = False
    ignored_query: tuple[str, ...] | None = Field(
        None,
        description="parts of an address that say nothing of which photo it is; None: those "
        "that are known to sign or expire",
    )
    columns: dict[str, str] = Field({}, description="a manifest's own names: sku = 'Art.-Nr.'")
    base: str | None = Field(None, description="folder or address where relative paths begin")
    encoding: str | None = Field(None, description="of manifests that are text; None: found out")
    max_failed: float = Field(
        0.5, gt=0, le=1, description="share of a manifest's rows that may fail before any work"
    )


class Match(_Section):
    """Who may match whom, and how likeness is weighed."""

    lambda_vlm: float | None = Field(
        None, ge=0, description="weight of what the descriptions say; None: as learned, or 0.3"
    )
    lambda_visual: float | None = Field(
        None, ge=0, description="weight of the visual likeness; None: as learned, or 0.7"
    )
    calibrated: bool = Field(
        True, description="weights and probability as `lookweave calibrate` learned them, if it has"
    )
    lambda_detail: float | None = Field(
        None, ge=0, description="weight of the likeness part by part; None: as learned, or 2"
    )
    evidence: bool = Field(
        True,
        description="S_VLM as evidence, where it was learned for these models and candidates are "
        "compared part by part; false: the inner product of the descriptions",
    )
    details: bool = Field(
        True,
        description="compare the best candidates part by part: 2 to 4 kB more for each region",
    )
    detail_pool: int = Field(50, ge=1, description="candidates compared so, at least those kept")
    weight_attributes: float = Field(1.0, ge=0, description="of the attributes in S_VLM; 0: off")
    weight_captions: float = Field(0.5, ge=0, description="of the captions in S_VLM; 0: off")
    weight_brand: float = Field(0.25, ge=0, description="of an equal brand in S_VLM; 0: off")
    weight_credits: float = Field(
        0.8, ge=0, le=1, description="how far credits that name the garment raise S_VLM; 0: off"
    )
    categories: int = Field(4, ge=0, description="a garment's likeliest categories; 0: no filter")
    top_k: int = Field(50, ge=1, description="regions kept for a garment")
    reverse_k: int = Field(10, ge=1, description="garments kept for a region")
    hubness_beta: float = Field(20.0, ge=0, description="0 switches the correction off")
    hubness_bank: int = Field(2048, ge=0, description="queries in the held-out bank")
    block_rows: int = Field(4096, ge=64, description="rows of one block of the join")

    @model_validator(mode="after")
    def _some_weight(self) -> Match:
        if self.lambda_vlm == 0 and self.lambda_visual == 0:
            raise ValueError("lambda_vlm and lambda_visual cannot both be 0")
        if self.weight_attributes + self.weight_captions <= 0:
            raise ValueError("weight_attributes and weight_captions cannot both be 0")
        return self


class Tier(_Section):
    """What goes into the data set.

    `high`, `medium` and `low` are counts of pairs when above 1 and fractions of the candidate
    pairs otherwise. With `target_precision` (high, medium, low) they are upper limits, and a
    tier reaches as far as a random sample bears its precision out (`lookweave audit`).
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


class Served(_Section):
    """A server that speaks one of OpenAI's interfaces: where it is, how fast it may be asked, what
    it may cost. The API key is in no setting: it is read from the environment, from the variable
    that `api_key_variable` names.
    """

    SECTION: ClassVar[str]

    model: str = Field("", description="the model's name, as the server knows it")
    extra: dict[str, Any] = Field({}, description="further fields of the request; null removes")

    url: str = Field("", description="such as http://localhost:8000/v1")
    api_key_variable: str = ""
    concurrency: int = Field(8, ge=1, le=1024, description="requests under way at a time")
    timeout: float = Field(120.0, gt=0, description="seconds for one answer")
    retries: int = Field(5, ge=0, description="of one request that the server could not serve")
    backoff: float = Field(1.0, gt=0, description="seconds before the first retry, then doubling")
    requests_per_minute: float = Field(0, ge=0, description="0: no limit")
    tokens_per_minute: float = Field(0, ge=0, description="0: no limit")
    price_input: float = Field(0, ge=0, description="of a million tokens sent")
    price_output: float = Field(0, ge=0, description="of a million tokens answered")
    price_request: float = Field(0, ge=0, description="of one request, beside its tokens")
    ceiling_cost: float | None = Field(None, gt=0, description="in the prices' currency")
    ceiling_tokens: int | None = Field(None, gt=0, description="sent and answered together")
    cache: Path | None = Field(None, description="answers and spending; None: the usual place")

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https address, such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no name, password or query: settings are written to disk")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _a_price_for_the_ceiling(self) -> Served:
        priced = self.price_input + self.price_output + self.price_request > 0
        if self.ceiling_cost is not None and not priced:
            raise ValueError("ceiling_cost needs price_input and price_output, or price_request")
        return self


class Vlm(Served):
    """The server that the describer `vlm` asks: anything that speaks OpenAI's chat completions.

    Model, prompt and what else shapes the answers is part of every row's key; the rest says where
    and how fast, and may change at any time.
    """

    SECTION: ClassVar[str] = "vlm"

    prompt: str = Field("v1", description="a shipped version, or a folder with prompts of yours")
    response_format: Literal["json_schema", "json_object", "text"] = Field(
        "json_schema", description="what the server can be held to; text: only asked for"
    )
    image_side: int = Field(512, ge=64, le=4096, description="longest side sent, in pixels")
    margin: float = Field(0.1, ge=0, le=1, description="around the region, share of its side")
    scenes: bool = Field(True, description="also ask for scene, light, pose and mood of looks")
    temperature: float | None = Field(0.0, ge=0, description="None: the server's own")
    max_tokens: int = Field(400, ge=50, description="of one answer")
    api_key_variable: str = "LOOKWEAVE_VLM_API_KEY"


class Images(Served):
    """The server that makes pictures of a photo-shoot (`lookweave shoot --backend api`): anything
    that speaks OpenAI's images/edits."""

    SECTION: ClassVar[str] = "images"

    api_key_variable: str = "LOOKWEAVE_IMAGES_API_KEY"
    timeout: float = Field(300.0, gt=0, description="seconds for one picture")
    size: str = Field("", pattern=r"^(\d+x\d+)?$", description="asked for; '': as the shoot is")
    pictures: int = Field(4, ge=1, le=16, description="pictures shown to the model, at most")
    tries: int = Field(2, ge=1, le=20, description="before a picture is given up; each is paid for")
    hold: bool = Field(True, description="register to the guide and turn away what moved")
    expected_input: int = Field(0, ge=0, description="tokens of a request, for the ceiling")
    expected_output: int = Field(0, ge=0, description="tokens of a picture, for the ceiling")


class Hub(_Section):
    """How models of the hub, of folders and files are run; nothing here but `commits` changes a
    result beyond rounding (see docs/models/hub.md)."""

    backend: Literal["auto", "onnxruntime", "torch", "openvino"] = "auto"
    device: str = Field("auto", description="cpu, cuda, cuda:1")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    batch_size: int | None = Field(None, ge=1, description="photos in one call of a network")
    memory_mb: float | None = Field(None, gt=0, description="what a batch may take")
    threads: int = Field(1, ge=1, description="cores of one call, on a CPU")
    compile: bool = Field(False, description="torch.compile, for long runs on a GPU")
    commits: dict[str, str] = Field(
        {}, description="repository -> commit: use its weights at this commit and at no other"
    )


class Generate(_Section):
    """How a diffusers pipeline makes pictures of a photo-shoot (`lookweave shoot --backend`)."""

    steps: int | None = Field(None, ge=1, le=200, description="None: as the model was made for")
    guidance: float | None = Field(None, ge=0, le=30, description="None: likewise")
    tries: int = Field(2, ge=1, le=20, description="seeds tried before a picture is given up")
    garment_strength: float = Field(
        0.35, ge=0, le=1, description="of the pass over the garments; 0: none"
    )
    hold: bool = Field(True, description="register to the guide and turn away what moved")
    controlnet: str = Field("", description="Z-Image: a ControlNet's folder or hub name")
    control: Literal["pose", "depth"] = Field("pose", description="Z-Image: what steers")
    revision: str = Field("", description="the commit of a model on the hub")

    device: str = Field("auto", description="cpu, cuda, cuda:1")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    offload: Literal["none", "model", "sequential"] = Field(
        "none", description="what waits in main memory: less of a GPU's, more time"
    )


class Run(_Section):
    """How the work is run; nothing here changes a result."""

    engine: str = Field("local", description="local, ray, or an executor of a package")
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
    vlm: Vlm = Vlm()
    images: Images = Images()
    hub: Hub = Hub()
    generate: Generate = Generate()
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


def load(
    workspace: Path | None = None, earlier: Mapping[str, Any] | None = None, **flags: Any
) -> Config:
    """The settings that count.

    Args:
        workspace: whose `lookweave.toml` is read, if there is one.
        earlier: what earlier builds of the workspace were given, in the form of `flags`.
        flags: settings by name; a nested one is a dictionary, ``match={"top_k": 20}``.
            None means not given.

    Raises:
        ConfigError: one sentence for each thing that is wrong.
    """
    return _layered(workspace, earlier, flags)[0]


@dataclass(frozen=True)
class Setting:
    """One setting, its value, and where that comes from.

    Attributes:
        name: such as ``match.top_k``.
        value: as it counts.
        origin: ``default``, ``an earlier build``, ``lookweave.toml``, the name of a variable of
            the environment, or ``this call``.
    """

    name: str
    value: Any
    origin: str

    def to_dict(self) -> dict[str, Any]:
        """As ``lookweave config --json`` shows it."""
        return {"name": self.name, "value": self.value, "from": self.origin}


def explain(
    workspace: Path | None = None, earlier: Mapping[str, Any] | None = None, **flags: Any
) -> list[Setting]:
    """Every setting with its value and where that comes from; see `load`."""
    config, origins = _layered(workspace, earlier, flags)
    return [
        Setting(name, value, _origin(name, origins)) for name, value in _leaves(config.model_dump())
    ]


def _layered(
    workspace: Path | None, earlier: Mapping[str, Any] | None, flags: Mapping[str, Any]
) -> tuple[Config, dict[str, str]]:
    """The settings, and where each that was given comes from."""
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in _layers(workspace, earlier or {}, flags):
        merged = merge(merged, layer)
        for name, _ in _leaves(layer):
            origins[name] = _variable(name) if origin == _PREFIX else origin
    try:
        config = Config(**merged)
    except ValidationError as error:
        raise ConfigError(_told(error, origins)) from error
    _refuse_unknown_variables(config)
    return config, origins


def _layers(
    workspace: Path | None, earlier: Mapping[str, Any], flags: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    if workspace:
        yield DEFAULT, {"vlm": {"cache": workspace.absolute() / "vlm-answers.sqlite"}}
    yield EARLIER, dict(earlier)
    if workspace:
        yield FILE_NAME, _read_file(workspace / FILE_NAME)
    try:
        yield _PREFIX, EnvSettingsSource(Config)()
    except SettingsError as error:
        field = str(error).split('"')[1] if '"' in str(error) else ""
        raise ConfigError(
            f"Wrong settings: the variable {_PREFIX}{field.upper()} is no JSON. Write a list as "
            f'["a", "b"] and a section\'s settings one by one, as {_PREFIX}MATCH__TOP_K=20.'
        ) from error
    yield CALL, {name: value for name, value in flags.items() if value is not None}


def _read_file(path: Path) -> dict[str, Any]:
    """`lookweave.toml`, also as editors write it that begin a file with a byte order mark."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return tomllib.loads(content.decode("utf-16" if marked else "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not valid TOML: it is not written in UTF-8 (at byte {error.start}). "
            "Save it as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _refuse_unknown_variables(config: Config) -> None:
    """A misspelt variable must not be ignored in silence."""
    known = {_environment_name(name) for name in _NAMES} | _NO_SETTINGS
    known |= {"LOOKWEAVE_VLM_API_KEY", config.vlm.api_key_variable.upper()}
    known |= {"LOOKWEAVE_IMAGES_API_KEY", config.images.api_key_variable.upper()}
    free = tuple(f"{_environment_name(name)}__" for name in _DICTIONARIES)
    unknown = [
        name
        for name in os.environ
        if name.upper().startswith(_PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(free)
    ]
    if unknown:
        raise ConfigError(
            "Wrong settings: "
            + " ".join(f"{name} is no setting{_nearest(name, known)}." for name in sorted(unknown))
            + " `lookweave config` lists the settings; unset what you do not need."
        )


def _nearest(name: str, known: set[str]) -> str:
    close = get_close_matches(name.upper(), sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _environment_name(name: str) -> str:
    return _PREFIX + name.replace(".", "__").upper()


def _variable(name: str) -> str:
    """The variable that gives the setting `name`: its own, or one that holds all its section."""
    there = {variable.upper(): variable for variable in os.environ}
    while _environment_name(name) not in there and "." in name:
        name = name.rpartition(".")[0]
    return there.get(_environment_name(name), _environment_name(name))


def _origin(name: str, origins: Mapping[str, str]) -> str:
    if name in origins:
        return origins[name]
    inside = [origin for each, origin in origins.items() if each.startswith(f"{name}.")]
    return inside[-1] if inside else DEFAULT


def _leaves(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of every setting; a dictionary that is no section is one value."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and f"{above}{name}" in _SECTIONS:
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, type) of every setting and section."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}", field.annotation
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{above}{name}.")


_NAMES = [name for name, _ in _fields(Config)]
_SECTIONS = {
    name for name, kind in _fields(Config) if isinstance(kind, type) and issubclass(kind, BaseModel)
}
_DICTIONARIES = {name for name, kind in _fields(Config) if get_origin(kind) is dict}


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of two layers as one, section by section; `over` wins."""
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = (
            merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged


def _told(error: ValidationError, origins: Mapping[str, str]) -> str:
    """One sentence for each thing that is wrong, and where it stands."""
    lines = []
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        name = ".".join(place) or "settings"
        origin = origins.get(name) or origins.get(".".join(place[:2])) or origins.get(place[0], "")
        where = f", from {origin}" if place and origin else ""
        if problem["type"] == "extra_forbidden":
            close = get_close_matches(name, _NAMES, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            lines.append(f"{name}: there is no such setting{where}.{hint}")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{name}: {message} (it is {problem['input']!r}{where}).")
    return "Wrong settings: " + " ".join(lines)

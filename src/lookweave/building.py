"""One build of a workspace, from the flags of a call to what came of it."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lookweave.config import Config, Setting, explain, load, merge
from lookweave.errors import InputError, LookweaveError, ModelError, WorkspaceError
from lookweave.matching.fuse import ScoreWeights
from lookweave.models.cards import fetch_models
from lookweave.pipeline.executors import executor
from lookweave.pipeline.run import Outcome, run_pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.ingest import open_inputs
from lookweave.pipeline.steps.match import CALIBRATION, Match, calibration, set_weights
from lookweave.pipeline.steps.tier import Tier
from lookweave.progress import Progress
from lookweave.review.folding import fold_reviews
from lookweave.sources import Notices, Options, input_name
from lookweave.store import inputs
from lookweave.store.build_state import followed
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace, new_snapshot, usable_folder, write_atomically

_MEMORY = "build.json"

RECIPE = "the recipe of these models"
"""Where weights come from that nobody set."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildResult:
    """What a build did and what the workspace now holds."""

    workspace: str
    steps: list[Outcome]
    counts: dict[str, int]
    tiers: dict[str, int]
    rejects: dict[str, int]
    seconds: float
    snapshot: str | None = None
    notices: list[str] = field(default_factory=list)
    inputs: dict[str, list[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What `lookweave build --json` prints."""
        return asdict(self)

    def text(self) -> str:
        """A few lines for a person."""
        counts = self.counts
        did = [f"{one.step} {one.read}" for one in self.steps if one.read]
        lines = [
            f"{counts['garments']} garments and {counts['looks']} looks, {counts['regions']} "
            f"regions, {counts['matches']} matches, {counts['pairs']} pairs in {self.workspace}",
            "tiers: " + (", ".join(f"{tier} {n}" for tier, n in self.tiers.items()) or "none yet"),
            f"this build: {', '.join(did) or 'nothing was new'} ({self.seconds:.1f} s)",
            *(
                line
                for one in self.steps
                if one.step == "ingest" and one.read
                for line in _read(one)
            ),
        ]
        lines += [f"{kind}s from: {', '.join(paths)}" for kind, paths in self.inputs.items()]
        if self.rejects:
            reasons = ", ".join(f"{reason} {n}" for reason, n in self.rejects.items())
            lines.append(f"turned away: {reasons} (`lookweave report` says which and why)")
        lines += [f"note: {notice}" for notice in self.notices]
        return "\n".join(lines)


def build_workspace(
    out: Path, flags: dict[str, Any], progress: Progress, *, snapshot: str | None = None
) -> BuildResult:
    """Make or go on with the workspace `out`. All settings are checked before any work.

    Args:
        flags: settings that were given in this call; None means not given, and what an earlier
            build of this workspace was given still holds.

    Raises:
        LookweaveError: see `lookweave.errors`.
    """
    began = time.monotonic()
    given = {name: value for name, value in flags.items() if value is not None}
    out = usable_folder(out)  # before any work
    there = (out / "workspace.json").exists()
    earlier = remembered(Workspace.open(out)) if there else {}
    earlier.get("hub", {}).pop("commits", None)  # this build may find newer weights
    known = _known_inputs(Workspace.open(out), earlier) if there else {"garment": (), "look": ()}
    settings = {name: value for name, value in earlier.items() if name not in ("garments", "looks")}
    config = _with_inputs(load(out, settings, **given), known)
    if snapshot:
        new_snapshot(out, snapshot)  # a name that cannot be used is told before the work
    _log.info("building %s with %s, engine %s", out, config.models, config.run.engine)
    notices = Notices()
    config = _checked(config, known, notices)
    setup = Setup.of(config)
    workspace = Workspace.create(out)
    # What a refused build was given is not kept.
    with workspace.lock(), followed(workspace.path, progress) as state:
        # Only what was given is kept, so that other settings stay free to change.
        remember(workspace, merge(remembered(workspace), given), config.hub.commits)
        steps = run_pipeline(workspace, setup, progress, before_pairing=fold_reviews)
        if snapshot:
            workspace.take_snapshot(snapshot)
        result = BuildResult(
            workspace=str(workspace.path),
            steps=steps,
            counts=_counts(workspace, setup),
            tiers=_tiers(workspace, setup),
            rejects=_rejects(workspace),
            seconds=round(time.monotonic() - began, 2),
            snapshot=snapshot,
            inputs={kind: list(paths) for kind, paths in inputs.known(workspace).items()},
            notices=[
                *notices.sentences(),
                *(note for step in steps for note in step.notes),
                *_weights(workspace, config),
                *_no_details(setup),
            ],
        )
        state.result = {
            "counts": result.counts, "tiers": result.tiers, "rejects": result.rejects,
            "notices": result.notices,
        }  # fmt: skip
    for notice in result.notices:
        _log.info("note: %s", notice)
    _log.info("built %s in %.1f s: %s", result.workspace, result.seconds, result.counts)
    return result


def _read(ingest: Outcome) -> list[str]:
    """How fast the photos came, and a table of what kept some of them away."""
    lines = [f"photos read: {ingest.read} in {ingest.seconds:.1f} s, {ingest.rate:.1f} a second"]
    causes = sorted(ingest.reasons.items(), key=lambda cause: (-cause[1], cause[0]))
    return lines + [
        f"  {count:>9}  {count / ingest.read:>6.2%}  {reason}" for reason, count in causes
    ]


def _known_inputs(workspace: Workspace, earlier: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """What earlier builds were given. A version before this one kept it among its flags alone."""
    stored = inputs.stored(workspace)
    return {
        kind: (
            *(path for path in earlier.get(f"{kind}s", ()) if (kind, path) not in stored), *paths,
        )
        for kind, paths in inputs.known(workspace).items()
    }  # fmt: skip


def _with_inputs(config: Config, known: inputs.Kinds) -> Config:
    """The settings with every input that the workspace knows, before those of this call."""
    given = {"garment": config.garments, "look": config.looks}
    places = {
        f"{kind}s": tuple(dict.fromkeys([*known[kind], *map(input_name, paths)]))
        for kind, paths in given.items()
    }
    return config.model_copy(update=places)


def _checked(config: Config, known: inputs.Kinds, notices: Notices) -> Config:
    """The settings, with the commit of every model of a hub: its weights are fetched now.
    `known` are the inputs of earlier builds; `notices` is told what reading the manifests had to
    guess."""
    if not config.garments or not config.looks:
        raise InputError(
            "A build needs product photos and editorial photos: give --garments DIR|CSV and "
            "--looks DIR|CSV."
        )
    given = {"garment": config.garments, "look": config.looks}
    open_inputs(given, known, Options.of(config), notices)  # raises where one is of no use
    executor(config.run.engine)  # raises where there is no such executor
    models = fetch_models(config)
    for card in models.cards():
        if reason := card.missing(config.models_dir):
            raise ModelError(
                f"The model {card.name} cannot be used here: {reason}. `lookweave models` lists "
                "what is ready; `--models embedded` always is."
            )
    # Every step and every worker uses these very weights, whatever a branch becomes meanwhile.
    hub = config.hub.model_copy(update={"commits": models.commits})
    return config.model_copy(update={"hub": hub})


def open_workspace(path: Path, snapshot: str | None = None) -> tuple[Workspace, Config]:
    """An existing workspace and its settings."""
    workspace = Workspace.open(path, snapshot)
    return workspace, load(workspace.path, remembered(workspace))


def remembered(workspace: Workspace) -> dict[str, Any]:
    """The flags of earlier builds, so that later commands use the same models and inputs.

    Raises:
        WorkspaceError: the file that holds them is damaged.
    """
    where = workspace.path / _MEMORY
    try:
        flags = json.loads(where.read_text("utf-8"))
        if not isinstance(flags, dict):
            raise ValueError("it holds no settings")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WorkspaceError(
            f"{where} cannot be read: {error}. Delete it and give the next build its flags again."
        ) from error
    return flags


def remember(workspace: Workspace, flags: dict[str, Any], commits: dict[str, str]) -> None:
    """Keep the flags of this build, but for `run`, which is this machine's and this moment's.

    Args:
        commits: of the models from a hub. Their rows are found by it, also where their weights are
            not.
    """
    kept = {name: value for name, value in flags.items() if name != "run"}
    for name in {"garments", "looks"} & kept.keys():
        kept[name] = [input_name(place) for place in kept[name]]
    if commits:
        kept["hub"] = {**kept.get("hub", {}), "commits": commits}
    write_atomically(workspace.path / _MEMORY, json.dumps(kept, default=str, indent=1).encode())


def _weights(workspace: Workspace, config: Config) -> list[str]:
    """A sentence where learned weights count in place of those that are set."""
    learned = calibration(workspace, config)
    if learned is None:
        return []
    others = set_weights(Setup.of(config))
    return [
        f"the weights of the score were learned from {learned.labels} labels ({CALIBRATION}): "
        f"{learned.lambda_vlm:.2f}, {learned.lambda_visual:.2f} and {learned.lambda_detail:.2f} "
        f"count in place of lambda_vlm {others.vlm:.2g}, lambda_visual {others.visual:.2g} and "
        f"lambda_detail {others.detail:.2g}; match.calibrated = false takes those"
    ]


def _no_details(setup: Setup) -> list[str]:
    """A sentence where candidates could be compared part by part, had anything been learned."""
    match, encoder = setup.config.match, setup.models.encoder
    wanted = match.details and match.lambda_detail != 0
    if not wanted or setup.tokens is not None or not encoder.elsewhere:
        return []
    return [
        f"candidates are not compared part by part: nothing was learned of the parts that "
        f"{encoder.name} sees. `lookweave train details --encoder {encoder.name}` does so; "
        "match.details = false says that it is not wanted"
    ]


def explained(workspace: Workspace) -> list[Setting]:
    """Every setting of a workspace as it counts, learned weights included."""
    settings = explain(workspace.path, remembered(workspace))
    config = load(workspace.path, remembered(workspace))
    learned = calibration(workspace, config)
    weights = learned.score_weights if learned else _as_set(config)
    if weights is None:
        return settings
    counts = {f"match.lambda_{part}": value for part, value in weights._asdict().items()}
    return [
        Setting(one.name, counts[one.name], CALIBRATION if learned else RECIPE)
        if one.name in counts and (learned or one.value is None)
        else one
        for one in settings
    ]


def _as_set(config: Config) -> ScoreWeights | None:
    """The weights of a build with these settings; None where its models are not to be had."""
    try:
        return set_weights(Setup.of(config))
    except LookweaveError:
        return None


def _counts(workspace: Workspace, setup: Setup) -> dict[str, int]:
    counts = {
        name: workspace.table(name).count()
        for name in ("sources", "garments", "looks", "regions", "descriptions", "groups")
    }
    counts["matches"] = workspace.table("matches").count(Match(setup).rows)
    counts["pairs"] = workspace.table("pairs").count(Tier(setup).rows)
    return counts


def _tiers(workspace: Workspace, setup: Setup) -> dict[str, int]:
    made = Tier(setup).rows
    counts = {
        tier: workspace.table("pairs").count(made & matching(tier=tier))
        for tier in ("high", "medium", "low")
    }
    return {tier: count for tier, count in counts.items() if count}


def _rejects(workspace: Workspace) -> dict[str, int]:
    counts: dict[str, int] = {}
    for batch in workspace.table("rejects").scan(["reason"]):
        for reason in batch.column("reason").to_pylist():
            counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

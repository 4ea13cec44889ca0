"""`lookweave publish`: from a workspace to a data set in a folder or on a hub."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lookweave.config import Config
from lookweave.errors import LookweaveError, PublishError
from lookweave.models import cards
from lookweave.progress import Progress
from lookweave.publish.card import REASONS, Facts, card, citation
from lookweave.publish.croissant import croissant
from lookweave.publish.folder import (
    HELD_BACK,
    check_folder,
    edited_by_hand,
    replacing,
    work_folder,
    write_marker,
)
from lookweave.publish.options import Destination, Options, destination
from lookweave.publish.pairs import encode_pairs
from lookweave.publish.plan import (
    HeldBack,
    Plan,
    count_reasons,
    make_plan,
    no_longer_allowed,
)
from lookweave.publish.products import ARTICLES, write_articles
from lookweave.publish.push import HubRepository
from lookweave.publish.shards import TierWriter
from lookweave.publish.space import check_space
from lookweave.publish.tally import Tally
from lookweave.records import file_sha256
from lookweave.store.workspace import Workspace
from lookweave.text import to_json, write_csv

_HUB = "https://huggingface.co/datasets"


def publish(
    workspace: Workspace,
    config: Config,
    to: str,
    *,
    snapshot: str | None = None,
    progress: Progress,
    options: Options | None = None,
) -> dict[str, Any]:
    """Write the pairs of a workspace as a data set, or push them to a hub. Changes no table.

    What can be known before the work is checked before it: options, snapshot, recipe, the folder
    and what is in it, room on the disk, the hub and the token. The publication is written aside and
    put in place when it is whole: after an error what was there before still is. A push is one
    commit, so a reader of the hub sees the earlier version or this one.

    Args:
        workspace: open, perhaps at a snapshot.
        config: as checked; its recipe is the one that is published where there are several.
        to: a folder, or ``hf://OWNER/NAME``.
        snapshot: publish the tables as they were then. Takedowns and rights count as of now
            all the same.
        progress: told of every pair.
        options: everything else; see `Options`.

    Returns:
        ``to``, ``pairs`` (tier -> split -> count), ``total``, ``articles`` (of the catalogue, with
        or without a pair), ``held_back`` (reason -> count),
        ``rights_unknown`` (photos), ``calibrated``, ``recipe``, ``snapshot``, ``files``, ``bytes``;
        of a folder ``edited`` (files that a person had edited, kept beside); after a push
        ``commit``, ``pushed_files``, ``removed_files`` and, where it applies, ``advice``.

    Raises:
        InputError, ConfigError: the destination or an option cannot be used.
        PublishError: there is nothing to publish, or it cannot be written or pushed.
        WorkspaceLocked: another process is publishing to the same place.
    """
    options = options or Options()
    options.check()
    where = destination(to)
    if snapshot:
        workspace = Workspace.open(workspace.path, snapshot=snapshot)
    folder = None if where.folder is None else check_folder(where.folder, workspace)
    unsaid_allowed = options.allow_unknown_rights
    if unsaid_allowed is None:
        unsaid_allowed = folder is not None
    recipe = preferred_recipe(config)

    def make_plan_now() -> Plan:
        now = Workspace.open(workspace.path)
        return make_plan(workspace, now, options, recipe, unsaid_allowed)

    plan = make_plan_now()

    def refuse_what_changed() -> None:
        if changed := no_longer_allowed(plan, make_plan_now()):
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise PublishError(
                "While this was being written, photos in it were taken down or their rights "
                f"changed ({'; '.join(changed[:3])}{more}). Nothing was published: run the same "
                "command again."
            )

    def write(new: Path) -> dict[str, Any]:
        check_space(workspace, plan, options, new)
        return _write(workspace, config, where, plan, new, progress, options)

    if folder is not None:
        edited = edited_by_hand(folder)
        with replacing(folder) as new:
            summary = write(new)
            refuse_what_changed()
        return {**summary, "to": str(where.folder), "edited": edited}
    hub = HubRepository(where.repository, options)
    hub.check()
    with _folder_to_push_from(workspace, where.repository) as new:
        summary = write(new)
        pushed = hub.push(new, progress, before_commit=refuse_what_changed)
    return {**summary, **pushed, "to": f"hf://{where.repository}"}


def summary_text(summary: dict[str, Any]) -> str:
    """What `publish` returned, for a person."""
    lines = [f"Published {summary['total']:,} pairs to {summary['to']}"]
    for tier, splits in summary["pairs"].items():
        counts = ", ".join(f"{split} {count:,}" for split, count in splits.items())
        lines.append(f"  {tier:<8} {counts}")
    if summary["articles"]:
        lines.append(f"  products {summary['articles']:,} articles of the catalogue")
    for reason, count in summary["held_back"].items():
        lines.append(f"  held back {count:,}: {REASONS.get(reason, reason)}")
    if summary["rights_unknown"]:
        lines.append(f"  rights unknown of {summary['rights_unknown']:,} photos: clear them first")
    if not summary["calibrated"]:
        lines.append("  probabilities are not calibrated: `lookweave calibrate` with labels")
    for name in summary.get("edited", ()):
        lines.append(f"  {name} had been edited by hand: that version is kept as {name}.bak…")
    if "advice" in summary:
        lines.append(f"  {summary['advice']}")
    return "\n".join(lines)


@contextmanager
def _folder_to_push_from(workspace: Workspace, repository: str) -> Iterator[Path]:
    """In the workspace, whose disk is made for much data; where that cannot be written, in the
    system's temporary folder."""
    if os.access(workspace.path, os.W_OK):
        with work_folder(workspace.path / "publications" / repository.replace("/", "--")) as new:
            yield new
    else:
        with TemporaryDirectory(prefix="lookweave-publish-") as name:
            yield Path(name)


def _write(
    workspace: Workspace,
    config: Config,
    where: Destination,
    plan: Plan,
    folder: Path,
    progress: Progress,
    options: Options,
) -> dict[str, Any]:
    """Write a whole publication to the empty `folder` and sum it up."""
    tally = Tally(plan.judgements)
    held = _write_pairs(workspace, config, plan, tally, folder, progress, options)
    tally.listed = write_articles(workspace, plan.garments, tally.garments, folder / ARTICLES)
    reasons = count_reasons(held)
    facts = Facts(
        title=options.title or _title(where.name),
        recipe=plan.recipe,
        snapshot=workspace.snapshot.name if workspace.snapshot else "",
        held=reasons,
        destination=where,
        missing_tiers=[tier for tier in options.tiers if tier not in tally.tiers()],
        audits=plan.audits,
    )
    _write_held_back(folder / HELD_BACK, held)
    (folder / "README.md").write_text(card(tally, facts, config, options), encoding="utf-8")
    _write_croissant(folder, tally, facts, options)
    files = write_marker(folder)
    return {
        "pairs": {
            tier: {split: tally.pairs[tier, split] for split in tally.splits(tier)}
            for tier in tally.tiers()
        },
        "total": tally.total,
        "articles": tally.listed,
        "held_back": reasons,
        "rights_unknown": tally.noted()["rights_unknown"],
        "calibrated": bool(tally.total) and tally.calibrated == tally.total,
        "recipe": plan.recipe,
        "snapshot": facts.snapshot or None,
        "files": len(files),
        "bytes": sum((folder / path).stat().st_size for path in files),
    }


def _write_pairs(
    workspace: Workspace,
    config: Config,
    plan: Plan,
    tally: Tally,
    folder: Path,
    progress: Progress,
    options: Options,
) -> list[HeldBack]:
    """Write every shard; returns all that is held back, those of the plan among them."""
    held = list(plan.held)
    progress.start("publish", plan.pairs.num_rows, "pairs")
    with TierWriter(folder, options) as writer:
        for one in encode_pairs(
            workspace, plan, options, config, describer=preferred_describer(config)
        ):
            if isinstance(one, HeldBack):
                held.append(one)
            else:
                writer.add(one)
                tally.add(one)
            progress.advance(1)
    progress.end(f", {len(held)} held back" if held else "")
    return sorted(held, key=lambda one: (one.reason, one.garment, one.look))


def _write_held_back(path: Path, held: list[HeldBack]) -> None:
    columns = [field.name for field in dataclasses.fields(HeldBack)]
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, columns, (dataclasses.asdict(one) for one in held))


def _write_croissant(folder: Path, tally: Tally, facts: Facts, options: Options) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".parquet", ".tar"))
    paths += [folder / ARTICLES] if tally.listed else []
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    repository = facts.destination.repository
    metadata = croissant(
        title=facts.title,
        description=options.description or f"{tally.total} garment-look pairs, in tiers.",
        cite_as=citation(facts, options),
        files={name: file_sha256(path) for name, path in names.items()},
        sizes={name: path.stat().st_size for name, path in names.items()},
        base_url=f"{_HUB}/{repository}/resolve/main/" if repository else "",
        options=options,
    )
    text = to_json(metadata, indent=2) + "\n"
    (folder / "croissant.json").write_text(text, encoding="utf-8")


def preferred_recipe(config: Config) -> str:
    """The recipe of the pairs that these settings make."""
    from lookweave.pipeline.setup import Setup
    from lookweave.pipeline.steps.tier import Tier

    try:
        return Tier(Setup.of(config)).recipe
    except LookweaveError:
        return ""  # a model of these settings is not here: publishing needs none


def preferred_describer(config: Config) -> str:
    """Key of the describer that these settings name."""
    try:
        return cards.models_of(config).describer.key
    except LookweaveError:
        return ""


def _title(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").split()
    return " ".join(words).capitalize() or "Garment-look pairs"

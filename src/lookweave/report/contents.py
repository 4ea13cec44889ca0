"""Everything that the report says, gathered as plain data before any of it is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lookweave import __version__
from lookweave.config import Config
from lookweave.evaluate.verdicts import Verdicts
from lookweave.report.distributions import TIERS, Distributions, distributions
from lookweave.report.funnel import Stage, funnel
from lookweave.report.groups import Groups, groups
from lookweave.report.hubs import Hubness, HubRegion, hubs
from lookweave.report.judged import Judged, judge
from lookweave.report.listing import Listing, listing
from lookweave.report.measured import Measured, read_measured
from lookweave.report.pictures import Picture, PictureMaker, Source, sources
from lookweave.report.rejects import Reason, reasons
from lookweave.report.scope import Model, Scope, models_in, scope_of
from lookweave.report.sheet import SheetPair, sheet_pairs
from lookweave.report.timing import StepTime, step_times
from lookweave.store.workspace import Workspace

SHEET_BUDGET = 4_400_000
"""Characters of the page that the contact sheet's pictures may take."""

_SMALL = 300
_THUMBNAIL = 220


@dataclass(frozen=True)
class Shown:
    """A small picture with its name; the picture is None where the photo cannot be shown."""

    name: str
    picture: Picture | None
    taken_down: bool = False


@dataclass(frozen=True)
class ShownHub:
    """A hub with its picture."""

    hub: HubRegion
    shown: Shown


@dataclass(frozen=True)
class Contents:
    """The whole report.

    Attributes:
        reject_pictures: photo id -> picture, of the rejects' examples that have one.
        group_pictures: photo id -> picture, of the groups' examples.
    """

    name: str
    snapshot: str | None
    written: datetime
    version: str
    scope: Scope
    measured: Measured
    models: list[Model]
    stages: list[Stage]
    spread: Distributions
    sheet: list[SheetPair]
    listing: Listing
    judged: Judged
    hubs: Hubness | None
    hub_pictures: list[ShownHub]
    groups: list[Groups]
    group_pictures: dict[str, Shown]
    rejects: list[Reason]
    reject_pictures: dict[str, Shown]
    times: list[StepTime]
    verdicts_known: bool

    @property
    def tiers(self) -> list[str]:
        """The tiers that have pairs."""
        return [tier for tier in TIERS if self.spread.total(tier)]

    @property
    def calibrated(self) -> bool:
        """Whether every pair's probability was calibrated on labelled pairs."""
        return bool(self.spread.pairs) and self.spread.calibrated == self.spread.pairs

    @property
    def turned_away(self) -> int:
        """All that was turned away."""
        return sum(reason.count for reason in self.rejects)


def gather(workspace: Workspace, config: Config, truth: Path | None = None) -> Contents:
    """Read what the report says. Memory does not grow with the workspace."""
    scope = scope_of(workspace, config)
    verdicts = Verdicts(workspace, truth)
    pictures = PictureMaker(workspace)
    found, spread, hub_table = (
        reasons(workspace, scope.reject_recipes),
        distributions(workspace, scope),
        None,
    )
    if scope.match:
        hub_table = hubs(workspace, scope)
    grouped = groups(workspace)
    return Contents(
        name=workspace.path.name,
        snapshot=workspace.snapshot.name if workspace.snapshot else None,
        written=datetime.now(UTC),
        version=__version__,
        scope=scope,
        measured=read_measured(workspace, scope),
        models=models_in(workspace, scope),
        stages=funnel(workspace, scope, found, spread, hub_table),
        spread=spread,
        sheet=sheet_pairs(workspace, scope, verdicts, SHEET_BUDGET),
        listing=listing(workspace, scope, verdicts),
        judged=judge(workspace, scope, verdicts),
        hubs=hub_table,
        hub_pictures=_hub_pictures(workspace, pictures, hub_table.top if hub_table else []),
        groups=grouped,
        group_pictures=_photos(
            workspace,
            pictures,
            [each for kind in grouped for group in kind.examples for each in group],
        ),
        rejects=found,
        reject_pictures=_reject_pictures(workspace, pictures, found),
        times=step_times(workspace),
        verdicts_known=bool(verdicts),
    )


def _hub_pictures(
    workspace: Workspace, pictures: PictureMaker, top: list[HubRegion]
) -> list[ShownHub]:
    looks = sources(workspace, "look", [hub.look for hub in top])
    rows = workspace.table("regions").rows_by("id", [hub.region for hub in top], ["id", "box"])
    boxes = {row["id"]: row["box"] for row in rows.to_pylist()}
    shown: list[ShownHub] = []
    for hub in top:
        look, box = looks.get(hub.look), boxes.get(hub.region)
        if look is None:
            shown.append(ShownHub(hub, Shown(hub.look, None)))
            continue
        picture = (
            pictures.whole(look, _SMALL) if box is None else pictures.region(look, box, _SMALL)[0]
        )
        shown.append(ShownHub(hub, Shown(look.title, picture, look.taken_down)))
    return shown


def _photos(
    workspace: Workspace, pictures: PictureMaker, wanted: list[tuple[str, str]]
) -> dict[str, Shown]:
    shown: dict[str, Shown] = {}
    for kind in ("garment", "look"):
        ids = [photo for each, photo in wanted if each == kind]
        for photo, source in sources(workspace, kind, ids).items():
            shown[photo] = _small(pictures, source)
    return shown


def _reject_pictures(
    workspace: Workspace, pictures: PictureMaker, found: list[Reason]
) -> dict[str, Shown]:
    """By subject; a region's subject begins with its photo. Files turned away by ingest never
    became a photo and have no picture."""
    subjects = [(subject, subject.split(":")[0]) for each in found if each.step != "ingest"
                for subject, _ in each.examples]  # fmt: skip
    photos = _photos(
        workspace,
        pictures,
        [(kind, photo) for kind in ("garment", "look") for _, photo in subjects],
    )
    return {subject: photos[photo] for subject, photo in subjects if photo in photos}


def _small(pictures: PictureMaker, source: Source) -> Shown:
    picture = None if source.taken_down else pictures.thumbnail(source.id, _THUMBNAIL)
    return Shown(source.title, picture, source.taken_down)

"""Which pairs may go out, and why the others may not.

Rights, takedowns and what the inputs list are read from the workspace as it is *now*, rights and
takedowns from the snapshot that is published as well: what was taken down after a snapshot stays in
even when that snapshot is published.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lookweave.errors import PublishError
from lookweave.publish.options import SPLITS, TIERS, Options
from lookweave.publish.rights import Judgement, RightsRules, Standing
from lookweave.records import fingerprint
from lookweave.review.audits import published, refused
from lookweave.store.conditions import column, matching
from lookweave.store.tables import Table
from lookweave.store.takedowns import down
from lookweave.store.workspace import Workspace

_PAIR_COLUMNS = ["garment", "look", "region", "recipe", "tier", "split", "group"]


@dataclass(frozen=True)
class HeldBack:
    """A pair that stays in, and the photo that is the reason."""

    garment: str
    look: str
    tier: str
    split: str
    photo: str
    kind: str
    name: str
    reason: str
    detail: str


@dataclass
class Plan:
    """What goes out.

    Attributes:
        recipe: whose pairs these are.
        pairs: key columns of the pairs that go out unless their photos turn out to be gone, in
            the order in which they are written: by tier and split, then shuffled by look.
        held: the pairs that do not.
        judgements: photo -> what its rights say, for every photo of `pairs` and `garments`.
        audits: tier -> what its audit says, of the tiers that have one.
        garments: product photos that may go out, in a pair or as a photo of a listed article.
    """

    recipe: str
    pairs: pa.Table
    held: list[HeldBack] = field(default_factory=list)
    judgements: dict[str, Judgement] = field(default_factory=dict)
    audits: dict[str, str] = field(default_factory=dict)
    garments: set[str] = field(default_factory=set)


def make_plan(
    workspace: Workspace, now: Workspace, options: Options, preferred: str, unsaid_allowed: bool
) -> Plan:
    """Decide about every pair.

    Args:
        workspace: what is published, perhaps at a snapshot.
        now: the same workspace as it is at this moment.
        preferred: the recipe to publish where there are several.
        unsaid_allowed: whether photos go out of whose rights nothing is said. What is said and
            not understood goes out only where `options` say so.

    Raises:
        PublishError: there are no pairs, or several recipes and none is preferred.
    """
    recipe = choose_recipe(workspace, options.recipe, preferred)
    where = matching(recipe=recipe) & column("tier").is_in(options.tiers)
    pairs = workspace.table("pairs").read(_PAIR_COLUMNS, where)
    rules = RightsRules(options.allow_rights, options.forbid_rights)
    garments = workspace.table("garments").values("id")
    photos = garments | set(pairs["garment"].to_pylist()) | set(pairs["look"].to_pylist())
    standing = PhotosStanding(workspace, now, photos, rules)
    unknown = UnknownAllowed(unsaid_allowed, bool(options.allow_unknown_rights))
    plan = Plan(recipe, pairs)
    keep = []
    for row in pairs.to_pylist():
        held = _hold(row, standing, unknown)
        keep.append(held is None)
        if held:
            plan.held.append(held)
        else:
            for photo in (row["garment"], row["look"]):
                plan.judgements[photo] = standing.judgements[photo]
    plan.pairs = pairs.filter(pa.array(keep, pa.bool_()))
    for garment in garments:
        if standing.problem("garment", garment, unknown) is None:
            plan.garments.add(garment)
            plan.judgements[garment] = standing.judgements[garment]
    _audit(plan, now, standing)
    plan.pairs = _in_order(plan.pairs)
    return plan


def _audit(plan: Plan, now: Workspace, standing: PhotosStanding) -> None:
    """Tell what audits say of what may go out; then hold back what they did not find right."""
    rows = plan.pairs.to_pylist()
    for tier in TIERS:
        pairs = [
            (row["garment"], row["look"], row["region"]) for row in rows if row["tier"] == tier
        ]
        if said := published(now, tier, pairs) if pairs else "":
            plan.audits[tier] = said
    wrong = refused(now)
    keep = []
    for row in rows:
        keep.append((row["garment"], row["look"], row["region"]) not in wrong)
        if not keep[-1]:
            name = standing.names.get(("look", row["look"]), "")
            detail = "An audit did not find that the look shows the garment."
            plan.held.append(hold_back(row, "look", name, "refused_in_audit", detail))
    plan.pairs = plan.pairs.filter(pa.array(keep, pa.bool_()))


def why_unusable(
    workspace: Workspace, kind: str, photos: list[str], options: Options
) -> dict[str, tuple[str, str]]:
    """Photo -> reason and detail, of those from which no other picture may be made.

    What holds of publishing to a folder holds here; and a licence that forbids altered copies
    forbids pictures made from the photo.

    Args:
        kind: ``garment`` or ``look``.
        photos: ids.
    """
    unsaid = options.allow_unknown_rights is not False
    unknown = UnknownAllowed(unsaid, bool(options.allow_unknown_rights))
    rules = RightsRules(options.allow_rights, options.forbid_rights)
    standing = PhotosStanding(workspace, workspace, set(photos), rules)
    found = {}
    for photo in photos:
        if why := standing.problem(kind, photo, unknown):
            found[photo] = why
        elif standing.judgements[photo].no_derivatives:
            words = standing.judgements[photo].words
            found[photo] = ("no_derivatives", f"Its rights forbid altered copies: {words}.")
    return found


def no_longer_allowed(then: Plan, now: Plan) -> list[str]:
    """What `then` lets out and `now` does not, pair by pair and photo by photo; empty if nothing.

    Compares rows, not counts: a takedown and a restoration do not cancel out. A photo whose rights
    read otherwise than before counts too, since its crop or its words may have gone out.

    Returns:
        A phrase for each photo, sorted: its file's name or id, and the reason.
    """
    out = set(zip(then.pairs["garment"].to_pylist(), then.pairs["look"].to_pylist(), strict=True))
    phrases = {
        one.photo: f"{one.name or one.photo}: {one.reason}"
        for one in now.held
        if (one.garment, one.look) in out
    }
    for photo in then.garments - now.garments:
        phrases.setdefault(photo, f"{photo}: may not be published any more")
    for photo, judged in then.judgements.items():
        if now.judgements.get(photo, judged) != judged:
            phrases.setdefault(photo, f"{photo}: its rights read otherwise")
    return sorted(phrases.values())


def choose_recipe(workspace: Workspace, asked: str, preferred: str) -> str:
    """The recipe to publish: the one asked for, the configuration's own, or the only one.

    One whose pairs are all gone, as after takedowns, is published too: an empty data set takes the
    place of the one that shows them.
    """
    pairs = workspace.table("pairs").values("recipe")
    made = workspace.table("runs").values("recipe", matching(step="tier"))
    known = sorted(pairs | ({preferred, asked} & made))
    if not known:
        raise PublishError(
            "There are no pairs to publish yet: run `lookweave build` on the workspace first."
        )
    if asked:
        if asked not in known:
            raise PublishError(f"No pairs of recipe {asked!r}. There are: {', '.join(known)}.")
        return asked
    if preferred in known:
        return preferred
    if len(known) == 1:
        return known[0]
    raise PublishError(
        f"The workspace has pairs of several recipes and none of the present settings: say which "
        f"with --recipe. There are: {', '.join(known)}."
    )


def _in_order(pairs: pa.Table) -> pa.Table:
    """By tier and split; inside, the pairs of a look together and the looks shuffled, so that
    whoever streams the data does not see one brand after the other."""
    rank = {name: position for names in (TIERS, SPLITS) for position, name in enumerate(names)}
    keys = {
        "tier": [rank.get(value, len(rank)) for value in pairs["tier"].to_pylist()],
        "split": [rank.get(value, len(rank)) for value in pairs["split"].to_pylist()],
        "shuffled": [fingerprint("order", look) for look in pairs["look"].to_pylist()],
        "look": pairs["look"],
        "garment": pairs["garment"],
    }
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return pairs.take(order)


@dataclass(frozen=True)
class UnknownAllowed:
    """Which photos of unknown rights go out.

    Attributes:
        unsaid: those of which nothing is said.
        unclear: those of which something is said that is not understood.
    """

    unsaid: bool
    unclear: bool


def _hold(
    row: dict[str, str], standing: PhotosStanding, unknown: UnknownAllowed
) -> HeldBack | None:
    """Why this pair stays in; None when it may go out. The look's reason is told first."""
    if standing.same_picture(row["garment"], row["look"]):
        name = standing.names.get(("look", row["look"]), "")
        return hold_back(row, "look", name, "same_photo", "Garment and look are one picture.")
    for kind in ("look", "garment"):
        if why := standing.problem(kind, row[kind], unknown):
            reason, detail = why
            name = standing.names.get((kind, row[kind]), "")
            return hold_back(row, kind, name, reason, detail)
    return None


def hold_back(pair: dict[str, str], kind: str, name: str, reason: str, detail: str) -> HeldBack:
    """`pair`: at least its key columns; `kind`: which of its photos is the reason."""
    where = (pair["garment"], pair["look"], pair["tier"], pair["split"])
    return HeldBack(*where, pair[kind], kind, name, reason, detail)


class PhotosStanding:
    """What is known about the rights of some photos, and of their duplicates."""

    def __init__(
        self, workspace: Workspace, now: Workspace, photos: set[str], rules: RightsRules
    ) -> None:
        self._twins = _twins([workspace, now], photos)
        known = pa.array(sorted(photos.union(*self._twins.values())), pa.string())
        self.names: dict[tuple[str, str], str] = {}
        # A day may have come since the last build, from which a takedown holds.
        self.taken_down = down(now)
        said: dict[str, set[str]] = defaultdict(set)
        self._listed: set[tuple[str, str]] = set()
        for name in ("garments", "looks", "sources"):
            for row in _rows_of(now.table(name), known):
                # Workspaces of earlier versions do not say what is listed.
                listed = row["listed"] is not False
                if name != "sources":
                    self.names[name.removesuffix("s"), row["id"]] = row["name"]
                    if listed:
                        self._listed.add((name.removesuffix("s"), row["id"]))
                elif row["place"] is not None and not listed:
                    continue  # the last listing's rights count
                said[row["id"]].add(row["rights"] or "")
                # What a source of this version says became an event, which may be lifted.
                if row["taken_down"] and (name != "sources" or row["place"] is None):
                    self.taken_down.add(row["id"])
        self.judgements = {photo: rules.judge_all(sorted(words)) for photo, words in said.items()}

    def same_picture(self, garment: str, look: str) -> bool:
        """Whether the two photos are one file, or near duplicates of each other."""
        return garment == look or look in self._twins.get(garment, ())

    def problem(self, kind: str, photo: str, unknown: UnknownAllowed) -> tuple[str, str] | None:
        """Reason and detail why a photo may not go out as a garment or look; None when it may."""
        if (kind, photo) not in self.names:
            return "no_such_photo", "The pair names a photo that has no row: run verify-store."
        if photo in self.taken_down:
            return "taken_down", "The photo is marked taken down."
        if (kind, photo) not in self._listed:
            return "not_listed", "No input lists the photo any more: list it again and build."
        judged = self.judgements[photo]
        if judged.standing is Standing.FORBIDDEN:
            return "rights_forbid", f"Its rights say: {judged.words}."
        # The same picture under another file name must not slip out after a takedown.
        for twin in sorted(self._twins.get(photo, ())):
            if twin in self.taken_down:
                return "duplicate_taken_down", f"The same photo as {twin}, which was taken down."
            other = self.judgements.get(twin)
            listed = ("garment", twin) in self._listed or ("look", twin) in self._listed
            if other and listed and other.standing is Standing.FORBIDDEN:
                return "duplicate_rights_forbid", (
                    f"The same photo as {twin}, whose rights say: {other.words}."
                )
        if judged.standing is Standing.UNKNOWN and judged.words and not unknown.unclear:
            return "rights_unclear", (
                f"Its rights say: {judged.words}. That is no licence by a known name. Write one, "
                "or say --allow-rights with these words, or --allow-unknown-rights."
            )
        if judged.standing is Standing.UNKNOWN and not judged.words and not unknown.unsaid:
            return "rights_unknown", (
                "Its rights are not stated. Fill in the rights field, or say "
                "--allow-unknown-rights."
            )
        return None


def _twins(sides: Iterable[Workspace], photos: set[str]) -> dict[str, set[str]]:
    """Photo -> the photos that show the same picture, of either kind, as the groups say: also
    those that are grouped with one that it is grouped with."""
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    groups: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for side in sides:
        same = column("how").is_in(["same_photo", "same_picture"])
        for row in side.table("groups").read(["subject", "how", "group"], same).to_pylist():
            group = (row["how"], row["group"])
            # The group is named after one of its photos.
            for photo in (row["subject"], row["group"]):
                members[group].add(photo)
                groups[photo].add(group)
    twins = {}
    for photo in photos & groups.keys():
        found, waiting = {photo}, [photo]
        while waiting:
            near = {one for group in groups[waiting.pop()] for one in members[group]} - found
            found |= near
            waiting += near
        twins[photo] = found - {photo}
    return twins


def _rows_of(table: Table, photos: pa.Array) -> Iterator[dict[str, Any]]:
    columns = ["id", "name", "rights", "taken_down", "listed"]
    columns += ["place"] if table.spec.name == "sources" else []
    for batch in table.scan(columns):
        yield from batch.filter(pc.is_in(batch["id"], photos)).to_pylist()


def count_reasons(held: Iterable[HeldBack]) -> dict[str, int]:
    """Reason -> pairs, most frequent first."""
    counts = Counter(one.reason for one in held)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

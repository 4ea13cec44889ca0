"""From the journal into the table `reviews`, which tiers, learning and audits read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lookweave.pipeline.setup import Setup
from lookweave.records import REVIEW
from lookweave.review.audits import decided
from lookweave.review.journal import Journal
from lookweave.review.state import Box, fold, rows
from lookweave.store import audits
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace


def fold_reviews(workspace: Workspace, setup: Setup) -> int:
    """Bring the table `reviews` and the audits up to the journal. Rows of other origin stay.

    Call it once today's detector has its regions, under the workspace's lock. A second call
    without new events or regions commits nothing.

    Returns:
        How many verdicts stand.
    """
    fold_audits(workspace)
    state = fold(Journal(workspace.path, reading=True).events())
    boxes = relative_boxes(
        workspace, setup.models.detector.key, {look for _, look in state.pairs()}
    )
    wanted = REVIEW.table(rows(state, boxes))
    table = workspace.table("reviews")
    ours = column("event").is_given()
    order = [(name, "ascending") for name in REVIEW.key]
    if table.read(where=ours).sort_by(order).equals(wanted.sort_by(order)):
        return int(wanted.num_rows)
    keys = list(REVIEW.key)
    others = {tuple(row.values()) for row in table.read(keys, ~ours).to_pylist()}
    replaced = ours
    for row in wanted.select(keys).to_pylist():
        if tuple(row.values()) in others:
            replaced = replaced | matching(**row)
    table.replace([wanted], replaced)
    return int(wanted.num_rows)


def relative_boxes(
    workspace: Workspace, detector: str, looks: Iterable[str]
) -> dict[str, dict[str, Box]]:
    """Look -> region -> x0, y0, x1, y1 as shares of the look's width and height."""
    names = sorted(looks)
    photos = workspace.table("looks").rows_by("id", names, ["id", "width", "height"])
    size = {row["id"]: (row["width"], row["height"]) for row in photos.to_pylist()}
    mine = matching(detector=detector, kind="look")
    found: dict[str, dict[str, Box]] = defaultdict(dict)
    regions = workspace.table("regions").rows_by("subject", names, ["id", "subject", "box"], mine)
    for row in regions.to_pylist():
        width, height = size.get(row["subject"], (0, 0))
        if width and height and row["box"]:
            left, top, right, bottom = row["box"]
            found[row["subject"]][row["id"]] = (
                left / width, top / height, right / width, bottom / height,
            )  # fmt: skip
    return dict(found)


def fold_audits(workspace: Workspace) -> int:
    """Bring the verdicts of every sample up to the journal. Returns how many samples have news.

    Call it under the workspace's lock.
    """
    known = audits.samples(workspace)
    if not known:
        return 0
    state = fold(Journal(workspace.path, reading=True).events())
    news = 0
    for sample in known:
        votes = {pair: decided(state, sample.name, pair) for pair in sample.pairs}
        news += sample.save_verdicts(
            {pair: said is True for pair, said in votes.items() if said is not None}
        )
    return news

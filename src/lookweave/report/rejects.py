"""What the steps turned away, gathered by reason, and what a person can do about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from lookweave.store.workspace import Workspace

_ROWS = 1 << 15
_EXAMPLES = 6

ADVICE: dict[str, str] = {
    "missing_file": "Put the files back or correct the manifest.",
    "not_a_file": "Name files, or a folder as a whole with --garments or --looks.",
    "changed_while_read": "Wait until the files are written completely.",
    "too_large_file": "Save them smaller, or raise ingest.max_bytes.",
    "not_an_image": "Remove these files from the folder, or export photos from them.",
    "too_many_pixels": "If these photos are meant to be that large, raise ingest.max_pixels.",
    "too_small": "Use larger originals, or lower ingest.min_side.",
    "out_of_memory": "Free some memory, or use fewer workers.",
    "robots_disallow": "Ask the site for the photos, or for leave to fetch them.",
    "opted_out": "Ask the owner of the photos for leave; until then they stay out.",
    "no_photo_named": "Fill in the path or address of the photo in these rows.",
}
"""Reason -> what helps, where the rows' own detail only says what was found."""


@dataclass
class Reason:
    """All rejects of one step for one reason.

    Attributes:
        detail: the sentence of the first of them.
        retry: how many the next build tries again by itself.
        examples: (subject, name) of some of them.
    """

    step: str
    reason: str
    count: int = 0
    retry: int = 0
    detail: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """``truncated_image`` as a person writes it."""
        return self.reason.replace("_", " ").capitalize()

    @property
    def advice(self) -> str:
        """What helps, or "" when `detail` says it."""
        return ADVICE.get(self.reason, "")


def reasons(workspace: Workspace, recipes: Mapping[str, str | None]) -> list[Reason]:
    """Rejects by step and reason, most first; scans, so any number of rows is fine.

    Args:
        recipes: step -> the recipe whose rejects count. What another model turned away says
            nothing of the rows that this one made; a step without a recipe here counts whole.
    """
    found: dict[tuple[str, str], Reason] = {}
    columns = ["step", "recipe", "reason", "subject", "kind", "name", "detail", "retry"]
    for batch in workspace.table("rejects").scan(columns, None, _ROWS):
        for row in batch.to_pylist():
            if row["recipe"] != (recipes.get(row["step"]) or row["recipe"]):
                continue
            key = row["step"], row["reason"]
            reason = found.setdefault(key, Reason(*key, detail=row["detail"]))
            reason.count += 1
            reason.retry += bool(row["retry"])
            reason.kinds[row["kind"] or "photo"] += 1
            if len(reason.examples) < _EXAMPLES:
                reason.examples.append((row["subject"], row["name"] or row["subject"]))
    return sorted(found.values(), key=lambda each: (-each.count, each.step, each.reason))


def count_rejects(found: list[Reason], step: str, kind: str | None = None) -> int:
    """How many subjects a step turned away."""
    here = [reason for reason in found if reason.step == step]
    if kind is None:
        return sum(reason.count for reason in here)
    return sum(reason.kinds[kind] for reason in here)

"""What the steps turned away, gathered by reason, and what a person can do about each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lookweave.workspace import Workspace

_ROWS = 1 << 15
_EXAMPLES = 6

ADVICE: dict[str, str] = {
    "missing_file": "Put the files back or correct the manifest.",
    "not_a_file": "Name files, or a folder as a whole with --garments or --looks.",
    "unreadable_file": "Give yourself the right to read these files.",
    "changed_while_read": "Wait until the files are written completely.",
    "empty_file": "Copy or download these files again.",
    "too_large_file": "Save them smaller, or raise ingest.max_bytes.",
    "not_an_image": "Remove these files from the folder, or export photos from them.",
    "unsupported_format": "Convert them to JPEG, PNG, WebP or TIFF.",
    "too_many_pixels": "If these photos are meant to be that large, raise ingest.max_pixels.",
    "too_small": "Use the larger originals, or lower ingest.min_side.",
    "truncated_image": "Copy or download these files again.",
    "broken_image": "Open and save them anew, or fetch them again.",
    "out_of_memory": "Free some memory, or use fewer workers.",
    "no_garment_found": "Look at the examples: where there is a garment, try another detector.",
    "source_missing": "Put the files back where they were, or build with --copy.",
    "source_changed": "Build again: the changed files are taken in as new photos.",
    "private_address": "If addresses in your own network are meant, set "
    "ingest.allow_private_addresses.",
    "no_photo_named": "Fill in the path or address of the photo in these rows.",
}
"""Reason -> what helps. The detail of the rows says it for reasons that are not here."""


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


def reasons(workspace: Workspace) -> list[Reason]:
    """Rejects by step and reason, most first; scans, so any number of rows is fine."""
    found: dict[tuple[str, str], Reason] = {}
    columns = ["step", "reason", "subject", "kind", "name", "detail", "retry"]
    for batch in workspace.table("rejects").scan(columns, None, _ROWS):
        for row in batch.to_pylist():
            key = row["step"], row["reason"]
            reason = found.setdefault(key, Reason(*key, detail=row["detail"]))
            reason.count += 1
            reason.retry += bool(row["retry"])
            reason.kinds[row["kind"] or "photo"] += 1
            if len(reason.examples) < _EXAMPLES:
                reason.examples.append((row["subject"], row["name"] or row["subject"]))
    return sorted(found.values(), key=lambda each: (-each.count, each.step, each.reason))


def turned_away(found: list[Reason], step: str, kind: str | None = None) -> int:
    """How many subjects a step turned away."""
    here = [reason for reason in found if reason.step == step]
    if kind is None:
        return sum(reason.count for reason in here)
    return sum(reason.kinds[kind] for reason in here)

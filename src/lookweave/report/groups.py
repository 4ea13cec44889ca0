"""Photos that belong together: the same photo twice, one product, one shoot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

_ROWS = 1 << 16
_EXAMPLES = 3
_MEMBERS = 5

MEANING: dict[str, str] = {
    "same_photo": "The same photo in other bytes: another size, crop or compression.",
    "same_product": "Photos of one product.",
    "same_shoot": "Photos of one shoot.",
}


@dataclass(frozen=True)
class Groups:
    """The groups that were made for one reason.

    Attributes:
        photos: photos that are in a group.
        largest: photos in the largest.
        examples: members (kind, id) of some groups, the largest first.
    """

    how: str
    count: int
    photos: int
    largest: int
    examples: list[list[tuple[str, str]]]

    @property
    def title(self) -> str:
        """``same_photo`` as a person writes it."""
        return self.how.replace("_", " ").capitalize()

    @property
    def meaning(self) -> str:
        """What ties these photos together."""
        return MEANING.get(self.how, "")


def groups(workspace: Workspace) -> list[Groups]:
    """Groups by how they were found."""
    table = workspace.table("groups")
    sizes: dict[str, Counter[str]] = {}
    for batch in table.scan(["group", "how"], None, _ROWS):
        for pair in batch.group_by(["how", "group"]).aggregate([([], "count_all")]).to_pylist():
            sizes.setdefault(pair["how"], Counter())[pair["group"]] += pair["count_all"]
    found: list[Groups] = []
    for how, counts in sorted(sizes.items()):
        largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        examples = []
        for group, _ in largest[:_EXAMPLES]:
            rows = table.read(["kind", "subject"], matching(group=group, how=how)).to_pylist()
            rows.sort(key=lambda row: row["subject"])
            examples.append([(row["kind"], row["subject"]) for row in rows[:_MEMBERS]])
        found.append(Groups(how, len(counts), sum(counts.values()), largest[0][1], examples))
    return found

"""Photos of a workspace for the studio: found by name, refused where they may not be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lookweave.errors import InputError
from lookweave.publish.options import Options
from lookweave.publish.plan import why_unusable
from lookweave.sources import is_address
from lookweave.store.conditions import column
from lookweave.store.products import garments_of_sku, products_of
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import sold_as


@dataclass(frozen=True)
class Worn:
    """A product photo of a workspace that may be used.

    Attributes:
        id: of the photo.
        photo: where its bytes are.
        words: the title of its article, if there is one.
        category: of the taxonomy, where the catalogue's category or title names one.
        note: what a person must know before using pictures of it; "" for most.
    """

    id: str
    photo: str
    words: str
    category: str | None
    note: str = ""


def garment_named(workspace: Workspace, name: str, options: Options | None = None) -> Worn:
    """The product photo that an id, a sku, a file name or a path means.

    Of an article with several photos the first that shows the garment alone is taken.

    Raises:
        InputError: there is none, a file name means several, or it may not be used: taken down,
            forbidden by its rights, or listed no more. The reason stands in the error.
    """
    found = _photos(workspace, name)
    problems = why_unusable(workspace, "garment", found, options or Options())
    able = [one for one in found if one not in problems]
    if not able:
        reason, detail = problems[found[0]]
        raise InputError(f"No picture may be made of the garment {name} ({reason}). {detail}")
    row = workspace.table("garments").rows_by("id", able[:1]).to_pylist()[0]
    photo = _here(workspace, row, f"garment {name}", "shoot")
    category = sold_as(row["category"] or "", row["title"] or "")
    skipped = len(found) - len(able)
    note = f"{skipped} photos of {name} may not be used" if skipped else ""
    return Worn(row["id"], photo, row["title"] or "", category, note)


def _photos(workspace: Workspace, name: str) -> list[str]:
    """Ids of the garments that a name means, the one to take first."""
    if of_article := garments_of_sku(workspace, name):
        return _alone_first(workspace, of_article, name)
    if found := _by_name(workspace, "garments", name):
        return found
    looks = workspace.table("looks").values("id", column("id").equals(name))
    hint = " It is a look: only product photos can be fitted." if looks else ""
    raise InputError(
        f"{workspace.path} has no garment {name}.{hint} Name a garment's id, path or file "
        "name, or an article's number."
    )


def look_named(workspace: Workspace, name: str, options: Options | None = None) -> str:
    """Where the bytes of the look are that an id, a file name or a path means.

    Raises:
        InputError: there is none, a file name means several, or it may not be used: taken down,
            forbidden by its rights, or listed no more. The reason stands in the error.
    """
    found = _by_name(workspace, "looks", name)
    if not found:
        raise InputError(
            f"{workspace.path} has no look {name}. Name a look's id, path or file name."
        )
    if wrong := why_unusable(workspace, "look", found[:1], options or Options()):
        reason, detail = wrong[found[0]]
        raise InputError(f"The look {name} may not be used ({reason}). {detail}")
    row = workspace.table("looks").rows_by("id", found[:1]).to_pylist()[0]
    return _here(workspace, row, f"look {name}", "board")


def _here(workspace: Workspace, row: dict[str, Any], what: str, user: str) -> str:
    """Where the photo's bytes lie on this machine."""
    photo = workspace.photo_path(row["id"], row["path"])
    if is_address(photo):
        raise InputError(
            f"The {what} lies at {photo}, and a {user} needs its bytes here: build the workspace "
            "with --copy."
        )
    return photo


def _by_name(workspace: Workspace, noun: str, name: str) -> list[str]:
    """Ids of the photos that an id, a path or a file name means."""
    table = workspace.table(noun)
    for field in ("id", "path", "name"):
        if found := sorted(table.values("id", column(field).equals(name))):
            return found
    last = [
        row["id"]
        for batch in table.scan(["id", "name"])
        for row in batch.to_pylist()
        if row["name"].replace("\\", "/").rpartition("/")[2] == name
    ]
    if len(last) > 1:
        raise InputError(f"{name} may be one of {len(last)} {noun}: name its id or its path.")
    return last


def _alone_first(workspace: Workspace, garments: list[str], sku: str) -> list[str]:
    """Photos of the garment alone first, in the catalogue's order; those on a person last."""
    place = {}
    for garment, products in products_of(workspace, garments).items():
        own = next((one for one in products if (one.sku or "") == sku), products[0])
        place[garment] = (own.role in ("worn", "swatch"), own.role != "main", own.position or 0)
    return sorted(garments, key=lambda one: (place.get(one, (False, False, 0)), one))

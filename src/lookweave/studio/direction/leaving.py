"""A spread as it leaves the house: one web page with its pictures inside, and a ZIP of everything.

The pictures are copied byte for byte, so that their own labels go with them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from lookweave.studio.direction import page
from lookweave.studio.direction.record import write_text
from lookweave.studio.direction.shotlist import Made
from lookweave.studio.shoot import label
from lookweave.studio.shoot.record import Shoot

PAGE, BUNDLE = "spread.html", "spread.zip"
_DAY = (1980, 1, 1, 0, 0, 0)  # equal spreads give equal files


def write_page(
    made: Made, shown: Sequence[int], path: Path, *, heading: str, credit: str, sentence: str,
    told: label.Label,
) -> None:  # fmt: skip
    """One HTML file; `sentence` and `told` tell people and programs how the pictures were made."""
    pictures: list[dict[str, Any]] = []
    for number in shown:
        file = made.path(number - 1)
        shot = made.shots.shots[number - 1]
        with Image.open(file) as image:
            width, height = image.size
        pictures.append({
            "path": file, "role": shot.role, "alt": _alt(shot.role, shot.shoot), "width": width,
            "height": height, "label": label.read(file),
        })  # fmt: skip
    data = {
        "@context": "https://schema.org", "@type": "CreativeWork", "name": heading,
        "creditText": credit, "digitalSourceType": label.VOCABULARY + told.source_type,
        "hasPart": [
            {"@type": "ImageObject", "name": one["alt"],
             "digitalSourceType": label.VOCABULARY + one["label"].source_type}
            for one in pictures
        ],
    }  # fmt: skip
    write_text(path, page.render(
        "spread.html", heading=heading, narrative=made.shots.concept.narrative, pictures=pictures,
        credit=credit, sentence=sentence, data=data,
    ))  # fmt: skip


def _alt(role: str, shoot: Shoot) -> str:
    worn = " and ".join(one.words or one.category or "the garment" for one in shoot.garments)
    does = shoot.pose.name or "a pose of its own"
    return f"{role}: {worn}, {does}, {shoot.scene.name or 'a photographed place'}"


def write_bundle(
    made: Made, shown: Sequence[int], files: Sequence[Path], score: Mapping[str, Any], path: Path
) -> None:
    """A ZIP of `files`, the pictures and a recipe of each, without paths of this machine."""
    partial = path.with_name(f".{path.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:

        def put(name: str, content: bytes) -> None:
            entry = zipfile.ZipInfo(name, _DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, content)

        for file in files:
            put(file.name, file.read_bytes())
        put("spread.json", (json.dumps(score, indent=1) + "\n").encode())
        for place, number in enumerate(shown, 1):
            shot, picture = made.shots.shots[number - 1], made.pictures[number - 1]
            assert picture is not None
            name = f"{place:02d}-{shot.role.replace(' ', '-')}"
            put(f"pictures/{name}.jpg", made.path(number - 1).read_bytes())
            put(f"recipes/{name}.toml", _recipe(picture.shoot).encode())
    partial.replace(path)


def _recipe(shoot: Shoot) -> str:
    """The picture's shoot, every value stated; of files only the names, for they stay here."""
    named = _without_folders(shoot.model_dump(mode="json"))
    return (
        f"# Digest of the shoot as it was made: {shoot.digest()}\n"
        "# Files are named without their folders: put them beside this file, then\n"
        "# lookweave shoot --recipe THIS --out DIR\n" + Shoot.checked(named).to_toml()
    )


_FILES = ("photo", "mask", "back", "plate", "lut")


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: Path(one).name if key in _FILES and isinstance(one, str) else
            [Path(each).name for each in one] if key == "references" else _without_folders(one)
            for key, one in value.items()
        }  # fmt: skip
    return [_without_folders(one) for one in value] if isinstance(value, list) else value

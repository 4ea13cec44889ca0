"""The words that a vision-language model is asked with: files, one folder a version.

A row's key holds the version and a digest of the text, so a changed prompt makes new rows and
asks for new answers, and an unchanged one never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from lookweave.errors import ConfigError
from lookweave.records import fingerprint
from lookweave.taxonomy import ATTRIBUTES

FILES = ("garment", "scene", "ask", "ask_scene", "hint", "repair")


@dataclass(frozen=True)
class Prompts:
    """The prompts of one version.

    Attributes:
        version: the version's name and a digest of its text, such as ``v1-8c1f0a52``.
        garment: what the model is told before it sees a garment, the taxonomy filled in.
        scene: what it is told before it sees a whole photograph.
    """

    version: str
    garment: str
    scene: str
    ask_scene: str
    _ask: str
    _hint: str
    _repair: str

    def ask(self, label: str | None) -> str:
        """The question that goes with a garment's image; `label`: the detector's opinion."""
        return self._ask.replace("{hint}", self._hint.replace("{label}", label) if label else "")

    def repair(self, problems: list[str]) -> str:
        """What follows an answer that could not be used."""
        return self._repair.replace("{problems}", "\n".join(f"- {line}" for line in problems))


def load(name: str) -> Prompts:
    """The prompts of a shipped version, or of a folder with the same files.

    Raises:
        ConfigError: there is no such version or folder, or a file is missing in it.
    """
    shipped = Path(str(resources.files(__package__) / "prompts"))
    folder = Path(name) if "/" in name or Path(name).is_dir() else shipped / name
    missing = [file for file in FILES if not (folder / f"{file}.md").is_file()]
    if missing:
        known = ", ".join(sorted(path.name for path in shipped.iterdir() if path.is_dir()))
        raise ConfigError(
            f"vlm.prompt: {name!r} lacks {', '.join(f'{file}.md' for file in missing)}. "
            f"Shipped versions: {known}; or name a folder that holds these files."
        )
    text = {file: (folder / f"{file}.md").read_text(encoding="utf-8").strip("\n") for file in FILES}
    garment = text["garment"]
    for attribute, values in ATTRIBUTES.items():
        garment = garment.replace(f"{{{attribute}}}", ", ".join(values))
    digest = fingerprint(*(text[file] for file in FILES), garment)
    return Prompts(
        version=f"{folder.name}-{digest[:8]}",
        garment=garment,
        scene=text["scene"],
        ask_scene=text["ask_scene"],
        _ask=text["ask"],
        _hint=text["hint"],
        _repair=text["repair"],
    )

"""Where the files of a model are: a path, the models folder, the hub's cache, the hub."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from lookweave.errors import HubUnreachable, InputError, ModelError
from lookweave.models.card import Card
from lookweave.models.hub.files import KEPT, content_fingerprint, weight_files

_CONFIGS = ("config.json", "open_clip_config.json", "model.onnx")
_OF_CHATS = ("generation_config.json", "chat_template*", "video_preprocessor_config.json")

FETCHED = "lookweave-fetched.json"
"""Beside weights that `fetch` brought: their repository and commit, and the fingerprint of the
files, which tells whether they are still those."""


def repository_of(card: Card) -> str:
    """Repository, with the revision where the card names one: ``OWNER/NAME[@REVISION]``."""
    return card.source.removeprefix("hub:")


def split_source(source: str) -> tuple[str, str]:
    """``hub:OWNER/NAME@REVISION`` -> repository and revision (``main`` when not given)."""
    repository, _, revision = source.removeprefix("hub:").partition("@")
    return repository, revision or "main"


def folder_of(card: Card, models_dir: Path) -> Path:
    """Where a fetched model lies in a models folder."""
    return models_dir / split_source(card.source)[0].replace("/", "--")


def locate(card: Card, models_dir: Path | None = None) -> Path:
    """The folder (or ONNX file) with the card's weights, fetched when they are not here.

    Raises:
        HubUnreachable: they are neither here nor to be had.
        ModelError: a path holds no model, the hub refuses, or what lies in the models folder is
            not at the card's commit.
    """
    if not card.on_hub and (card.weights is None or not card.weights.exists()):
        raise ModelError(f"The model {card.name} is gone from {card.weights}.")
    here = _here(card, models_dir)
    if here is None and (reason := _package_missing(card)):
        raise ModelError(f"The model {card.name} cannot be used here: {reason}.")
    return here if here is not None else _download(card, models_dir)


def fetch_and_pin(card: Card, models_dir: Path | None = None) -> Card:
    """The card of a hub's model, pinned to weights that are here: fetched now if they were not.

    Raises:
        HubUnreachable, ModelError: see `locate`.
    """
    locate(card, models_dir)
    return pin(card, models_dir, card.commit)


def pin(card: Card, models_dir: Path | None = None, commit: str = "") -> Card:
    """The card of a hub's model with the commit that its weights are at, and with their folder.

    A branch moves on, and its rows would be taken for those of the weights that it named before:
    the commit is in the key. Nothing is fetched; where no weights are here and no commit is known,
    the card comes back as it is.

    Args:
        commit: use these weights and no others: the commit of an earlier build, or of a setting.
    """
    card = replace(card, commit=commit)
    here = _here(card, models_dir)
    if here is None:
        return card
    return replace(card, commit=commit or commit_of(here), weights=here)


def _remove_of_earlier_fetch(folder: Path, files: list[str]) -> None:
    """Remove what an earlier fetch brought here and the commit of this one has no more, such as
    shards: a loader might take them for weights of this commit. Nothing else is removed."""
    for name in set(_known_of(folder).get("files", [])) - set(files):
        if "/" not in name:
            (folder / name).unlink(missing_ok=True)


def _known_of(folder: Path) -> dict[str, Any]:
    """What `fetch` noted of a folder; empty where it did not bring it."""
    try:
        known = json.loads((folder / FETCHED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # brought by hand, or by an earlier version
    return known if isinstance(known, dict) else {}


def commit_of(folder: Path) -> str:
    """The commit of the repository that a folder's files are from, 40 hex digits, or, for files
    of unknown origin, ``files-`` and the fingerprint of what they hold.

    Raises:
        ModelError: a file cannot be read.
    """
    if folder.parent.name == "snapshots":  # the hub's cache: one folder for each commit
        return folder.name
    held = content_fingerprint(folder)
    known = _known_of(folder)
    return str(known["commit"]) if known.get("fingerprint") == held else f"files-{held}"


def missing(card: Card, models_dir: Path | None = None) -> str | None:
    """Why the model cannot be loaded right now without a network, as a sentence; None when it
    can."""
    if card.on_hub and _here(card, models_dir) is None:
        return (
            f"its weights are not on this machine; they are fetched when it is first used, "
            f"or by `lookweave models fetch {card.name} --to DIR`"
        )
    folder = locate(card, models_dir)
    if folder.is_dir() and any(folder.glob("*.onnx")) and not weight_files(folder):
        return None
    return _package_missing(card)


def _package_missing(card: Card) -> str | None:
    for module in card.needs:
        if importlib.util.find_spec(module) is None:
            extra = "openclip" if module == "open_clip" else "hub"
            return (
                f"the Python package {module} is not installed (pip install 'lookweave[{extra}]')"
            )
    return None


def fetch(card: Card, to: Path) -> Path:
    """Bring a model's files into a models folder, for a machine without a network.

    Only what is needed is fetched: configuration, processor, tokenizer, one set of weights.

    Args:
        card: of a model whose weights, or whose encoder's, come from the hub.
        to: the models folder; give it to the other machine as ``--models-dir``.

    Returns:
        The model's folder inside `to`.

    Raises:
        UnknownModel: there is no such card.
        InputError: the card's weights do not come from a hub.
        HubUnreachable: the hub cannot be reached from here.
        ModelError: the hub has no such model, or wants a login for it.
    """
    name = card.name
    card = card.made_of or card
    if not card.on_hub:
        raise InputError(
            f"The weights of {name} come from {card.source}, not from the hub: nothing to fetch."
        )
    to.mkdir(parents=True, exist_ok=True)
    return _download(card, to)


def wanted_files(files: list[str], card: Card) -> list[str]:
    """Of a repository's files, those that the card's loader reads.

    Raises:
        ModelError: the repository holds no weights in a form that is read here.
    """
    top = [name for name in files if "/" not in name]
    wanted = (*KEPT, *_OF_CHATS) if card.task == "describer" else KEPT
    configs = [name for name in top if any(fnmatch.fnmatch(name, want) for want in wanted)]
    open_clip = card.settings.get("format") == "open_clip"
    if open_clip:
        configs = [name for name in configs if name != "config.json"]
        patterns = ["open_clip_model*.safetensors", "open_clip_pytorch_model*.bin"]
    else:
        configs = [name for name in configs if name != "open_clip_config.json"]
        patterns = [r"model*.safetensors", "pytorch_model*.bin"]
    for pattern in patterns:
        if weights := fnmatch.filter(top, pattern):
            whole = [name for name in weights if re.fullmatch(r".*model\.\w+", name)]
            chosen = whole or weights
            index = [name for name in top if name.endswith(".index.json") and not whole]
            return sorted({*configs, *chosen, *index})
    raise ModelError(
        f"The repository of {card.name} holds no weights in a form that is read here "
        f"({' or '.join(patterns)})."
    )


def _here(card: Card, models_dir: Path | None) -> Path | None:
    """The folder where the card's files already lie, or None."""
    if card.weights is not None and card.weights.exists():
        return card.weights
    if models_dir is not None:
        folder = folder_of(card, models_dir)
        if _complete(folder) and (not card.commit or commit_of(folder) == card.commit):
            return folder
    from huggingface_hub import try_to_load_from_cache

    repository, revision = split_source(card.source)
    for config in _CONFIGS[:2]:
        found = try_to_load_from_cache(repository, config, revision=card.commit or revision)
        if isinstance(found, str) and _complete(Path(found).parent):
            return Path(found).parent
    return None


def _complete(folder: Path) -> bool:
    """A download that broke off leaves configurations without weights, or part of the weights."""
    if not any((folder / name).exists() for name in _CONFIGS):
        return False
    for index in folder.glob("*.index.json"):
        parts = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if not all((folder / part).exists() for part in parts):
            return False
    return bool(weight_files(folder)) or any(folder.glob("*.onnx"))


def _download(card: Card, models_dir: Path | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    repository, revision = split_source(card.source)
    local = None if models_dir is None else folder_of(card, models_dir)
    if local is not None and _complete(local) and card.commit not in ("", commit_of(local)):
        raise ModelError(
            f"{local} holds the weights of {repository} at {commit_of(local)[:14]}, and this work "
            f"was begun with {card.commit[:14]}. Say --models-dir for a folder with those, or none "
            "to have them fetched to the hub's cache."
        )
    if card.commit.startswith("files-"):
        raise ModelError(
            f"The weights of {card.name} that this work was begun with ({card.commit}) came from a "
            "folder and from no commit of the hub: bring that folder and name its parent with "
            "--models-dir."
        )
    try:
        about = HfApi().model_info(repository, revision=card.commit or revision)
        files = [sibling.rfilename for sibling in about.siblings or []]
        found = snapshot_download(
            # The hub's cache notes what a branch stands for when it is asked by the branch's name.
            repository, revision=(card.commit or revision) if local is None else about.sha,
            allow_patterns=wanted_files(files, card), local_dir=local,
        )  # fmt: skip
        if local is not None:
            _remove_of_earlier_fetch(local, wanted_files(files, card))
            known = {"repository": repository, "commit": about.sha,
                     "files": wanted_files(files, card),
                     "fingerprint": content_fingerprint(local)}  # fmt: skip
            (local / FETCHED).write_text(json.dumps(known, indent=1), "utf-8")
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise ModelError(
            f"The hub does not give out {repository} ({_short(error)}). It may have moved, or "
            "want a login: huggingface-cli login."
        ) from error
    except ModelError:
        raise
    except Exception as error:  # clients of HTTP raise classes of many packages
        bring = (
            f"on a machine with a network run `lookweave models fetch {card.name} --to DIR`, bring "
            "DIR here and say --models-dir DIR"
            if card.name != "vlm-local"
            else "bring its folder here and set vlm.model to it, or models_dir to its parent"
        )
        raise HubUnreachable(
            f"The weights of {card.name} ({repository}) are not on this machine, and the hub "
            f"cannot be reached ({_short(error)}). Two ways out: {bring}; or use the models that "
            "ship inside the package: --models embedded."
        ) from error
    return Path(found)


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__

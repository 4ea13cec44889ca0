"""The files of a model folder: which of them are read, and what they hold."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import mmap
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lookweave.errors import ModelError

logger = logging.getLogger(__name__)

WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "open_clip_pytorch_model.bin")
KEPT = (
    "config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json",
    "labels.json", "lookweave.json", "tokenizer*", "special_tokens_map.json",
    "added_tokens.json", "vocab*", "merges.txt", "spiece.model", "*.spm",
)  # fmt: skip
"""What a folder of ONNX files needs besides, to be a model folder of its own."""
_WEIGHTS_OF_ANY_KIND = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.onnx",
                        "*.index.json")  # fmt: skip

_SMALL = 1 << 20
"""Files of fewer bytes are read again each time: that is as quick as to look them up."""
_SETTLED_NS = 2_000_000_000
"""A file that was written this short a time ago may be written again within one tick of its file
system's clock, so that its times would not tell: what it holds is not remembered yet."""
_MOST_RECORDS = 1000


def cache_dir() -> Path:
    """Where models, and what is known of their files, go when nobody says where: the user's
    cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lookweave" / "models"


def weight_files(folder: Path) -> list[Path]:
    """The files with weights, in a fixed order; safetensors where there are any."""
    for pattern in WEIGHTS:
        if found := sorted(folder.glob(pattern)):
            return found
    return []


def content_fingerprint(path: Path) -> str:
    """What a model folder or ONNX file holds, as 16 hex digits; no matter where it lies.

    The SHA-256 of every byte of the configurations, tokenizers and weights, of an ONNX file's
    external data and of the ``labels.json`` beside it. What large files hold is remembered in the
    user's cache until they change, so that gigabytes are read once.

    Raises:
        ModelError: a file cannot be read, or is being written.
    """
    if path.is_file():
        labels = path.with_name("labels.json")
        return fingerprint_of([path, *([labels] if labels.is_file() else [])], path)
    patterns = (*_WEIGHTS_OF_ANY_KIND, *KEPT)
    return fingerprint_of([file for pattern in patterns for file in path.glob(pattern)], path)


def whole_fingerprint(path: Path) -> str:
    """As `content_fingerprint`, of a file or of all files in a folder and below: for a model whose
    loader may read any of them.

    Raises:
        ModelError: a file cannot be read, or is being written.
    """
    return fingerprint_of([path] if path.is_file() else path.rglob("*"), path)


def fingerprint_of(files: Iterable[Path], model: Path) -> str:
    """The fingerprint of these files, by their places in a model's folder and by what they hold.

    Args:
        model: the folder, or the one file whose own name does not count.

    Raises:
        ModelError: a file cannot be read, or is being written.
    """
    folder = model if model.is_dir() else model.parent
    waiting = [file for file in files if file.is_file()]
    contents: dict[str, _Content] = {}
    while waiting:
        file = waiting.pop()
        place = "" if file == model else os.path.relpath(file, folder)
        if place not in contents:
            contents[place] = content = _content_of(file)
            beside = (file.parent / name for name in content.external)
            waiting += [other for other in beside if other.is_file()]
    digest = hashlib.sha256()
    for place, content in sorted(contents.items()):
        digest.update(f"{place}\0{content.sha256}\0".encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _State:
    """A file as the system describes it: unchanged while this is. `changed` is set by the system
    alone, so a copy that keeps the time of its original is noticed."""

    path: str
    size: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, file: Path) -> _State:
        found = file.stat()
        return cls(
            str(file.resolve()), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
        )


@dataclass(frozen=True)
class _Content:
    """What a file holds: its SHA-256, and the files that an ONNX file keeps its weights in."""

    sha256: str
    external: tuple[str, ...] = ()


def _content_of(file: Path) -> _Content:
    try:
        state = _State.of(file)
        settled = time.time_ns() - max(state.modified, state.changed) > _SETTLED_NS
        remember = state.size >= _SMALL and settled
        content = _content_from_cache(state) if remember else _read(state)
        now = _State.of(file)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror or error}.") from error
    if (now.size, now.modified) != (state.size, state.modified):
        raise ModelError(f"{file} is being written. Call this again once it is whole.")
    return content


@functools.lru_cache(maxsize=256)
def _content_from_cache(state: _State) -> _Content:
    """What a file holds, by the user's cache if it was read before."""
    name = hashlib.sha256(state.path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    record = cache_dir() / "fingerprints" / f"{name}.json"
    try:
        known = json.loads(record.read_text("utf-8"))
        if known["state"] == asdict(state):
            return _Content(known["sha256"], tuple(known["external"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there yet, or broken: it is written anew
    logger.info("Reading %s (%d MB) for its fingerprint; this is done once.", state.path,
                state.size // 1_000_000)  # fmt: skip
    content = _read(state)
    part = record.with_suffix(f".{os.getpid()}.part")
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"state": asdict(state), **asdict(content)}), "utf-8")
        part.replace(record)
        for old in sorted(record.parent.glob("*.json"), key=_age)[_MOST_RECORDS:]:
            old.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        logger.info("The fingerprint of %s is not remembered: %s.", state.path, error)
    return content


def _age(record: Path) -> int:
    return -record.stat().st_mtime_ns if record.exists() else 0


def _read(state: _State) -> _Content:
    with Path(state.path).open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if not state.path.endswith(".onnx") or not state.size:
            return _Content(digest)
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Content(digest, _external_files(content))


def _external_files(content: mmap.mmap) -> tuple[str, ...]:
    """Names of the files that an ONNX file says its tensors lie in (onnx.proto,
    ``TensorProto.external_data``: an entry with the key "location" and a relative path)."""
    key = b"\x0a\x08location\x12"
    found: set[str] = set()
    place = content.find(key)
    while place >= 0:
        start = place + len(key)
        length, start = content[start], start + 1
        if length > 127:  # in two bytes, seven bits in each
            length, start = (length & 127) | content[start] << 7, start + 1
        found.add(content[start : start + length].decode("utf-8", "surrogateescape"))
        place = content.find(key, start)
    return tuple(sorted(found))

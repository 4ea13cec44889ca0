"""Texts as token ids, by the tokenizer that the model was trained with."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.models.hub.graphs import Architecture, Config

logger = logging.getLogger(__name__)

Tokens = dict[str, NDArray[np.int64]]
Tokenize = Callable[[list[str]], Tokens]


def tokenizer_in(folder: Path, config: Config, kind: Architecture) -> Tokenize:
    """A function from texts to ids and attention mask, int64 (texts, length), padded to the
    length that the model was trained with.

    Raises:
        ModelError: the tokenizer's package or files are missing.
    """
    length = kind.text_length(config) if kind.text_length else None
    if kind.model_type == "open_clip":
        return _open_clip(folder, config, length or 77)
    tokenizer = reference_tokenizer(folder)

    def tokenize(texts: list[str]) -> Tokens:
        # SigLIP was trained on lower case; its second version's tokenizer does not see to it.
        words = [text.lower() for text in texts] if kind.model_type == "siglip" else texts
        return _pad(tokenizer, words, length)

    return tokenize


def reference_tokenizer(folder: Path) -> Any:
    """The tokenizer of transformers, from the folder's files. It needs no torch.

    Raises:
        ModelError: transformers is not installed, or the folder lacks the tokenizer's files.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise ModelError(
            f"Texts for {folder} need the package transformers (torch is not needed for it): "
            "pip install 'lookweave[hub]'."
        ) from error
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, ImportError, TypeError) as error:
        raise ModelError(f"The tokenizer in {folder} cannot be loaded: {error}.") from error


def _pad(tokenizer: Any, texts: list[str], length: int | None) -> Tokens:
    given = tokenizer(
        texts, padding="max_length" if length else True, max_length=length, truncation=True,
        return_tensors="np", return_attention_mask=True,
    )  # fmt: skip
    return {name: np.asarray(values, np.int64) for name, values in given.items()}


def _open_clip(folder: Path, config: Config, length: int) -> Tokenize:
    text = config["model_cfg"]["text_cfg"]
    if "hf_tokenizer_name" in text:
        # As open_clip's HFTokenizer does it, without importing open_clip and so torch.
        tokenizer = reference_tokenizer(folder)
        clean = (text.get("tokenizer_kwargs") or {}).get("clean", "whitespace")
        return lambda texts: _pad(tokenizer, [_clean(one, clean) for one in texts], length)
    try:
        import open_clip
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"Texts for {folder} need the packages open_clip_torch and torchvision ({error})."
        ) from error
    name = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))
    tokenizer = open_clip.SimpleTokenizer(
        context_length=length, **(name["model_cfg"]["text_cfg"].get("tokenizer_kwargs") or {})
    )
    return lambda texts: {"input_ids": tokenizer(texts).numpy().astype(np.int64)}


def _clean(text: str, how: str) -> str:
    """open_clip/tokenizer.py's cleaning of texts: whitespace, lower, canonicalize."""
    import html
    import string

    try:
        import ftfy

        text = ftfy.fix_text(text)
    except ImportError:  # it mends wrongly decoded text only
        logger.debug("ftfy is not installed: texts are taken as they are.")
    text = " ".join(html.unescape(html.unescape(text)).split())
    if how == "lower":
        return text.lower()
    if how == "canonicalize":
        text = text.replace("_", " ").translate(str.maketrans("", "", string.punctuation))
        return " ".join(text.lower().split())
    return text

"""The shape of an answer: pydantic models made from the taxonomy, and their JSON schema.

The schema is what servers that support strict structured output (OpenAI, vLLM, SGLang, Ollama)
hold a model to; the same models check the answer again here, because not every server does.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model

from lookweave.taxonomy import ATTRIBUTES

REQUIRED = ("category", "colours", "caption")
"""Fields that a garment's answer must have; the others may be null."""

LISTS: dict[str, str] = {"could_also_be": "category", "colours": "colours"}
"""Fields that hold a list of words, and the attribute that the words belong to."""

WORDS: dict[str, str] = {
    name: name for name in ("category", "pattern", "material", "sleeve", "length", "neckline")
}
"""Fields that hold one word, and its attribute."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SceneAnswer(_Answer):
    """What a model says of a whole photograph; null where it cannot tell."""

    scene: str | None
    light: str | None
    pose: str | None
    mood: str | None


def _one_of(attribute: str) -> Any:
    return Literal[ATTRIBUTES[attribute]]


def _list_of(attribute: str) -> Any:
    return GenericAlias(list, (_one_of(attribute),))


_FIELDS: dict[str, Any] = {
    "category": (_one_of("category"), ...),
    "could_also_be": (_list_of("category"), ...),
    "colours": (_list_of("colours"), ...),
    "pattern": (_one_of("pattern") | None, ...),
    "material": (_one_of("material") | None, ...),
    "sleeve": (_one_of("sleeve") | None, ...),
    "length": (_one_of("length") | None, ...),
    "neckline": (_one_of("neckline") | None, ...),
    "caption": (str, ...),
}
GarmentAnswer: type[_Answer] = create_model("GarmentAnswer", __base__=_Answer, **_FIELDS)
"""What a model says of one garment, in the taxonomy's words."""


def json_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of `answer` in the subset that strict structured output takes.

    Every property is required, none may be added, and nothing is said of lengths: servers
    differ in what else they accept.
    """
    schema: dict[str, Any] = _without_titles(answer.model_json_schema())
    schema.pop("description", None)
    return schema


def _without_titles(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: _without_titles(value)
            for name, value in node.items()
            if not (name == "title" and isinstance(value, str))
        }
    return [_without_titles(item) for item in node] if isinstance(node, list) else node

"""From the text that a model answered to a description, or to what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from pydantic import ValidationError

from lookweave.errors import Rejected
from lookweave.models.protocols import Description, Vectors
from lookweave.models.vlm.language import is_english, is_nothing, taxonomy_word
from lookweave.models.vlm.schema import LISTS, REQUIRED, WORDS, GarmentAnswer, SceneAnswer
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES

_CAPTION_LENGTH = 400
_PHRASE_LENGTH = 80
_MOST_ALTERNATIVES = 2

# A word said carries no probability, and the soft filter by category needs one. The said word
# gets what is left after its alternatives and a remainder spread by the detector's opinion, so
# that a second choice stays above the categories that nobody named.
_ALTERNATIVE_SHARES = (0.12, 0.06)
_REMAINDER = 0.04
_COLOUR_SHARES = {1: (1.0,), 2: (0.7, 0.3), 3: (0.5, 0.28, 0.22)}

_REFUSAL = re.compile(
    r"\b(i'?m sorry|i am sorry|i apologi[sz]e|i can(?:'|no)t|i can not|i'?m (?:not able|unable)|"
    r"as an ai)\b",
    re.IGNORECASE,
)


class UnreadableError(Exception):
    """An answer that cannot be used.

    Attributes:
        reason: the slug of the reject that it becomes when the repair fails too.
        problems: one sentence each, written for the model that is to repair it.
    """

    def __init__(self, reason: str, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.reason = reason
        self.problems = problems

    def rejected(self, said: str) -> Rejected:
        """The reject of an answer whose repair failed. The same model would say the same."""
        shown = " ".join(said.split())[:160] or "nothing"
        return Rejected(self.reason, f"{' '.join(self.problems)} The model answered: {shown}")


def garment(text: str, label_scores: Vectors | None = None, *, final: bool = False) -> Description:
    """Read what a model says of a garment.

    Args:
        text: the model's answer.
        label_scores: the detector's opinion over `CATEGORIES`, or None; it orders the
            categories that the model does not name.
        final: the repair is behind us: unknown words of single attributes and a caption in
            another language are left out, rather than the whole answer refused.

    Raises:
        UnreadableError: the answer is no JSON object, lacks the category, or has words that are
            neither the taxonomy's nor known synonyms.
    """
    said = _json_object(text)
    problems: list[str] = []
    answer: dict[str, Any] = dict.fromkeys(GarmentAnswer.model_fields)
    for name, attribute in WORDS.items():
        found = _words(name, attribute, said.get(name), problems)
        answer[name] = found[0] if found else None
    for name, attribute in LISTS.items():
        answer[name] = _words(name, attribute, said.get(name), problems)
    answer["caption"] = _sentence(said.get("caption"), _CAPTION_LENGTH)
    if answer["caption"] and not is_english(answer["caption"]):
        problems.append('"caption" must be in English.')
        answer["caption"] = None
    missing = [name for name in REQUIRED if not answer[name]]
    mentioned = " ".join(problems)
    problems += [f'"{name}" is missing.' for name in missing if f'"{name}"' not in mentioned]
    if answer["category"] is None or (problems and not final):
        unknown = any(said.get(name) for name in missing) or not missing
        raise UnreadableError("unknown_words" if unknown else "wrong_schema", problems)
    return _description(answer, label_scores)


def scene(text: str, *, final: bool = False) -> dict[str, str | None]:
    """Read what a model says of a whole photograph: scene, light, pose and mood.

    Raises:
        UnreadableError: the answer is no JSON object or has none of the four.
    """
    said = _json_object(text)
    phrases = {name: _sentence(said.get(name), _PHRASE_LENGTH) for name in SceneAnswer.model_fields}
    foreign = [name for name, phrase in phrases.items() if phrase and not is_english(phrase)]
    if foreign and not final:
        raise UnreadableError(
            "unknown_words", [f'"{name}" must be in English.' for name in foreign]
        )
    if not any(name in said for name in phrases):
        raise UnreadableError("wrong_schema", [f'"{name}" is missing.' for name in phrases])
    try:
        kept = {name: None if name in foreign else phrase for name, phrase in phrases.items()}
        return dict(SceneAnswer(**kept))
    except ValidationError as error:
        raise UnreadableError("wrong_schema", [str(error)]) from error


def _json_object(text: str) -> dict[str, Any]:
    """The first JSON object in a text: models wrap it in prose, fences or their reasoning."""
    text = text.rpartition("</think>")[2]
    decoder = json.JSONDecoder(object_pairs_hook=_no_duplicates)
    position = text.find("{")
    while position >= 0:
        try:
            found, _ = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            position = text.find("{", position + 1)
            continue
        except RecursionError as error:
            raise UnreadableError("not_json", ["The answer is nested too deeply."]) from error
        if isinstance(found, dict) and found:
            return found
        position = text.find("{", position + 1)
    if _REFUSAL.search(text):
        raise UnreadableError("refused", ["The model declined to describe the image."])
    if "{" in text:
        raise UnreadableError("not_json", ["The answer holds no complete JSON object: be brief."])
    raise UnreadableError("not_json", ["The answer holds no JSON object."])


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise UnreadableError("wrong_schema", [f'"{name}" is said twice, with two values.'])
    return found


def _words(name: str, attribute: str, said: Any, problems: list[str]) -> list[str]:
    """The taxonomy's words in a field, each once, in the order said."""
    if isinstance(said, str):
        said = re.split(r"[,/&;|]| and ", said) if name in LISTS else [said]
    elif said is None:
        said = []
    if not isinstance(said, list) or any(not isinstance(word, str | None) for word in said):
        problems.append(f'"{name}" must be {"a list of words" if name in LISTS else "a word"}.')
        return []
    found: list[str] = []
    for word in said:
        if word is None or is_nothing(word):
            continue
        if known := taxonomy_word(attribute, word):
            found.append(known)
        else:
            choice = ", ".join(ATTRIBUTES[attribute])
            problems.append(f'"{name}": {word.strip()[:40]!r} is not one of: {choice}.')
    return list(dict.fromkeys(found))


def _sentence(said: Any, longest: int) -> str | None:
    """One line of text, control characters gone, cut at a word's end."""
    if not isinstance(said, str) or is_nothing(said):
        return None
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return line if len(line) <= longest else line[:longest].rpartition(" ")[0] or line[:longest]


def _description(answer: dict[str, Any], label_scores: Vectors | None) -> Description:
    try:
        GarmentAnswer(**{**answer, "caption": answer["caption"] or ""})
    except ValidationError as error:  # cannot be: every word came from the taxonomy
        raise UnreadableError("wrong_schema", [str(error)]) from error
    attributes: dict[str, dict[str, float]] = {
        "category": _categories(answer["category"], answer["could_also_be"], label_scores)
    }
    if colours := answer["colours"][:3]:
        attributes["colours"] = dict(zip(colours, _COLOUR_SHARES[len(colours)], strict=True))
    for name in WORDS:
        if name != "category" and answer[name]:
            attributes[name] = {answer[name]: 1.0}
    return Description(attributes=attributes, caption=answer["caption"])


def _categories(
    said: str, alternatives: list[str], label_scores: Vectors | None
) -> dict[str, float]:
    """A distribution over all categories: the said one first, its alternatives, the rest."""
    remainder = np.full(len(CATEGORIES), 1.0 / len(CATEGORIES))
    if label_scores is not None and float(label_scores.sum()) > 0:
        remainder = label_scores.astype(np.float64) / float(label_scores.sum())
    scores = dict(zip(CATEGORIES, (_REMAINDER * remainder).tolist(), strict=True))
    others = [word for word in alternatives if word != said][:_MOST_ALTERNATIVES]
    for word, share in zip(others, _ALTERNATIVE_SHARES, strict=False):
        scores[word] += share
    scores[said] += 1.0 - _REMAINDER - sum(_ALTERNATIVE_SHARES[: len(others)])
    return scores

"""Words for a photo-shoot, turned into controls.

A table of phrases, longest first. What the table does not know stays, in its order, as the prompt
for backends that read prompts; what it knows and why it was used or not is kept to be shown. A
phrase under a negation ("no grain", "not on the beach") sets nothing. Values that the shoot states
already are never overruled by words.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from lookweave.errors import InputError
from lookweave.studio.render.poses import POSES
from lookweave.studio.shoot.record import Shoot

Setting = tuple[str, dict[str, Any]]  # a control and values of its fields

_POSE = {
    "standing": "standing|stands|stand upright|stands? still",
    "contrapposto": "contrapposto|weight on one leg|relaxed stance",
    "hand on hip": "(?:a |one )?hands? on (?:the |her |his |their |one )?hips?",
    "walking": "walking|walks|mid-step|on a walk|strolling|strolls",
    "striding": "striding|strides|strutting|struts|a long step",
    "turning": "turning|turns|twirling|twirls",
    "over the shoulder": "(?:looking |looks )?over (?:the|her|his|their|one) shoulder|"
                         "from the back",
    "sitting": "sitting|sits|seated",
    "sitting aside": "sitting (?:sideways|aside)|sits (?:sideways|aside)",
    "dancing": "dancing|dances",
    "arms up": "arms (?:up|raised|in the air)|raised arms",
    "leaning": "leaning(?: (?:back|against (?:a|the) wall))?|leans(?: against (?:a|the) wall)?",
    "hands in pockets": "hands? in (?:the |her |his |their )?pockets?",
    "adjusting collar": "adjust(?:ing|s) (?:the |her |his |their )?collar",
    "hand in hair": "(?:a |one )?hands? in (?:the |her |his |their )?hair",
    "crossed arms": "(?:with )?(?:crossed|folded) arms|arms (?:crossed|folded)",
    "crossed legs": "(?:with )?crossed legs|legs crossed",
    "jumping": "jumping|jumps|mid-air|leaping|leaps",
}  # fmt: skip

_SCENE = {
    "studio": "(?:in )?(?:a |the )?(?:white |grey |gray |plain )?studio|(?:on )?(?:white|"
              "grey|gray) (?:paper|background|backdrop)|seamless",
    "coloured studio": "(?:in )?(?:a |the )?colou?r(?:ed|ful) studio|(?:on )?colou?red "
                       "(?:paper|background|backdrop)",
    "street": "(?:(?:in|on) )?(?:a |the )?(?:city )?streets?|(?:in )?(?:a |the )?city|"
              "street ?style|(?:in )?(?:a |the )?(?:old )?town|urban",
    "interior": "indoors|(?:in )?(?:a |the )?(?:living ?room|interior|apartment|flat|hotel room|"
                "room)|at home",
    "beach": "(?:on|at) (?:a |the )?beach|(?:by|at) the sea(?:side)?|on the (?:sand|shore|coast)|"
             "seaside|beach",
    "night": "(?:at |by )night|in the dark|neon(?: lights?)?|after dark|night-?time",
    "runway": "(?:on )?(?:a |the )?(?:runway|catwalk)",
    "garden": "(?:in )?(?:a |the )?(?:garden|park|meadow|woods|forest)|among (?:the )?trees",
}  # fmt: skip

_LIGHT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("golden hour|(?:at )?sunset|(?:at )?sunrise|low sun|evening (?:sun|light)",
     {"elevation": 14.0, "kelvin": 3600.0, "key_to_fill": 1.6, "softness": 0.25, "rim": 0.5}),
    ("(?:hard|harsh) (?:flash|sun|light|sunlight|shadows?)|midday(?: sun)?|direct flash",
     {"softness": 0.05, "key_to_fill": 2.2}),
    ("(?:soft|diffuse|diffused|gentle) (?:light|daylight|shadows?)|softly lit|soft ?box",
     {"softness": 0.9, "key_to_fill": 0.4}),
    ("overcast(?: light| day| sky)?|cloudy(?: day| light)?",
     {"softness": 1.0, "key_to_fill": -1.0, "elevation": 70.0, "kelvin": 6500.0}),
    ("back-?lit|contre-jour|(?:light|lit|sun) from behind",
     {"azimuth": 155.0, "elevation": 25.0, "key_to_fill": 0.5, "rim": 1.4}),
    ("rim ?light(?:ing)?|with a rim", {"rim": 1.2}),
    ("window light|(?:light|lit) from a window",
     {"azimuth": -60.0, "elevation": 25.0, "softness": 0.8, "key_to_fill": 1.2, "kelvin": 5800.0}),
    ("(?:light|lit|sun|flash|key) from (?:the )?(?:picture's )?left|left light",
     {"azimuth": -55.0}),
    ("(?:light|lit|sun|flash|key) from (?:the )?(?:picture's )?right|right light",
     {"azimuth": 55.0}),
    ("(?:light|lit|sun) from above|overhead light|top ?light", {"elevation": 72.0}),
    ("(?:light|lit) from below|under-?lit", {"elevation": -12.0}),
    ("frontal (?:light|flash)|(?:light|lit) from the front", {"azimuth": 0.0, "elevation": 25.0}),
    ("low[- ]key|dramatic(?:ally)? (?:light|lit)|chiaroscuro", {"key_to_fill": 3.0}),
    ("high[- ]key|evenly lit|flat light", {"key_to_fill": -0.5, "softness": 0.9}),
    ("candle ?light|tungsten(?: light)?|lamp ?light", {"kelvin": 2700.0}),
    ("warm light", {"kelvin": 3800.0}), ("(?:cool|cold|blue) light", {"kelvin": 8500.0}),
)  # fmt: skip

_STYLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("black[- ]and[- ]white|monochrome|b&w", {"grade": "mono"}),
    ("faded(?: film| colou?rs)?|washed[- ]out|pastel", {"grade": "faded"}),
    ("warm (?:tones?|colou?rs|grade)|warm", {"grade": "warm"}),
    ("(?:cool|cold) (?:tones?|colou?rs|grade)|cool", {"grade": "cool"}),
    ("cross[- ]processed", {"grade": "cross"}),
    ("(?:high|strong) contrast|contrasty|punchy", {"contrast": 0.5}),
    ("low contrast|soft contrast", {"contrast": -0.35}),
    ("(?:grainy|film grain|grain)|shot on film|analogue|analog", {"grain": 9.0}),
    ("vignette|dark corners", {"vignette": 0.5}),
    ("clean (?:finish|look|grade)", {"grade": "clean", "grain": 0.0}),
)

_CAMERA: tuple[tuple[str, dict[str, Any]], ...] = (
    ("full[- ](?:length|body)|head to toe", {"crop": "full", "head": True}),
    ("three[- ]quarter (?:length|crop|shot)|knees? up|american shot", {"crop": "three-quarter"}),
    ("half[- ](?:length|body)|waist up|medium shot|hips? up", {"crop": "half"}),
    ("close-?ups?|close up|bust(?: shot| portrait)", {"crop": "bust"}),
    ("head ?less|cropped? at the chin|without (?:the |a )?(?:head|face)", {"head": False}),
    ("with (?:the |her |his |their )?(?:head|face)|face (?:visible|in frame)", {"head": True}),
    ("(?:low[- ]angle|worm's[- ]eye)(?: shot| view)?|(?:seen|shot|camera|taken) from below",
     {"height": 0.35}),
    ("(?:high[- ]angle|bird's[- ]eye)(?: shot| view)?|(?:seen|shot|camera|taken) from above",
     {"height": 2.4}),
    ("(?:camera|seen|shot|taken) from (?:the )?(?:picture's )?left", {"azimuth": -35.0}),
    ("(?:camera|seen|shot|taken) from (?:the )?(?:picture's )?right", {"azimuth": 35.0}),
    ("(?:in )?profile|(?:camera|seen|shot|taken) from the side", {"azimuth": 80.0}),
    ("wide[- ]angle(?: lens)?", {"field_of_view": 50.0}),
    ("tele(?:photo)?(?: lens)?|long lens", {"field_of_view": 12.0}),
    ("tilted|dutch (?:angle|tilt)", {"roll": 8.0}),
)  # fmt: skip

_BLUR: tuple[tuple[str, dict[str, Any]], ...] = (
    ("shallow (?:depth of field|focus)|blurred background|blurry background|bokeh", {"blur": 9.0}),
    ("deep focus|everything (?:sharp|in focus)|sharp background", {"blur": 0.0}),
)

_WEARER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("(?:an? |the )?(?:adult |young |older |old )?(?:woman|lady|female model)", {"sex": "female"}),
    ("(?:an? |the )?(?:adult |young |older |old )?(?:man|gentleman|male model)", {"sex": "male"}),
    ("long hair", {"hair_style": "long"}),
    ("(?:a )?pony ?tail", {"hair_style": "ponytail"}),
    ("(?:a |in a )?bun", {"hair_style": "bun"}),
    ("(?:a )?bob(?: cut)?", {"hair_style": "bob"}),
    ("(?:an )?afro", {"hair_style": "afro"}),
    ("short hair", {"hair_style": "short"}),
    ("(?:a )?buzz ?cut|shaved head", {"hair_style": "buzz"}),
    ("(?:in |wearing )?(?:white )?(?:sneakers|trainers)", {"shoe": "sneaker"}),
    ("(?:in |wearing )?loafers", {"shoe": "loafer"}),
    ("(?:in |wearing )?(?:tall|knee-high) boots", {"shoe": "tall boot"}),
    ("(?:in |wearing )?(?:ankle )?boots", {"shoe": "boot"}),
)


def _table() -> list[tuple[re.Pattern[str], Setting]]:
    rows: list[tuple[str, Setting]] = []
    rows += [(_POSE[pose.name], ("pose", {"name": pose.name})) for pose in POSES]
    rows += [(words, ("scene", {"name": name})) for name, words in _SCENE.items()]
    for control, table in (
        ("light", _LIGHT), ("style", _STYLE), ("camera", _CAMERA), ("scene", _BLUR),
        ("wearer", _WEARER),
    ):  # fmt: skip
        rows += [(words, (control, values)) for words, values in table]
    return [(re.compile(rf"(?<![\w'-])(?:{w})(?![\w'-])", re.I), s) for w, s in rows]


PHRASES = _table()
_KELVIN = re.compile(r"(?<![\w.])(\d{4,5}) ?(?:k|kelvin)(?!\w)", re.I)
_LENS = re.compile(r"(?:(?:an?|with an?) )?(?<![\w.])(\d{2,3}) ?mm(?: lens)?(?!\w)", re.I)
_DENIED = re.compile(
    r"(?:\b(?:no|not|without|never|except|avoid|nothing|neither|nor)|n't)"
    r"(?:\s+(?:a|an|the|any|in|on|at|too|very|so|much))*\s*$", re.I,
)  # fmt: skip
_MINORS = re.compile(
    r"(?<![\w-])(?:child(?:ren|like)?|kids?|toddlers?|bab(?:y|ies)|infants?|teen(?:s|age|aged|ager|agers)?"
    r"|pre-?teens?|tweens?|minors?|under-?age|adolescents?|school-?(?:girls?|boys?)|girls?|boys?|"
    r"youngsters?|(?:1[0-7]|[1-9])[- ]?(?:years?[- ]old|yo|y/o))(?![\w-])", re.I,
)  # fmt: skip
_NO_MINORS = re.compile(
    r"\b(?:baby[- ](?:blue|pink|yellow|tees?|dolls?|t-?shirts?|hems?)|"
    r"boy[- ]?shorts?|kid[- ](?:leather|gloves?|suede)|"
    r"(?:no|without) (?:children|kids))\b",
    re.I,
)  # fmt: skip
_LIKENESS = re.compile(
    r"\b(?:looks?|looking) (?:just |exactly )?like [A-Z]\w+|\b(?:face|likeness) of [A-Z]\w+"
)


@dataclass(frozen=True)
class Found:
    """One phrase that the table knows.

    Attributes:
        words: as they stand in the text.
        control, values: what they ask for.
        used: the values that were set; fewer than `values` where something was stated before.
        reason: why the rest was not used; "" when all was.
    """

    words: str
    control: str
    values: dict[str, Any]
    used: dict[str, Any]
    reason: str = ""

    def line(self) -> str:
        """For people."""
        told = ", ".join(f"{k} = {_shown(v)}" for k, v in (self.used or self.values).items())
        return f'"{self.words}" -> {self.control}: {told}' + (
            f" ({self.reason})" if self.reason else ""
        )


@dataclass(frozen=True)
class Parse:
    """What was read from a text.

    Attributes:
        text: as given.
        found: in the order of the text.
        prompt: the words that became no control.
    """

    text: str
    found: tuple[Found, ...]
    prompt: str

    def lines(self) -> list[str]:
        """For people: a line each phrase, and what is left."""
        lines = [one.line() for one in self.found]
        return [*lines, f'"{self.prompt}" -> prompt'] if self.prompt else lines


def with_words(shoot: Shoot, text: str) -> tuple[Shoot, Parse]:
    """`shoot` with what `text` asks for, and how the text was read.

    Raises:
        InputError: the text asks for a minor, or for a real person's likeness.
    """
    refuse(text)
    set_by_words: dict[str, dict[str, Any]] = {}
    found: list[Found] = []
    for words, (control, values) in _phrases(text):
        stated = getattr(shoot, control)
        taken = set_by_words.setdefault(control, {})
        used, reasons = {}, []
        for name, value in values.items():
            if control == "scene" and name == "name" and stated.plate is not None:
                reasons.append("the scene is a plate")
            elif getattr(stated, name) is not None:
                reasons.append(f"{name} is stated")
            elif name in taken and taken[name] != value:
                reasons.append(f"{name} was said before")
            else:
                used[name] = taken[name] = value
        found.append(Found(words, control, values, used, ", ".join(reasons)))
    changes: dict[str, Any] = {
        control: getattr(shoot, control).model_copy(update=values)
        for control, values in set_by_words.items()
        if values
    }
    prompt = _left(text)
    changes |= {"text": text, "prompt": prompt}
    return shoot.model_copy(update=changes), Parse(text, tuple(found), prompt)


def refuse(text: str) -> None:
    """Raise for words that no picture may be made from.

    Raises:
        InputError: a minor, or a real person's likeness.
    """
    allowed = _NO_MINORS.sub(" ", text)
    if match := _MINORS.search(allowed):
        raise InputError(
            f'The words "{match.group()}" ask for a minor. Shoots show adults only: say woman or '
            "man, and leave ages below 18 out."
        )
    if match := _LIKENESS.search(text):
        raise InputError(
            f'The words "{match.group()}" ask for a real person\'s likeness. That needs the '
            "person's consent: give a photo of them as the wearer, with consent = true."
        )


def _phrases(text: str) -> list[tuple[str, Setting]]:
    """Known phrases in the order of the text; of overlapping ones the longest."""
    return [(text[a:b], setting) for (a, b), setting in _spans(text)]


def _spans(text: str) -> list[tuple[tuple[int, int], Setting]]:
    hits: list[tuple[tuple[int, int], Setting]] = []
    for pattern, setting in PHRASES:
        hits += [(match.span(), setting) for match in pattern.finditer(text)]
    for match in _KELVIN.finditer(text):
        kelvin = float(match.group(1))
        if 1800 <= kelvin <= 15000:
            hits.append((match.span(), ("light", {"kelvin": kelvin})))
    for match in _LENS.finditer(text):
        # The long side of a 24 x 36 mm frame stands upright.
        angle = math.degrees(2 * math.atan(18 / float(match.group(1))))
        if 8 <= angle <= 70:
            hits.append((match.span(), ("camera", {"field_of_view": round(angle, 1)})))
    hits.sort(key=lambda hit: (hit[0][0] - hit[0][1], hit[0][0]))
    kept: list[tuple[tuple[int, int], Setting]] = []
    for (start, end), setting in hits:
        clear = all(end <= a or start >= b for (a, b), _ in kept)
        if clear and not _DENIED.search(text[:start]):
            kept.append(((start, end), setting))
    return sorted(kept, key=lambda hit: hit[0])


def _left(text: str) -> str:
    """What no phrase took, tidied."""
    out, at = [], 0
    for (start, end), _ in _spans(text):
        out.append(text[at:start])
        at = end
    out.append(text[at:])
    left = re.sub(r"\s+", " ", " ".join(out))
    left = re.sub(r"\s*([,;.])(?:\s*[,;.])*\s*", r"\1 ", left)
    left = re.sub(r"(?:^|(?<=[,;.]))\s*(?:and|with|in|on|at|a|an|the)\s*(?=[,;.]|$)", " ", left)
    left = re.sub(r"\s*([,;.])(?:\s*[,;.])*\s*", r"\1 ", left)
    return left.strip(" ,;.")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

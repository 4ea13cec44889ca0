"""Which garments exist, who wears them where, and the papers that come with the pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lookweave.errors import InputError
from lookweave.studio.render import scenes
from lookweave.studio.render.body import mix
from lookweave.studio.render.develop import GRADES, Develop
from lookweave.studio.render.dress import Person
from lookweave.studio.render.fabrics import linear, shade
from lookweave.studio.render.garments import kinds, tailor, variants
from lookweave.studio.render.garments.kinds import Garment
from lookweave.studio.render.photo import Framing
from lookweave.studio.render.poses import POSES, Pose, mirrored, vary

BRANDS: tuple[str, ...] = (
    "Norrland Studio",
    "Casa Vela",
    "Halden & Pike",
    "Ostra",
    "Field Notes Atelier",
)
PHOTOGRAPHERS: tuple[str, ...] = ("M. Lindqvist", "A. Okafor", "R. Tanaka", "C. Duarte")
SEASONS: tuple[str, ...] = ("SS26", "AW26", "Resort 27")
RIGHTS = "CC0-1.0, rendered by Lookweave"

_SKINS = (
    (238, 205, 180),
    (224, 184, 152),
    (198, 150, 116),
    (160, 112, 80),
    (126, 86, 62),
    (98, 66, 50),
)
_HAIRS = (
    (28, 22, 20),
    (52, 36, 26),
    (96, 64, 38),
    (150, 110, 62),
    (196, 160, 104),
    (120, 50, 28),
    (150, 148, 146),
)


@dataclass(frozen=True)
class Dials:
    """How hard the looks are, each 0 (as a catalogue) to 1 (as the wildest magazine)."""

    pose: float = 0.5
    light: float = 0.5
    clutter: float = 0.5
    occlusion: float = 0.5
    crop: float = 0.5

    @staticmethod
    def level(difficulty: float, **over: float | None) -> Dials:
        """All dials at `difficulty`, except those that `over` sets."""
        chosen = {name: value for name, value in over.items() if value is not None}
        base = dict.fromkeys(("pose", "light", "clutter", "occlusion", "crop"), difficulty)
        values = {**base, **chosen}
        for name, value in values.items():
            if not 0 <= value <= 1:
                raise InputError(f"{name} must lie in 0..1, not {value}")
        return Dials(**values)


@dataclass(frozen=True)
class Item:
    """A garment in the catalogue."""

    number: int
    garment: Garment
    family: int  # siblings and twins share it
    relation: str  # "original", "sibling", "twin"
    female: bool
    listed: bool = True  # has a product photo

    @property
    def sku(self) -> str:
        """The article number."""
        return f"LW-{self.number:05d}"


@dataclass(frozen=True)
class Role:
    """One person in a look."""

    person: Person
    items: tuple[Item, ...]
    pose: Pose
    yaw: float
    place: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Shot:
    """Everything that decides one look."""

    number: int
    roles: tuple[Role, ...]
    scene: str
    framing: Framing
    finish: Develop
    hidden: float  # share of the width that something in the foreground may hide


def stream(seed: int, *names: object) -> np.random.Generator:
    """An independent generator for one item: parallel order cannot matter."""
    text = "/".join(str(name) for name in names)
    return np.random.default_rng([seed, *text.encode()])


def garments(count: int, seed: int) -> list[Item]:
    """`count` listed garments; about a third are siblings or near twins of another."""
    out: list[Item] = []
    rng = stream(seed, "catalogue")
    order: list[str] = []
    while len(out) < count:
        number = len(out)
        roll = rng.random()
        if number > 3 and roll < 0.26:
            origin = out[int(rng.integers(max(0, number - 12), number))]
            private = stream(seed, "garment", number)
            relation = "sibling" if roll < 0.15 else "twin"
            make = variants.sibling if relation == "sibling" else variants.twin
            out.append(
                Item(number, make(origin.garment, private), origin.family, relation, origin.female)
            )
            continue
        if not order:
            order = [kinds.KINDS[k] for k in rng.permutation(len(kinds.KINDS))]
        kind = order.pop()
        garment = tailor.draw(stream(seed, "garment", number), kind)
        woman = (
            "dress" in kind or "skirt" in kind or kind == "jumpsuit" or bool(rng.random() < 0.55)
        )
        out.append(Item(number, garment, number, "original", woman))
    return out


def extras(seed: int, count: int) -> list[Item]:
    """Garments that people wear in looks but no catalogue lists."""
    out = []
    for k in range(count):
        rng = stream(seed, "extra", k)
        kind = kinds.KINDS[k % len(kinds.KINDS)]
        garment = tailor.draw(rng, kind)
        out.append(Item(90000 + k, garment, 90000 + k, "original", bool(rng.random() < 0.5), False))
    return out


def brands(count: int) -> tuple[str, ...]:
    """The brands of a catalogue of `count` garments: one for every sixty, at most all."""
    return BRANDS[: min(len(BRANDS), 1 + count // 60)]


def person(rng: np.random.Generator, female: bool) -> Person:
    """A random adult."""
    body = mix(female, int(rng.integers(10)), int(rng.integers(10)), float(rng.uniform(0, 1)))
    tone = np.asarray(_SKINS[int(rng.integers(len(_SKINS)))], float) + rng.normal(size=3) * 4
    hair = np.asarray(_HAIRS[int(rng.integers(len(_HAIRS)))], float)
    styles = (
        ("bob", "long", "long", "bun", "ponytail", "afro", "short")
        if female
        else ("crop", "crop", "short", "buzz", "afro")
    )
    shoe = ("sneaker", "loafer", "boot", "sneaker")[int(rng.integers(4))]
    return Person(
        body,
        linear(np.clip(tone * 0.86, 16, 250)),
        linear(hair),
        styles[int(rng.integers(len(styles)))],
        shoe,
        shade(("white", "black", "brown", "beige", "black")[int(rng.integers(5))], rng),
        bool(rng.random() < 0.22),
        int(rng.integers(1 << 20)),
    )


_WEARS_WITH: dict[str, tuple[str, ...]] = {
    "top": ("bottom",), "bottom": ("top",), "outer": ("top", "bottom"), "dress": (),
    "scarf": ("top", "bottom"), "hat": ("top", "bottom"), "bag": ("top", "bottom"),
}  # fmt: skip


def outfit(
    first: Item, pool: list[Item], spare: list[Item], rng: np.random.Generator
) -> list[Item]:
    """`first` with whatever completes it, from the catalogue when it can be, else from `spare`."""
    chosen = [first]

    def add(slot: str, listed: float) -> None:
        source = pool if rng.random() < listed else spare
        fitting = [
            item
            for item in source
            if item.garment.slot == slot
            and item.family not in {c.family for c in chosen}
            and not (slot == "bottom" and "skirt" in item.garment.kind and not first.female)
            and not (
                slot == "top"
                and item.garment.kind == "hoodie"
                and any(c.garment.slot == "outer" for c in chosen)
            )
        ]
        if fitting:
            chosen.append(fitting[int(rng.integers(len(fitting)))])

    needed = list(_WEARS_WITH[first.garment.slot])
    if first.garment.slot in ("scarf", "hat", "bag") and first.female and rng.random() < 0.3:
        needed = ["dress"]
    for slot in needed:
        add(slot, 0.85)
        if not any(item.garment.slot == slot for item in chosen):
            add(slot, 0.0)
    slots = {item.garment.slot for item in chosen}
    tops = [item.garment.kind for item in chosen if item.garment.slot == "top"]
    flared = any(i.garment.loft is not None and i.garment.slot != "outer" for i in chosen)
    if (
        "outer" not in slots
        and "dress" not in slots
        and "hoodie" not in tops
        and not flared
        and rng.random() < 0.22
    ):
        add("outer", 0.85)
    for slot, chance in (("bag", 0.20), ("hat", 0.14), ("scarf", 0.10)):
        worn = {item.garment.slot for item in chosen}
        kinds_worn = {item.garment.collar for item in chosen}
        if slot in worn or rng.random() > chance:
            continue
        if slot == "scarf" and kinds_worn & {"hood", "roll", "stand"}:
            continue
        add(slot, 0.85)
    return chosen


_CALM = ("standing", "contrapposto", "hand on hip", "hands in pockets", "walking", "crossed legs")


def _role(
    first: Item, pool: list[Item], spare: list[Item], rng: np.random.Generator, dials: Dials,
    calm: bool,
) -> Role:  # fmt: skip
    """Somebody who wears `first`, in a pose that their clothes allow."""
    items = outfit(first, pool, spare, rng)
    skirted = any(i.garment.loft is not None and i.garment.kind != "coat" for i in items)
    wearer = person(rng, first.female or skirted)
    if any(item.garment.kind == "coat" for item in items) and wearer.shoe == "sneaker":
        wearer = replace(wearer, shoe="boot")
    worn = {item.garment.slot for item in items}
    unfit: set[str] = set()
    if any(i.garment.kind == "coat" for i in items) or "scarf" in worn:
        unfit |= {"sitting", "sitting aside", "jumping", "arms up"}
    if "bag" in worn:
        unfit |= {"arms up", "crossed arms", "jumping", "dancing"}
    if "hat" in worn:
        unfit |= {"hand in hair", "arms up"}
    if any(i.garment.loft is not None and i.garment.loft.hem < 0.45 for i in items):
        unfit |= {"jumping"}
    names = _CALM if calm or rng.random() > dials.pose * 1.1 else tuple(p.name for p in POSES)
    able = [pose for pose in POSES if pose.name in names and pose.name not in unfit]
    pose = able[int(rng.integers(len(able)))]
    if rng.random() < 0.5:
        pose = mirrored(pose)
    pose = vary(pose, rng, 0.3 + dials.pose)
    return Role(wearer, tuple(items), pose, float(rng.normal() * 28 * dials.pose))


def shot(
    number: int, first: Item, pool: list[Item], spare: list[Item], seed: int, dials: Dials
) -> Shot:
    """Decide look `number`, which must show `first`."""
    rng = stream(seed, "look", number)
    pair = rng.random() < 0.22 * dials.occlusion
    roles = [_role(first, pool, spare, rng, dials, pair)]
    if pair:
        taken = {item.family for item in roles[0].items}
        free = [
            i for i in pool if i.family not in taken and i.garment.slot in ("top", "dress", "outer")
        ]
        if free:
            second = _role(free[int(rng.integers(len(free)))], pool, spare, rng, dials, True)
            gap, depth = float(rng.uniform(0.25, 0.33)), float(rng.uniform(0.15, 0.4))
            sign = 1.0 if rng.random() < 0.5 else -1.0
            roles[0] = replace(roles[0], place=(-sign * gap, 0.0))
            roles.append(replace(second, place=(sign * gap, -depth)))
    easy = ("studio", "coloured studio")
    choices = easy if rng.random() > 0.25 + 0.75 * dials.clutter else scenes.SCENES
    place = choices[int(rng.integers(len(choices)))]

    # Crops: full length, then knees up, hips up, and bits of the person.
    low, high = -0.03, 1.9
    if rng.random() < 0.75 * dials.crop and len(roles) == 1:
        if first.garment.slot in ("bottom", "dress"):
            high = float(rng.uniform(1.45, 1.85))
        else:
            low = float(rng.uniform(0.35, 0.85))
    if rng.random() < 0.25 * dials.crop:
        high = min(high, 1.62)  # the head out of the picture
    framing = Framing(
        azimuth=float(rng.normal() * 14 * (0.3 + dials.pose)),
        height=float(
            np.clip(rng.uniform(0.95, 1.35) + rng.normal() * 0.35 * dials.pose, 0.25, 2.3)
        ),
        low=low,
        high=high,
        shift=float(rng.normal() * 0.22 * (0.2 + dials.crop)),
        field_of_view=float(rng.uniform(20, 34)),
        roll=float(rng.normal() * 1.5 * dials.crop),
    )
    grade = "clean"
    if rng.random() < 0.2 + 0.6 * dials.light:
        grade = GRADES[1 + int(rng.integers(len(GRADES) - 2))]
    if rng.random() < 0.2 * max(0.0, dials.light - 0.6):
        grade = "mono"
    finish = Develop(
        blur=float(rng.uniform(2.0, 5.5)),
        exposure=float(np.exp(rng.normal() * 0.12 * dials.light)),
        grade=grade,
        grade_strength=float(rng.uniform(0.4, 1.0)),
        grain=float(rng.uniform(0, 0.035) * dials.light),
        vignette=float(rng.uniform(0, 0.35) * dials.light),
        soften=float(max(0.0, rng.normal() * 0.5 * dials.clutter)),
    )
    hidden = float(rng.uniform(0.15, 0.5)) if rng.random() < 0.4 * dials.occlusion else 0.0
    return Shot(number, tuple(roles), place, framing, finish, hidden)


def title(item: Item) -> str:
    """A catalogue title such as *Blue floral midi dress*."""
    garment = item.garment
    words = [garment.colour]
    if garment.pattern not in ("plain", "other"):
        words.append(garment.pattern)
    if garment.fabric.material in ("denim", "leather", "silk", "wool", "sequin"):
        words.append(garment.fabric.material)
    if garment.kind in ("t-shirt", "shirt", "knit") and garment.sleeve:
        words.append(
            f"{garment.sleeve}-sleeved" if garment.sleeve != "sleeveless" else garment.sleeve
        )
    words.append(
        {
            "knit": "jumper",
            "hat": garment.style,
            "bag": garment.style if garment.style != "bucket" else "bucket bag",
        }.get(garment.kind, garment.kind)
    )
    if garment.kind == "hat":
        words[-1] = {"brim": "brimmed hat", "bucket": "bucket hat", "cap": "cap"}.get(
            garment.style, garment.style
        )
    if words[-1] == "jeans" and "denim" in words:
        words.remove("denim")
    text = " ".join(words)
    return text[0].upper() + text[1:]


def price(item: Item) -> float:
    """A plausible price in euros."""
    base = {
        "t-shirt": 29,
        "shirt": 59,
        "knit": 79,
        "hoodie": 69,
        "jacket": 149,
        "coat": 229,
        "vest": 89,
        "scarf": 39,
        "hat": 35,
        "bag": 119,
        "shorts": 45,
        "trousers": 85,
        "jeans": 95,
        "jumpsuit": 129,
    }
    value = base.get(item.garment.kind, 89 if "skirt" not in item.garment.kind else 69)
    factor = {"silk": 1.6, "leather": 2.2, "wool": 1.3, "sequin": 1.5}.get(
        item.garment.fabric.material, 1.0
    )
    return float(round(value * factor)) + 0.0

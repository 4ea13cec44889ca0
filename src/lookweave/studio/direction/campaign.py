"""A collection in one look: every article in the same place and light, two shots each.

The folder holds `campaign.json` (brief and look), a folder of shots for each article, `fitted/`,
`pictures.csv` and `rejects.csv`. Called again, the work goes on where it stopped: what is made is
not made again, and what could not be made is not tried again.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from lookweave.errors import InputError, Rejected, WorkError
from lookweave.studio.direction import garment_facts, moodboard, shotlist, story
from lookweave.studio.direction.concept import Concept, Concepts, conceive
from lookweave.studio.direction.record import Record, write_text
from lookweave.studio.direction.shotlist import Made, Size
from lookweave.studio.shoot import fit, job
from lookweave.studio.shoot.generator import Compositor, Generator
from lookweave.studio.shoot.record import Garment, Seed
from lookweave.studio.shoot.words import refuse

RECORD, PICTURES, REJECTS = "campaign.json", "pictures.csv", "rejects.csv"
_LOOK = ("scene", "light", "light_name", "palette", "style", "camera", "wearer")
_REASON = "reject.json"
_FACTS = 1.5  # processor seconds: cutting a garment out and naming it


class Physical(Record):
    """What a shoot in a studio costs, by the figures of the one who asks; nothing is assumed."""

    currency: str
    cost_day: float = Field(ge=0, description="of a day: crew, models, place")
    articles_day: int = Field(ge=1)
    cost_article: float = Field(
        0.0, ge=0, description="of an article: samples, styling, retouching"
    )

    def cost(self, articles: int) -> float:
        """Of so many articles; days are begun whole."""
        return (
            math.ceil(articles / self.articles_day) * self.cost_day + articles * self.cost_article
        )


class Brief(Record):
    """What a campaign is to be.

    The look comes from a concept that was chosen, or from a board, or from words and pictures.
    Paths are meant from the brief's own folder.
    """

    title: str = ""
    concept: str = Field("", description="FOLDER:NUMBER, a concept that `concepts` wrote")
    board: str = Field("", description="a board that `board` wrote")
    words: str = ""
    pictures: tuple[str, ...] = ()
    shots: tuple[str, ...] = Field(("full length", "detail"), min_length=1)
    size: Size = (512, 768)
    seed: Seed = 0
    physical: Physical | None = None

    @model_validator(mode="after")
    def _one_look(self) -> Brief:
        given = [bool(self.concept), bool(self.board), bool(self.words.strip() or self.pictures)]
        if sum(given) != 1:
            raise ValueError("say the look once: concept, or board, or words and pictures")
        return self

    def from_folder(self, folder: Path) -> Brief:
        """With paths that hold anywhere."""

        def placed(path: str) -> str:
            return str(folder / path) if path else ""

        return self.model_copy(update={
            "concept": placed(self.concept), "board": placed(self.board),
            "pictures": tuple(map(placed, self.pictures)),
        })  # fmt: skip


@dataclass(frozen=True)
class Article:
    """An article to be shown.

    Attributes:
        id: of its photo's bytes, 20 hex digits.
        photo: path.
        skus: numbers of the articles (sizes, say) that this photo stands for.
        title: in the catalogue's words.
        category: of the taxonomy; None: the describer says it.
        word: for the category, the catalogue's own or the folder's name; "" where there is none.
        rights: what the catalogue says of them.
    """

    id: str
    photo: str
    skus: tuple[str, ...] = ()
    title: str = ""
    category: str | None = None
    rights: str = ""
    word: str = ""

    @property
    def folder(self) -> str:
        """Name of its folder."""
        name = re.sub(r"[^A-Za-z0-9]+", "-", (self.skus or (Path(self.photo).stem,))[0]).strip("-")
        return f"{name[:40]}-{self.id[:8]}" if name else self.id[:8]

    def garment(self) -> Garment:
        """For a shoot."""
        return Garment(photo=self.photo, words=self.title, category=self.category)


@dataclass(frozen=True)
class Refusal:
    """An article that is not shown, and why."""

    photo: str
    skus: tuple[str, ...]
    title: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Plan:
    """What is left of a campaign before the start: an extrapolation, no promise.

    Attributes:
        articles: that may be shown.
        done: of them, finished or turned away before.
        fits, pictures, seconds, backend, most_cost: as in `shotlist.Estimate`.
        physical: what a physical shoot of all of them costs, and its currency, by the brief's own
            figures; None without them.
    """

    articles: int
    done: int
    fits: int
    pictures: int
    seconds: float
    backend: str
    most_cost: float | None
    physical: tuple[float, str] | None

    def lines(self) -> list[str]:
        """For people."""
        left = shotlist.Estimate(
            self.fits, self.pictures, self.seconds, self.backend, self.most_cost
        )
        lines = [f"{self.articles} articles, {self.done} of them done", left.line()]
        if self.physical is not None:
            cost, currency = self.physical
            lines.append(f"a physical shoot, by the brief's own figures: {cost:,.0f} {currency}")
        return lines


@dataclass(frozen=True)
class Campaign:
    """A campaign as far as it got.

    Attributes:
        folder: where everything lies.
        look: what all pictures share.
        shown: articles and their shots.
        refused: articles that are not shown.
        made: how many pictures this call made.
    """

    folder: Path
    look: Concept | None
    shown: tuple[tuple[Article, Made], ...]
    refused: tuple[Refusal, ...]
    made: int

    def rows(self) -> list[dict[str, Any]]:
        """A row for each picture, as `pictures.csv` has them."""
        return [
            {
                "sku": " ".join(article.skus), "title": article.title, "photo": article.photo,
                "rights": article.rights, "shot": shot.role,
                "file": f"{article.folder}/{shot.folder}/{one.file}", "digest": one.shoot.digest(),
            }
            for article, made in self.shown
            for shot, one in zip(made.shots.shots, made.pictures, strict=True) if one is not None
        ]  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "folder": str(self.folder), "look": self.look.title if self.look else None,
            "made": self.made, "pictures": self.rows(),
            "rejects": [asdict(one) for one in self.refused],
        }  # fmt: skip


def plan(
    brief: Brief, articles: Sequence[Article], out: Path, *, generator: Generator | None = None,
    cache: Path | None = None,
) -> Plan:  # fmt: skip
    """What is left to do in `out`, and for how long."""
    card = (generator or Compositor()).card
    kept = cache or out / "fitted"
    done = fits = pictures = 0
    seconds = 0.0
    width, height = brief.size
    each = shotlist.START + shotlist.PICTURE * max(width * height / (512 * 768), 0.15)
    for one in articles:
        folder = out / one.folder
        there = len(list(folder.glob(f"*/{shotlist.FIRST}")))
        if (folder / _REASON).is_file() or there >= len(brief.shots):
            done += 1
            continue
        unfitted = not fit.kept(one.garment(), kept).exists()
        fits += unfitted
        pictures += len(brief.shots) - there
        seconds += _FACTS + unfitted * shotlist.FIT + (len(brief.shots) - there) * each
    physical = None
    if brief.physical is not None:
        physical = (brief.physical.cost(len(articles)), brief.physical.currency)
    return Plan(
        len(articles), done, fits, pictures, seconds, card.name,
        shotlist.most_cost(card, pictures), physical,
    )  # fmt: skip


def run(
    brief: Brief, articles: Sequence[Article], refused: Sequence[Refusal], out: Path, *,
    generator: Generator | None = None, cache: Path | None = None,
    done: Callable[[Article], None] = lambda article: None,
) -> Campaign:  # fmt: skip
    """Make the pictures in `out`; what is there of the same campaign stays.

    Args:
        articles: those that may be shown.
        refused: those that may not, for the table.

    Raises:
        InputError: the folder holds another campaign or other things, or the brief cannot be used.
        WorkError: no article can be shown, or the backend cannot work; the same call goes on.
        ModelError: there is no renderer here, or the backend's model is out of reach.
    """
    look = _claim(brief, out)
    board = _board(brief)
    kept = cache or out / "fitted"
    shown: list[tuple[Article, Made]] = []
    turned = list(refused)
    made = 0
    try:
        for article in articles:
            try:
                result, look = _article(brief, board, look, article, out, generator, kept)
            except Rejected as error:
                turned.append(_refusal(article, error))
            else:
                made += result.made
                shown.append((article, result))
            done(article)
    finally:
        campaign = Campaign(out, look, tuple(shown), tuple(turned), made)
        _tables(campaign)
    if not shown:
        raise WorkError(f"No article could be shown: {out / REJECTS} has the reasons.")
    return campaign


def _article(
    brief: Brief, board: moodboard.Board, look: Concept | None, article: Article, out: Path,
    generator: Generator | None, kept: Path,
) -> tuple[Made, Concept]:  # fmt: skip
    folder = out / article.folder
    note = folder / _REASON
    if note.is_file():
        told = json.loads(note.read_text(encoding="utf-8"))
        raise Rejected(told["reason"], told["detail"])
    if look is not None and (folder / shotlist.LIST).is_file():
        listed = shotlist.ShotList.read(folder / shotlist.LIST)
        # A kill may fall between a picture and the sheet that shows it.
        wanted = [folder / shotlist.SHEET]
        for shot in listed.shots:
            wanted += [folder / shot.folder / shotlist.FIRST, folder / shot.folder / shotlist.SHEET]
        if all(one.is_file() for one in wanted):
            made = shotlist.load_made(folder)
            if all(made.pictures):
                return made, look
    else:
        try:
            worn = article.garment()
            refuse(worn.words)
            facts = garment_facts.facts(worn)
            _fit(worn, kept)
            one = _in_look(brief, board, look, worn, facts)
        except (Rejected, InputError) as error:
            reason = error.reason if isinstance(error, Rejected) else "unusable"
            raise _noted(note, reason, getattr(error, "detail", str(error))) from error
        if look is None:
            look = one
            write_text(out / RECORD, _record(brief, look))
        listed = shotlist.shot_list(one, [worn], [facts.category], brief.size, brief.shots)
    try:
        result = shotlist.render(listed, folder, generator=generator, cache=kept)
        if not result.failed:
            return result, look
        why = "; ".join(f"{role}: {what}" for role, what in result.failed.items())
    except WorkError as error:
        why = str(error)
    if not any(_turned_away(folder / shot.folder) for shot in listed.shots):
        raise WorkError(f"{article.photo}: {why}")  # no fault of the article
    raise _noted(note, "turned_away", why)


def _turned_away(folder: Path) -> bool:
    """Whether the backend made a picture there that may not be shown."""
    path = folder / job.RECORD
    return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8"))["rejects"])


def _fit(worn: Garment, kept: Path) -> None:
    if fit.kept(worn, kept).exists():
        return
    drawing = job.renderer()
    try:
        fit.fit(drawing, worn, kept)
    finally:
        drawing.close()


def _in_look(
    brief: Brief, board: moodboard.Board, look: Concept | None, worn: Garment,
    facts: garment_facts.Facts,
) -> Concept:  # fmt: skip
    """The look on this garment: its poses and reasons are its own, the rest is the campaign's."""
    found = conceive(board, [worn], [facts], count=1, seed=brief.seed).concepts[0]
    if look is None:
        return found.model_copy(update={"title": brief.title}) if brief.title else found
    found = found.model_copy(update={name: getattr(look, name) for name in _LOOK})
    told = story.told([found], board, [facts], brief.seed)[0]
    return told.model_copy(update={"title": look.title})


def _board(brief: Brief) -> moodboard.Board:
    if brief.concept:
        return _chosen(brief)[0].board
    if brief.board:
        return moodboard.Board.read(Path(brief.board))
    return moodboard.make_board(brief.pictures, brief.words, title=brief.title)


def _chosen(brief: Brief) -> tuple[Concepts, Concept]:
    folder, _, number = brief.concept.rpartition(":")
    if not folder or not number.isdigit():
        raise InputError(f"The brief's concept {brief.concept!r} is not FOLDER:NUMBER.")
    path = Path(folder)
    found = Concepts.read(path / "concepts.json" if path.is_dir() else path)
    return found, found.numbered(int(number))


def _claim(brief: Brief, out: Path) -> Concept | None:
    path = out / RECORD
    if path.is_file():
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            before, look = Brief.checked(told["brief"], str(path)), told["look"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} cannot be read: {error}. Choose another folder.") from error
        same = {"physical": None}  # what a studio costs changes no picture
        if before.model_copy(update=same) != brief.model_copy(update=same):
            raise InputError(f"{out} holds a campaign of another brief: choose another folder.")
        return None if look is None else Concept.checked(look, str(path))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty and holds no {RECORD}: choose another folder.")
    chosen = _chosen(brief)[1] if brief.concept else None
    out.mkdir(parents=True, exist_ok=True)
    write_text(path, _record(brief, chosen))
    return chosen


def _record(brief: Brief, look: Concept | None) -> str:
    told = {
        "brief": brief.model_dump(mode="json"),
        "look": None if look is None else look.model_dump(mode="json"),
    }
    return json.dumps(told, indent=1) + "\n"


def _noted(note: Path, reason: str, detail: str) -> Rejected:
    """The rejection, kept so that it is not tried again; remove the file to have it tried."""
    note.parent.mkdir(parents=True, exist_ok=True)
    write_text(note, json.dumps({"reason": reason, "detail": detail}) + "\n")
    return Rejected(reason, detail)


def _refusal(article: Article, error: Rejected) -> Refusal:
    return Refusal(article.photo, article.skus, article.title, error.reason, error.detail)


def _tables(campaign: Campaign) -> None:
    columns = ("sku", "title", "photo", "rights", "shot", "file", "digest")
    _csv(campaign.folder / PICTURES, columns, campaign.rows())
    refused = [
        {"sku": " ".join(one.skus), "title": one.title, "photo": one.photo, "reason": one.reason,
         "detail": one.detail} for one in campaign.refused
    ]  # fmt: skip
    _csv(campaign.folder / REJECTS, ("sku", "title", "photo", "reason", "detail"), refused)


def _csv(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())

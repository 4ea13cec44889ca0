"""Creative direction: from garments and a mood to concepts, shots and spreads.

::

    board = lookweave.board(["ref-1.jpg", "ref-2.jpg"], words="1970s disco, neon")
    found = lookweave.concepts(board, "dress.jpg", count=4, seed=7, out="concepts")
    made = lookweave.shots(found, 2, out="story")
    lookweave.spread(made, title="After Dark", out="pages")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookweave.errors import InputError, WorkError, told

if TYPE_CHECKING:
    from lookweave.models.protocols import Describer
    from lookweave.studio.direction.concept import Concept, Concepts
    from lookweave.studio.direction.layouts import Spread
    from lookweave.studio.direction.moodboard import Board
    from lookweave.studio.direction.shotlist import Made
    from lookweave.studio.shoot.generator import Generator

AnyPath = str | Path
Photos = AnyPath | Sequence[Any]

PREVIEW = (256, 384)
RECORD, CARDS = "concepts.json", "concepts.html"


@told()
def board(
    pictures: Sequence[AnyPath] = (), words: str = "", *, title: str = "",
    vlm: Mapping[str, Any] | None = None, describer: Describer | None = None,
    described_by: str = "",
) -> Board:  # fmt: skip
    """A mood board from pictures and words; every entry says where it comes from.

    Args:
        pictures: image files. Colours and contrast are measured, the light is guessed.
        words: looked up in tables that ship; nothing is sent anywhere.
        vlm: settings of `[vlm]` (url, model, cache …) of a vision-language model that looks at
            the pictures: they are then sent to that address.
        describer, described_by: another model that describes photos, and its name.

    Raises:
        InputError: there is nothing to go by, a picture cannot be read, or the words may not be
            used (a minor, a real person's likeness).
        ModelError: the vision-language model cannot be asked.
    """
    with _needs_studio():
        from lookweave.studio.direction import moodboard as boards
    if vlm is None:
        return boards.make_board(
            pictures, words, title=title, describer=describer, described_by=described_by
        )
    if describer is not None:
        raise InputError("Give settings of a model or a describer, not both.")
    from lookweave.config import Vlm
    from lookweave.models.cards import card_named
    from lookweave.models.vlm.cards import configure

    asked = configure(card_named("vlm"), Vlm(**vlm)).load(None)
    try:
        return boards.make_board(
            pictures, words, title=title, describer=asked,
            described_by=described_by or str(vlm.get("model", "vlm")),
        )  # fmt: skip
    finally:
        asked.close()


@told()
def concepts(
    board: Board | AnyPath, garments: Photos, *, count: int = 4, seed: int = 0,
    lock: Sequence[str] = (), like: Concept | None = None, out: AnyPath | None = None,
    pictures: bool = True, size: tuple[int, int] = PREVIEW, generator: Generator | None = None,
    cache: AnyPath | None = None, done: Callable[[str], None] = lambda what: None,
) -> Concepts:  # fmt: skip
    """Ways to shoot garments in the mood of a board, different by construction.

    Args:
        board: a board, or the file of one.
        garments: product photos, innermost first; one or several worn together.
        count: concepts, up to 12.
        seed: equal calls give equal concepts.
        lock: parts that stay the same to the bit: scene, light, poses, palette, style, camera,
            wearer.
        like: the concept to take the locked parts from; None: the best one.
        out: a folder for `concepts.json`, the page of cards and a picture of each; None: no files.
        pictures: make a small picture of each concept.
        cache: where fitted garments are kept; None: in `out`.

    Raises:
        InputError: a garment cannot be shown, a lock is unknown, or the board and the locks do
            not leave so many concepts.
        WorkError: a garment cannot be fitted well.
    """
    with _needs_studio():
        from lookweave.studio.direction import concept as made
        from lookweave.studio.direction import garment_facts, page
        from lookweave.studio.direction.moodboard import Board
        from lookweave.studio.shoot.reading import read_garments
    given = board if isinstance(board, Board) else Board.read(Path(board))
    worn = read_garments(_several(garments))
    known = garment_facts.all_facts(worn)
    found = made.conceive(given, worn, known, count=count, seed=seed, locks=lock, like=like)
    if out is None:
        return found
    folder = Path(out)
    _claim(folder, found)
    previews = {}
    if pictures:
        previews = _previews(found, folder, size, generator, cache, done)
    page.write_cards(found, previews, folder / CARDS)
    return found


def _previews(
    found: Concepts, folder: Path, size: tuple[int, int], generator: Generator | None,
    cache: AnyPath | None, done: Callable[[str], None],
) -> dict[int, Path]:  # fmt: skip
    from lookweave.studio.direction import shotlist as making

    previews: dict[int, Path] = {}
    wrong: list[str] = []
    kept = folder / "fitted" if cache is None else Path(cache)
    for number, one in enumerate(found.concepts, 1):
        listed = making.shot_list(
            one, found.garments, [fact.category for fact in found.facts], size, ["opener"]
        )
        try:
            made = making.render(
                listed, folder / "pictures" / f"{number:02d}", generator=generator, cache=kept
            )
        except WorkError as error:
            wrong.append(str(error))
            break  # a garment that does not fit fits no other concept
        previews[number] = made.path(0)
        done(one.title)
    if wrong:
        raise WorkError(
            "\n".join(wrong) + f"\nThe concepts stand in {folder / RECORD}; without pictures "
            "they can be had of any garment."
        )
    return previews


@told()
def shots(
    found: Concepts | AnyPath, number: int, *, out: AnyPath, roles: Sequence[str] | None = None,
    size: tuple[int, int] = (512, 768), generator: Generator | str | None = None,
    cache: AnyPath | None = None, done: Callable[[str], None] = lambda role: None,
) -> Made:  # fmt: skip
    """The pictures of the `number`-th concept (from 1), each with a role, and a contact sheet.

    Args:
        found: concepts, or the file (or folder) of them.
        out: a folder, new or of the same shots, which then go on.
        roles: opener, full length, detail, movement, closer; None: all five.
        generator: a backend or its name (`lookweave models`); None: the embedded one.

    Raises:
        InputError: the file, the number or the folder cannot be used.
        WorkError: no picture could be made.
    """
    with _needs_studio():
        from lookweave.studio.direction import shotlist as making
        from lookweave.studio.shoot import backends
    listed = list_shots(found, number, roles=roles, size=size)
    kept = None if cache is None else Path(cache)
    if isinstance(generator, str):
        generator = backends.generator(generator)
    return making.render(listed, Path(out), generator=generator, cache=kept, done=done)


@told()
def spread(
    made: Made | AnyPath, *, out: AnyPath, layout: str = "story", stars: Sequence[int] = (),
    title: str = "", credit: str = "",
) -> Spread:  # fmt: skip
    """Shots as pages: a PDF for print, a web page, and a ZIP of both with pictures and recipes.

    Args:
        made: shots, or their folder.
        out: a folder for `spread.pdf`, `spread.html`, `spread.zip` and `spread.json`.
        layout: single (1 picture), double (2) or story (4 pages, 5 pictures).
        stars: numbers of the shots to show, in their order; none: the first that there are.
        title: of the page; empty: the concept's.
        credit: who is to be named; stands beside the captions.

    Raises:
        InputError: the layout or a star is unknown, there are too few pictures, or a text has
            letters that the fonts lack.
    """
    with _needs_studio():
        from lookweave.studio.direction import layouts
        from lookweave.studio.direction.shotlist import Made, load_made
    given = made if isinstance(made, Made) else load_made(Path(made))
    return layouts.spread(given, Path(out), layout=layout, stars=stars, title=title, credit=credit)


def list_shots(
    found: Concepts | AnyPath, number: int, *, roles: Sequence[str] | None = None,
    size: tuple[int, int] = (512, 768),
) -> Any:  # fmt: skip
    """The list that `shots` makes the pictures of: to be read before the work starts."""
    with _needs_studio():
        from lookweave.studio.direction import shotlist as making
    read = read_concepts(found)
    categories = [fact.category for fact in read.facts]
    wanted = making.ROLES if roles is None else roles
    return making.shot_list(read.numbered(number), read.garments, categories, size, wanted)


def read_concepts(found: Concepts | AnyPath) -> Concepts:
    """Concepts, or those of a file or folder.

    Raises:
        InputError: there are none.
    """
    with _needs_studio():
        from lookweave.studio.direction.concept import Concepts
    if isinstance(found, Concepts):
        return found
    path = Path(found)
    return Concepts.read(path / RECORD if path.is_dir() else path)


def _claim(folder: Path, found: Concepts) -> None:
    path = folder / RECORD
    if path.is_file():
        if read_concepts(path) != found:
            raise InputError(f"{folder} holds other concepts: choose another folder.")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty and holds no {RECORD}: choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    found.write(path)


def _several(garments: Photos) -> list[Any]:
    return [garments] if isinstance(garments, str | Path) else list(garments)


@contextmanager
def _needs_studio() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"Creative direction needs the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error

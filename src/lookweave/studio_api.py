"""The public functions of photo-shoots: make pictures, and measure pictures made anywhere.

::

    result = lookweave.shoot("dress.jpg", pose="walking", scene="garden", out="pictures")
    result[0]["light, azimuth"].error
    lookweave.judge("others/", against="dress.jpg")
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookweave.api import Workspace
from lookweave.arguments import AnyPath, Inputs, path_of, positive
from lookweave.errors import InputError, WorkError, told
from lookweave.progress import Progress
from lookweave.studio_results import Judged, ProbedPicture, ShootResult

if TYPE_CHECKING:
    from lookweave.models.protocols import Describer
    from lookweave.studio.direction.campaign import Campaign, Plan
    from lookweave.studio.direction.moodboard import Board
    from lookweave.studio.direction.outfits import Outfits
    from lookweave.studio.judge.matrix import Matrix
    from lookweave.studio.shoot.generator import Generator
    from lookweave.studio.shoot.leaving import Leaving
    from lookweave.studio.shoot.record import Control, Garment

_log = logging.getLogger(__name__)


@told()
def shoot(
    garments: AnyPath | Sequence[AnyPath | Mapping[str, Any] | Garment] | None = None,
    *,
    out: AnyPath,
    workspace: AnyPath | Workspace | None = None,
    recipe: AnyPath | None = None,
    count: int = 1,
    wearer: str | Mapping[str, Any] | Control | None = None,
    pose: str | Mapping[str, Any] | Control | None = None,
    camera: str | Mapping[str, Any] | Control | None = None,
    scene: AnyPath | Mapping[str, Any] | Control | None = None,
    light: str | Mapping[str, Any] | Control | None = None,
    style: str | Mapping[str, Any] | Control | None = None,
    text: str = "",
    vary: Sequence[str] = (),
    size: tuple[int, int] = (512, 768),
    seed: int = 0,
    generator: Generator | str | None = None,
    settings: Mapping[str, Any] | None = None,
    leaving: Leaving | None = None,
    cache: AnyPath | None = None,
    progress: bool = False,
) -> ShootResult:
    """Make editorial pictures of garments, each control on its own (extra ``[studio]``).

    Args:
        garments: product photos worn together, innermost first: files; with `workspace` also ids,
            article numbers or names of its garments.
        out: a folder, new or of the same shoot, which then goes on.
        workspace: where garments that are no files are looked up. What was taken down, and what
            its rights forbid, is refused.
        recipe: a shoot in .toml or .json, in place of garments and controls.
        count: pictures.
        wearer: a name ("walking", "beach", "low sun"), ``key=value`` pairs or a mapping, words, or
            a record of `lookweave.studio.shoot.record`; so are the next five.
        pose: how they stand.
        camera: from where, and how near.
        scene: where; also a photograph.
        light: from where, how warm and how hard.
        style: how it is developed; also a photograph.
        text: words; what is understood becomes controls, the rest stays a prompt.
        vary: the controls that change from picture to picture; none: those left open.
        size: width and height in pixels.
        seed: the same seed gives the same pictures.
        generator: the backend or its name (`lookweave models`); None: the embedded one.
        settings: of a backend that is named.
        leaving: what leaves with each picture: badge, layers, content credentials; None: a label.
        cache: where fitted garments are kept; None: in `out`.
        progress: show it on stderr.

    Raises:
        InputError: a control, a photo or the folder cannot be used, a garment may not be used, or
            [studio] is missing.
        WorkError: a garment cannot be fitted well.
        ModelError: this machine cannot render.
    """
    try:
        from lookweave.studio.shoot import job
        from lookweave.studio.shoot.leaving import PLAIN
        from lookweave.studio.shoot.record import Shoot
    except ImportError as error:
        raise InputError(
            f"Photo-shoots need the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    if recipe is not None:
        if garments or any((wearer, pose, camera, scene, light, style, text, vary)):
            raise InputError("Give a recipe or controls, not both.")
        asked = Shoot.read(path_of(recipe, "recipe"))
    else:
        several = _several(garments)
        asked = job.asked(
            [_garment(one, workspace) for one in several], wearer=wearer, pose=pose, camera=camera,
            scene=os.fspath(scene) if isinstance(scene, os.PathLike) else scene, light=light,
            style=style, text=text, vary=vary, size=size, seed=seed,
        )  # fmt: skip
    maker = _maker(generator, settings)
    kept = None if cache is None else path_of(cache, "cache")
    with Progress(quiet=not progress) as shown:
        shown.start("shoot", positive("count", count), "pictures")
        result = job.run(
            asked, path_of(out, "out"), count, generator=maker, leaving=leaving or PLAIN,
            cache=kept,
            done=lambda file: shown.advance(1),
        )  # fmt: skip
        shown.end(f", {result.made} made, in {result.folder}")
    return ShootResult.of(result)


def _garment(one: Any, workspace: AnyPath | Workspace | None) -> Any:
    """A garment as the studio takes it; one that a workspace names is looked up and checked."""
    if not isinstance(one, (str, os.PathLike)):
        return one
    name = str(path_of(one, "a garment"))
    if workspace is None:
        if not Path(name).is_file():
            raise InputError(
                f"The garment's photo {name} is no file. If it is an id or an article's number, "
                "say of which workspace (--workspace WS)."
            )
        return name
    from lookweave.wardrobe import garment_named

    opened = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
    found = garment_named(opened._store, os.fspath(one))
    if found.note:
        _log.info("%s", found.note)
    return {"photo": found.photo, "words": found.words, "category": found.category}


def _maker(given: Generator | str | None, settings: Mapping[str, Any] | None) -> Generator | None:
    """The backend that is meant."""
    from lookweave.studio.shoot import backends

    if isinstance(given, str):
        return backends.generator(given, dict(settings or {}))
    if settings:
        raise InputError("Settings belong to a backend that is named.")
    return given


def _several(given: Any) -> list[Any]:
    if given is None:
        return []
    return [given] if isinstance(given, (str, os.PathLike, Mapping)) else list(given)


@told()
def judge(
    pictures: Inputs | None = None,
    *,
    against: AnyPath | Sequence[AnyPath | Mapping[str, Any] | Garment] | None = None,
    workspace: AnyPath | Workspace | None = None,
    shoot: AnyPath | None = None,
    text: str = "",
    among: AnyPath | None = None,
    out: AnyPath | None = None,
    cache: AnyPath | None = None,
    progress: bool = False,
) -> Judged:
    """Measure pictures of garments, made here or anywhere, with the probes of a shoot.

    Args:
        pictures: files and folders; None: all pictures of `shoot`.
        against: product photos of the garments that every picture is to show, as in
            `lookweave.shoot`; None: those of `shoot`.
        workspace: where garments that are no files are looked up, as in `lookweave.shoot`.
        shoot: the ``shoot.json`` that says what was asked (extra ``[studio]``). Only with it pose,
            light and finish can be held against anything. Pictures are matched by name.
        text: what the pictures are to show in words; that of `shoot` counts else.
        among: a folder of further product photos; each garment's own is ranked among them.
        out: a folder for ``judge.html``, ``judge.json`` and ``contact-sheet.jpg``; None: nowhere.
        cache: where fitted garments are kept; None: beside `shoot`.
        progress: show it on stderr.

    Raises:
        InputError: a picture, a garment or the shoot cannot be used.
        WorkError: no picture can be looked at.
    """
    from lookweave.studio.judge import page
    from lookweave.studio.judge import pictures as looking
    from lookweave.studio.shoot.reading import read_garments

    garments = None
    if against is not None:
        garments = read_garments([_garment(one, workspace) for one in _several(against)])
    others: tuple[Garment, ...] = ()
    if among is not None:
        others = read_garments([str(one) for one in looking.pictures_in([path_of(among, "among")])])
    looker: looking.Judge
    if shoot is not None:
        if text:
            raise InputError("Give a shoot.json, which has its own words, or a text, not both.")
        record = path_of(shoot, "shoot")
        kept = None if cache is None else path_of(cache, "cache")
        looker = looking.ShootJudge(record, garments, others, kept)
        look, places = looker.of_shoot, [record.parent]
    elif garments is None:
        raise InputError("Say what the pictures are to show: --against GARMENT, or --shoot FILE.")
    else:
        looker = looking.Judge(garments, text, others)
        look, places = looker.alone, []
    if pictures is not None:
        places = [path_of(one, "a picture") for one in _several(pictures)]
    paths = looking.pictures_in(places)
    with Progress(quiet=not progress) as shown:
        shown.start("judge", len(paths), "pictures")
        judged, rejects = looking.looked_at(paths, look, lambda: shown.advance(1))
        shown.end(f", {len(rejects)} could not be looked at" if rejects else "")
    looker.close()
    if not judged:
        first = rejects[0]
        raise WorkError(f"No picture could be looked at. {first['file']}: {first['detail']}")
    where = None if out is None else page.write(judged, looker.owns, rejects, path_of(out, "out"))
    found = Judged(
        tuple(ProbedPicture(one.path, tuple(one.rows), one.shoot) for one in judged),
        tuple(own.name for own in looker.owns), tuple(rejects), where,
    )  # fmt: skip
    if where is not None:
        told_ = json.dumps(found.to_dict(), indent=1) + "\n"
        where.with_name("judge.json").write_text(told_, encoding="utf-8")
    return found


@told()
def intervention_matrix(
    garments: Sequence[AnyPath | Mapping[str, Any] | Garment],
    *,
    out: AnyPath,
    workspace: AnyPath | Workspace | None = None,
    shoots: int = 8,
    size: tuple[int, int] = (256, 384),
    seed: int = 0,
    generator: Generator | str | None = None,
    settings: Mapping[str, Any] | None = None,
    cache: AnyPath | None = None,
    progress: bool = False,
) -> Matrix:
    """Move each control of a backend alone and see what every probe says (extra ``[studio]``).

    Args:
        garments: at least two product photos, shown one at a time.
        out: a folder for ``matrix.json``, ``matrix.png`` and ``matrix-pictures.jpg``.
        workspace: where garments that are no files are looked up, as in `lookweave.shoot`.
        shoots: unrelated shoots, at least three; each is made nine times.
        size: width and height of the pictures.
        seed: of what is drawn.
        generator: the backend or its name (`lookweave models`); None: the embedded one.
        settings: of a backend that is named.
        cache: where fitted garments are kept; None: in `out`.
        progress: show it on stderr.

    Raises:
        InputError: too few garments or shoots, or one cannot be used.
        WorkError: a garment cannot be fitted.
    """
    try:
        from lookweave.studio.judge import matrix
        from lookweave.studio.shoot.reading import read_garments
    except ImportError as error:
        raise InputError(
            f"The matrix needs the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    read = read_garments([_garment(one, workspace) for one in garments])
    folder = path_of(out, "out")
    kept = folder / "fitted" if cache is None else path_of(cache, "cache")
    with Progress(quiet=not progress) as shown:
        maker = _maker(generator, settings)
        shown.start("matrix", matrix.pictures_of(shoots), "pictures")
        found = matrix.measure(
            read, shoots=shoots, size=size, seed=seed, generator=maker, cache=kept,
            done=lambda: shown.advance(1),
        )  # fmt: skip
        matrix.write(found, folder)
        shown.end(f", in {folder}")
    return found


@told()
def board(
    pictures: AnyPath | Sequence[AnyPath] = (), words: str = "", *, title: str = "",
    workspace: AnyPath | Workspace | None = None, vlm: Mapping[str, Any] | None = None,
    describer: Describer | None = None, described_by: str = "",
) -> Board:  # fmt: skip
    """A mood board from pictures and words; every entry says where it comes from.

    Args:
        pictures: image files; with `workspace` also ids or names of its looks. Colours and
            contrast are measured, the light is guessed.
        words: looked up in tables that ship; nothing is sent anywhere.
        workspace: where pictures that are no files are looked up. A look that was taken down, or
            whose rights forbid it, is refused.
        vlm: settings of `[vlm]` (url, model, cache …) of a vision-language model that looks at
            the pictures: they are then sent to that address.
        describer: another model that describes photos.
        described_by: its name.

    Raises:
        InputError: there is nothing to go by, a picture cannot be read or may not be used, or the
            words may not be used (a minor, a real person's likeness).
        ModelError: the vision-language model cannot be asked.
    """
    from lookweave.studio import direction

    return direction.board(
        [_look(one, workspace) for one in _several(pictures)], words, title=title, vlm=vlm,
        describer=describer, described_by=described_by,
    )  # fmt: skip


def _look(one: AnyPath, workspace: AnyPath | Workspace | None) -> str:
    name = os.fspath(one)
    if workspace is None or Path(name).is_file():
        return name
    from lookweave.wardrobe import look_named

    opened = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
    return look_named(opened._store, name)


@told()
def campaign(
    catalogue: AnyPath,
    brief: AnyPath,
    *,
    out: AnyPath,
    workspace: AnyPath | Workspace | None = None,
    columns: Mapping[str, str] | None = None,
    base: str | None = None,
    allow_rights: Sequence[str] = (),
    forbid_rights: Sequence[str] = (),
    generator: Generator | str | None = None,
    settings: Mapping[str, Any] | None = None,
    cache: AnyPath | None = None,
    dry_run: bool = False,
    progress: bool = False,
) -> tuple[Plan, Campaign | None]:
    """Show every article of a catalogue in one look, two shots each (extra ``[studio]``).

    Args:
        catalogue: a folder of product photos or a manifest. What its rights or its takedowns
            forbid is not shown.
        brief: a TOML or JSON file: look, shots, size.
        out: a folder, new or of the same campaign, which then goes on.
        workspace: whose takedowns hold too.
        columns: of a manifest, as in `lookweave.build`.
        base: where a manifest's paths begin.
        allow_rights: further phrases that permit, as in `Workspace.publish`.
        forbid_rights: further phrases that forbid.
        generator: the backend, as in `lookweave.shoot`.
        settings: of the backend.
        cache: where fitted garments are kept; None: in `out`.
        dry_run: plan, and make nothing.
        progress: show it on stderr.

    Returns:
        What was left before the start, and what there is now; None after a dry run.

    Raises:
        InputError: the catalogue, the brief or the folder cannot be used.
        WorkError: no article can be shown, or the backend cannot work; the same call goes on.
        ModelError: this machine cannot render.
    """
    try:
        from lookweave import collection
        from lookweave.studio.direction import campaign as making
    except ImportError as error:
        raise InputError(
            f"Campaigns need the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    from lookweave.publish.rights import RightsRules
    from lookweave.sources import Options
    from lookweave.store.takedowns import Takedowns

    file, folder = path_of(brief, "brief"), path_of(out, "out")
    asked = making.Brief.read(file).from_folder(file.absolute().parent)
    standing = None
    if workspace is not None:
        opened = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
        standing = Takedowns(opened._store)
    rules = RightsRules(tuple(allow_rights), tuple(forbid_rights))
    articles, refused, notices = collection.read(
        str(path_of(catalogue, "catalogue")), Options(columns or {}, base), rules, standing
    )
    for notice in notices:
        _log.info("%s", notice)
    maker = _maker(generator, settings)
    kept = None if cache is None else path_of(cache, "cache")
    before = making.plan(asked, articles, folder, generator=maker, cache=kept)
    if dry_run:
        return before, None
    with Progress(quiet=not progress) as shown:
        for line in before.lines() if progress else ():
            shown.say(line)
        shown.start("campaign", len(articles), "articles")
        made = making.run(
            asked, articles, refused, folder, generator=maker, cache=kept,
            done=lambda article: shown.advance(1),
        )  # fmt: skip
        shown.end(f", {made.made} pictures made, {len(made.refused)} articles not shown")
    return before, made


@told()
def outfits(
    wardrobe: AnyPath, *, rules: AnyPath | None = None, count: int = 20,
    columns: Mapping[str, str] | None = None, base: str | None = None, progress: bool = False,
) -> Outfits:  # fmt: skip
    """Outfits of one's own garments, by rules of layers and colours (extra ``[studio]``).

    Nothing leaves this machine.

    Args:
        wardrobe: a folder of photos, one garment each, whose sub-folders may be named after
            categories, or a manifest.
        rules: a TOML file like the ``outfits.toml`` that ships; None: that one.
        count: outfits, the best first.
        columns: of a manifest, as in `lookweave.build`.
        base: where a manifest's paths begin.
        progress: show it on stderr.

    Raises:
        InputError: the wardrobe or the rules cannot be used, or no garments make an outfit.
    """
    try:
        from lookweave import collection
        from lookweave.studio.direction import outfits as making
    except ImportError as error:
        raise InputError(
            f"Outfits need the extra [studio] ({error.name} is missing): "
            "pip install 'lookweave[studio]'"
        ) from error
    from lookweave.publish.rights import RightsRules
    from lookweave.sources import Options

    asked = making.read_rules(None if rules is None else path_of(rules, "rules"))
    articles, refused, _ = collection.read(
        str(path_of(wardrobe, "wardrobe")), Options(columns or {}, base), RightsRules()
    )
    with Progress(quiet=not progress) as shown:
        shown.start("outfits", len(articles), "garments")
        known, unfit = making.seen(articles, asked, lambda: shown.advance(1))
        shown.end(f", {len(unfit)} cannot be used" if unfit else "")
    found = making.outfits(known, asked, positive("count", count))
    return making.Outfits(tuple(known), found, (*refused, *unfit))

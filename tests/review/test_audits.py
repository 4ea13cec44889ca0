from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image
from scipy.stats import binomtest
from tests.built import build
from tests.review.events import verdict

import lookweave
from lookweave.errors import InputError
from lookweave.review.audits import AuditResult, lower_bound, published, refused, result
from lookweave.review.journal import Journal
from lookweave.store.audits import samples
from lookweave.store.workspace import Workspace

Folders = tuple[Path, Path, Path]
WHOLE = (0.0, 0.0, 1.0, 1.0)  # the detector of these tests takes the whole photo


@pytest.fixture
def path(tmp_path: Path, built: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "ws"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders) -> Path:
    out = tmp_path_factory.mktemp("built") / "ws"
    build(out, photo_folders)
    return out


def tier_of(path: Path) -> str:
    return str(Workspace.open(path).table("pairs").read().to_pylist()[0]["tier"])


def say(
    path: Path, found: AuditResult, at: int, what: str, who: str = "ann", **more: object
) -> None:
    (sample,) = [one for one in samples(Workspace.open(path)) if one.name == found.name]
    garment, look, region = sample.pairs[at]
    event = verdict(
        what, who, garment=garment, look=look, region=region, box=WHOLE, queue=sample.name, **more
    )
    Journal(path).append([event])


def test_bounds_are_clopper_and_pearsons() -> None:
    for right, size in ((583, 600), (59, 59), (0, 10), (1, 3)):
        expected = binomtest(right, size, alternative="greater").proportion_ci(0.95, method="exact")
        assert lower_bound(right, size, 0.05) == pytest.approx(expected.low)
    assert lower_bound(59, 59, 0.05) > 0.95 > lower_bound(58, 58, 0.05)


def test_a_sample_is_drawn_once_and_kept_with_its_probabilities(path: Path) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    count = len(workspace.pairs(tier))
    found = workspace.audit(tier, n=3)
    assert (found.population, found.size, found.inclusion) == (count, 3, 3 / count)
    assert found.current and found.judged == 0 and found.lower == 0.0 and found.upper == 1.0
    assert "Nothing is judged yet" in found.text()
    (sample,) = samples(Workspace.open(path))
    assert len(set(sample.pairs)) == 3 and set(sample.pairs) <= set(sample.frozen_pairs())
    assert lookweave.open(path).audit(tier).name == found.name
    other = workspace.audit(tier, n=3, seed=5)  # nothing was said: it may be drawn anew
    assert other.seed == 5
    say(path, other, 0, "same")
    with pytest.raises(InputError, match="is being judged already"):
        workspace.audit(tier, n=4)
    assert workspace.audit(tier).judged == 1
    with pytest.raises(InputError, match="A tier is high, medium, low or candidates"):
        workspace.audit("best")


def test_who_cannot_tell_counts_as_wrong_and_a_third_decides(path: Path) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    found = workspace.audit(tier, n=4)
    for who in ("ann", "ben"):
        say(path, found, 0, "same", who)
        say(path, found, 1, "unsure", who)
    say(path, found, 2, "same")
    say(path, found, 2, "unsure", "ben")
    say(path, found, 3, "same", "cy", score_shown=True)  # not blind
    told = workspace.audit(tier)
    assert (told.judged, told.right, told.tied) == (3, 1, 1)
    assert told.lower == pytest.approx(lower_bound(1, 4, 0.05))
    assert told.upper == pytest.approx(1 - lower_bound(2, 4, 0.05))
    say(path, found, 2, "same", "cy")
    told = workspace.audit(tier)
    assert (told.right, told.tied, told.reviewers) == (2, 0, ("ann", "ben", "cy"))
    assert (told.judged_twice, told.agreement, told.kappa) == (2, 1.0, None)
    assert "2 are right (66.7%), 1 are not, or cannot be told" in told.paragraph()


def test_an_audits_verdicts_choose_no_pair_and_teach_nothing(
    path: Path, photo_folders: Folders
) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    before = workspace.pairs()
    found = workspace.audit(tier)
    say(path, found, 0, "no")
    say(path, found, 1, "same")
    say(path, found, 1, "same", "ben")
    build(path, photo_folders)
    again = lookweave.open(path)
    assert again.pairs().table.equals(before.table)
    assert Workspace.open(path).table("reviews").count() == 0
    assert again.audit(tier).current
    # The same verdict outside of it does choose, and then the audit is of another tier.
    (sample,) = samples(Workspace.open(path))
    garment, look, region = sample.pairs[0]
    Journal(path).append([verdict("no", garment=garment, look=look, region=region, box=WHOLE)])
    build(path, photo_folders)
    renewed = lookweave.open(path).audit(tier)
    assert renewed.name != found.name and renewed.judged == 0


def test_a_sheet_goes_out_and_comes_back(path: Path, tmp_path: Path) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    found = workspace.audit(tier, n=3, sheet=tmp_path / "sheet")
    assert found.sheet == str(tmp_path / "sheet")
    file = tmp_path / "sheet" / "sheet.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 3
    for row in rows:
        with Image.open(tmp_path / "sheet" / row["picture"]) as picture:
            assert picture.width > picture.height > 100
        assert row["verdict"] == "" and not {"score", "probability", "tier"} & row.keys()
    page = (tmp_path / "sheet" / "sheet.html").read_text(encoding="utf-8")
    assert page.count("<article") == 3 and rows[0]["picture"] in page
    with pytest.raises(InputError, match="holds something"):
        workspace.audit(tier, sheet=tmp_path / "sheet")

    def filled(*words: str, delimiter: str = ",") -> Path:
        with file.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, rows[0], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(
                {**row, "verdict": word} for row, word in zip(rows, words, strict=True)
            )
        return file

    with pytest.raises(InputError, match="--reviewer"):
        workspace.audit(tier, read=filled("same", "", ""))
    with pytest.raises(InputError, match=r"line 3: a verdict is same.*not 'maybe'"):
        workspace.audit(tier, read=filled("same", "maybe", ""), reviewer="ann")
    told = workspace.audit(tier, read=filled("Yes", "no", "", delimiter=";"), reviewer="ann")
    assert (told.read, told.judged, told.right) == (2, 2, 1)
    assert workspace.audit(tier, read=file, reviewer="ann").read == 0
    told = workspace.audit(tier, read=filled("no", "no", "unsure"), reviewer="ann")
    assert (told.read, told.judged, told.right) == (2, 3, 0)
    rows[0]["garment"] = "0" * 20
    with pytest.raises(InputError, match="line 2: this pair was not drawn"):
        workspace.audit(tier, read=filled("same", "", ""), reviewer="ann")


def test_what_is_down_is_neither_drawn_nor_shown(path: Path, tmp_path: Path) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    found = workspace.audit(tier)
    (sample,) = samples(Workspace.open(path))
    gone = sample.pairs[0][1]
    workspace.take_down(gone)
    lookweave.open(path).audit(tier, sheet=tmp_path / "sheet")
    page = (tmp_path / "sheet" / "sheet.csv").read_text(encoding="utf-8")
    assert gone not in page
    fresh = lookweave.open(path).audit(tier)
    assert fresh.name != found.name and fresh.population < found.population


def test_the_card_tells_the_audit_and_wrong_pairs_stay_in(path: Path, tmp_path: Path) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    found = workspace.audit(tier)
    for at in range(found.size):
        say(path, found, at, "no" if at == 0 else "same")
    told = workspace.audit(tier)
    done = workspace.publish(tmp_path / "set")
    assert done.held_back["refused_in_audit"] == 1
    assert done.total == len(workspace.pairs()) - 1
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert told.paragraph() in card
    assert f"Of {found.population} {tier} pairs, {found.size} were drawn at random" in card


def test_of_a_part_of_a_tier_only_that_part_counts(path: Path) -> None:
    workspace, tier = lookweave.open(path), tier_of(path)
    found = workspace.audit(tier)
    for at in range(found.size):
        say(path, found, at, "no" if at == 0 else "same")
    store = Workspace.open(path)
    (sample,) = samples(store)
    part = sample.pairs[:3]
    told = result(store, sample, only=part)
    assert (told.population, told.size, told.judged, told.right) == (3, 3, 3, 2)
    assert "Of 3 " in published(store, tier, part)
    strange = ("g", "l", "r")
    assert "chosen anew since" in published(store, tier, [*part, strange])
    assert refused(store) == {sample.pairs[0]}
    assert published(store, "no such tier", part) == ""

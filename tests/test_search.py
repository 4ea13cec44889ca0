from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookweave.building import build_workspace, open_workspace
from lookweave.errors import InputError
from lookweave.models.attributes import attribute_vector
from lookweave.models.cards import models_of
from lookweave.models.protocols import Description
from lookweave.progress import Progress
from lookweave.search import Wish, _why_nothing, search, together

Folders = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders) -> Any:
    folder = tmp_path_factory.mktemp("search")
    catalogue = ["path,title,brand"]
    for number, path in enumerate(sorted(photo_folders[0].iterdir())):
        catalogue.append(f"{path},{'Aurora blouse' if number == 4 else 'Shirt'},Maison {number}")
    (folder / "catalogue.csv").write_text("\n".join(catalogue), encoding="utf-8")
    flags = {
        "garments": (str(folder / "catalogue.csv"),), "looks": (str(photo_folders[1]),), "models": "whole-photo",
    }  # fmt: skip
    build_workspace(folder / "ws", flags, Progress(quiet=True))
    return open_workspace(folder / "ws")


def test_words_become_attributes() -> None:
    wish = Wish.parse("Red floral midi dress, long sleeve")
    assert wish.attributes == {
        "category": ("dress",), "colours": ("red",), "pattern": ("floral",), "sleeve": ("long",), "length": ("midi",),
    }  # fmt: skip
    assert Wish.parse("long-sleeved tee").attributes == {"category": ("top",), "sleeve": ("long",)}


def test_a_description_has_to_be_all_that_is_asked_for() -> None:
    said = [
        {"category": {"dress": 0.6, "skirt": 0.4}, "colours": {"red": 0.6, "black": 0.4}},
        {"category": {"dress": 1.0}, "colours": {"blue": 1.0}},
        {"category": {"bag": 1.0}, "colours": {"red": 1.0}},
        {"category": {"dress": 0.6, "skirt": 0.4}},
    ]
    rows = np.stack([attribute_vector(Description(one)) for one in said])
    both, blue, bag, unsaid = Wish.parse("red dress").agreement(rows).tolist()
    assert both > unsaid > max(blue, bag) > 0
    assert both == pytest.approx(np.sqrt(0.61 * 0.97) - 0.01, abs=1e-5)
    assert Wish.parse("aurora").agreement(rows).tolist() == [0.0] * 4


def test_a_colour_that_would_be_named_counts_nearly_whole_and_the_others_hardly() -> None:
    shares = [
        {"red": 1.0}, {"red": 0.3, "white": 0.7}, {"red": 0.15, "white": 0.85}, {"white": 1.0},
    ]  # fmt: skip
    rows = np.stack([attribute_vector(Description({"colours": one})) for one in shares])
    red = Wish.parse("red").agreement(rows)
    assert red.tolist() == pytest.approx([1.0, 0.93, 0.0075, 0.0], abs=1e-5)
    assert Wish.parse("red and white").agreement(rows).argmax() == 1


def test_a_colour_is_found_and_the_answer_says_how_it_was(opened: Any) -> None:
    found = search(*opened, words="a blue shirt", kind="garment", top=3)
    assert found["by"] == (
        "text in the space of lookweave-encoder, and words of lookweave-describer and of the catalogue"
    )
    names = [hit["name"] for hit in found["results"]]
    assert len(names) == 3 and len(set(names)) == 3
    assert "blue" in found["results"][0]["what"]
    scores = [hit["score"] for hit in found["results"]]
    assert scores == sorted(scores, reverse=True)


def test_regions_are_ranked_by_description_and_text_together(opened: Any) -> None:
    workspace, config = opened
    words = "black dress"
    models = models_of(config)
    vectors = workspace.embeddings(models.encoder.key, models.encoder.dimension).read()
    vectors = {row["subject"]: row["vector"] for row in vectors.to_pylist()}
    looks = workspace.table("descriptions").read(where="kind = 'look'").to_pylist()
    agreement = Wish.parse(words).agreement(np.array([row["attributes"] for row in looks]))
    text = models.encoder.load(config.models_dir).encode_text([words])[0]
    similarity = np.array([vectors[row["subject"]] for row in looks]) @ text
    expected = sorted(together(agreement, similarity), reverse=True)[:3]
    found = search(workspace, config, words=words, kind="look", top=3)["results"]
    assert [hit["score"] for hit in found] == pytest.approx(expected, abs=1e-5)


def test_words_of_the_catalogue_count(opened: Any, photo_folders: Folders) -> None:
    found = search(*opened, words="aurora", kind="garment", top=1)["results"]
    assert found[0]["name"].endswith("g004.jpg")


def test_words_that_the_encoder_does_not_read_are_left_to_the_catalogue(opened: Any) -> None:
    found = search(*opened, words="aurora top", kind="garment", top=30)
    assert len(found["results"]) > 6 and found["results"][0]["name"].endswith("g004.jpg")
    assert "reads none of them" in search(*opened, words="aurora", kind="garment")["by"]


def test_a_photo_finds_itself_first_and_its_look_among_the_looks(
    opened: Any, photo_folders: Folders
) -> None:
    query = sorted(photo_folders[0].iterdir())[2]
    found = search(*opened, image=query, kind="garment", top=3)["results"]
    assert found[0]["name"].endswith(query.name) and found[0]["score"] > 0.9
    assert len(found[0]["box"]) == 4
    looks = search(*opened, image=query, kind="look", top=12)["results"]
    assert {hit["kind"] for hit in looks} == {"look"} and len(looks) == 12


def test_wrong_queries_are_sentences(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="garment or look"):
        search(*opened, words="x", kind="shoe")
    with pytest.raises(InputError, match="no words"):
        search(*opened, words=" ,. ")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 not a photo")
    with pytest.raises(InputError, match="cannot be searched with"):
        search(*opened, image=broken)


def test_a_query_of_words_that_nothing_has_finds_nothing(opened: Any) -> None:
    found = search(*opened, words="zzz qqq")
    assert found["results"] == [] and "has the words zzz, qqq" in found["note"]
    assert "Did you mean" not in found["note"]


def test_a_word_is_not_offered_in_its_own_place(opened: Any) -> None:
    workspace, config = opened
    models = models_of(config)
    assert "Did you mean blazer?" in _why_nothing(workspace, models, "blazr", ("garment",))
    why = _why_nothing(workspace, models, "blazer", ("garment",))
    assert "is described as blazer" in why and "Did you mean" not in why


def test_a_photo_with_its_own_orientation_and_mode_can_be_searched_with(
    opened: Any, tmp_path: Path, photo_folders: Folders
) -> None:
    query = Image.open(sorted(photo_folders[0].iterdir())[2]).convert("CMYK")
    query.save(tmp_path / "q.tif")
    assert search(*opened, image=tmp_path / "q.tif", kind="garment", top=1)["results"]

"""The truth that comes out of each layout, and what is said of a part that is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.benchmark import miniatures

from lookweave.benchmark.content import Benchmark, Task
from lookweave.benchmark.readers import READERS, read_benchmark
from lookweave.errors import InputError


def read(name: str, root: Path) -> Benchmark:
    miniatures.MINIATURES[name](root)
    return read_benchmark(name, root)


def right(task: Task, meaning: str | None = None) -> list[list[int]]:
    chosen = meaning or next(iter(task.relevant))
    return [row.tolist() for row in task.relevant[chosen]]


def names(items: object) -> list[str]:
    return [one.photo.name for one in items]  # type: ignore[attr-defined]


def test_every_benchmark_has_a_miniature() -> None:
    assert list(miniatures.MINIATURES) == list(READERS)


def test_deepfashion2(tmp_path: Path) -> None:
    (task,) = read("deepfashion2", tmp_path).tasks
    # An item of style 0 is no query, but has its place among the items of its photo.
    assert names(task.queries) == ["validation/image/000001.jpg"] * 2 + [
        "validation/image/000002.jpg"
    ]
    assert [len(one.boxes) for one in task.queries] == [3, 3, 1]
    # The same pair in another style is another garment: the dress of photo 2 has no match.
    assert right(task) == [[0], [2], []]
    assert [one.difficulty for one in task.queries] == ["occlusion slight", "occlusion heavy", "occlusion medium"]  # fmt: skip
    assert task.queries[1].wanted == {"trousers", "jeans"}
    assert task.queries[1].category == "trousers"
    assert task.queries[1].box == (0.0, 30.0, 40.0, 64.0)
    assert [len(one.boxes) for one in task.gallery] == [2, 1, 2]
    assert (task.regions, task.detections, task.cutoffs) == ("found", True, (1, 5, 10, 15, 20))


def test_in_shop(tmp_path: Path) -> None:
    (task,) = read("in-shop", tmp_path).tasks
    assert len(task.queries) == 2 and len(task.gallery) == 3
    assert right(task) == [[0, 1], [2]]
    assert task.queries[0].box == (4.0, 8.0, 40.0, 60.0)
    assert [one.category for one in task.queries] == ["WOMEN/Dresses", "MEN/Denim"]
    assert task.queries[0].photo.path.is_file()
    assert task.regions == "whole"


def test_in_shop_cut_short(tmp_path: Path) -> None:
    miniatures.in_shop(tmp_path)
    lists = tmp_path / "Eval/list_eval_partition.txt"
    lists.write_text("\n".join(lists.read_text().splitlines()[:-2]))
    with pytest.raises(InputError, match="says 6 rows and has 4"):
        read_benchmark("in-shop", tmp_path)


def test_consumer_to_shop(tmp_path: Path) -> None:
    (task,) = read("consumer-to-shop", tmp_path).tasks
    # A consumer's photo of two pairs asks once; shops' photos of validation are in the gallery,
    # those of training are not.
    assert [name.split("Blouse/")[1] for name in names(task.queries)] == ["id_1/comsumer_01.jpg", "id_4/comsumer_01.jpg"]  # fmt: skip
    assert [name.split("Blouse/")[1] for name in names(task.gallery)] == [
        "id_1/shop_01.jpg", "id_1/shop_02.jpg", "id_2/shop_01.jpg", "id_4/shop_01.jpg"]  # fmt: skip
    assert right(task) == [[0, 1], [3]]
    assert task.queries[0].box == (2.0, 2.0, 46.0, 62.0)


def test_consumer_to_shop_with_sides_exchanged(tmp_path: Path) -> None:
    miniatures.consumer_to_shop(tmp_path)
    boxes = tmp_path / "Anno/list_bbox_consumer2shop.txt"
    boxes.write_text(boxes.read_text().replace("comsumer_01.jpg 1 2", "comsumer_01.jpg 1 1"))
    with pytest.raises(InputError, match="is of source 1, its pair says 2"):
        read_benchmark("consumer-to-shop", tmp_path)


def test_dress_code(tmp_path: Path) -> None:
    benchmark = read("dress-code", tmp_path)
    assert [task.name for task in benchmark.tasks] == ["all", "upper_body", "dresses"]
    # Equal file names of two folders are two garments, and the unpaired list is no truth.
    assert right(benchmark.tasks[0]) == [[0], [1], [2], [3]]
    assert right(benchmark.tasks[2]) == [[0], [1]]
    assert names(benchmark.tasks[2].queries)[0] == "dresses/images/000000_0.jpg"
    assert names(benchmark.tasks[2].gallery)[0] == "dresses/images/000000_1.jpg"
    assert all(task.both_ways for task in benchmark.tasks)
    assert benchmark.notes == ("No pairs of lower_body are there.",)
    other = benchmark.tasks[0].turned()
    assert names(other.queries) == names(benchmark.tasks[0].gallery)
    assert right(other) == [[0], [1], [2], [3]]


def test_dress_code_by_the_copy_at_the_root(tmp_path: Path) -> None:
    miniatures.dress_code(tmp_path)
    for folder in ("upper_body", "dresses"):
        (tmp_path / folder / "test_pairs_paired.txt").unlink()
    miniatures.write(
        tmp_path / "test_pairs_paired.txt",
        "000001_0.jpg 000001_1.jpg 2\n000000_0.jpg 000000_1.jpg 0\n",
    )
    all_, upper, dresses = read_benchmark("dress-code", tmp_path).tasks
    assert names(all_.queries) == ["dresses/images/000001_0.jpg", "upper_body/images/000000_0.jpg"]
    assert (len(upper.queries), len(dresses.queries)) == (1, 1)


def test_the_unpaired_list_alone_is_refused(tmp_path: Path) -> None:
    miniatures.dress_code(tmp_path)
    for folder in ("upper_body", "dresses"):
        (tmp_path / folder / "test_pairs_paired.txt").unlink()
    with pytest.raises(InputError, match=r"upper_body/test_pairs_paired\.txt"):
        read_benchmark("dress-code", tmp_path)


def test_viton_hd(tmp_path: Path) -> None:
    (task,) = read("viton-hd", tmp_path).tasks
    assert right(task) == [[0], [1]]  # by name; test_pairs.txt says otherwise
    assert names(task.gallery)[-1] == "test/cloth/00003_00.jpg"
    assert len(task.turned().queries) == 2
    (tmp_path / "test/cloth/00001_00.jpg").unlink()
    benchmark = read_benchmark("viton-hd", tmp_path)
    assert right(benchmark.tasks[0]) == [[0]]
    assert "1 photos of models have no garment" in benchmark.notes[0]


def test_street2shop(tmp_path: Path) -> None:
    benchmark = read("street2shop", tmp_path)
    (task,) = benchmark.tasks
    # One garment of two products asks once; a dead street photo does not ask; nor does a garment
    # whose only product photo is dead.
    assert names(task.queries) == ["images/000000001.jpg"]
    assert task.queries[0].box == (4.0, 2.0, 44.0, 52.0)
    assert right(task) == [[0, 1, 2]]
    assert len(task.gallery) == 4  # the products of training are there, too
    assert benchmark.notes[0] == "2 of 8 addresses of photos.txt have no photo here."
    assert "1 garments in street photos are asked; 1 are not" in benchmark.notes[1]
    assert "and 1 because no photo of their product is" in benchmark.notes[1]


def test_lookbench(tmp_path: Path) -> None:
    benchmark = read("lookbench", tmp_path)
    (task,) = benchmark.tasks
    assert benchmark.notes == ("Version v20251201 is read.",)
    assert right(task, "item") == [[0], [2]]  # a distractor is nobody's garment, whatever it says
    assert right(task, "fine") == [[0, 3], [1, 2, 4]]
    assert next(iter(task.relevant)) == "item"
    assert [one.difficulty for one in task.queries] == ["easy", "hard"]
    assert len(read_benchmark("lookbench", tmp_path / "v20251201").tasks) == 1


def test_lrvsf(tmp_path: Path) -> None:
    (task,) = read("lrvs-f", tmp_path).tasks
    assert right(task) == [[0], [1], [2]]
    assert (len(task.gallery), task.distractors) == (7, 3)
    assert task.queries[0].wanted == {"top", "shirt", "knitwear", "vest"}
    assert task.queries[1].wanted == frozenset()
    assert task.gallery[5].photo.name == "distractors/00001.parquet#jpg/0"


def test_lrvsf_by_its_metadata(tmp_path: Path) -> None:
    miniatures.lrvsf_metadata(tmp_path)
    benchmark = read_benchmark("lrvs-f", tmp_path)
    (task,) = benchmark.tasks
    # The i-th query belongs to the i-th item, in whatever order the lists are.
    assert names(task.queries) == ["photos/00000.parquet#jpg/0", "photos/00000.parquet#jpg/1"]
    assert names(task.gallery) == [f"photos/00000.parquet#jpg/{row}" for row in (3, 4, 6)]
    assert right(task) == [[0], [1]] and task.distractors == 2
    assert benchmark.notes[0].startswith("2 of 3 products and 1 of 2 distractors")


def test_garments2look(tmp_path: Path) -> None:
    benchmark = read("garments2look", tmp_path)
    (task,) = benchmark.tasks
    assert names(task.queries) == ["mytheresa/looks-resized/women/look1.png", "mytheresa/looks-resized/men/look2.jpg"]  # fmt: skip
    assert names(task.gallery)[0] == "mytheresa/images/P1/P1_full.jpg"
    assert right(task) == [[0, 1], [1, 2]]  # the bag belongs to both; U7 and P5 have no photo
    assert right(task.turned()) == [[0], [0, 1], [1]]
    assert [one.difficulty for one in task.queries] == ["photographed", "generated"]
    assert "mytheresa: mytheresa_outfit_v1.1_2512.json is read." in benchmark.notes
    assert "mytheresa: 1 looks of the test section have no photo here." in benchmark.notes


def test_folder(tmp_path: Path) -> None:
    forward, backward = read("folder", tmp_path).tasks
    assert right(forward) == [[0], [0, 1]] and len(forward.gallery) == 4
    assert right(backward) == [[0, 1], [1]] and len(backward.gallery) == 3
    assert [one.cluster for one in forward.queries] == ["one", "two"]
    assert [one.category for one in forward.queries] == ["t-shirt", "coat"]
    assert [one.difficulty for one in backward.queries] == ["front", "back"]


def test_a_folder_whose_truth_names_strangers(tmp_path: Path) -> None:
    miniatures.folder(tmp_path)
    with (tmp_path / "truth.csv").open("a") as truth:
        truth.write("g9.jpg;l0.jpg;;;\n")
    with pytest.raises(InputError, match=r"no file of garments called 'g9\.jpg'"):
        read_benchmark("folder", tmp_path)


MISSING = [
    ("deepfashion2", "val_query.json"),
    ("deepfashion2", "validation/annos/000002.json"),
    ("in-shop", "Eval/list_eval_partition.txt"),
    ("consumer-to-shop", "Anno/list_bbox_consumer2shop.txt"),
    ("street2shop", "meta/json/retrieval_dresses.json"),
    ("street2shop", "photos/photos.txt"),
    ("lookbench", "v20251201/real_studio_flat/gallery.parquet"),
    ("lookbench", "v20251201/noise/gallery.parquet"),
    ("garments2look", "mytheresa_image_v1.0_2512.json"),
    ("folder", "truth.csv"),
]


@pytest.mark.parametrize(("name", "part"), MISSING)
def test_a_missing_part_is_named(name: str, part: str, tmp_path: Path) -> None:
    miniatures.MINIATURES[name](tmp_path)
    (tmp_path / part).unlink()
    with pytest.raises(InputError) as told:
        read_benchmark(name, tmp_path)
    place = part.replace("gallery.parquet", "*.parquet") if "noise" in part else part
    assert str(tmp_path / place) in str(told.value)


FOLDERS = [
    ("deepfashion2", "validation/image"), ("in-shop", "Img/img"), ("dress-code", "dresses/images"),
    ("viton-hd", "test/cloth"), ("street2shop", "images"), ("lrvs-f", "distractors"),
    ("garments2look", "mytheresa/looks-resized"), ("folder", "looks"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "folder"), FOLDERS)
def test_a_missing_folder_is_named(name: str, folder: str, tmp_path: Path) -> None:
    miniatures.MINIATURES[name](tmp_path)
    (tmp_path / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=re.escape(str(tmp_path / folder))):
        read_benchmark(name, tmp_path)


DAMAGE: list[tuple[str, str, Callable[[str], str], str]] = [
    ("deepfashion2", "val_query.json", lambda text: text[:-3], "no JSON"),
    ("deepfashion2", "val_query.json", lambda text: text.replace('"cls": 12', '"cls": 14'), "1 to 13"),
    ("deepfashion2", "val_gallery.json", lambda text: text.replace('"style"', '"styles"'), "no style"),
    ("in-shop", "Eval/list_eval_partition.txt", lambda text: text.replace(" query", " test"), "'test'"),
    ("consumer-to-shop", "Eval/list_eval_partition.txt", lambda text: text.partition("\n")[2], "first line"),
    ("street2shop", "photos/photos.txt", lambda text: "number,url\n" + text, "'number'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "part", "damage", "told"), DAMAGE)
def test_a_damaged_list_is_told(
    name: str, part: str, damage: Callable[[str], str], told: str, tmp_path: Path
) -> None:
    miniatures.MINIATURES[name](tmp_path)
    path = tmp_path / part
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match=told):
        read_benchmark(name, tmp_path)


def test_an_unknown_benchmark_is_told_which_are_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in-shop"):
        read_benchmark("inshop", tmp_path)


def test_a_list_with_something_else_in_it(tmp_path: Path) -> None:
    miniatures.deepfashion2(tmp_path)
    (tmp_path / "val_query.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(InputError, match="list of entries"):
        read_benchmark("deepfashion2", tmp_path)

"""What `datasets`, `webdataset` and `mlcroissant` make of a publication."""

from __future__ import annotations

import ast
import csv
import hashlib
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import mlcroissant
import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image
from tests.publish.shop import DETECTOR, LOOK_SIZE, SHAPE, Publisher, Shop, drawn

from lookweave.config import Config
from lookweave.errors import PublishError
from lookweave.publish.card import tier_definitions


def load(folder: Path, name: str | None, **more: Any) -> Any:
    return datasets.load_dataset(str(folder), name, **more)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_datasets_opens_every_tier_and_all_of_them(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    summary = publish_shop(shop, tmp_path / "out")
    for tier in ("high", "medium"):
        opened = load(tmp_path / "out", tier)
        found = {(tier, split): rows.num_rows for split, rows in opened.items()}
        assert found == {key: count for key, count in SHAPE.items() if key[0] == tier}
    everything = load(tmp_path / "out", None)
    assert sum(rows.num_rows for rows in everything.values()) == sum(SHAPE.values())
    assert summary["pairs"]["high"] == {"train": 4, "validation": 1, "test": 1}
    assert summary["total"] == sum(SHAPE.values())
    assert datasets.get_dataset_config_names(str(tmp_path / "out")) == ["default", "high", "medium"]


def test_images_decode_and_the_box_is_where_the_garment_is(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    look = Image.new("RGB", (1200, 1800), (250, 250, 250))
    look.paste((200, 20, 20), (300, 600, 800, 1400))
    garment = empty_shop.photo("garment", "g.jpg", title="Red dress", price=12.5)
    empty_shop.cut_out(garment)
    look_id = empty_shop.photo("look", "l.png", image=look, format="PNG")
    region = empty_shop.region(look_id, (300.0, 600.0, 800.0, 1400.0))
    empty_shop.pair(garment, look_id, region, "high", "train", verified_by=["mia"])
    publish_shop(empty_shop, tmp_path / "out", max_side=600, region_side=500)

    rows = load(tmp_path / "out", "high", split="train")
    assert rows.features["look_image"] == datasets.Image()
    assert rows.features["region_mask"] == datasets.Image()
    assert rows.features["region_box"] == datasets.List(datasets.Value("float32"), length=4)
    row = rows[0]
    assert row["look_image"].size == (400, 600)
    assert row["region_box"] == [
        100.0,
        200.0,
        pytest.approx(266.667, abs=0.01),
        pytest.approx(466.667, abs=0.01),
    ]
    inside = np.asarray(row["look_image"].crop(tuple(round(edge) for edge in row["region_box"])))
    assert np.abs(inside[4:-4, 4:-4].astype(int) - (200, 20, 20)).max() < 12
    # The crop is finer than the published look: 500 pixels for what there takes 267.
    assert max(row["region_image"].size) == 500
    assert row["region_mask"].size == row["region_image"].size
    assert set(np.unique(np.asarray(row["region_mask"]))) == {0, 255}
    assert row["garment_title"] == "Red dress" and row["garment_price"] == 12.5
    assert row["category"] == "dress" and row["colours"] == ["red", "navy"]
    assert row["region_caption"] == "a dress in a street" and row["scene"] == "street"
    assert row["verified_by"] == ["mia"] and row["garment_id"] == garment
    assert json.loads(row["provenance"])["models"]


def test_a_file_that_is_garment_and_look_is_described_as_the_garment(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    garment, _ = empty_shop.couple("a", "high", "train")
    empty_shop.region(garment, (0.0, 0.0, 50.0, 50.0))  # what was found in it as a look
    publish_shop(empty_shop, tmp_path / "out")
    assert load(tmp_path / "out", "high", split="train")[0]["caption"] == "a red floral dress"


def test_it_streams_from_small_row_groups_in_several_shards(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    publish_shop(shop, tmp_path / "out", row_group_rows=1, shard_bytes=1)
    names = [path.name for path in sorted((tmp_path / "out/data/high").glob("train-*"))]
    assert names == [f"train-{index:05d}-of-00004.parquet" for index in range(4)]
    assert len(list((tmp_path / "out/webdataset/high").glob("train-*.tar"))) == 4
    streamed = load(tmp_path / "out", "high", split="train", streaming=True)
    sizes = [row["look_image"].size for row in streamed]
    assert sizes == [LOOK_SIZE] * 4


def test_row_groups_are_closed_by_their_bytes(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    publish_shop(shop, tmp_path / "out", row_group_bytes=1)
    shard = pq.ParquetFile(tmp_path / "out/data/high/train-00000-of-00001.parquet")
    assert shard.num_row_groups == 4


def test_webdataset_reads_the_same_pairs(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    publish_shop(shop, tmp_path / "out")
    shard = tmp_path / "out/webdataset/high/train-00000.tar"
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode("pil"))
    rows = load(tmp_path / "out", "high", split="train")
    assert [sample["json"]["garment_id"] for sample in samples] == rows["garment_id"][:]
    for sample, row in zip(samples, rows, strict=True):
        assert sample["__key__"] == f"{row['garment_id']}-{row['look_id']}"
        assert sample["look.jpg"].size == row["look_image"].size
        assert sample["region.jpg"].size == sample["mask.png"].size
        assert sample["garment.jpg"].tobytes() == row["garment_image"].convert("RGB").tobytes()
    with tarfile.open(shard) as tar:
        assert {(member.mtime, member.uid, member.mode) for member in tar} == {(0, 0, 0o644)}


def test_mlcroissant_validates_and_reads(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    publish_shop(shop, tmp_path / "out", year=2026, authors="A. Author", licence="cc-by-4.0")
    for left in (".DS_Store", "._train-00000-of-00001.parquet", "train-00000-of-00001.parquet~"):
        (tmp_path / "out/data/high" / left).write_text("left by a program")
    opened = mlcroissant.Dataset(jsonld=str(tmp_path / "out/croissant.json"))
    assert not opened.metadata.ctx.issues.errors
    assert not opened.metadata.ctx.issues.warnings
    records = list(opened.records("high"))
    assert Counter(record["high/split"] for record in records) == {
        b"train": 4, b"validation": 1, b"test": 1,
    }  # fmt: skip
    assert records[0]["high/look_image"].size == LOOK_SIZE
    listed = {
        file["@id"]: file
        for file in json.loads((tmp_path / "out/croissant.json").read_text())["distribution"]
    }
    for path, sha256 in hashes(tmp_path / "out").items():
        if path.endswith((".parquet", ".tar")) and "._" not in path:
            assert listed[path]["sha256"] == sha256


def test_the_same_tables_give_the_same_bytes(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    publish_shop(shop, tmp_path / "one/out")
    publish_shop(shop, tmp_path / "two/out")
    assert hashes(tmp_path / "one/out") == hashes(tmp_path / "two/out")


def test_the_card_counts_what_the_tables_hold(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    taken, _ = shop.couple("gone", "high", "train", garment_taken_down=True)
    publish_shop(shop, tmp_path / "out", title="Street & studio", contact="rights@example.org")
    card = (tmp_path / "out/README.md").read_text()
    assert "| high | 4 | 1 | 1 | 6 |" in card
    assert "| medium | 3 | 0 | 1 | 4 |" in card
    assert "| **all** | **7** | **1** | **2** | **10** |" in card
    assert "There is no configuration for low" in card
    assert "| `taken_down` | 1 |" in card and taken not in card
    assert "not calibrated" in card
    assert "arXiv:2510.00633" in card and "rights@example.org" in card
    assert "| CC-BY-4.0 | allowed | 20 |" in card
    assert f"| {DETECTOR.rpartition('-')[0]} | detector | " in card
    assert tier_definitions(Config()) in card
    assert "{{" not in card.replace("{{Street", "").replace("}}", "")
    assert not re.search(r"\n\n\n", card)


def test_calibrated_scores_are_told_as_such(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    empty_shop.couple("a", "high", "train", calibrated=True, probability=0.9)
    empty_shop.couple("b", "high", "train", calibrated=True, probability=0.8)
    assert publish_shop(empty_shop, tmp_path / "out")["calibrated"]
    card = (tmp_path / "out/README.md").read_text()
    assert "**calibrated**" in card and "high 85.0 %" in card and "not calibrated" not in card


def test_words_of_a_catalogue_cannot_break_the_card(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    empty_shop.couple("a", "high", "train", garment_rights="x | y\n# <script>", look_rights="CC0")
    publish_shop(empty_shop, tmp_path / "out", allow_unknown_rights=True)
    card = (tmp_path / "out/README.md").read_text()
    assert r"| x \| y \# \<script\> | unknown | 1 |" in card


def test_names_and_titles_cannot_break_the_code_in_the_card(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    out = tmp_path / 'my "pub" #1 100%```'
    publish_shop(shop, out, title="50% {off} ``` \\ & more", authors="A {B} ```")
    blocks = re.findall(r"```(\w+)\n(.*?)\n```", (out / "README.md").read_text(), re.DOTALL)
    assert [name for name, _ in blocks] == ["python", "python", "bibtex", "bibtex"]
    call = next(line for line in blocks[0][1].splitlines() if line.startswith("pairs = "))
    named = ast.parse(call.partition("  #")[0]).body[0]
    assert isinstance(named, ast.Assign) and isinstance(named.value, ast.Call)
    assert ast.literal_eval(named.value.args[0]) == out.name
    entry = blocks[2][1]
    assert entry.count("{") == entry.count("}") and r"50\% off \& more" in entry


def test_numbers_that_are_none_are_null_everywhere(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    empty_shop.couple(
        "a", "high", "train", garment_price=float("inf"), s_vlm=float("nan"),
        garment_metadata='{"emb": [NaN, 1.0], "ratio": -Infinity, "word": "NaN"}',
    )  # fmt: skip
    publish_shop(empty_shop, tmp_path / "out", metadata=True)
    row = load(tmp_path / "out", "high", split="train")[0]
    shard = tmp_path / "out/webdataset/high/train-00000.tar"

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    with tarfile.open(shard) as tar:
        text = tar.extractfile(next(m for m in tar if m.name.endswith("json"))).read()  # type: ignore[union-attr]
    sample = json.loads(text, parse_constant=refuse)
    for found in (row, sample):
        assert found["garment_price"] is None and found["s_vlm"] is None
        assert found["garment_products"][0]["price"] is None
        metadata = json.loads(found["garment_metadata"], parse_constant=refuse)
        assert metadata == {"emb": [None, 1.0], "ratio": None, "word": "NaN"}


def test_a_garment_carries_all_its_articles(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    many, _ = empty_shop.couple("a", "high", "train", garment_price=9.5)
    none, _ = empty_shop.couple("b", "high", "validation", garment_sku=None, garment_title=None)
    sizes = [
        {"sku": f"D-{size}", "gtin": None, "title": "Robe", "brand": "M", "style": "D",
         "colour": "rot", "size": size, "price": 9.5, "currency": "EUR", "url": None}
        for size in ("36", "38", "40")
    ]  # fmt: skip
    more = {"listed": True, "taken_down": False, "catalogue": "shop.csv", "metadata": "{}"}
    gone = [
        {**sizes[0], "sku": "D-34", **more, "listed": False},
        {**sizes[0], "sku": "D-44", **more, "taken_down": True},
        # Another catalogue sells one of them, too: a number stands once.
        {**sizes[1], **more, "catalogue": "z.csv"},
    ]
    for index, product in enumerate([*reversed([{**size, **more} for size in sizes]), *gone]):
        empty_shop.write("products", id=str(index), **product)
        empty_shop.write(
            "product_photos", product=str(index), place="a.jpg", garment=many, role="main",
            position=0, listed=True,
        )  # fmt: skip
    publish_shop(empty_shop, tmp_path / "out")
    opened = load(tmp_path / "out", "high")
    row = opened["train"][0]
    assert row["garment_skus"] == ["D-36", "D-38", "D-40"] and row["garment_products"] == [
        sizes[0], sizes[1], sizes[1], sizes[2],
    ]  # fmt: skip
    assert opened["validation"][0]["garment_id"] == none
    assert (
        opened["validation"][0]["garment_skus"] == opened["validation"][0]["garment_products"] == []
    )
    shard = tmp_path / "out/webdataset/high/train-00000.tar"
    sample = next(iter(webdataset.WebDataset(str(shard), shardshuffle=False).decode("pil")))
    assert sample["json"]["garment_products"] == row["garment_products"]
    records = list(mlcroissant.Dataset(jsonld=str(tmp_path / "out/croissant.json")).records("high"))
    by_split = {record["high/split"]: record for record in records}
    found = by_split[b"train"]["high/garment_products"]
    assert [one["high/garment_products/sku"] for one in found] == [
        b"D-36", b"D-38", b"D-38", b"D-40",
    ]  # fmt: skip
    assert [one["high/garment_products/price"] for one in found] == [9.5] * 4
    assert "stand for 3 articles of the catalogue." in (tmp_path / "out/README.md").read_text()


def test_every_article_whose_photo_may_go_out_is_listed(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    paired, _ = empty_shop.couple("a", "high", "train")
    alone = empty_shop.photo("garment", "alone.png", rights="CC0-1.0")
    closed = empty_shop.photo("garment", "closed.png", rights="internal use only")
    down = empty_shop.photo("garment", "down.png", rights="CC0-1.0", taken_down=True)
    more = {"listed": True, "taken_down": False, "catalogue": "shop.csv", "metadata": "{}"}
    photos = {
        "P": [paired], "A": [alone, closed], "C": [closed], "D": [down], "=GONE": [alone],
    }  # fmt: skip
    for sku, garments in photos.items():
        empty_shop.write(
            "products", id=sku, sku=sku, title=f"Robe {sku}", **more | {"listed": sku != "=GONE"}
        )
        for at, garment in enumerate(garments):
            empty_shop.write(
                "product_photos", product=sku, place=f"{garment}.png", garment=garment,
                role="main", position=at, listed=True,
            )  # fmt: skip
    summary = publish_shop(empty_shop, tmp_path / "out")
    with (tmp_path / "out/products.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [(row["sku"], row["title"], row["garment_id"], row["pairs"]) for row in rows]
    assert found == [("A", "Robe A", alone, "0"), ("P", "Robe P", paired, "1")]
    assert summary["articles"] == 2
    assert "lists 2 articles" in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    opened = mlcroissant.Dataset(jsonld=str(tmp_path / "out/croissant.json"))
    told = [record["products/sku"] for record in opened.records("products")]
    assert told == [b"A", b"P"]


def test_originals_go_out_as_they_are_unless_they_lie_on_their_side(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    empty_shop.couple(
        "a", "high", "train", look_image=drawn(5, (450, 300)), look_save={"exif": exif},
        look_upright_size=(300, 450),
    )  # fmt: skip
    publish_shop(empty_shop, tmp_path / "out", original=True, max_side=64)
    rows = load(tmp_path / "out", "high", split="train").cast_column(
        "garment_image", datasets.Image(decode=False)
    )
    row = rows[0]
    assert row["garment_image"]["bytes"] == (empty_shop.photos / "a.jpg").read_bytes()
    assert row["look_image"].size == (43, 64) and not row["look_image"].getexif()
    assert row["region_box"] == pytest.approx(
        [60 * 43 / 300, 90 * 64 / 450, 210 * 43 / 300, 300 * 64 / 450]
    )


def test_manifest_columns_go_out_only_when_asked(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    empty_shop.couple("a", "high", "train", garment_metadata='{"cost": 3}')
    publish_shop(empty_shop, tmp_path / "out")
    assert not any(
        "cost" in path.read_bytes().decode("latin1") for path in (tmp_path / "out").rglob("*.tar")
    )
    publish_shop(empty_shop, tmp_path / "out", metadata=True)
    assert load(tmp_path / "out", "high", split="train")[0]["garment_metadata"] == '{"cost": 3}'


def test_without_pairs_there_is_nothing_to_publish(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    with pytest.raises(PublishError, match="lookweave build"):
        publish_shop(empty_shop, tmp_path / "out")


def test_several_recipes_need_a_choice(shop: Shop, publish_shop: Publisher, tmp_path: Path) -> None:
    rows = shop.workspace.table("pairs").read(where="tier = 'medium'").to_pylist()
    for row in rows:
        shop.write("pairs", **{**row, "recipe": "tier-2"})
    with pytest.raises(PublishError, match="--recipe"):
        publish_shop(shop, tmp_path / "out")
    assert publish_shop(shop, tmp_path / "out", recipe="tier-2")["total"] == len(rows)

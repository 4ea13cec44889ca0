"""Every benchmark in small: a folder in exactly its layout, with tiny photos drawn on the spot."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (48, 64)) -> Image.Image:
    """Coarse colour noise; one seed, one picture."""
    noise = np.random.default_rng(seed).integers(0, 255, (8, 6, 3), np.uint8)
    return Image.fromarray(noise).resize(size)


def jpeg(seed: int) -> bytes:
    held = io.BytesIO()
    picture(seed).save(held, "JPEG", quality=95)
    return held.getvalue()


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path, quality=95)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def deepfashion2(root: Path) -> None:
    """Photo 1 and 2 of consumers, 3 and 4 of shops; photo 1 shows three items."""
    for number, seed in ((1, 1), (2, 2), (3, 3), (4, 4)):
        save(root / f"validation/image/{number:06}.jpg", seed)

    def note(number: int, source: str, items: list[dict[str, Any]]) -> None:
        annotation = {"source": source, "pair_id": items[0].pop("pair_id")}
        for place, item in enumerate(items, 1):
            annotation[f"item{place}"] = {
                "category_name": "", "segmentation": [], "landmarks": [], "scale": 2, "zoom_in": 1,
                "viewpoint": 2, **item,
            }  # fmt: skip
        write(root / f"validation/annos/{number:06}.json", json.dumps(annotation))

    note(1, "user", [
        {"pair_id": 7, "category_id": 1, "style": 1, "bounding_box": [0, 0, 40, 30], "occlusion": 1},
        {"category_id": 8, "style": 2, "bounding_box": [0, 30, 40, 64], "occlusion": 3},
        {"category_id": 9, "style": 0, "bounding_box": [40, 30, 48, 64], "occlusion": 2},
    ])  # fmt: skip
    note(2, "user", [{"pair_id": 8, "category_id": 12, "style": 1, "bounding_box": [4, 4, 44, 60], "occlusion": 2}])  # fmt: skip
    note(3, "shop", [{"pair_id": 7, "category_id": 1, "style": 1, "bounding_box": [0, 0, 48, 32], "occlusion": 1}])  # fmt: skip
    note(4, "shop", [{"pair_id": 8, "category_id": 12, "style": 2, "bounding_box": [0, 0, 48, 64], "occlusion": 1}])  # fmt: skip
    write(root / "val_query.json", json.dumps([
        {"query_image_id": 1, "bbox": [0, 0, 40, 30], "cls": 1, "style": 1, "pair_id": 7},
        {"query_image_id": 1, "bbox": [0, 30, 40, 64], "cls": 8, "style": 2, "pair_id": 7},
        {"query_image_id": 1, "bbox": [40, 30, 48, 64], "cls": 9, "style": 0, "pair_id": 7},
        {"query_image_id": 2, "bbox": [4, 4, 44, 60], "cls": 12, "style": 1, "pair_id": 8},
    ]))  # fmt: skip
    write(root / "val_gallery.json", json.dumps([
        {"gallery_image_id": 3, "bbox": [0, 0, 48, 32], "style": 1, "pair_id": 7},
        {"gallery_image_id": 4, "bbox": [0, 0, 48, 64], "style": 2, "pair_id": 8},
        {"gallery_image_id": 3, "bbox": [0, 32, 48, 64], "style": 2, "pair_id": 7},
    ]))  # fmt: skip


IN_SHOP = [
    ("img/WOMEN/Dresses/id_00000001/01_1_front.jpg", "id_00000001", "train", 1),
    ("img/WOMEN/Dresses/id_00000002/02_1_front.jpg", "id_00000002", "query", 2),
    ("img/WOMEN/Dresses/id_00000002/02_3_back.jpg", "id_00000002", "gallery", 2),
    ("img/WOMEN/Dresses/id_00000002/03_1_front.jpg", "id_00000002", "gallery", 3),
    ("img/MEN/Denim/id_00000003/01_1_front.jpg", "id_00000003", "gallery", 4),
    ("img/MEN/Denim/id_00000003/02_1_front.jpg", "id_00000003", "query", 5),
]


def in_shop(root: Path) -> None:
    lines, boxes = [str(len(IN_SHOP)), "image_name item_id evaluation_status"], []
    for name, item, status, seed in IN_SHOP:
        save(root / "Img" / name, seed)
        lines.append(f"{name}   {item} {status}")
        boxes.append(f"{name} 3 1 004 008 040 060")
    write(root / "Eval/list_eval_partition.txt", "\n".join(lines) + "\n")
    head = [str(len(boxes)), "image_name clothes_type pose_type x_1 y_1 x_2 y_2"]
    write(root / "Anno/list_bbox_inshop.txt", "\n".join([*head, *boxes]) + "\n")


def consumer_to_shop(root: Path) -> None:
    """A consumer's test photo in two pairs, and a shop's photo in validation alone."""
    below = "img/TOPS/Blouse"
    pairs = [
        ("id_1/comsumer_01.jpg", "id_1/shop_01.jpg", "id_1", "test"),
        ("id_1/comsumer_01.jpg", "id_1/shop_02.jpg", "id_1", "test"),
        ("id_2/comsumer_01.jpg", "id_2/shop_01.jpg", "id_2", "val"),
        ("id_3/comsumer_01.jpg", "id_3/shop_01.jpg", "id_3", "train"),
        ("id_4/comsumer_01.jpg", "id_4/shop_01.jpg", "id_4", "test"),
    ]
    lines = [str(len(pairs)), "image_pair_name_1 image_pair_name_2 item_id evaluation_status"]
    photos: dict[str, int] = {}
    for consumer, shop, item, status in pairs:
        lines.append(f"{below}/{consumer} {below}/{shop} {item} {status}")
        photos.update({consumer: 2, shop: 1})
    write(root / "Eval/list_eval_partition.txt", "\n".join(lines) + "\n")
    boxes = [str(len(photos)), "image_name clothes_type source_type x_1 y_1 x_2 y_2"]
    for seed, (name, source) in enumerate(photos.items()):
        save(root / "Img" / below / name, seed)
        boxes.append(f"{below}/{name} 1 {source} 002 002 046 062")
    write(root / "Anno/list_bbox_consumer2shop.txt", "\n".join(boxes) + "\n")


def dress_code(root: Path) -> None:
    """The same file names in two folders; an unpaired list that must not be read."""
    for number, folder in enumerate(("upper_body", "dresses")):
        for at in range(2):
            for end in (0, 1):
                save(root / f"{folder}/images/{at:06}_{end}.jpg", 10 * number + at)
        paired = [f"{at:06}_0.jpg\t{at:06}_1.jpg" for at in range(2)]
        write(root / folder / "test_pairs_paired.txt", "\n".join(paired) + "\n")
        write(root / folder / "test_pairs_unpaired.txt", "000000_0.jpg\t000001_1.jpg\n")
        write(root / folder / "train_pairs.txt", "000009_0.jpg\t000009_1.jpg\n")


def viton_hd(root: Path) -> None:
    """Two pairs, a garment that nobody wears, and a list of pairs that are none."""
    for name, seed in (("00001_00.jpg", 1), ("00002_00.jpg", 2)):
        save(root / "test/image" / name, seed)
        save(root / "test/cloth" / name, seed)
        save(root / "train/image" / name, seed + 50)
        save(root / "train/cloth" / name, seed + 50)
    save(root / "test/cloth/00003_00.jpg", 3)
    write(root / "test_pairs.txt", "00001_00.jpg 00002_00.jpg\n00002_00.jpg 00003_00.jpg\n")


def street2shop(root: Path) -> None:
    """Photos 1 and 2 from streets, 11 to 14 from shops; photo 3 and 15 are dead addresses."""
    for number in (1, 2, 11, 12, 13, 14):
        save(root / f"images/{number:09}.jpg", number)
    addresses = [
        f"{number:09},http://photos.invalid/{number}.jpg"
        for number in (1, 2, 3, 11, 12, 13, 14, 15)
    ]
    write(root / "photos/photos.txt", "\n".join(addresses) + "\n")
    box = {"width": 40, "top": 2, "height": 50, "left": 4}
    write(root / "meta/json/test_pairs_dresses.json", json.dumps([
        {"photo": 1, "product": 100, "bbox": box},
        {"photo": 1, "product": 101, "bbox": box},
        {"photo": 3, "product": 100, "bbox": box},
        {"photo": 2, "product": 102, "bbox": box},
    ]))  # fmt: skip
    write(root / "meta/json/train_pairs_dresses.json", json.dumps([{"photo": 2, "product": 103, "bbox": box}]))  # fmt: skip
    write(root / "meta/json/retrieval_dresses.json", json.dumps([
        {"photo": 11, "product": 100}, {"photo": 12, "product": 100}, {"photo": 13, "product": 101},
        {"photo": 14, "product": 103}, {"photo": 15, "product": 102},
    ]))  # fmt: skip


def _shown(rows: list[dict[str, Any]]) -> pa.Table:
    picture_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    texts = (
        "category",
        "main_attribute",
        "other_attributes",
        "bbox",
        "item_ID",
        "task",
        "difficulty",
    )
    schema = pa.schema(
        [("image", picture_type), ("raw_image", picture_type)]
        + [(name, pa.string()) for name in texts]
    )
    full = []
    for row in rows:
        cell = {"bytes": jpeg(row["seed"]), "path": f"{row['seed']}.jpg"}
        full.append({"image": cell, "raw_image": cell, **{name: row.get(name) for name in texts}})
    return pa.Table.from_pylist(full, schema=schema)


def lookbench(root: Path) -> None:
    """A distractor of the query's category and attribute: right for fine, for item never."""
    version = root / "v20251201"
    dress = {"category": "dress", "main_attribute": "floral", "difficulty": "easy"}
    coat = {"category": "coat", "main_attribute": "wool", "difficulty": "hard"}
    tables = {
        "real_studio_flat/query": [{"seed": 1, "item_ID": "a", **dress}, {"seed": 2, "item_ID": "b", **coat}],
        "real_studio_flat/gallery": [{"seed": 1, "item_ID": "a", **dress}, {"seed": 9, "item_ID": "c", **coat}, {"seed": 2, "item_ID": "b", **coat}],
        "noise/gallery": [{"seed": 7, "item_ID": "a", **dress}, {"seed": 8, **coat}],
    }  # fmt: skip
    old = root / "v20251001/real_studio_flat"
    old.mkdir(parents=True)
    for name, rows in tables.items():
        (version / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_shown(rows), version / f"{name}.parquet", row_group_size=2)


def lrvsf(root: Path) -> None:
    """The published form: three products, and four distractors in two files."""
    (root / "distractors").mkdir(parents=True)
    pq.write_table(
        pa.table({
            "PRODUCT_ID": [5, 6, 7],
            "CATEGORY": ["Upper Body", "Hands", "Bags"],
            "blip2_caption1": ["a", "b", "c"],
            "SIMPLE_IMG": [jpeg(1), jpeg(2), jpeg(3)],
            "COMPLEX_IMG": [jpeg(1), jpeg(2), jpeg(3)],
        }),
        root / "products.parquet",
    )  # fmt: skip
    for part in range(2):
        distractors = pa.table({"jpg": [jpeg(20 + part), jpeg(30 + part)], "url": ["x", "y"]})
        pq.write_table(distractors, root / f"distractors/{part:05}.parquet", row_group_size=1)


def lrvsf_metadata(root: Path) -> None:
    """The metadata of the hub, in another order on each side, and what could be fetched of it."""

    def rows(split: str, products: list[int], names: str) -> pa.Table:
        return pa.table({
            "URL": [f"http://photos.invalid/{names}{one}" for one in products],
            "SPLIT": [split] * len(products),
            "PRODUCT_ID": products,
            "CATEGORY": ["Whole Body"] * len(products),
        })  # fmt: skip

    folder = root / "data/test"
    folder.mkdir(parents=True)
    pq.write_table(
        rows("test_query", [2, 1, 3], "scene"), folder / "products_complex_metadata.parquet"
    )
    pq.write_table(
        rows("test_gallery", [1, 2, 3], "cut"), folder / "products_simple_metadata.parquet"
    )
    pq.write_table(rows("test_gallery", [8, 9], "other"), folder / "distractors_metadata.parquet")
    fetched = {
        "scene1": 1,
        "scene2": 2,
        "scene3": 3,
        "cut1": 1,
        "cut2": 2,
        "cut3": None,
        "other9": 9,
    }
    (root / "photos").mkdir()
    pq.write_table(
        pa.table({
            "url": [f"http://photos.invalid/{name}" for name in fetched],
            "jpg": pa.array([None if seed is None else jpeg(seed) for seed in fetched.values()], pa.binary()),
        }),
        root / "photos/00000.parquet",
    )  # fmt: skip


def garments2look(root: Path) -> None:
    """Two looks of the test section that share a bag; a look for training; garments unseen."""
    garments = {"P1": "tops", "P2": "bags", "P3": "skirts", "P4": "shoes"}
    known = {}
    for seed, (name, category) in enumerate(garments.items()):
        save(root / f"mytheresa/images/{name}/{name}_full.jpg", seed)
        whole = [f"{name}_full.jpg", f"{name}_other.jpg"]
        known[name] = {
            "images": {"product": {"full": whole}},
            "type": "x",
            "main_category": category,
        }
    known["P5"] = {"images": {"product": {"full": []}}, "main_category": "hats"}
    write(root / "mytheresa_image_v1.0_2512.json", json.dumps(known))
    outfits = {
        "look1": {"section": "test", "gender": "women", "is_official_look": True,
                  "outfit": {"P1": "shirt", "P2": "bag", "U7": "earrings", "P5": "hat"}},
        "look2": {"section": "test", "gender": "men", "is_official_look": False,
                  "outfit": {"P2": "bag", "P3": "skirt"}},
        "look3": {"section": "train", "gender": "men", "is_official_look": True, "outfit": {"P4": "shoe"}},
        "look4": {"section": "test", "gender": "men", "is_official_look": True, "outfit": {"P3": "skirt"}},
    }  # fmt: skip
    write(root / "mytheresa_outfit_v1.0_2512.json", json.dumps({}))
    write(root / "mytheresa_outfit_v1.1_2512.json", json.dumps(outfits))
    save(root / "mytheresa/looks-resized/women/look1.png", 1)
    save(root / "mytheresa/looks-resized/men/look2.jpg", 2)
    save(root / "mytheresa/looks-resized/men/look3.jpg", 3)


def folder(root: Path) -> None:
    """Three garments, four looks; look 0 shows two garments, garment 2 has no look."""
    for at in range(3):
        save(root / f"garments/g{at}.jpg", at)
    for at in range(4):
        save(root / f"looks/summer/l{at}.jpg", at)
    write(
        root / "truth.csv",
        "garment;look;category;group;view\ng0.jpg;l0.jpg;t-shirt;one;front\n"
        "g1.jpg;summer/l1.jpg;coat;two;back\ng1.jpg;l0.jpg;coat;two;back\n",
    )


MINIATURES = {
    "deepfashion2": deepfashion2,
    "in-shop": in_shop,
    "consumer-to-shop": consumer_to_shop,
    "dress-code": dress_code,
    "viton-hd": viton_hd,
    "street2shop": street2shop,
    "lookbench": lookbench,
    "lrvs-f": lrvsf,
    "garments2look": garments2look,
    "folder": folder,
}

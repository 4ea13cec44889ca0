"""The columns of a published pair: the one list that Parquet, the features of `datasets`, the
Croissant record sets and the card are all made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: as users write it.
        type: in Arrow.
        feature: in `datasets`, as its JSON.
        croissant: the schema.org type of its values.
        meaning: one line for the card.
        fields: of each record, where a row holds a list of records.
    """

    name: str
    type: pa.DataType
    feature: Any
    croissant: str
    meaning: str
    fields: tuple[Column, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether `datasets` decodes it."""
        return not self.fields and bool(self.feature["_type"] == "Image")

    @property
    def is_list(self) -> bool:
        """Whether a row holds several values."""
        # `Sequence` is what every version of `datasets` can read.
        return bool(self.fields) or bool(self.feature["_type"] == "Sequence")


_IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def _image(name: str, meaning: str) -> Column:
    return Column(name, _IMAGE, {"_type": "Image"}, "sc:ImageObject", meaning)


def _value(name: str, dtype: str, meaning: str) -> Column:
    arrow = {"string": pa.string(), "bool": pa.bool_(), "float32": pa.float32(),
             "float64": pa.float64(), "int32": pa.int32()}[dtype]  # fmt: skip
    croissant = {"string": "sc:Text", "bool": "sc:Boolean", "int32": "sc:Integer"}
    feature = {"_type": "Value", "dtype": dtype}
    return Column(name, arrow, feature, croissant.get(dtype, "sc:Float"), meaning)


def _text(name: str, meaning: str) -> Column:
    return _value(name, "string", meaning)


def _words(name: str, meaning: str) -> Column:
    feature = {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "string"}}
    return Column(name, pa.list_(pa.string()), feature, "sc:Text", meaning)


def _records(name: str, meaning: str, *fields: Column) -> Column:
    record = pa.struct([pa.field(field.name, field.type) for field in fields])
    # A list with one entry is how every version of `datasets` reads a list of records.
    feature = [{field.name: field.feature for field in fields}]
    return Column(name, pa.list_(record), feature, "", meaning, fields)


_BOX = Column(
    "region_box",
    pa.list_(pa.float32(), 4),
    {"_type": "Sequence", "length": 4, "feature": {"_type": "Value", "dtype": "float32"}},
    "sc:Float",
    "where the garment is in `look_image`: left, top, right, bottom in its pixels",
)

_COLUMNS: tuple[Column, ...] = (
    _image("garment_image", "the product photo"),
    _image("look_image", "the editorial photo"),
    _image("region_image", "the garment cut out of the editorial photo by `region_box`, at higher "
           "resolution where the photo has it; null where its licence allows no altered copies"),
    _image("region_mask", "which pixels of `region_image` are the garment (white); may be null"),
    _BOX,
    _text("garment_id", "first 20 hex digits of the SHA-256 of the product photo's original file"),
    _text("look_id", "likewise of the editorial photo"),
    _text("tier", "high, medium or low: see below"),
    _text("group", "photos of one product, shoot or picture; never on two sides of a split"),
    _value("s_vlm", "float32", "agreement of the descriptions, 0..1"),
    _value("s_visual", "float32", "visual likeness: cosine of garment and region"),
    _value("s_detail", "float32", "likeness part by part: each part's best cosine, averaged both "
           "ways; null where garments were not compared so"),
    _value("score", "float32", "all together, corrected for hubs: what pairs were ordered by"),
    _value("probability", "float32", "of being the very same garment; see `calibrated`"),
    _value("calibrated", "bool", "whether `probability` was fitted to labelled pairs"),
    _words("verified_by", "people who confirmed the pair"),
    _text("region_label", "category of the region according to the detector"),
    _value("region_score", "float32", "the detector's confidence, 0..1"),
    _text("category", "category of the garment according to the describer"),
    _words("colours", "its colours, likewise"),
    _text("pattern", "likewise"),
    _text("material", "likewise"),
    _text("sleeve", "likewise"),
    _text("length", "likewise"),
    _text("neckline", "likewise"),
    _text("caption", "the garment in a sentence, likewise"),
    _text("region_category", "category of the region according to the describer"),
    _text("region_caption", "the region in a sentence, likewise"),
    _text("scene", "of the editorial photo, likewise"),
    _text("light", "likewise"),
    _text("pose", "likewise"),
    _text("mood", "likewise"),
    _words("garment_skus", "the catalogue's numbers of all articles that the photo stands for: a "
           "photo often shows one of several sizes"),
    _records(
        "garment_products", "what the catalogues say of each of those articles",
        _text("sku", "the catalogue's number"),
        _text("gtin", "the number on the barcode"),
        _text("title", "as in the catalogue"),
        _text("brand", "likewise"),
        _text("style", "articles of one style share it"),
        _text("colour", "the catalogue's own word"),
        _text("size", "likewise"),
        _value("price", "float64", "in `currency`"),
        _text("currency", "three letters of ISO 4217"),
        _text("url", "the product's page"),
    ),
    _text("garment_sku", "one of `garment_skus`"),
    _text("garment_product", "photos of one product share it"),
    _text("garment_title", "as in the catalogue"),
    _text("garment_brand", "likewise"),
    _text("garment_category", "the catalogue's own word"),
    _value("garment_price", "float64", "in the catalogue's currency"),
    _text("garment_url", "the product's page"),
    _text("garment_rights", "the rights field of the product photo, as it was given"),
    _text("look_title", "of the editorial photo"),
    _text("look_brand", "likewise"),
    _text("look_season", "likewise"),
    _text("look_photographer", "whom to credit"),
    _text("look_shoot", "photos of one shoot share it"),
    _text("look_url", "where it was published"),
    _text("look_rights", "the rights field of the editorial photo, as it was given"),
    _text("provenance", "models and settings that made the pair, as JSON"),
)  # fmt: skip

_ARTICLE = next(column for column in _COLUMNS if column.name == "garment_products").fields

ARTICLE_COLUMNS: tuple[Column, ...] = (
    *_ARTICLE,
    _text("garment_id", "a photo of it, as in the pairs"),
    _value("pairs", "int32", "how many pairs here have that photo; 0: no look is known"),
)
"""Of `products.csv`: one row for each photo of each article of the catalogue."""

_METADATA: tuple[Column, ...] = (
    _text("garment_metadata", "further columns of the garment's manifest, as JSON"),
    _text("look_metadata", "further columns of the look's manifest, as JSON"),
)

IMAGES: dict[str, str] = {
    "garment_image": "garment", "look_image": "look",
    "region_image": "region", "region_mask": "mask",
}  # fmt: skip
"""Image column -> what its files are called in a WebDataset shard."""


def columns(metadata: bool) -> tuple[Column, ...]:
    """Every column; `metadata`: with the manifests' further ones."""
    return _COLUMNS + _METADATA if metadata else _COLUMNS


def arrow_schema(metadata: bool) -> pa.Schema:
    """The schema of a shard, with the features that make `datasets` decode the images."""
    chosen = columns(metadata)
    features = {column.name: column.feature for column in chosen}
    return pa.schema(
        [pa.field(column.name, column.type) for column in chosen],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )

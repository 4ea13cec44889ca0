"""The tables of Lookweave, one Arrow schema each.

A row's key names the model or recipe that made it, so a second run skips what exists, a new
model adds rows beside the old ones, and nothing is overwritten silently. Boxes are xyxy in
pixels of the oriented photo; vectors are float32 and unit-norm; masks are PNG bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lookweave.taxonomy import ATTRIBUTES, CATEGORIES

ATTRIBUTE_WIDTH = sum(len(values) for values in ATTRIBUTES.values())
"""Length of an attribute vector: the blocks of `taxonomy.ATTRIBUTES`, one after the other."""


@dataclass(frozen=True)
class TableSpec:
    """One table: its name, its columns and the columns that identify a row."""

    name: str
    key: tuple[str, ...]
    schema: pa.Schema

    def table(self, rows: list[dict[str, object]]) -> pa.Table:
        """Build a table from dictionaries; missing columns are null, unknown ones refused."""
        for row in rows:
            if unknown := row.keys() - set(self.schema.names):
                raise KeyError(f"{self.name} has no column {sorted(unknown)}")
        return pa.Table.from_pylist(rows, schema=self.schema)


def _string(name: str, nullable: bool = True) -> pa.Field:
    return pa.field(name, pa.string(), nullable=nullable)


_PHOTO = [
    _string("id", False),  # photo_id() of the file's bytes
    _string("path", False),  # absolute path or URL of the first source with these bytes
    _string("name", False),  # path below the folder or manifest it came from
    pa.field("width", pa.int32()),  # of the oriented photo
    pa.field("height", pa.int32()),
    _string("format"),  # JPEG, PNG, ...
    pa.field("bytes", pa.int64()),
    _string("sha256"),
    _string("phash"),  # 64-bit perceptual hash, 16 hex digits
]

SOURCE = TableSpec(
    "sources",
    ("kind", "place", "input"),
    pa.schema(
        [
            _string("kind", False),  # garment | look
            _string("path", False),  # absolute path or URL, with its newest signature
            _string("name", False),  # path below its folder, or as the manifest says it
            _string("id", False),  # the photo found there; "" while it was not read
            pa.field("size", pa.int64()),  # of the file when it was read
            pa.field("modified_ns", pa.int64()),
            _string("rights"),  # every statement of its rows, with semicolons between
            pa.field("taken_down", pa.bool_()),  # its rows say so today; `takedowns` decides
            _string("metadata"),  # what its rows say, a JSON list; [] for a folder
            # Null in rows of an earlier version until a build adopts them:
            _string("place"),  # the path; of a URL what is the same under another signature
            _string("input"),  # the folder or manifest that lists it
            pa.field("takedowns", pa.list_(pa.string())),  # statements that hold today
            pa.field("takedown_due", pa.date32()),  # the first later day of a statement
            pa.field("listed", pa.bool_()),  # the input lists it now; null means yes
        ]
    ),
)
"""Where each photo was found, and by which input it is listed: a row a place and input. Two files
with the same bytes are two places of one photo."""

GARMENT = TableSpec(
    "garments",
    ("id",),
    pa.schema(
        [
            *_PHOTO,
            _string("sku"),
            _string("title"),
            _string("brand"),
            _string("category"),  # the catalogue's own word
            pa.field("price", pa.float64()),
            _string("url"),
            _string("rights"),
            pa.field("taken_down", pa.bool_()),
            _string("product"),  # its style: photos of one share it; the sku when not given
            _string("metadata"),  # further columns of the manifest, as JSON
            pa.field("listed", pa.bool_()),  # some input lists it now; null means yes
        ]
    ),
)
"""A product photo and what catalogues say of it; all its articles are in `PRODUCT`."""

PRODUCT = TableSpec(
    "products",
    ("id",),
    pa.schema(
        [
            _string("id", False),  # product_id()
            _string("catalogue", False),  # the manifest that lists it
            _string("sku"),
            _string("gtin"),
            _string("title"),
            _string("brand"),
            _string("style"),  # what its variants share
            _string("colour"),
            _string("size"),
            _string("category"),  # the catalogue's own word
            pa.field("price", pa.float64()),
            _string("currency"),  # three letters
            _string("url"),
            _string("rights"),
            pa.field("taken_down", pa.bool_()),  # a row of it says so
            pa.field("listed", pa.bool_()),  # its catalogue lists it now
            _string("metadata"),  # further columns of the catalogue, as JSON
        ]
    ),
)
"""One article of a catalogue, also one without any usable photo."""

PRODUCT_PHOTO = TableSpec(
    "product_photos",
    ("product", "place"),
    pa.schema(
        [
            _string("product", False),  # products.id
            _string("place", False),  # sources.place
            _string("garment"),  # the photo found there; null while it was not read
            _string("role", False),  # main | additional | swatch | worn
            pa.field("position", pa.int32(), nullable=False),  # among the article's, from 0
            pa.field("listed", pa.bool_()),  # its catalogue names it now
        ]
    ),
)
"""A picture of an article. Several articles may share one, and one may have several."""

TAKEDOWN = TableSpec(
    "takedowns",
    ("id",),
    pa.schema(
        [
            _string("id", False),
            pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
            _string("by", False),  # a person, or: its catalogue
            _string("what", False),  # takedown | lift
            _string("place"),  # sources.place that is down, whatever is found there
            _string("photo"),  # the bytes that are down, wherever they are found
            _string("name"),  # for a person to know it by
            _string("input"),  # the manifest that says so; null for a person
            _string("statement", False),
            pa.field("due", pa.date32()),  # the day from which it holds; null: at once
            pa.field("lifts", pa.list_(pa.string())),  # of a lift: the takedowns that it covers
        ]
    ),
)
"""Takedowns and lifts: events that are only ever added. A takedown holds until it is lifted."""

INPUT = TableSpec(
    "inputs",
    ("kind", "path"),
    pa.schema(
        [
            _string("kind", False),  # garment | look
            _string("path", False),  # absolute
            pa.field("added", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("dropped", pa.timestamp("us", tz="UTC")),  # null: every build lists it
            pa.field("photos", pa.int64()),  # places that it listed last
        ]
    ),
)
"""A folder or manifest that a build was given."""

LOOK = TableSpec(
    "looks",
    ("id",),
    pa.schema(
        [
            *_PHOTO,
            _string("title"),
            _string("brand"),
            _string("season"),
            _string("photographer"),
            _string("shoot"),  # photos of one shoot share it
            _string("url"),
            _string("rights"),
            pa.field("taken_down", pa.bool_()),
            _string("metadata"),
            pa.field("listed", pa.bool_()),  # some input lists it now; null means yes
        ]
    ),
)
"""An editorial photo and its credits."""

REGION = TableSpec(
    "regions",
    ("id",),
    pa.schema(
        [
            _string("id", False),  # region_id()
            _string("subject", False),  # garments.id or looks.id
            _string("kind", False),  # garment (its cut-out) | look
            _string("detector", False),
            pa.field("index", pa.int16(), nullable=False),
            pa.field("box", pa.list_(pa.float32(), 4)),
            _string("label"),  # of taxonomy.CATEGORIES; null when the detector does not say
            pa.field("score", pa.float32()),
            pa.field("label_scores", pa.list_(pa.float32(), len(CATEGORIES))),  # sums to 1, or null
            pa.field(
                "mask", pa.binary()
            ),  # PNG, 1 or 8 bit, black or white, the box's aspect, any scale
            pa.field("area", pa.float32()),  # share of the photo, 0..1
        ]
    ),
)
"""One garment found in a look, or the cut-out of a garment photo."""

DESCRIPTION = TableSpec(
    "descriptions",
    ("subject", "model"),
    pa.schema(
        [
            _string("subject", False),  # regions.id
            _string("model", False),
            _string("kind", False),  # garment | look
            _string("category"),
            pa.field("colours", pa.list_(pa.string())),
            _string("pattern"),
            _string("material"),
            _string("sleeve"),
            _string("length"),
            _string("neckline"),
            _string("caption"),
            _string("scene"),
            _string("light"),
            _string("pose"),
            _string("mood"),
            pa.field("confidence", pa.float32()),  # of the category, 0..1
            # One distribution per attribute in the order of taxonomy.ATTRIBUTES: each block
            # sums to 1, or is all zero where the model does not say.
            pa.field("attributes", pa.list_(pa.float32(), ATTRIBUTE_WIDTH)),
        ]
    ),
)
"""What a vision-language model (or the embedded describer) says of a region."""


def embedding_spec(dimension: int) -> TableSpec:
    """The schema of one encoder's vectors: each encoder has a table of its own width."""
    return TableSpec(
        "embeddings",
        ("subject",),
        pa.schema(
            [
                _string("subject", False),  # regions.id
                _string("kind", False),  # garment | look
                pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
            ]
        ),
    )


GROUP = TableSpec(
    "groups",
    ("subject", "kind", "how", "recipe"),
    pa.schema(
        [
            _string("subject", False),  # garments.id or looks.id
            _string("kind", False),
            _string("group", False),  # smallest id of the group
            _string("how", False),  # same_photo | same_picture | same_product | same_shoot
            _string("recipe"),  # the models that looked
        ]
    ),
)
"""Photos that belong together, a row for each kind of group; a photo alone has no row.

`same_photo` holds photos of one kind, `same_picture` a garment's photo and a look that are one."""

MATCH = TableSpec(
    "matches",
    ("garment", "region", "recipe"),
    pa.schema(
        [
            _string("garment", False),
            _string("region", False),
            _string("look", False),
            _string("recipe", False),
            pa.field("s_vlm", pa.float32()),
            pa.field("s_visual", pa.float32()),
            pa.field("score", pa.float32()),
            pa.field(
                "rank", pa.int32()
            ),  # of the region among the garment's; null: below its top k
            pa.field("reverse_rank", pa.int32()),  # of the garment among the region's
            pa.field("mutual", pa.bool_()),
            pa.field("probability", pa.float32()),
            pa.field("calibrated", pa.bool_()),
        ]
    ),
)
"""A garment and a region that may show it, scored."""

PAIR = TableSpec(
    "pairs",
    ("garment", "look", "recipe"),
    pa.schema(
        [
            _string("garment", False),
            _string("look", False),
            _string("region", False),
            _string("recipe", False),
            _string("tier", False),  # high | medium | low
            _string("split", False),  # train | validation | test
            _string("group", False),  # never on two sides of a split
            pa.field("s_vlm", pa.float32()),
            pa.field("s_visual", pa.float32()),
            pa.field("score", pa.float32()),
            pa.field("probability", pa.float32()),
            pa.field("calibrated", pa.bool_()),
            pa.field("verified_by", pa.list_(pa.string())),
            _string("provenance"),  # models and settings as JSON
        ]
    ),
)
"""A garment x look chosen for the data set."""

REVIEW = TableSpec(
    "reviews",
    ("garment", "region", "reviewer"),
    pa.schema(
        [
            _string("garment", False),
            _string("region", False),
            _string("look", False),
            _string("reviewer", False),
            _string("decision", False),  # yes | no | unsure
            _string("note"),
            pa.field("at", pa.timestamp("us", tz="UTC")),
        ]
    ),
)
"""One person's decision on a match."""

REJECT = TableSpec(
    "rejects",
    ("step", "recipe", "subject"),
    pa.schema(
        [
            _string("step", False),
            _string("recipe", False),
            _string("subject", False),  # an id, or the path where there is no id yet
            _string("kind"),
            _string("name"),  # the file's name, for a person to find it
            _string("reason", False),
            _string("detail", False),
            pa.field("retry", pa.bool_()),
            pa.field("size", pa.int64()),  # of the file then: a changed file is tried again
            pa.field("modified_ns", pa.int64()),
        ]
    ),
)
"""What a step turned away, with a reason a person can act on."""

RUN = TableSpec(
    "runs",
    ("id",),
    pa.schema(
        [
            _string("id", False),
            _string("step", False),
            _string("recipe", False),
            _string("inputs"),  # digest of what a whole-table step read
            pa.field("started", pa.timestamp("us", tz="UTC")),
            pa.field("seconds", pa.float64()),
            pa.field("read", pa.int64()),
            pa.field("written", pa.int64()),
            pa.field("rejected", pa.int64()),
            _string("engine"),
            _string("settings"),  # JSON
        ]
    ),
)
"""One step of one build that found something to do."""

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        INPUT, SOURCE, GARMENT, LOOK, PRODUCT, PRODUCT_PHOTO, TAKEDOWN, REGION, DESCRIPTION, GROUP,
        MATCH, PAIR, REVIEW, REJECT, RUN,
    )
}  # fmt: skip
"""Every table of a workspace but the embeddings, of which each encoder has one."""


def photo_id(sha256: str) -> str:
    """The id of a garment or look: the first 20 hex digits of the SHA-256 of its bytes.

    80 bits: among ten million photos the chance of any two meeting is below 1e-10.
    """
    return sha256[:20]


def product_id(catalogue: str, article: str) -> str:
    """The id of an article of a catalogue: 20 hex digits."""
    return hashlib.sha256(f"{catalogue}\x1f{article}".encode()).hexdigest()[:20]


def region_id(photo: str, detector: str, index: int, kind: str = "look") -> str:
    """The id of a look's region, or of a garment photo's cut-out.

    The two differ for one photo: nothing keeps a file from being given as both.
    """
    place = "cut" if kind == "garment" else f"{index:02d}"
    return f"{photo}:{detector}:{place}"


def region_parts(region: str) -> tuple[str, int]:
    """The photo of a region's id and its index in it; -1 for a cut-out."""
    place = region.rpartition(":")[2]
    return region.partition(":")[0], -1 if place == "cut" else int(place)


def fingerprint(*parts: object) -> str:
    """A short, stable name for a combination of settings or inputs (12 hex digits)."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:12]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

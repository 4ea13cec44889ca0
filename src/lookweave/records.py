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
    """One table.

    Attributes:
        key: the columns that identify a row.
        schema: its columns; the metadata of each has ``about``, what it is, in what units.
        about: what a row is.
    """

    name: str
    key: tuple[str, ...]
    schema: pa.Schema
    about: str = ""

    def table(self, rows: list[dict[str, object]]) -> pa.Table:
        """Build a table from dictionaries; missing columns are null, unknown ones refused."""
        for row in rows:
            if unknown := row.keys() - set(self.schema.names):
                raise KeyError(f"{self.name} has no column {sorted(unknown)}")
        return pa.Table.from_pylist(rows, schema=self.schema)


def _column(name: str, kind: pa.DataType, about: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"about": about})


_PHOTO = [
    _column(
        "id", pa.string(), "the first 20 hex digits of the SHA-256 of its bytes", nullable=False
    ),
    _column(
        "path",
        pa.string(),
        "absolute path or URL of the first source with these bytes",
        nullable=False,
    ),
    _column("name", pa.string(), "path below the folder or manifest it came from", nullable=False),
    _column("width", pa.int32(), "of the oriented photo, pixels"),
    _column("height", pa.int32(), "of the oriented photo, pixels"),
    _column("format", pa.string(), "JPEG, PNG, …"),
    _column("bytes", pa.int64(), "of the file"),
    _column("sha256", pa.string(), "of the file, 64 hex digits"),
    _column("phash", pa.string(), "64-bit perceptual hash, 16 hex digits"),
]

SOURCE = TableSpec(
    "sources",
    ("kind", "place", "input"),
    pa.schema(
        [
            _column("kind", pa.string(), "garment | look", nullable=False),
            _column(
                "path",
                pa.string(),
                "absolute path or URL, with its newest signature",
                nullable=False,
            ),
            _column(
                "name",
                pa.string(),
                "path below its folder, or as the manifest says it",
                nullable=False,
            ),
            _column(
                "id", pa.string(), 'the photo found there; "" while it was not read', nullable=False
            ),
            _column("size", pa.int64(), "of the file when it was read"),
            _column(
                "modified_ns", pa.int64(), "of the file when it was read, nanoseconds since 1970"
            ),
            _column("rights", pa.string(), "every statement of its rows, with semicolons between"),
            _column("taken_down", pa.bool_(), "its rows say so today; the table takedowns decides"),
            _column("metadata", pa.string(), "what its rows say, a JSON list; [] for a folder"),
            # Null in rows of an earlier version until a build adopts them:
            _column(
                "place", pa.string(), "the path; of a URL what is the same under another signature"
            ),
            _column("input", pa.string(), "the folder or manifest that lists it"),
            _column("takedowns", pa.list_(pa.string()), "statements that hold today"),
            _column("takedown_due", pa.date32(), "the first later day of a statement"),
            _column("listed", pa.bool_(), "the input lists it now; null means yes"),
        ]
    ),
    "Where each photo was found, and by which input it is listed: a row a place and "
    "input. Two files with the same bytes are two places of one photo.",
)

GARMENT = TableSpec(
    "garments",
    ("id",),
    pa.schema(
        [
            *_PHOTO,
            _column("sku", pa.string(), "article number, of the first of its articles"),
            _column("title", pa.string(), "of that article"),
            _column("brand", pa.string(), "of that article"),
            _column("category", pa.string(), "the catalogue's own word"),
            _column("price", pa.float64(), "of that article"),
            _column("url", pa.string(), "of its page"),
            _column(
                "rights", pa.string(), "every statement about this photo, with semicolons between"
            ),
            _column("taken_down", pa.bool_(), "a takedown of it holds"),
            _column(
                "product", pa.string(), "its style: photos of one share it; the sku when not given"
            ),
            _column("metadata", pa.string(), "further columns of the manifest, as JSON"),
            _column("listed", pa.bool_(), "some input lists it now; null means yes"),
        ]
    ),
    "A product photo and what catalogues say of it; all its articles are in `PRODUCT`.",
)

PRODUCT = TableSpec(
    "products",
    ("id",),
    pa.schema(
        [
            _column("id", pa.string(), "20 hex digits of catalogue and article", nullable=False),
            _column("catalogue", pa.string(), "the manifest that lists it", nullable=False),
            _column("sku", pa.string(), "article number"),
            _column("gtin", pa.string(), "trade item number"),
            _column("title", pa.string(), "as the catalogue says it"),
            _column("brand", pa.string(), "as the catalogue says it"),
            _column("style", pa.string(), "what its variants share"),
            _column("colour", pa.string(), "as the catalogue says it"),
            _column("size", pa.string(), "as the catalogue says it"),
            _column("category", pa.string(), "the catalogue's own word"),
            _column("price", pa.float64(), "in the currency"),
            _column("currency", pa.string(), "three letters"),
            _column("url", pa.string(), "of its page"),
            _column("rights", pa.string(), "every statement of its rows, with semicolons between"),
            _column("taken_down", pa.bool_(), "a row of it says so"),
            _column("listed", pa.bool_(), "its catalogue lists it now"),
            _column("metadata", pa.string(), "further columns of the catalogue, as JSON"),
        ]
    ),
    "One article of a catalogue, also one without any usable photo.",
)

PRODUCT_PHOTO = TableSpec(
    "product_photos",
    ("product", "place"),
    pa.schema(
        [
            _column("product", pa.string(), "products.id", nullable=False),
            _column("place", pa.string(), "sources.place", nullable=False),
            _column("garment", pa.string(), "the photo found there; null while it was not read"),
            _column("role", pa.string(), "main | additional | swatch | worn", nullable=False),
            _column("position", pa.int32(), "among the article's, from 0", nullable=False),
            _column("listed", pa.bool_(), "its catalogue names it now"),
        ]
    ),
    "A picture of an article. Several articles may share one, and one may have several.",
)

TAKEDOWN = TableSpec(
    "takedowns",
    ("id",),
    pa.schema(
        [
            _column("id", pa.string(), "of the event", nullable=False),
            _column("at", pa.timestamp("us", tz="UTC"), "when it was said", nullable=False),
            _column("by", pa.string(), "a person, or: its catalogue", nullable=False),
            _column("what", pa.string(), "takedown | lift", nullable=False),
            _column("place", pa.string(), "sources.place that is down, whatever is found there"),
            _column("photo", pa.string(), "the bytes that are down, wherever they are found"),
            _column("name", pa.string(), "for a person to know it by"),
            _column("input", pa.string(), "the manifest that says so; null for a person"),
            _column("statement", pa.string(), "what was said, in its words", nullable=False),
            _column("due", pa.date32(), "the day from which it holds; null: at once"),
            _column("lifts", pa.list_(pa.string()), "of a lift: the takedowns that it covers"),
        ]
    ),
    "Takedowns and lifts: events that are only ever added. A takedown holds until it is lifted.",
)

INPUT = TableSpec(
    "inputs",
    ("kind", "path"),
    pa.schema(
        [
            _column("kind", pa.string(), "garment | look", nullable=False),
            _column("path", pa.string(), "absolute", nullable=False),
            _column(
                "added",
                pa.timestamp("us", tz="UTC"),
                "when a build was first given it",
                nullable=False,
            ),
            _column("dropped", pa.timestamp("us", tz="UTC"), "null: every build lists it"),
            _column("photos", pa.int64(), "places that it listed last"),
        ]
    ),
    "A folder or manifest that a build was given.",
)

LOOK = TableSpec(
    "looks",
    ("id",),
    pa.schema(
        [
            *_PHOTO,
            _column("title", pa.string(), "as the manifest says it"),
            _column("brand", pa.string(), "as the manifest says it"),
            _column("season", pa.string(), "as the manifest says it"),
            _column("photographer", pa.string(), "as the manifest says it"),
            _column("shoot", pa.string(), "photos of one shoot share it"),
            _column("url", pa.string(), "of its page"),
            _column(
                "rights", pa.string(), "every statement about this photo, with semicolons between"
            ),
            _column("taken_down", pa.bool_(), "a takedown of it holds"),
            _column("metadata", pa.string(), "further columns of the manifest, as JSON"),
            _column("listed", pa.bool_(), "some input lists it now; null means yes"),
        ]
    ),
    "An editorial photo and its credits.",
)

REGION = TableSpec(
    "regions",
    ("id",),
    pa.schema(
        [
            _column("id", pa.string(), "photo, detector and place", nullable=False),
            _column("subject", pa.string(), "garments.id or looks.id", nullable=False),
            _column("kind", pa.string(), "garment (its cut-out) | look", nullable=False),
            _column("detector", pa.string(), "key of the model", nullable=False),
            _column("index", pa.int16(), "of the region in its photo, from 0", nullable=False),
            _column(
                "box", pa.list_(pa.float32(), 4), "x0, y0, x1, y1 in pixels of the oriented photo"
            ),
            _column(
                "label", pa.string(), "of taxonomy.CATEGORIES; null when the detector does not say"
            ),
            _column("score", pa.float32(), "of the detector, 0..1"),
            _column(
                "label_scores",
                pa.list_(pa.float32(), len(CATEGORIES)),
                "over taxonomy.CATEGORIES; sums to 1, or null",
            ),
            _column(
                "mask",
                pa.binary(),
                "PNG, 1 or 8 bit, white where the garment is; the box's aspect, any scale",
            ),
            _column("area", pa.float32(), "share of the photo, 0..1"),
            _column(
                "made_of", pa.string(), "a cut-out: the catalogue's category that it was made with"
            ),
        ]
    ),
    "One garment found in a look, or the cut-out of a garment photo.",
)

DESCRIPTION = TableSpec(
    "descriptions",
    ("subject", "model"),
    pa.schema(
        [
            _column("subject", pa.string(), "regions.id", nullable=False),
            _column("model", pa.string(), "key of the describer", nullable=False),
            _column("kind", pa.string(), "garment | look", nullable=False),
            _column("category", pa.string(), "of taxonomy.CATEGORIES"),
            _column("colours", pa.list_(pa.string()), "largest first"),
            _column("pattern", pa.string(), "of taxonomy.ATTRIBUTES"),
            _column("material", pa.string(), "of taxonomy.ATTRIBUTES"),
            _column("sleeve", pa.string(), "of taxonomy.ATTRIBUTES"),
            _column("length", pa.string(), "of taxonomy.ATTRIBUTES"),
            _column("neckline", pa.string(), "of taxonomy.ATTRIBUTES"),
            _column("caption", pa.string(), "a sentence, where the model writes one"),
            _column("scene", pa.string(), "of a look"),
            _column("light", pa.string(), "of a look"),
            _column("pose", pa.string(), "of a look"),
            _column("mood", pa.string(), "of a look"),
            _column("confidence", pa.float32(), "of the category, 0..1"),
            _column(
                "attributes",
                pa.list_(pa.float32(), ATTRIBUTE_WIDTH),
                "one distribution per attribute in the order of taxonomy.ATTRIBUTES: each "
                "block sums to 1, or is all zero where the model does not say",
            ),
            _column(
                "made_of",
                pa.string(),
                "regions.made_of at that time: of another one it is made again",
            ),
        ]
    ),
    "What a vision-language model (or the embedded describer) says of a region.",
)


def embedding_spec(dimension: int) -> TableSpec:
    """The schema of one encoder's vectors, and of the parts' beside them: each encoder has a table
    of its own width."""
    return TableSpec(
        "embeddings",
        ("subject",),
        pa.schema(
            [
                _column("subject", pa.string(), "regions.id", nullable=False),
                _column("kind", pa.string(), "garment | look", nullable=False),
                _column(
                    "vector",
                    pa.list_(pa.float32(), dimension),
                    "float32, of unit length",
                    nullable=False,
                ),
                _column(
                    "made_of",
                    pa.string(),
                    "regions.made_of at that time: of another one it is made again",
                ),
                _column("token_values", pa.binary(), "of its parts: models.details.packed"),
                _column("token_places", pa.binary(), "where they lie: models.protocols.Tokens"),
                _column("tokens_by", pa.string(), "what made them of the encoder's features"),
            ]
        ),
        "The vector of a region, by one encoder.",
    )


GROUP = TableSpec(
    "groups",
    ("subject", "kind", "how", "recipe"),
    pa.schema(
        [
            _column("subject", pa.string(), "garments.id or looks.id", nullable=False),
            _column("kind", pa.string(), "garment | look", nullable=False),
            _column("group", pa.string(), "smallest id of the group", nullable=False),
            _column(
                "how",
                pa.string(),
                "same_photo | same_picture | same_product | same_shoot",
                nullable=False,
            ),
            _column("recipe", pa.string(), "the models that looked"),
        ]
    ),
    "Photos that belong together, a row for each kind of group; a photo alone has no row. "
    "`same_photo` holds photos of one kind, `same_picture` a garment's photo and a look "
    "that are one.",
)

MATCH = TableSpec(
    "matches",
    ("garment", "region", "recipe"),
    pa.schema(
        [
            _column("garment", pa.string(), "garments.id", nullable=False),
            _column("region", pa.string(), "regions.id", nullable=False),
            _column("look", pa.string(), "looks.id", nullable=False),
            _column("recipe", pa.string(), "models and settings", nullable=False),
            _column("s_vlm", pa.float32(), "agreement of descriptions, 0..1"),
            _column("s_visual", pa.float32(), "cosine of the vectors, -1..1"),
            _column("s_detail", pa.float32(), "likeness part by part, -1..1; null: not compared"),
            _column("score", pa.float32(), "the composite, after the hubness correction"),
            _column(
                "rank",
                pa.int32(),
                "of the region among the garment's, from 1; null: below its top k",
            ),
            _column("reverse_rank", pa.int32(), "of the garment among the region's"),
            _column("mutual", pa.bool_(), "each is the other's first"),
            _column("probability", pa.float32(), "that both are the same garment, 0..1"),
            _column("calibrated", pa.bool_(), "the probability was learned from labels"),
        ]
    ),
    "A garment and a region that may show it, scored.",
)

PAIR = TableSpec(
    "pairs",
    ("garment", "look", "recipe"),
    pa.schema(
        [
            _column("garment", pa.string(), "garments.id", nullable=False),
            _column("look", pa.string(), "looks.id", nullable=False),
            _column("region", pa.string(), "regions.id, the look's best", nullable=False),
            _column("recipe", pa.string(), "models and settings", nullable=False),
            _column("tier", pa.string(), "high | medium | low", nullable=False),
            _column("split", pa.string(), "train | validation | test", nullable=False),
            _column("group", pa.string(), "never on two sides of a split", nullable=False),
            _column("s_vlm", pa.float32(), "as in matches"),
            _column("s_visual", pa.float32(), "as in matches"),
            _column("s_detail", pa.float32(), "as in matches"),
            _column("score", pa.float32(), "as in matches"),
            _column("probability", pa.float32(), "as in matches"),
            _column("calibrated", pa.bool_(), "as in matches"),
            _column("verified_by", pa.list_(pa.string()), "who said yes"),
            _column("provenance", pa.string(), "models and settings as JSON"),
        ]
    ),
    "A garment x look chosen for the data set.",
)

REVIEW = TableSpec(
    "reviews",
    ("garment", "region", "reviewer"),
    pa.schema(
        [
            _column("garment", pa.string(), "garments.id", nullable=False),
            _column("region", pa.string(), "regions.id", nullable=False),
            _column("look", pa.string(), "looks.id", nullable=False),
            _column("reviewer", pa.string(), "who", nullable=False),
            _column(
                "decision",
                pa.string(),
                "yes | no | unsure: the verdict as pairing counts it",
                nullable=False,
            ),
            _column("note", pa.string(), "in their words"),
            _column("at", pa.timestamp("us", tz="UTC"), "when"),
            # Null in rows that did not come from the journal of the review desk:
            _column("event", pa.string(), "the event of the journal that stands"),
            _column("kind", pa.string(), "verdict | adjudication | link"),
            _column("verdict", pa.string(), "same | same_style | no | bad_crop | unsure"),
            _column("blind", pa.bool_(), "given without seeing scores or what others said"),
            _column("queue", pa.string(), "that asked"),
            _column("inclusion", pa.float64(), "probability that an audit drew the pair, 0..1"),
            _column("guideline", pa.int32(), "version of the guideline that was followed"),
        ]
    ),
    "What one person says of a match now; the journal of the review desk has every event.",
)

REJECT = TableSpec(
    "rejects",
    ("step", "recipe", "subject"),
    pa.schema(
        [
            _column("step", pa.string(), "of the pipeline", nullable=False),
            _column("recipe", pa.string(), "of the step", nullable=False),
            _column(
                "subject",
                pa.string(),
                "an id, or the path where there is no id yet",
                nullable=False,
            ),
            _column("kind", pa.string(), "garment | look"),
            _column("name", pa.string(), "the file's name, for a person to find it"),
            _column("reason", pa.string(), "a short word for alike cases", nullable=False),
            _column("detail", pa.string(), "what was found and what would help", nullable=False),
            _column("retry", pa.bool_(), "the next build tries it again"),
            _column("size", pa.int64(), "of the file then: a changed file is tried again"),
            _column("modified_ns", pa.int64(), "of the file then, nanoseconds since 1970"),
        ]
    ),
    "What a step turned away, with a reason a person can act on.",
)

RUN = TableSpec(
    "runs",
    ("id",),
    pa.schema(
        [
            _column("id", pa.string(), "of the run", nullable=False),
            _column("step", pa.string(), "of the pipeline", nullable=False),
            _column("recipe", pa.string(), "of the step", nullable=False),
            _column("inputs", pa.string(), "digest of what a whole-table step read"),
            _column("started", pa.timestamp("us", tz="UTC"), "when"),
            _column("seconds", pa.float64(), "it took"),
            _column("read", pa.int64(), "subjects"),
            _column("written", pa.int64(), "rows"),
            _column("rejected", pa.int64(), "subjects turned away"),
            _column("engine", pa.string(), "local | ray"),
            _column("settings", pa.string(), "JSON"),
        ]
    ),
    "One step of one build that found something to do.",
)

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

"""Croissant 1.0 metadata of a publication: every file with its hash, one record set a tier.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lookweave.publish.columns import ARTICLE_COLUMNS, Column, columns
from lookweave.publish.options import SPLITS, Options
from lookweave.publish.products import ARTICLES

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/x-parquet",
    ".tar": "application/x-tar",
}
LICENCES = {
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "other": "https://choosealicense.com/no-permission/",
}


def croissant(
    title: str,
    description: str,
    cite_as: str,
    files: dict[str, str],
    sizes: dict[str, int],
    base_url: str,
    options: Options,
) -> dict[str, Any]:
    """The metadata as JSON.

    Args:
        files: path below the publication -> SHA-256, of the data files.
        sizes: path -> bytes.
        base_url: where the files can be fetched, ending in ``/``; empty: beside the metadata.
    """
    data_files = {path: sha for path, sha in files.items() if Path(path).suffix in _TYPES}
    tiers = sorted({path.split("/")[1] for path in data_files if path.startswith("data/")})
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": title,
        "description": description,
        "license": licence_url(options.licence),
        "url": options.homepage
        or base_url.partition("/resolve/")[0]
        or "https://schema.org/Dataset",
        "version": "1.0.0",
        "citeAs": cite_as,
        "keywords": ["fashion", "garment", "lookbook", "image retrieval"],
        **({"creator": {"@type": "sc:Person", "name": options.authors}} if options.authors else {}),
        "isLiveDataset": True,
        **({"datePublished": f"{options.year}-01-01"} if options.year else {}),
        "distribution": [
            *([_repository(base_url)] if base_url else []),
            *(_file(path, sha, sizes[path], base_url) for path, sha in data_files.items()),
            *(_file_set(tier, bool(base_url)) for tier in tiers),
        ],
        "recordSet": [
            _splits(),
            *(_record_set(tier, columns(options.metadata)) for tier in tiers),
            *([_articles()] if ARTICLES in data_files else []),
        ],
    }


def licence_url(licence: str) -> str:
    """The page of a licence that the Hub calls `licence`."""
    if licence.lower() in LICENCES:
        return LICENCES[licence.lower()]
    if licence.lower().startswith("cc-"):
        kind, _, version = licence.lower().removeprefix("cc-").rpartition("-")
        return f"https://creativecommons.org/licenses/{kind}/{version}/"
    return f"https://spdx.org/licenses/{licence}"


def _file(path: str, sha256: str, size: int, base_url: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": base_url + path,
        "contentSize": f"{size} B",
        "encodingFormat": _TYPES[Path(path).suffix],
        "sha256": sha256,
    }


def _repository(base_url: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "repository",
        "name": "repository",
        "contentUrl": base_url.partition("/resolve/")[0],
        "encodingFormat": "git+https",
        # A repository has no hash of its own; this is what the specification's authors advise.
        "sha256": "https://github.com/mlcommons/croissant/issues/80",
    }


def _file_set(tier: str, in_repository: bool) -> dict[str, Any]:
    """The shards of a tier: below the repository, or in the folder of the metadata."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{tier}-parquet",
        "name": f"{tier}-parquet",
        "description": f"Parquet shards of the {tier} tier.",
        **({"containedIn": {"@id": "repository"}} if in_repository else {}),
        "encodingFormat": "application/x-parquet",
        # No `*.parquet`: it would take in hidden files that systems leave beside the shards.
        "includes": [f"data/{tier}/{split}-*.parquet" for split in SPLITS],
    }


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits of every tier.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}
        ],
        "data": [{"splits/name": split} for split in SPLITS],
    }


def _record_set(tier: str, chosen: tuple[Column, ...]) -> dict[str, Any]:
    file_set = {"fileSet": {"@id": f"{tier}-parquet"}}
    split = {
        "@type": "cr:Field",
        "@id": f"{tier}/split",
        "name": "split",
        "description": "train, validation or test",
        "dataType": "sc:Text",
        "references": {"field": {"@id": "splits/name"}},
        "source": {
            **file_set,
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": f"(?:data/{tier}/)?(train|validation|test)(?:-.+)?$"},
        },
    }
    return {
        "@type": "cr:RecordSet",
        "@id": tier,
        "name": tier,
        "description": f"Pairs of the {tier} tier.",
        "field": [split, *(_field(tier, column, file_set) for column in chosen)],
    }


def _articles() -> dict[str, Any]:
    """The articles of the catalogue, of one file."""
    file = {"fileObject": {"@id": ARTICLES}}
    return {
        "@type": "cr:RecordSet",
        "@id": "products",
        "name": "products",
        "description": "The articles of the catalogue, with or without a pair.",
        "field": [_field("products", column, file) for column in ARTICLE_COLUMNS],
    }


def _field(tier: str, column: Column, files: dict[str, Any]) -> dict[str, Any]:
    source: dict[str, Any] = {**files, "extract": {"column": column.name}}
    if column.is_image:
        source["transform"] = {"jsonPath": "bytes"}
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{tier}/{column.name}",
        "name": column.name,
        "description": column.meaning,
        "source": source,
    }
    if column.fields:
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{tier}/{column.name}/{part.name}",
                "name": part.name,
                "description": part.meaning,
                "dataType": part.croissant,
                "source": {**source, "transform": {"jsonPath": part.name}},
            }
            for part in column.fields
        ]
    else:
        field["dataType"] = column.croissant
    return {**field, "repeated": True} if column.is_list else field

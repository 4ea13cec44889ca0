"""Shards of a publication: Parquet for `datasets`, tar files for WebDataset.

Both writers hold one row group or one sample at a time, and give the same bytes for the same
pairs: no clock, no host, no order but that of the pairs.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.publish.columns import IMAGES, arrow_schema
from lookweave.publish.options import Options
from lookweave.publish.pairs import PublishedPair
from lookweave.text import to_json


class Shards(Protocol):
    """The shards of one split of one tier."""

    def add(self, pair: PublishedPair) -> None:
        """Write one pair, opening a further shard where the last one is full."""
        ...

    def close(self) -> None:
        """Finish the last shard."""
        ...


class ParquetShards:
    """``FOLDER/SPLIT-00000-of-00003.parquet``, each with small row groups to stream from.

    Image columns are structs of bytes and path, and the schema carries the features that make
    `datasets.load_dataset` open them as images.
    """

    def __init__(self, folder: Path, split: str, options: Options) -> None:
        self._folder, self._split, self._options = folder, split, options
        self._schema = arrow_schema(options.metadata)
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[dict[str, Any]] = []
        self._row_bytes = self._shard_bytes = 0
        self._shards: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, pair: PublishedPair) -> None:
        """Write one pair."""
        row = dict(pair.values)
        for column, image in pair.images.items():
            file_name = f"{pair.key}.{IMAGES[column]}.{image.extension}"
            row[column] = {"bytes": image.data, "path": file_name}
            self._row_bytes += len(image.data)
        self._rows.append(row)
        full = self._row_bytes >= self._options.row_group_bytes
        if full or len(self._rows) >= self._options.row_group_rows:
            self._flush()

    def close(self) -> None:
        """Finish the last shard and give all of them the names that say how many there are."""
        self._flush()
        self._close_shard()
        for index, path in enumerate(self._shards):
            name = f"{self._split}-{index:05d}-of-{len(self._shards):05d}.parquet"
            path.rename(path.with_name(name))

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            path = self._folder / f"{self._split}-{len(self._shards):05d}.unfinished"
            self._shards.append(path)
            images = [f"{name}.bytes" for name in IMAGES]
            others = [field.name for field in self._schema if field.name not in IMAGES]
            self._writer = pq.ParquetWriter(
                path,
                self._schema,
                compression="zstd",
                use_dictionary=others,
                write_statistics=others,
                # A JPEG does not shrink, and no reader asks for the smallest one.
                column_encoding=dict.fromkeys(images, "PLAIN"),
                write_page_index=True,
                # A hub that stores chunks sends only what changed when a few pairs are gone.
                use_content_defined_chunking=True,
            )
        table = pa.Table.from_pylist(self._rows, schema=self._schema)
        self._writer.write_table(table, row_group_size=len(self._rows))
        self._shard_bytes += self._row_bytes
        self._rows, self._row_bytes = [], 0
        if self._shard_bytes >= self._options.shard_bytes:
            self._close_shard()

    def _close_shard(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._shard_bytes = None, 0


class WebDatasetShards:
    """``FOLDER/SPLIT-00000.tar`` with ``KEY.garment.jpg``, ``KEY.look.jpg``, ``KEY.region.jpg``,
    ``KEY.mask.png`` and ``KEY.json`` of each pair."""

    def __init__(self, folder: Path, split: str, options: Options) -> None:
        self._folder, self._split, self._options = folder, split, options
        self._tar: tarfile.TarFile | None = None
        self._count = self._shard_bytes = 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, pair: PublishedPair) -> None:
        """Write one pair."""
        if self._tar is None:
            path = self._folder / f"{self._split}-{self._count:05d}.tar"
            self._tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)  # noqa: SIM115
            self._count += 1
        for column, name in IMAGES.items():
            if column in pair.images:
                image = pair.images[column]
                self._member(f"{pair.key}.{name}.{image.extension}", image.data)
        values = to_json(pair.values, sort_keys=True)
        self._member(f"{pair.key}.json", values.encode())
        if self._shard_bytes >= self._options.shard_bytes:
            self.close()

    def close(self) -> None:
        """Finish the last shard."""
        if self._tar is not None:
            self._tar.close()
        self._tar, self._shard_bytes = None, 0

    def _member(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o644
        assert self._tar is not None
        self._tar.addfile(info, io.BytesIO(data))
        self._shard_bytes += len(data)


class TierWriter:
    """Writes pairs that arrive tier by tier and split by split into their shards.

    Layout: ``data/TIER/…`` for Parquet, ``webdataset/TIER/…``.
    """

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder, self._options = folder, options
        self._at: tuple[str, str] | None = None
        self._shards: list[Shards] = []

    def __enter__(self) -> TierWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def add(self, pair: PublishedPair) -> None:
        """Write one pair in every format."""
        if self._at != (pair.tier, pair.split):
            self._close()
            self._at = (pair.tier, pair.split)
            if "parquet" in self._options.formats:
                folder = self._folder / "data" / pair.tier
                self._shards.append(ParquetShards(folder, pair.split, self._options))
            if "webdataset" in self._options.formats:
                folder = self._folder / "webdataset" / pair.tier
                self._shards.append(WebDatasetShards(folder, pair.split, self._options))
        for shards in self._shards:
            shards.add(pair)

    def _close(self) -> None:
        for shards in self._shards:
            shards.close()
        self._shards = []

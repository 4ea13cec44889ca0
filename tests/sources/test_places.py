from __future__ import annotations

import os
import socket
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.photo_bytes import encoded, upright

from lookweave import sources
from lookweave.errors import InputError
from lookweave.sources import Source, values
from lookweave.sources.catalogue import noun_columns
from lookweave.sources.columns import picture_columns as columns_of

PHOTO = encoded(upright(), "JPEG")


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PHOTO)


def listed(*places: Path, kind: str = "garment") -> list[Source]:
    return list(sources.listing(kind, tuple(map(str, places))))


def names(*places: Path) -> list[str]:
    return [source.name for source in listed(*places)]


def manifest(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


# Folders


def test_folder_is_read_recursively_in_sorted_order(tmp_path: Path) -> None:
    put(tmp_path, "b.jpg", "a/z.PNG", "a/b/c.webp", "B.jpg", "c.jpg/inside.tif", "10.jpg", "9.jpg")
    expected = ["10.jpg", "9.jpg", "B.jpg", "a/b/c.webp", "a/z.PNG", "b.jpg", "c.jpg/inside.tif"]
    assert names(tmp_path) == expected
    first = listed(tmp_path)[0]
    status = (tmp_path / "10.jpg").stat()
    assert first == Source(
        "garment", str(tmp_path / "10.jpg"), "10.jpg", status.st_size, status.st_mtime_ns,
        input=str(tmp_path), facts=sources.ProductFacts(),
    )  # fmt: skip
    assert first.metadata == "{}"


def test_what_is_no_photo_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "photo.jpg", "no-suffix", "odd.jpg_large", "drawing.svg", "raw.cr2")
    put(tmp_path, ".hidden.jpg", ".git/x.jpg", "__MACOSX/x.jpg", "Thumbs.db", "list.csv", "n.txt")
    put(tmp_path, "film.mp4", "page.html")
    (tmp_path / "readme").write_text("no photo")
    (tmp_path / "empty").write_bytes(b"")
    put(tmp_path / "below", "other.MOV", "third.mp4", "fourth.mp4")
    found = listed(tmp_path)
    assert [source.name for source in found] == [
        "drawing.svg", "no-suffix", "odd.jpg_large", "photo.jpg", "raw.cr2", "4 films",
    ]  # fmt: skip
    assert found[-1].path == f"{tmp_path}: 4 films"
    assert found[-1].problem is not None
    assert (found[-1].problem.reason, found[-1].problem.detail) == (
        "not_a_photo", "No photo: 4 films (fourth.mp4, other.MOV, third.mp4 and 1 more).",
    )  # fmt: skip


def test_folder_of_other_files_says_what_it_holds(tmp_path: Path) -> None:
    put(tmp_path, "look book.pdf", "page.html")
    with pytest.raises(InputError, match=r"holds no photo: .* It holds 1 PDF document \(look book"):
        listed(tmp_path)


LEFT_OUT = (
    "$RECYCLE.BIN", "RECYCLER", "Recycled", "#recycle", "@Recycle", ".Trash-1000", "lost+found",
    "FOUND.000", "#snapshot", "@Recently-Snapshot", "~snapshot", ".snapshot", "@eaDir", "@tmp",
    "System Volume Information", "__MACOSX", ".@__thumb", "@__thumb", "thumbs", "_thumbs", "Thumbnails",
    "CaptureOne/Cache", "media/catalog/product/cache", "Photos Library.photoslibrary",
    "Previews.lrdata", "Old.aplibrary", "Session.cocatalog",
)  # fmt: skip


@pytest.mark.parametrize("folder", LEFT_OUT)
def test_what_systems_and_programs_keep_beside_photos_is_passed_over(
    tmp_path: Path, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lookweave.sources")
    put(tmp_path, "a.jpg", f"{folder}/deep/b.jpg", f"{folder} by brand/c.jpg")
    expected = ["a.jpg"] if folder.startswith(".") else ["a.jpg", f"{folder} by brand/c.jpg"]
    assert sorted(names(tmp_path)) == sorted(expected)
    assert folder.startswith(".") or str(tmp_path / folder) in caplog.text
    assert names(tmp_path / folder) == ["deep/b.jpg"], "a folder that is named is read"


def test_folder_with_nothing_but_left_out_folders_says_which(tmp_path: Path) -> None:
    put(tmp_path, "thumbs/a.jpg")
    with pytest.raises(InputError, match="passed over: thumbs"):
        names(tmp_path)


def test_backups_and_unfinished_copies_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "a.jpg~", "~$a.jpg", "b.jpg.bak", "c.jpg.part", "d.jpg.download")
    put(tmp_path, "e.jpg.filepart", "f.tmp", "._a.jpg")
    assert names(tmp_path) == ["a.jpg"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.jpg")
    put(tmp_path / "elsewhere", "b.jpg")
    (tmp_path / "real/up").symlink_to(tmp_path / "real")
    (tmp_path / "real/zelse").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "real/me.jpg").symlink_to("me.jpg")
    (tmp_path / "real/broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "real")
    assert names(tmp_path / "real") == ["a.jpg", "broken.jpg", "me.jpg", "zelse/b.jpg"]
    assert [source.size for source in listed(tmp_path / "real")] == [
        len(PHOTO),
        None,
        None,
        len(PHOTO),
    ]


def test_workspace_inside_the_folder_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "ws/thumbnails/ab/abc.jpg")
    (tmp_path / "ws/workspace.json").write_text("{}")
    assert names(tmp_path) == ["a.jpg"]


def test_odd_names_survive(tmp_path: Path) -> None:
    odd = ["two\nlines.jpg", "👗.jpg", "x" * 240 + ".jpg", "quote'\".jpg", "A.JPG", "a.jpg"]
    put(tmp_path, *odd)
    found = listed(tmp_path)
    assert sorted(source.name for source in found) == sorted(odd)
    assert not any(source.problem for source in found)


def test_name_that_is_no_unicode_is_a_reject_with_a_readable_name(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(PHOTO)
    (source,) = listed(tmp_path)
    assert source.name == "caf\\xe9.jpg"
    assert source.path.encode() == os.fsencode(tmp_path) + b"/caf\\xe9.jpg"
    assert source.problem is not None
    assert source.problem.reason == "unreadable_name"


def test_pipes_and_sockets_with_a_photos_name_are_listed_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket.jpg"))
        assert names(tmp_path) == ["pipe.jpg", "socket.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_folder_that_may_not_be_listed_is_a_reject(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "locked/b.jpg")
    (tmp_path / "locked").chmod(0)
    assert [source.problem and source.problem.reason for source in listed(tmp_path)] == [
        None,
        "unreadable_folder",
    ]


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/readme.txt").write_text("no photo")
    put(tmp_path, "photo.jpg")
    for place, told in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "empty", "holds no photo"),
        (tmp_path / "photo.jpg", "neither a folder nor a manifest"),
    ):
        with pytest.raises(InputError, match=told):
            listed(place)
    with pytest.raises(InputError, match="list addresses in a CSV"):
        list(sources.listing("look", ("https://shop.example/photos",)))


def test_all_places_are_checked_before_the_first_photo(tmp_path: Path) -> None:
    put(tmp_path / "good", "a.jpg")
    with pytest.raises(InputError):
        next(sources.listing("look", (str(tmp_path / "good"), str(tmp_path / "none"))))


# Manifests

TABLE = [["path", "sku", "brand"], ["a.jpg", "1", "Maison Été"], ["sub/b.jpg", "2", "Bö"]]


def written(delimiter: str) -> str:
    return "\n".join(delimiter.join(row) for row in TABLE) + "\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("comma.csv", written(",").encode()),
        ("semicolon.csv", written(";").encode()),
        ("tab.csv", written("\t").encode()),
        ("tab.tsv", written("\t").encode()),
        ("pipe.csv", written("|").encode()),
        ("mark.csv", b"\xef\xbb\xbf" + written(",").encode()),
        ("wide.csv", written(";").encode("utf-16")),
        ("wide-no-mark.csv", written(",").encode("utf-16-le")),
        ("latin.csv", written(";").encode("latin-1")),
        ("windows.csv", written(",").replace("\n", "\r\n").encode()),
        ("old-mac.csv", written(",").replace("\n", "\r").encode()),
        ("quoted.csv", b'"path","sku","brand"\n"a.jpg","1","Maison \xc3\x89t\xc3\xa9"\n'
         b'"sub/b.jpg","2","B\xc3\xb6"\n'),
        ("blank-lines.csv", b"\n\n" + written(",").replace("\n", "\n\n").encode()),
        ("empty-columns.csv", written(",").replace("\n", ",,\n").encode()),
    ],
)  # fmt: skip
def test_manifest_however_it_is_written(tmp_path: Path, name: str, content: bytes) -> None:
    put(tmp_path, "a.jpg", "sub/b.jpg")
    found = listed(manifest(tmp_path / name, content))
    assert [source.name for source in found] == ["a.jpg", "sub/b.jpg"]
    assert [source.path for source in found] == [str(tmp_path / n) for n in ("a.jpg", "sub/b.jpg")]
    assert [source.size for source in found] == [len(PHOTO)] * 2
    assert [source.cells for source in found] == [
        {"path": "a.jpg", "sku": "1", "brand": "Maison Été"},
        {"path": "sub/b.jpg", "sku": "2", "brand": "Bö"},
    ]


def test_windows_1252_has_the_euro_sign(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    path = manifest(tmp_path / "m.csv", "path;price\na.jpg;€ 12,50\n", "cp1252")
    assert listed(path)[0].cells["price"] == "€ 12,50"


def test_parquet_manifest(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    table = pa.table(
        {
            "image_path": ["a.jpg", None],
            "price": [12.5, float("nan")],
            "tags": [["red", "silk"], None],
            "when": pa.array([0, None], pa.timestamp("s")),
            "picture": pa.array([b"\xff", None], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")
    first, second = listed(tmp_path / "m.parquet")
    assert first.path == str(tmp_path / "a.jpg")
    assert first.cells == {
        "image_path": "a.jpg", "price": 12.5, "tags": ["red", "silk"],
        "when": "1970-01-01 00:00:00",
    }  # fmt: skip
    assert second.problem is not None
    assert second.problem.reason == "no_photo_named"


def test_parquet_with_the_photos_inside_is_refused(tmp_path: Path) -> None:
    table = pa.table({"image": pa.array([{"path": "a.jpg", "bytes": b"x"}]), "title": ["A"]})
    pq.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"'image' .* holds the photos themselves"):
        listed(tmp_path / "m.parquet")


def test_paths_and_addresses(tmp_path: Path) -> None:
    put(tmp_path, "in/a.jpg", "in/with space.jpg", "in/sub/w.jpg", "out.jpg")
    accents = unicodedata.normalize("NFD", "été.jpg")
    put(tmp_path / "in", accents)
    rows = [
        "a.jpg", str(tmp_path / "out.jpg"), "../out.jpg", "https://shop.example/a.jpg?w=2",
        (tmp_path / "in/with space.jpg").as_uri(), "sub\\w.jpg",
        unicodedata.normalize("NFC", "été.jpg"), "gone.jpg", "s3://bucket/a.jpg",
    ]  # fmt: skip
    found = listed(manifest(tmp_path / "in/m.csv", "\n".join(["file", *rows])))
    inside = tmp_path / "in"
    assert [source.path for source in found] == [
        str(inside / "a.jpg"), str(tmp_path / "out.jpg"), str(tmp_path / "out.jpg"),
        "https://shop.example/a.jpg?w=2", str(inside / "with space.jpg"),
        str(inside / "sub/w.jpg"), str(inside / accents), str(inside / "gone.jpg"),
        "s3://bucket/a.jpg",
    ]  # fmt: skip
    assert [source.size is not None for source in found] == [
        True, True, True, False, True, True, True, False, False,
    ]  # fmt: skip
    assert [source.is_address for source in found].index(True) == 3
    assert found[-1].problem is not None
    assert found[-1].problem.reason == "unsupported_address"


@pytest.mark.parametrize(
    ("columns", "photo"),
    [
        (["sku", "path", "url"], "path"),
        (["url", "Image URL", "name"], "Image URL"),
        (["id", "url"], "url"),
        (["imagePath", "name"], "imagePath"),
        (["filename", "caption"], "filename"),
        (["Image Src", "Handle"], "Image Src"),
        (["image_link", "link"], "image_link"),
    ],
)
def test_column_that_names_the_photo(columns: list[str], photo: str) -> None:
    assert columns_of(columns)[0] == photo


def test_first_photo_column_that_is_filled_counts(tmp_path: Path) -> None:
    path = manifest(
        tmp_path / "m.csv", "path,image_url,url\n,https://a.example/1.jpg,https://a.example/p\n"
    )
    assert listed(path)[0].path == "https://a.example/1.jpg"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("sku,brand\n1,A\n", "no column that names the photo.*'sku', 'brand'"),
        ("path,sku\n", "has no rows"),
        ("", "has no rows"),
        ("\n\n", "has no rows"),
        ("a.jpg\nb.jpg\n", "has no header: its first line names a photo already .'a.jpg'"),
    ],
)
def test_manifests_that_cannot_be_used(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        listed(manifest(tmp_path / "m.csv", content))


def test_broken_parquet_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"m\.parquet cannot be read"):
        listed(manifest(tmp_path / "m.parquet", b"PAR1 no parquet"))


def test_rows_that_cannot_be_read_do_not_stop_the_others(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "d.jpg")
    text = 'path,title\na.jpg,"two\nlines"\n,nothing\nb.jpg,a,b\nd.jpg\n'
    found = listed(manifest(tmp_path / "m.csv", text))
    assert [source.name for source in found] == ["a.jpg", "m.csv:4", "m.csv:5", "d.jpg"]
    assert [source.problem and source.problem.reason for source in found] == [
        None, "no_photo_named", "broken_row", None,
    ]  # fmt: skip
    assert found[0].cells["title"] == "two\nlines"


# The catalogue's columns


def test_garment_columns_and_the_rest() -> None:
    row = {
        "image_path": "a.jpg", "SKU": "7", "Product Title": "Dress", "Vendor": "Aa",
        "type": "dress", "price": "12.50", "product_url": "https://a.example", "licence": "CC0", "fit": "slim",
        "taken_down": "no",
    }  # fmt: skip
    assert noun_columns("garment", row) == {
        "sku": "7", "title": "Dress", "brand": "Aa", "category": "dress", "price": 12.5,
        "url": "https://a.example", "rights": "CC0", "taken_down": False, "product": "7",
        "metadata": {"fit": "slim"},
    }  # fmt: skip


def test_look_columns_and_the_rest() -> None:
    row = {
        "file": "l.jpg", "Title": "Look 1", "brand": "Aa", "season": "SS26",
        "photo credit": "P. P.", "shoot": "beach", "url": "https://a.example", "rights": "editorial only", "sku": "7",
    }  # fmt: skip
    assert noun_columns("look", row) == {
        "title": "Look 1", "brand": "Aa", "season": "SS26", "photographer": "P. P.",
        "shoot": "beach", "url": "https://a.example", "rights": "editorial only",
        "taken_down": False, "metadata": {"sku": "7"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("12.99", 12.99), ("12,99", 12.99), ("€ 1.299,00", 1299.0), ("$1,299.00", 1299.0),
        ("1 299,00 EUR", 1299.0), ("1\u202f299,5", 1299.5), ("CHF 1'299.–", 1299.0),
        ("1.299", 1299.0), ("¥12,000", 12000.0), ("1.234.567", 1234567.0), ("0", 0.0),
        (1299, 1299.0), (12.5, 12.5), ("19.990000001", 19.990000001),
        ("free", None), ("20-30", None), ("$20 - $30", None), ("1,29,9", None), ("", None),
        (True, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_price(text: object, price: float | None) -> None:
    assert values.parse_price(text) == price


def test_price_with_a_currency_keeps_it_in_the_metadata() -> None:
    columns = noun_columns("garment", {"path": "a", "price": "€ 1.299,00"})
    assert columns["price"] == 1299.0
    assert columns["metadata"] == {"price": "€ 1.299,00"}
    columns = noun_columns("garment", {"path": "a", "price": "on request"})
    assert "price" not in columns
    assert columns["metadata"] == {"price": "on request"}


@pytest.mark.parametrize("value", ["yes", "TRUE", "1", "x", "1.0", True, 1, "2026-01-31"])
def test_taken_down(value: object) -> None:
    assert noun_columns("look", {"path": "a", "Takedown": value})["taken_down"]


@pytest.mark.parametrize("value", ["no", "FALSE", "0", "-", False, 0, 0.0, "None"])
def test_not_taken_down(value: object) -> None:
    assert not noun_columns("look", {"path": "a", "Takedown": value})["taken_down"]


def test_date_of_a_takedown_is_kept() -> None:
    columns = noun_columns("look", {"path": "a", "taken_down": "2026-01-31"})
    assert columns["metadata"] == {"taken_down": "2026-01-31"}

"""Manifests as catalogues: where their pictures are, and when they are refused."""

from __future__ import annotations

import gzip
import unicodedata
import zipfile
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.photo_bytes import encoded, upright

from lookweave.errors import InputError
from lookweave.sources import Listing, Notices, Options, ProductFacts, Source
from lookweave.sources.pictures import split_cell

PHOTO = encoded(upright(), "JPEG")


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PHOTO)


def read(path: Path, options: Options | None = None) -> tuple[list[Source], str]:
    notices = Notices()
    found = list(Listing("garment", (str(path),), options, notices))
    return found, "\n".join(notices.sentences())


def manifest(folder: Path, *names: str, options: Options | None = None) -> tuple[list[Source], str]:
    """The sources of a list of names, and what was told."""
    path = folder / "m.csv"
    lines = ["image", *('"' + name.replace('"', '""') + '"' for name in names)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return read(path, options)


def below(folder: Path, sources: list[Source]) -> list[str]:
    return [str(Path(source.path).relative_to(folder)) for source in sources]


# Pictures


@pytest.mark.parametrize(
    ("cell", "several", "pieces"),
    [
        ("a.jpg, b.jpg", False, ["a.jpg", "b.jpg"]), ("a.jpg|b.jpg;", False, ["a.jpg", "b.jpg"]),
        ("a.jpg\nb.jpg", False, ["a.jpg", "b.jpg"]), ("Dress, red.jpg", False, ["Dress, red.jpg"]),
        ('["a.jpg", "b.jpg"]', False, ["a.jpg", "b.jpg"]), ("['a.jpg', 'b.jpg']", False, ["a.jpg", "b.jpg"]),
        ("a, b", False, ["a, b"]), ("a, b", True, ["a", "b"]),
        ("https://x.example/a.jpg, https://x.example/b.jpg", True,
         ["https://x.example/a.jpg", "https://x.example/b.jpg"]),
        ("https://x.example/w_200,h_300/a.jpg", True, ["https://x.example/w_200,h_300/a.jpg"]),
        ("https://x.example/w_1,h_2/a.jpg,https://x.example/b.jpg?c=1;d=2", True,
         ["https://x.example/w_1,h_2/a.jpg", "https://x.example/b.jpg?c=1;d=2"]),
        ("https://x.example/a.jpg https://x.example/b.jpg", False,
         ["https://x.example/a.jpg", "https://x.example/b.jpg"]),
        ([{"src": "a.jpg", "id": 1}, {"url": "b.jpg"}], False, ["a.jpg", "b.jpg"]),
        ({"path": "a.jpg"}, False, ["a.jpg"]), ("no_selection", False, []), ("n/a", False, []),
        ("-", False, []), (None, False, []), (True, False, []), ('="a.jpg"', False, ["a.jpg"]),
        ("data:image/png;base64,AA==", False, ["data:image/png;base64,AA=="]),
    ],
)  # fmt: skip
def test_pictures_of_a_cell(cell: object, several: bool, pieces: list[str]) -> None:
    assert split_cell(cell, several=several) == pieces


def test_names_are_found_however_they_are_written(tmp_path: Path) -> None:
    accents = unicodedata.normalize("NFD", "é/café.jpg")
    put(tmp_path, "g/a.jpg", accents, "g/with space.jpg", "g/50%.jpg", "g/trail .jpg", "g/x.jpg ")
    written = {
        "G/A.JPG": "g/a.jpg", "g\\a.jpg": "g/a.jpg", ".\\g\\a.jpg": "g/a.jpg",
        unicodedata.normalize("NFC", "é\\café.jpg"): accents,
        unicodedata.normalize("NFC", "É/CAFÉ.jpg"): accents, "g/with%20space.jpg": "g/with space.jpg",
        "g/50%.jpg": "g/50%.jpg", " g/a.jpg\u00a0": "g/a.jpg", "g/a.jpg\u200b": "g/a.jpg",
        "g/x.jpg": "g/x.jpg ", "C:\\shop\\g\\a.jpg": "g/a.jpg", "\\\\nas\\shop\\g\\a.jpg": "g/a.jpg",
        (tmp_path / "g/a.jpg").as_uri(): "g/a.jpg", f"file:{tmp_path}/g/a.jpg": "g/a.jpg",
        f"FILE://localhost{tmp_path}/g/a.jpg": "g/a.jpg", "file:///C:/shop/g/a.jpg": "g/a.jpg",
        f"file://{quote(str(tmp_path))}/g/with%20space.jpg": "g/with space.jpg",
    }  # fmt: skip
    found, told = manifest(tmp_path, *written)
    assert below(tmp_path, found) == list(written.values())
    assert "'G/A.JPG' is read as 'g/a.jpg'" in told


def test_a_name_that_two_files_share_but_for_case_is_not_guessed(tmp_path: Path) -> None:
    put(tmp_path, "A.jpg", "a.jpg", "b.jpg")
    found, _ = manifest(tmp_path, "a.JPG", "A.jpg", "b.jpg")
    assert [source.size is None for source in found] == [True, False, False]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("//cdn.example.com/a.jpg", "https://cdn.example.com/a.jpg"),
        ("www.example.fashion/a.jpg", "https://www.example.fashion/a.jpg"),
        ("cdn.example.com/a.jpg", "https://cdn.example.com/a.jpg"),
        ("HTTPS://x.example/a.jpg", "HTTPS://x.example/a.jpg"),
    ],
)
def test_addresses_without_a_scheme(tmp_path: Path, written: str, address: str) -> None:
    (found,), told = manifest(tmp_path, written)
    assert found.path == address
    assert ("is read with https:" in told) == (address != written)


def test_folder_that_looks_like_a_host_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "cdn.example.com/a.jpg")
    (found,), _ = manifest(tmp_path, "cdn.example.com/a.jpg")
    assert found.size == len(PHOTO)


def test_base(tmp_path: Path) -> None:
    put(tmp_path, "media/a/b/x.jpg", "list/other.jpg")
    at = Options(base=str(tmp_path / "media"))
    assert (
        below(tmp_path, manifest(tmp_path / "list", "a/b/x.jpg", "/a/b/x.jpg", options=at)[0])
        == ["media/a/b/x.jpg"] * 2
    )
    web = Options(base="https://shop.example/media/")
    (found,), _ = manifest(tmp_path / "list", "/a/b x#1.jpg", options=web)
    assert found.path == "https://shop.example/media/a/b%20x%231.jpg"
    with pytest.raises(InputError, match="is no folder"):
        manifest(tmp_path / "list", "x.jpg", options=Options(base=str(tmp_path / "none")))


def test_names_are_looked_for_below_when_none_is_where_it_should_be(tmp_path: Path) -> None:
    put(tmp_path, "photos/red/A1.jpg", "photos/blue/A1.jpg", "photos/red/b2.JPG", "cache/b2.jpg")
    found, told = manifest(tmp_path, "x/red/a1.jpg", "/var/www/b2.jpg", "a1.jpg")
    assert below(tmp_path, found[:2]) == ["photos/red/A1.jpg", "photos/red/b2.JPG"]
    assert found[2].size is None, "two files have this name"
    assert "3 of 3 photos are not where it says (line 2: 'x/red/a1.jpg')" in told
    assert "2 were found by their names below" in told
    put(tmp_path, "a.jpg", "c/d.jpg")
    assert manifest(tmp_path, "a.jpg", "d.jpg")[0][1].size is None, "one is missing, not all"


def test_too_few_names_found_below_are_offered_not_taken(tmp_path: Path) -> None:
    put(tmp_path, "photos/0.jpg", "photos/1.jpg")
    with pytest.raises(InputError, match="the same name as 2 of them lie in folders below"):
        manifest(tmp_path, *(f"x/{number}.jpg" for number in range(30)))


def test_the_column_whose_picture_is_there_counts(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    path = tmp_path / "m.csv"
    path.write_text(
        "path,image_url\n,https://x.example/1.jpg\naway.jpg,https://x.example/2.jpg\na.jpg,\n"
    )
    found, told = read(path)
    assert [source.path for source in found] == [
        "https://x.example/1.jpg", "https://x.example/2.jpg", str(tmp_path / "a.jpg"),
    ]  # fmt: skip
    assert "line 3: 'away.jpg' is not there; 'https://x.example/2.jpg' was taken" in told


# Formats


def test_spreadsheet(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Notes of the season"])
    sheet = book.create_sheet("Artikel")
    for row in (["Spring"], [], ["Artikelnummer", "Bild", "Preis", "Titel", "gesperrt"],
                [123, "a.jpg", 12.5, "Hut", None], [], [7.0, "a.jpg", 3, "Kappe", "ja"]):  # fmt: skip
        sheet.append(row)
    sheet["A4"].number_format = "00000"
    book.save(tmp_path / "m.xlsx")
    (tmp_path / "named.csv").write_bytes((tmp_path / "m.xlsx").read_bytes())
    for name in ("m.xlsx", "named.csv"):
        found, _ = read(tmp_path / name)
        assert [source.facts for source in found] == [
            ProductFacts(sku="00123", title="Hut", price=12.5),
            ProductFacts(sku="7", title="Kappe", price=3.0),
        ]
        assert [source.line for source in found] == [4, 6]
        assert [source.taken_down for source in found] == [False, True]


def text_types() -> list[pa.DataType]:
    return [
        pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", text_types(), ids=str)
@pytest.mark.parametrize(
    "empty", [pa.null(), pa.float64(), pa.int32(), pa.binary(), pa.bool_()], ids=str
)
def test_every_text_type_of_arrow(tmp_path: Path, kind: pa.DataType, empty: pa.DataType) -> None:
    put(tmp_path, "a.jpg")
    table = pa.table({
        "path": pa.array(["a.jpg", None]).cast(kind), "image_url": pa.nulls(2, empty),
        "sku": pa.array([12.0, None]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "m.parquet")
    (first, second), _ = read(tmp_path / "m.parquet")
    assert (first.path, first.facts) == (str(tmp_path / "a.jpg"), ProductFacts(sku="12"))
    assert second.problem is not None


def test_parquet_columns_of_one_name(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    arrays = [pa.array(["a.jpg"]), pa.array(["b.jpg"]), pa.array([b"x"])]
    pq.write_table(pa.Table.from_arrays(arrays, names=["path", "path", "raw"]), tmp_path / "m.pq")
    assert below(tmp_path, read(tmp_path / "m.pq")[0]) == ["a.jpg", "b.jpg"]


def test_entities_in_a_feed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        "<rss><item><image>a.jpg</image><title>&e;</title></item></rss>"
    )
    with pytest.raises(InputError, match="no XML that can be read"):
        read(tmp_path / "m.xml")


def archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "m.csv", "w") as file:
        file.writestr("a.csv", "path\na.jpg\n")
    return folder / "m.csv"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("m.csv", b"\xd0\xcf\x11\xe0" + bytes(99), r"old format \(.xls\)"),
        ("m.csv", b"%PDF-1.7", "a PDF document"),
        ("m.csv", b"<!DOCTYPE html><html><table>", "a web page"),
        ("m.csv", PHOTO, "a picture"),
        ("m.xlsx", b"PK\x03\x04" + bytes(99), "a ZIP archive and no spreadsheet"),
        ("m.xlsx", b"path\na.jpg\n", "no xlsx file at all"),
        ("m.parquet", b"PAR1 no parquet", "cannot be read"),
        ("m.csv.gz", gzip.compress(b"path\n" * 999, mtime=0)[:40], "cannot be read"),
        ("m.jsonl", b"{\n'a': 1\n}\n", "no objects of JSON"),
        ("m.xml", b"<?xml version='1.0'?><a><b>", "no XML that can be read"),
        ("m.csv", b"sku,title\n1,A\n", "no column that names the photo.*--columns image"),
        ("m.csv", b"path,title\n", "has no rows"), ("m.csv", b"", "has no rows"),
        ("m.csv", b"https://x.example/a.jpg\n", "has no header"),
        ("m.csv", b"path\ndata:image/png;base64,AA==\n", "of a kind that is not read"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_told_so(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told):
        read(tmp_path / name)


def test_archive_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unpack it"):
        read(archive(tmp_path))


# Refusals


def test_manifest_of_which_every_row_fails_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        manifest(tmp_path, *(f"{number}.jpg" for number in range(5)))
    text = str(told.value)
    assert text.startswith(f"Every row of {tmp_path}/m.csv cannot be used, because the files are")
    assert "line 2: '0.jpg'; line 3: '1.jpg'; line 4: '2.jpg')" in text and "'3.jpg'" not in text
    assert "--base" in text


@pytest.mark.parametrize(
    ("there", "rows", "most", "refused"),
    [
        (9, 20, 0.5, True), (10, 20, 0.5, False), (1, 19, 0.5, False), (0, 19, 0.5, True),
        (18, 20, 0.05, True), (1, 20, 1.0, False), (0, 1, 1.0, True),
    ],
)  # fmt: skip
def test_share_of_rows_that_may_fail(
    tmp_path: Path, there: int, rows: int, most: float, refused: bool
) -> None:
    put(tmp_path, *(f"{number}.jpg" for number in range(there)))
    names = [f"{number}.jpg" for number in range(rows)]
    if refused:
        with pytest.raises(InputError, match="cannot be used"):
            manifest(tmp_path, *names, options=Options(max_failed=most))
    else:
        found, _ = manifest(tmp_path, *names, options=Options(max_failed=most))
        assert sum(source.size is not None for source in found) == there


def test_articles_without_a_picture_are_no_failure(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    path = tmp_path / "m.csv"
    path.write_text("sku,image\n" + "".join(f"{number},\n" for number in range(99)) + "99,a.jpg\n")
    found, _ = read(path)
    assert len(found) == 100
    path.write_text("sku,image\n1,\n2,\n")
    with pytest.raises(InputError, match="no cell names a photo"):
        read(path)


def test_all_is_told_before_the_first_photo(tmp_path: Path) -> None:
    put(tmp_path, "good/a.jpg")
    (tmp_path / "m.csv").write_text("path\naway.jpg\n")
    with pytest.raises(InputError, match=r"m\.csv"):
        Listing("look", (str(tmp_path / "good"), str(tmp_path / "m.csv")))


def test_columns_that_are_not_understood_are_told(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    path = tmp_path / "m.csv"
    path.write_text("path,title,fit,rights of heirs,description\na.jpg,A,slim,no,x\n")
    found, told = read(path)
    assert f"{path}: columns that are kept but not understood: 'fit'." in told
    assert "'rights of heirs' sounds like rights or takedowns and is not understood" in told
    assert found[0].further == {"fit": "slim", "rights of heirs": "no", "description": "x"}


def test_notices_are_kept_short() -> None:
    notices = Notices()
    for line in range(2, 1000):
        notices.tell("m.csv", "spelling", f"{line} is odd.", line)
    assert notices.sentences() == [
        "m.csv, line 2: 2 is odd.", "m.csv, line 3: 3 is odd.",
        "m.csv, line 4: 4 is odd. The same holds for 995 more.",
    ]  # fmt: skip

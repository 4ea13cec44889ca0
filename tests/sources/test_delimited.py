"""CSV as programs and people write it, and what is told of it."""

from __future__ import annotations

import codecs
import csv
import gzip
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.photo_bytes import encoded, upright

from lookweave.errors import InputError
from lookweave.sources import Listing, LookFacts, Notices, Options, Source
from lookweave.sources.manifests import open_table
from lookweave.sources.pictures import looks_like_picture

PHOTO = encoded(upright(), "JPEG")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name in "abcdefgh":
        (tmp_path / f"{name}.jpg").write_bytes(PHOTO)
    return tmp_path


def read(
    shop: Path, content: bytes | str, name: str = "m.csv", options: Options | None = None
) -> tuple[list[Source], str]:
    """The sources of a manifest of looks, and what was told."""
    path = shop / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    notices = Notices()
    found = list(Listing("look", (str(path),), options, notices))
    return found, "\n".join(notices.sentences()).replace(str(path), "m.csv")


def titles(sources: list[Source]) -> dict[str, str | None]:
    found = {}
    for source in sources:
        assert isinstance(source.facts, LookFacts)
        found[source.name] = source.facts.title
    return found


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("utf-8", "Größe – 赤"), ("utf-8-sig", "Größe"), ("utf-16", "Größe"), ("utf-16-le", "Größe"),
        ("utf-16-be", "Größe"), ("utf-32", "Größe"), ("utf-32-le", "Größe"), ("utf-32-be", "Größe"),
        ("cp1252", "Größe für Mädchen"), ("latin-1", "café"), ("cp1252", "Côte d’Azur"),
        ("cp1250", "Žluťoučký kůň, kłódka"), ("cp1251", "Красное платье"),
        ("cp1253", "Κόκκινο φόρεμα"), ("cp1254", "Kırmızı elbise şık"), ("shift-jis", "赤いドレス"),
        ("gb18030", "红色连衣裙"), ("big5", "紅色洋裝連身裙"), ("euc-kr", "빨간 드레스"),
        ("koi8-r", "Красное платье"),
    ],
)  # fmt: skip
def test_encoding_is_found_out(shop: Path, encoding: str, title: str) -> None:
    found, told = read(shop, f"path;title\r\na.jpg;{title}\r\n".encode(encoding))
    assert titles(found) == {"a.jpg": title}
    assert ("a guess" in told) == (not encoding.startswith("utf"))


def test_encoding_can_be_given(shop: Path) -> None:
    content = "path,title\na.jpg,Größe\n".encode("mac-roman")
    found, told = read(shop, content, options=Options(encoding="mac-roman"))
    assert titles(found) == {"a.jpg": "Größe"}
    assert not told
    with pytest.raises(InputError, match="no encoding 'klingon'"):
        read(shop, content, options=Options(encoding="klingon"))


def test_one_bad_byte_damages_its_cell_alone(shop: Path) -> None:
    content = "path,title\na.jpg,Größe\nb.jpg,".encode() + b"caf\xe9\nc.jpg,B\xf8 \x81\n"
    found, told = read(shop, content + "d.jpg,Côte d’Azur\n".encode())
    assert titles(found) == {
        "a.jpg": "Größe", "b.jpg": "café", "c.jpg": "Bø �", "d.jpg": "Côte d’Azur",
    }  # fmt: skip
    assert "m.csv, line 3: bytes that are no utf-8; read as 'café'" in told
    assert "m.csv, line 4" in told
    assert "line 2" not in told and "line 5" not in told


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\r\npath;title\r\na.jpg;A\r\n", '"sep=;"\r\npath;title\r\na.jpg;A\r\n',
        "# exported\npath,title\na.jpg,A\n", "Catalogue, spring\n\npath,title\na.jpg,A\n",
        "Images of spring\nContact: a, b, c\n;;\npath;title;sku\na.jpg;A;\n",
        "path,title\ra.jpg,A\r", "\ufeff\ufeffpath,title\na.jpg,A\n", '\ufeff"path","title"\na.jpg,A\n',
        "path,title\na.jpg,A\n\x1a", "path,title\na.jpg,A\n\ufeffpath,title\n",
        "path,title\na.jpg,\0A\n", "path,title\n'a.jpg','A'\n", "“path”,“title”\n“a.jpg”,“A”\n",
        "„path“;„title“\n„a.jpg“;„A“\n", 'path,"title\na.jpg,A\n', "path , title\n a.jpg , A \n",
        'path, title\na.jpg, "A"\n', "path,title,,\na.jpg,A,,\n", "path\ttitle\na.jpg\tA\n",
        "path|title\na.jpg|A\n", "PATH,Title\na.jpg,A\n",
    ],
)  # fmt: skip
def test_however_it_is_written(shop: Path, content: str) -> None:
    found, _ = read(shop, content)
    assert titles(found) == {"a.jpg": "A"}


def test_sep_line_counts_even_where_another_delimiter_fits(shop: Path) -> None:
    found, _ = read(shop, "sep=|\npath|title\na.jpg|x, y; z\n")
    assert titles(found) == {"a.jpg": "x, y; z"}


def test_gzip_whatever_its_name(shop: Path) -> None:
    packed = gzip.compress(b"path,title\na.jpg,A\n")
    for name in ("m.csv", "m.csv.gz"):
        assert titles(read(shop, packed, name)[0]) == {"a.jpg": "A"}


@pytest.mark.parametrize(
    "rows",
    [
        # An open quotation mark, and what may close it further down.
        'b.jpg,"5 pocket,\nc.jpg,Hat,yes\nd.jpg,Bag,\n',
        'b.jpg,"5 pocket,\nc.jpg,Hat,yes\nd.jpg,Bag 32",\n',
        'b.jpg,"5 pocket,\nc.jpg,Hat,yes\nd.jpg,"Bag, large",\n',
        'b.jpg,"5 pocket,\nc.jpg,"Hat",yes\nd.jpg,Bag,\n',
        'b.jpg,"5 pocket,\n"c.jpg","Hat",yes\nd.jpg,Bag,\n',
        'b.jpg,"5 pocket,\nc.jpg,Hat 7"",yes\nd.jpg,Bag 32",\n',
        'b.jpg,"5"" pocket,\nc.jpg,Hat,yes\nd.jpg,Bag,"\n',
        'b.jpg,"5" pocket,\nc.jpg,Hat,yes\nd.jpg,"Bag" x,\n',
    ],
)  # fmt: skip
def test_stray_quotation_mark_swallows_no_row(shop: Path, rows: str) -> None:
    found, told = read(shop, f"path,title,taken_down\na.jpg,A,\n{rows}e.jpg,E,yes\n")
    assert [source.name for source in found] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert [source.taken_down for source in found] == [False, False, True, False, True]
    assert "m.csv, line 3: a quotation mark that is neither doubled nor closed" in told
    assert "5" in str(titles(found)["b.jpg"]) and "pocket" in str(titles(found)["b.jpg"])


def test_cells_over_several_lines_stay_whole(shop: Path) -> None:
    text = '"Soft, warm,\nmade of ""wool"",\n\nwash cold"'
    found, told = read(shop, f"path,title,taken_down\na.jpg,{text},yes\nb.jpg,B,\n")
    assert titles(found)["a.jpg"] == 'Soft, warm,\nmade of "wool",\n\nwash cold'
    assert [source.taken_down for source in found] == [True, False]
    assert [source.line for source in found] == [2, 6]
    assert not told


def test_cells_longer_than_the_csv_module_allows(shop: Path) -> None:
    before = csv.field_size_limit()
    long = "x" * 200_000
    found, told = read(shop, f'path,title,taken_down\na.jpg,"{long}, y\nz",yes\nb.jpg,B,\n')
    assert titles(found)["a.jpg"] == f"{long}, y\nz"
    assert found[0].taken_down
    assert not told
    assert csv.field_size_limit() == before, "a setting of the whole process"


def test_marks_inside_a_quoted_cell(shop: Path) -> None:
    found, told = read(
        shop, 'path,title\na.jpg,"32" jeans"\nb.jpg,"say \\"hi\\", now"\nc.jpg,5" x\n'
    )
    assert titles(found) == {"a.jpg": '32" jeans', "b.jpg": 'say "hi", now', "c.jpg": '5" x'}
    assert "line 2: a quotation mark" in told
    assert "backslash" in told
    found, _ = read(shop, 'path,title\n"a.jpg","C:\\dir\\"\nb.jpg,"x"\n')
    assert titles(found) == {"a.jpg": "C:\\dir\\", "b.jpg": "x"}


def test_line_broken_inside_an_unquoted_cell_is_a_reject(shop: Path) -> None:
    found, _ = read(shop, "path,title,taken_down\na.jpg,A,\nb.jpg,Nice\nred dress,yes\nc.jpg,C,\n")
    reasons = [source.problem and source.problem.reason for source in found]
    assert reasons[:2] == [None, "broken_row"], "its takedown stands in the next line"
    assert found[-1].name == "c.jpg"


def test_short_rows_of_spreadsheets_are_rows(shop: Path) -> None:
    found, told = read(shop, "path,title,taken_down\na.jpg\nb.jpg,B\nc.jpg,C,yes\n")
    assert titles(found) == {"a.jpg": None, "b.jpg": "B", "c.jpg": "C"}
    assert not any(source.problem for source in found)
    assert "m.csv, line 2: has 1 of the header's 3 cells." in told


def test_columns_of_one_name_are_all_read(shop: Path) -> None:
    text = "path,title,rights,title,rights,path\na.jpg,A,cc0,B,no publication,b.jpg\n"
    found, _ = read(shop, text)
    assert [(source.name, source.role) for source in found] == [
        ("a.jpg", "main"), ("b.jpg", "additional"),
    ]  # fmt: skip
    assert found[0].rights == ("cc0", "no publication")
    assert found[0].further == {"title (2)": "B"}


ROW = st.tuples(st.text('"5a b,', max_size=6), st.booleans(), st.sampled_from(["", "yes", "no"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.booleans())
def test_no_row_and_no_takedown_is_lost_whatever_quotation_marks_there_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, bool, str]], quoted: bool
) -> None:
    folder = tmp_path_factory.mktemp("quotes")
    lines = ["path,title,taken_down"]
    for number, (title, well, down) in enumerate(rows):
        (folder / f"{number}.jpg").write_bytes(PHOTO)
        title = '"{}\nmore, ""so"" it is"'.format(title.replace('"', '""')) if well else title
        lines.append(
            f'"{number}.jpg",{title},"{down}"' if quoted else f"{number}.jpg,{title},{down}"
        )
    try:
        found, _ = read(folder, "\n".join(lines) + "\n", options=Options(max_failed=1.0))
    except InputError as refused:
        assert "cannot be used" in str(refused)
        return
    by_name = {source.name: source for source in found}
    broken = sum(source.problem is not None for source in found)
    absent = [number for number in range(len(rows)) if f"{number}.jpg" not in by_name]
    assert len(absent) <= broken
    for number, (_, _, down) in enumerate(rows):
        if number not in absent and down == "yes":
            assert by_name[f"{number}.jpg"].taken_down


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\x1a\ufeff�"), max_size=12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(CELL, CELL), max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_csv_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], mark: str, end: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["path", "title", "further"])
    for number, (one, other) in enumerate(cells):
        writer.writerow([f"{number}.jpg", one, other])
    path.write_bytes(text.getvalue().encode())
    table = open_table(path, lambda names: 3 * ("path" in names), picture=looks_like_picture)
    expected = [
        {"path": f"{number}.jpg", "title": one.strip(), "further": other.strip()}
        for number, (one, other) in enumerate(cells)
    ]
    found = [row.cells for row in table.rows()]
    assert found == [{name: cell for name, cell in row.items() if cell} for row in expected]


def test_marks_of_encodings_are_not_confused() -> None:
    assert codecs.BOM_UTF32_LE.startswith(codecs.BOM_UTF16_LE), "so UTF-32 is looked for first"

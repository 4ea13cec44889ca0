"""Exports of shops, in their exact layouts."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from tests import shop_exports
from tests.photo_bytes import encoded, upright

from lookweave.sources import Listing, Notices, Options, ProductFacts, Source, listing

PHOTO = encoded(upright(), "JPEG")


def put(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PHOTO)
    return [folder / name for name in names]


def rows_of(path: Path, options: Options | None = None) -> list[Source]:
    return list(listing("garment", (str(path),), options))


def facts(source: Source) -> ProductFacts:
    assert isinstance(source.facts, ProductFacts)
    return source.facts


def by_sku(sources: list[Source]) -> dict[str | None, list[tuple[str, str]]]:
    found: dict[str | None, list[tuple[str, str]]] = {}
    for source in sources:
        found.setdefault(facts(source).sku, []).append((source.name, source.role))
    return found


def written(path: Path, header: list[str], *rows: dict[str, str], delimiter: str = ",") -> Path:
    text = StringIO()
    writer = csv.DictWriter(text, header, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", [shop_exports.magento, shop_exports.shopify])
def test_every_article_of_a_large_export_has_its_picture(tmp_path: Path, layout) -> None:  # type: ignore[no-untyped-def]
    pictures = put(tmp_path / "photos", *(f"mh{number:03d}.jpg" for number in range(42)))
    export = layout(pictures, tmp_path / "shop", 200)
    found = rows_of(export.manifest)
    assert all(source.size == len(PHOTO) for source in found)
    assert {Path(source.path).name for source in found} == {each.name for each in pictures}
    mains = {facts(each).sku: each for each in found if each.role == "main"}
    for article in export.articles:
        said = facts(mains[article.sku])
        assert Path(mains[article.sku].path).name == article.picture.name
        assert (said.colour, said.size, said.brand) == (article.colour, article.size, "Maison Été")
        assert (said.style or "").lower() == article.style.lower()
        assert said.title is not None and said.title.startswith(article.title)
        assert said.price == 59.0


def test_two_thousand_articles_over_420_pictures_are_read_in_seconds(tmp_path: Path) -> None:
    pictures = put(tmp_path / "photos", *(f"mh{number:03d}.jpg" for number in range(420)))
    export = shop_exports.magento(pictures, tmp_path / "shop")
    found = rows_of(export.manifest)
    assert {facts(each).sku for each in found} >= {each.sku for each in export.articles}
    assert len({each.path for each in found}) == 420


def test_shopify_gives_each_variant_its_pictures(tmp_path: Path) -> None:
    put(tmp_path, "front.jpg", "back.jpg", "red.jpg", "worn.jpg", "bag.jpg")
    path = written(
        tmp_path / "products_export.csv", shop_exports.SHOPIFY,
        {"Handle": "dress", "Title": "Dress", "Vendor": "Aa", "Published": "true",
         "Option1 Name": "Colour", "Option1 Value": "Blue", "Variant SKU": "'00123",
         "Variant Price": "99.00", "Variant Barcode": "4006381333931", "Image Src": "back.jpg",
         "Image Position": "2", "Status": "active"},
        {"Handle": "dress", "Option1 Value": "Red", "Variant SKU": "D-R",
         "Variant Image": "red.jpg", "Image Src": "front.jpg", "Image Position": "1"},
        {"Handle": "dress", "Image Src": "red.jpg", "Image Position": "3"},
        {"Handle": "bag", "Title": "Bag", "Published": "false", "Image Src": "bag.jpg",
         "Image Position": "1"},
    )  # fmt: skip
    found = rows_of(path)
    assert by_sku(found) == {
        "00123": [("front.jpg", "main"), ("back.jpg", "additional")],
        "D-R": [("red.jpg", "main"), ("front.jpg", "additional"), ("back.jpg", "additional")],
        None: [("bag.jpg", "main")],
    }
    assert facts(found[0]) == ProductFacts(
        sku="00123", gtin="4006381333931", title="Dress", brand="Aa", style="dress",
        colour="Blue", price=99.0,
    )  # fmt: skip
    assert (facts(found[2]).colour, facts(found[2]).title) == ("Red", "Dress")
    assert [each.position for each in found] == [0, 1, 0, 1, 2, 0]
    assert [each.line for each in found] == [2, 2, 3, 3, 3, 5]
    assert [each.taken_down for each in found] == [False] * 5 + [True]
    assert found[-1].takedowns == ("Published: false",)


def test_shopify_variants_share_what_the_first_row_says_of_takedowns(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    path = written(
        tmp_path / "p.csv", [*shop_exports.SHOPIFY, "Rights"],
        {"Handle": "d", "Title": "D", "Variant SKU": "1", "Image Src": "a.jpg",
         "Image Position": "1", "Status": "archived", "Rights": "internal only"},
        {"Handle": "d", "Variant SKU": "2"},
    )  # fmt: skip
    found = rows_of(path)
    assert [each.takedowns for each in found] == [("Status: archived",)] * 2
    assert [each.rights for each in found] == [("internal only",)] * 2


WOO = [
    "ID", "Type", "SKU", "GTIN, UPC, EAN, or ISBN", "Name", "Published", "Is featured?",
    "Visibility in catalog", "Description", "In stock?", "Backorders allowed?",
    "Allow customer reviews?", "Sale price", "Regular price", "Categories", "Tags", "Images",
    "Parent", "External URL", "Position", "Brands", "Attribute 1 name", "Attribute 1 value(s)",
    "Attribute 2 name", "Attribute 2 value(s)",
]  # fmt: skip


def test_woocommerce_variations_take_over_from_their_parent(tmp_path: Path) -> None:
    put(tmp_path, "one.jpg", "two.jpg", "red.jpg")
    attributes = {"Attribute 1 name": "Color", "Attribute 2 name": "Size"}
    path = written(
        tmp_path / "wc-product-export.csv", WOO,
        # A variation may stand before its parent.
        {"ID": "13", "Type": "variation", "SKU": "V-B-S", "Name": "V-Neck - Blue", "Published": "1",
         "Parent": "id:11", **attributes, "Attribute 1 value(s)": "Blue",
         "Attribute 2 value(s)": "S"},
        {"ID": "11", "Type": "variable", "SKU": "V", "Name": "V-Neck", "Published": "1",
         "Categories": "Tops", "Images": "one.jpg, two.jpg", "Brands": "Aa", **attributes,
         "Attribute 1 value(s)": "Blue, Red", "Attribute 2 value(s)": "S, M"},
        {"ID": "12", "Type": "variation", "SKU": "V-R-S", "Published": "1", "Parent": "V",
         "Regular price": "20", "Images": "red.jpg", **attributes, "Attribute 1 value(s)": "Red",
         "Attribute 2 value(s)": "S"},
        {"ID": "14", "Type": "variation", "SKU": "V-R-M", "Published": "1", "Parent": "V",
         **attributes, "Attribute 1 value(s)": "Red", "Attribute 2 value(s)": "M"},
        {"ID": "15", "Type": "simple", "SKU": "X", "Name": "Hidden", "Published": "-1",
         "Images": "one.jpg"},
    )  # fmt: skip
    notices = Notices()
    found = list(Listing("garment", (str(path),), notices=notices))
    whole = [("one.jpg", "main"), ("two.jpg", "additional")]
    assert by_sku(found) == {
        "V-B-S": whole, "V": whole, "V-R-S": [("red.jpg", "main")], "V-R-M": [("red.jpg", "main")],
        "X": [("one.jpg", "main")],
    }  # fmt: skip
    red = next(each for each in found if facts(each).sku == "V-R-S")
    assert facts(red) == ProductFacts(
        sku="V-R-S", title="V-Neck", brand="Aa", style="V", colour="Red", size="S",
        category="Tops", price=20.0,
    )  # fmt: skip
    parent = next(each for each in found if facts(each).sku == "V")
    assert (facts(parent).colour, facts(parent).size) == (None, None)
    assert found[-1].takedowns == ("Published: -1",)
    assert not any("sounds like rights" in told for told in notices.sentences())


def test_magento_roles_attributes_and_store_views(tmp_path: Path) -> None:
    media = tmp_path / "pub/media/catalog/product"
    put(media, "m/h/main.jpg", "m/h/back.jpg", "s/w/swatch.jpg")
    path = written(
        tmp_path / "export.csv", shop_exports.MAGENTO,
        {"sku": "MH01", "product_type": "simple", "name": "Hoodie", "product_online": "1",
         "base_image": "/m/h/main.jpg", "small_image": "/m/h/main.jpg",
         "swatch_image": "/s/w/swatch.jpg", "additional_images": "/m/h/main.jpg,/m/h/back.jpg",
         "additional_attributes": "color=Black|Grey,size=XS,manufacturer=Aa,ean=4006381333931,"
         "care=\"wash, cold\",copyright=© Aa"},
        {"sku": "MH01", "store_view_code": "de", "name": "Kapuzenpullover"},
        {"sku": "MH02", "product_type": "simple", "name": "Off", "product_online": "2",
         "base_image": "/m/h/back.jpg"},
    )  # fmt: skip
    notices = Notices()
    found = list(Listing("garment", (str(path),), notices=notices))
    pictures = [("/m/h/main.jpg", "main"), ("/m/h/back.jpg", "additional"),
                ("/s/w/swatch.jpg", "swatch")]  # fmt: skip
    assert sorted(by_sku(found)["MH01"][:3]) == sorted(pictures)
    assert sorted(by_sku(found)["MH01"][3:]) == sorted(pictures), "the German view is no article"
    assert found[0].path == str(media / "m/h/main.jpg")
    assert (facts(found[0]).size, facts(found[0]).brand) == ("XS", "Aa")
    assert facts(found[0]).gtin == "4006381333931"
    assert found[0].rights == ("© Aa",)
    assert found[-1].takedowns == ("product_online: 2",)
    assert any(f"taken to begin at {media}" in told for told in notices.sentences())


GOOGLE = {
    "id": "00123", "title": "Red", "link": "https://shop.example/p", "image_link": "a.jpg",
    "additional_image_link": "b.jpg", "price": "12.50 EUR", "brand": "Maison",
    "item_group_id": "G1", "color": "Red", "size": "M", "gtin": "4006381333931",
    "availability": "in_stock",
}  # fmt: skip
GOOGLE_FACTS = ProductFacts(
    sku="00123", gtin="4006381333931", title="Red", brand="Maison", style="G1", colour="Red",
    size="M", price=12.5, currency="EUR", url="https://shop.example/p",
)  # fmt: skip


def test_google_merchant_tsv(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    path = written(tmp_path / "feed.txt", list(GOOGLE), GOOGLE, delimiter="\t")
    found = rows_of(path)
    assert [(each.name, each.role) for each in found] == [
        ("a.jpg", "main"),
        ("b.jpg", "additional"),
    ]
    assert facts(found[0]) == GOOGLE_FACTS


@pytest.mark.parametrize("shape", ["rss", "atom"])
def test_google_merchant_feeds(tmp_path: Path, shape: str) -> None:
    put(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    tags = "".join(
        f"<g:{name}>{value}</g:{name}>" for name, value in GOOGLE.items() if name != "link"
    )
    tags += (
        "<g:additional_image_link>c.jpg</g:additional_image_link>"
        "<g:shipping><g:country>DE</g:country><g:price>4 EUR</g:price></g:shipping>"
    )
    item = {
        "rss": f"<item><link>https://shop.example/p</link>{tags}</item>",
        "atom": f'<entry><link href="https://shop.example/p"/>{tags}</entry>',
    }[shape]
    name = {"rss": 'rss version="2.0"', "atom": 'feed xmlns="http://www.w3.org/2005/Atom"'}[shape]
    channel = ("<channel><title>Shop</title>", "</channel>") if shape == "rss" else ("", "")
    (tmp_path / "feed.xml").write_text(
        f'<?xml version="1.0"?><{name} xmlns:g="http://base.google.com/ns/1.0">{channel[0]}'
        f"{item}{item.replace('00123', '00124')}{channel[1]}</{name.split()[0]}>",
        "utf-8",
    )
    found = rows_of(tmp_path / "feed.xml")
    pictures = [("a.jpg", "main"), ("b.jpg", "additional"), ("c.jpg", "additional")]
    assert by_sku(found) == {"00123": pictures, "00124": pictures}
    assert facts(found[0]) == GOOGLE_FACTS


def test_akeneo(tmp_path: Path) -> None:
    put(tmp_path, "files/1.jpg", "files/2.jpg")
    header = [
        "sku", "family", "groups", "parent", "categories", "enabled", "name-en_US", "name-de_DE",
        "description-en_US-ecommerce", "price-EUR", "ean", "color", "size", "image", "image_2",
    ]  # fmt: skip
    path = written(
        tmp_path / "products.csv", header,
        {"sku": "10001", "family": "shirts", "parent": "model-1", "enabled": "1",
         "name-en_US": "Shirt", "name-de_DE": "Hemd", "price-EUR": "24.90", "color": "blue",
         "size": "m", "image": "files/1.jpg", "image_2": "files/2.jpg"},
        {"sku": "10002", "family": "shirts", "parent": "model-1", "enabled": "0", "color": "blue",
         "size": "l"},
        delimiter=";",
    )  # fmt: skip
    found = rows_of(path)
    pictures = [("files/1.jpg", "main"), ("files/2.jpg", "additional")]
    assert by_sku(found) == {"10001": pictures, "10002": pictures}, "sizes share the colourway"
    assert facts(found[0]) == ProductFacts(
        sku="10001", title="Shirt", style="model-1", colour="blue", size="m", category="shirts",
        price=24.9, currency="EUR",
    )  # fmt: skip
    assert found[0].further["name-de_DE"] == "Hemd"
    assert [each.takedowns for each in found[1:]] == [(), ("enabled: 0",), ("enabled: 0",)]


def test_spreadsheet_in_german(tmp_path: Path) -> None:
    put(tmp_path, "k1.jpg")
    (tmp_path / "liste.csv").write_bytes(
        "Artikelnummer;Bezeichnung;Bild;Farbe;Größe;Preis;Marke;Saison;Nutzungsrechte\r\n"
        "004711;Kleid, rot;k1.jpg;Rot;38;1.299,00 €;Maison;HW26;nur intern\r\n".encode("cp1252")
    )
    notices = Notices()
    (found,) = Listing("garment", (str(tmp_path / "liste.csv"),), notices=notices)
    assert facts(found) == ProductFacts(
        sku="004711", title="Kleid, rot", brand="Maison", colour="Rot", size="38", price=1299.0,
        currency="EUR",
    )  # fmt: skip
    assert found.rights == ("nur intern",)
    assert found.further == {"Preis": "1.299,00 €", "Saison": "HW26"}
    assert not any("not understood" in told for told in notices.sentences())


def test_columns_that_are_named_beat_those_that_are_guessed(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    path = tmp_path / "own.csv"
    path.write_text("Nr;image;Pic;Was;Sperre?\n7;b.jpg;a.jpg;Hat;nein\n")
    options = Options(
        columns={"sku": "Nr", "image": "pic", "title": "Was", "taken_down": "Sperre?"}
    )
    found = rows_of(path, options)
    assert by_sku(found) == {"7": [("a.jpg", "main"), ("b.jpg", "additional")]}
    assert facts(found[0]).title == "Hat"
    assert not found[0].taken_down


def test_row_without_a_picture_keeps_its_article(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    (tmp_path / "m.csv").write_text("sku,title,image,taken_down\n1,A,a.jpg,\n2,B,,yes\n")
    second = rows_of(tmp_path / "m.csv")[1]
    assert second.problem is not None
    assert second.problem.reason == "no_photo_named"
    assert facts(second) == ProductFacts(sku="2", title="B")
    assert second.takedowns == ("taken_down: yes",)


def test_json_lines_and_lists(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    records = [
        {"sku": "001", "images": [{"src": "a.jpg"}, {"src": "b.jpg"}], "price": 5},
        {"sku": "002", "images": ["b.jpg"], "tags": ["x"], "taken_down": True},
    ]
    lines = "\n".join(map(json.dumps, records)) + "\nno json\n"
    (tmp_path / "m.jsonl").write_text(lines)
    (tmp_path / "m.json").write_text(json.dumps(records, indent=1))
    whole = rows_of(tmp_path / "m.json")
    assert by_sku(whole) == {
        "001": [("a.jpg", "main"), ("b.jpg", "additional")], "002": [("b.jpg", "main")],
    }  # fmt: skip
    assert [each.taken_down for each in whole] == [False, False, True]
    by_line = rows_of(tmp_path / "m.jsonl")
    assert [each.facts for each in by_line[:3]] == [each.facts for each in whole]
    assert by_line[3].problem is not None
    assert by_line[3].problem.reason == "broken_row"

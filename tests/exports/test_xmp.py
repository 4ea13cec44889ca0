"""XMP in copies: read back by exiftool, pixels and other metadata untouched."""

from __future__ import annotations

import json
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lookweave.exports import xmp
from lookweave.studio.shoot import label

NOTE = xmp.ProductNote("Röd <b>& scarf", "04006381333931", "Norrland, scarf", "SKU-1")
REGION = xmp.RegionNote("look:x:00", (0.1, 0.2, 0.5, 0.75), (NOTE,))
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (41, 30, 3), np.uint8))
WAYS: dict[str, dict[str, Any]] = {
    "a.jpg": {"format": "JPEG"}, "b.png": {"format": "PNG"}, "c.webp": {"format": "WEBP"},
    "d.webp": {"format": "WEBP", "lossless": True},
}  # fmt: skip
needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="no exiftool on PATH")


def saved(name: str, **more: Any) -> bytes:
    out = BytesIO()
    PICTURE.save(out, **WAYS[name], **more)
    return out.getvalue()


def told(data: bytes, path: Path) -> Any:
    path.write_bytes(data)
    done = subprocess.run(
        ["exiftool", "-struct", "-json", "-n", str(path)], capture_output=True,
        check=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)[0]


@needs_exiftool
@pytest.mark.parametrize("name", WAYS)
def test_exiftool_finds_the_product_in_its_region(tmp_path: Path, name: str) -> None:
    data = saved(name)
    copy = xmp.embedded(data, xmp.packet([NOTE], [REGION]))
    assert copy is not None
    tags = told(copy, tmp_path / name)
    product = {"ProductName": "Röd <b>& scarf", "ProductGTIN": "04006381333931",
               "ProductDescription": "Norrland, scarf", "ProductId": "SKU-1"}  # fmt: skip
    assert [{k: str(v).zfill(14) if k == "ProductGTIN" else v for k, v in one.items()}
            for one in tags["ProductInImage"]] == [product]  # fmt: skip
    (region,) = tags["ImageRegion"]
    edges = region["RegionBoundary"]
    assert [edges[one] for one in ("RbX", "RbY", "RbW", "RbH")] == [0.1, 0.2, 0.4, 0.55]
    assert (edges["RbShape"].lower(), edges["RbUnit"].lower()) == ("rectangle", "relative")
    assert region["ProductInImage"][0]["ProductId"] == "SKU-1" and region["RId"] == "look:x:00"
    assert "Warning" not in tags
    assert np.array_equal(
        np.asarray(Image.open(BytesIO(copy))), np.asarray(Image.open(BytesIO(data)))
    )


@needs_exiftool
@pytest.mark.parametrize("name", ["a.jpg", "b.png"])
def test_what_the_photo_says_already_stays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    label.save(np.asarray(PICTURE), path, "compositeSynthetic", "a walk", "ab12")
    existing = xmp.read(path.read_bytes())
    assert existing is not None
    once = xmp.embedded(path.read_bytes(), xmp.packet([NOTE], [REGION], existing))
    assert once is not None
    other = xmp.RegionNote("look:x:01", (0.0, 0.0, 1.0, 1.0), (xmp.ProductNote("Hat"),))
    twice = xmp.embedded(once, xmp.packet([NOTE], [REGION, other], xmp.read(once)))
    assert twice is not None
    tags = told(twice, path)
    assert (
        tags["DigitalSourceType"].endswith("compositeSynthetic") and tags["Description"] == "a walk"
    )
    assert len(tags["ProductInImage"]) == 1 and len(tags["ImageRegion"]) == 2


def test_exif_and_profile_stay(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8298] = "A. Photographer"
    exif[0x0112] = 6
    copy = xmp.embedded(
        saved("a.jpg", exif=exif, icc_profile=b"profile" * 20), xmp.packet([NOTE], [])
    )
    assert copy is not None
    with Image.open(BytesIO(copy)) as image:
        assert image.getexif()[0x8298] == "A. Photographer" and image.getexif()[0x0112] == 6
        assert image.info["icc_profile"] == b"profile" * 20 and b"SKU-1" in image.info["xmp"]


def test_what_cannot_take_it_lies_beside() -> None:
    packet = xmp.packet([NOTE], [REGION])
    for name, more in (("TIFF", {}), ("GIF", {}), ("BMP", {})):
        out = BytesIO()
        PICTURE.save(out, name, **more)
        assert xmp.embedded(out.getvalue(), packet) is None
    data = saved("a.jpg")
    assert xmp.embedded(data, b" " * 70_000) is None, "larger than a segment"
    assert (
        xmp.embedded(data[:2] + b"\xff\xeb\x00\x10JP\x00\x01jumb......" + data[2:], packet) is None
    )
    assert xmp.embedded(data[:30], packet) is None and xmp.embedded(b"\xff\xd8\x00", packet) is None
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<no-xmp", zip=True)
    broken = xmp.read(saved("b.png", pnginfo=info))
    assert broken == b"<no-xmp"
    for hostile in (broken, b"<a/>", b'<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'):
        with pytest.raises(ValueError, match="no XMP"):
            xmp.packet([NOTE], [], hostile)


@given(st.text(max_size=40), st.binary(max_size=60))
def test_any_words_are_xml_and_any_bytes_are_survived(text: str, data: bytes) -> None:
    packet = xmp.packet([xmp.ProductNote(text, text, text, text)], [REGION]).decode()
    ElementTree.fromstring(packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")])
    for start in (b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\x00\x00\x00WEBP", b""):
        xmp.embedded(start + data, b"x")
        xmp.read(start + data)

"""Every file says that it is synthetic, and a reader of metadata finds it."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookweave.studio.shoot import label

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)


@given(st.text(max_size=60))
def test_a_packet_is_xml_whatever_the_words(text: str) -> None:
    packet = label.packet("compositeSynthetic", text, "ab12").decode()
    inner = packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")]
    root = ElementTree.fromstring(inner)
    assert label.VOCABULARY + "compositeSynthetic" in "".join(
        value for element in root.iter() for value in element.attrib.values()
    )


@pytest.mark.parametrize("name", ["a.jpg", "b.png"])
def test_files_carry_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    label.save(PICTURE, path, "compositeSynthetic", "a <walk> & more", "ab12")
    with Image.open(path) as image:
        assert image.size == (16, 24)
        data = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    assert b"digitalsourcetype/compositeSynthetic" in data
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("name", ["a.jpg", "b.png"])
def test_exiftool_reads_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    label.save(PICTURE, path, "compositeSynthetic", "walking, beach", "ab12")
    told = subprocess.run(
        ["exiftool", "-json", "-n", str(path)], capture_output=True, check=True, text=True
    )
    tags = json.loads(told.stdout)[0]
    assert tags["DigitalSourceType"] == label.VOCABULARY + "compositeSynthetic"
    assert tags["Description"] == "walking, beach"
    assert tags["Identifier"] == "ab12"
    assert tags["CreatorTool"].startswith("Lookweave ")
    assert "Warning" not in tags

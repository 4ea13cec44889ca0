"""Products written into copies of photos, as IPTC has them: XMP in the file or in a file beside it.

Pixels and all other metadata stay as they are, bit for bit: only the packet is added, or what we
know is added to the packet that is there. Names as in the IPTC Photo Metadata Standard 2025.1:
``ProductInImage`` for the photo, and inside an ``ImageRegion`` where its place is known.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from defusedxml.ElementTree import fromstring, iterparse

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_META = "adobe:ns:meta/"
_XML = "http://www.w3.org/XML/1998/namespace"
_RDF, _IPTC = f"{{{RDF}}}", f"{{{IPTC}}}"
_FORBIDDEN = re.compile(r"[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PREFIXES = {"rdf": RDF, "Iptc4xmpExt": IPTC, "x": _META}

_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_MOST_JPEG = 65_533 - len(_JPEG_XMP)  # bytes of a packet in one segment
_PNG_XMP = b"XML:com.adobe.xmp"
_SIGNED = (b"c2pa", b"jumb")
"""Files that sign their own content: any change breaks the signature."""


@dataclass(frozen=True)
class ProductNote:
    """What is written of one article; empty where nothing is known."""

    name: str = ""
    gtin: str = ""
    description: str = ""
    id: str = ""


@dataclass(frozen=True)
class RegionNote:
    """A place in the photo and the articles it shows.

    Attributes:
        id: of the region.
        box: left, top, right, bottom as shares of the upright photo's width and height, 0..1.
    """

    id: str
    box: tuple[float, float, float, float]
    products: tuple[ProductNote, ...]


def packet(
    products: Sequence[ProductNote], regions: Sequence[RegionNote], existing: bytes | None = None
) -> bytes:
    """An XMP packet.

    Args:
        products: of the photo as a whole: all that it shows, for readers that know no regions.
        existing: the packet that the photo has; what it says stays, and ours is added.

    Raises:
        ValueError: `existing` is no XMP.
    """
    root, rdf = _opened(existing)
    if products:
        _add(rdf, "ProductInImage", [_product(one) for one in products])
    if regions:
        _add(rdf, "ImageRegion", [_region(one) for one in regions])
    text = ElementTree.tostring(root, encoding="unicode")
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    return f'{begin}{text}\n<?xpacket end="w"?>'.encode()


def embedded(data: bytes, xmp: bytes) -> bytes | None:
    """The same file with this packet in the place of its own; None where it must lie beside.

    That is any other format than JPEG, PNG and WebP, a packet too large for a JPEG's segment, a
    file that is signed (C2PA), and one whose structure is not as it should be.
    """
    try:
        if any(mark in data for mark in _SIGNED):
            return None
        if data.startswith(b"\xff\xd8"):
            return _in_jpeg(data, xmp) if len(xmp) <= _MOST_JPEG else None
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _in_png(data, xmp)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _in_webp(data, xmp)
    except (struct.error, IndexError, ValueError):
        return None
    return None


def read(data: bytes) -> bytes | None:
    """The packet in a JPEG, PNG or WebP; None where there is none."""
    try:
        if data.startswith(b"\xff\xd8"):
            for _, marker, content in _segments(data):
                if marker == 0xE1 and content.startswith(_JPEG_XMP):
                    return content[len(_JPEG_XMP) :]
        elif data.startswith(b"\x89PNG\r\n\x1a\n"):
            for kind, content in _chunks(data):
                if kind == b"iTXt" and content.startswith(_PNG_XMP + b"\x00"):
                    packed = content[len(_PNG_XMP) + 1]
                    text = content[len(_PNG_XMP) + 3 :].split(b"\x00", 2)[2]
                    return zlib.decompress(text) if packed else text
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            for kind, content in _riff(data):
                if kind == b"XMP ":
                    return content
    except (struct.error, IndexError, ValueError, zlib.error):
        return None
    return None


def _opened(existing: bytes | None) -> tuple[Element, Element]:
    """The root of the packet and its rdf:RDF."""
    for prefix, name in _PREFIXES.items():
        ElementTree.register_namespace(prefix, name)
    if existing is None:
        root = Element(f"{{{_META}}}xmpmeta")
        rdf = SubElement(root, f"{_RDF}RDF")
    else:
        text = existing.strip(b"\x00 \r\n\t")
        try:
            for _, (prefix, name) in iterparse(BytesIO(text), events=("start-ns",)):
                if prefix and not prefix.startswith("ns") and prefix not in _PREFIXES:
                    ElementTree.register_namespace(prefix, name)
            root = fromstring(text)
        except Exception as error:  # the parser's own errors, and those of what it forbids
            raise ValueError(f"no XMP: {error}") from error
        found = root if root.tag == f"{_RDF}RDF" else root.find(f"{_RDF}RDF")
        if found is None:
            raise ValueError("no XMP: it has no rdf:RDF")
        rdf = found
    return root, rdf


def _add(rdf: Element, name: str, items: list[Element]) -> None:
    """Add to a bag. A property stands once: where the packet has it, ours joins it, and what it has
    of ours already stays as it is."""
    descriptions = rdf.findall(f"{_RDF}Description")
    found = [one.find(f"{_IPTC}{name}/{_RDF}Bag") for one in descriptions]
    bags = [one for one in found if one is not None]
    if bags:
        bag = bags[0]
    else:
        about = descriptions[0].get(f"{_RDF}about", "") if descriptions else ""
        own = SubElement(rdf, f"{_RDF}Description", {f"{_RDF}about": about})
        bag = SubElement(SubElement(own, _IPTC + name), f"{_RDF}Bag")
    there = {ElementTree.tostring(one) for one in bag}
    names = {one.findtext(f"{_IPTC}rId") for one in bag} - {None}
    for item in items:
        if ElementTree.tostring(item) not in there and item.findtext(f"{_IPTC}rId") not in names:
            bag.append(item)


def _product(one: ProductNote) -> Element:
    item = _item()
    for name, value in (("ProductName", one.name), ("ProductDescription", one.description)):
        if value:
            _words(item, name, value)
    for name, value in (("ProductGTIN", one.gtin), ("ProductId", one.id)):
        if value:
            SubElement(item, _IPTC + name).text = _printable(value)
    return item


def _region(one: RegionNote) -> Element:
    item = _item()
    left, top, right, bottom = one.box
    boundary = SubElement(item, f"{_IPTC}RegionBoundary", {f"{_RDF}parseType": "Resource"})
    numbers = {"rbX": left, "rbY": top, "rbW": right - left, "rbH": bottom - top}
    for name, value in {"rbShape": "rectangle", "rbUnit": "relative", **numbers}.items():
        text = value if isinstance(value, str) else f"{value:.6f}".rstrip("0").rstrip(".")
        SubElement(boundary, _IPTC + name).text = text
    SubElement(item, f"{_IPTC}rId").text = _printable(one.id)
    if names := [product.name for product in one.products if product.name]:
        _words(item, "Name", ", ".join(names))
    bag = SubElement(SubElement(item, f"{_IPTC}ProductInImage"), f"{_RDF}Bag")
    bag.extend(_product(product) for product in one.products)
    return item


def _item() -> Element:
    return Element(f"{_RDF}li", {f"{_RDF}parseType": "Resource"})


def _words(item: Element, name: str, value: str) -> None:
    alternatives = SubElement(SubElement(item, _IPTC + name), f"{_RDF}Alt")
    SubElement(alternatives, f"{_RDF}li", {f"{{{_XML}}}lang": "x-default"}).text = _printable(value)


def _printable(text: str) -> str:
    """Without what XML cannot hold."""
    return _FORBIDDEN.sub("", text)


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Of a JPEG until its first scan: where each segment begins, its marker, its content."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("a JPEG's segment does not begin with a marker")
        marker = data[at + 1]
        if marker == 0xFF:  # a byte that fills
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or at + 2 + length > len(data):
            raise ValueError("a JPEG's segment ends behind the file")
        yield at, marker, data[at + 4 : at + 2 + length]
        if marker == 0xDA:
            return
        at += 2 + length


def _in_jpeg(data: bytes, xmp: bytes) -> bytes:
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(_JPEG_XMP) + len(xmp)) + _JPEG_XMP + xmp
    kept, before, end = [data[:2]], 1, 2
    for at, marker, content in _segments(data):
        if marker == 0xDA:
            end = at
            break
        if marker == 0xE1 and content.startswith(_JPEG_XMP):
            continue
        if marker in (0xE0, 0xE1) and len(kept) == before:
            before += 1  # JFIF and Exif come first
        kept.append(data[at : at + 4 + len(content)])
    kept.insert(before, segment)
    return b"".join(kept) + data[end:]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            raise ValueError("a PNG's chunk ends behind the file")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if data[at + 4 : at + 8] == b"IEND":
            return
        at += 12 + length


def _in_png(data: bytes, xmp: bytes) -> bytes:
    out, end, written = [data[:8]], 8, False
    for kind, content in _chunks(data):
        end += 12 + len(content)
        if kind == b"iTXt" and content.startswith(_PNG_XMP + b"\x00"):
            continue
        if kind in (b"IDAT", b"IEND") and not written:
            out.append(_chunk(b"iTXt", _PNG_XMP + b"\x00\x00\x00\x00\x00" + xmp))
            written = True
        out.append(_chunk(kind, content))
    if not written:
        raise ValueError("a PNG without an end")
    return b"".join(out) + data[end:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(
        ">I", zlib.crc32(kind + content)
    )  # fmt: skip


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    (size,) = struct.unpack_from("<I", data, 4)
    at, end = 12, 8 + size
    if end > len(data):
        raise ValueError("a WebP that ends too early")
    while at + 8 <= end:
        (length,) = struct.unpack_from("<I", data, at + 4)
        if at + 8 + length > end:
            raise ValueError("a WebP's chunk ends behind the file")
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _in_webp(data: bytes, xmp: bytes) -> bytes:
    chunks = [(kind, content) for kind, content in _riff(data) if kind != b"XMP "]
    kind, first = chunks[0]
    if kind != b"VP8X":
        chunks.insert(0, (b"VP8X", _extended(kind, first)))
        first = chunks[0][1]
    chunks[0] = (b"VP8X", bytes([first[0] | 0x04]) + first[1:])
    chunks.append((b"XMP ", xmp))
    body = b"".join(
        name + struct.pack("<I", len(content)) + content + b"\x00" * (len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _extended(kind: bytes, content: bytes) -> bytes:
    """The header that a simple WebP lacks: flags, and its size less one in 24 bits each."""
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        width, height, clear = bits & 0x3FFF, (bits >> 14) & 0x3FFF, bits >> 28 & 1
    elif kind == b"VP8 ":
        width, height = (one & 0x3FFF for one in struct.unpack_from("<HH", content, 6))
        width, height, clear = width - 1, height - 1, 0
    else:
        raise ValueError("a WebP without a picture")
    return bytes([clear << 4, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")

"""Files that say what they are: every picture carries IPTC's digital source type in its XMP.

<http://cv.iptc.org/newscodes/digitalsourcetype/> has the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from PIL import Image

from lookweave import __version__
from lookweave.errors import InputError
from lookweave.models.protocols import Pixels

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 Iptc4xmpExt:DigitalSourceType={source} xmp:CreatorTool={tool}{ai}>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt>
</dc:description>
<dc:identifier>{identifier}</dc:identifier>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def packet(
    source_type: str, description: str, identifier: str, ai_system: str = "", prompt: str = ""
) -> bytes:
    """An XMP packet.

    Args:
        source_type: a word of `VOCABULARY`.
        description: for people.
        identifier: the shoot's digest.
        ai_system, prompt: AISystemUsed and AIPromptInformation of IPTC Photo Metadata 2025.1; ""
            where no AI made the picture.
    """
    told = {"AISystemUsed": ai_system, "AIPromptInformation": prompt}
    ai = "".join(
        f" Iptc4xmpExt:{name}={quoteattr(_printable(text))}" for name, text in told.items() if text
    )
    text = _PACKET.format(
        source=quoteattr(VOCABULARY + source_type), tool=quoteattr(f"Lookweave {__version__}"),
        ai=ai, description=escape(_printable(description)), identifier=escape(identifier),
    )  # fmt: skip
    return text.encode()


def save(
    picture: Pixels, path: Path, source_type: str, description: str, identifier: str,
    ai_system: str = "", prompt: str = "",
) -> None:  # fmt: skip
    """Write a JPEG (or PNG, by the suffix) with its label; in one move, so that no half is left.

    Args:
        picture: uint8 (H, W, 3), sRGB.
        path: ends in .jpg, .jpeg or .png.
        source_type, description, identifier, ai_system, prompt: see `packet`.
    """
    xmp = packet(source_type, description, identifier, ai_system, prompt)
    partial = path.with_name(f".{path.name}.partial")
    image = Image.fromarray(picture)
    if path.suffix.lower() == ".png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(partial, "PNG", pnginfo=info)
    else:
        image.save(partial, "JPEG", quality=93, subsampling=0, xmp=xmp)
    partial.replace(path)


@dataclass(frozen=True)
class Label:
    """What a file says of how it was made: `packet`'s source type, AI and prompt."""

    source_type: str
    ai_system: str = ""
    prompt: str = ""


def read(path: Path) -> Label:
    """The label of a picture that `save` wrote.

    Raises:
        InputError: the file cannot be read, or has no label.
    """
    try:
        with Image.open(path) as image:
            found: Any = image.getxmp()["xmpmeta"]["RDF"]["Description"]
        source = str(found["DigitalSourceType"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not say how it was made: its label was lost, or it is no picture of a "
            "shoot. Make it again."
        ) from error
    told = (str(found.get(name, "")) for name in ("AISystemUsed", "AIPromptInformation"))
    return Label(source.removeprefix(VOCABULARY), *told)


def joined(labels: Sequence[Label]) -> Label:
    """The label of a page that shows several pictures: it hides no AI that made one of them."""
    kinds = {one.source_type for one in labels}
    kind = kinds.pop() if len(kinds) == 1 else "compositeWithTrainedAlgorithmicMedia"
    systems = dict.fromkeys(one.ai_system for one in labels if one.ai_system)
    prompts = dict.fromkeys(one.prompt for one in labels if one.prompt)
    return Label(kind, ", ".join(systems), "\n".join(prompts))


def _printable(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(
        c for c in text if c in "\t\n" or (ord(c) >= 32 and ord(c) not in (0xFFFE, 0xFFFF))
    )

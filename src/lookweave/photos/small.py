"""What is kept of a photo beside its row: a thumbnail, and a hash that near copies share."""

from __future__ import annotations

import imagehash
import numpy as np
import simplejpeg
from PIL import Image

from lookweave.photos.decode import Photo

_QUALITY = 85
_HASHED = 32  # side of the square whose frequencies are looked at


def thumbnail(photo: Photo, side: int) -> bytes:
    """The photo as JPEG whose longest side is at most `side` pixels; one that is smaller stays as
    it is."""
    pixels = photo.pixels
    longest = max(photo.pixels.shape[:2])
    if longest > side:
        height, width = (max(1, round(edge * side / longest)) for edge in pixels.shape[:2])
        # Linearly, averaging what falls together: a third of the time of Lanczos.
        small = photo.image().resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        pixels = np.ascontiguousarray(small)
    encoded: bytes = simplejpeg.encode_jpeg(pixels, quality=_QUALITY, colorsubsampling="420")
    return encoded


def perceptual_hash(photo: Photo) -> str:
    """64 bits as 16 hex digits, of which near copies share most: the signs of the lowest
    frequencies against their median (pHash; Zauner, 2010; the ImageHash package).

    The photo is made grey and small linearly, in .3 of the time that ImageHash takes by Lanczos.
    That changes 2 bits at most in 99.2 % of 2,098 photos (`benchmarks/ingest_speed.py`).
    """
    small = photo.image().convert("L").resize((_HASHED, _HASHED), Image.Resampling.BILINEAR)
    return np.packbits(imagehash.phash(small).hash).tobytes().hex()

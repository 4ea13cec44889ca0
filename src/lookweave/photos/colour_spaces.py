"""Colour spaces that files name by numbers, as ICC profiles, so that one path leads to sRGB.

Numbers are those of ITU-T H.273 (cICP of PNG, nclx of AVIF and HEIC), or PNG's gAMA and cHRM.
"""

from __future__ import annotations

import functools
import struct

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import Rejected

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""CIE x and y of white, red, green and blue."""

_D65 = (0.3127, 0.3290)
_SRGB: Chromaticities = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_PRIMARIES: dict[int, Chromaticities] = {  # H.273, table 2
    4: (0.310, 0.316, 0.670, 0.330, 0.210, 0.710, 0.140, 0.080),
    5: (*_D65, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # H.273, table 3
_HIGH_DYNAMIC_RANGE = {16, 18}
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def profile_of_code_points(primaries: int, transfer: int) -> bytes | None:
    """The profile of a colour space by its numbers in H.273; None where it is sRGB, or is not
    said. The curves of television (1, 6, 14, 15) are taken for sRGB's, as browsers do.

    Raises:
        Rejected: ``unsupported_format``; brightness is coded for a screen of high dynamic range.
    """
    if transfer in _HIGH_DYNAMIC_RANGE:
        raise Rejected(
            "unsupported_format",
            "The photo is in high dynamic range (PQ or HLG): export it in standard range (SDR).",
        )
    gamma = _GAMMAS.get(transfer)
    if gamma is None and primaries not in _PRIMARIES:
        return None
    return _profile(_PRIMARIES.get(primaries, _SRGB), gamma)


def profile_of_gamma(gamma: float, chromaticities: Chromaticities | None) -> bytes | None:
    """The profile of PNG's gAMA and cHRM; None where they say sRGB, within what rounding leaves.

    Args:
        gamma: the exponent that the file was written with, sRGB's being about 1/2.2.
        chromaticities: None for sRGB's.
    """
    if not 0.05 < gamma < 5:
        return None
    space = chromaticities if chromaticities and len(chromaticities) == 8 else _SRGB
    if max(abs(a - b) for a, b in zip(space, _SRGB, strict=True)) < 0.002:
        space = _SRGB
    is_srgb_curve = abs(gamma - 1 / 2.2) < 0.01
    if space == _SRGB and is_srgb_curve:
        return None
    try:
        return _profile(space, None if is_srgb_curve else 1 / gamma)
    except (np.linalg.LinAlgError, ZeroDivisionError, struct.error, ValueError, OverflowError):
        return None  # impossible chromaticities, as a broken profile is ignored


@functools.lru_cache(maxsize=32)
def _profile(space: Chromaticities, gamma: float | None) -> bytes:
    """An ICC profile of version 4 with a matrix and one curve (sRGB's without a `gamma`)."""
    white, *primaries = (_xyz(x, y) for x, y in zip(space[::2], space[1::2], strict=True))
    columns = np.stack(primaries, 1)
    with np.errstate(all="ignore"):  # what is not finite is refused below
        to_d50 = _adaptation(white) @ (columns * np.linalg.solve(columns, white))
    if not np.isfinite(to_d50).all():
        raise ValueError("no colours can have these chromaticities")
    if gamma is None:
        curve = struct.pack(">4s4xHxx5i", b"para", 3, *map(_fixed, _SRGB_CURVE))
    else:
        curve = struct.pack(">4s4xHxxi", b"para", 0, _fixed(gamma))
    name = "Lookweave".encode("utf-16-be")
    text = struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(name), 28) + name
    tags = {b"desc": text, b"cprt": text, b"wtpt": _xyz_type(np.array(_D50))}
    tags |= {b"rXYZ": _xyz_type(to_d50[:, 0]), b"gXYZ": _xyz_type(to_d50[:, 1])}
    tags |= {b"bXYZ": _xyz_type(to_d50[:, 2])}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = at + len(body)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x", size, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    return (header + struct.pack(">3i", *map(_fixed, _D50))).ljust(128, b"\0") + table + body


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _adaptation(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """From XYZ under `white` to XYZ under D50 (Bradford; ICC.1:2022, annex E)."""
    scale = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    matrix: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ (scale[:, None] * _BRADFORD)
    return matrix


def _fixed(value: float) -> int:
    return round(value * 65536)


def _xyz_type(xyz: NDArray[np.float64]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *map(_fixed, xyz.tolist()))

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import draw_garment

from lookweave.errors import Rejected
from lookweave.photos import Limits, apart, load
from lookweave.photos.apart import load_apart

LIMITS = Limits(max_bytes=20 << 20, max_pixels=60_000_000)


def jpeg() -> bytes:
    out = BytesIO()
    draw_garment((178, 30, 40), 1).save(out, "JPEG")
    return out.getvalue()


def test_the_same_pixels_come_back() -> None:
    here, there = (one(jpeg(), max_side=100, limits=LIMITS) for one in (load, load_apart))
    assert np.array_equal(here.pixels, there.pixels)
    assert (here.width, here.height, here.scale, here.format) == (
        there.width, there.height, there.scale, there.format,
    )  # fmt: skip


def test_a_reason_comes_back() -> None:
    with pytest.raises(Rejected) as why:
        load_apart(b"<svg/>" * 20, max_side=100, limits=LIMITS)
    assert why.value.reason == "unsupported_format"
    with pytest.raises(Rejected, match="too_large_file"):
        load_apart(b"x" * 100, max_side=100, limits=Limits(max_bytes=99))
    with pytest.raises(Rejected, match="too_many_pixels"):
        load_apart(jpeg(), max_side=100, limits=Limits(max_pixels=100))


def test_memory_ends() -> None:
    out = BytesIO()
    Image.new("RGB", (5000, 5000)).save(out, "PNG", compress_level=1)
    load_apart(out.getvalue(), max_side=100, limits=LIMITS)
    with pytest.raises(Rejected) as why:
        load_apart(out.getvalue(), max_side=100, limits=LIMITS, memory_bytes=100 << 20)
    assert why.value.reason in ("out_of_memory", "broken_decoder")


def hostile(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A decoder in place of ours."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\ncat >/dev/null\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setattr(apart.sys, "executable", str(script))


def test_time_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(tmp_path, monkeypatch, "exec sleep 30")
    begun = time.monotonic()
    with pytest.raises(Rejected, match="too_slow"):
        load_apart(jpeg(), max_side=100, limits=LIMITS, seconds=0.3)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "body",
    ["kill -SEGV $$", "echo garbage", "true",
     """printf '%-4096s' '{"height": 9000, "width": 9000, "full_width": 1, "full_height": 1}'""",
     """printf '%-4096s' '{"height": 2, "width": 2}'; printf 123"""],
)  # fmt: skip
def test_a_decoder_that_was_taken_over_gets_nothing_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    hostile(tmp_path, monkeypatch, body)
    with pytest.raises(Rejected, match="broken_decoder"):
        load_apart(jpeg(), max_side=100, limits=LIMITS)


def test_it_is_told_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    hostile(tmp_path, monkeypatch, f"env > {tmp_path}/told")
    with pytest.raises(Rejected):
        load_apart(jpeg(), max_side=100, limits=LIMITS)
    assert "secret" not in (tmp_path / "told").read_text()

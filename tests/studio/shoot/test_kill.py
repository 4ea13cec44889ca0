"""A shoot whose process is killed goes on, and ends as if it had not been."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.studio.shoot import shoot

COUNT, SIZE = 8, (64, 96)


def test_a_killed_shoot_goes_on(
    renderer: Any, fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    command = [
        sys.executable, "-m", "lookweave", "shoot", str(dress_photo), "--count", str(COUNT),
        "--width", "64", "--height", "96", "--seed", "9", "--cache", str(fits), "--out", str(out),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (out / "shoot-00001.jpg").exists() and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    there = {path.name for path in out.glob("shoot-0*.jpg")}
    assert 2 <= len(there) < COUNT
    result = shoot(dress_photo, out=out, count=COUNT, size=SIZE, seed=9, cache=fits)
    assert COUNT - len(there) <= result.made <= COUNT - len(there) + 1
    kept = json.loads((out / "shoot.json").read_text())
    assert [one["file"] for one in kept["pictures"]] == [f"shoot-{n:05d}.jpg" for n in range(COUNT)]
    shoot(dress_photo, out=whole, count=COUNT, size=SIZE, seed=9, cache=fits)
    for name in sorted(path.name for path in whole.glob("shoot-0*.jpg")):
        assert np.array_equal(*(np.asarray(Image.open(folder / name)) for folder in (out, whole)))


def test_killed_after_the_first_picture_was_written(
    renderer: Any, fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path
) -> None:
    def killed(file: str) -> None:
        raise KeyboardInterrupt

    asked = {"out": tmp_path / "out", "size": SIZE, "seed": 9, "cache": fits}
    with pytest.raises(KeyboardInterrupt):
        shoot(dress_photo, **asked, done=killed)  # type: ignore[arg-type]
    record = tmp_path / "out" / "shoot.json"
    told = json.loads(record.read_text())
    record.write_text(json.dumps({**told, "pictures": []}))  # as it was a moment before
    assert shoot(dress_photo, **asked).made == 1  # type: ignore[arg-type]

"""A render as a whole: same bytes again, in any number of processes, after any accident."""

from __future__ import annotations

import csv
import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lookweave.errors import InputError, ModelError, WorkspaceFull
from lookweave.taxonomy import CATEGORIES

moderngl = pytest.importorskip("moderngl", reason="the extra [studio] is not installed")

from lookweave.studio.render import catalogue, job, shots  # noqa: E402
from lookweave.studio.render.cli import app  # noqa: E402
from lookweave.studio.render.draw import Renderer  # noqa: E402

SIZE = (160, 240)


@pytest.fixture(scope="session")
def made(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("render")
    job.run(recipe(), out, True, 1)
    return out


def recipe() -> job.Recipe:
    return job.Recipe(4, 4, 3, shots.Dials.level(0.6), *SIZE)


def test_truth_names_files_that_exist_and_boxes_inside(made: Path) -> None:
    rows = list(csv.DictReader((made / "truth.csv").open()))
    assert rows
    for row in rows:
        assert (made / "garments" / row["garment"]).is_file()
        assert (made / "looks" / row["look"]).is_file()
        assert row["category"] in CATEGORIES
        assert 0 <= int(row["x0"]) < int(row["x1"]) <= SIZE[0]
        assert 0 <= int(row["y0"]) < int(row["y1"]) <= SIZE[1]
    for table in ("catalogue.csv", "credits.csv"):
        for row in csv.DictReader((made / table).open()):
            assert (made / row["file"]).is_file() and row["rights"]


def test_same_seed_same_truth_and_same_pictures(made: Path, tmp_path: Path) -> None:
    job.run(recipe(), tmp_path, True, 1)
    for name in ("truth.csv", "catalogue.csv", "credits.csv", "recipe.json"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()
    for path in sorted((made / "looks").glob("*.jpg")):
        ours = np.asarray(Image.open(path), float)
        again = np.asarray(Image.open(tmp_path / "looks" / path.name), float)
        assert np.abs(ours - again).max() <= 2
    for path in sorted((made / "labels" / "looks").glob("*.json")):
        assert path.read_bytes() == (tmp_path / "labels" / "looks" / path.name).read_bytes()


def test_a_second_run_makes_only_what_is_missing(made: Path) -> None:
    gone = made / "looks" / job.look_name(2)
    before = (made / "truth.csv").read_bytes()
    gone.unlink()
    left: list[int] = []
    assert job.run(recipe(), made, True, 1, found=left.append)["made"] == 1 == left[0]
    assert gone.is_file() and (made / "truth.csv").read_bytes() == before


def test_another_recipe_in_the_same_folder_is_refused(made: Path) -> None:
    with pytest.raises(InputError, match="another recipe"):
        job.run(replace(recipe(), seed=4), made, False, 1)


def test_impossible_recipes_are_refused() -> None:
    with pytest.raises(InputError, match="at least one garment"):
        job.Recipe(0, 4, 3, shots.Dials())
    with pytest.raises(InputError, match=r"pose must lie in 0\.\.1"):
        shots.Dials.level(0.5, pose=1.5)


def test_command_prints_one_json_object(renderer: Renderer, tmp_path: Path) -> None:
    call = ["--garments", "1", "--looks", "1", "--width", "96", "--height", "144"]
    result = CliRunner().invoke(app, [*call, "--out", str(tmp_path), "--workers", "1", "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["garments"] == said["looks"] == 1 and said["made"] == 2


def test_without_moderngl_the_command_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    result = CliRunner().invoke(app, ["--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "lookweave[studio]" in str(result.exception)


def same(ours: Path, theirs: Path) -> None:
    """The same bytes of truth, and pictures equal within rounding."""
    names = sorted(p.relative_to(ours) for p in ours.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(theirs) for p in theirs.rglob("*") if p.is_file())
    for name in names:
        if name.suffix == ".jpg" or name.suffixes[-2:] == [".normals", ".png"]:
            a, b = (np.asarray(Image.open(root / name), float) for root in (ours, theirs))
            assert np.abs(a - b).max() <= 2, name
        else:
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


def test_two_processes_make_what_one_makes(made: Path, tmp_path: Path) -> None:
    job.run(recipe(), tmp_path, True, 2)
    same(made, tmp_path)


def test_killed_in_the_middle_it_goes_on(made: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from lookweave.studio.render import job, shots; "
        f"job.run(job.Recipe(4, 4, 3, shots.Dials.level(0.6), *{SIZE}), "
        f"Path({str(tmp_path)!r}), True, 1)"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    started = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    deadline = time.monotonic() + 120
    while not (tmp_path / "looks" / job.look_name(0)).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    started.send_signal(signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert not (tmp_path / "truth.csv").exists()
    left = job.run(recipe(), tmp_path, True, 1)["made"]
    assert 0 < left < 8
    for partial in tmp_path.rglob("*.part"):  # the picture in hand when it was killed
        partial.unlink()
    same(made, tmp_path)


def test_a_killed_process_is_one_clear_error(renderer: Renderer, tmp_path: Path) -> None:
    def kill() -> None:
        while not (found := multiprocessing.active_children()):
            time.sleep(0.01)
        os.kill(found[0].pid or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(ModelError, match="fewer than 2 --workers"):
        job.run(recipe(), tmp_path, False, 2)
    killer.join()


def test_a_full_disk_is_one_clear_error(
    renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(WorkspaceFull, match="run the same command again"):
        job.run(recipe(), tmp_path, False, 1)


def test_without_egl_there_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(**_: object) -> None:
        raise RuntimeError("eglInitialize failed")

    monkeypatch.setattr(moderngl, "create_context", nothing)
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "new")])
    assert isinstance(result.exception, ModelError)
    assert "libegl1" in str(result.exception)
    assert not (tmp_path / "new").exists()


def test_labels_come_later_and_half_written_ones_are_made_again(
    renderer: Renderer, tmp_path: Path
) -> None:
    few = replace(recipe(), garments=1, looks=1)
    job.run(few, tmp_path, False, 1)
    assert job.run(few, tmp_path, True, 1)["made"] == 2
    # The .json is written after all pictures of a label, so its absence says "half written".
    label = tmp_path / "labels" / "looks" / "look-00000"
    written = sorted(label.parent.glob("look-00000*"), key=lambda path: path.stat().st_mtime_ns)
    assert written[-1].name == "look-00000.json" and len(written) == 5
    written[-1].unlink()
    assert job.run(few, tmp_path, True, 1)["made"] == 1


@pytest.mark.parametrize("size", [(64, 64), (1024, 64), (64, 1024)])
def test_extreme_sizes(renderer: Renderer, tmp_path: Path, size: tuple[int, int]) -> None:
    odd = job.Recipe(2, 6, 3, shots.Dials.level(1.0), *size)
    job.run(odd, tmp_path, True, 1)
    for path in [*(tmp_path / "looks").glob("*.jpg"), *(tmp_path / "garments").glob("*.jpg")]:
        assert Image.open(path).size == size
    assert len(list((tmp_path / "looks").glob("*.jpg"))) == 6


def test_names_stay_apart_in_a_huge_catalogue() -> None:
    listed = catalogue.garments(1200, 3)
    more = [replace(item, number=item.number + 99_500) for item in listed]
    spare = catalogue.extras(3, 80)
    names = {job.garment_name(item) for item in (*listed, *more, *spare)}
    assert len(names) == 2480
    with pytest.raises(InputError, match="fewer than"):
        job.Recipe(catalogue.UNLISTED, 1, 3, shots.Dials())

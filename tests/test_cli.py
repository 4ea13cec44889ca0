"""The contract of the command line: verbs, exit codes, and what stands on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lookweave.cli.options import read_columns
from lookweave.errors import UsageError, WorkError
from lookweave.exports.rows import MATCHES_SCHEMA

Folders = tuple[Path, Path, Path]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders, environment: dict[str, str]
) -> Path:
    """Built by the real command in a process of its own."""
    out = tmp_path_factory.mktemp("cli") / "ws"
    command = [
        sys.executable, "-m", "lookweave.cli", "build", "--garments", str(photo_folders[0]), "--looks",
        str(photo_folders[1]), "--out", str(out), "--models", "whole-photo", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)  # one object and nothing else
    assert result["counts"]["garments"] == 12 and result["counts"]["pairs"] > 0
    assert [step["step"] for step in result["steps"]] == [
        "ingest", "detect", "describe", "embed", "group", "match", "link", "tier",
    ]  # fmt: skip
    return out


def test_build_goes_on_with_what_it_was_given_before(call: Call, workspace: Path) -> None:
    code, out, _ = call("build", "--out", workspace)
    assert code == 0 and "nothing was new" in out


def test_status_report_and_models_answer_in_json_and_for_people(
    call: Call, workspace: Path
) -> None:
    for verb in (["status", workspace], ["report", workspace], ["models"]):
        code, out, _ = call(*verb, "--json")
        assert code == 0 and isinstance(json.loads(out), dict)
        code, out, _ = call(*verb)
        assert code == 0 and out.strip()
    assert (workspace / "report.html").stat().st_size > 10_000


def test_models_say_what_the_contract_asks(call: Call) -> None:
    _, out, _ = call("models", "--json")
    cards = json.loads(out)["models"]
    embedded = next(card for card in cards if card["name"] == "lookweave-segmenter")
    assert embedded["ready"] is True and embedded["licence"] and embedded["size_mb"] > 1
    assert {"name", "task", "size_mb", "licence", "source", "ready"} <= embedded.keys()


def test_matches_have_the_columns_of_the_contract(
    call: Call, workspace: Path, tmp_path: Path
) -> None:
    code, out, _ = call("matches", workspace, "--top", 3, "-o", tmp_path / "m.parquet", "--json")
    table = pq.read_table(tmp_path / "m.parquet")
    assert code == 0 and json.loads(out)["rows"] == table.num_rows == 36
    assert table.schema.equals(MATCHES_SCHEMA)
    assert table.schema.names[:8] == [
        "garment_path", "look_path", "region_box", "s_vlm", "s_visual", "score", "probability", "rank",
    ]  # fmt: skip
    assert set(table.column("rank").to_pylist()) == {1, 2, 3}
    first = table.to_pylist()[0]
    assert Path(first["garment_path"]).exists() and Path(first["look_path"]).exists()
    assert abs(first["score"]) <= 1.5 and 0 <= first["probability"] <= 1


def test_evaluate_gives_the_figures_of_the_contract(
    call: Call, workspace: Path, photo_folders: Folders
) -> None:
    code, out, _ = call("evaluate", workspace, "--truth", photo_folders[2], "--json")
    found = json.loads(out)
    for side in ("garment_to_look", "look_to_garment"):
        assert {"R@1", "R@5", "R@10", "MRR", "n", "gallery"} <= found[side].keys()
        assert found[side]["n"] == found[side]["gallery"] == 12
        assert found[side]["R@1"] <= found[side]["R@5"] <= found[side]["R@10"] <= 1
    assert code == 0 and found["garment_to_look"]["R@5"] > 0.5


def test_search_by_words_and_by_photo(call: Call, workspace: Path, photo_folders: Folders) -> None:
    code, out, _ = call("search", workspace, "red shirt", "--kind", "garment", "--json")
    assert code == 0 and json.loads(out)["results"][0]["kind"] == "garment"
    photo = sorted(photo_folders[0].iterdir())[0]
    code, out, _ = call("search", workspace, "--image", photo, "--json")
    assert code == 0 and json.loads(out)["results"]
    assert call("search", workspace)[0] == 2
    assert call("search", workspace, "red", "--image", photo)[0] == 2


def test_verify_store_ends_with_one_when_something_cannot_be_mended(
    call: Call, tmp_path: Path, photo_folders: Folders
) -> None:
    looks = tmp_path / "looks"
    looks.mkdir()
    for path in sorted(photo_folders[1].iterdir())[:2]:
        (looks / path.name).write_bytes(path.read_bytes())
    out = tmp_path / "ws"
    assert (
        call(
            "build",
            "--garments",
            photo_folders[0],
            "--looks",
            looks,
            "--out",
            out,
            "--models",
            "whole-photo",
        )[0]
        == 0
    )
    assert call("verify-store", out)[0] == 0
    sorted(looks.iterdir())[0].unlink()
    code, said, _ = call("verify-store", out, "--json")
    assert code == 1 and json.loads(said)["problems"][0]["examples"]


def test_publish_and_snapshots(call: Call, workspace: Path, tmp_path: Path) -> None:
    assert call("build", "--out", workspace, "--snapshot", "first")[0] == 0
    code, out, _ = call(
        "publish", workspace, "--to", tmp_path / "set", "--snapshot", "first", "--json"
    )
    assert code == 0 and json.loads(out)["total"] > 0
    assert (tmp_path / "set" / "README.md").exists()
    code, out, err = call("publish", workspace, "--to", tmp_path / "other", "--snapshot", "nope")
    assert code == 2 and "No snapshot 'nope'" in err and out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "nowhere"], "is no workspace"),
        (["build", "--out", "x", "--garments", "nowhere", "--looks", "nowhere"], "does not exist"),
        (["build", "--out", "x"], "--garments"),
        (["build"], "--out"),
        (["nonsense"], "nonsense"),
        (["matches", "nowhere", "-o", "x.parquet", "--top", "0"], "top"),
    ],
)
def test_a_wrong_call_is_code_two_with_a_sentence_and_an_empty_stdout(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_failed_work_is_code_one(
    call: Call, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise WorkError("The disk is on fire. Put it out.")

    monkeypatch.setattr("lookweave.status.status", fail)
    assert call("status", workspace) == (1, "", "lookweave: The disk is on fire. Put it out.\n")


def test_a_fault_of_ours_is_code_one_and_says_what_is_safe(
    call: Call, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.setattr("lookweave.status.status", lambda *_: 1 / 0)
    code, out, err = call("status", workspace)
    assert (code, out) == (1, "")
    assert "fault in Lookweave" in err and "ZeroDivisionError" in err and "LOOKWEAVE_DEBUG" in err


_WITHOUT_TORCH = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "datasets", "ray", "cv2"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from lookweave import building, demo, evaluate, publish, report, search, status
from lookweave.cli.app import app
from lookweave.store import verify
from lookweave.models.cards import resolve
[card.load() for card in resolve("embedded").cards()]
"""


def test_the_core_runs_without_torch(environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", _WITHOUT_TORCH], env=environment, check=True)


_LOADED = """
import sys
import lookweave.cli.main
print(*sorted({"numpy", "scipy", "pyarrow", "lance", "PIL", "sklearn"} & set(sys.modules)))
"""


_LOADED_BY_A_BUILD = """
import sys
import lookweave.building
print(*sorted({"scipy.stats", "scipy.optimize", "scipy.spatial", "sklearn"} & set(sys.modules)))
"""


def test_a_build_with_nothing_to_do_waits_for_no_library_of_statistics(
    environment: dict[str, str],
) -> None:
    started = [sys.executable, "-c", _LOADED_BY_A_BUILD]
    done = subprocess.run(started, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_command_line_starts_with_nothing_heavy(environment: dict[str, str]) -> None:
    """A verb imports what it needs: --help waits for none of it."""
    started = [sys.executable, "-c", _LOADED]
    done = subprocess.run(started, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


_WITHOUT_RAY = """
import sys
sys.modules["ray"] = None
from lookweave.cli.main import main
sys.argv[0] = "lookweave"
main()
"""


def test_an_engine_that_is_not_installed_is_a_wrong_call(
    tmp_path: Path, photo_folders: tuple[Path, Path, Path], environment: dict[str, str]
) -> None:
    garments, looks, _ = photo_folders
    command = [
        sys.executable, "-c", _WITHOUT_RAY, "build", "--garments", garments, "--looks", looks,
        "--engine", "ray", "--out", tmp_path / "ws",
    ]  # fmt: skip
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "pip install 'lookweave[ray]'" in ended.stderr


def test_columns_are_given_by_field() -> None:
    given = ["sku=Art. No,image=Bild, groß,title=a=b", "brand = Marke"]
    assert read_columns(given) == {
        "sku": "Art. No", "image": "Bild, groß", "title": "a=b", "brand": "Marke",
    }  # fmt: skip
    assert read_columns(None) is None
    for wrong in ("sku", "=Bild", "sku="):
        with pytest.raises(UsageError, match="--columns"):
            read_columns([wrong])


def test_an_audit_is_drawn_judged_and_told(call: Call, workspace: Path, tmp_path: Path) -> None:
    code, out, _ = call("audit", workspace, "--tier", "candidates", "--n", 4, "--json")
    drawn = json.loads(out)
    assert code == 0 and (drawn["size"], drawn["judged"], drawn["lower"]) == (4, 0, 0.0)
    code, out, _ = call("audit", workspace, "--tier", "candidates", "--sheet", tmp_path / "sheet")
    assert code == 0 and "fill in the column verdict" in out
    sheet = tmp_path / "sheet" / "sheet.csv"
    rows = sheet.read_text(encoding="utf-8").replace('"","",', '"same","",')
    sheet.write_text(rows, encoding="utf-8")
    code, _, err = call("audit", workspace, "--tier", "candidates", "--read", sheet)
    assert code == 2 and "--reviewer" in err
    arguments = ("--read", sheet, "--reviewer", "Ann")
    code, out, _ = call("audit", workspace, "--tier", "candidates", *arguments)
    assert code == 0 and "4 verdicts were read" in out
    assert "4 judged by 1 person" in out and "at least **47.2%**" in out  # .05 ** (1 / 4)
    code, _, err = call("audit", workspace, "--tier", "best")
    assert code == 2 and "A tier is high, medium, low or candidates" in err

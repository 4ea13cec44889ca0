"""The public functions: names, types, and what they give back."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import lookweave
from lookweave import api
from lookweave.errors import ConfigError, InputError, LookweaveError

Folders = tuple[Path, Path, Path]

PUBLIC = {
    "build", "campaign", "judge", "open", "outfits", "shoot", "Workspace",
    "register_executor", "register_model", "register_photo_format",
    "board", "concepts", "shots", "spread",
    "BuildResult", "Card", "Evaluation", "Hit", "Learned", "Pair", "Pairs", "Publication", "Recall",
    "Judged", "Measure", "ProbedPicture", "SearchResult", "Setting", "ShootResult", "Status", "StepStatus",
    "LookweaveError", "UsageError", "ConfigError", "InputError", "UnknownModel", "WorkError",
    "WorkspaceError", "WorkspaceLocked", "WorkspaceFull", "SystemRefused", "ModelError",
    "HubUnreachable", "ServerUnusable", "CeilingReached", "PublishError", "__version__",
}  # fmt: skip


def test_the_public_names_are_these_and_each_is_there() -> None:
    assert set(lookweave.__all__) == PUBLIC
    assert set(dir(lookweave)) >= PUBLIC
    for name in PUBLIC:
        assert getattr(lookweave, name) is not None
    assert callable(lookweave.build) and callable(lookweave.open)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lookweave.nonsense


def test_every_error_is_public() -> None:
    from lookweave import errors

    theirs = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, LookweaveError)
    }
    assert theirs <= PUBLIC


_IMPORT = """
import sys, time
began = time.perf_counter()
import lookweave
print(time.perf_counter() - began)
heavy = {"torch", "lance", "pyarrow", "numpy", "onnxruntime", "pandas", "pydantic", "rich", "PIL"}
print(sorted(heavy & set(sys.modules)))
import lookweave.api
print(sorted(heavy & set(sys.modules)))
"""


def test_importing_costs_nothing(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT], env=environment, capture_output=True, text=True, check=True
    )
    seconds, at_once, with_the_api = done.stdout.splitlines()
    assert float(seconds) < 0.3
    assert (at_once, with_the_api) == ("[]", "[]")


_SCRIPT = """
from pathlib import Path

import lookweave


def pair(shop: str, campaign: Path) -> dict[str, float]:
    workspace = lookweave.build(garments=[shop], looks=campaign, out="ws", settings={"tier": {"high": 5}})
    again: lookweave.Workspace = lookweave.open("ws")
    for hit in again.search("red dress", top=3):
        box: tuple[float, float, float, float] = hit.box
        print(hit.name.upper(), hit.score + 1.0, box)
    best = again.pairs(tier="high")[0]
    print(best.probability + 1.0, best.to_dict())
    try:
        report: Path = workspace.report("report.html", truth="truth.csv")
        print(report.name, workspace.publish("out", title="T").total + 1)
    except lookweave.InputError as error:
        print(error.exit_code)
    built = workspace.last_build
    if built is not None:
        print(built.seconds + 1.0)
    print([setting.origin.upper() for setting in again.config()])
    return {str(k): share for k, share in again.evaluate("truth.csv").garment_to_look.at.items()}
"""


def test_a_users_program_is_checked_strictly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_module = pytest.importorskip("mypy.api")
    root = Path(__file__).parents[1]
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(_SCRIPT)
    wrong.write_text(
        "import lookweave\nlookweave.open(3)\nlookweave.open('ws').search('x').nope\n"
        "lookweave.open('ws').status().done + 'text'\n"
    )
    monkeypatch.setenv("MYPYPATH", str(root / "src"))
    monkeypatch.chdir(root)  # where the cache of `make lint` is
    flags = ["--strict", "--no-error-summary"]
    said, _, code = api_module.run([*flags, str(right)])
    assert (code, said) == (0, "")
    said, _, code = api_module.run([*flags, str(wrong)])
    assert code == 1
    assert [line.rpartition("[")[2].rstrip("]") for line in said.splitlines()] == [
        "arg-type",
        "attr-defined",
        "operator",
    ]
    assert (root / "src/lookweave/py.typed").exists()


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders
) -> lookweave.Workspace:
    out = tmp_path_factory.mktemp("api") / "ws"
    built = lookweave.build(
        str(photo_folders[0]), [photo_folders[1]], out=out, models="whole-photo",
        settings={"match": {"top_k": 7}},
    )  # fmt: skip
    assert built.last_build is not None and built.last_build.counts["garments"] == 12
    assert json.loads(json.dumps(built.last_build.to_dict()))["workspace"] == str(out)
    return built


def test_tables_are_arrow(workspace: lookweave.Workspace) -> None:
    assert workspace.garments().num_rows == workspace.looks().num_rows == 12
    regions = workspace.regions()
    assert set(regions.column("detector").to_pylist()) == {"whole-photo"} or regions.num_rows == 24
    matches = workspace.matches(top=2)
    assert isinstance(matches, pa.Table) and matches.num_rows == 24
    assert matches.column("rank").to_pylist() == [1, 2] * 12
    row = matches.to_pylist()[0]
    assert Path(row["garment_path"]).exists() and len(row["region_box"]) == 4


def test_pairs_are_a_table_and_show_their_pictures(workspace: lookweave.Workspace) -> None:
    pairs = workspace.pairs()
    assert len(pairs) == pairs.num_rows == len(pairs.to_pandas()) > 0
    assert pa.table(pairs).equals(pairs.table)
    assert [pair.probability for pair in pairs] == sorted(
        pairs.column("probability").to_pylist(), reverse=True
    )
    first = pairs[0]
    assert first.to_dict() == pairs.table.to_pylist()[0] and pairs[-1].garment
    assert len(pairs[:2]) == min(2, len(pairs))
    shown = pairs._repr_html_()
    assert shown.count('<img src="data:image/jpeg;base64,/9j/') == 2 * min(12, len(pairs))
    assert {pair.tier for pair in workspace.pairs(tier="high")} == {"high"}
    with pytest.raises(InputError, match="tier is high, medium, low, not 'top'"):
        workspace.pairs(tier="top")


def test_a_search_shows_its_pictures(
    workspace: lookweave.Workspace, photo_folders: Folders
) -> None:
    found = workspace.search("red shirt", kind="garment", top=3)
    assert len(found) == 3 and {hit.kind for hit in found} == {"garment"}
    assert found.to_dict()["results"][0].keys() == {
        "score", "kind", "what", "id", "name", "path", "box", "title", "products", "skus", "tier",
        "taken_down", "listed",
    }  # fmt: skip
    json.dumps(found.to_dict(), allow_nan=False)
    assert found._repr_html_().count("<img") == 3 and found[0].name in found[0]._repr_html_()
    photo = sorted(photo_folders[0].iterdir())[0]
    assert workspace.search(image=photo, kind="garment")[0].name == photo.name
    with Image.open(photo) as opened:
        same = workspace.search(opened, kind="garment")
    assert same[0].name == workspace.search(photo, kind="garment")[0].name == photo.name
    for wrong in ({}, {"words": "red", "image": photo}):
        with pytest.raises(InputError, match="and not both"):
            workspace.search(**wrong)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found[0].score = 1.0  # type: ignore[misc]


def test_a_name_is_text_in_the_notebook_too(workspace: lookweave.Workspace) -> None:
    hit = dataclasses.replace(workspace.search("shirt")[0], name="<img src=x onerror=alert(1)>\x1b")
    assert "<img src=x" not in hit._repr_html_() and "\x1b" not in hit._repr_html_()
    assert (hit.marks, hit.taken_down, hit.listed) == ("", False, True)
    assert "taken down" in dataclasses.replace(hit, taken_down=True)._repr_html_()
    assert "listed no more" in dataclasses.replace(hit, listed=False)._repr_html_()


def test_evaluate_calibrate_status_report_publish(
    workspace: lookweave.Workspace, photo_folders: Folders, tmp_path: Path
) -> None:
    found = workspace.evaluate(str(photo_folders[2]))
    assert found.garment_to_look.at[5] == found.to_dict()["garment_to_look"]["R@5"] > 0.5
    assert found.garment_to_look.n == 12 and "garment -> look" in found.text()
    status = workspace.status()
    assert status.done and status.tables["garments"] == 12 and status.steps[0].step == "ingest"
    page = workspace.report(tmp_path / "r.html", truth=photo_folders[2])
    assert page == tmp_path / "r.html" and page.stat().st_size > 10_000
    published = workspace.publish(tmp_path / "set", title="Ours", tiers=["high"])
    assert published.total == published.to_dict()["total"] == len(workspace.pairs(tier="high"))
    with pytest.raises(InputError, match="publish has no option titel"):
        workspace.publish(tmp_path / "other", titel="Ours")
    with pytest.raises(InputError, match="labelled yes"):
        workspace.calibrate(write_small_truth(workspace, tmp_path))


def write_small_truth(workspace: lookweave.Workspace, folder: Path) -> Path:
    garment, look = (table.column("name")[0] for table in (workspace.garments(), workspace.looks()))
    (folder / "small.csv").write_text(f"garment,look\n{garment},{look}\n")
    return folder / "small.csv"


def test_settings_of_the_call_are_remembered(workspace: lookweave.Workspace) -> None:
    told = {one.name: one for one in lookweave.open(workspace.path).config()}
    assert told["match.top_k"].to_dict() == {
        "name": "match.top_k", "value": 7, "from": "an earlier build",
    }  # fmt: skip
    assert told["match.categories"].origin == "default"


def test_a_refused_build_is_not_remembered(
    workspace: lookweave.Workspace, photo_folders: Folders
) -> None:
    memory = workspace.path / "build.json"
    before = memory.read_bytes()
    with workspace._store.lock(), pytest.raises(lookweave.WorkspaceLocked):
        lookweave.build(photo_folders[1], photo_folders[0], out=workspace.path, models="embedded")
    assert memory.read_bytes() == before


def test_a_snapshots_name_is_told_before_the_work(tmp_path: Path, photo_folders: Folders) -> None:
    with pytest.raises(InputError, match="not 'spring 2027'"):
        lookweave.build(*photo_folders[:2], out=tmp_path / "ws", snapshot="spring 2027")
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.pdf", "must end in .html or .htm"),
        ("folder.html", "is a folder"),
        ("none/r.html", "there is no folder"),
        ("file/r.html", "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    workspace: lookweave.Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    said: str,
) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr("lookweave.report.write_report", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(InputError, match=said):
        workspace.report(tmp_path / name)
    with pytest.raises(InputError, match=r"must end in \.csv or \.parquet"):
        workspace.export_matches(tmp_path / "m.xlsx")


@pytest.mark.parametrize("empty", ["", "  ", "a\0b"])
def test_an_empty_name_is_no_folder(empty: str, photo_folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"empty|NUL"):
        lookweave.open(empty)
    with pytest.raises(InputError, match=r"empty|NUL"):
        lookweave.build(empty, photo_folders[1], out=tmp_path / "ws")
    with pytest.raises(InputError, match=r"empty|NUL"):
        lookweave.build(*photo_folders[:2], out=empty)
    assert list(tmp_path.iterdir()) == []


def test_unknown_settings_are_refused(tmp_path: Path, photo_folders: Folders) -> None:
    with pytest.raises(
        ConfigError, match=r"match\.topk.*from this call.*Did you mean match\.top_k"
    ):
        lookweave.build(*photo_folders[:2], out=tmp_path / "ws", settings={"match": {"topk": 3}})


def test_what_the_system_refuses_is_a_sentence(
    workspace: lookweave.Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere/x")

    monkeypatch.setattr("lookweave.status.status", refuse)
    with pytest.raises(lookweave.SystemRefused, match=r"/somewhere/x cannot be used: Permission"):
        workspace.status()

    def full(*_: object) -> None:
        raise OSError("LanceError(IO): write failed: No space left on device (os error 28)")

    monkeypatch.setattr("lookweave.status.status", full)
    with pytest.raises(lookweave.WorkspaceFull, match="No space left"):
        workspace.status()


def test_models_are_listed() -> None:
    listing = api.list_models()
    states = {one.card.name: one for one in listing.models}
    assert states["lookweave-encoder"].missing is None
    assert "embedded" in listing.presets and listing.to_dict().keys() >= {"models", "unreadable"}
    assert {"name", "task", "size_mb", "licence", "source", "ready"} <= states[
        "lookweave-encoder"
    ].to_dict().keys()


def test_pictures_that_are_gone_leave_a_word(workspace: lookweave.Workspace) -> None:
    hit = dataclasses.replace(workspace.search("shirt")[0], thumbnail=Path("/nowhere.webp"))
    assert "no picture" in hit._repr_html_()
    assert Image.open(workspace.search("shirt")[0].thumbnail or "").format == "JPEG"
    assert np.isfinite([one.score for one in workspace.search("shirt")]).all()

"""Nothing that Lookweave did not write is ever removed."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import lookweave
from lookweave.store.workspace import Workspace, is_scratch

SOURCE = Path(lookweave.__file__).parent
Folders = tuple[Path, Path, Path]

REMOVALS = {
    ("models/hub/export.py", "_export"): "parts of an export, named after this process",
    ("models/hub/fetch.py", "_remove_of_earlier_fetch"): "what its marker says that it fetched",
    ("exports/bundle.py", "whole_file"): "its own scratch file",
    ("exports/files.py", "write_table"): "its own scratch file, after an error",
    ("models/hub/files.py", "_content_from_cache"): "its own records of fingerprints, the oldest",
    ("pipeline/steps/match/partition.py", "write"): "scratch files, in a folder of that name",
    ("pipeline/steps/match/step.py", "finish"): "the same",
    ("publish/folder.py", "*"): "files that its marker lists with the hash that they have",
    ("studio/shoot/provenance.py", "sign"): "its own scratch file, after an error",
    ("store/verify.py", "_leftovers"): "what write_atomically was killed over, by its name",
    ("store/workspace.py", "write_atomically"): "its own scratch file",
    ("web/safety.py", "__init__"): "its own scratch file of the secret",
    ("train/failures.py", "draw_failures"): "a picture that it draws",
}
"""(file, function) -> what it removes. A further removal has to be thought about, here."""


def removals() -> set[tuple[str, str]]:
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                calls = (one.func for one in ast.walk(function) if isinstance(one, ast.Call))
                for call in calls:
                    if isinstance(call, ast.Attribute) and (
                        call.attr in {"rmtree", "unlink", "rmdir", "removedirs"}
                        or ast.unparse(call) in {"os.remove", "shutil.move"}
                    ):
                        found.add((name, function.name))
    return found


def test_every_removal_is_known() -> None:
    wild = {file for file, function in REMOVALS if function == "*"}
    known = {one for one in REMOVALS if one[1] != "*"}
    found = {one for one in removals() if one[0] not in wild}
    assert found <= known, found - known
    assert known <= found, known - found


def test_a_strangers_file_stays_wherever_it_lies(tmp_path: Path, photo_folders: Folders) -> None:
    """A file of one's own in every folder of a workspace, and through every verb."""
    out = tmp_path / "ws"
    lookweave.build(*photo_folders[:2], out=out, models="whole-photo", copy=True)
    for folder in ("cache/match", "cache", "measured", "publications", "photos"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    folders = [out, *(path for path in out.rglob("*") if path.is_dir() and path.name != "match")]
    mine = {}
    for number, folder in enumerate(folders):
        for name in ("notes.txt", ".notes.tmp", f"mine-{number}.jpg"):
            mine[folder / name] = f"mine {number}".encode()
    for path, content in mine.items():
        path.write_bytes(content)

    extra = write_copy(photo_folders[0], tmp_path / "more")
    workspace = lookweave.build(extra, out=out, snapshot="one")
    workspace.report()
    workspace.evaluate(photo_folders[2])
    workspace.publish(tmp_path / "set")
    workspace.verify()
    writer = Workspace.create(out)
    with writer.lock():
        writer.clean(kept=timedelta(0))
    assert {path: path.read_bytes() for path in mine if path.exists()} == mine


def write_copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for photo in sorted(folder.iterdir()):
        (to / photo.name).write_bytes(photo.read_bytes())
    return to


def test_only_our_own_scratch_files_are_scratch() -> None:
    assert is_scratch(".report.html.4711.140315981761408.tmp")
    for name in (".notes.tmp", "report.html.1.2.tmp", ".a.1.tmp", ".a.1.2.tmp.jpg", ".1.2.tmp"):
        assert not is_scratch(name)

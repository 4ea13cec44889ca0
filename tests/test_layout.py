"""The rules of the house: imports point down, and the nouns stay what they are."""

from __future__ import annotations

import ast
from pathlib import Path

import lookweave

SOURCE = Path(lookweave.__file__).parent

FLOORS: list[set[str]] = [
    {"__main__"},
    {"cli", "web"},
    {"api", "studio_api"},
    {"workspace_tables"},
    {"results", "studio_results"},
    {"demo"},
    {
        "building",
        "planning",
        "publish",
        "report",
        "benchmark",
        "evaluate",
        "search",
        "status",
        "exports",
        "pair_images",
        "review",
        "inputs",
        "takedown",
        "wardrobe",
        "collection",
    },
    {"pipeline"},
    {"models", "matching", "sources", "train", "studio", "testing"},
    {"store"},
    {"arguments", "config", "photos", "progress", "terminal", "memory", "processes"},
    {"records"},
    {"taxonomy", "errors", "text", "log"},
]
"""From the roof down; a module imports from its own floor or below."""


def floor(part: str) -> int:
    for number, parts in enumerate(FLOORS):
        if part in parts:
            return number
    raise AssertionError(f"{part} has no floor: give it one here and in docs/architecture.md")


def imports() -> list[tuple[Path, str]]:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lookweave"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith("lookweave")]
            else:
                continue
            found += [(path, name) for name in names if name.count(".")]
    return found


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def test_imports_only_ever_point_down() -> None:
    wrong = []
    for path, name in imports():
        here, there = part_of(path), name.split(".")[1]
        if here == "__init__" or there == "__version__":
            continue
        if floor(here) > floor(there):
            wrong.append(f"{path.relative_to(SOURCE)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_matching_and_models_know_nothing_of_the_rest() -> None:
    allowed = {
        "matching": {"matching"},
        "models": {"models", "photos", "records", "taxonomy", "errors", "config"},
        "train": {"train", "models", "matching", "taxonomy", "errors", "progress", "processes"},
    }
    wrong = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for path, name in imports()
        if (here := part_of(path)) in allowed and name.split(".")[1] not in allowed[here]
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_extras_import_torch_and_ray() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        if part_of(path) in {"train"} or {"hub", "vlm"} & set(path.parts):
            continue
        if path.relative_to(SOURCE).as_posix() in {
            "pipeline/executors/ray.py", "studio/shoot/diffusion.py",
        }:  # fmt: skip
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {
                "torch", "transformers", "diffusers", "ray",
            }, path  # fmt: skip


def test_files_stay_short_enough_to_understand() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert not long

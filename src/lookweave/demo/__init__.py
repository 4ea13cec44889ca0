"""The demo: the sample that ships with the package, built end to end and held against its truth."""

from __future__ import annotations

import sys
import webbrowser
from dataclasses import asdict, dataclass, replace
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lookweave.building import BuildResult, build_workspace, open_workspace
from lookweave.errors import InputError, LookweaveError, from_system
from lookweave.evaluate import Precision, evaluate, tier_precision
from lookweave.progress import Progress
from lookweave.publish import publish
from lookweave.report import write_report
from lookweave.store.workspace import write_atomically

SAMPLE = Path(str(resources.files("lookweave.demo") / "sample"))
"""Rendered garments and looks with catalogue.csv, credits.csv and truth.csv."""

_WORN = "lw-00022.jpg"  # a skirt, which is fitted quickest
MARKER = "lookweave-demo.json"
"""Says that a folder is a demo's."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo built, how much of it is right, and where to look.

    Attributes:
        shoot: the picture of a garment of the sample that was made last; None where none was.
        shoot_note: why none was made, and how to get it.
    """

    build: BuildResult
    recall: dict[str, Any]
    precision: list[Precision]
    published: dict[str, Any]
    dataset: str
    report: str
    shoot: str | None = None
    shoot_note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What `lookweave demo --json` prints."""
        precision = {one.tier: {"right": one.right, "judged": one.judged} for one in self.precision}
        return {**asdict(self), "build": self.build.to_dict(), "precision": precision}

    def text(self) -> str:
        there, back = self.recall["garment_to_look"], self.recall["look_to_garment"]
        lines = [self.build.text(), "", "Held against the sample's truth:"]
        for one in self.precision:
            low, high = one.interval
            lines.append(
                f"  {one.tier:<7} {one.right} of {one.judged} pairs right "
                f"({one.value:.0%}, 95% interval {low:.0%} to {high:.0%})"
            )
        lines += [
            f"  garment to look  R@1 {there['R@1']:.2f}  R@10 {there['R@10']:.2f}  "
            f"({there['n']} garments among {there['gallery']} looks)",
            f"  look to garment  R@1 {back['R@1']:.2f}  R@10 {back['R@10']:.2f}  "
            f"({back['n']} looks among {back['gallery']} garments)",
            "",
            f"The report    {self.report}",
            f"The data set  {self.dataset}   datasets.load_dataset({self.dataset!r}, 'high')",
            f"The workspace {self.build.workspace}   lookweave search {self.build.workspace} "
            '"navy striped shirt"',
            f"A photo-shoot {self.shoot or self.shoot_note}",
        ]
        return "\n".join(lines)


def run(out: Path, progress: Progress, *, show: bool = True) -> DemoResult:
    """Build, evaluate, publish and report the sample under `out`.

    An earlier demo there is gone on with. Nothing is removed: a folder that holds anything and
    that no demo has made is refused.

    Args:
        show: open the report, where the standard output is a terminal.

    Raises:
        InputError: `out` holds other things, or cannot be made.
    """
    out = out.expanduser().resolve()
    workspace_path, dataset = out / "workspace", out / "dataset"
    _claim(out)
    flags = {
        "garments": (str(SAMPLE / "catalogue.csv"),),
        "looks": (str(SAMPLE / "credits.csv"),),
    }
    built = build_workspace(workspace_path, flags, progress)
    workspace, config = open_workspace(workspace_path)
    truth = SAMPLE / "truth.csv"
    result = DemoResult(
        build=built,
        recall=evaluate(workspace, config, truth),
        precision=tier_precision(workspace, config, truth),
        published=publish(workspace, config, str(dataset), progress=progress),
        dataset=str(dataset),
        report=str(write_report(workspace, config, out / "report.html", truth)),
    )
    picture, note = _shoot(out / "shoot", progress)
    result = replace(result, shoot=picture, shoot_note=note)
    if show and sys.stdout.isatty():
        webbrowser.open(Path(result.report).as_uri())
    return result


def _shoot(out: Path, progress: Progress) -> tuple[str | None, str]:
    """One picture of a garment of the sample: where it is, or why there is none."""
    if find_spec("moderngl") is None or find_spec("tomli_w") is None:
        return None, "pip install 'lookweave[studio]' to make editorial pictures of a garment"
    from lookweave.studio.shoot import shoot

    progress.start("shoot", 1, "pictures")
    try:
        result = shoot(
            SAMPLE / "garments" / _WORN, out=out, pose="walking", scene="beach", light="low sun",
            seed=2, done=lambda file: progress.advance(1),
        )  # fmt: skip
    except LookweaveError as error:
        progress.end(", none made")
        return None, f"was not made: {error}"
    progress.end(f", in {out}")
    return str(result.folder / result.pictures[0].file), ""


def _claim(out: Path) -> None:
    """Mark `out` as a demo's folder, before anything is written to it."""
    if (out / MARKER).is_file():
        return
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a new folder with --out.")
    try:
        if out.exists() and any(out.iterdir()):
            raise InputError(
                f"{out} is not empty and no earlier demo: name a new folder with --out."
            )
        write_atomically(out / MARKER, b'{"what": "made by `lookweave demo`"}\n')
    except OSError as error:
        raise InputError(f"{from_system(error, out, 'made')} Name another with --out.") from error

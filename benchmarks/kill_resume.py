"""Kill a build at random moments while others read, let the same command finish it, compare all rows.

    python benchmarks/kill_resume.py --garments DIR --looks DIR --kills 50 --seed 7

A workspace is built of half of the photos; the other half then comes to the same folders. Each
kill is a build of its own on a copy of that workspace: SIGKILL after a random share of the time an
undisturbed build takes, then the same command again. Meanwhile a reader opens the workspace over
and over: it must never fail, never see fewer rows than the half had, and never a match or a pair
whose region is not there. The final tables must equal those of the undisturbed build, row for row
(the log of runs aside), and verify-store must find nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from lookweave.progress import Progress
from lookweave.store.verify import verify
from lookweave.store.workspace import Workspace
from lookweave.testing.rows import contents

READ = ("garments", "looks", "regions", "descriptions", "matches", "pairs")


class Reader(threading.Thread):
    """Reads a workspace until it is told to stop, and keeps what it should not have seen."""

    def __init__(self, path: Path, least: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self._path, self._least = path, least
        self._end = threading.Event()
        self.looks = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._end.is_set():
            try:
                workspace = Workspace.open(self._path)
                found = {name: workspace.table(name).count() for name in READ}
                fewer = {name: rows for name, rows in found.items() if rows < self._least[name]}
                regions = workspace.table("regions").values("id")
                named = workspace.table("matches").values("region") | workspace.table(
                    "pairs"
                ).values("region")
                if fewer or named - regions:
                    self.wrong.append(f"fewer {fewer}, without region {len(named - regions)}")
            except Exception as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
            self.looks += 1
            time.sleep(0.05)  # leaves the processor to the build

    def stop(self) -> None:
        self._end.set()
        self.join()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--garments", required=True, type=Path)
    parser.add_argument("--looks", required=True, type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--models", default="embedded")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    scratch = Path(tempfile.mkdtemp(prefix="lookweave-kill-"))
    # Small commits, so that a kill falls between some of them.
    environment = {**os.environ, "LOOKWEAVE_RUN__COMMIT_ROWS": "32"}

    def command(out: Path) -> list[str]:
        places = [
            "--garments", str(scratch / "garments"), "--looks", str(scratch / "looks"),
            "--out", str(out), "--models", given.models,
        ]  # fmt: skip
        return [sys.executable, "-m", "lookweave", "build", *places, "--json"]

    photos = {side: sorted(getattr(given, side).iterdir()) for side in ("garments", "looks")}
    for side, paths in photos.items():
        (scratch / side).mkdir()
        for path in paths[::2]:
            shutil.copy2(path, scratch / side)
    half = scratch / "half"
    subprocess.run(command(half), env=environment, check=True, capture_output=True)
    least = {name: Workspace.open(half).table(name).count() for name in READ}
    least["matches"] = least["pairs"] = 1  # a new photo may take a place from an old one
    for side, paths in photos.items():
        for path in paths[1::2]:
            shutil.copy2(path, scratch / side)

    shutil.copytree(half, scratch / "whole")
    began = time.monotonic()
    subprocess.run(command(scratch / "whole"), env=environment, check=True, capture_output=True)
    whole_seconds = time.monotonic() - began
    expected = contents(Workspace.open(scratch / "whole"))
    rows = {name: sum(counted.values()) for name, counted in expected.items()}
    print(f"undisturbed: {whole_seconds:.1f} s, rows {rows}", flush=True)
    failures = 0
    for number in range(given.kills):
        out = scratch / f"killed-{number}"
        shutil.copytree(half, out)
        moment = chance.uniform(0.03, 0.98) * whole_seconds
        reader = Reader(out, least)
        reader.start()
        process = subprocess.Popen(
            command(out), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        state = (
            "killed"
            if process.returncode == -signal.SIGKILL
            else f"ended by itself ({process.returncode})"
        )
        at = {name: Workspace.open(out).table(name).count() for name in READ}
        again = subprocess.run(
            command(out), env=environment, capture_output=True, text=True, check=False
        )
        reader.stop()
        found = contents(Workspace.open(out)) if again.returncode == 0 else {}
        different = sorted(name for name in expected if found.get(name) != expected[name])
        problems = (
            verify(Workspace.open(out), Progress(quiet=True)).problems if not different else ["-"]
        )
        good = again.returncode == 0 and not different and not problems and not reader.wrong
        failures += not good
        print(
            f"{number + 1:>2}: {state} at {moment:5.1f} s with {at}; read {reader.looks} times; "
            f"again: exit {again.returncode}; "
            + (
                "equal, row for row"
                if good
                else f"DIFFERENT {different} {problems} {reader.wrong[:2]} {again.stderr[-300:]}"
            ),
            flush=True,
        )
        shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)
    print(f"{given.kills - failures} of {given.kills} equal, and no reader saw anything wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

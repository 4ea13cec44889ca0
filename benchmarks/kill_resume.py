"""Kill a build at random moments, let the same command finish it, compare every row.

    python benchmarks/kill_resume.py --garments DIR --looks DIR --kills 10 --seed 7

Each kill is a build of its own: a fresh workspace, SIGKILL after a random share of the time an
undisturbed build takes, then the same command again. The final tables must equal those of the
undisturbed build, row for row (the log of runs aside), and verify-store must find nothing.
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
import time
from pathlib import Path

from lookweave.progress import Progress
from lookweave.store.verify import verify
from lookweave.store.workspace import Workspace
from lookweave.testing.rows import contents


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--garments", required=True)
    parser.add_argument("--looks", required=True)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    scratch = Path(tempfile.mkdtemp(prefix="lookweave-kill-"))
    # Small commits, so that a kill falls between some of them.
    environment = {**os.environ, "LOOKWEAVE_RUN__COMMIT_ROWS": "64"}

    def command(out: Path) -> list[str]:
        places = ["--garments", given.garments, "--looks", given.looks, "--out", str(out)]
        return [sys.executable, "-m", "lookweave.cli", "build", *places, "--json"]

    began = time.monotonic()
    subprocess.run(command(scratch / "whole"), env=environment, check=True, capture_output=True)
    whole_seconds = time.monotonic() - began
    expected = contents(Workspace.open(scratch / "whole"))
    rows = {name: sum(counted.values()) for name, counted in expected.items()}
    print(f"undisturbed: {whole_seconds:.1f} s, rows {rows}", flush=True)
    failures = 0
    for number in range(given.kills):
        out = scratch / f"killed-{number}"
        moment = chance.uniform(0.03, 0.98) * whole_seconds
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
        at = (
            {
                name: Workspace.open(out).table(name).count()
                for name in ("garments", "looks", "regions", "matches")
            }
            if (out / "workspace.json").exists()
            else "no workspace yet"
        )
        again = subprocess.run(
            command(out), env=environment, capture_output=True, text=True, check=False
        )
        found = contents(Workspace.open(out)) if again.returncode == 0 else {}
        different = sorted(name for name in expected if found.get(name) != expected[name])
        problems = (
            verify(Workspace.open(out), Progress(quiet=True)).problems if not different else ["-"]
        )
        good = again.returncode == 0 and not different and not problems
        failures += not good
        print(
            f"{number + 1:>2}: {state} at {moment:5.1f} s with {at}; again: exit {again.returncode}; "
            + (
                "equal, row for row"
                if good
                else f"DIFFERENT {different} {problems} {again.stderr[-300:]}"
            ),
            flush=True,
        )
        shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)
    print(f"{given.kills - failures} of {given.kills} equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

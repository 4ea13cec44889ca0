"""How far plans are from real builds: rates of some photographs, held against larger builds.

    python benchmarks/plan_error.py --garments DIR --looks DIR --measured 80 --built 160 320

Measures rates on that many photographs of each kind (builds of a quarter, half and all of them),
then builds larger numbers of others for real and prints for each step the planned and the real
seconds of all cores, and the errors. Seconds of cores, because on a machine that others use the
clock tells of them; `--clock` prints those of the clock too.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from lookweave.config import load
from lookweave.planning.measure import _built, _paths, _spread, measure
from lookweave.planning.plan import Machines, plan
from lookweave.progress import Progress


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--garments", required=True)
    parser.add_argument("--looks", required=True)
    parser.add_argument("--measured", type=int, default=80)
    parser.add_argument("--built", type=int, nargs="+", default=[160, 320])
    parser.add_argument("--clock", action="store_true")
    given = parser.parse_args()
    paths = {
        "garment": _paths("garment", (given.garments,)), "look": _paths("look", (given.looks,))
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        lists = {}
        for kind, every in paths.items():
            some = _spread(every[::2], given.measured / len(every[::2]))
            lists[kind] = folder / f"{kind}.csv"
            lists[kind].write_text("\n".join(["path", *some]) + "\n")
        rates = measure((str(lists["garment"]),), (str(lists["look"]),), Progress(quiet=True))
        for count in given.built:
            real = _built(
                folder / str(count),
                {
                    kind: _spread(every[1::2], count / len(every[1::2]))
                    for kind, every in paths.items()
                },
                load(),
            )
            found = plan(real.counts["garments"], real.counts["looks"], rates, Machines(cores=1))
            planned = {step.step: step for step in found.steps}
            print(
                f"{real.counts['garments']} garments and {real.counts['looks']} looks, by rates of "
                f"{rates.garments} and {rates.looks}:"
            )
            total = [0.0, 0.0]
            for name, run in real.runs.items():
                core = planned[name].core_seconds
                total[0] += core
                total[1] += run.cpu_seconds
                rate = rates.steps[name]
                clock = rate.seconds_fixed + rate.seconds_each * run.units
                print(
                    f"  {name:<9} planned {core:7.2f} s, real {run.cpu_seconds:7.2f} s, error "
                    f"{core / run.cpu_seconds - 1:+.0%}; {planned[name].units:.0f} and {run.units} "
                    f"{rate.unit}"
                    + (f"; clock {clock:.1f} and {run.seconds:.1f} s" if given.clock else "")
                )
            print(
                f"  together  planned {total[0]:7.2f} s, real {total[1]:7.2f} s, error "
                f"{total[0] / total[1] - 1:+.0%}",
                flush=True,
            )
            kept = sum(step.storage_bytes for step in found.steps)
            print(
                f"  kept      planned {kept / 1e6:.1f} MB, real {sum(real.bytes.values()) / 1e6:.1f}"
            )


if __name__ == "__main__":
    main()

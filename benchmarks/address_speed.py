"""Rate of ingest from addresses beside img2dataset's, and what becomes of each address.

    python benchmarks/address_speed.py PHOTOS --addresses 5000 --img2dataset ../scratch/bin/python

Serves the JPEGs of PHOTOS on this machine, each address with bytes of its own. Of all addresses
5 % answer a second late, 5 % are not there (404), 2 % first ask to be asked again in a second
(429, Retry-After), half a percent break off and half a percent are cut short. Then, by turns, in
processes of their own and with as many requests at a time, `lookweave`'s ingest reads all of
them (robots.txt, opt-out headers, checked hosts, hashes, sizes, thumbnails, the bytes kept,
rejects), and img2dataset (`pip install img2dataset` in an environment of its own) with its
defaults: photos at 256 pixels, SHA-256, opt-out headers; retries as here.

Prints photos a second that arrived, the ratio of each round and their median; then a table of
causes, and whether every address is a photo or a reject. `--kill` stops one more run without
warning when a third is stored, goes on with it, and counts again.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import multiprocessing
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

AT_ONCE = 64
LATE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--addresses", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--img2dataset", type=Path, help="a Python that has it")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--ingest", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ingest:
        print(json.dumps(ingest(Path(given.ingest[0]), Path(given.ingest[1]), given.workers)))
        return
    context = multiprocessing.get_context("spawn")
    listening = context.SimpleQueue()
    server = context.Process(target=serve, args=(given.photos, listening), daemon=True)
    server.start()
    port = listening.get()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            run(given, Path(scratch), port)
    finally:
        server.terminate()


def run(given: argparse.Namespace, folder: Path, port: int) -> None:
    ratios, of_processor = [], []
    for number in range(given.rounds):
        # Other addresses each time, so that who is asked to come again is so in every run.
        ours = manifest(folder, port, f"{number}a", given.addresses)
        theirs = manifest(folder, port, f"{number}b", given.addresses)
        spent = cpu_of_children()
        found = told(lookweave(ours, folder / f"ws{number}", given.workers))
        cpu = cpu_of_children() - spent
        line = (
            f"round {number + 1}: lookweave {found['photos']} photos of {found['read']} addresses "
            f"in {found['seconds']:.1f} s, {found['photos'] / found['seconds']:.1f} photos/s, "
            f"{cpu:.1f} CPU s with the start"
        )
        if given.img2dataset:
            began = time.perf_counter()
            count = img2dataset(given.img2dataset, theirs, folder / f"out{number}", given.workers)
            seconds = time.perf_counter() - began
            theirs_cpu = cpu_of_children() - spent - cpu
            of_processor.append((theirs_cpu / count) / (cpu / found["photos"]))
            ratios.append((found["photos"] / found["seconds"]) / (count / seconds))
            line += (
                f"; img2dataset {count} photos in {seconds:.1f} s, {count / seconds:.1f} photos/s, "
                f"{theirs_cpu:.1f} CPU s; ratio {ratios[-1]:.2f}, of CPU {of_processor[-1]:.2f}"
            )
        print(line, flush=True)
    if ratios:
        print(
            f"ratio: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to "
            f"{max(ratios):.2f}, {len(ratios)} rounds"
        )
    account(found, given.addresses)
    if given.kill:
        addresses = manifest(folder, port, "killed", given.addresses)
        workspace = folder / "killed"
        process = subprocess.Popen(lookweave(addresses, workspace, given.workers))
        while stored(workspace) < given.addresses / 3 and process.poll() is None:
            time.sleep(0.2)
        assert process.poll() is None, "it was done before it could be killed"
        kept = stored(workspace)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = told(lookweave(addresses, workspace, given.workers))
        print(f"killed when {kept} were stored; {found['read']} addresses were left to ask")
        account(found, given.addresses)


def cpu_of_children() -> float:
    """Seconds of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def account(found: dict, addresses: int) -> None:
    """Print what became of the addresses of one run."""
    for reason, count in sorted(found["rejects"].items(), key=lambda cause: -cause[1]):
        print(f"  {count:>7}  {count / addresses:>6.2%}  {reason}")
    whole = found["stored"] + sum(found["rejects"].values())
    print(
        f"{found['stored']} photos and {sum(found['rejects'].values())} rejects for {addresses} "
        f"addresses: {'all accounted for' if whole == addresses else 'NOT ALL ACCOUNTED FOR'}"
    )


def lookweave(addresses: Path, workspace: Path, workers: int) -> list[str]:
    command = [sys.executable, __file__, str(addresses), "--workers", str(workers)]
    return [*command, "--ingest", str(addresses), str(workspace)]


def told(command: list[str]) -> dict:
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def ingest(addresses: Path, where: Path, workers: int) -> dict:
    """Read all addresses into a workspace."""
    from lookweave import config as settings
    from lookweave.pipeline.run import run_step
    from lookweave.pipeline.setup import Setup
    from lookweave.pipeline.steps.ingest import Ingest
    from lookweave.progress import Progress
    from lookweave.store.workspace import Workspace

    fetching = {
        "allow_private_addresses": True, "http_together": AT_ONCE, "http_per_host": AT_ONCE
    }  # fmt: skip
    run = {"workers": workers, "commit_seconds": 5.0}
    config = settings.load(looks=(str(addresses),), ingest=fetching, run=run)
    workspace = Workspace.create(where)
    began = time.perf_counter()
    done = run_step(Ingest(Setup.of(config)), workspace, Progress(quiet=True))
    seconds = time.perf_counter() - began
    sources = workspace.table("sources").read(["id"]).column("id").to_pylist()
    rejects = workspace.table("rejects").read(["reason"]).column("reason").to_pylist()
    return {
        "read": done.read, "photos": done.written, "seconds": seconds,
        "stored": sum(map(bool, sources)), "rejects": Counter(rejects),
    }  # fmt: skip


def stored(where: Path) -> int:
    from lookweave.errors import LookweaveError
    from lookweave.store.workspace import Workspace

    try:
        return Workspace.open(where).table("looks").count()
    except LookweaveError:
        return 0


def img2dataset(python: Path, addresses: Path, out: Path, workers: int) -> int:
    """Run it over a manifest; how many photos it kept."""
    program = (
        "import sys; from img2dataset import download\n"
        "if __name__ == '__main__':\n"
        " download(url_list=sys.argv[1], input_format='csv', url_col='url', output_folder=sys.argv[2],"
        " output_format='files', processes_count=int(sys.argv[3]), thread_count=int(sys.argv[4]),"
        " retries=2, number_sample_per_shard=1000, enable_wandb=False)\n"
    )
    script = out.with_suffix(".py")
    script.write_text(program)
    threads = str(AT_ONCE // workers)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [str(python), str(script), str(addresses), str(out), str(workers), threads],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    return sum(json.loads(path.read_text())["successes"] for path in out.glob("*_stats.json"))


def manifest(folder: Path, port: int, name: str, addresses: int) -> Path:
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url"])
        rows.writerows([f"http://127.0.0.1:{port}/{name}/{n}.jpg"] for n in range(addresses))
    return path


def serve(folder: Path, listening) -> None:  # type: ignore[no-untyped-def]
    photos = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    asked: set[str] = set()

    def answer(status: str, body: bytes, *more: str, length: int | None = None) -> bytes:
        size = len(body) if length is None else length
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *more]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                path = request.split(b" ", 2)[1].decode()
                closes = b"connection: close" in request.lower()
                number = path.rpartition("/")[2].removesuffix(".jpg")
                if not number.isdecimal():
                    writer.write(answer("404 Not Found", b""))
                else:
                    n = int(number)
                    photo = photos[n % len(photos)]
                    photo = b"\xff\xd8\xff\xfe\x00\x12" + f"{n:016d}".encode() + photo[2:]
                    kind = n * 7919 % 200  # a permutation: exact shares
                    if kind < 10:
                        await asyncio.sleep(LATE)
                    if 10 <= kind < 20:
                        writer.write(answer("404 Not Found", b""))
                    elif 20 <= kind < 24 and path not in asked:
                        asked.add(path)
                        writer.write(answer("429 Too Many Requests", b"", "Retry-After: 1"))
                    elif kind == 24:
                        writer.write(answer("200 OK", photo[:5000], length=len(photo)))
                        closes = True
                    elif kind == 25:
                        writer.write(answer("200 OK", photo[: len(photo) // 2]))
                    else:
                        writer.write(answer("200 OK", photo, "Content-Type: image/jpeg"))
                await writer.drain()
                if closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def forever() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
        listening.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


if __name__ == "__main__":
    main()

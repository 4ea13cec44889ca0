"""Odd names, and things with a photo's name that are no files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.photo_bytes import encoded, grainy, upright

READ = None
PASSED_OVER = "passed over"


def plant(folder: Path) -> dict[str, str | None]:
    """Make them in `folder`.

    Returns:
        By name as it is listed: the reason of the reject, `READ` or `PASSED_OVER`.
    """
    photo = encoded(upright(), "JPEG")
    expected: dict[str, str | None] = {}

    def put(name: str, outcome: str | None, content: bytes = photo) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected[name] = outcome

    for name in ("two\nlines.jpg", "👗 dress.jpg", "n" * 240 + ".jpg", 'it\'s "quoted".jpg'):
        put(name, READ)
    put("folder.jpg/inside.jpg", READ)
    put("same/name.jpg", READ, encoded(grainy(seed=1), "JPEG"))
    put("other/name.jpg", READ, encoded(grainy(seed=2), "JPEG"))
    put("Case.jpg", READ)
    put("case.JPG", READ)
    put("deep/" * 40 + "down.jpg", READ)
    for name in (".hidden.jpg", ".cache/photo.jpg", "Thumbs.db", "notes.txt", "list.csv"):
        put(name, PASSED_OVER)
    put("no-suffix-text", PASSED_OVER, b"no photo")

    (folder / os.fsdecode(b"latin-\xe9t\xe9.jpg")).write_bytes(photo)
    expected["latin-\\xe9t\\xe9.jpg"] = "unreadable_name"
    (folder / "broken-link.jpg").symlink_to("nowhere.jpg")
    expected["broken-link.jpg"] = "missing_file"
    (folder / "own-link.jpg").symlink_to("own-link.jpg")
    expected["own-link.jpg"] = "unreadable_file"
    (folder / "link.jpg").symlink_to("Case.jpg")
    expected["link.jpg"] = READ
    (folder / "loop").symlink_to(".")
    (folder / "device.jpg").symlink_to("/dev/zero")
    expected["device.jpg"] = "not_a_file"
    os.mkfifo(folder / "pipe.jpg")
    expected["pipe.jpg"] = "not_a_file"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.jpg"))
    expected["socket.jpg"] = "not_a_file"
    if os.geteuid() != 0:  # root may read everything
        put("locked.jpg", "unreadable_file")
        (folder / "locked.jpg").chmod(0)
    return expected

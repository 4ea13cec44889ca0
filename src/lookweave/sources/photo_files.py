"""Which files below a folder are taken for photos, and which folders are left out.

A folder of photos is rarely only that: systems and programs keep deleted files, earlier versions
and small copies of the photos in it. Those are no photos of the catalogue, and most of them are
photos by their bytes, so that only their place tells.
"""

from __future__ import annotations

import logging
import os
import re
import stat

from lookweave.errors import Rejected
from lookweave.photos import formats

_log = logging.getLogger(__name__)

# Images that we cannot read: listed all the same, so that the reject says what to do.
_OTHER_IMAGE_SUFFIXES = frozenset({
    "jp2", "j2k", "jpx", "jxl", "psd", "psb", "svg", "svgz", "eps", "ico", "tga", "dds", "exr",
    "hdr", "qoi", "xcf", "cr2", "cr3", "nef", "arw", "dng", "orf", "raf", "rw2", "pef", "srw",
    "raw",
})  # fmt: skip
_NO_PHOTOS = {
    "PDF document": frozenset({"pdf", "ai", "indd"}),
    "film": frozenset({
        "mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "flv", "3gp", "mts",
        "m2ts", "ogv",
    }),
    "sound file": frozenset({"mp3", "wav", "aac", "m4a", "flac", "ogg", "wma", "aiff"}),
    "archive": frozenset({
        "zip", "gz", "tgz", "tar", "bz2", "xz", "7z", "rar", "zst", "dmg", "iso",
    }),
    "office document": frozenset({
        "doc", "docx", "xls", "xlsx", "ods", "odt", "ppt", "pptx", "odp", "rtf", "pages", "numbers",
        "key",
    }),
}  # fmt: skip
"""Files that may hold pictures which somebody meant: they are counted, by kind."""
_OTHER_SUFFIXES = frozenset({
    "txt", "md", "csv", "tsv", "tab", "json", "jsonl", "ndjson", "xml", "yaml", "yml", "toml",
    "ini", "cfg", "log", "html", "htm", "css", "js", "db", "sqlite", "parquet", "pq", "arrow",
    "feather", "npy", "npz", "pkl", "pt", "onnx", "safetensors", "py", "sh", "bat", "exe", "dll",
    "xmp", "aae", "thm", "lnk", "url", "sha256", "md5",
    # Copies that were not finished, and what an editor leaves of an earlier version.
    "tmp", "temp", "part", "partial", "filepart", "crdownload", "download", "opdownload",
    "aria2", "bak", "old", "swp",
})  # fmt: skip
_OTHER_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})

_LEFT_OUT = {
    "recycle bin": re.compile(r"\$recycle\.bin|recycle[dr]|[#@]recycle"),
    "folder of rescued files": re.compile(r"lost\+found|found\.\d{3}"),
    "folder of snapshots": re.compile(
        r"[#~@]snapshots?|@recently-snapshot|@sharesnap|system volume information"
    ),
    "system's folder": re.compile(r"__macosx|@eadir|@tmp|@transcode|@appstore|@sharebin"),
    "folder of small copies": re.compile(r"_?thumb(s|nails?)?_?|@__thumb|caches?"),
    "program's own library": re.compile(
        r".+\.((photos?|migratedphoto|ap|imovie|tv|music)library|lrdata|lrcat-data|lrlibrary"
        r"|cocatalog|fcpbundle|app)"
    ),
}  # names in lower case


def is_left_out(folder: str) -> bool:
    """Whether a folder that a listing meets is passed over with all that is in it.

    That is one whose name begins with a dot, or is that of a recycle bin, of snapshots, of small
    copies that a program keeps of photos, or of a program's own library. The log says so.

    Args:
        folder: its path; only the last part counts.
    """
    name = os.path.basename(folder)  # noqa: PTH119 - Path would cost as much as the listing
    if name.startswith("."):
        return True
    lowered = name.lower()
    for what, names in _LEFT_OUT.items():
        if names.fullmatch(lowered):
            _log.info("%s is passed over: by its name it is a %s.", folder, what)
            return True
    return False


def has_image_suffix(name: str) -> bool:
    """Whether a file's name ends as an image's does, of a kind that can be read or not."""
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return suffix in formats.suffixes() or suffix in _OTHER_IMAGE_SUFFIXES


def no_photo(path: str) -> str | None:
    """What a file is that holds no photo but may be meant for one: "film", "PDF document" …;
    None for any other."""
    name = os.path.basename(path).lower()  # noqa: PTH119
    if name.startswith((".", "~$")):
        return None
    suffix = name.rpartition(".")[2]
    return next((what for what, suffixes in _NO_PHOTOS.items() if suffix in suffixes), None)


def is_likely_photo(path: str) -> bool:
    """Whether a file is listed as a photo: by its name, or else by its first bytes.

    Images of kinds that cannot be read are listed too, so that their rejects say what to do.
    """
    name = os.path.basename(path)  # noqa: PTH119
    lowered = name.lower()
    suffix = lowered.rpartition(".")[2] if "." in lowered else ""
    if lowered.startswith((".", "~$")) or lowered.endswith("~") or lowered in _OTHER_NAMES:
        return False
    if has_image_suffix(name):
        return True
    if suffix in _OTHER_SUFFIXES or no_photo(path) is not None:
        return False
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            formats.sniff(file.read(formats.SNIFF_BYTES))
    except (OSError, Rejected):
        return False
    return True

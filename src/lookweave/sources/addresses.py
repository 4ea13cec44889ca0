"""One photo, one address: what of an address only signs it, or lets it expire, says nothing of
which photo it is. A catalogue that is exported anew carries other signatures of the same photos.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit, urlunsplit

IGNORED_QUERY: tuple[str, ...] = (
    "x-amz-*", "awsaccesskeyid",  # Amazon S3
    "key-pair-id", "policy", "signature", "expires",  # CloudFront, and S3 as it was
    "x-goog-*", "googleaccessid",  # Google Cloud Storage
    "x-oss-*", "ossaccesskeyid", "security-token", "auth_key",  # Alibaba Cloud
    "q-sign-*", "q-ak", "q-key-time", "q-header-list", "q-url-param-list", "q-signature",  # Tencent
    "x-obs-*", "x-ms-signature", "sig",  # Huawei, Azure
    "hdnts", "hdnea", "hdntl", "__gda__", "__token__", "__hdnea__",  # Akamai
    "temp_url_sig", "temp_url_expires",  # OpenStack
    "authorization", "__cld_token__", "rlkey",  # Backblaze, Cloudinary, Dropbox
    "token", "*_token", "jwt", "auth", "verify", "hmac",  # Cloudflare and others
    "expire", "expires_at", "expires_in", "expiry",
)  # fmt: skip
"""Parts of a query that sign or expire, ``*`` for any letters, in any case."""

_WITH_A_SIGNATURE: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (  # a shared access signature of Azure
        frozenset({"sig", "sv"}),
        frozenset({
            "sv", "st", "se", "sr", "sp", "sip", "spr", "ss", "srt", "skoid", "sktid", "skt",
            "ske", "sks", "skv", "saoid", "suoid", "scid", "sdd", "ses", "si",
        }),
    ),
    (frozenset({"oh", "oe"}), frozenset({"oh", "oe"})),  # Meta
    (frozenset({"st", "e"}), frozenset({"st", "e"})),  # nginx's secure links
    (frozenset({"e", "token"}), frozenset({"e"})),  # Qiniu
    (frozenset({"rlkey", "st"}), frozenset({"st"})),  # Dropbox
    (frozenset({"exp", "sig"}), frozenset({"exp"})),
    (frozenset({"exp", "signature"}), frozenset({"exp"})),
    (frozenset({"exp", "hmac"}), frozenset({"exp"})),
    (frozenset({"exp", "token"}), frozenset({"exp"})),
    (frozenset({"ts", "hash"}), frozenset({"ts", "hash"})),
    (frozenset({"ts", "sig"}), frozenset({"ts"})),
    (frozenset({"ts", "signature"}), frozenset({"ts"})),
    (frozenset({"md5", "expires"}), frozenset({"md5"})),
    (frozenset({"hash", "expires"}), frozenset({"hash"})),
)  # fmt: skip
"""Short names that sign where all of the first set are there, and mean something else where not."""

_IMGIX_SIGNATURE = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)  # of its parameter s
_PORTS = {"http": "80", "https": "443"}


def same_photo(address: str, ignored: Sequence[str] = IGNORED_QUERY) -> str:
    """The address without what signs it or lets it expire: equal for equal photos.

    The scheme and the host are in lower case, without the scheme's own port; the fragment is
    gone. The rest of the query stays, in its order: a size, a version (``v=17``) or a page is a
    part of which photo it is.

    Args:
        ignored: names of query parts that do not count, ``*`` for any letters, in any case.
    """
    try:
        parts = urlsplit(address.strip())
        port = str(parts.port or "")
    except ValueError:
        return address  # fetching it will say what is wrong
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    if port and port != _PORTS.get(parts.scheme.lower()):
        host = f"{host}:{port}"
    if "@" in parts.netloc:
        host = f"{parts.netloc.rpartition('@')[0]}@{host}"
    query = _kept(parts.query, ignored)
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", query, ""))


def _kept(query: str, ignored: Sequence[str]) -> str:
    pieces = [piece for piece in query.split("&") if piece]
    names = [_name(piece) for piece in pieces]
    present = set(names)
    signing = {
        name
        for needed, names_with_it in _WITH_A_SIGNATURE
        if needed <= present
        for name in names_with_it
    }
    patterns = [pattern.lower() for pattern in ignored]
    return "&".join(
        piece
        for piece, name in zip(pieces, names, strict=True)
        if name not in signing
        and not any(fnmatchcase(name, pattern) for pattern in patterns)
        and not (name == "s" and _IMGIX_SIGNATURE.fullmatch(piece.partition("=")[2]))
    )


def _name(piece: str) -> str:
    """The name of ``name=value``, in lower case."""
    return unquote(piece.partition("=")[0]).lower()

"""An address is the same photo under a new signature."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookweave.sources.addresses import same_photo

PHOTO = "https://cdn.example/p/1.jpg"


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F2026&X-Amz-Date=2&X-Amz-Expires=9"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature=ab",
        "AWSAccessKeyId=K&Signature=a%2Bb&Expires=1700000000",
        "Policy=eyJ&Signature=x~y&Key-Pair-Id=APKA",
        "X-Goog-Algorithm=GOOG4&X-Goog-Signature=12",
        "sv=2024-11-04&st=2026-01-01&se=2027-01-01&sr=b&sp=r&sig=abc%3D",
        "hdnts=exp=1700~acl=/*~hmac=ab",
        "token=abc&expires=17",
        "s=0123456789abcdef0123456789abcdef",
        "oh=00_Af&oe=66",
        "st=abc&e=1700",
        "x-oss-signature=1&OSSAccessKeyId=2",
        "temp_url_sig=ab&temp_url_expires=17",
        "Authorization=3_2026&expire=9",
        "e=1700&token=K:ab=",
        "rlkey=ab&st=cd",
        "exp=17&sig=ab",
        "ts=17&hash=ab",
        "__cld_token__=exp=17~hmac=ab",
        "X%2DAmz%2DSignature=12",
        "upload_token=2&expires_at=17",
    ],
)
def test_signatures_and_ends_do_not_count(query: str) -> None:
    assert same_photo(f"{PHOTO}?{query}") == PHOTO
    assert same_photo(f"{PHOTO}?w=800&{query}&v=3") == f"{PHOTO}?w=800&v=3"


@pytest.mark.parametrize(
    "query",
    [
        "v=1711",
        "w=800&h=600",
        "id=7",
        "s=200",
        "st=summer",
        "sp=3&se=2",
        "page=2&sv=1",
        "key=7",
        "exp=2",
        "ts=7",
        "hash=ab",
        "e=2",
        "h=2&e=1",
    ],
)
def test_what_says_which_photo_it_is_counts(query: str) -> None:
    assert same_photo(f"{PHOTO}?{query}") == f"{PHOTO}?{query}"


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("HTTPS://CDN.example:443/A.jpg#top", "https://cdn.example/A.jpg"),
        ("http://cdn.example.:8080/A.jpg", "http://cdn.example:8080/A.jpg"),
        ("http://cdn.example:80", "http://cdn.example/"),
        ("http://u:p@Cdn.example/a", "http://u:p@cdn.example/a"),
        ("http://[::1]:81/a", "http://[::1]:81/a"),
        ("http://[/a", "http://[/a"),
    ],
)
def test_the_rest_is_written_in_one_way(address: str, plain: str) -> None:
    assert same_photo(address) == plain


def test_which_parts_do_not_count_can_be_said() -> None:
    assert same_photo(f"{PHOTO}?token=7&session=1", ["session"]) == f"{PHOTO}?token=7"
    assert same_photo(f"{PHOTO}?Sess-1=7", ["sess-*"]) == PHOTO


@given(
    st.dictionaries(st.sampled_from(["w", "h", "v", "id", "crop"]), st.text(max_size=5)),
    st.text(max_size=12),
    st.text(max_size=12),
    st.randoms(use_true_random=False),
)
def test_a_new_signature_is_the_same_photo(
    says: dict[str, str], old: str, new: str, order: object
) -> None:
    def signed(signature: str) -> str:
        return same_photo(f"{PHOTO}?{urlencode({**says, 'X-Amz-Signature': signature})}")

    assert signed(old) == signed(new) == same_photo(f"{PHOTO}?{urlencode(says)}")
    assert same_photo(signed(old)) == signed(old)

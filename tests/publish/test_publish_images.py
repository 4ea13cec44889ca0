from __future__ import annotations

from tests.photo_bytes import encoded, grainy

from lookweave import photos
from lookweave.publish import images


def test_original_that_other_readers_call_damaged_goes_out_anew() -> None:
    data = encoded(grainy(), "JPEG")
    size = {"width": 160, "height": 120}
    kept = images._original(data, size)
    assert kept is not None and kept.data == data
    assert photos.load(data[:-2]).width == 160
    assert images._original(data[:-2], size) is None

"""Looks of a workspace on a mood board: found by name, refused where they may not be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pipeline.steps.shop import Shop, id_of, photo

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

import lookweave
from lookweave.errors import InputError
from lookweave.takedown import take_down


def test_a_board_of_a_workspaces_looks(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.put("garments/a.jpg", photo(1))
    file = shop.put("looks/l.jpg", photo(9))
    shop.put("looks/secret.jpg", photo(8))
    listed = "path,rights\nlooks/l.jpg,\nlooks/secret.jpg,internal\n"
    shop.ingest(looks=(str(shop.put("looks.csv", listed.encode())),))
    place = shop.workspace.path
    by_file = lookweave.board([file])
    for name in (id_of(photo(9)), "l.jpg"):
        found = lookweave.board([name], workspace=place)
        assert [one.lab for one in found.palette] == [one.lab for one in by_file.palette]
    with pytest.raises(InputError, match=r"secret\.jpg may not be used"):
        lookweave.board(["secret.jpg"], workspace=place)
    with pytest.raises(InputError, match="has no look nobody"):
        lookweave.board(["nobody"], workspace=place)
    take_down(shop.workspace, shop.config(), "l.jpg")
    with pytest.raises(InputError, match=r"l\.jpg may not be used"):
        lookweave.board(["l.jpg"], workspace=place)

"""A takedown holds until a person lifts it in words."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from tests.pipeline.steps.shop import Shop, id_of, photo

from lookweave.errors import InputError
from lookweave.inputs import drop_input
from lookweave.store import takedowns
from lookweave.store.takedowns import SHOWN, Takedowns, down
from lookweave.takedown import lift_takedown, take_down, takedown_events

TODAY = datetime.date.today()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.put("garments/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    shop.put("looks/l.jpg", photo(9))
    return shop


def is_down(shop: Shop, seed: int = 1) -> bool:
    (row,) = [row for row in shop.rows("garments") if row["id"] == id_of(photo(seed))]
    assert row["taken_down"] == (id_of(photo(seed)) in down(shop.workspace))
    return bool(row["taken_down"])


def said(shop: Shop, taken_down: str, name: str = "a.jpg") -> tuple[str, ...]:
    rows = f"path,sku,taken_down\ngarments/{name},7,{taken_down}\n"
    return (str(shop.put("td.csv", rows.encode())),)


def test_what_a_manifest_said_once_holds_whatever_is_built_later(shop: Shop) -> None:
    shop.ingest(garments=(*said(shop, "yes"), str(shop.garments)))
    assert is_down(shop) and not is_down(shop, 2)
    shop.ingest(garments=(str(shop.garments),))
    assert is_down(shop)
    shop.ingest(garments=said(shop, "no"))
    assert is_down(shop), "a restoration and a takedown do not cancel out"
    drop_input(shop.workspace, shop.config(), str(shop.path / "td.csv"))
    (shop.path / "td.csv").unlink()
    shop.ingest()
    assert is_down(shop)


@pytest.mark.parametrize("name", ["id", "path", "a.jpg", "garments/a.jpg", "7"])
def test_names_that_mean_a_photo(shop: Shop, name: str) -> None:
    shop.ingest(garments=said(shop, ""))
    shop.ingest()
    named = {"id": id_of(photo(1)), "path": str(shop.garments / "a.jpg")}.get(name, name)
    found = take_down(shop.workspace, shop.config(), named, "asked by letter", by="Ada")
    assert [one.photo for one in found] == [id_of(photo(1))]
    assert is_down(shop) and not is_down(shop, 2)
    (event,) = takedown_events(shop.workspace)
    assert (event.by, event.statement, event.stands) == ("Ada", "asked by letter", True)
    lift_takedown(shop.workspace, shop.config(), named, by="Bo")
    assert not is_down(shop)
    assert [(one.what, one.by) for one in takedown_events(shop.workspace)] == [
        ("takedown", "Ada"),
        ("lift", "Bo"),
    ]
    assert [one.stands for one in takedown_events(shop.workspace)] == [False, False]


def test_names_that_mean_none_or_several(shop: Shop) -> None:
    shop.put("garments/in/a.jpg", photo(3))
    shop.put("garments/out/a.jpg", photo(4))
    shop.put("garments/out/c.jpg", photo(5))
    (shop.garments / "a.jpg").unlink()
    shop.ingest()
    with pytest.raises(InputError, match="one of several photos"):
        take_down(shop.workspace, shop.config(), "a.jpg")
    with pytest.raises(InputError, match="no photo and no article"):
        take_down(shop.workspace, shop.config(), "z.jpg")
    with pytest.raises(InputError, match="Nothing is taken down"):
        lift_takedown(shop.workspace, shop.config(), "c.jpg")
    assert [one.name for one in take_down(shop.workspace, shop.config(), "c.jpg")] == ["out/c.jpg"]


def test_place_and_bytes_are_both_down(shop: Shop) -> None:
    shop.ingest()
    take_down(shop.workspace, shop.config(), "a.jpg")
    shop.put("garments/elsewhere.jpg", photo(1))
    shop.put("garments/a.jpg", photo(3), modified_ns=2 * 10**18)
    shop.put("looks/same.jpg", photo(1))
    shop.ingest()
    assert is_down(shop, 1), "the bytes, wherever they are"
    assert is_down(shop, 3), "whatever comes to the place"
    assert dict(shop.rows("looks", "name", "taken_down")) == {"l.jpg": False, "same.jpg": True}
    (shop.garments / "a.jpg").unlink()
    shop.put("garments/moved.jpg", photo(3))
    shop.ingest()
    assert is_down(shop, 3), "what came to the place is down with its bytes"
    lift_takedown(shop.workspace, shop.config(), "moved.jpg")
    assert not is_down(shop, 3) and is_down(shop, 1)


def test_lift_covers_what_was_said_until_then(shop: Shop) -> None:
    shop.ingest(garments=said(shop, "yes"))
    lift_takedown(shop.workspace, shop.config(), "a.jpg")
    for _ in range(2):
        shop.ingest()
        assert not is_down(shop), "the same words are covered"
    shop.ingest(garments=said(shop, "no"))
    assert not is_down(shop)
    shop.ingest(garments=said(shop, "yes"))
    assert is_down(shop), "whoever says it again takes down again"


def test_takedown_of_a_photo_that_cannot_be_read_yet(shop: Shop) -> None:
    shop.put("garments/a.jpg", b"no photo", modified_ns=10**18)
    shop.ingest(garments=said(shop, "yes"))
    shop.put("garments/a.jpg", photo(1), modified_ns=2 * 10**18)
    shop.ingest(garments=said(shop, ""))
    assert is_down(shop)


def test_later_day(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    day = TODAY + datetime.timedelta(days=3)
    shop.ingest(garments=said(shop, day.isoformat()))
    assert not is_down(shop)
    assert down(shop.workspace, day) == {id_of(photo(1))}
    assert down(shop.workspace, day - datetime.timedelta(days=1)) == set()
    (event,) = takedown_events(shop.workspace)
    assert (event.due, event.stands) == (day, True)

    class Later(datetime.date):
        @classmethod
        def today(cls) -> datetime.date:  # type: ignore[override]
            return day

    monkeypatch.setattr(datetime, "date", Later)
    shop.ingest()
    assert shop.rows("garments", "taken_down") == [False, True]
    assert shop.workspace.table("garments").count(SHOWN) == 1
    lift_takedown(shop.workspace, shop.config(), "a.jpg")
    shop.ingest()
    assert shop.rows("garments", "taken_down") == [False, False]


def test_events_are_only_ever_added(shop: Shop) -> None:
    shop.ingest(garments=said(shop, "yes"))
    before = Takedowns(shop.workspace).events
    lift_takedown(shop.workspace, shop.config(), "a.jpg")
    take_down(shop.workspace, shop.config(), "a.jpg", by="Ada")
    assert Takedowns(shop.workspace).events[: len(before)] == before
    assert len(Takedowns(shop.workspace).standing) == 1


def test_who_is_at_the_machine_is_written_down(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    shop.ingest()
    began = takedowns.now()
    take_down(shop.workspace, shop.config(), "a.jpg")
    (event,) = takedown_events(shop.workspace)
    assert event.by == "ada"
    assert began <= event.at <= takedowns.now()

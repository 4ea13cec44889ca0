"""What the records of this package have in common: frozen, checked, written as TOML or JSON."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from lookweave.errors import InputError
from lookweave.studio.shoot.record import explained


class Record(BaseModel):
    """A frozen record; what is unknown or out of range is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def digest(self) -> str:
        """SHA-256 of the record, 64 hex digits: equal records have equal digests."""
        return hashlib.sha256(self.to_json(indent=None).encode()).hexdigest()

    def to_json(self, indent: int | None = 2) -> str:
        """As JSON; keys sorted."""
        return json.dumps(self.model_dump(mode="json"), indent=indent, sort_keys=True)

    def to_toml(self) -> str:
        """As TOML, made to be edited; what is open or default is left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_defaults=True))

    def write(self, path: Path) -> None:
        """Write it as the file's name ends (.json, else TOML), in one move."""
        write_text(path, self.to_json() + "\n" if path.suffix == ".json" else self.to_toml())

    @classmethod
    def checked(cls, values: Any, where: str) -> Self:
        """The record of plain values.

        Raises:
            InputError: a value is unknown, missing or out of range; all of them are named.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputError(explained(error, where)) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record in a .toml or .json file.

        Raises:
            InputError: the file cannot be read or holds no such record.
        """
        return cls.checked(read_values(path), str(path))


def read_values(path: Path) -> Any:
    """What a .toml or .json file holds.

    Raises:
        InputError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise InputError(f"{path} is no {kind}: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file in one move, so that no half is left."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)

"""Conditions on the rows of a table, written in Python and quoted in one place.

::

    matching(recipe=recipe, kind="look") & column("rank").at_most(10)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

Value = str | int | float | bool


@dataclass(frozen=True)
class Condition:
    """Which rows are meant. Combine conditions with ``&``, ``|`` and ``~``.

    Attributes:
        sql: as Lance reads it.
        expression: the same for Arrow, for tables that lack one of the columns.
        columns: that it looks at.
    """

    sql: str
    expression: pc.Expression
    columns: frozenset[str] = frozenset()

    def __and__(self, other: Condition) -> Condition:
        return Condition(
            f"({self.sql}) AND ({other.sql})",
            self.expression & other.expression,
            self.columns | other.columns,
        )

    def __or__(self, other: Condition) -> Condition:
        return Condition(
            f"({self.sql}) OR ({other.sql})",
            self.expression | other.expression,
            self.columns | other.columns,
        )

    def __invert__(self) -> Condition:
        return Condition(f"NOT ({self.sql})", ~self.expression, self.columns)

    def __str__(self) -> str:
        return self.sql


@dataclass(frozen=True)
class column:  # noqa: N801 - reads as a word of the condition
    """One column, to say something of: ``column("rank").at_most(10)``."""

    name: str

    def equals(self, value: Value) -> Condition:
        return self._said(f"{self._quoted} = {literal(value)}", self._field == value)

    def differs(self, value: Value) -> Condition:
        return self._said(f"{self._quoted} <> {literal(value)}", self._field != value)

    def at_most(self, value: float) -> Condition:
        return self._said(f"{self._quoted} <= {literal(value)}", self._field <= value)

    def at_least(self, value: float) -> Condition:
        return self._said(f"{self._quoted} >= {literal(value)}", self._field >= value)

    def is_in(self, values: Iterable[str]) -> Condition:
        """One of `values`; no row where there are none."""
        wanted = list(values)
        if not wanted:
            return NO_ROW
        said = ", ".join(literal(value) for value in wanted)
        return self._said(f"{self._quoted} IN ({said})", self._field.isin(wanted))

    def contains(self, text: str) -> Condition:
        """Has `text` in it, to the letter."""
        sql = f"contains({self.name}, {literal(text)})"
        return self._said(sql, pc.match_substring(self._field, text))

    def is_null(self) -> Condition:
        return self._said(f"{self._quoted} IS NULL", self._field.is_null())

    def is_given(self) -> Condition:
        """Not null."""
        return self._said(f"{self._quoted} IS NOT NULL", self._field.is_valid())

    def is_not_true(self) -> Condition:
        """False or null: what an older table says of a flag that it does not know."""
        return self._said(
            f"({self._quoted} IS NULL OR {self._quoted} = false)",
            self._field.is_null() | (self._field == pc.scalar(False)),
        )

    def is_not_false(self) -> Condition:
        """True or null."""
        return self._said(
            f"({self._quoted} IS NULL OR {self._quoted} = true)",
            self._field.is_null() | (self._field == pc.scalar(True)),
        )

    @property
    def _quoted(self) -> str:
        return f"`{self.name}`"  # `group` is a word of SQL

    @property
    def _field(self) -> pc.Expression:
        return pc.field(self.name)

    def _said(self, sql: str, expression: pc.Expression) -> Condition:
        return Condition(sql, expression, frozenset([self.name]))


ANY_ROW = Condition("true", pc.scalar(True))
NO_ROW = Condition("false", pc.scalar(False))


def matching(**values: Value | None) -> Condition:
    """Rows whose columns have these values; None means null."""
    found = ANY_ROW
    for name, value in values.items():
        one = column(name).is_null() if value is None else column(name).equals(value)
        found = one if found is ANY_ROW else found & one
    return found


def literal(value: Value) -> str:
    """`value` as SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def filtered(table: pa.Table, where: Condition | None) -> pa.Table:
    """The rows of a table in memory that a condition lets through."""
    return table if where is None else table.filter(where.expression)

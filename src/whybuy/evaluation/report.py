"""The one form in which every evaluation is shown: tables of figures and notes for people, a JSON body for programs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Row = Mapping[str, float | str | None]
"""Figures of one row by column; text stands as it is, None and a column that is left out are shown empty."""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures by named row and column."""

    rows: Mapping[str, Row]
    rows_are: str  # what a row is, as the heading of the first column: "ranker"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one evaluation."""

    title: str
    tables: tuple[Table, ...]
    body: Callable[[], Mapping[str, object]]  # makes what `--json` prints: records, mappings, sequences and scalars
    notes: tuple[str, ...] = ()  # lines below the tables

    def __or__(self, other: "Report") -> "Report":
        """This report followed by the tables, notes and the JSON of another one."""
        return Report(
            self.title,
            (*self.tables, *other.tables),
            lambda: {**self.body(), **other.body()},
            (*self.notes, *other.notes),
        )

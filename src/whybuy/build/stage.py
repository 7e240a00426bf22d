"""A stage as a value: one kind of artifact, what it is made from, and the function that makes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from whybuy.config import ConfigTable, Settings
from whybuy.records import JUDGMENT_SCHEMA, Judgment
from whybuy.shop import Shop

Summary = dict[str, float | int | str]
"""Figures and remarks of a stage by name, for people; kept in the artifact's manifest."""


class StageShop(Shop):
    """A shop as one stage is given it: the kinds that the stage names, and the judgments that are part of its key.

    What a stage does not name it cannot read, and what is judged while a build goes on waits for the next one.
    """

    def __init__(self, store: Path, settings: Settings, folders: Mapping[str, Path], judgments: pa.Table) -> None:
        """judgments: JUDGMENT_SCHEMA, as the stage's `judgments` gave them when the build was planned."""
        super().__init__(store, settings, folders)
        self.judgments = judgments


def no_files(shop: Shop) -> Sequence[Path]:
    """No source files."""
    return ()


def no_judgments(shop: Shop, journaled: Sequence[Judgment]) -> pa.Table:
    """An empty table in JUDGMENT_SCHEMA."""
    return JUDGMENT_SCHEMA.empty_table()


def nothing_else(shop: Shop) -> Mapping[str, str]:
    """Nothing that the other fields of a stage do not say."""
    return {}


def never(shop: Shop, judgments: pa.Table) -> str:
    """A stage that every shop has."""
    return ""


@dataclass(frozen=True, slots=True)
class Stage:
    """How one kind of artifact is made; equal inputs give an equal artifact, so that it is made once.

    Functions that say what a stage is made from, and whether it is skipped, are called when the build is planned: they
    may read settings and source files and look up which artifacts there will be, but open none.
    """

    kind: str  # of the artifact, and the name of the stage
    version: int  # of its format on disk
    make: Callable[[StageShop, Path], Summary]  # fills the folder
    after: tuple[str, ...] = ()  # kinds that it is made from; it is skipped where one of them is
    after_if_there: tuple[str, ...] = ()  # kinds that it uses where the shop has them
    config: tuple[ConfigTable[Any], ...] = ()
    files: Callable[[Shop], Sequence[Path]] = no_files
    judgments: Callable[[Shop, Sequence[Judgment]], pa.Table] = no_judgments  # of those of the journal, and of files
    also: Callable[[Shop], Mapping[str, str]] = nothing_else  # name -> digest of whatever else it is made from
    skip: Callable[[Shop, pa.Table], str] = never  # by its judgments: why there is nothing to make; empty if there is

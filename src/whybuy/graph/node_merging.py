"""Merges wordings into intent nodes: by their canonical words, and by a file of corrections."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from whybuy.artifacts import write_json
from whybuy.errors import InputError
from whybuy.text import canonical, normalize

NODE_MERGING_FILE = "node_merging.json"
_YES, _NO = frozenset(("yes", "true", "1")), frozenset(("no", "false", "0"))


@dataclass(frozen=True, slots=True)
class NodeMerger:
    """The rule by which wordings become one node: the same canonical words, unless corrections differ."""

    language: str = "en"
    joined: Mapping[str, str] = field(default_factory=dict)  # canonical words → those that they stand for
    apart: frozenset[str] = frozenset()  # normalized wordings that are an intent of their own

    def key(self, wording: str) -> str:
        """The key of the node of a wording."""
        if self.apart and (alone := normalize(wording)) in self.apart:
            return alone
        words = canonical(wording, self.language)
        return self.joined.get(words, words)

    def how(self, wordings: pa.StringArray) -> pa.StringArray:
        """Why each wording has its key: `words`, or by a correction `joined` or `apart`."""
        if not self.joined and not self.apart:
            return pa.repeat("words", len(wordings))
        return pa.array(map(self._how, wordings.to_pylist()), pa.string(), size=len(wordings))

    def _how(self, wording: str) -> str:
        if normalize(wording) in self.apart:
            return "apart"
        return "joined" if canonical(wording, self.language) in self.joined else "words"

    def save(self, folder: Path) -> None:
        """Write `node_merging.json`."""
        about = {"language": self.language, "joined": dict(self.joined), "apart": sorted(self.apart)}
        write_json(folder / NODE_MERGING_FILE, about)

    @classmethod
    def load(cls, folder: Path) -> "NodeMerger":
        """What `save` wrote."""
        about = json.loads((folder / NODE_MERGING_FILE).read_text(encoding="utf-8"))
        return cls(about["language"], about["joined"], frozenset(about["apart"]))


def read_corrections(path: Path, language: str = "en") -> NodeMerger:
    """A merger with corrections from a file: CSV with the columns `wording_a`, `wording_b` and `same` (yes or no).

    `yes` joins both wordings, and whatever has their canonical words, under the canonical words of the first; joins
    chain. `no` makes the second wording, as it is written, an intent of its own.

    Raises:
        InputError: the file is missing, lacks a column, or has an answer that is neither yes nor no.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := {"wording_a", "wording_b", "same"} - set(reader.fieldnames or ()):
                raise InputError(
                    f"{path} lacks the columns {', '.join(sorted(missing))}. Write them in the first line."
                )
            rows = [(row["wording_a"], row["wording_b"], _same(path, reader.line_num, row["same"])) for row in reader]
    except FileNotFoundError:
        raise InputError(f"{path} does not exist. Correct [graph] merges in store.toml.") from None
    apart = frozenset(normalize(other) for _, other, same in rows if not same)
    joins = [(one, other) for one, other, same in rows if same]
    return NodeMerger(language, _chained((canonical(a, language), canonical(b, language)) for a, b in joins), apart)


def _same(path: Path, line: int, answer: str | None) -> bool:
    word = (answer or "").strip().casefold()
    if word not in _YES | _NO:
        raise InputError(f"{path}, line {line}: same is {answer!r}. Write yes or no.")
    return word in _YES


def _chained(joins: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each words → the words of its group that were named first."""
    root: dict[str, str] = {}

    def find(words: str) -> str:
        while (above := root.get(words, words)) != words:
            words = above
        return words

    for one, other in joins:
        root[find(other)] = find(one)
    return {words: find(words) for words in root if find(words) != words}

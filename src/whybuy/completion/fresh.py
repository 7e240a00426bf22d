"""What shoppers ask since the build: counted as it is heard, suggested as soon as it meets the thresholds."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from whybuy.completion.folding import fold, word_key, word_key_hash
from whybuy.completion.limits import LONGEST, Thresholds
from whybuy.records import VOCABULARY_SCHEMA, Suggested
from whybuy.text import normalize

MOST_COUNTED = 200_000  # word_keys; those not asked for longest are forgotten first


@dataclass(frozen=True, slots=True)
class Heard:
    """A query that somebody asked."""

    text: str
    shopper: str
    asking: str  # equal for several signs of one asking, such as the clicks that followed


@dataclass(slots=True)
class _Said:
    """What was asked in the words of one key."""

    shoppers: set[str] = field(default_factory=set)
    askings: dict[str, set[str]] = field(default_factory=dict)  # by text


class FreshQueries:
    """Counts queries by word key. Not safe for several threads at once."""

    def __init__(self, finds: Callable[[str], bool], weigh: Callable[[str], float], thresholds: Thresholds) -> None:
        """finds: whether the shop has anything for a query. weigh: times that a folded query was asked before."""
        self._finds, self._weigh, self._thresholds = finds, weigh, thresholds
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._suggested: dict[str, tuple[str, float]] = {}  # text and times, by folded query

    def hear(self, queries: Iterable[Heard]) -> bool:
        """Count queries. Returns: whether what may be suggested has changed."""
        changed = [self._count(one) for one in queries]
        return any(changed)

    def vocabulary(self) -> pa.Table:
        """VOCABULARY_SCHEMA of what was asked often enough since, with all times that it was asked."""
        rows = [
            {
                "key": key,
                "text": text,
                "weight": times,
                "source": Suggested.ASKED,
                "word_key": word_key_hash(word_key(key, self._thresholds.language)),
            }
            for key, (text, times) in sorted(self._suggested.items())
        ]
        return pa.Table.from_pylist(rows, VOCABULARY_SCHEMA)

    def _count(self, heard: Heard) -> bool:
        text = normalize(heard.text[: LONGEST + 1])
        key = fold(text)
        if not key or len(text) > LONGEST:
            return False
        said = self._said.setdefault(word_key(text, self._thresholds.language), _Said())
        self._said.move_to_end(word_key(text, self._thresholds.language))
        if len(self._said) > MOST_COUNTED:
            self._said.popitem(last=False)
        said.shoppers.add(heard.shopper)
        said.askings.setdefault(text, set()).add(heard.asking)
        asked = sum(map(len, said.askings.values()))
        if asked < self._thresholds.least_asked or len(said.shoppers) < self._thresholds.least_shoppers:
            return False
        changed = False
        for each, askings in said.askings.items():
            key = fold(each)
            entry = each, self._weigh(key) + len(askings)
            if self._suggested.get(key) != entry and self._finds(each):
                self._suggested[key], changed = entry, True
        return changed

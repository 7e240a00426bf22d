"""Finds the relations in free answers of a model: predicates that recur in them, mapped to our relations.

In COSMO (Yu et al., SIGMOD 2024) answers to coarse relations read "capable of being used for ...", where the
preposition marks the fine relation. Our design: recurring predicates are found by counts of prefixes, without a parser.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from whybuy.knowledge.proposing.patterns import Patterns
from whybuy.relations import Relation, Seed, parse_relation
from whybuy.text import lemma, normalize

LONGEST_PREDICATE = 12  # words, those that start the sentence among them
EXAMPLES = 3
_OF_SEED = {
    Seed.CAPABLE_OF: Relation.CAPABLE_OF,
    Seed.IS_A: Relation.IS_A,
}  # the relation of statements without a finer predicate
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A candidate of a prompt with a seed relation, and the start of the sentence that it continues."""

    seed: Seed
    sentence_start: str  # "It is used"
    candidate: str  # "for hiking in winter"

    @property
    def words(self) -> Words:
        """The whole sentence, normalized."""
        return _words(self.sentence_start) + _words(continued(self.sentence_start, self.candidate))


@dataclass(frozen=True, slots=True)
class Predicate:
    """Wordings with the same lemmas and the relations that they were mapped to; with none, a proposal for a new one."""

    key: str  # lemmas: "use for"
    count: int
    wordings: tuple[str, ...]  # the most frequent
    relations: Mapping[str, int]  # how often it was mapped to each
    examples: tuple[str, ...]  # tails that followed


@dataclass(frozen=True, slots=True)
class MiningConfig:
    """Thresholds from which words count as a recurring predicate (our design)."""

    least_count: int = 5
    least_share: float = 0.03  # of the statements of the shorter predicate that it is part of
    least_followed: float = 0.9  # share of its statements that go on: a predicate ends no sentence
    least_tails: int = 4  # different words that follow


class Predicates:
    """Counts the prefixes of statements, and maps recurring ones to relations."""

    def __init__(
        self,
        statements: Sequence[Statement],
        meanings: Mapping[str, Any],
        patterns: Patterns,
        config: MiningConfig | None = None,
    ) -> None:
        """meanings: the `[predicates]` table of the prompt file. patterns: classify tails."""
        self._statements, self._patterns = statements, patterns
        self._config = config or MiningConfig()
        self._light = frozenset(meanings["light"].split())
        self._uses = frozenset(meanings["uses"].split())
        self._connecting: Mapping[str, str] = meanings["connecting"]
        self._relation_of = {key: parse_relation(name) for key, name in meanings["spoken"].items()}
        self._began: Counter[Words] = Counter()
        self._followed: defaultdict[Words, Counter[str]] = defaultdict(Counter)
        for statement in statements:
            words = statement.words
            for length in range(1, min(LONGEST_PREDICATE, len(words)) + 1):
                self._began[words[:length]] += 1
                if length < len(words):
                    self._followed[words[:length]][words[length]] += 1

    def read(self, statement: Statement) -> tuple[Relation, str] | None:
        """The canonical relation and the tail of a statement; None where its predicate maps to none."""
        words = statement.words
        for length in range(min(LONGEST_PREDICATE, len(words) - 1), 0, -1):
            tail = " ".join(words[length:])
            relation = self._meaning(self._key(words[:length]), tail)
            if relation is not None:
                return relation, tail
        fallback = _OF_SEED.get(statement.seed)
        return None if fallback is None else (fallback, continued(statement.sentence_start, statement.candidate))

    def _recurring(self, words: Words) -> Words:
        """The longest recurring predicate that a sentence begins with; () when it begins with none."""
        longest: Words = ()
        for length in range(1, min(LONGEST_PREDICATE, len(words) - 1) + 1):
            if self._recurs(words[:length], within=self._began[longest]):
                longest = words[:length]
        return longest

    @cached_property
    def clusters(self) -> tuple[Predicate, ...]:
        """Recurring predicates by lemmas, most frequent first, without those that add nothing to the start."""
        wordings: defaultdict[str, Counter[str]] = defaultdict(Counter)
        relations: defaultdict[str, Counter[str]] = defaultdict(Counter)
        examples: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for statement in self._statements:
            words = statement.words
            predicate = self._recurring(words)
            if len(predicate) <= len(_words(statement.sentence_start)):
                continue
            key, tail = self._key(predicate), " ".join(words[len(predicate) :])
            wordings[key][" ".join(predicate)] += 1
            examples[key][tail] = None
            relation = self._meaning(key, tail)
            relations[key].update([relation.value] if relation else [])
        predicates = [
            Predicate(
                key,
                counts.total(),
                tuple(wording for wording, _ in counts.most_common(EXAMPLES)),
                dict(relations[key].most_common()),
                tuple(examples[key])[:EXAMPLES],
            )
            for key, counts in wordings.items()
        ]
        return tuple(sorted(predicates, key=lambda one: (-one.count, one.key)))

    @property
    def proposals(self) -> tuple[Predicate, ...]:
        """Frequent predicates that map to none of the fifteen relations, for a person to review."""
        return tuple(one for one in self.clusters if not one.relations and not self._uses.issuperset(one.key.split()))

    def _recurs(self, begun: Words, *, within: int) -> bool:
        tails = self._followed[begun] if begun in self._followed else Counter()
        return (
            tails.total() >= max(self._config.least_count, self._config.least_share * within)
            and tails.total() >= self._config.least_followed * self._began[begun]
            and len(tails) >= self._config.least_tails
        )

    def _key(self, predicate: Words) -> str:
        """Lemmas without the light ones; "be" counts only where it is the verb itself."""
        lemmas = (lemma(word, self._patterns.language) for word in predicate)
        kept = [word for word in lemmas if word not in self._light]
        verb = len(kept) - 2 if kept[-1:] in (["a"], ["an"]) else len(kept) - 1
        kept = [word for at, word in enumerate(kept) if word != "be" or at == verb]
        return " ".join(kept[1:] if kept[:1] == ["capable"] else kept)

    def _meaning(self, key: str, tail: str) -> Relation | None:
        if key in self._relation_of:
            return self._relation_of[key]
        *before, last = key.split() or [""]
        if last in self._connecting and before and self._uses.issuperset(before):
            return self._patterns.connected(self._connecting[last], tail)
        return None


def continued(sentence_start: str, candidate: str) -> str:
    """A candidate without the words of its sentence start: "hiking" of "used for hiking" after "It is used for"."""
    before, candidate_words = _words(sentence_start), candidate.split()
    plain = _words(candidate)
    for length in range(min(len(before), len(candidate_words) - 1), 0, -1):
        if len(plain) == len(candidate_words) and plain[:length] == before[-length:]:
            return " ".join(candidate_words[length:])
    return candidate


def _words(text: str) -> Words:
    return tuple(stripped for word in normalize(text).split() if (stripped := word.strip(",.;:!?\"'()")))

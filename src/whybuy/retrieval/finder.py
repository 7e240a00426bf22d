"""All rankers of a shop behind one question: which products answer these words, in which order, and who found them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.records import Intent
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.retrieval.fusion import FusionConfig, fuse
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.features import RerankerInput
from whybuy.retrieval.ranking.reranker import Reranker
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.type_names import TypeNames
from whybuy.text import FUNCTION_WORDS, tokenize

RANKERS = ("lexical", "intents", "tree", "fused")
NOTHING = Ranked.empty()
Vector = tuple[NDArray[np.int32], NDArray[np.float32]]
_NO_VECTOR = np.empty(0, np.int32), np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class FinderConfig:
    """How products are put in order."""

    depth: int = 500  # products of each ranker that fusion weighs against each other; all others come after these
    fusion: FusionConfig = FusionConfig()  # of words and needs while nothing is learned


@dataclass(frozen=True, slots=True)
class Indexes:
    """What is searched; the reranker is there once a shop has logs or judgments."""

    lexical: LexicalIndex
    expansion: ExpansionIndex
    types: Sequence[str]  # names of all product types
    tree: TreeIndex | None = None
    reranker: Reranker | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Rows in their final order, with the score and the stages of each."""

    ranked: Ranked
    by_stage: Mapping[str, Ranked]  # a hit is said to come from the first that has it
    intents: tuple[Intent, ...]


class Finder:
    """Asks the rankers and puts what they find in one order; safe for many threads."""

    def __init__(self, indexes: Indexes, products: int, config: FinderConfig) -> None:
        """products: how many there are."""
        self._indexes, self._products, self._config = indexes, products, config

    def find(self, text: str, intents: tuple[Intent, ...], *, ranker: str = "fused", depth: int = 500) -> Found:
        """Products in order.

        intents: the needs understood in the text. depth: products that words and needs return; the tree returns those
        that fusion weighs, however many are asked for.

        Raises:
            InputError: an unknown ranker.
        """
        if ranker not in RANKERS:
            raise InputError(f"Ranker {ranker!r} is not one of {', '.join(RANKERS)}.")
        if ranker in ("intents", "tree"):
            ranked = self._needs(text, intents, depth) if ranker == "intents" else self._by_tree(self._vector(text))
            return Found(ranked, {ranker: ranked}, intents)
        by_stage = self._stages(text, intents, depth) if ranker == "fused" else self._lexical(text, depth)
        ranked = self._fused(text, by_stage, intents) if ranker == "fused" else by_stage["some_words"]
        if not ranked:
            by_stage = {"nearest_type": self._nearest_type(text), **by_stage}
            ranked = by_stage["nearest_type"] or by_stage.get("tree", NOTHING)
        return Found(ranked, by_stage, intents)

    def retrieve(self, text: str, intents: tuple[Intent, ...]) -> RerankerInput:
        """A query as a reranker gets it; a tree is needed."""
        by_stage = self._stages(text, intents, self._config.depth)
        unsaid = self._unsaid(text, by_stage, intents)
        return self._reranker_input(text, by_stage, self._unlearned(by_stage, unsaid), unsaid)

    def every_row(self, text: str, found: Found) -> NDArray[np.int32]:
        """The rows that the rankers have beyond those that fusion weighs, too; in no order."""
        words, needs = (found.by_stage.get(stage, NOTHING) for stage in ("some_words", "intents"))
        depth = self._config.depth
        if max(len(words), len(needs)) < depth:
            return found.ranked.rows
        every = np.zeros(self._products, dtype=bool)
        every[found.ranked.rows] = True
        every[words.rows if len(words) < depth else self._indexes.lexical.having(text)] = True
        every[needs.rows if len(needs) < depth else self._needs(text, found.intents, self._products).rows] = True
        return np.flatnonzero(every).astype(np.int32)

    # ------------------------------------------------------------ the rankers
    def _stages(self, text: str, intents: Sequence[Intent], depth: int) -> dict[str, Ranked]:
        said, vector = self._lexical(text, depth), self._vector(text)
        return {
            "all_words": said["all_words"],
            "typo": said["typo"],
            "intents": self._needs(text, intents, depth),
            "some_words": said["some_words"],
            "tree": self._by_tree(vector),
            "alike": self._indexes.tree.alike(*vector, self._config.depth) if self._indexes.tree else NOTHING,
        }

    def _lexical(self, text: str, depth: int) -> dict[str, Ranked]:
        """What the words find, called by how well they do: the first two stages are parts of the last."""
        lexical = self._indexes.lexical
        found = lexical.some_words(text, depth)
        return {"all_words": lexical.all_words(text, found), "typo": lexical.typo(text, found), "some_words": found}

    def _needs(self, text: str, intents: Sequence[Intent], depth: int) -> Ranked:
        return self._indexes.expansion.rank(text, intents, depth) if intents else NOTHING

    def _vector(self, text: str) -> Vector:
        return self._indexes.tree.vectorizer.vector(text) if self._indexes.tree else _NO_VECTOR

    def _by_tree(self, vector: Vector) -> Ranked:
        return self._indexes.tree.rank(*vector, self._config.depth) if self._indexes.tree else NOTHING

    @cached_property
    def _type_names(self) -> TypeNames:
        return TypeNames(self._indexes.types)

    def _nearest_type(self, text: str) -> Ranked:
        name = self._type_names.nearest(text)
        return self._indexes.lexical.of_type(name, self._products) if name else NOTHING

    # ------------------------------------------------------------ their order
    def _fused(self, text: str, by_stage: Mapping[str, Ranked], intents: Sequence[Intent]) -> Ranked:
        """The best of all, then the others: nobody's place depends on how many are asked for.

        What neither words nor needs find is left to the nearest type, and to the tree after it.
        """
        words, needs = by_stage["some_words"], by_stage["intents"]
        if not words and not needs:
            return NOTHING
        unsaid = self._unsaid(text, by_stage, intents)
        best = self._unlearned(by_stage, unsaid)
        reranker, tree = self._indexes.reranker, self._indexes.tree
        if reranker and tree:
            best = reranker.rank(self._reranker_input(text, by_stage, best, unsaid), tree).followed_by(best)
        if max(len(words), len(needs)) > self._config.depth:
            best = best.followed_by(fuse(words, needs, unsaid=unsaid, config=self._config.fusion))
        return best

    def _unlearned(self, by_stage: Mapping[str, Ranked], unsaid: float) -> Ranked:
        words, needs = (by_stage[name].first(self._config.depth) for name in ("some_words", "intents"))
        return fuse(words, needs, unsaid=unsaid, config=self._config.fusion)

    def _reranker_input(
        self, text: str, by_stage: Mapping[str, Ranked], unlearned: Ranked, unsaid: float
    ) -> RerankerInput:
        found = {"lexical": by_stage["some_words"], "unlearned": unlearned}
        found |= {name: by_stage[name] for name in ("tree", "alike", "intents")}
        stages = {name: ranked.first(self._config.depth) for name, ranked in found.items()}
        return RerankerInput(self._indexes.lexical.corrected(text), self._vector(text), stages, unsaid)

    def _unsaid(self, text: str, by_stage: Mapping[str, Ranked], intents: Sequence[Intent]) -> float:
        """Share of the query that names needs which the best lexical hit does not have in its name, traits or place.

        A word that only stands somewhere in a description says little about what the product is for.
        """
        words = by_stage["some_words"]
        if not words or not by_stage["intents"]:
            return 0.0
        best = (by_stage["all_words"] or words).rows[0]
        asked = {word for word in tokenize(text) if word not in FUNCTION_WORDS}
        needed = asked & {word for intent in intents for word in tokenize(intent.words)}
        (matches,) = self._indexes.lexical.matched(text, [int(best)])
        said = {match.term for match in matches if match.field != "description"}
        return len(needed - said) / len(asked) if asked else 0.0

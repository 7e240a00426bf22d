"""The indexes and models that the rankers of a shop search."""

from collections.abc import Sequence
from dataclasses import dataclass

from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranking.reranker import Reranker
from whybuy.retrieval.signals import SignalIndex
from whybuy.retrieval.tree import TreeIndex


@dataclass(frozen=True, slots=True)
class Indexes:
    """The opened indexes of a shop; there is a reranker where logs or judgments trained one."""

    lexical: LexicalIndex
    expansion: ExpansionIndex
    types: Sequence[str]  # names of all product types
    tree: TreeIndex | None = None
    signals: SignalIndex | None = None
    reranker: Reranker | None = None

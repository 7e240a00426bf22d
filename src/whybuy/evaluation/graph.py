"""Measures a knowledge graph against the latent truth of the demo shop."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.evaluation.report import Report, Table
from whybuy.metrics import share
from whybuy.records import HeadKind, Triple
from whybuy.relations import Relation, parse_relation
from whybuy.text import canonical

TRUTH_COLUMNS = ("product_type", "relation", "tail", "wordings", "category", "held_out", "purchases")
ENOUGH_PURCHASES = 5

Claim = tuple[str, Relation, str]
"""Product type, relation and canonical intent."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One reason of the written world: why a product type is bought there."""

    product_type: str
    relation: Relation
    wordings: frozenset[str]  # canonical, the tail itself among them
    category: str
    held_out: bool  # of a category that was not looked at while the generator was made
    purchases: int  # that express it


@dataclass(frozen=True, slots=True)
class Projection:
    """The product types that a head is about; see `types`."""

    type_of: Mapping[str, str]  # product id → type
    types_of_query: Callable[[str], Iterable[str]]  # query text → types bought for it

    def types(self, triple: Triple) -> set[str]:
        """The product types of the head: a query's bought ones, both of a pair; unknown products have none."""
        match triple.head.kind:
            case HeadKind.QUERY:
                types = set(self.types_of_query(triple.head.key[0]))
            case HeadKind.PRODUCT | HeadKind.PAIR:
                types = {self.type_of.get(product, "") for product in triple.head.key}
            case HeadKind.TYPE | HeadKind.TYPE_ATTRIBUTE:
                types = {triple.head.key[0]}
        return {product_type.casefold() for product_type in types if product_type}


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall of a set of claims against a set of truths, in [0, 1]; 0 over an empty set."""

    precision: float
    recall: float  # over truths that at least `ENOUGH_PURCHASES` purchases express
    recall_all: float
    edges: int  # claims, duplicates counted once
    right: int
    truths: int  # expressed by enough purchases
    truths_all: int

    def as_json(self) -> dict[str, float | int]:
        """The figures by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GraphReport:
    """Precision and recall of a graph: overall, per relation, and for categories looked at or not."""

    overall: Score
    per_relation: Mapping[Relation, Score]
    seen: Score
    unseen: Score
    wrong: tuple[Claim, ...]  # for reading, sorted

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy evaluate graph --json` prints."""
        return {
            **self.overall.as_json(),
            "per_relation": {relation.value: score.as_json() for relation, score in self.per_relation.items()},
            "seen": self.seen.as_json(),
            "unseen": self.unseen.as_json(),
        }

    def as_report(self) -> Report:
        """A table with a row for the whole graph, for categories looked at and unseen, and for each relation."""
        parts = {"all": self.overall, "looked at": self.seen, "unseen": self.unseen}
        parts |= {relation.value: score for relation, score in self.per_relation.items()}
        rows = {name: score.as_json() for name, score in parts.items()}
        return Report("graph against latent truth", (Table(rows, "part"),), self.as_json)


def read_truth(path: Path) -> list[Truth]:
    """The latent truth that the demo writes beside its files.

    Raises:
        InputError: the file is missing or lacks a column, or a relation is unknown.
    """
    if not path.is_file():
        raise InputError(f"There is no latent truth {path}; only the demo shop has one. Make it with `whybuy demo`.")
    table = pq.read_table(path)
    if missing := [name for name in TRUTH_COLUMNS if name not in table.column_names]:
        raise InputError(f"{path} lacks {', '.join(missing)}; it has {', '.join(table.column_names)}.")
    return [
        Truth(
            product_type=row["product_type"].casefold(),
            relation=parse_relation(row["relation"]),
            wordings=frozenset(map(canonical, (row["tail"], *row["wordings"]))),
            category=row["category"],
            held_out=row["held_out"],
            purchases=row["purchases"],
        )
        for row in table.select(TRUTH_COLUMNS).to_pylist()
    ]


def evaluate_graph(edges: Iterable[Triple], truths: Sequence[Truth], projection: Projection) -> GraphReport:
    """Project each edge to (product type, relation, intent) and compare with the truth.

    A claim is right when a truth of its type and relation lists its wording. A type counts as unseen when a truth of it
    is held out; a claim about a type without any truth is wrong and counts among the seen.
    """
    claims = {
        (product_type, triple.relation, canonical(triple.tail))
        for triple in edges
        for product_type in projection.types(triple)
    }
    unseen_types = {truth.product_type for truth in truths if truth.held_out}
    right = claims & _claims_of(truths)

    def score(keep: Callable[[str, Relation], bool]) -> Score:
        kept_truths = [truth for truth in truths if keep(truth.product_type, truth.relation)]
        return _score({claim for claim in claims if keep(claim[0], claim[1])}, right, kept_truths)

    def score_of(relation: Relation) -> Score:
        return score(lambda _, other: other is relation)

    present = {claim[1] for claim in claims} | {truth.relation for truth in truths}
    return GraphReport(
        overall=score(lambda *_: True),
        per_relation={relation: score_of(relation) for relation in Relation if relation in present},
        seen=score(lambda product_type, _: product_type not in unseen_types),
        unseen=score(lambda product_type, _: product_type in unseen_types),
        wrong=tuple(sorted(claims - right)),
    )


def _claims_of(truths: Iterable[Truth]) -> set[Claim]:
    return {(truth.product_type, truth.relation, wording) for truth in truths for wording in truth.wordings}


def _score(claims: Set[Claim], right: Set[Claim], truths: Sequence[Truth]) -> Score:
    recalled = [truth for truth in truths if not _claims_of([truth]).isdisjoint(claims)]
    enough = [truth for truth in truths if truth.purchases >= ENOUGH_PURCHASES]
    recalled_enough = [truth for truth in recalled if truth.purchases >= ENOUGH_PURCHASES]
    return Score(
        precision=share(len(claims & right), len(claims)),
        recall=share(len(recalled_enough), len(enough)),
        recall_all=share(len(recalled), len(truths)),
        edges=len(claims),
        right=len(claims & right),
        truths=len(enough),
        truths_all=len(truths),
    )

"""Builders for tests: tables in the product, pair and hypothesis schemas from a few words each."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from hypothesis import strategies as st

from whybuy.artifacts import ArtifactStore, digest
from whybuy.graph import GraphConfig, KnowledgeGraph, assemble
from whybuy.graph.files import FORMAT_VERSION, KIND
from whybuy.knowledge.proposing.hypothesizer import ProposerInput, to_table
from whybuy.records import PAIR_SCHEMA, PRODUCT_SCHEMA, Behavior, Head, HeadKind, Hypothesis, Product
from whybuy.relations import Relation


def product_table(products: Iterable[Product]) -> pa.Table:
    """Products in PRODUCT_SCHEMA."""
    rows = [
        {name: getattr(product, name) for name in PRODUCT_SCHEMA.names}
        | {"attributes": [{"name": name, "value": value} for name, value in product.attributes]}
        for product in products
    ]
    return pa.Table.from_pylist(rows, schema=PRODUCT_SCHEMA)


def pair_table(pairs: Iterable[tuple[Behavior, str, str, int]], *, only: str = "") -> pa.Table:
    """Behavior pairs in PAIR_SCHEMA from (kind, left, right, purchases), of a log without times.

    only: the column of the actions where the log has no others ("clicks").
    """
    rows = [
        {"pair_id": digest(kind, left, right), "kind": kind.value, "left": left, "right": right, "weight": 1.0}
        | dict.fromkeys(("sessions", "purchases", "clicks", "impressions"), purchases)
        | dict.fromkeys(("evidence", "recent", "earlier"), float(purchases))
        | {"carts": 0, "late": 0.0}
        | ({"purchases": 0, "clicks": 0, only: purchases} if only else {})
        for kind, left, right, purchases in pairs
    ]
    return pa.Table.from_pylist(rows, schema=PAIR_SCHEMA)


def make_shop(products: Iterable[Product], pairs: Iterable[tuple[Behavior, str, str, int]] = ()) -> ProposerInput:
    """What a proposer may look at."""
    return ProposerInput(product_table(products), pair_table(pairs))


def reason(
    head: Head, relation: Relation, tail: str, *, support: int = 5, score: float = 0.8, generator: str = "test.v1"
) -> Hypothesis:
    """A hypothesis whose plausibility and typicality are both `score`."""
    evidence, words = (f"pair of {tail}",), (f"things for {tail}",)
    return Hypothesis(head, relation, tail, generator, support, 2.0, score, score, evidence, words)


def of_type(name: str) -> Head:
    """The head of a product type."""
    return Head(HeadKind.TYPE, (name,))


def build_graph(root: Path, hypotheses: Iterable[Hypothesis] | pa.Table, config: GraphConfig | None = None) -> Path:
    """The folder of a published graph of these hypotheses."""
    table = hypotheses if isinstance(hypotheses, pa.Table) else to_table(hypotheses)
    store = ArtifactStore(root)
    with store.create(KIND, "test", FORMAT_VERSION, {}) as (folder, _):
        assemble(table, folder, config or GraphConfig())
    return store.folder(KIND, "test")


def open_graph(root: Path, hypotheses: Iterable[Hypothesis] | pa.Table) -> KnowledgeGraph:
    """A published graph of these hypotheses, mapped."""
    return KnowledgeGraph(build_graph(root, hypotheses))


TYPES: Sequence[str] = ("slip-on shoe", "tent", "sleeping bag", "dog leash")
TAILS: Sequence[str] = (
    "pregnant women",
    "a pregnant woman",
    "walk the dog",
    "walking the dogs",
    "camping",
    "rainy days",
    "Größe \u00fc\U0001f600",
)


def heads() -> st.SearchStrategy[Head]:
    """Heads of every kind."""
    names = st.sampled_from(TYPES)
    products = st.sampled_from(["p1", "p2", "p3"])
    return st.one_of(
        names.map(of_type),
        products.map(lambda one: Head(HeadKind.PRODUCT, (one,))),
        st.tuples(names, st.just("color"), st.sampled_from(["red", "blue"])).map(
            lambda key: Head(HeadKind.TYPE_ATTRIBUTE, key)
        ),
        st.just(Head(HeadKind.PAIR, ("p1", "p2"))),
        names.map(lambda name: Head(HeadKind.QUERY, (f"{name} for a trip",))),
    )


def hypotheses_lists() -> st.SearchStrategy[list[Hypothesis]]:
    """Up to 25 hypotheses of few heads, relations and tails, so that many of them meet."""
    scores = st.sampled_from([0.1, 0.3, 0.6, 0.75, 0.9])
    return st.lists(
        st.builds(
            reason,
            heads(),
            st.sampled_from([Relation.USED_FOR_AUDIENCE, Relation.USED_FOR_EVENT, Relation.X_WANT]),
            st.sampled_from(TAILS),
            support=st.integers(1, 50),
            score=scores,
            generator=st.sampled_from(["evidence.v1", "descriptions.v1"]),
        ),
        max_size=25,
    )

"""The latent truth of the demo shop: reasons of purchases and relevance of products to queries; only for evaluation."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

import pyarrow as pa

from whybuy.demo.products import Ints
from whybuy.demo.queries import JudgedQuery, relevance
from whybuy.demo.shelves import Shelves
from whybuy.demo.world import World
from whybuy.relations import Relation

REASON_SCHEMA = pa.schema(
    [
        pa.field("product_type", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("wordings", pa.list_(pa.string()), nullable=False),
        pa.field("category", pa.string(), nullable=False),  # "Clothing & Shoes > Shoes"
        pa.field("held_out", pa.bool_(), nullable=False),
        pa.field("purchases", pa.int64(), nullable=False),  # that this reason caused in the simulation
    ]
)
NAMED_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),  # as it was typed
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("wordings", pa.list_(pa.string()), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("held_out", pa.bool_(), nullable=False),
        pa.field("times", pa.int64(), nullable=False),  # that it was typed for this intent
    ]
)
JUDGMENT_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("relevance", pa.int32(), nullable=False),  # 3 answers, 1 is only of the right type; others are 0
        pa.field("group", pa.string(), nullable=False),  # "gap_logged", "gap_unlogged" or "plain"
        pa.field("held_out", pa.bool_(), nullable=False),
    ]
)


def reason_table(world: World, purchases: Ints, baskets: Iterable[Iterable[str]]) -> pa.Table:
    """Every reason of every type with how many purchases it caused, and every complement and other name of a type.

    baskets: product types that were bought in one session; they count for the complements.
    """
    rows: list[dict[str, object]] = [
        {
            "product_type": reason.type.name,
            "relation": reason.intent.relation.value,
            "tail": reason.intent.tail,
            "wordings": list(reason.intent.wordings),
            "category": reason.category.name,
            "held_out": reason.category.held_out,
            "purchases": int(count),
        }
        for reason, count in zip(world.reasons, purchases, strict=True)
    ]
    rows += [*_complements(world, baskets), *_names(world)]
    return pa.Table.from_pylist(rows, schema=REASON_SCHEMA)


def named_table(world: World, searches: Iterable[tuple[str, int]]) -> pa.Table:
    """The intents that each logged query was typed for and names (NAMED_SCHEMA).

    searches: text and index into `world.reasons` of each search that words an intent.
    """
    times = Counter((text, id(world.reasons[number].intent)) for text, number in searches)
    reasons = {id(reason.intent): reason for reason in world.reasons}
    rows = [
        {
            "query": text,
            "relation": reasons[intent].intent.relation.value,
            "tail": reasons[intent].intent.tail,
            "wordings": list(reasons[intent].intent.wordings),
            "category": reasons[intent].category.name,
            "held_out": reasons[intent].category.held_out,
            "times": count,
        }
        for (text, intent), count in times.items()
    ]
    return pa.Table.from_pylist(rows, schema=NAMED_SCHEMA).sort_by([("query", "ascending"), ("tail", "ascending")])


def _names(world: World) -> Iterator[dict[str, object]]:
    """What shoppers call a type instead of its name: <ballet flat, is_a, ballerina shoe>; no purchases are counted."""
    for category in world.categories:
        for kind in category.types:
            for synonym in kind.synonyms:
                yield {
                    "product_type": kind.name,
                    "relation": Relation.IS_A.value,
                    "tail": synonym,
                    "wordings": [synonym],
                    "category": category.name,
                    "held_out": category.held_out,
                    "purchases": 0,
                }


def _complements(world: World, baskets: Iterable[Iterable[str]]) -> Iterator[dict[str, object]]:
    """Types that go together, in both directions: <tent, used_with, sleeping bag>."""
    together = Counter(pair for types in baskets for pair in permutations(sorted(set(types)), 2))
    for category in world.categories:
        types = {kind.name: kind for kind in category.types}
        pairs = {
            pair for kind in category.types for other in kind.goes_with for pair in permutations((kind.name, other))
        }
        for name, other in sorted(pairs):
            yield {
                "product_type": name,
                "relation": Relation.USED_WITH.value,
                "tail": other,
                "wordings": [other, types[other].plural, *types[other].synonyms],
                "category": category.name,
                "held_out": category.held_out,
                "purchases": together[name, other],
            }


def judgment_table(queries: Sequence[JudgedQuery], shelves: Shelves) -> pa.Table:
    """The products of relevance 1 or 3 for each query."""
    rows = [
        {
            "query": query.text,
            "product_id": product_id,
            "relevance": grade,
            "group": query.group.value,
            "held_out": query.category.held_out,
        }
        for query in queries
        for product_id, grade in relevance(query, shelves)
    ]
    return pa.Table.from_pylist(rows, schema=JUDGMENT_SCHEMA)

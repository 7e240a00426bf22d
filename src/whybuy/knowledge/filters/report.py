"""What the filters took, and from where: by relation, category and kind of behavior."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.knowledge.filters import Sifted
from whybuy.knowledge.filters.text_pairs import types_of
from whybuy.knowledge.numbering import SEPARATOR, distinct, distinct_heads
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Head, HeadKind

YIELDS_FILE = "yields.parquet"
CATALOG = "catalog"
"""The kind of behavior of what no pair shows: it comes from the catalog alone."""

EXAMPLES = 3  # kept for each row
ORIGIN_SCHEMA = pa.schema(
    [
        pa.field("relation", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),  # the root of the shop's; empty where none is known
        pa.field("behavior", pa.string(), nullable=False),  # a `Behavior` value, or `CATALOG`
    ]
)
YIELD_SCHEMA = pa.schema(
    [
        pa.field("filter", pa.string(), nullable=False),  # in the order in which they ran
        *ORIGIN_SCHEMA,
        pa.field("judged", pa.int64(), nullable=False),  # that came to the filter
        pa.field("rejected", pa.int64(), nullable=False),
        pa.field("examples", pa.list_(pa.string()), nullable=False),  # of what it took, the best supported first
    ]
)


def origins(hypotheses: pa.Table, shop: ProposerInput) -> pa.Table:
    """Where each hypothesis comes from, in ORIGIN_SCHEMA.

    The category is that of the head's product, of a type the most frequent one; of a query, that of the product in the
    first pair of its evidence. The behavior is the kind of that pair.
    """
    categories = [category[0] if category else "" for category in shop.products["category"].to_pylist()]
    pair = pc.index_in(_first(hypotheses["evidence"]), value_set=shop.pairs["pair_id"])
    bought = pc.index_in(pc.take(shop.pairs["right"], pair), value_set=pa.array(shop.ids, pa.string()))
    heads, head = distinct_heads(hypotheses)
    of_head = pa.array(_categories(heads, shop, categories), pa.string()).take(pa.array(head))
    of_pair = pc.take(pa.chunked_array([pa.array(categories, pa.string())]), bought)
    category = pc.coalesce(of_head, of_pair, pa.scalar(""))
    behavior = pc.coalesce(pc.take(shop.pairs["kind"], pair), pa.scalar(CATALOG))
    return pa.table([hypotheses["relation"], category, behavior], schema=ORIGIN_SCHEMA)


def yield_table(hypotheses: pa.Table, sifted: Sifted, origin: pa.Table) -> pa.Table:
    """Count what each filter took of what came to it.

    Args:
        hypotheses: HYPOTHESIS_SCHEMA, all that came to the first filter.
        sifted: row by row.
        origin: ORIGIN_SCHEMA, row by row.

    Returns: YIELD_SCHEMA, a row for each filter and origin from which something came to it.
    """
    taken, names = sifted.taken, sifted.names
    joined, group = distinct(pc.binary_join_element_wise(*origin.columns, SEPARATOR))
    groups = [text.split(SEPARATOR) for text in joined]
    counts = np.zeros((len(groups), len(names) + 1), np.int64)
    np.add.at(counts, (group, taken), 1)
    judged = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    examples = _examples(hypotheses, taken, group, len(names))
    rows = [
        (name, *groups[at], int(judged[at, place]), int(counts[at, place]), examples[place, at])
        for place, name in enumerate(names)
        for at in sorted(np.flatnonzero(judged[:, place]).tolist(), key=groups.__getitem__)
    ]
    columns = zip(*rows, strict=True) if rows else [[] for _ in YIELD_SCHEMA]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, YIELD_SCHEMA, strict=True)]
    return pa.table(arrays, schema=YIELD_SCHEMA)


def _first(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first of each list; null for an empty one."""
    return pc.list_element(
        pc.if_else(pc.greater(pc.list_value_length(lists), 0), lists, pa.scalar([None], lists.type)), 0
    )


def _categories(heads: Sequence[Head], shop: ProposerInput, categories: Sequence[str]) -> list[str | None]:
    """The category of each head's first product, or of its type; None for queries and for what is not sold."""
    of_product = dict(zip(shop.ids, categories, strict=True))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for kind, category in zip(shop.types, categories, strict=True):
        counts[kind][category] += 1
    of_type = {kind: min(found, key=lambda name: (-found[name], name)) for kind, found in counts.items()}
    return [
        of_product.get(head.key[0])
        if head.kind in (HeadKind.PRODUCT, HeadKind.PAIR)
        else next((of_type.get(name) for name in types_of(head, {})), None)
        for head in heads
    ]


def _examples(
    hypotheses: pa.Table, taken: NDArray[np.int64], group: NDArray[np.int64], filters: int
) -> defaultdict[tuple[int, int], list[str]]:
    """The best supported of the rejected ones, by filter and group, in words."""
    rejected = np.flatnonzero(taken < filters)
    support = hypotheses["support"].to_numpy()[rejected]
    order = rejected[np.lexsort((-support, group[rejected], taken[rejected]))]
    runs = np.flatnonzero(np.diff(group[order] + taken[order] * (group.max(initial=0) + 1), prepend=-1))
    rank = np.arange(len(order)) - np.repeat(runs, np.diff(np.append(runs, len(order))))
    shown = order[rank < EXAMPLES]
    found: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    chosen = hypotheses.select(["head_kind", "head_key", "tail"]).take(pa.array(shown)).to_pylist()
    for row, one in zip(shown.tolist(), chosen, strict=True):
        head = Head(HeadKind(one["head_kind"]), tuple(one["head_key"]))
        found[int(taken[row]), int(group[row])].append(f"{head}: {one['tail']}")
    return found

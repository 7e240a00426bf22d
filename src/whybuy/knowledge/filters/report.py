"""Counts of what each filter rejected, by relation, category and kind of behavior."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.keys import SEPARATOR
from whybuy.knowledge.filters import FilterResult
from whybuy.knowledge.filters.text_pairs import types_of
from whybuy.knowledge.numbering import distinct, distinct_heads
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import Head, HeadKind

FILTER_REPORT_FILE = "filter_report.parquet"
CATALOG = "catalog"
"""In place of a kind of behavior, for hypotheses that no pair shows: they come from the catalog alone."""

EXAMPLES = 3  # kept for each row
ORIGIN_SCHEMA = pa.schema(
    [
        pa.field("relation", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),  # the root of the shop's; empty where none is known
        pa.field("behavior", pa.string(), nullable=False),  # a `Behavior` value, or `CATALOG`
    ]
)
FILTER_REPORT_SCHEMA = pa.schema(
    [
        pa.field("filter", pa.string(), nullable=False),  # in the order in which they ran
        *ORIGIN_SCHEMA,
        pa.field("reached", pa.int64(), nullable=False),  # that no earlier filter rejected
        pa.field("rejected", pa.int64(), nullable=False),
        pa.field("examples", pa.list_(pa.string()), nullable=False),  # of what it rejected, the best supported first
    ]
)


def origins(hypotheses: pa.Table, inputs: ProposerInput) -> pa.Table:
    """Where each hypothesis comes from, in ORIGIN_SCHEMA.

    The category is that of the head's product, of a type the most frequent one; of a query, that of the product in the
    first pair of its evidence. The behavior is the kind of that pair.
    """
    categories = [category[0] if category else "" for category in inputs.products["category"].to_pylist()]
    pair = pc.index_in(_first(hypotheses["evidence"]), value_set=inputs.pairs["pair_id"])
    bought = pc.index_in(pc.take(inputs.pairs["right"], pair), value_set=pa.array(inputs.ids, pa.string()))
    heads, head = distinct_heads(hypotheses)
    of_head = pa.array(_categories(heads, inputs, categories), pa.string()).take(pa.array(head))
    of_pair = pc.take(pa.chunked_array([pa.array(categories, pa.string())]), bought)
    category = pc.coalesce(of_head, of_pair, pa.scalar(""))
    behavior = pc.coalesce(pc.take(inputs.pairs["kind"], pair), pa.scalar(CATALOG))
    return pa.table([hypotheses["relation"], category, behavior], schema=ORIGIN_SCHEMA)


def filter_report(hypotheses: pa.Table, filtered: FilterResult, origin: pa.Table) -> pa.Table:
    """Count what each filter rejected of what reached it.

    Args:
        hypotheses: HYPOTHESIS_SCHEMA, all that reached the first filter.
        filtered: of these hypotheses.
        origin: ORIGIN_SCHEMA, row by row.

    Returns: FILTER_REPORT_SCHEMA, a row for each filter and origin from which something reached it.
    """
    rejected_by, names = filtered.rejected_by, filtered.names
    joined, group = distinct(pc.binary_join_element_wise(*origin.columns, SEPARATOR))
    groups = [text.split(SEPARATOR) for text in joined]
    counts = np.zeros((len(groups), len(names) + 1), np.int64)
    np.add.at(counts, (group, rejected_by), 1)
    reached = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    examples = _examples(hypotheses, rejected_by, group, len(names))
    rows = [
        (name, *groups[at], int(reached[at, place]), int(counts[at, place]), examples[place, at])
        for place, name in enumerate(names)
        for at in sorted(np.flatnonzero(reached[:, place]).tolist(), key=groups.__getitem__)
    ]
    columns = zip(*rows, strict=True) if rows else [[] for _ in FILTER_REPORT_SCHEMA]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, FILTER_REPORT_SCHEMA, strict=True)]
    return pa.table(arrays, schema=FILTER_REPORT_SCHEMA)


def _first(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first of each list; null for an empty one."""
    return pc.list_element(
        pc.if_else(pc.greater(pc.list_value_length(lists), 0), lists, pa.scalar([None], lists.type)), 0
    )


def _categories(heads: Sequence[Head], inputs: ProposerInput, categories: Sequence[str]) -> list[str | None]:
    """The category of each head's first product, or of its type; None for queries and unknown products."""
    of_product = dict(zip(inputs.ids, categories, strict=True))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for kind, category in zip(inputs.types, categories, strict=True):
        counts[kind][category] += 1
    of_type = {kind: min(of_kind, key=lambda name: (-of_kind[name], name)) for kind, of_kind in counts.items()}
    return [
        of_product.get(head.key[0])
        if head.kind in (HeadKind.PRODUCT, HeadKind.PAIR)
        else next((of_type.get(name) for name in types_of(head, {})), None)
        for head in heads
    ]


def _examples(
    hypotheses: pa.Table, rejected_by: NDArray[np.int64], group: NDArray[np.int64], filters: int
) -> defaultdict[tuple[int, int], list[str]]:
    """The best supported of the rejected ones, by filter and group, in words."""
    rejected = np.flatnonzero(rejected_by < filters)
    support = hypotheses["support"].to_numpy()[rejected]
    order = rejected[np.lexsort((-support, group[rejected], rejected_by[rejected]))]
    runs = np.flatnonzero(np.diff(group[order] + rejected_by[order] * (group.max(initial=0) + 1), prepend=-1))
    rank = np.arange(len(order)) - np.repeat(runs, np.diff(np.append(runs, len(order))))
    shown = order[rank < EXAMPLES]
    examples: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    chosen = hypotheses.select(["head_kind", "head_key", "tail"]).take(pa.array(shown)).to_pylist()
    for row, one in zip(shown.tolist(), chosen, strict=True):
        head = Head(HeadKind(one["head_kind"]), tuple(one["head_key"]))
        examples[int(rejected_by[row]), int(group[row])].append(f"{head}: {one['tail']}")
    return examples

"""Intents that are kinds of other intents: "camping" → "winter camping" (our design).

An intent is a kind of another when both stand in one relation and its words are those of the other with more in front
("winter camping") or behind a connecting word ("camping with dogs"). Of several such intents the longest is the parent.
The score says how far both are bought for the same: the share of the child's heads that the parent has too, as
(shared + 1/2) / (heads + 1), since few heads say little.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.graph.files import HIERARCHY_FILE, HIERARCHY_SCHEMA, map_array, map_table
from whybuy.kernels import kernel
from whybuy.text import FUNCTION_WORDS

LONGEST = 8  # words in front that are looked behind
_BEHIND = " (?:" + "|".join(("for", "with", "without", "in", "on", "at", "from", "by", "during", "under")) + ") .*$"


def write_hierarchy(folder: Path) -> int:
    """Write the hierarchy of a graph's intents beside the graph; returns how many parents and children meet."""
    tail_starts, tail_edges = map_array(folder, "tail_starts"), map_array(folder, "tail_edges")
    edges = map_table(folder, "edges").slice(0, len(tail_edges))
    intents = np.flatnonzero(np.diff(tail_starts))
    words = map_table(folder, "nodes")["key"].take(pa.array(intents))
    relations = _relations(edges["relation"].chunk(0).indices.to_numpy(), tail_edges, tail_starts[intents])
    parent, child = _nearest(pc.list_element(words, 0).combine_chunks(), relations)
    parent, child = intents[parent], intents[child]
    shared, heads = _shared_heads(parent, child, edges["head"].to_numpy()[tail_edges], tail_starts)
    score = ((shared + 0.5) / (heads + 1.0)).astype(np.float32)
    order = np.lexsort((child, -score, parent))
    columns = [column[order] for column in (parent.astype(np.int32), child.astype(np.int32), score)]
    pq.write_table(pa.table(columns, schema=HIERARCHY_SCHEMA), folder / HIERARCHY_FILE, compression="zstd")
    for name, column in zip(("parents", "children"), columns, strict=False):
        np.save(folder / f"{name}.npy", column)
    np.save(folder / "children_order.npy", np.argsort(columns[1], kind="stable"))
    return len(parent)


def _relations(
    relation: NDArray[np.int8], tail_edges: NDArray[np.int32], starts: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The relations in which each intent stands, as bits."""
    bits = np.left_shift(1, relation.astype(np.int32))[tail_edges]
    return np.bitwise_or.reduceat(bits, starts) if len(starts) else np.empty(0, np.int32)


def _nearest(words: pa.StringArray, relations: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of parents and children: of each child the longest parent of either form."""
    parents, children = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for form in (_behind_front(words), _before_connection(words)):
        done = np.zeros(len(words), bool)
        for place, shorter in form:
            parent = pc.index_in(shorter, value_set=words).fill_null(-1).to_numpy()
            fits = (parent >= 0) & ((relations[parent] & relations[place]) != 0) & ~done[place]
            done[place[fits]] = True
            parents.append(parent[fits].astype(np.int64))
            children.append(place[fits])
    return np.concatenate(parents), np.concatenate(children)


Shorter = Iterator[tuple[NDArray[np.int64], pa.StringArray]]
"""Places of wordings, and what is left of each."""


def _behind_front(words: pa.StringArray) -> Shorter:
    """The words without the first, the first two, …, as long as none of these is a function word."""
    place, rest, function_words = np.arange(len(words)), words, pa.array(sorted(FUNCTION_WORDS))
    for _ in range(LONGEST):
        several = pc.match_substring(rest, " ")
        parts = pc.split_pattern(rest.filter(several), " ", max_splits=1)
        plain = pc.invert(pc.is_in(pc.list_element(parts, 0), value_set=function_words))
        rest = pc.list_element(parts, 1).filter(plain)
        place = place[several.to_numpy(zero_copy_only=False)][plain.to_numpy(zero_copy_only=False)]
        if not len(place):
            return
        yield place, rest


def _before_connection(words: pa.StringArray) -> Shorter:
    """The words in front of the first connecting word."""
    joined = pc.match_substring_regex(words, _BEHIND)
    yield np.flatnonzero(joined), pc.replace_substring_regex(words.filter(joined), _BEHIND, "")


@kernel
def _shared_heads(
    parent: NDArray[np.int64], child: NDArray[np.int64], heads_of: NDArray[np.int32], tail_starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many heads of each child its parent has too, and how many the child has.

    heads_of: of all tails one after the other, ascending. Each of the child's is searched for in the parent's.
    """
    shared, heads = np.zeros(len(child), np.int64), np.zeros(len(child), np.int64)
    for place in range(len(child)):
        low, end = tail_starts[parent[place]], tail_starts[parent[place] + 1]
        before = -1
        for at in range(tail_starts[child[place]], tail_starts[child[place] + 1]):
            wanted = heads_of[at]
            if wanted == before:
                continue
            before = wanted
            heads[place] += 1
            high = end
            while low < high:
                middle = (low + high) // 2
                if heads_of[middle] < wanted:
                    low = middle + 1
                else:
                    high = middle
            shared[place] += low < end and heads_of[low] == wanted
    return shared, heads

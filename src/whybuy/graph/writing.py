"""Writes the files of a graph from its claims."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.config import HOW_ONLY, ConfigTable
from whybuy.graph.claims import Claims, Wordings
from whybuy.graph.edge_merging import MergedEdges, merge_claims
from whybuy.graph.files import (
    EDGE_SCHEMA,
    KINDS,
    MERGE_SCHEMA,
    MERGES_FILE,
    NODE_SCHEMA,
    RELATIONS,
    SCORERS,
    coded,
    write_table,
)
from whybuy.graph.hierarchy import write_hierarchy
from whybuy.graph.node_merging import NodeMerger
from whybuy.graph.words import write_words
from whybuy.keys import SEPARATOR
from whybuy.records import CRITIC, Head, HeadKind


@dataclass(frozen=True, slots=True)
class GraphConfig:
    """Which proposals become edges."""

    least_plausibility: float = 0.5  # by statistics or a reader
    least_by_critic: float = 0.7  # the same by a critic; COSMO has one half, see docs/critic.md
    least_typicality: float = 0.0
    merges: str = field(default="", metadata=HOW_ONLY)
    """A file of corrections in the store: which wordings mean the same, and which do not."""


GRAPH_CONFIG = ConfigTable("graph", GraphConfig)


@dataclass(frozen=True, slots=True)
class GraphCounts:
    """Size of an assembled graph."""

    nodes: int
    edges: int
    intents: int
    below_threshold: int  # merged edges that were left out


def write_graph(claims: Claims, folder: Path, config: GraphConfig, merger: NodeMerger) -> GraphCounts:
    """Write the graph of these claims to a folder that has their evidence."""
    merged = merge_claims(claims)
    by_critic = merged.scorer == SCORERS.index(CRITIC)
    least = np.where(by_critic, config.least_by_critic, config.least_plausibility)
    good = (merged.plausibility > least) & (merged.typicality >= config.least_typicality)
    nodes, number = _nodes(claims, merged, good)
    order = np.argsort(~good, kind="stable")
    head, tail = number[merged.head[order]], number[merged.tail[order]]
    edges = int(good.sum())
    known = int(max(head[:edges].max(initial=-1), tail[:edges].max(initial=-1))) + 1
    write_table(nodes, folder, "nodes")
    write_table(_edge_table(merged, order, head, tail), folder, "edges")
    _write_sources(folder, claims.row, merged, good)
    _write_names(folder, claims, number)
    _write_look_up(folder, known, head[:edges], tail[:edges])
    _write_wordings(folder, claims.wordings, number, merger)
    write_hierarchy(folder)
    merger.save(folder)
    first = int(head[:edges].max(initial=-1)) + 1
    write_words(folder, pc.list_element(nodes["key"][first:known], 0).combine_chunks(), first)
    return GraphCounts(known, edges, known - first, len(good) - edges)


# ---------------------------------------------------------------- nodes
def _nodes(claims: Claims, merged: MergedEdges, good: NDArray[np.bool_]) -> tuple[pa.Table, NDArray[np.int32]]:
    """Node table and the node of each name, -1 where no claim uses it.

    Heads of the graph come first, then its intents, then the heads and intents of claims below the thresholds alone.
    """
    group = np.full(len(claims.names), 4, np.int8)
    for ends, kind in ((merged.tail, 1), (merged.head, 0)):
        group[ends] = 2 + kind
        group[ends[good]] = kind
    order = claims.order[np.argsort(group[claims.order], kind="stable")][: int((group < 4).sum())]
    number = np.full(len(group), -1, np.int32)
    number[order] = np.arange(len(order))
    return _node_table(claims.names.take(pa.array(order)), _labels(claims.wordings, len(group))[order], claims), number


def _labels(wordings: Wordings, names: int) -> NDArray[np.int64]:
    """The wording of each name that has the most support, the first in the alphabet of several; -1 for heads."""
    most = np.zeros(names, np.int64)
    np.maximum.at(most, wordings.intent, wordings.support)
    best = np.flatnonzero((wordings.support == most[wordings.intent]) & (wordings.claims > 0))
    several = np.bincount(wordings.intent[best], minlength=names)[wordings.intent[best]] > 1
    tied = best[several]
    tied = tied[pc.array_sort_indices(wordings.text.take(pa.array(tied))).to_numpy()]
    chosen = np.full(names, -1, np.int64)
    for ranked in (best[~several], tied[::-1]):
        chosen[wordings.intent[ranked]] = ranked
    return chosen


def _node_table(names: pa.StringArray, wording: NDArray[np.int64], claims: Claims) -> pa.Table:
    parts = pc.split_pattern(names, SEPARATOR)
    kinds, keys = pc.index_in(pc.list_element(parts, 0), value_set=pa.array(KINDS)), pc.list_slice(parts, 1)
    labels = pc.if_else(
        pa.array(wording < 0),
        _head_labels(pc.equal(kinds, KINDS.index(HeadKind.TYPE_ATTRIBUTE)), keys),
        claims.wordings.text.take(pa.array(wording, mask=wording < 0)),
    )
    return pa.table([coded(kinds.to_numpy(zero_copy_only=False), KINDS), keys, labels], schema=NODE_SCHEMA)


def _head_labels(traits: pa.BooleanArray, keys: pa.ListArray) -> pa.StringArray:
    """`str(Head)` of each key; only traits are joined in another way."""
    spelled = [str(Head(HeadKind.TYPE_ATTRIBUTE, tuple(key))) for key in keys.filter(traits).to_pylist()]
    plain = pc.binary_join(keys, " + ")
    return pc.replace_with_mask(plain, traits, pa.array(spelled, pa.string()))


# ---------------------------------------------------------------- files
def _edge_table(
    merged: MergedEdges, order: NDArray[np.int64], head: NDArray[np.int32], tail: NDArray[np.int32]
) -> pa.Table:
    columns = (
        head,
        coded(merged.relation[order], RELATIONS),
        tail,
        merged.plausibility[order],
        merged.typicality[order],
        merged.lift[order],
        merged.support[order],
        coded(merged.scorer[order], SCORERS),
    )
    return pa.table([pa.array(column) for column in columns], schema=EDGE_SCHEMA)


def _write_sources(folder: Path, row: NDArray[np.int32], merged: MergedEdges, good: NDArray[np.bool_]) -> None:
    """The evidence of each edge: rows `source_rows[source_starts[i]:source_starts[i + 1]]`."""
    counts = np.diff(merged.starts)
    kept = np.repeat(good, counts)
    np.save(folder / "source_rows.npy", np.concatenate([row[merged.member[which]] for which in (kept, ~kept)]))
    np.save(folder / "source_starts.npy", np.cumsum(np.concatenate([[0], counts[good], counts[~good]])))


def _write_names(folder: Path, claims: Claims, number: NDArray[np.int32]) -> None:
    """How nodes are found, by the hash of their name, and their order by name."""
    by_hash = np.argsort(claims.hashes)
    by_hash = by_hash[number[by_hash] >= 0]
    np.save(folder / "key_hash.npy", claims.hashes[by_hash])
    np.save(folder / "key_node.npy", number[by_hash])
    np.save(folder / "name_order.npy", number[claims.order][number[claims.order] >= 0])


def _write_look_up(folder: Path, known: int, head: NDArray[np.int32], tail: NDArray[np.int32]) -> None:
    head_starts, tail_starts = (np.append(0, np.cumsum(np.bincount(end, minlength=known))) for end in (head, tail))
    by_tail = csr_matrix((np.arange(len(tail), dtype=np.int32), tail, head_starts), shape=(known, known)).tocsc()
    np.save(folder / "head_starts.npy", head_starts)
    np.save(folder / "tail_starts.npy", tail_starts)
    np.save(folder / "tail_edges.npy", by_tail.data)


def _write_wordings(folder: Path, wordings: Wordings, number: NDArray[np.int32], merger: NodeMerger) -> None:
    used = np.flatnonzero(wordings.claims)
    used = used[np.argsort(number[wordings.intent[used]], kind="stable")]
    text = wordings.text.take(pa.array(used))
    columns = [text, number[wordings.intent[used]], merger.how(text), wordings.support[used], wordings.claims[used]]
    table = pa.table([pa.array(column) for column in columns], schema=MERGE_SCHEMA)
    pq.write_table(table, folder / MERGES_FILE, compression="zstd", use_dictionary=["how"])

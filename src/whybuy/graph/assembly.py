"""Hypotheses → graph: tails that mean the same become one node, proposals of the same edge become one edge."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.graph.files import EDGE_SCHEMA, INTENT, NODE_SCHEMA, SEPARATOR, SOURCE_TYPE, key_hash, write_table
from whybuy.records import Head, HeadKind
from whybuy.text import canonical


@dataclass(frozen=True, slots=True)
class GraphConfig:
    """Which proposals become edges."""

    least_plausibility: float = 0.5  # COSMO keeps what its critic gives more than one half
    least_typicality: float = 0.0


@dataclass(frozen=True, slots=True)
class GraphCounts:
    """Size of an assembled graph."""

    nodes: int
    edges: int
    intents: int
    below_threshold: int  # merged edges that were left out


def assemble(hypotheses: pa.Table, folder: Path, config: GraphConfig, *, language: str = "en") -> GraphCounts:
    """Merge hypotheses (HYPOTHESIS_SCHEMA) into nodes and edges and write them, with their look-up arrays, to a folder.

    Independent generators of one edge count as independent witnesses: plausibility 1 - prod(1 - p), support the sum.
    """
    edges = _merge(hypotheses, language)
    good = (edges.plausibility > config.least_plausibility) & (edges.typicality >= config.least_typicality)
    kept = np.flatnonzero(good)
    nodes, head, tail = _nodes(edges, kept)
    order = np.lexsort((tail, edges.relation[kept], head))
    head, tail, kept = head[order], tail[order], kept[order]
    write_table(nodes, folder, "nodes")
    write_table(_edge_table(edges, kept, head, tail, _sources(hypotheses, edges, kept)), folder, "edges")
    _write_look_up(folder, nodes, head, tail)
    intents = len(set(edges.tail[kept].tolist()))
    return GraphCounts(nodes.num_rows, len(kept), intents, len(good) - len(kept))


@dataclass(frozen=True, slots=True)
class _Merged:
    """Edges after merging; `member_order[starts[i]:starts[i+1]]` are the hypotheses of edge i."""

    head_keys: list[str]  # joined kind and key, by head code
    tail_keys: list[str]
    tail_labels: list[str]
    relations: list[str]
    head: NDArray[np.int64]  # codes by edge
    relation: NDArray[np.int64]
    tail: NDArray[np.int64]
    plausibility: NDArray[np.float64]
    typicality: NDArray[np.float64]
    lift: NDArray[np.float64]
    support: NDArray[np.int64]
    member_order: NDArray[np.int64]
    starts: NDArray[np.int64]


def _merge(hypotheses: pa.Table, language: str) -> _Merged:
    head_keys, head = _encode(_joined_heads(hypotheses))
    relations, relation = _encode(hypotheses["relation"].combine_chunks())
    wordings, wording = _encode(hypotheses["tail"].combine_chunks())
    support = hypotheses["support"].to_numpy()
    tail_keys, tail_of_wording = _encode(pa.array([canonical(text, language) for text in wordings], pa.string()))
    tail = tail_of_wording[wording]
    order = np.lexsort((tail, relation, head))
    starts = _starts_of_runs([column[order] for column in (head, relation, tail)])
    first = order[starts]
    return _Merged(
        head_keys,
        tail_keys,
        _labels(tail_keys, wordings, wording, tail_of_wording, support),
        relations,
        head[first],
        relation[first],
        tail[first],
        1.0 - _reduce(np.multiply, 1.0 - hypotheses["plausibility"].to_numpy()[order], starts),
        _reduce(np.maximum, hypotheses["typicality"].to_numpy()[order], starts),
        _reduce(np.maximum, hypotheses["lift"].to_numpy()[order], starts),
        _reduce(np.add, support[order], starts).astype(np.int64),
        order,
        np.append(starts, len(order)),
    )


def _starts_of_runs(columns: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The places where a row differs from the one before in any column, and the first place."""
    changed = np.zeros(len(columns[0]), dtype=bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= np.diff(column) != 0
    return np.flatnonzero(changed)


def _reduce(operation: np.ufunc, values: NDArray[np.generic], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    reduced: NDArray[np.float64] = operation.reduceat(values, starts) if len(starts) else np.empty(0)
    return reduced


def _joined_heads(hypotheses: pa.Table) -> pa.Array:
    keys = pc.binary_join(hypotheses["head_key"].combine_chunks(), SEPARATOR)
    return pc.binary_join_element_wise(hypotheses["head_kind"].combine_chunks(), keys, SEPARATOR)


def _encode(strings: pa.Array) -> tuple[list[str], NDArray[np.int64]]:
    """Distinct strings, sorted, and for each place the number of its string."""
    encoded = strings.dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return [names[index] for index in order], rank[encoded.indices.to_numpy()]


def _labels(
    tail_keys: list[str],
    wordings: list[str],
    wording: NDArray[np.int64],
    tail_of_wording: NDArray[np.int64],
    support: NDArray[np.int64],
) -> list[str]:
    """The wording of each canonical tail that has the most support."""
    weight = np.bincount(wording, weights=support, minlength=len(wordings))
    best: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for index, text in enumerate(wordings):
        best[int(tail_of_wording[index])][text] += int(weight[index])
    return [min(best[tail], key=lambda text: (-best[tail][text], text)) for tail in range(len(tail_keys))]


def _nodes(edges: _Merged, kept: NDArray[np.int64]) -> tuple[pa.Table, NDArray[np.int32], NDArray[np.int32]]:
    """Node table (heads, then intents) and the node of each kept edge's head and tail."""
    heads, head = np.unique(edges.head[kept], return_inverse=True)
    tails, tail = np.unique(edges.tail[kept], return_inverse=True)
    split = [edges.head_keys[code].split(SEPARATOR) for code in heads.tolist()]
    kinds = [parts[0] for parts in split] + [INTENT] * len(tails)
    keys = [parts[1:] for parts in split] + [[edges.tail_keys[code]] for code in tails.tolist()]
    labels = [str(Head(HeadKind(kind), tuple(key))) for kind, *key in split]
    labels += [edges.tail_labels[code] for code in tails.tolist()]
    return (
        pa.table([kinds, keys, labels], schema=NODE_SCHEMA),
        head.astype(np.int32),
        (tail + len(heads)).astype(np.int32),
    )


def _edge_table(
    edges: _Merged, kept: NDArray[np.int64], head: NDArray[np.int32], tail: NDArray[np.int32], sources: pa.Array
) -> pa.Table:
    return pa.table(
        [
            pa.array(head, pa.int32()),
            pa.array([edges.relations[code] for code in edges.relation[kept]], pa.string()),
            pa.array(tail, pa.int32()),
            pa.array(edges.plausibility[kept], pa.float32()),
            pa.array(edges.typicality[kept], pa.float32()),
            pa.array(edges.lift[kept], pa.float32()),
            pa.array(edges.support[kept], pa.int64()),
            pa.array(["statistics"] * len(kept), pa.string()),
            sources,
        ],
        schema=EDGE_SCHEMA,
    )


def _sources(hypotheses: pa.Table, edges: _Merged, chosen: NDArray[np.int64]) -> pa.Array:
    names = ("generator", "support", "evidence", "words")
    columns = [hypotheses[name].to_pylist() for name in names]
    sources = [
        [
            dict(zip(names, (column[index] for column in columns), strict=True))
            for index in edges.member_order[edges.starts[edge] : edges.starts[edge + 1]].tolist()
        ]
        for edge in chosen.tolist()
    ]
    return pa.array(sources, SOURCE_TYPE)


def _write_look_up(folder: Path, nodes: pa.Table, head: NDArray[np.int32], tail: NDArray[np.int32]) -> None:
    count = nodes.num_rows
    hashes = np.array(
        [key_hash(kind, key) for kind, key in zip(nodes["kind"].to_pylist(), nodes["key"].to_pylist(), strict=True)],
        dtype=np.uint64,
    )
    by_hash = np.argsort(hashes)
    by_tail = np.argsort(tail, kind="stable")
    np.save(folder / "key_hash.npy", hashes[by_hash])
    np.save(folder / "key_node.npy", by_hash.astype(np.int32))
    np.save(folder / "head_starts.npy", np.searchsorted(head, np.arange(count + 1)))
    np.save(folder / "tail_starts.npy", np.searchsorted(tail[by_tail], np.arange(count + 1)))
    np.save(folder / "tail_edges.npy", by_tail.astype(np.int64))

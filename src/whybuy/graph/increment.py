"""A graph and what has changed since → the graph that assembling all anew would give, without reading all anew."""

from bisect import bisect_left
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import FileEntry, read_manifest
from whybuy.graph.assembly import BATCH
from whybuy.graph.claims import MEASURES, Claims, Wordings, read_claims
from whybuy.graph.evidence import Evidence, evidence_file, share_evidence, write_evidence
from whybuy.graph.files import FORMAT_VERSION, KIND, MERGES_FILE, WITHDRAWN_SCHEMA, map_array, map_table
from whybuy.graph.node_merging import NodeMerger
from whybuy.graph.writing import GraphConfig, GraphCounts, write_graph
from whybuy.keys import SEPARATOR
from whybuy.records import HYPOTHESIS_SCHEMA, READER


def update(base: Path, added: pa.Table, withdrawn: pa.Table, folder: Path, config: GraphConfig) -> GraphCounts:
    """Write to a folder the graph of another one after a change; that one stays as it is, and shares its evidence.

    added: hypotheses (HYPOTHESIS_SCHEMA), those of `rejections` among them. withdrawn: evidence that is no more
    (WITHDRAWN_SCHEMA); each hypothesis of the generator that rests on it goes.

    The result equals that of `assemble` over the hypotheses that are left and those added, but for unused evidence.
    """
    merger = NodeMerger.load(base)
    kept = _claims_of(base, withdrawn)
    number = share_evidence(base, folder)
    rows = len(Evidence(folder))
    new = read_claims(write_evidence(added.to_batches(BATCH), evidence_file(folder, number)), merger, rows)
    return write_graph(_joined(kept, new, base), folder, config, merger)


def shared_files(base: Path) -> dict[str, FileEntry]:
    """The entries of the files that an update shares with its base, for `ArtifactStore.create`."""
    files = read_manifest(base, KIND, FORMAT_VERSION).files
    return {name: entry for name, entry in files.items() if name.startswith("evidence-")}


def rejections(judged: pa.Table) -> pa.Table:
    """Hypotheses whose edges stay out of the graph, whatever their other evidence.

    judged: has `head_kind`, `head_key`, `relation` and `tail`, as JUDGMENT_SCHEMA. Any wording of a tail rejects it.
    """
    count = judged.num_rows
    fixed = {
        "generator": READER,
        "support": 0,
        "lift": 0.0,
        "plausibility": 0.0,
        "typicality": 0.0,
        "words": [],
        "scored_by": READER,
    }
    columns = {name: pa.array([value] * count, HYPOTHESIS_SCHEMA.field(name).type) for name, value in fixed.items()}
    ids = rejection_evidence(judged)["evidence"].combine_chunks()
    columns["evidence"] = pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), ids)
    columns |= {name: judged[name] for name in HYPOTHESIS_SCHEMA.names if name not in columns}
    return pa.table(columns).select(HYPOTHESIS_SCHEMA.names).cast(HYPOTHESIS_SCHEMA)


def rejection_evidence(judged: pa.Table) -> pa.Table:
    """What `rejections` rest on (WITHDRAWN_SCHEMA): withdraw it, and they are taken back."""
    keys = pc.binary_join(judged["head_key"], SEPARATOR)
    ids = pc.binary_join_element_wise(judged["head_kind"], keys, judged["relation"], judged["tail"], SEPARATOR)
    return pa.table([pa.array([READER] * len(ids), pa.string()), ids], schema=WITHDRAWN_SCHEMA)


def _claims_of(base: Path, withdrawn: pa.Table) -> Claims:
    """The claims of a graph that are not withdrawn."""
    nodes, edges, evidence = map_table(base, "nodes"), map_table(base, "edges"), Evidence(base)
    row = map_array(base, "source_rows")
    kept = np.ones(len(row), bool)
    if withdrawn.num_rows:
        kept = ~evidence.resting_on(withdrawn)[row]
    counts = np.diff(map_array(base, "source_starts"))
    head, tail = (np.repeat(edges[name].to_numpy(), counts)[kept] for name in ("head", "tail"))
    relation = np.repeat(edges["relation"].chunk(0).indices.to_numpy(), counts)[kept]
    hashes = np.empty(nodes.num_rows, np.uint64)
    hashes[map_array(base, "key_node")] = map_array(base, "key_hash")
    left = row[kept]
    return Claims(
        names=pc.binary_join_element_wise(
            nodes["kind"].cast(pa.string()), pc.binary_join(nodes["key"], SEPARATOR), SEPARATOR
        ).combine_chunks(),
        order=map_array(base, "name_order").astype(np.int64),
        hashes=hashes,
        wordings=_without(_wordings_of(base), evidence.take(row[~kept])),
        head=head,
        relation=relation,
        tail=tail,
        row=left,
        measures={name: evidence.column(name)[left].astype(kind, copy=False) for name, kind in MEASURES.items()},
    )


def _wordings_of(base: Path) -> Wordings:
    table = pq.read_table(base / MERGES_FILE)
    numbers = (table[name].to_numpy() for name in ("node", "support", "claims"))
    return Wordings(table["wording"].combine_chunks(), *numbers)


def _without(wordings: Wordings, gone: pa.Table) -> Wordings:
    """Wordings after hypotheses went."""
    at = pc.index_in(gone["tail"], value_set=wordings.text).to_numpy()
    support, claims = wordings.support.copy(), wordings.claims.copy()
    np.subtract.at(support, at, gone["support"].to_numpy())
    np.subtract.at(claims, at, 1)
    return Wordings(wordings.text, wordings.intent, support, claims)


def _joined(kept: Claims, new: Claims, base: Path) -> Claims:
    """Both as one, in the names of the first."""
    number = _numbers_in(base, new.hashes, len(kept.names))
    unknown = number >= len(kept.names)
    names = pa.concat_arrays([kept.names, new.names.filter(pa.array(unknown))])
    return Claims(
        names=names,
        order=_merged_order(names, kept.order, number[new.order[unknown[new.order]]]),
        hashes=np.concatenate([kept.hashes, new.hashes[unknown]]),
        wordings=_joined_wordings(kept.wordings, new.wordings, number),
        head=np.concatenate([kept.head, number[new.head]]),
        relation=np.concatenate([kept.relation, new.relation]),
        tail=np.concatenate([kept.tail, number[new.tail]]),
        row=np.concatenate([kept.row, new.row]),
        measures={name: np.concatenate([kept.measures[name], new.measures[name]]) for name in MEASURES},
    )


def _merged_order(names: pa.StringArray, order: NDArray[np.int64], new: NDArray[np.int32]) -> NDArray[np.int64]:
    """The order of all names, from that of those known before and that of the new ones."""
    if len(new) > len(order) // 8:
        return np.asarray(pc.array_sort_indices(names), np.int64)
    at = [bisect_left(order, names[number].as_py(), key=lambda one: names[one].as_py()) for number in new.tolist()]
    return np.insert(order, np.array(at, np.int64), new)


def _numbers_in(base: Path, hashes: NDArray[np.uint64], known: int) -> NDArray[np.int32]:
    """The number of each name in a graph; new ones are numbered on from `known`."""
    sorted_hashes, nodes = map_array(base, "key_hash"), map_array(base, "key_node")
    at = np.searchsorted(sorted_hashes, hashes)
    known_name = at < len(sorted_hashes)
    known_name[known_name] = sorted_hashes[at[known_name]] == hashes[known_name]
    number = (known - 1 + np.cumsum(~known_name)).astype(np.int32)
    number[known_name] = nodes[at[known_name]]
    return number


def _joined_wordings(kept: Wordings, new: Wordings, number: NDArray[np.int32]) -> Wordings:
    places = pc.index_in(new.text, value_set=kept.text)
    is_new = places.is_null().to_numpy(zero_copy_only=False)
    at = places.drop_null().to_numpy()
    support, claims = kept.support.copy(), kept.claims.copy()
    support[at] += new.support[~is_new]
    claims[at] += new.claims[~is_new]
    return Wordings(
        pa.concat_arrays([kept.text, new.text.filter(pa.array(is_new))]),
        np.concatenate([kept.intent, number[new.intent[is_new]]]),
        np.concatenate([support, new.support[is_new]]),
        np.concatenate([claims, new.claims[is_new]]),
    )

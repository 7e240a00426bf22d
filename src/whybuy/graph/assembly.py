"""Assembles hypotheses into a graph: wordings are merged into nodes, proposals of one edge into one edge."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.graph.claims import read_claims
from whybuy.graph.evidence import evidence_file, write_evidence
from whybuy.graph.node_merging import NodeMerger
from whybuy.graph.writing import GraphConfig, GraphCounts, write_graph

BATCH = 1 << 16  # hypotheses read at once


def assemble(
    hypotheses: pa.Table | Sequence[pa.Table | Path],
    folder: Path,
    config: GraphConfig,
    *,
    merger: NodeMerger | None = None,
) -> GraphCounts:
    """Merge hypotheses (HYPOTHESIS_SCHEMA) into nodes and edges and write them, with their look-up arrays, to a folder.

    Generators of one edge count as independent: plausibility is 1 - prod(1 - p), support the sum. Where a critic or a
    person has scored an edge, that score replaces it. What stays below the thresholds is kept aside,
    with all evidence, for `update`. Parquet files of hypotheses are read as a stream.
    """
    merger = merger or NodeMerger()
    claims = read_claims(write_evidence(_batches(hypotheses), evidence_file(folder, 0)), merger)
    return write_graph(claims, folder, config, merger)


def _batches(hypotheses: pa.Table | Sequence[pa.Table | Path]) -> Iterator[pa.RecordBatch]:
    for each in [hypotheses] if isinstance(hypotheses, pa.Table) else hypotheses:
        if isinstance(each, Path):
            with pq.ParquetFile(each) as file:
                yield from file.iter_batches(BATCH)
        else:
            yield from each.to_batches(BATCH)

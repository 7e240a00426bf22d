"""Counts of a build's hypotheses: rejected by each filter, kept, in the graph, judged plausible."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.errors import ArtifactError
from whybuy.evaluation.report import Report, Row, Table
from whybuy.graph import KnowledgeGraph
from whybuy.keys import SEPARATOR
from whybuy.knowledge.filters.limit_tuning import majority_answers
from whybuy.knowledge.filters.report import FILTER_REPORT_FILE, FILTER_REPORT_SCHEMA, ORIGIN_SCHEMA, origins
from whybuy.knowledge.numbering import canonical_tails, joined_heads
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.records import HYPOTHESES, JUDGMENT_SCHEMA, PAIRS, Question
from whybuy.shop import Shop

EXAMPLES = 5
ALL = "all"


@dataclass(frozen=True, slots=True)
class FilterCounts:
    """Counts of what one filter rejected, with well supported examples."""

    reached: int  # that no earlier filter rejected
    rejected: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartCounts:
    """Counts of the hypotheses of one relation, category or kind of behavior."""

    proposed: int
    rejected: Mapping[str, int]  # by filter
    kept: int
    in_graph: int  # kept ones whose edge the graph has
    judged: int  # kept ones with a majority answer
    plausible: float | None  # share of these; None where nothing is judged
    typical: float | None

    def as_row(self) -> Row:
        """The figures for a table, what each filter rejected in a column of its own."""
        return {
            "proposed": self.proposed,
            **self.rejected,
            "kept": self.kept,
            "in graph": self.in_graph,
            "judged": self.judged,
            "plausible": self.plausible,
            "typical": self.typical,
        }


@dataclass(frozen=True, slots=True)
class FilterReport:
    """Counts by filter, and by part of each kind: `all`, then relation, category and behavior."""

    filters: Mapping[str, FilterCounts]
    parts: Mapping[str, Mapping[str, PartCounts]]

    def as_report(self) -> Report:
        """A table of the parts of each kind, one of the filters, and examples of what each rejected."""
        kinds = [
            Table({name: part.as_row() for name, part in parts.items()}, kind) for kind, parts in self.parts.items()
        ]
        counts = {name: {"reached": one.reached, "rejected": one.rejected} for name, one in self.filters.items()}
        examples = [f"{name} rejected {text}" for name, one in self.filters.items() for text in one.examples]
        return Report("hypotheses", (*kinds, Table(counts, "filter")), partial(asdict, self), tuple(examples))


def evaluate_filters(store: Path, judgments: pa.Table | None = None) -> FilterReport:
    """The filter report of the live build of a store.

    judgments: JUDGMENT_SCHEMA.

    Raises:
        ArtifactError: there is no finished build, or one of an earlier version, which counted otherwise.
    """
    shop = Shop.open(store)
    counted = shop.folder(HYPOTHESES.kind) / FILTER_REPORT_FILE
    if not counted.is_file() or pq.read_schema(counted) != FILTER_REPORT_SCHEMA:
        raise ArtifactError(
            f"{counted.parent} has no {FILTER_REPORT_FILE} that this whybuy reads. Run `whybuy build` to write it."
        )
    counts, kept = pq.read_table(counted), shop.table(HYPOTHESES)
    inputs = ProposerInput(shop.catalog.table, shop.table(PAIRS))
    judged = JUDGMENT_SCHEMA.empty_table() if judgments is None else judgments
    columns = {
        "in_graph": _are_edges(kept, shop.graph).astype(np.float64),
        "plausible": majority_answers(kept, judged, Question.PLAUSIBLE),
        "typical": majority_answers(kept, judged, Question.TYPICAL),
    }
    return _report(counts, origins(kept, inputs), columns)


def _are_edges(hypotheses: pa.Table, graph: KnowledgeGraph) -> NDArray[np.bool_]:
    """Which hypotheses the graph has as an edge. Shape (n,)."""
    nodes = graph.nodes
    kinds, keys = nodes["kind"].cast(pa.string()), pc.binary_join(nodes["key"], SEPARATOR)
    joined = pc.binary_join_element_wise(kinds, keys, SEPARATOR)
    heads, tails = joined.take(graph.edges["head"]), keys.take(graph.edges["tail"])
    edges = pc.binary_join_element_wise(heads, graph.edges["relation"].cast(pa.string()), tails, SEPARATOR)
    tails, tail = canonical_tails(hypotheses, graph.language)
    worded = pa.array(tails, pa.string()).take(pa.array(tail))
    wanted = pc.binary_join_element_wise(joined_heads(hypotheses), hypotheses["relation"], worded, SEPARATOR)
    edges_found: NDArray[np.bool_] = pc.is_in(wanted, value_set=edges.combine_chunks()).to_numpy()
    return edges_found


def _report(counts: pa.Table, origin: pa.Table, columns: Mapping[str, NDArray[np.float64]]) -> FilterReport:
    filters = counts["filter"].unique().to_pylist()
    everything = np.ones(origin.num_rows, dtype=bool)
    parts = {ALL: {ALL: _part(filters, counts, everything, columns)}}
    for name in ORIGIN_SCHEMA.names:
        parts[name] = {
            value: _part(
                filters, counts.filter(pc.equal(counts[name], value)), pc.equal(origin[name], value).to_numpy(), columns
            )
            for value in sorted(counts[name].unique().to_pylist())
        }
    return FilterReport({name: _counts_of(counts.filter(pc.equal(counts["filter"], name))) for name in filters}, parts)


def _counts_of(counts: pa.Table) -> FilterCounts:
    ordered = counts.sort_by([("rejected", "descending")])
    shown = [examples[0] for examples in ordered["examples"].to_pylist() if examples]
    return FilterCounts(_sum(counts["reached"]), _sum(counts["rejected"]), tuple(shown[:EXAMPLES]))


def _part(
    filters: list[str], counts: pa.Table, kept: NDArray[np.bool_], columns: Mapping[str, NDArray[np.float64]]
) -> PartCounts:
    by_filter = {name: counts.filter(pc.equal(counts["filter"], name)) for name in filters}
    answered = {name: values[kept & ~np.isnan(values)] for name, values in columns.items()}
    shares = {name: float(values.mean()) if len(values) else None for name, values in answered.items()}
    return PartCounts(
        proposed=_sum(by_filter[filters[0]]["reached"]) if filters else 0,
        rejected={name: _sum(taken["rejected"]) for name, taken in by_filter.items()},
        kept=int(kept.sum()),
        in_graph=int(answered["in_graph"].sum()),
        judged=len(answered["plausible"]),
        plausible=shares["plausible"],
        typical=shares["typical"],
    )


def _sum(column: pa.ChunkedArray) -> int:
    total: int = pc.sum(column).as_py() or 0
    return total

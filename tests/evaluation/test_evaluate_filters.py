"""What became of the hypotheses of a build."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whybuy.artifacts import ArtifactStore
from whybuy.config import STORE_FILE
from whybuy.errors import ArtifactError
from whybuy.evaluation.filter_report import FilterCounts, FilterReport, PartCounts, evaluate_filters
from whybuy.graph import KnowledgeGraph
from whybuy.knowledge.filters.report import FILTER_REPORT_FILE
from whybuy.records import HYPOTHESES, JUDGMENT_SCHEMA, Question, Role


def kept_hypotheses(store: Path) -> pa.Table:
    return pq.read_table(ArtifactStore(store / "artifacts").current()["hypotheses"] / HYPOTHESES.file)


def judge_all(hypotheses: pa.Table, *, typical_from: int) -> pa.Table:
    """Everything is plausible, and typical from a row on."""
    rows = hypotheses.select(["head_kind", "head_key", "relation", "tail"]).to_pylist()
    answers = {question.value: True for question in Question}
    return pa.Table.from_pylist(
        [
            row | answers | {"typical": at >= typical_from, "judge": "ann", "role": Role.JUDGE.value}
            for at, row in enumerate(rows)
        ],
        schema=JUDGMENT_SCHEMA,
    )


def test_every_hypothesis_is_taken_or_kept_and_parts_add_up(small_store: Path) -> None:
    report = evaluate_filters(small_store)
    everything = report.parts["all"]["all"]
    assert everything.kept == kept_hypotheses(small_store).num_rows
    assert everything.rejected == {name: stage.rejected for name, stage in report.filters.items()}
    assert next(iter(report.filters.values())).reached == everything.proposed
    for parts in report.parts.values():
        for part in parts.values():
            assert part.proposed == part.kept + sum(part.rejected.values())
            assert part.in_graph <= part.kept
        for name in ("proposed", "kept", "in_graph"):
            assert sum(getattr(part, name) for part in parts.values()) == getattr(everything, name)


def test_what_the_graph_has_is_counted(small_store: Path) -> None:
    graph = KnowledgeGraph(ArtifactStore(small_store / "artifacts").current()["graph"])
    sources = sum(len(triple.sources) for triple in graph.triples(range(graph.edges.num_rows)))
    assert evaluate_filters(small_store).parts["all"]["all"].in_graph == sources > 0


def test_shares_of_what_judges_said(small_store: Path) -> None:
    kept = kept_hypotheses(small_store)
    unjudged = evaluate_filters(small_store).parts["all"]["all"]
    assert (unjudged.judged, unjudged.plausible, unjudged.typical) == (0, None, None)
    every = evaluate_filters(small_store, judge_all(kept, typical_from=kept.num_rows)).parts
    assert (every["all"]["all"].plausible, every["all"]["all"].typical) == (1.0, 0.0)
    behaviors: dict[str, PartCounts] = dict(every["behavior"])
    assert all(part.judged > 0 for part in behaviors.values() if part.kept)


@pytest.mark.parametrize("columns", [[], ["filter", "judged"]])
def test_a_build_that_counted_otherwise_is_told_to_count(tmp_path: Path, columns: list[str]) -> None:
    (tmp_path / STORE_FILE).touch()
    store = ArtifactStore(tmp_path / "artifacts")
    with store.create("hypotheses", "old", 2, {}) as (folder, _):
        if columns:
            pq.write_table(pa.table({name: [1] for name in columns}), folder / FILTER_REPORT_FILE)
    store.publish({"hypotheses": "old"})
    with pytest.raises(
        ArtifactError, match=r"has no filter_report\.parquet that this whybuy reads. Run `whybuy build`"
    ):
        evaluate_filters(tmp_path)


def test_a_report_has_the_counts_of_each_filter_and_its_examples() -> None:
    part = PartCounts(9, {"restates": 2}, 7, 5, 0, None, None)
    report = FilterReport({"restates": FilterCounts(9, 2, ("tent: tent",))}, {"all": {"all": part}}).as_report()
    assert [table.rows_are for table in report.tables] == ["all", "filter"]
    assert report.tables[0].rows["all"]["restates"] == 2
    assert report.tables[1].rows["restates"] == {"reached": 9, "rejected": 2}
    assert report.notes == ("restates rejected tent: tent",)

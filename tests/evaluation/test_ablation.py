"""What knowledge is worth to search: what is taken away, how it is measured, and what is measured once."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from small_shop import JUDGED, write_rows
from whybuy.artifacts import ArtifactStore
from whybuy.build import build
from whybuy.cli import app
from whybuy.cli.terminal import print_report
from whybuy.config import STORE_FILE
from whybuy.errors import ArtifactError
from whybuy.evaluation.ablation import FOLDER, AblationReport, Effect, Knowledge, ablate_search
from whybuy.evaluation.search import Difference
from whybuy.graph import KnowledgeGraph
from whybuy.qrels import Qrels, Scale, read_qrels
from whybuy.records import PRODUCTS
from whybuy.relations import Relation
from whybuy.shop import Shop

FIGURES = {"with", "without", "difference", "low", "high"}
PARTS = (Knowledge.REASONS, Knowledge.SYNONYMS, Knowledge.COMPLEMENTS)
QRELS = Qrels(
    {
        "something for pregnant women": {f"slip-{number}": 1.0 for number in range(10)},
        "sleeping bag": {f"slee-{number}": 1.0 for number in range(10)},
        "nothing of ours": {"dome-0": 0.0},
    },
    Scale(0, 1),
)
"""The first is answered by a reason alone, which no product says in its text."""


@pytest.fixture(scope="module")
def store(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop, which has no reranker and reasons alone; its ablations are shared."""
    return shutil.copytree(small_store, tmp_path_factory.mktemp("ablated") / "shop")


@pytest.fixture(scope="module")
def report(store: Path) -> AblationReport:
    return ablate_search(store, QRELS, list(Knowledge))


@pytest.fixture
def fresh(store: Path, report: AblationReport, tmp_path: Path) -> Path:
    """A measured shop that a test may change."""
    return shutil.copytree(store, tmp_path / "shop")


def variants(store: Path) -> Iterator[tuple[str, Path]]:
    """The folders of artifacts that were made for each part."""
    for folder in sorted(store.glob(f"{FOLDER}/build-*/without-*")):
        if folder.is_dir():
            yield folder.name.removeprefix("without-"), folder


# ---------------------------------------------------------------- what is taken away
def test_each_relation_is_in_one_part_and_all_are_in_the_graph() -> None:
    counted = Counter(relation for part in PARTS for relation in part.relations)
    assert counted == Counter(Relation)
    assert Knowledge.GRAPH.relations == frozenset(Relation)
    assert Knowledge.SYNONYMS.relations == {Relation.IS_A}
    assert Knowledge.COMPLEMENTS.relations == {Relation.USED_WITH}


def test_without_the_graph_there_is_no_edge_and_without_types_no_type(store: Path, report: AblationReport) -> None:
    edges = {part: KnowledgeGraph(folder / "graph-variant").edges.num_rows for part, folder in variants(store)}
    whole = Shop.open(store)
    assert edges.keys() == {part.value for part in Knowledge}
    assert edges["graph"] == edges["reasons"] == 0 < edges["synonyms"] == whole.graph.edges.num_rows
    for part, folder in variants(store):
        catalog = folder / "catalog-variant"
        assert catalog.exists() == (part in ("types", "graph"))
        if catalog.exists():
            products = pq.read_table(catalog / PRODUCTS.file)
            assert set(products["product_type"].to_pylist()) == {""}
            assert products.drop_columns(["product_type"]) == whole.table(PRODUCTS).drop_columns(["product_type"])


def test_a_reason_that_no_text_has_is_lost_without_reasons(report: AblationReport) -> None:
    for part in (Knowledge.REASONS, Knowledge.GRAPH):
        effect = report.at_query_time[part]["recall@100"]
        assert (effect.with_it, effect.without, effect.difference.mean) == (1.0, 0.5, 0.5)
        assert effect.difference.low == 0.0 < effect.difference.high == 1.0


def test_what_the_shop_has_not_is_worth_nothing(report: AblationReport) -> None:
    for part in (Knowledge.SYNONYMS, Knowledge.COMPLEMENTS):
        for effect in report.at_query_time[part].values():
            assert effect.with_it == effect.without
            assert effect.difference == Difference(0.0, 0.0, 0.0)


def test_a_metric_for_which_no_query_counts_is_left_out(fresh: Path) -> None:
    found = ablate_search(fresh, QRELS.only(["nothing of ours"]), [Knowledge.TYPES])
    assert found.at_query_time == {Knowledge.TYPES: {}}
    assert found.as_report().tables == ()


# ---------------------------------------------------------------- how it is said
def test_json_without_a_reranker_is_at_query_time(report: AblationReport) -> None:
    body = json.loads(json.dumps(report.as_json()))
    assert set(body) == {"ablations", "ablations_at_query_time", "fits"}
    assert body["fits"] == 0
    assert body["ablations"] == body["ablations_at_query_time"]
    assert set(body["ablations"]) == {"reasons", "synonyms", "complements", "types", "graph"}
    assert set(body["ablations"]["graph"]) == {"ndcg@10", "recall@100", "mrr@10"}
    assert set(body["ablations"]["graph"]["ndcg@10"]) == FIGURES


def test_a_table_shows_small_differences(capsys: pytest.CaptureFixture[str]) -> None:
    effect = Effect(0.4491, 0.4489, Difference(0.00021, -0.0003, 0.0007))
    found = {Knowledge.GRAPH: {"ndcg@10": effect}}
    print_report(AblationReport(7, 5, found, found).as_report(), json=False)
    assert capsys.readouterr().out.splitlines() == [
        "7 queries",
        "",
        "ndcg@10 with and without it at query time",
        "knowledge   with  without  difference      low     high",
        "graph      0.449    0.449     +0.0002  -0.0003  +0.0007",
        "",
        "ndcg@10 with and trained without it, 5 times each",
        "knowledge   with  without  difference      low     high",
        "graph      0.449    0.449     +0.0002  -0.0003  +0.0007",
    ]


def test_the_command_adds_ablations_to_what_it_prints(fresh: Path, tmp_path: Path) -> None:
    rows = [
        {"query": query, "product_id": product, "relevance": str(grade)}
        for query, grades in QRELS.grades.items()
        for product, grade in grades.items()
    ]
    judgments = write_rows(tmp_path / "judged.csv", rows)
    command = ["evaluate", "search", "--store", str(fresh), "--judgments", str(judgments), "--rankers", "fused"]
    ran = CliRunner().invoke(app, [*command, "--ablate", "reasons, graph", "--json"])
    assert ran.exit_code == 0, ran.output
    body = json.loads(ran.stdout)
    assert list(body["ablations"]) == ["reasons", "graph"]
    assert body["ablations"]["graph"]["recall@100"]["with"] == body["rankers"]["fused"]["recall@100"] == 1
    assert (body["queries_without_relevant"], body["queries_without_gain"]) == (1, 1)
    shown = CliRunner().invoke(app, [*command, "--ablate", "types"])
    assert "recall@100 with and without it at query time" in shown.stdout
    assert "1 queries without a product of any gain are left out of nDCG." in shown.stdout


# ---------------------------------------------------------------- what is measured once
def test_what_was_measured_is_not_measured_again(fresh: Path, report: AblationReport) -> None:
    said: list[str] = []
    assert ablate_search(fresh, QRELS, list(Knowledge), listen=said.append) == report
    assert said == []


def test_a_stopped_run_goes_on(fresh: Path) -> None:
    def stop(line: str) -> None:
        if "without synonyms" in line:
            raise KeyboardInterrupt

    shutil.rmtree(fresh / FOLDER)
    with pytest.raises(KeyboardInterrupt):
        ablate_search(fresh, QRELS, PARTS, listen=stop)
    said: list[str] = []
    ablate_search(fresh, QRELS, PARTS, listen=said.append)
    assert said[0] == "without synonyms: making hypotheses"


@pytest.mark.parametrize(
    "qrels",
    [
        QRELS.only(["sleeping bag"]),
        Qrels(QRELS.grades, Scale(-1, 1)),
        Qrels(QRELS.grades, QRELS.scale, {"sleeping bag": "boots"}),
        Qrels({**QRELS.grades, "sleeping bag": {"slee-1": 1.0}}, QRELS.scale),
    ],
    ids=["queries", "scale", "text", "grades"],
)
def test_other_judgments_are_measured_anew_on_the_same_variants(fresh: Path, qrels: Qrels) -> None:
    said: list[str] = []
    ablate_search(fresh, qrels, [Knowledge.REASONS], listen=said.append)
    count = f"measuring {len(qrels.grades)} queries"
    assert said == [f"the whole shop: {count}", f"without reasons at query time: {count}"]


def test_another_threshold_is_measured_anew(fresh: Path) -> None:
    said: list[str] = []
    ablate_search(fresh, QRELS, [Knowledge.REASONS], relevant_from=0.5, listen=said.append)
    assert len(said) == 2


@pytest.mark.parametrize("setting", ["[search]\ndepth = 3", "[lexical]\ncoverage = 3.0"])
def test_a_shop_of_other_settings_is_measured_anew_and_the_old_figures_go(fresh: Path, setting: str) -> None:
    (before,) = (fresh / FOLDER).glob("build-*")
    with (fresh / STORE_FILE).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{setting}\n")
    build(fresh)
    assert before.exists(), "a build leaves ablations alone"
    said: list[str] = []
    ablate_search(fresh, QRELS, [], listen=said.append)
    assert said == ["the whole shop: measuring 3 queries"]
    assert before not in list((fresh / FOLDER).iterdir())


def test_two_processes_do_not_measure_one_shop(fresh: Path) -> None:
    with (
        ArtifactStore(fresh / FOLDER).building(),
        pytest.raises(ArtifactError, match=rf"Another process is building in .*{FOLDER}"),
    ):
        ablate_search(fresh, QRELS, [])


# ---------------------------------------------------------------- with a reranker
def test_rerankers_are_trained_without_what_was_taken_away(judged_store: Path, tmp_path: Path) -> None:
    store = shutil.copytree(judged_store, tmp_path / "shop")
    said: list[str] = []
    qrels = read_qrels(store / JUDGED)
    found = ablate_search(store, qrels, [Knowledge.REASONS], fits=1, listen=said.append)
    before, after = found.at_query_time[Knowledge.REASONS], found.trained_without[Knowledge.REASONS]
    assert after["ndcg@10"].with_it == before["ndcg@10"].with_it, "the first fit is that of the build"
    assert after["ndcg@10"].without != before["ndcg@10"].without
    assert "trained without reasons, fit 1: training reranker" in said
    said.clear()
    more = ablate_search(store, qrels, [Knowledge.REASONS], fits=2, listen=said.append)
    assert said == [
        f"{name}, fit 2: {step}"
        for name in ("the whole shop", "trained without reasons")
        for step in ("training tree", "training reranker", "measuring 60 queries")
    ], "the first fits were there"
    body = more.as_json()
    assert (body["fits"], body["ablations"] == body["ablations_at_query_time"]) == (2, False)
    assert not [path for _, folder in variants(store) for path in folder.iterdir() if "tree" in path.name]

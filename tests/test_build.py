"""A build makes what changed, keeps what did not, and never shows half of anything."""

import errno
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from small_shop import (
    FEED,
    JUDGED,
    LOG,
    event_rows,
    judged_rows,
    product_rows,
    write_judged_store,
    write_rows,
    write_store,
)
from whybuy.artifacts import ARTIFACTS_FOLDER, CURRENT, MANIFEST, ArtifactStore
from whybuy.build import STAGES as STAGE_VALUES
from whybuy.build import BuildReport, Progress, Stage, State, Summary, build, changes
from whybuy.cli import app
from whybuy.config import STORE_FILE
from whybuy.demo.store import make_store
from whybuy.discovery import Discovery
from whybuy.errors import ArtifactError, ConfigError, InputError
from whybuy.graph import KnowledgeGraph
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.journal.judgments import JudgmentLog, to_table
from whybuy.knowledge.proposing.hypothesizer import from_table
from whybuy.knowledge.proposing.patterns import Patterns
from whybuy.records import CRITIC, HYPOTHESES, Judgment, Query, Question, Role
from whybuy.retrieval.finder import Finder
from whybuy.shop import Shop

STAGES = tuple(
    "catalog events pairs hypotheses graph expansion lexical named synonyms implied asked signals tree reranker "
    "completions student".split()
)
PUBLISHED = set(STAGES)


class Ear:
    """Remembers what a build says."""

    def __init__(self) -> None:
        self.heard: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.heard.append(progress)

    def stages(self, state: State) -> list[str]:
        return [progress.stage for progress in self.heard if progress.state is state]


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A built shop that a test may change."""
    return shutil.copytree(small_store, tmp_path / "shop")


def rebuild(store: Path, *, with_events: bool = True) -> Ear:
    ear = Ear()
    build(store, listen=ear, with_events=with_events)
    return ear


def found(store: Path, text: str = "shoes for pregnant women") -> list[str]:
    return Discovery.open(store).rank(text, limit=5)


def named(store: Path, text: str) -> list[str]:
    return Discovery.open(store).rank(text, limit=5, ranker="lexical")


def folders(store: Path) -> set[str]:
    return {path.name for path in (store / ARTIFACTS_FOLDER).iterdir() if path.is_dir()}


def add_setting(store: Path, text: str) -> None:
    with (store / STORE_FILE).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{text}\n")


def judge_reasons(store: Path, *, against: str) -> None:
    """Ten people who say no to one tail and yes to all others, in a file that the store names."""
    proposed = ArtifactStore(store / ARTIFACTS_FOLDER).current()["hypotheses"] / HYPOTHESES.file
    answers = [
        Judgment(one.head, one.relation, one.tail, f"judge {number}", Role.JUDGE, ((Question.PLAUSIBLE, answer),))
        for one in from_table(pq.read_table(proposed))
        for answer in [one.tail != against]
        for number in range(10)
    ]
    pq.write_table(to_table(answers), store / "judged.parquet")
    if "[critic]" not in (store / STORE_FILE).read_text():
        add_setting(store, '[critic]\njudgments = "judged.parquet"')


def journal_one(store: Path, number: int) -> None:
    """Somebody says yes to a proposed reason while the shop is served."""
    proposed = ArtifactStore(store / ARTIFACTS_FOLDER).current()["hypotheses"] / HYPOTHESES.file
    one = list(from_table(pq.read_table(proposed)))[number]
    with Journal(store / JOURNAL_FILE) as journal:
        answers = tuple((question, True) for question in Question)
        JudgmentLog(journal).add([Judgment(one.head, one.relation, one.tail, "ana", Role.JUDGE, answers)])


# ---------------------------------------------------------------- what is made
def test_a_build_makes_every_stage_in_order_and_says_so(tmp_path: Path) -> None:
    ear = Ear()
    report = build(write_store(tmp_path / "shop"), listen=ear)
    assert tuple(ear.stages(State.STARTED)) == tuple(ear.stages(State.DONE)) == STAGES
    assert (report.made, report.reused) == (len(STAGES), 0)
    assert set(report.keys) == PUBLISHED
    assert report.folder == tmp_path / "shop" / ARTIFACTS_FOLDER
    facts = {progress.stage: progress.summary for progress in ear.heard if progress.summary}
    assert facts["catalog"]["products"] == 60
    assert facts["events"]["queries"] == 180


@pytest.mark.heavy
def test_two_builds_of_the_same_files_find_the_same(tmp_path: Path) -> None:
    stores = [write_store(tmp_path / name) for name in ("one", "two")]
    reports: list[BuildReport] = [build(store) for store in stores]
    assert reports[0].keys == reports[1].keys
    assert found(stores[0]) == found(stores[1]) != []


def test_a_second_build_makes_nothing(store: Path) -> None:
    before = folders(store)
    assert rebuild(store).stages(State.REUSED) == list(STAGES)
    assert folders(store) == before


def rename_product(store: Path) -> None:
    rows = list(product_rows())
    rows[0]["title"] = "Marlowe clog, sage"
    write_rows(store / FEED, rows)


def add_purchase(store: Path) -> None:
    rows = list(event_rows())
    write_rows(store / LOG, [*rows, {**rows[2], "timestamp": "2026-03-20T00:00:00+00:00", "client_id": "late"}])


def touch_everything(store: Path) -> None:
    for name in (FEED, LOG):
        os.utime(store / name, (0, 0))


OF_WORDS = {"lexical", "synonyms", "asked", "completions", "reranker"}
CHANGES: list[tuple[Callable[[Path], None], set[str]]] = [
    (touch_everything, set()),
    (rename_product, PUBLISHED - {"events"}),
    (add_purchase, PUBLISHED - {"catalog", "lexical", "named"}),
    (lambda store: add_setting(store, "[lexical]\ncoverage = 3.0"), OF_WORDS),
    (
        lambda store: add_setting(store, "[pairs]\nmax_basket = 5"),
        PUBLISHED - {"catalog", "events", "lexical", "named"},
    ),
    (lambda store: add_setting(store, "[vocabulary]\nleast_shoppers = 1"), {"completions"}),
    (lambda store: add_setting(store, "[session]\ndecay = 0.25"), {"completions"}),
    (lambda store: add_setting(store, '[completion]\nblocked = ["shoes"]'), set()),
    (lambda store: add_setting(store, "[tree]\nbeam = 5"), {"tree", "reranker"}),
    (lambda store: add_setting(store, "[reranker]\nfolds = 2"), {"reranker"}),
    (lambda store: add_setting(store, "[student]\ntrust = 2"), {"student"}),
    (lambda store: add_setting(store, "[search]\ndepth = 100"), {"reranker"}),
    (lambda store: add_setting(store, "[search]\nintents = { limit = 1 }"), {"completions", "reranker"}),
    (
        lambda store: add_setting(store, "[tree]\nthreads = 1\n[student]\nthreads = 1\n[pairs]\nmemory_limit = '1GB'"),
        set(),
    ),
    (lambda store: add_setting(store, '[endpoint]\nmodel = "other"'), set()),
]


@pytest.mark.parametrize(("change", "made"), CHANGES)
def test_a_change_rebuilds_only_what_depends_on_it(store: Path, change: Callable[[Path], None], made: set[str]) -> None:
    change(store)
    ear = rebuild(store)
    assert set(ear.stages(State.DONE)) == made
    assert set(ear.stages(State.REUSED)) == set(STAGES) - made
    assert len(folders(store)) == len(PUBLISHED) + len(made)  # what was live until now may still be opened


def test_the_reranker_is_trained_on_what_search_finds(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finders: list[Finder] = []

    def train(trainer: object, gains: object, finder: Finder, *others: object, **settings: object) -> None:
        finders.append(finder)

    monkeypatch.setattr("whybuy.build.retrieval.train_reranker", train)
    add_setting(store, "[search]\ndepth = 3\nfusion = { always = 50.0 }")
    rebuild(store)
    shop, text = Shop.open(store), "marlowe lamp for pregnant women"
    trained, served = (each.retrieve(text, shop.intent_reader.read(text)).stages for each in (*finders, shop.finder))
    assert max(map(len, trained.values())) == 3
    assert trained["weighted_sum"].scores[0] > 2, "by the default weights it is less"
    assert {name: each.scores.tolist() for name, each in trained.items()} == {
        name: each.scores.tolist() for name, each in served.items()
    }


def test_completions_name_the_intents_that_search_reads(store: Path) -> None:
    def named(store: Path) -> list[str]:
        folder = ArtifactStore(store / ARTIFACTS_FOLDER).current()["completions"]
        tails: list[str] = pq.read_table(folder / "texts.parquet")["tail"].drop_null().to_pylist()
        return tails

    assert "pregnant women" in named(store)
    add_setting(store, "[search]\nintents = { limit = 0 }")
    rebuild(store)
    assert named(store) == []


def test_what_was_replaced_twice_is_gone(store: Path) -> None:
    for coverage in (3.0, 5.0):
        (store / "store.toml").write_text((store / "store.toml").read_text().split("[lexical]")[0])
        add_setting(store, f"[lexical]\ncoverage = {coverage}")
        rebuild(store)
    assert len(folders(store)) == len(PUBLISHED) + len(OF_WORDS)


def test_two_builds_do_not_meet(store: Path) -> None:
    live = (store / "artifacts" / "current.json").read_text()
    with (
        ArtifactStore(store / "artifacts").building(),
        pytest.raises(ArtifactError, match="Another process is building"),
    ):
        rebuild(store)
    assert (store / "artifacts" / "current.json").read_text() == live


def test_another_pattern_file_is_mined_anew(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patterns, "digest", "another")
    assert "hypotheses" in rebuild(store).stages(State.DONE)


def test_limits_of_filters_come_from_the_settings(store: Path) -> None:
    settings = store / "store.toml"
    text = settings.read_text()
    settings.write_text(text + "\n[filters.limits]\nincomplete = -1\n")
    (summary,) = [one.summary for one in rebuild(store).heard if one.stage == "hypotheses" and one.summary]
    assert summary["kept"] == 0
    settings.write_text(text + "\n[filters.limits]\nrestate = 1\n")
    with pytest.raises(
        ConfigError, match=r"\[filters\] .*limits names restate; there are limits of incomplete, restates"
    ):
        rebuild(store)


def test_the_demo_does_not_replace_a_shop(store: Path) -> None:
    settings = (store / "store.toml").read_text()
    with pytest.raises(ConfigError, match="is a shop already, and not the demo"):
        make_store(store)
    assert (store / "store.toml").read_text() == settings


def test_a_changed_feed_is_what_is_found(store: Path) -> None:
    rename_product(store)
    build(store)
    assert named(store, "clog") == ["slip-0"]


def test_a_catalog_alone_makes_a_shop_with_reasons_from_descriptions(tmp_path: Path) -> None:
    ear = rebuild(write_store(tmp_path / "shop", logs=False))
    assert {progress.stage: progress.note for progress in ear.heard if progress.state is State.SKIPPED} == {
        "events": "the shop has no logs",
        "critic": "nobody has judged a reason",
        "synonyms": "there are neither logs nor judgments to train on",
        "asked": "there are neither logs nor judgments to train on",
        "reranker": "there are neither logs nor judgments to train on",
    }
    hit = Discovery.open(tmp_path / "shop").search(Query("something for family camping")).hits[0]
    assert hit.product_id.startswith("dome")
    assert any("description" in line for reason in hit.reasons for line in reason.evidence)


def test_a_wordnet_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop", logs=False)
    add_setting(store, '[wordnet]\nfolder = "dictionary"')
    with pytest.raises(ConfigError, match=r"dictionary holds no WordNet database: index\.noun is missing"):
        build(store)


def test_a_wordnet_database_beside_the_store_is_read(tmp_path: Path) -> None:
    store, database = write_store(tmp_path / "shop", logs=False), tmp_path / "shop" / "dictionary"
    build(store)
    before = named(store, "tether")
    database.mkdir()
    (database / "data.noun").write_text("00000001 06 n 02 leash 0 tether 0 000 | it holds an animal\n")
    (database / "index.noun").write_text("leash n 1 0 1 0 00000001\ntether n 1 0 1 0 00000001\n")
    add_setting(store, '[wordnet]\nfolder = "dictionary"')
    assert rebuild(store).stages(State.DONE) == ["named"]
    assert not any(product_id.startswith("dog-") for product_id in before)
    assert all(product_id.startswith("dog-") for product_id in named(store, "tether"))


# ---------------------------------------------------------------- judgments
@pytest.fixture
def judged(judged_store: Path, tmp_path: Path) -> Path:
    """A built shop with a reranker that a test may change."""
    return shutil.copytree(judged_store, tmp_path / "judged")


def wanted_first(store: Path) -> int:
    """For how many of the sixty judged queries the best product comes first."""
    opened = Discovery.open(store)
    wanted = {row["query"]: row["product_id"] for row in judged_rows() if row["relevance"] == "3"}
    return sum(opened.rank(query, limit=1) == [product_id] for query, product_id in wanted.items())


def test_judgments_train_the_reranker(small_store: Path, judged_store: Path) -> None:
    assert wanted_first(small_store) == 0
    assert wanted_first(judged_store) >= 20
    assert "reranker_key" in Discovery.open(judged_store).facts()


def test_what_people_deny_leaves_the_graph(store: Path) -> None:
    query, need = "shoes for pregnant women", "pregnant women"
    assert need in {intent.tail for intent in Discovery.open(store).intents(query)}
    judge_reasons(store, against=need)
    ear = rebuild(store)
    assert ear.stages(State.DONE)[:2] == ["critic", "graph"]
    assert need not in {intent.tail for intent in Discovery.open(store).intents(query)}
    assert {
        edge["scored_by"]
        for edge in KnowledgeGraph(ArtifactStore(store / ARTIFACTS_FOLDER).current()["graph"])
        .edges.select(["scored_by"])
        .to_pylist()
    } == {CRITIC}
    assert rebuild(store).stages(State.DONE) == []
    judge_reasons(store, against="nobody")
    rebuild(store)
    assert need in {intent.tail for intent in Discovery.open(store).intents(query)}


def test_judgments_of_the_journal_count_as_well(store: Path) -> None:
    journal_one(store, 0)
    ear = rebuild(store)
    facts = next(progress.summary for progress in ear.heard if progress.stage == "critic" and progress.summary)
    assert (facts["plausible answers"], facts["typical answers"]) == (1, 1)
    assert "10 answers of yes and of no are needed" in str(facts["why"])
    assert "hypotheses" in ear.stages(State.REUSED)
    (store / STORE_FILE).write_text((store / STORE_FILE).read_text() + "\n[filters]\ntuned = true\n")
    assert "hypotheses" in rebuild(store).stages(State.DONE)


def test_a_plan_reads_the_journal_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal_one(store, 0)
    (store / STORE_FILE).write_text((store / STORE_FILE).read_text() + "\n[filters]\ntuned = true\n")
    refresh, refreshed = JudgmentLog.refresh, []

    def counted(log: JudgmentLog) -> bool:
        refreshed.append(log)
        return refresh(log)

    monkeypatch.setattr(JudgmentLog, "refresh", counted)
    assert any(why.startswith("judgments: new") for why in changes(store)["hypotheses"])
    assert len(refreshed) == 1


@pytest.mark.heavy
def test_other_judgments_teach_words_and_the_reranker_alone(judged: Path) -> None:
    write_rows(judged / JUDGED, [*judged_rows(), {"query": "lamp", "product_id": "floo-0", "relevance": "3"}])
    assert rebuild(judged).stages(State.DONE) == ["synonyms", "asked", "reranker"]


def test_judgments_train_a_shop_without_logs(tmp_path: Path) -> None:
    store = write_judged_store(tmp_path / "shop", logs=False)
    assert "reranker" in rebuild(store).stages(State.DONE)
    assert wanted_first(store) >= 20
    assert "reranker" not in rebuild(store, with_events=False).stages(State.REUSED)
    assert wanted_first(store) == 0


def test_a_build_says_when_too_few_queries_train_a_reranker(tmp_path: Path) -> None:
    ear = Ear()
    build(write_store(tmp_path / "shop"), listen=ear)
    (summary,) = (one.summary for one in ear.heard if one.stage == "reranker" and one.summary)
    assert summary == {"queries": 0, "why": "too few of 9 queries to train on; 200 are needed"}


def test_a_folder_of_judgments_trains_the_reranker(judged: Path) -> None:
    (judged / JUDGED).unlink()
    (judged / JUDGED).mkdir()
    rows = [["query_id", "product_id", "label"]]
    rows += [
        [row["query"], row["product_id"], "Exact" if row["relevance"] == "3" else "Partial"] for row in judged_rows()
    ]
    queries = ["query_id\tquery", *(f"{query}\t{query}" for query in {row[0] for row in rows[1:]})]
    (judged / JUDGED / "label.csv").write_text("\n".join(map("\t".join, rows)))
    (judged / JUDGED / "query.csv").write_text("\n".join(queries))
    assert rebuild(judged).stages(State.DONE) == ["synonyms", "asked", "reranker"]


def test_missing_judgments_are_named(judged: Path) -> None:
    (judged / JUDGED).unlink()
    seen: list[Progress] = []
    with pytest.raises(ConfigError, match=r"judgments\.csv does not exist. Correct its path in store\.toml"):
        build(judged, listen=seen.append)
    assert not seen, "before the first stage"
    assert build(judged, with_events=False).made, "a build from the catalog alone asks for none"


def test_a_build_of_before_there_were_trees_says_what_to_run(store: Path) -> None:
    pointer = store / ARTIFACTS_FOLDER / CURRENT
    live = json.loads(pointer.read_text())
    pointer.write_text(json.dumps({kind: key for kind, key in live.items() if kind != "tree"}))
    with pytest.raises(ArtifactError, match=r"The last build made no tree\. Run `whybuy build`"):
        Discovery.open(store)


def test_logs_can_be_left_out(store: Path) -> None:
    ear = rebuild(store, with_events=False)
    assert "building from the catalog alone" in [progress.note for progress in ear.heard]
    assert not ear.stages(State.DONE) or "events" not in ear.stages(State.DONE)
    assert Discovery.open(store).intents("shoes for pregnant women") == ()


# ---------------------------------------------------------------- side by side, and why
@pytest.mark.heavy
def test_processes_make_the_same_as_one(small_store: Path, tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop")
    ear = Ear()
    report = build(store, listen=ear, processes=2)
    assert set(ear.stages(State.DONE)) == set(STAGES)
    assert report.keys == ArtifactStore(small_store / ARTIFACTS_FOLDER).live()
    assert report.peak_memory > 10_000_000
    assert found(store) == found(small_store) != []
    assert not multiprocessing.active_children()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("processes", "message"),
    [
        (2, r"in the stage \w+ or beside it; .*memory.* again with --processes 1\."),
        (1, r"in the stage hypotheses; .*memory.* again when more memory is free\."),
    ],
)
def test_a_process_that_is_killed_ends_the_build_in_words(tmp_path: Path, processes: int, message: str) -> None:
    store = write_store(tmp_path / "shop")

    def kill(progress: Progress) -> None:
        if progress.stage == "hypotheses" and progress.state is State.STARTED:
            for child in multiprocessing.active_children():
                child.kill()

    with pytest.raises(ArtifactError, match=message):
        build(store, listen=kill, processes=processes)
    assert {"catalog", "events", "pairs"} <= set(rebuild(store).stages(State.REUSED))


def be_killed(shop: Shop, folder: Path) -> Summary:
    """Leave something half-written, as a process does that the kernel kills."""
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


@pytest.mark.heavy
def test_a_process_that_is_killed_leaves_no_draft(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop", logs=False)
    stages = (STAGE_VALUES[0], Stage(kind="killed", version=1, make=be_killed, after=("catalog",)))
    with pytest.raises(ArtifactError, match="killed, in the stage killed;"):
        build(store, processes=1, stages=stages)
    assert {name.rsplit("-", 1)[0] for name in folders(store)} == {"catalog"}


@pytest.mark.heavy
def test_ctrl_c_passes_over_processes_that_are_still_beginning(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.state is State.STARTED:  # the second time there are processes, which import what they need
            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGINT)

    assert build(write_store(tmp_path / "shop"), listen=interrupt, processes=2, stages=STAGE_VALUES[:2]).made == 2


def test_what_goes_wrong_in_a_process_is_what_goes_wrong(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop")
    (store / FEED).write_text("id,title\n")
    with pytest.raises(InputError):
        build(store, processes=1)
    assert not multiprocessing.active_children()
    assert [name for name in folders(store) if name.startswith(".")] == []


@pytest.mark.heavy
@pytest.mark.parametrize("processes", [0, 1])
def test_what_is_judged_during_a_build_waits_for_the_next_one(store: Path, processes: int) -> None:
    journal_one(store, 0)
    summaries: list[Progress] = []

    def judge_meanwhile(progress: Progress) -> None:
        if (progress.stage, progress.state) == ("critic", State.STARTED):
            journal_one(store, 1)
        summaries.extend([progress] if progress.stage == "critic" and progress.summary else [])

    build(store, listen=judge_meanwhile, processes=processes)
    build(store, listen=judge_meanwhile, processes=processes)
    assert [one.summary["plausible answers"] for one in summaries if one.summary] == [1, 2]


def test_a_file_that_is_written_meanwhile_is_no_source_of_an_artifact(store: Path) -> None:
    rename_product(store)

    def append(progress: Progress) -> None:
        if (progress.stage, progress.state) == ("catalog", State.STARTED):
            with (store / FEED).open("a", encoding="utf-8") as feed:
                feed.write("late-1,A late lamp,,Tarn,Home > floor lamp,9.00 USD,sage\n")

    live = (store / ARTIFACTS_FOLDER / CURRENT).read_text()
    with pytest.raises(InputError, match=r"products\.csv was written while the build read it"):
        build(store, listen=append)
    assert (store / ARTIFACTS_FOLDER / CURRENT).read_text() == live
    build(store)
    assert named(store, "late lamp")[0] == "late-1"


def test_a_stage_reads_no_artifact_that_it_does_not_name(store: Path) -> None:
    def peek(shop: Shop, folder: Path) -> dict[str, float | int | str]:
        (folder / "nodes").write_text(str(len(shop.graph.nodes)))
        return {}

    stages = [*STAGE_VALUES, Stage(kind="peek", version=1, make=peek, after=("catalog",))]
    with pytest.raises(ArtifactError, match="made no graph"):
        build(store, stages=stages)
    assert build(store, stages=[*stages[:-1], replace(stages[-1], after=("catalog", "graph"))]).made == 1


def test_changes_are_listed_by_stage(store: Path) -> None:
    assert set(map(tuple, changes(store).values())) == {()}
    add_setting(store, "[student]\ntrust = 2")
    rename_product(store)
    why = changes(store)
    assert why["student"][0] == "[student] trust: 3 -> 2"
    assert why["catalog"][0].startswith("products.csv: ")
    assert why["events"] == []
    assert [line.split(":")[0] for line in why["lexical"]] == ["catalog"]
    shutil.rmtree(store / ARTIFACTS_FOLDER)
    assert changes(store)["graph"] == ["it was never made"]


def test_nothing_has_changed_where_a_build_takes_what_an_earlier_or_a_stopped_one_made(store: Path) -> None:
    settings = (store / STORE_FILE).read_text()
    add_setting(store, "[student]\ntrust = 2")
    build(store)
    (store / STORE_FILE).write_text(settings)
    assert changes(store)["student"] == []
    assert "student" in rebuild(store).stages(State.REUSED)
    rename_product(store)
    with pytest.MonkeyPatch.context() as patch:
        stop_in(patch, "knowledge.apply_filters", KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            build(store)
    expected = {stage for stage, lines in changes(store).items() if lines}
    assert expected == set(rebuild(store).stages(State.DONE)) == PUBLISHED - {"catalog", "events", "pairs"}


def test_stages_that_come_after_each_other_are_refused(store: Path) -> None:
    one, other = (replace(STAGE_VALUES[0], kind=kind, after=(after,)) for kind, after in (("a", "b"), ("b", "a")))
    with pytest.raises(ConfigError, match="The stages a, b come after each other"):
        build(store, stages=[*STAGE_VALUES, one, other])


# ---------------------------------------------------------------- what goes wrong
WORKERS = (
    *("catalog.infer_types", "behavior.read_events", "behavior.mine_pairs", "knowledge.apply_filters"),
    *("knowledge.assemble", "retrieval.build_expansion", "retrieval.build_lexical", "retrieval.catalog_synonyms"),
    *("retrieval.SynonymLearner", "retrieval.known_words", "retrieval.AskedWords"),
    *("retrieval.SignalIndex.build", "retrieval.reason_training_set", "retrieval.train_reranker"),
    *("completion.build_parts", "intents.train_student"),
)
"""The function in the module of each stage that does its work, in the order of `STAGES`."""
STOPS = (KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def stop_in(patch: pytest.MonkeyPatch, worker: str, stop: BaseException) -> None:
    """Let the worker of a stage leave something behind and stop."""

    def stopping(*arguments: object, **settings: object) -> None:
        for folder in (one for one in arguments if isinstance(one, Path) and one.is_dir()):
            (folder / "half").write_text("half")
        raise stop

    patch.setattr(f"whybuy.build.{worker}", stopping)


@pytest.mark.parametrize("stop", STOPS, ids=["ctrl-c", "full disk"])
def test_a_first_build_stopped_in_every_stage_shows_nothing_and_goes_on_where_it_was(
    tmp_path: Path, stop: BaseException
) -> None:
    store = write_store(tmp_path / "shop")
    for done, worker in enumerate(WORKERS):
        ear = Ear()
        with pytest.MonkeyPatch.context() as patch:
            stop_in(patch, worker, stop)
            with pytest.raises(type(stop)):
                build(store, listen=ear)
        assert ear.stages(State.REUSED) == list(STAGES[: max(0, done - 1)])
        assert len(folders(store)) == done  # no draft stays
        with pytest.raises(ArtifactError, match=r"holds no finished build .*Run `whybuy build --store"):
            Discovery.open(store)
    assert rebuild(store).stages(State.DONE) == ["student"]
    assert found(store)


@pytest.mark.parametrize("stop", STOPS, ids=["ctrl-c", "full disk"])
def test_a_stopped_rebuild_leaves_the_live_shop_untouched(store: Path, stop: BaseException) -> None:
    before = (store / ARTIFACTS_FOLDER / CURRENT).read_bytes()
    rename_product(store)
    with pytest.MonkeyPatch.context() as patch:
        stop_in(patch, "intents.train_student", stop)
        with pytest.raises(type(stop)):
            build(store)
    assert (store / ARTIFACTS_FOLDER / CURRENT).read_bytes() == before
    assert named(store, "clog") == []
    assert rebuild(store).stages(State.DONE) == ["student"]
    assert named(store, "clog") == ["slip-0"]


def test_what_a_killed_build_left_is_swept_away(store: Path) -> None:
    draft = store / ARTIFACTS_FOLDER / ".draft-graph-killed"
    draft.mkdir()
    (draft / "edges.parquet").write_text("half")
    build(store)
    assert not draft.exists()


def half_write(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def cut_off(folder: Path) -> None:
    path = max((path for path in folder.rglob("*.*") if path.name != MANIFEST), key=lambda path: path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1])


def lose_a_file(folder: Path) -> None:
    min(path for path in folder.rglob("*.*") if path.name != MANIFEST).unlink()


def garble_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("{")


@pytest.mark.parametrize("kind", ["catalog", "graph", "lexical", "completions", "expansion", "tree"])
@pytest.mark.parametrize("damage", [half_write, cut_off, lose_a_file, garble_manifest])
def test_a_damaged_artifact_is_never_opened_and_is_made_anew(
    store: Path, kind: str, damage: Callable[[Path], None]
) -> None:
    damage(ArtifactStore(store / ARTIFACTS_FOLDER).current()[kind])
    with pytest.raises(
        ArtifactError, match=r"(no whole '|missing or |is )(damaged|\w+' artifact).*[Rr]un `whybuy build`"
    ):
        Discovery.open(store)
    assert rebuild(store).stages(State.DONE) == [kind]


@pytest.mark.heavy
@pytest.mark.parametrize("damage", [half_write, cut_off, lose_a_file, garble_manifest])
def test_a_damaged_order_is_never_opened_and_is_made_anew(judged: Path, damage: Callable[[Path], None]) -> None:
    damage(ArtifactStore(judged / ARTIFACTS_FOLDER).current()["reranker"])
    with pytest.raises(ArtifactError, match=r"[Rr]un `whybuy build`"):
        Discovery.open(judged)
    assert rebuild(judged).stages(State.DONE) == ["reranker"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[lexicl]\ncoverage = 3", r"no part reads the table \[lexicl\]. Did you mean 'lexical'\?"),
        ("[reranker]\nfolds = 1", r"store\.toml: \[reranker\] folds is 1; .* takes 2 or more"),
        ("[lexical]\ncoverige = 3", r"\[lexical\] has no setting 'coverige'. Did you mean 'coverage'\?"),
        ("[graph]\nleast = 'x'", r"\[graph\] has no setting 'least'"),
        ("[lexical]\ncoverage = 'much'", r"\[lexical\] coverage = 'much': .*number"),
        ("lexical = 3", r"lexical must be a table, not 3"),
        ("[[catalog]]\npath = 'products.csv'\nfromat = 'plain'", r"\[catalog\] has no setting 'fromat'"),
        ("[shop]\nlanguage = 7", r"\[shop\] language = 7"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_made(tmp_path: Path, settings: str, message: str) -> None:
    store = tmp_path / "shop"
    store.mkdir()
    write_rows(store / FEED, product_rows())
    given = settings if settings.startswith("lexical =") else f"\n[[catalog]]\npath = '{FEED}'\n{settings}"
    (store / STORE_FILE).write_text(given)
    with pytest.raises(ConfigError, match=message):
        build(store)
    assert not (store / ARTIFACTS_FOLDER).exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"names no product feed. Add \[\[catalog\]\]"),
        ('[[catalog]]\npath = "gone.csv"', r"gone\.csv"),
        ("[[catalog]", r"is not valid TOML"),
        ('[catalog]\npath = "products.csv"', r"must be written as \[\[catalog\]\]"),
    ],
)
def test_a_store_file_that_cannot_be_followed_says_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / STORE_FILE).write_text(text)
    with pytest.raises((ConfigError, InputError), match=message):
        build(tmp_path)


def test_a_folder_that_is_no_shop_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no shop: it has no store.toml. Make one with `whybuy init --store"):
        build(tmp_path)


# ---------------------------------------------------------------- the real thing
def command(store: Path, processes: int) -> list[str]:
    return [sys.executable, "-m", "whybuy.cli", "build", "--store", str(store), "--processes", str(processes)]


@pytest.mark.heavy
@pytest.mark.parametrize(("after", "processes"), [("catalog", 2), ("events", 0)])
def test_a_real_ctrl_c_ends_in_words_and_the_next_build_finishes(tmp_path: Path, after: str, processes: int) -> None:
    store = write_store(tmp_path / "shop")
    with subprocess.Popen(
        command(store, processes), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        said = [next(line for line in process.stderr if after in line)]
        os.killpg(process.pid, signal.SIGINT)  # a terminal interrupts the workers as well
        said += process.stderr
    assert process.returncode == 1, said
    told = "".join(said)  # a library that was interrupted may have its own last word
    assert "Stopped. What was finished is kept; run the same command again to go on." in told
    assert "Traceback" not in told
    assert after in {name.rsplit("-", 1)[0] for name in folders(store)}
    assert [name for name in folders(store) if name.startswith(".")] == []
    assert after in rebuild(store).stages(State.REUSED)
    assert found(store)


@pytest.mark.heavy
def test_the_workers_of_a_killed_build_end_and_the_next_build_finishes(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop")
    with subprocess.Popen(command(store, 2), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "catalog" in line)
        process.kill()
        process.communicate(timeout=30)  # returns once nobody holds its stderr any more
    assert "catalog" in rebuild(store).stages(State.REUSED)
    assert found(store)


def mount(folder: Path, options: str) -> None:
    mounting = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here: that takes root")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk on which little more than the files of the small shop fits; one that a killed run leaves is in no way."""
    with TemporaryDirectory(prefix="whybuy-disk-") as name:
        folder = Path(name)
        mount(folder, "size=60k")
        yield folder
        subprocess.run(["umount", "--lazy", name], check=True)


@pytest.mark.heavy
def test_a_full_disk_ends_in_words_and_more_room_lets_the_build_go_on(small_disk: Path) -> None:
    store = write_store(small_disk / "shop")
    runner = CliRunner()
    said, done = [], 0
    for kilobytes in range(80, 4000, 20):
        result = runner.invoke(app, ["build", "--store", str(store)])
        if result.exit_code == 0:
            break
        assert result.exit_code == 1, result.stderr
        assert re.search(r"error: .*([Nn]o space left on device|disk full).*Nothing half-written", result.stderr)
        assert not any(name.startswith(".") for name in folders(store))
        assert len(folders(store)) >= done
        done = len(folders(store))
        said.append(result.stderr)
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(small_disk)], check=True)
    assert result.exit_code == 0
    assert len(said) >= 5
    assert found(store)

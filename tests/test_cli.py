"""The commands: what they print where, how they end, and that all of them are documented."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient
from typer.main import get_command
from typer.testing import CliRunner, Result

import whybuy
from extras import needs_neural
from small_shop import FEED, JUDGED, LOG, product_rows, write_rows, write_store
from tiny_transformer import write_tiny_transformer
from whybuy.cli import app
from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.retrieval.rankers import RANKER_NAMES
from whybuy.serving.app import create_app

PAGE = Path(whybuy.__file__).parents[2] / "docs" / "cli.md"
NEED = "shoes for pregnant women"


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]


COMMANDS = sorted(commands(get_command(app)))


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words: str | Path) -> Result:
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    return result


def failed(code: int, *words: str | Path) -> str:
    """What a command that fails says; nothing of it on stdout, and no traceback."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return re.sub(r"[\s│]+", " ", result.stderr)


# ---------------------------------------------------------------- the commands as a whole
@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_every_command_helps(words: tuple[str, ...]) -> None:
    text = done(*words, "--help").stdout
    assert "Usage:" in text
    assert "--help" in text


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_documented_with_every_option(words: tuple[str, ...]) -> None:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    section = [text for text in sections if text.startswith(f"`whybuy {' '.join(words)}`")]
    assert len(section) == 1, f"docs/cli.md has no section `whybuy {' '.join(words)}`"
    command = get_command(app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    for option in (name for parameter in command.params for name in parameter.opts if name.startswith("--")):
        assert f"`{option}" in section[0] or option in ("--help", "--store"), option


def test_help_names_the_rankers_that_search_is_evaluated_by() -> None:
    text = done("evaluate", "search", "--help").stdout
    assert all(name in text for name in RANKER_NAMES)


OF_NO_SHOP = {
    ("recipe",),
    ("lm", "tune"),
    ("lm", "evaluate"),
    *(words for words in COMMANDS if {"xmr", "critic"} & {*words}),
}


@pytest.mark.parametrize("words", sorted({*COMMANDS} - OF_NO_SHOP), ids=" ".join)
def test_every_command_of_a_shop_takes_its_store(words: tuple[str, ...]) -> None:
    assert "--store" in done(*words, "--help").stdout


def test_no_page_documents_a_command_that_does_not_exist() -> None:
    documented = re.findall(r"^## `whybuy (.+?)`", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(documented) == [" ".join(words) for words in COMMANDS]


def test_the_version_is_that_of_the_package() -> None:
    assert done("--version").stdout == f"{whybuy.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("serch",), r"No such command 'serch'"),
        (("search",), r"(?i)missing argument 'query'"),
        (("search", "shoe", "--limit", "-1"), r"--limit.* 0"),
        (("search", "shoe", "--sort", "color"), r"'color' is not one of 'relevance', 'price', '-price', 'title'"),
        (("search", "shoe", "--filter", "brand"), r"filter 'brand' does not fit: `field:value`;"),
        (("evaluate", "search", "--judgments", "j.csv", "--scale", "high"), r"Scale 'high' is not \"low..high\""),
        (("evaluate", "search", "--judgments", "j.csv", "--scale", "3..1"), r"scale of grades must rise"),
        (("evaluate", "search", "--judgments", "j.csv", "--rankers", "lexical,best"), r"Ranker 'best' is not one of"),
        (("evaluate", "search"), r"Give either --judgments FILE or --clicks LOG\."),
        (("evaluate", "search", "--judgments", "j.csv", "--clicks", "l.csv"), r"Give either --judgments FILE or"),
        (("evaluate", "search", "--clicks", "l.csv", "--scale", "0..1"), r"--scale is of --judgments"),
        (("evaluate", "search", "--judgments", "j.csv", "--ablate", "reason"), r"'reason' is not one of reasons, syn"),
        (("export", "graph", "out", "--format", "rdf"), r"Format 'rdf' is not one of parquet, neo4j"),
    ],
)
def test_wrong_use_ends_with_2(words: tuple[str, ...], message: str) -> None:
    assert re.search(message, failed(2, *words))


def test_an_unknown_ranker_ends_with_1_and_the_names_of_all(small_store: Path) -> None:
    said = failed(1, "search", "shoe", "--ranker", "best", "--store", str(small_store))
    assert "Ranker 'best' is not one of lexical, intents, tree, signals, fused" in said


@pytest.mark.parametrize(
    "words",
    [
        ("validate",),
        ("build",),
        ("search", "shoe"),
        ("explain", "shoe", "slip-0"),
        ("intents", "shoe"),
        ("graph", "show", "shoe"),
        ("serve",),
    ],
    ids=" ".join,
)
def test_a_folder_that_is_no_shop_ends_with_1_and_the_next_step(words: tuple[str, ...], tmp_path: Path) -> None:
    said = failed(1, *words, "--store", tmp_path)
    assert re.search(r"error: .* is no shop: it has no store.toml. Make one with `whybuy init", said)


def test_a_shop_that_is_not_built_says_so(tmp_path: Path) -> None:
    said = failed(1, "search", "shoe", "--store", write_store(tmp_path))
    assert re.search(r"holds no finished build .*Run `whybuy build --store", said)


# ---------------------------------------------------------------- making a shop
@pytest.mark.heavy
def test_from_files_to_an_answer(tmp_path: Path) -> None:
    feed, store = write_rows(tmp_path / FEED, product_rows()), tmp_path / "shop"
    seen = done("init", feed, "--store", store)
    assert "title: title" in seen.stdout
    assert f"whybuy build --store {store}" in seen.stderr
    assert "60" in done("validate", "--store", store).stdout
    built = done("build", "--store", store)
    assert built.stdout == ""
    assert "products 60" in built.stderr
    assert "skipped: the shop has no logs" in built.stderr
    assert "0 stages made, 11 reused" in done("build", "--store", store).stderr
    assert "floor lamp" in done("search", "lamp", "--store", store).stdout


def test_init_keeps_a_corrected_store_file_unless_told(tmp_path: Path) -> None:
    feed = write_rows(tmp_path / FEED, product_rows())
    done("init", feed, "--store", tmp_path)
    assert "store.toml exists" in failed(1, "init", feed, "--store", tmp_path)
    done("init", feed, "--store", tmp_path, "--overwrite")


def test_init_says_which_file_it_cannot_use(tmp_path: Path) -> None:
    assert "nope.csv" in failed(1, "init", tmp_path / "nope.csv", "--store", tmp_path)
    log = write_rows(tmp_path / LOG, [{"when": "2026-01-01", "what": "bought"}])
    assert "None of the files is a product feed" in failed(1, "init", log, "--store", tmp_path)


def test_validate_as_json_is_json(small_store: Path) -> None:
    assert json.loads(done("validate", "--store", small_store, "--json").stdout)


@pytest.mark.heavy
def test_a_build_from_the_catalog_alone_leaves_the_logs_out(tmp_path: Path) -> None:
    said = done("build", "--store", write_store(tmp_path), "--catalog-only").stderr
    assert "building from the catalog alone" in said
    assert re.search(r"events +skipped: building from the catalog alone", said)


# ---------------------------------------------------------------- asking
@pytest.fixture(scope="module")
def client(small_discovery: Discovery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with Journal(tmp_path_factory.mktemp("journal") / "journal.sqlite") as journal:
        yield TestClient(create_app(small_discovery, journal))


def body(text: str) -> dict[str, object]:
    """A JSON object without what differs from one asking to the next."""
    found: dict[str, object] = json.loads(text)
    return {name: value for name, value in found.items() if name not in ("query_id", "took_ms")}


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("search", NEED), "/v1/search?q=shoes+for+pregnant+women"),
        (
            ("search", "lamp", "--limit", "2", "--offset", "1", "--sort", "-price", "--filter", "color:sage"),
            "/v1/search?q=lamp&limit=2&offset=1&sort=-price&filter=color:sage",
        ),
        (("search", "lamp", "--ranker", "lexical"), "/v1/search?q=lamp&ranker=lexical"),
        (("search", "lamp", "--explain"), "/v1/search?q=lamp&explain=true"),
        (("search", "xqzv"), "/v1/search?q=xqzv"),
        (("complete", "sl", "--limit", "3"), "/v1/complete?prefix=sl&limit=3"),
        (("explain", NEED, "slip-0"), "/v1/explain?q=shoes+for+pregnant+women&product_id=slip-0"),
        (("intents", NEED), "/v1/intents?q=shoes+for+pregnant+women"),
    ],
)
def test_json_is_the_body_of_the_api_and_nothing_else(
    client: TestClient, small_store: Path, words: tuple[str, ...], path: str
) -> None:
    printed = done(*words, "--store", small_store, "--json").stdout
    assert printed.endswith("}\n")
    answer = client.get(path)
    assert answer.status_code == 200
    assert body(printed) == body(answer.text)
    assert list(json.loads(printed)) == list(answer.json())


def test_a_search_for_people_shows_reasons_and_stages(small_store: Path) -> None:
    text = done("search", NEED, "--store", small_store, "--limit", "2").stdout
    assert "understood: made for pregnant women" in text
    assert "because: slip-on shoe -- made for pregnant women" in text
    assert re.search(r"by intents \(.*some_words", text)
    assert " 2. " in text
    assert " 3. " not in text
    assert done("search", "xqzv", "--store", small_store).stdout == "nothing found\n"


def test_a_search_shows_the_way_through_the_tree_when_asked(small_store: Path) -> None:
    asked = ("search", NEED, "--store", small_store, "--limit", "2")
    assert "tree: " not in done(*asked).stdout
    text = done(*asked, "--explain").stdout
    assert text.count("tree: ") == 2
    assert len(re.findall(r"-> this product [\d.e-]+  \(.*pregnant [+-][\d.]+", text)) == 2
    assert "tree: " in done("explain", NEED, "slip-0", "--store", small_store).stdout


def test_explain_shows_the_evidence(small_store: Path) -> None:
    assert "searches led to it" in done("explain", NEED, "slip-0", "--store", small_store).stdout
    assert "has no product 'nope'" in failed(1, "explain", NEED, "nope", "--store", small_store)


def test_intents_are_listed(small_store: Path) -> None:
    assert re.match(r"[01]\.\d\d  made for pregnant women ", done("intents", NEED, "--store", small_store).stdout)


def test_the_graph_is_shown_around_a_need(small_store: Path) -> None:
    text = done("graph", "show", "pregnant women", "--store", small_store).stdout
    assert "slip-on shoe  --used_for_audience->  pregnant women" in text
    around = json.loads(
        done("graph", "show", "pregnant women", "--store", small_store, "--limit", "1", "--json").stdout
    )
    assert len(around["edges"]) == 1
    assert "has no node 'nowhere'" in failed(1, "graph", "show", "nowhere", "--store", small_store)


@pytest.mark.parametrize("form", ["parquet", "neo4j", "ntriples", "graphml"])
def test_the_graph_is_exported_and_the_files_are_named(small_store: Path, tmp_path: Path, form: str) -> None:
    printed = done("export", "graph", tmp_path / "out", "--store", small_store, "--format", form).stdout
    assert {Path(line) for line in printed.splitlines()} == set((tmp_path / "out").iterdir()) != set()


def test_a_request_can_be_answered_without_words_of_markup(small_store: Path) -> None:
    assert "[/bold]" in failed(1, "graph", "show", "[/bold]", "--store", small_store)


# ---------------------------------------------------------------- measuring
@pytest.fixture
def judgments(tmp_path: Path) -> Path:
    rows = [
        {"query": NEED, "product_id": row["id"], "relevance": str(3 if row["id"].startswith("slip") else 1)}
        for row in product_rows()
    ]
    return write_rows(tmp_path / "judgments.csv", rows)


def test_judgments_that_trained_the_reranker_are_no_evidence(judged_store: Path, judgments: Path) -> None:
    words = ("evaluate", "search", "--store", judged_store, "--judgments")
    said = " ".join(done(*words, judged_store / JUDGED).stderr.split())
    assert "The reranker was trained on" in said
    assert "was trained on" not in done(*words, judgments).stderr


def test_search_is_measured_for_every_ranker(small_store: Path, judgments: Path, tmp_path: Path) -> None:
    words = ("evaluate", "search", "--store", small_store, "--judgments", judgments)
    measured = json.loads(done(*words, "--json", "--trec", tmp_path / "runs").stdout)
    assert measured["queries"] == 1
    names = {"ndcg@10", "recall@10", "recall@100", "mrr@10", "zero_results", "p50_ms", "p99_ms"}
    for ranker in ("lexical", "intents", "fused"):
        assert names <= set(measured["rankers"][ranker])
        assert (tmp_path / "runs" / f"{ranker}.run").read_text().count("\n") >= 10
    assert measured["rankers"]["fused"]["ndcg@10"] == measured["rankers"]["fused"]["recall@10"] == 1.0
    table = done(*words, "--rankers", "fused", "--scale", "1..3", "--relevant-from", "2.5").stdout
    assert "fused" in table
    assert "lexical" not in table


def test_judgments_that_are_not_there_are_named(small_store: Path, tmp_path: Path) -> None:
    said = failed(1, "evaluate", "search", "--store", small_store, "--judgments", tmp_path / "gone.csv")
    assert "gone.csv" in said


def test_a_graph_is_measured_against_its_truth(small_store: Path, tmp_path: Path) -> None:
    truth = pa.table(
        {
            "product_type": ["slip-on shoe"],
            "relation": ["used_for_audience"],
            "tail": ["pregnant women"],
            "wordings": [["pregnant women"]],
            "category": ["Shoes"],
            "held_out": [False],
            "purchases": [40],
        }
    )
    pq.write_table(truth, tmp_path / "truth.parquet")
    words = ("evaluate", "graph", "--store", small_store, "--truth", tmp_path / "truth.parquet")
    measured = json.loads(done(*words, "--json").stdout)
    assert {"precision", "recall", "edges", "per_relation"} <= set(measured)
    assert measured["recall"] == 1.0
    assert "used_for_audience" in done(*words).stdout
    assert "only the demo shop has one" in failed(1, "evaluate", "graph", "--store", small_store)


def test_filters_are_reported_by_filter_and_origin(small_store: Path, tmp_path: Path) -> None:
    said = done("evaluate", "filters", "--store", small_store).stdout
    assert re.search(r"^filter +reached +rejected$", said, re.MULTILINE)
    assert re.search(r"^restates +[\d,]+ +[\d,]+$", said, re.MULTILINE)
    told = json.loads(done("evaluate", "filters", "--store", small_store, "--json").stdout)
    assert set(told["parts"]) == {"all", "relation", "category", "behavior"}
    assert told["parts"]["all"]["all"]["plausible"] is None
    missing = tmp_path / "judged.parquet"
    assert "There is no file of judgments" in failed(
        1, "evaluate", "filters", "--store", small_store, "--judgments", missing
    )


# ---------------------------------------------------------------- serving
@pytest.mark.parametrize("words", [("serve",), ("demo",)])
def test_serving_says_where(small_store: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    asked: list[tuple[object, ...]] = []

    def pretend(
        store: Path, *, host: str, port: int, workers: int, examples: tuple[str, ...], listening: object
    ) -> None:
        asked.append((store, host, port, workers, bool(examples)))
        assert callable(listening)
        listening(f"http://{host}:{port}/")

    monkeypatch.setattr("whybuy.serving.run.serve", pretend)
    monkeypatch.setattr("whybuy.demo.store.make_store", lambda store, *, seed: None)
    said = done(*words, "--store", small_store, "--port", "8123")
    assert asked == [(small_store, "127.0.0.1", 8123, 1, words == ("demo",))]
    assert said.stdout == ""
    assert "http://127.0.0.1:8123/" in said.stderr


def test_the_demo_can_be_built_without_serving(small_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whybuy.serving.run.serve", None)
    monkeypatch.setattr("whybuy.demo.store.make_store", lambda store, *, seed: None)
    assert "0 stages made" in done("demo", "--store", small_store, "--no-serve").stderr


def test_a_reader_that_stops_listening_is_no_failure(small_store: Path) -> None:
    line = f"{sys.executable} -m whybuy.cli graph show 'pregnant women' --store {small_store} --limit 1000 | head -1"
    ended = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert ended.stdout.count("\n") == 1
    assert "Traceback" not in ended.stderr


# ---------------------------------------------------------------- the critic
def judgments_of_kinds(folder: Path) -> Path:
    """Two kinds of titles, each with its own reason and with that of the other; a row that says nothing."""
    lines = ["head,relation,tail,typical"]
    for number in range(30):
        for kind, own, other in (("tent", "camping", "walkies"), ("leash", "walkies", "camping")):
            lines += [f"Marlowe {kind} {number},used_for_event,{own},1", f"Marlowe {kind} {number},,{other},0"]
    path = folder / "judged.csv"
    path.write_text("\n".join([*lines, "Marlowe tent,,camping,"]), encoding="utf-8")
    return path


def questions_of_kinds(folder: Path) -> Path:
    rows = [
        {"item_a_title": "Tarn tent", "item_b_title": "Tarn tent", "options": ["walkies", "camping"], "answer": "B"},
        {"item_a_title": "Tarn leash", "item_b_title": "Tarn leash", "options": ["walkies", "camping"], "answer": "A"},
    ]
    path = folder / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.heavy
def test_a_critic_is_trained_and_measured(tmp_path: Path) -> None:
    judged, out = judgments_of_kinds(tmp_path), tmp_path / "critic"
    said = done("critic", "train", "--judgments", judged, "--out", out, "--curve")
    assert "1 of 121 lines set aside: no answer" in said.stderr
    assert "judged.csv:122: camping" in said.stderr
    assert "Trained on 120 judgments" in said.stderr
    assert re.search(r"^typical +1\.000", said.stdout, re.MULTILINE)
    assert "judgments" in said.stdout
    asked = questions_of_kinds(tmp_path)
    assert (
        "2 questions, answered by what is typical"
        in done("evaluate", "critic", "--critic", out, "--questions", asked).stdout
    )
    figures = json.loads(done("evaluate", "critic", "--critic", out, "--questions", asked, "--json").stdout)
    assert (figures["accuracy_redrawn"], figures["accuracy"], figures["n"]) == (1, 1, 2)
    assert figures.keys() == {"accuracy_redrawn", "accuracy", "option_only", "option_only_original", "auc", "n"}


@pytest.mark.heavy
def test_a_critic_is_fine_tuned_and_measured(tmp_path: Path) -> None:
    judged, out = judgments_of_kinds(tmp_path), tmp_path / "critic"
    model = write_tiny_transformer(tmp_path / "model", judged.read_text(encoding="utf-8").splitlines())
    said = done("critic", "train", "--judgments", judged, "--out", out, "--model", model, "--epochs", "1", "--json")
    assert "Trained on 120 judgments" in said.stderr
    figures = json.loads(said.stdout)
    assert (figures["judgments"], figures["curve"], [*figures["out_of_fold"]]) == (120, [], ["typical"])
    asked = questions_of_kinds(tmp_path)
    assert (
        "2 questions, answered by what is typical"
        in done("evaluate", "critic", "--critic", out, "--questions", asked).stdout
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "it", "--encoder", "it"), r"--model is a critic by itself, --encoder a part of the default one"),
        (("--model", "it", "--curve"), r"--curve tells of the default critic alone"),
        (("--epochs", "3"), r"--epochs is of a critic that is fine-tuned. Give --model, too"),
    ],
)
def test_options_of_the_two_critics_do_not_mix(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    judged = judgments_of_kinds(tmp_path)
    assert re.search(message, failed(2, "critic", "train", "--judgments", judged, "--out", tmp_path / "out", *words))


@needs_neural
def test_a_critic_says_what_it_lacks(tmp_path: Path) -> None:
    judged = judgments_of_kinds(tmp_path)
    nowhere = tmp_path / "nowhere"
    assert "no encoder" in failed(
        1, "critic", "train", "--judgments", judged, "--out", nowhere, "--encoder", str(nowhere)
    )
    assert "holds no readable critic" in failed(
        1, "evaluate", "critic", "--critic", nowhere, "--questions", questions_of_kinds(tmp_path)
    )

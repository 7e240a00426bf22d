"""Asking a model about a shop: what is paid once stays, whatever breaks; the next build takes the reasons in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from chat_server import LIST, Body, ChatServer, Reply, prompts, refuses, says
from model_server import transformers_serve
from small_shop import write_store
from tiny_shop import make_shop, of_type, reason
from tiny_writer import write_tiny_writer
from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.build import Progress, State, build
from whybuy.cli import app
from whybuy.errors import InputError
from whybuy.knowledge.proposing.generated import GENERATED_FILE, GeneratedHypothesizer
from whybuy.knowledge.proposing.hypothesizer import from_table, to_table
from whybuy.language.jobs import JOBS_FILE
from whybuy.records import HYPOTHESES, HYPOTHESIS_SCHEMA, Head, HeadKind, Hypothesis, Product
from whybuy.relations import Relation, Seed

PAIRS = 3
EVERY = PAIRS * (len(Seed) + len(Relation))
IMPATIENT = "\n[endpoint]\nfirst_pause = 0.01\ntries = 2\ntimeout = 5.0\nmost_failures = 5\nconcurrency = 4\n"
NEEDS = {"used_for_audience": "pregnant women", "used_for_event": "family camping", "used_in_location": "muddy trails"}


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """The small shop, built, with a server that is not waited for long."""
    copied = Path(shutil.copytree(small_store, tmp_path / "shop"))
    with (copied / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write(IMPATIENT)
    return copied


def knowing(body: Body, number: int = 0) -> Reply:
    """Answers of one who knows the shop, each relation with its own need."""
    question = body["messages"][-1]["content"]
    relation = question.split("by the relation ")[1].split(".")[0]
    return says(f"1. {NEEDS.get(relation, f'something {relation}')}\n2. daily life")


def words_of(store: Path, *words: str | Path) -> list[str]:
    return [str(word) for word in ("generate", "--store", store, "--pairs", PAIRS, *words)]


def generate(store: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, words_of(store, *words))


def done(store: Path, server: ChatServer, *words: str | Path) -> dict[str, Any]:
    result = generate(store, "--endpoint", server.url, "--model", "m", "--json", *words)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def keys(requests: list[Body]) -> Counter[str]:
    return Counter(json.dumps(body["messages"]) for body in requests)


def test_every_pair_is_asked_in_every_relation_and_the_reasons_are_written(store: Path) -> None:
    with ChatServer(knowing) as server:
        report = done(store, server)
    assert len(server.requests) == EVERY
    assert keys(server.requests).most_common(1)[0][1] == 1
    assert (report["asked"], report["reused"], report["answers"]["answered"]) == (EVERY, 0, EVERY)
    assert report["prompt_tokens"] == 30 * EVERY
    table = pq.read_table(store / GENERATED_FILE)
    assert table.schema.equals(HYPOTHESIS_SCHEMA)
    assert report["hypotheses"] == table.num_rows > EVERY
    assert set(table["generator"].to_pylist()) == {"prompted.v1/m"}
    assert set(Relation) >= {one.relation for one in from_table(table)} > {Relation.USED_FOR_AUDIENCE, Relation.X_WANT}


def test_the_same_again_asks_nothing(store: Path) -> None:
    with ChatServer(knowing) as server:
        done(store, server)
        before = (store / GENERATED_FILE).read_bytes()
        report = done(store, server)
        assert len(server.requests) == EVERY
        assert (report["asked"], report["reused"]) == (0, EVERY)
        assert (store / GENERATED_FILE).read_bytes() == before
        done(store, server, "--rounds", "1")
        assert len(server.requests) == EVERY


def test_more_pairs_ask_only_of_the_new_ones(store: Path) -> None:
    with ChatServer(knowing) as server:
        done(store, server)
        report = done(store, server, "--pairs", str(PAIRS + 2))
    assert report["asked"] == 2 * EVERY // PAIRS
    assert keys(server.requests).most_common(1)[0][1] == 1


def test_a_server_that_dies_in_mid_run_costs_nothing_twice(store: Path) -> None:
    with ChatServer(lambda body, number: knowing(body) if number < 20 else Reply(hang_up=True)) as server:
        result = generate(store, "--endpoint", server.url, "--model", "m")
        assert result.exit_code == 1
        assert "5 prompts in a row" in " ".join(result.stderr.split())
        assert "run the same command again" in " ".join(result.stderr.split())
        assert not (store / GENERATED_FILE).exists()
    paid = keys(server.requests[:20])
    with ChatServer(knowing, port=server.port) as server:
        report = done(store, server)
    assert (report["reused"], report["asked"]) == (20, EVERY - 20)
    assert not paid.keys() & keys(server.requests).keys()
    assert len(paid + keys(server.requests)) == (paid + keys(server.requests)).total() == EVERY


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(store: Path) -> None:
    with ChatServer(lambda body, number: Reply(body=knowing(body).body, delay=0.1)) as server:
        words = words_of(store, "--endpoint", server.url, "--model", "m")
        run = subprocess.Popen([sys.executable, "-m", "whybuy.cli", *words], env=os.environ, stderr=subprocess.DEVNULL)
        while len(server.requests) < EVERY // 2:
            time.sleep(0.01)
            assert run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait()
        under_way = len(server.requests)
        report = done(store, server)
    assert report["reused"] == EVERY - report["asked"]
    assert report["reused"] >= under_way - 2 * 4
    assert len(keys(server.requests)) == EVERY


def breaking(*answers: Reply) -> Callable[[Body, int], Reply]:
    """Every fifth request is answered by one of these in turn."""

    def reply(body: Body, number: int) -> Reply:
        return answers[number // 5 % len(answers)] if number % 5 == 4 else knowing(body)

    return reply


def test_broken_answers_end_no_run_and_are_tried_again_by_the_next(store: Path) -> None:
    broken = (Reply(body=b"<html>"), says("1."), says('{"reasons": ['), refuses(400, "no"), says("", "content_filter"))
    with ChatServer(breaking(*broken)) as server:
        report = done(store, server)
        failed = report["answers"]["failed"]
        assert sum(failed.values()) == EVERY // 5
        assert failed["no candidate in the answer"] >= 4
        assert failed["HTTP 400: no"] >= 1
    with ChatServer(knowing) as server:
        again = done(store, server)
    assert len(server.requests) == again["asked"] == EVERY // 5
    assert again["answers"]["failed"] == {}


def test_what_fails_in_three_runs_is_given_up(store: Path) -> None:
    with ChatServer(breaking(says("1."))) as server:
        counts = []
        for _ in range(5):
            done(store, server, "--rounds", "1")
            counts.append(len(server.requests))
    assert counts[-1] == counts[-2]


def test_an_empty_list_is_an_answer_that_is_paid_once(store: Path) -> None:
    with ChatServer(lambda body, number: says('{"reasons": []}')) as server:
        report = done(store, server)
        done(store, server)
    assert len(server.requests) == EVERY
    assert (report["hypotheses"], report["answers"]["answered"], report["answers"]["failed"]) == (0, EVERY, {})


def test_a_refused_schema_is_left_out_and_the_answers_are_read_as_they_are(store: Path) -> None:
    def reply(body: Body, number: int) -> Reply:
        return refuses(422, "Unexpected fields: {'response_format'}") if "response_format" in body else knowing(body)

    with (store / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n[generate]\nas_json = true\n")
    with ChatServer(reply) as server:
        report = done(store, server)
    assert len(server.requests) == EVERY + 1
    assert report["answers"]["failed"] == {}
    assert "JSON object" in server.requests[-1]["messages"][-1]["content"]


def test_a_dry_run_says_what_it_would_take_and_asks_nothing(store: Path) -> None:
    settings = (store / "store.toml").read_text(encoding="utf-8")
    (store / "store.toml").write_text(
        settings.replace("[endpoint]", "[endpoint]\nprompt_price = 1.0\nanswer_price = 4.0"), encoding="utf-8"
    )
    with ChatServer(knowing) as server:
        plan = done(store, server, "--dry-run")
        said = generate(store, "--endpoint", server.url, "--model", "m", "--dry-run").stdout
        assert server.requests == []
        assert (plan["questions"], plan["known"], plan["to_ask"]) == (EVERY, 0, EVERY)
        tokens = plan["prompt_tokens"], plan["answer_tokens"]
        assert 50 * EVERY < tokens[0] < 250 * EVERY
        assert tokens[1] == EVERY * 5 * 8
        assert plan["money"] == pytest.approx((tokens[0] + 4 * tokens[1]) / 1e6)
        assert f"{EVERY} prompts to ask" in said
        assert f"{tokens[0]:,} tokens, a quarter of their letters" in said
        assert not (store / GENERATED_FILE).exists()
        assert not (store / JOBS_FILE).exists()
        done(store, server)
        assert done(store, server, "--dry-run")["to_ask"] == 0


def test_batch_files_bring_the_same_reasons_as_an_endpoint(store: Path, small_store: Path, tmp_path: Path) -> None:
    with ChatServer(knowing) as server:
        done(store, server)
    other = Path(shutil.copytree(small_store, tmp_path / "other"))
    asked = generate(other, "--model", "m", "--write-batch", tmp_path / "ask.jsonl")
    assert asked.stdout.strip() == str(tmp_path / "ask.jsonl")
    requests = [json.loads(line) for line in (tmp_path / "ask.jsonl").read_text().splitlines()]
    assert len(requests) == EVERY
    lines = [
        {"custom_id": one["custom_id"], "response": {"status_code": 200, "body": json.loads(knowing(one["body"]).body)}}
        for one in reversed(requests)
    ]
    half = [json.dumps(line) for line in lines]
    for part in (half[:10], [*half[10:], "{broken"]):
        (tmp_path / "answers.jsonl").write_text("\n".join(part))
        result = generate(other, "--model", "m", "--read-batch", tmp_path / "answers.jsonl")
        assert result.exit_code == 0, result.stderr
    assert "answers.jsonl:48: {broken" in result.stderr
    assert pq.read_table(other / GENERATED_FILE).equals(pq.read_table(store / GENERATED_FILE))
    assert generate(other, "--model", "m", "--write-batch", tmp_path / "none.jsonl").stdout.strip() == ""


def test_the_next_build_takes_the_reasons_in_and_no_other_stage_over_again(store: Path) -> None:
    with ChatServer(knowing) as server:
        done(store, server)
    told: list[Progress] = []
    build(store, listen=told.append)
    made = [one.stage for one in told if one.state is State.DONE]
    assert made[0] == "hypotheses"
    live = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    kept = list(from_table(pq.read_table(live["hypotheses"] / HYPOTHESES.file)))
    said = [one for one in kept if one.generator == "prompted.v1/m"]
    assert {one.head.kind for one in said} >= {HeadKind.QUERY, HeadKind.PRODUCT}
    assert all(one.plausibility <= 0.5 for one in said)
    told.clear()
    build(store, listen=told.append)
    assert {one.state for one in told} <= {State.REUSED, State.SKIPPED}
    assert {one.stage for one in told if one.state is State.SKIPPED} == {"critic"}
    assert not any(one.generator.startswith("prompted") for one in catalog_only(store))


def catalog_only(store: Path) -> list[Hypothesis]:
    build(store, with_events=False)
    live = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    return list(from_table(pq.read_table(live["hypotheses"] / HYPOTHESES.file)))


def test_reasons_of_what_the_shop_no_longer_has_are_passed_over(tmp_path: Path) -> None:
    shop = make_shop([Product("p1", "Tent", product_type="tent")])
    stay = [
        reason(of_type("tent"), Relation.USED_FOR_EVENT, "camping"),
        reason(Head(HeadKind.PRODUCT, ("p1",)), Relation.USED_FOR_EVENT, "camping"),
        reason(Head(HeadKind.QUERY, ("a tent",)), Relation.USED_FOR_EVENT, "camping"),
    ]
    gone = [
        reason(of_type("lamp"), Relation.USED_FOR_EVENT, "reading"),
        reason(Head(HeadKind.PRODUCT, ("p2",)), Relation.USED_FOR_EVENT, "camping"),
        reason(Head(HeadKind.PAIR, ("p1", "p2")), Relation.USED_FOR_EVENT, "camping"),
        reason(Head(HeadKind.TYPE_ATTRIBUTE, ("lamp", "color", "red")), Relation.USED_FOR_EVENT, "camping"),
    ]
    pq.write_table(to_table(stay + gone), tmp_path / GENERATED_FILE)
    assert list(GeneratedHypothesizer(tmp_path / GENERATED_FILE).propose(shop)) == stay


@pytest.mark.parametrize("content", [b"", b"PAR1 no"])
def test_a_damaged_file_of_reasons_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / GENERATED_FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"generated\.parquet holds no generated reasons .*whybuy generate"):
        list(GeneratedHypothesizer(tmp_path / GENERATED_FILE).propose(make_shop([])))


def failing(store: Path, *words: str | Path) -> str:
    result = generate(store, *words)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert isinstance(result.exception, SystemExit)
    return " ".join(result.stderr.split())


def test_what_is_missing_is_said(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--endpoint", "http://127.0.0.1:9/v1", "--model", "m")
    assert "Nobody is named to answer. Give --endpoint URL --model NAME" in failing(store)
    assert "Nobody is named" in failing(store, "--endpoint", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("SHOP_KEY", raising=False)
    assert "SHOP_KEY, which is not set" in failing(store, *at, "--api-key-env", "SHOP_KEY")
    assert "Run `whybuy build --store" in failing(write_store(tmp_path / "new"), *at)
    bare = write_store(tmp_path / "bare", logs=False)
    build(bare)
    assert "has no behavior pairs to ask about" in failing(bare, *at)
    assert "does not exist" in failing(store, "--model", "m", "--read-batch", tmp_path / "none.jsonl")
    (store / JOBS_FILE).write_text("dear diary " * 100)
    assert "file is not a database" in failing(store, *at)


def test_settings_of_the_store_are_taken_and_checked(store: Path) -> None:
    settings = (store / "store.toml").read_text(encoding="utf-8")
    with ChatServer(knowing) as server:
        named = settings.replace("[endpoint]", f'[endpoint]\nurl = "{server.url}"\nmodel = "m"')
        (store / "store.toml").write_text(f'{named}\n[generate]\nrelations = ["used_by"]\n', encoding="utf-8")
        assert generate(store).exit_code == 0
    assert len(server.requests) == PAIRS * (len(Seed) + 1)
    (store / "store.toml").write_text(settings + "\n[generate]\nrelation = 3\n", encoding="utf-8")
    assert "[generate] has no setting 'relation'. Did you mean 'relations'?" in failing(store)


def test_what_came_of_it_is_printed(store: Path) -> None:
    with ChatServer(breaking(says("1."))) as server:
        result = generate(store, "--endpoint", server.url, "--model", "m")
    assert f"{EVERY} prompts asked, 0 known" in result.stdout
    assert f"{EVERY // 5} failed: no candidate in the answer" in result.stdout
    assert "used_by" in result.stdout
    assert f"reasons in {GENERATED_FILE}" in result.stdout
    assert f"Next: whybuy build --store {store}" in " ".join(result.stderr.split())


@pytest.mark.heavy
def test_a_model_run_here_is_asked_alike(store: Path, tmp_path: Path) -> None:
    folder = write_tiny_writer(tmp_path / "tiny", [LIST, prompts(1)[0].messages[0].content])
    with (store / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write('\n[generate]\nmax_tokens = 4\nrelations = ["used_by"]\n')
    counted = json.loads(generate(store, "--local", folder, "--pairs", "1", "--dry-run", "--json").stdout)
    made = json.loads(generate(store, "--local", folder, "--pairs", "1", "--json").stdout)
    assert counted["to_ask"] == made["asked"] == 5
    assert counted["prompt_tokens"] == made["prompt_tokens"]


@pytest.mark.slow
def test_a_served_model_is_asked_alike(store: Path, tmp_path: Path) -> None:
    folder = write_tiny_writer(tmp_path / "tiny", [LIST])
    with (store / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write('\n[generate]\nmax_tokens = 4\nrelations = ["used_by"]\n')
    with transformers_serve(folder) as url:
        words = ("--endpoint", url, "--model", str(folder), "--pairs", "1", "--json")
        made = json.loads(generate(store, *words).stdout)
        again = json.loads(generate(store, *words).stdout)
    assert made["asked"] == 5
    assert made["prompt_tokens"] > 5 * 50
    failed = made["answers"]["failed"]
    assert failed.keys() <= {"no candidate in the answer"}
    assert again["asked"] == sum(failed.values())

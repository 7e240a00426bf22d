"""A tiny language model of random weights, tuned on a plain shop through the commands: stopped, resumed, measured."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extras import needs_lm
from judged_reasons import judged_rows
from model_server import transformers_serve
from plain_shop import plain_shop
from whybuy.build import read_known
from whybuy.demo.tiny_lm import write_tiny_lm
from whybuy.errors import InputError
from whybuy.knowledge.prompting.parsing import parse_answer
from whybuy.knowledge.tuning.instruction_export import InstructionConfig, make_instructions
from whybuy.knowledge.tuning.instructions import Part, Task, path_of, read_instructions, write_instructions
from whybuy.knowledge.tuning.tune import TuningConfig, tune
from whybuy.language.endpoint import EndpointConfig, EndpointGenerator
from whybuy.language.generator import Prompt, Sampling
from whybuy.language.jobs import CachingGenerator, Jobs
from whybuy.language.pretrained import open_chat_model
from whybuy.records import JUDGMENT_SCHEMA
from whybuy.tables import ReadReport
from whybuy.text import canonical

YES_NO = [task for task in Task if task is not Task.GENERATION]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}  # sums of several threads end differently each time


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "whybuy.cli", "lm", *map(str, words)]


def done(*words: str | Path) -> tuple[dict[str, dict[str, float]], str]:
    """The JSON on stdout, and what is on stderr."""
    result = subprocess.run(command(*words, "--json"), capture_output=True, text=True, check=False, env=ONE_THREAD)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


def tuning(data: Path, base: Path, out: Path) -> tuple[str | Path, ...]:
    all_weights = ("--rank", "0", "--learning-rate", "0.001", "--batch", "16", "--epochs", "4", "--save-seconds", "5")
    return ("tune", "--data", data, "--model", str(base), "--out", out, *all_weights)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("instructions")
    made = make_instructions(plain_shop(), InstructionConfig(most=600, most_held_out=100, held_out=0.3))
    for part in Part:
        write_instructions(path_of(folder, part), made[part])
    return folder


@pytest.fixture(scope="module")
def base(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    chats = read_instructions(path_of(data, Part.TRAIN), ReadReport())
    texts = [message.content for one in chats for message in one.prompt] + [one.answer for one in chats]
    write_tiny_lm(folder, texts, layers=2, width=64, words=1200)
    return folder


@pytest.fixture(scope="module")
def tuned(data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, float]]]:
    """A model whose tuning was killed once, and its figures."""
    out = tmp_path_factory.mktemp("tuned") / "lm"
    work = out.with_name("lm.tuning")
    running = subprocess.Popen(command(*tuning(data, base, out)), stderr=subprocess.PIPE, env=ONE_THREAD)
    while not list(work.glob("checkpoint-*/trainer_state.json")):
        assert running.poll() is None, running.communicate()[1].decode()
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert not out.exists()
    (work / "checkpoint-999999").mkdir()  # as if it had been killed while writing one
    figures, said = done(*tuning(data, base, out))
    assert "before it was stopped" in said
    assert not work.exists()
    return out, figures


@pytest.mark.slow
def test_all_five_tasks_are_learned(data: Path, base: Path, tuned: tuple[Path, dict[str, dict[str, float]]]) -> None:
    before, _ = done("evaluate", "--data", data, "--model", base)
    after = tuned[1]
    assert set(before) == set(after) == set(Task)
    for task in YES_NO:  # a hundred questions each, so an AUC is known to .06
        assert after[task]["auc"] > max(0.65, before[task]["auc"] + 0.05), (task, before[task], after[task])
    untaught, taught = (sum(figures[task]["auc"] for task in YES_NO) / len(YES_NO) for figures in (before, after))
    assert untaught < 0.6, before
    assert taught > 0.75, after
    assert before[Task.GENERATION]["right"] == 0
    assert after[Task.GENERATION]["right"] > 0.2


@pytest.mark.slow
def test_the_tuned_model_gives_reasons_over_the_wire(
    data: Path, tuned: tuple[Path, dict[str, dict[str, float]]], tmp_path: Path
) -> None:
    held_out = read_instructions(path_of(data, Part.HELD_OUT), ReadReport())
    asked = [one for one in held_out if one.task is Task.GENERATION][:12]
    prompts = [Prompt(one.prompt, Sampling(temperature=0.0, max_tokens=64)) for one in asked]
    with transformers_serve(tuned[0]) as url, Jobs(tmp_path / "jobs.sqlite") as jobs:
        endpoint = EndpointGenerator(EndpointConfig(url, str(tuned[0]), concurrency=2))
        said = dict(CachingGenerator(endpoint, jobs)(prompts))
    found = [{canonical(tail) for tail in parse_answer(said[place].text).candidates} for place in range(len(asked))]
    right = [found[place] & set(map(canonical, one.reasons)) for place, one in enumerate(asked)]
    assert sum(map(bool, right)) > len(asked) / 6, (found, [one.reasons for one in asked])


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(
    data: Path, base: Path, tuned: tuple[Path, object], tmp_path: Path
) -> None:
    _, said = done(*tuning(data, base, tmp_path / "lm"))
    assert "before it was stopped" not in said
    (_, once), (_, twice) = open_chat_model(str(tmp_path / "lm")), open_chat_model(str(tuned[0]))
    for name, weights in once.state_dict().items():
        assert weights.equal(twice.state_dict()[name]), name


@pytest.mark.slow
def test_a_finished_run_is_not_run_again_and_another_does_not_take_its_place(
    data: Path, base: Path, tuned: tuple[Path, dict[str, dict[str, float]]]
) -> None:
    figures, said = done(*tuning(data, base, tuned[0]))
    assert "Nothing to do" in said
    assert figures == tuned[1]
    with pytest.raises(InputError, match=r"holds something else .* Give another --out"):
        tune(data, str(base), tuned[0], TuningConfig(epochs=1), report=ReadReport(), listen=print)


@pytest.mark.slow
def test_lora_is_merged_into_a_model_that_speaks_in_chats(data: Path, base: Path, tmp_path: Path) -> None:
    short = ("--epochs", "0.1", "--rank", "4", "--batch", "16")
    done("tune", "--data", data, "--model", str(base), "--out", tmp_path / "lm", *short)
    assert not list((tmp_path / "lm").glob("adapter*"))
    tokenizer, model = open_chat_model(str(tmp_path / "lm"))
    assert (tmp_path / "lm" / "chat_template.jinja").is_file()
    _, plain = open_chat_model(str(base))
    changed = [name for name, weights in model.state_dict().items() if not weights.equal(plain.state_dict()[name])]
    assert changed
    assert tokenizer.pad_token


@pytest.mark.heavy
def test_what_a_store_knows_is_exported(small_store: Path, tmp_path: Path) -> None:
    judged = pa.Table.from_pylist(judged_rows(), schema=JUDGMENT_SCHEMA)
    pq.write_table(judged, tmp_path / "judged.parquet")
    where = ("export", "--store", small_store, "--out", tmp_path / "data", "--held-out", "0.5")
    counts, said = done(*where, "--judgments", tmp_path / "judged.parquet")
    assert set(counts) == set(Task)
    for part in Part:
        instructions = read_instructions(path_of(tmp_path / "data", part), ReadReport())
        assert len(instructions) == sum(count[part] for count in counts.values())
    assert "lm tune --data" in said
    without, said = done(*where)
    assert set(without) == set(Task) - {Task.PLAUSIBILITY, Task.TYPICALITY}
    assert "plausibility and typicality are left out" in said


# ---------------------------------------------------------------- what goes wrong
@needs_lm
def test_a_stopped_run_of_other_settings_is_not_mixed_with_these(tmp_path: Path, base: Path, data: Path) -> None:
    work = tmp_path / "lm.tuning"
    work.mkdir()
    (work / "whybuy_tuning.json").write_text('{"batch": 8}')
    with pytest.raises(InputError, match=r"lm.tuning holds a stopped tuning with .*batch 8 and not 32"):
        tune(data, str(base), tmp_path / "lm", TuningConfig(), report=ReadReport(), listen=print)


@needs_lm
def test_without_instructions_nothing_is_tuned(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no instruction file .*train.jsonl"):
        tune(tmp_path, "model", tmp_path / "lm", TuningConfig(), report=ReadReport(), listen=print)


def test_judgments_that_are_none_are_named(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "judged.parquet").write_text("head,tail")
    with pytest.raises(
        InputError, match=r"judged.parquet is no Parquet file of judgments .* columns head_kind, head_key"
    ):
        read_known(small_store, tmp_path / "judged.parquet")

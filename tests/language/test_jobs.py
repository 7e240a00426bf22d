"""Nothing is asked twice, and nothing that was answered is lost."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chat_server import prompts
from fakes import ScriptedGenerator
from whybuy.language.generator import Answer, Finish, GeneratorError, Prompt, Sampling
from whybuy.language.jobs import CachingGenerator, Jobs, JobsError, key_of

FAILED = Answer("half", Finish.FAILED, 3, 4, "no candidate")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with Jobs(tmp_path / "answers.sqlite") as opened:
        yield opened


def test_what_is_known_is_not_asked(jobs: Jobs) -> None:
    asked = ScriptedGenerator()
    first = dict(CachingGenerator(asked, jobs)(prompts(3)))
    again = dict(CachingGenerator(asked, jobs)(prompts(5)))
    assert len(asked.asked) == 5
    assert {place: again[place] for place in first} == first


def test_the_same_prompt_twice_is_asked_once(jobs: Jobs) -> None:
    asked = ScriptedGenerator()
    answers = dict(CachingGenerator(asked, jobs)(prompts(1) * 3))
    assert len(asked.asked) == 1
    assert len(set(answers.values())) == 1
    assert sorted(answers) == [0, 1, 2]


def test_a_prompt_is_its_model_messages_and_sampling() -> None:
    (one,) = prompts(1)
    others = [
        key_of("other", one),
        key_of("m", replace(one, sampling=Sampling(temperature=0.1))),
        key_of("m", replace(one, messages=one.messages[1:])),
        key_of("m", replace(one, messages=(replace(one.messages[0], role="user"), one.messages[1]))),
    ]
    assert len({key_of("m", one), *others}) == 5
    assert key_of("m", one) == key_of("m", prompts(1)[0])


class Breaking(ScriptedGenerator):
    """Breaks down after some answers."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        for number, found in enumerate(super().__call__(prompts)):
            if number == self.after:
                raise GeneratorError("gone")
            yield found


def test_a_run_that_breaks_goes_on_where_it_was(jobs: Jobs) -> None:
    breaking = Breaking(after=4)
    with pytest.raises(GeneratorError, match="gone"):
        list(CachingGenerator(breaking, jobs)(prompts(10)))
    asked = ScriptedGenerator()
    assert len(dict(CachingGenerator(asked, jobs)(prompts(10)))) == 10
    assert len(asked.asked) == 6


def test_a_failed_answer_is_tried_by_later_runs_up_to_a_limit(tmp_path: Path) -> None:
    with Jobs(tmp_path / "answers.sqlite", attempts=3) as jobs:
        asked = ScriptedGenerator(FAILED)
        answers = [dict(CachingGenerator(asked, jobs)(prompts(1)))[0] for _ in range(5)]
    assert answers == [FAILED] * 5
    assert len(asked.asked) == 3


def test_a_better_answer_takes_the_place_of_a_failed_one(jobs: Jobs) -> None:
    jobs.keep([("a", FAILED)])
    assert jobs.known(["a"]) == {}
    jobs.keep([("a", Answer("good"))])
    assert jobs.known(["a", "b"]) == {"a": Answer("good")}


def test_an_unreached_model_leaves_no_trace(jobs: Jobs) -> None:
    asked = ScriptedGenerator(Answer("", Finish.UNREACHED, problem="gone"))
    for _ in range(5):
        assert not dict(CachingGenerator(asked, jobs)(prompts(1)))[0].good
    assert len(asked.asked) == 5


def test_a_useless_answer_counts_as_failed_and_keeps_its_cost(tmp_path: Path) -> None:
    with Jobs(tmp_path / "answers.sqlite", fault_of=lambda answer: "" if "1." in answer.text else "no list") as jobs:
        asked = ScriptedGenerator(Answer("dear me", Finish.STOP, 5, 2))
        (answer,) = dict(CachingGenerator(asked, jobs)(prompts(1))).values()
    assert answer == Answer("dear me", Finish.FAILED, 5, 2, "no list")


def test_answers_outlive_the_process_and_meet_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with Jobs(path) as one, Jobs(path) as other:
        one.keep([("a", Answer("x\x00é"))])
        other.keep([("b", Answer("y", Finish.LENGTH, 1, 2))])
        assert one.known(["a", "b"]) == other.known(["b", "a"])
    with Jobs(path) as later:
        assert later.known(["a", "b"]) == {"a": Answer("x\x00é"), "b": Answer("y", Finish.LENGTH, 1, 2)}


def test_many_keys_are_looked_up_at_once(jobs: Jobs) -> None:
    jobs.keep((f"key {number}", Answer(str(number))) for number in range(2000))
    assert len(jobs.known(f"key {number}" for number in range(3000))) == 2000


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_text("dear diary " * 100)
    with pytest.raises(JobsError, match=r"answers\.sqlite cannot be read or written \(file is not a database\)"):
        Jobs(path)


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 7")
    other.close()
    with pytest.raises(JobsError, match="is of format 7; this whybuy reads 1"):
        Jobs(path)


def test_a_file_that_another_program_holds_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with Jobs(path, patience=0.1) as jobs:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JobsError, match="database is locked"):
            jobs.keep([("a", Answer("x"))])
        other.close()
        jobs.keep([("a", Answer("x"))])

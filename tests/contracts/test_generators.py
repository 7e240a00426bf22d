"""What every generator keeps to: one battery, every generator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_server import LIST, Body, ChatServer, Reply, prompts, refuses, says
from fakes import ScriptedGenerator
from tiny_writer import write_tiny_writer
from whybuy.language.endpoint import EndpointConfig, EndpointGenerator
from whybuy.language.generator import Answer, Finish, Generator, Message, Prompt, Sampling
from whybuy.language.jobs import CachingGenerator, Jobs
from whybuy.language.transformer_generator import TransformerGenerator

SHORT = Sampling(temperature=0.0, max_tokens=6, seed=1)
TOO_LONG = Prompt((Message("user", "why " * 5000),), SHORT)


def serve(body: Body, number: int) -> Reply:
    if len(body["messages"][-1]["content"]) > 5000:
        return refuses(400, "this is too long")
    words = LIST.split()[: body["max_tokens"]]
    return says(" ".join(words), "stop" if len(words) == len(LIST.split()) else "length")


def scripted(prompt: Prompt) -> Answer:
    if prompt == TOO_LONG:
        return Answer("", Finish.FAILED, problem="this is too long")
    words = LIST.split()[: prompt.sampling.max_tokens]
    return Answer(" ".join(words), Finish.LENGTH, 30, len(words))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_writer(tmp_path_factory.mktemp("writer"), ["Be brief. Why number 1? 2 3 4 5", LIST])


@pytest.fixture(scope="module", params=["scripted", "thrifty", "endpoint", "local", "local without chat"])
def generator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, folder: Path
) -> Iterator[Generator]:
    work = tmp_path_factory.mktemp("work")
    if request.param == "scripted":
        yield ScriptedGenerator(scripted)
    elif request.param == "thrifty":
        with Jobs(work / "answers.sqlite") as jobs:
            yield CachingGenerator(ScriptedGenerator(scripted), jobs)
    elif request.param == "endpoint":
        with ChatServer(serve) as server:
            yield EndpointGenerator(EndpointConfig(server.url, "served", concurrency=3))
    else:
        plain = write_tiny_writer(work, [LIST], chat=False)
        yield TransformerGenerator(str(folder if request.param == "local" else plain), batch=3)


def answers(generator: Generator, some: list[Prompt]) -> list[Answer]:
    arrived = list(generator(some))
    assert sorted(place for place, _ in arrived) == list(range(len(some)))
    return [answer for _, answer in sorted(arrived)]


def test_it_has_a_name(generator: Generator) -> None:
    assert generator.model


def test_nothing_asked_nothing_answered(generator: Generator) -> None:
    assert list(generator([])) == []


def test_every_prompt_has_one_answer_with_its_tokens(generator: Generator) -> None:
    for answer in answers(generator, prompts(7, SHORT)):
        assert answer.good
        assert answer.prompt_tokens > 0
        assert 0 <= answer.completion_tokens <= SHORT.max_tokens
        assert answer.problem == ""


def test_an_answer_that_was_cut_says_so(generator: Generator) -> None:
    for answer in answers(generator, prompts(3, SHORT)):
        assert answer.finish is Finish.LENGTH


def test_the_same_prompt_at_temperature_0_has_the_same_answer(generator: Generator) -> None:
    (one,) = prompts(1, SHORT)
    first, *others = answers(generator, [one, *prompts(5, SHORT), one])
    assert {first.text} == {others[-1].text} | {answers(generator, [one])[0].text}


def test_a_prompt_that_cannot_be_answered_ends_no_other(generator: Generator) -> None:
    before, failed, after = answers(generator, [prompts(1, SHORT)[0], TOO_LONG, prompts(2, SHORT)[1]])
    assert before.good
    assert after.good
    assert failed.finish is Finish.FAILED
    assert failed.problem
    assert failed.text == ""


@pytest.mark.parametrize("text", ["", " ", "\x00", "Größe \U0001f600 \u202e", "<|end|>{% if %}", '"}]}'])
def test_any_text_can_be_asked(generator: Generator, text: str) -> None:
    (answer,) = answers(generator, [Prompt((Message("user", text or "?"),), SHORT)])
    assert answer.good

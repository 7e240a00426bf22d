"""An endpoint that is slow, busy, broken, choosy or gone; every answer over a real socket."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Semaphore
from types import GeneratorType

import pytest

from chat_server import LIST, Body, ChatServer, Reply, prompts, refuses, says
from whybuy.errors import ConfigError
from whybuy.language.endpoint import EndpointConfig, EndpointGenerator
from whybuy.language.generator import Answer, Finish, GeneratorError, Prompt, Sampling

IMPATIENT = EndpointConfig(model="m", first_pause=0.01, timeout=5.0)


def generator(server: ChatServer, config: EndpointConfig = IMPATIENT) -> EndpointGenerator:
    return EndpointGenerator(replace(config, url=server.url))


def ask(server: ChatServer, some: list[Prompt], config: EndpointConfig = IMPATIENT) -> list[Answer]:
    answers = dict(generator(server, config)(some))
    return [answers[place] for place in range(len(some))]


def test_a_prompt_goes_out_in_the_words_of_the_protocol() -> None:
    with ChatServer() as server:
        (answer,) = ask(
            server, prompts(1, Sampling(temperature=0.5, max_tokens=9, seed=3, schema='{"type": "object"}'))
        )
    assert answer == Answer(LIST, Finish.STOP, 30, len(LIST.split()))
    (sent,) = server.requests
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why number 0?"},
    ]
    assert (sent["model"], sent["temperature"], sent["max_tokens"], sent["seed"]) == ("m", 0.5, 9, 3)
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_what_is_not_set_is_not_sent() -> None:
    with ChatServer() as server:
        ask(server, prompts(1))
    assert server.requests[0].keys() == {"model", "messages", "temperature", "max_tokens"}


def test_no_more_at_once_than_allowed() -> None:
    with ChatServer(lambda body, number: Reply(delay=0.05, body=says(LIST).body)) as server:
        answers = ask(server, prompts(12), replace(IMPATIENT, concurrency=4))
    assert all(one.good for one in answers)
    assert 1 < server.most_at_once <= 4


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_what_passes_is_tried_again(status: int) -> None:
    with ChatServer(lambda body, number: says(LIST) if number > 2 else refuses(status, "busy")) as server:
        (answer,) = ask(server, prompts(1))
    assert answer.good
    assert len(server.requests) == 4


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_pause_that_a_server_asks_for_is_kept(form: str) -> None:
    arrived: list[datetime] = []

    def reply(body: Body, number: int) -> Reply:
        arrived.append(datetime.now(UTC))
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        return says(LIST) if number else refuses(429, "slow down", Retry_After="1" if form == "seconds" else later)

    with ChatServer(reply) as server:
        (answer,) = ask(server, prompts(1))
    assert answer.good
    assert arrived[1] - arrived[0] >= timedelta(seconds=0.9)


def test_a_connection_that_breaks_is_tried_again() -> None:
    with ChatServer(lambda body, number: says(LIST) if number else Reply(hang_up=True)) as server:
        (answer,) = ask(server, prompts(1))
    assert answer.good
    assert len(server.requests) == 2


def test_an_answer_that_does_not_come_is_given_up() -> None:
    with ChatServer(lambda body, number: Reply(delay=60.0)) as server:
        (answer,) = ask(server, prompts(1), replace(IMPATIENT, timeout=1.0, tries=2))
    assert answer.finish is Finish.FAILED
    assert answer.problem == "no answer within 1 s (2 tries)"
    assert len(server.requests) == 2


def test_one_slow_prompt_holds_up_no_other() -> None:
    others = Semaphore(0)  # that were answered

    def reply(body: Body, number: int) -> Reply:
        if body["messages"][1]["content"] != "Why number 1?":
            others.release()
            return says(LIST)
        assert all(others.acquire(timeout=30) for _ in range(5))
        return says(LIST)

    with ChatServer(reply) as server:
        arrived = list(generator(server, replace(IMPATIENT, concurrency=2, timeout=60.0, tries=1))(prompts(6)))
    assert all(answer.good for _, answer in arrived)
    assert sorted(place for place, _ in arrived) == list(range(6))


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(body=b"<html>busy</html>"), "this is no chat completion: <html>busy</html>"),
        (Reply(body=b'{"choices": []}'), "this is no chat completion: {'choices': []}"),
        (Reply(body=b'{"choices": [{"message": null}]}'), "this is no chat completion"),
        (Reply(body=b"[1, 2"), "this is no chat completion: [1, 2"),
        (Reply(body=b'{"choices": [{"message": {"refusal": "I would rather not"}}]}'), "refused: I would rather not"),
        (says("", finish="content_filter"), "a content filter held it back"),
        (refuses(400, "this prompt is too long"), "HTTP 400: this prompt is too long"),
        (refuses(413, "much too long"), "HTTP 413: much too long"),
    ],
)
def test_a_broken_answer_says_why_and_ends_nothing(reply: Reply, problem: str) -> None:
    def replying(body: Body, number: int) -> Reply:
        return reply if body["messages"][1]["content"] == "Why number 1?" else says(LIST)

    with ChatServer(replying) as server:
        first, broken, last = ask(server, prompts(3))
    assert first.good
    assert last.good
    assert broken.finish is Finish.FAILED
    assert problem in broken.problem


def test_a_cut_answer_says_so() -> None:
    with ChatServer(lambda body, number: says("1. hik", finish="length")) as server:
        assert ask(server, prompts(1))[0].finish is Finish.LENGTH


def test_an_empty_answer_is_an_answer() -> None:
    reply = Reply(body=b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}')
    with ChatServer(lambda body, number: reply) as server:
        assert ask(server, prompts(1)) == [Answer("")]


def test_half_a_character_is_mended() -> None:
    with ChatServer(lambda body, number: says("caf\ud800")) as server:
        assert ask(server, prompts(1))[0].text == "caf?"


def refusing(*fields: str, status: int = 422, named: bool = True) -> Callable[[Body, int], Reply]:
    def reply(body: Body, number: int) -> Reply:
        refused = [field for field in fields if field in body]
        message = f"Unexpected fields in the request: {refused}" if named else "Bad request"
        return refuses(status, message) if refused else says(LIST)

    return reply


@pytest.mark.parametrize("fields", [("response_format",), ("seed",), ("response_format", "seed", "temperature")])
@pytest.mark.parametrize("named", [True, False])
def test_a_refused_field_is_noticed_once_and_left_out_from_then_on(fields: tuple[str, ...], named: bool) -> None:
    with ChatServer(refusing(*fields, named=named)) as server:
        asking = generator(server)
        some = prompts(10, Sampling(seed=3, schema='{"type": "object"}'))
        assert all(answer.good for _, answer in asking(some))
        assert all(answer.good for _, answer in asking(some[:2]))
    assert len(server.requests) == 13
    assert [body for body in server.requests[1:] if set(fields) & body.keys()] == []


def test_fields_refused_one_after_another_are_all_left_out() -> None:
    def reply(body: Body, number: int) -> Reply:
        wrong = [field for field in ("response_format", "seed") if field in body]
        return refuses(400, f"Unsupported parameter: '{wrong[0]}'") if wrong else says(LIST)

    with ChatServer(reply) as server:
        assert all(one.good for one in ask(server, prompts(4, Sampling(seed=1, schema="{}"))))
    assert len(server.requests) == 6


def test_a_longer_name_of_a_field_is_taken_up() -> None:
    def reply(body: Body, number: int) -> Reply:
        told = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return refuses(400, told) if "max_tokens" in body else says(LIST)

    with ChatServer(reply) as server:
        assert ask(server, prompts(1, Sampling(max_tokens=7)))[0].good
    assert server.requests[-1]["max_completion_tokens"] == 7


def test_a_prompt_that_is_refused_costs_no_field() -> None:
    def reply(body: Body, number: int) -> Reply:
        return refuses(400, "no") if body["messages"][1]["content"] == "Why number 1?" else says(LIST)

    with ChatServer(reply) as server:
        answers = ask(server, prompts(4, Sampling(seed=3)))
    assert [one.good for one in answers] == [True, False, True, True]
    assert all("seed" in body for body in server.requests)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_turns_everything_away_ends_the_run_at_once(status: int) -> None:
    with ChatServer(lambda body, number: refuses(status, "who are you?")) as server:
        with pytest.raises(
            GeneratorError, match=rf"turns every prompt away: HTTP {status}: who are you\?.*api_key_env"
        ):
            ask(server, prompts(50))
        assert len(server.requests) == 1


def test_an_endpoint_that_breaks_down_ends_the_run_after_a_while() -> None:
    with ChatServer(lambda body, number: says(LIST) if number < 5 else refuses(503, "gone home")) as server:
        asking = generator(server, replace(IMPATIENT, tries=1, most_failures=4, concurrency=2))
        arrived: list[tuple[int, Answer]] = []
        with pytest.raises(GeneratorError, match=r"failed 4 prompts in a row, the last one so: HTTP 503: gone home"):
            arrived.extend(asking(prompts(100)))
        assert len(server.requests) < 15


def test_nobody_listening_is_unreached() -> None:
    with ChatServer() as server:
        pass
    (answer,) = ask(server, prompts(1), replace(IMPATIENT, tries=2))
    assert answer.finish is Finish.UNREACHED
    assert answer.problem.startswith("ConnectError")


def test_what_is_under_way_ends_with_who_asked() -> None:
    with ChatServer(lambda body, number: Reply(delay=0.2, body=says(LIST).body) if number else says(LIST)) as server:
        asking = generator(server, replace(IMPATIENT, concurrency=3))(prompts(100))
        assert isinstance(asking, GeneratorType)
        next(asking)
        asking.close()
    assert len(server.requests) <= 4


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "sk-very-secret")
    with (
        ChatServer(lambda body, number: refuses(401, "sk-very-secret is no key")) as server,
        pytest.raises(GeneratorError, match=r"HTTP 401: \*\*\* is no key") as raised,
    ):
        ask(server, prompts(1), replace(IMPATIENT, api_key_env="SHOP_KEY"))
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    assert "secret" not in str(raised.value)
    assert "secret" not in repr(EndpointConfig(server.url, "m", "SHOP_KEY"))


def test_a_key_that_is_not_there_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(ConfigError, match="environment variable SHOP_KEY, which is not set"):
        EndpointGenerator(EndpointConfig("http://127.0.0.1:1/v1", "m", "SHOP_KEY"))


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"is no address of an endpoint. Give it with its /v1"):
        EndpointGenerator(EndpointConfig(url, "m"))


def test_requests_are_spread_over_the_minute() -> None:
    arrived: list[float] = []

    def reply(body: Body, number: int) -> Reply:
        arrived.append(time.monotonic())
        return says(LIST)

    began = time.monotonic()  # on the side that waits: the first request may be long under way
    with ChatServer(reply) as server:
        ask(server, prompts(5), replace(IMPATIENT, requests_per_minute=600))
    assert arrived[-1] - began >= 4 * 60 / 600

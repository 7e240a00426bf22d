"""A generator for any server with OpenAI's chat completions: vLLM, llama.cpp, `transformers serve`, hosted ones."""

import json
import os
import random
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from typing import Any

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from whybuy.config import ConfigTable
from whybuy.errors import ConfigError
from whybuy.language.chat_protocol import PATH, answer_in, body_of, complaint_in
from whybuy.language.generator import Answer, Finish, GeneratorError, Prompt
from whybuy.language.pace import Pace

LONGEST_PAUSE = 300.0  # seconds, whatever a server asks for
CHARACTERS_PER_TOKEN = 4.0  # of English, about
_PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
_CLOSED = frozenset((401, 403, 404))  # the key, the address or the model is wrong
_REFUSED = frozenset((400, 422))
_OPTIONAL = ("response_format", "seed", "temperature")


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """Address and key of an endpoint, and limits on the requests sent to it."""

    url: str = ""  # with its /v1
    model: str = ""
    api_key_env: str = ""  # environment variable that holds the key; "": none is sent
    concurrency: int = 8  # requests under way at once
    timeout: float = 120.0  # seconds for one answer
    tries: int = 5  # for one prompt, when the server is busy, broken or gone
    first_pause: float = 1.0  # seconds before the second try; each further pause is twice as long
    most_failures: int = 20  # in a row, before the endpoint counts as gone
    requests_per_minute: float = inf
    tokens_per_minute: float = inf
    prompt_price: float = 0.0  # money for a million tokens
    answer_price: float = 0.0


ENDPOINT_CONFIG = ConfigTable("endpoint", EndpointConfig)


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a request failed that may succeed when it is sent again."""

    problem: str = ""
    retry_after: float = 0.0  # seconds, from Retry-After
    finish: Finish = Finish.UNREACHED


class EndpointGenerator:
    """A `Generator` that sends prompts to an endpoint, several at once."""

    def __init__(self, config: EndpointConfig) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigError: the environment variable of the key is not set, or the address is none.
        """
        if not _is_address(config.url):
            raise ConfigError(f"{config.url!r} is no address of an endpoint. Give it with its /v1: http://HOST:PORT/v1")
        self._config = config
        self._key = _key(config.api_key_env)
        self._pace = Pace(config.requests_per_minute, config.tokens_per_minute)
        self._dialect = _Dialect()
        self._answered = False  # whether it ever did: until then it gets one prompt at a time

    @property
    def model(self) -> str:
        """Name of the model at the endpoint."""
        return self._config.model

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """See `Generator`.

        Raises:
            GeneratorError: the endpoint refuses every request, or many prompts in a row got no answer.
        """
        failures = 0
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(self._client()) as client:
            for place, answer in self._under_way(portal, client, prompts):
                failures = 0 if answer.good else failures + 1
                yield place, answer
                if failures >= self._config.most_failures:
                    raise self._gone(f"failed {failures} prompts in a row, the last one so: {answer.problem}")

    def _under_way(
        self, portal: BlockingPortal, client: httpx2.AsyncClient, prompts: Sequence[Prompt]
    ) -> Iterator[tuple[int, Answer]]:
        """Answers as they come, at most `concurrency` prompts at once; requests are canceled when the caller stops."""
        places: dict[Future[Answer], int] = {}
        try:
            for place, prompt in enumerate(prompts):
                places[portal.start_task_soon(self._answer, client, prompt)] = place
                while len(places) >= (self._config.concurrency if self._answered else 1):
                    yield from _finished(places)
            while places:
                yield from _finished(places)
        finally:
            for future in places:
                future.cancel()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx2.AsyncClient]:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        limits = httpx2.Limits(max_connections=self._config.concurrency)
        async with httpx2.AsyncClient(headers=headers, timeout=self._config.timeout, limits=limits) as client:
            yield client

    async def _answer(self, client: httpx2.AsyncClient, prompt: Prompt) -> Answer:
        trouble = _Trouble()
        for attempt in range(self._config.tries):
            if attempt:
                await anyio.sleep(self._pause(attempt, trouble.retry_after))
            outcome = await self._try(client, prompt)
            if isinstance(outcome, Answer):
                return outcome
            trouble = outcome
        return Answer("", trouble.finish, problem=f"{trouble.problem} ({self._config.tries} tries)")

    def _pause(self, attempt: int, retry_after: float) -> float:
        """Seconds before the next attempt: doubling, at least `retry_after`, plus up to half of it at random."""
        patient = max(self._config.first_pause * 2.0 ** (attempt - 1), retry_after)
        return min(patient, LONGEST_PAUSE) * random.uniform(1.0, 1.5)  # noqa: S311 - no secret

    async def _try(self, client: httpx2.AsyncClient, prompt: Prompt) -> Answer | _Trouble:
        expected = expected_tokens(prompt)
        await anyio.sleep(self._pace.reserve(expected, time.monotonic()))
        try:
            response = await self._post(client, body_of(prompt, self.model))
        except httpx2.TimeoutException:
            return _Trouble(f"no answer within {self._config.timeout:g} s", finish=Finish.FAILED)
        except httpx2.RequestError as error:
            return _Trouble(f"{type(error).__name__}: {error}")
        answer = self._read(response)
        if isinstance(answer, Answer) and answer.prompt_tokens:
            self._pace.give_back(expected - answer.prompt_tokens - answer.completion_tokens)
        return answer

    async def _post(self, client: httpx2.AsyncClient, body: Mapping[str, Any]) -> httpx2.Response:
        """Ask; when fields are refused, ask without them, now and from now on."""
        sent = self._dialect.put(body)
        response = await self._send(client, sent)
        while response.status_code in _REFUSED and self._dialect.drop_refused(response.text, sent):
            sent = self._dialect.put(body)
            response = await self._send(client, sent)
        bare = _Dialect(set(_OPTIONAL)).put(body)
        if response.status_code in _REFUSED and not self._answered and bare != sent:
            again = await self._send(client, bare)
            if again.is_success:  # one of them was refused without a word
                self._dialect, response = _Dialect(set(_OPTIONAL)), again
        return response

    async def _send(self, client: httpx2.AsyncClient, body: Mapping[str, Any]) -> httpx2.Response:
        return await client.post(self._config.url.rstrip("/") + PATH, content=json.dumps(body))

    def _read(self, response: httpx2.Response) -> Answer | _Trouble:
        if response.is_success:
            self._answered = True
            try:
                return answer_in(response.json())
            except ValueError:
                return answer_in(response.text)
        problem = self._without_key(f"HTTP {response.status_code}: {complaint_in(response.text)}")
        if response.status_code in _PASSING:
            finish = Finish.FAILED if response.status_code == 500 else Finish.UNREACHED  # it may be this prompt's fault
            return _Trouble(problem, _retry_after(response), finish)
        if response.status_code in _CLOSED and not self._answered:
            raise self._gone(f"turns every prompt away: {problem}")
        return Answer("", Finish.FAILED, problem=problem)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _gone(self, what: str) -> GeneratorError:
        return GeneratorError(
            f"The endpoint {self._config.url} with model {self.model!r} {what.rstrip('.')}. Answers that came "
            "are kept: mend it (url, model, api_key_env), then run the same command again."
        )


@dataclass(slots=True)
class _Dialect:
    """Which optional fields of a request an endpoint accepts."""

    without: set[str] = field(default_factory=set)

    def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with only the fields that this endpoint accepts."""
        adapted = {name: value for name, value in body.items() if name not in self.without}
        if "max_tokens" in self.without:
            adapted["max_completion_tokens"] = body["max_tokens"]
        return adapted

    def drop_refused(self, complaint: str, sent: Mapping[str, Any]) -> bool:
        """Note the fields that a refusal names; False when it names none of those that were sent."""
        named = {name for name in _OPTIONAL if name in sent and re.search(rf"\b{name}\b", complaint)}
        if "max_tokens" in sent and "max_completion_tokens" in complaint:
            named.add("max_tokens")
        self.without |= named
        return bool(named)


def expected_tokens(prompt: Prompt) -> float:
    """Estimate of the most tokens that a prompt and its answer take, from the number of characters."""
    letters = sum(len(message.content) for message in prompt.messages)
    return letters / CHARACTERS_PER_TOKEN + prompt.sampling.max_tokens


def _finished(places: dict[Future[Answer], int]) -> Iterator[tuple[int, Answer]]:
    """Wait for the next answers, remove them from `places`, and yield each with its place."""
    for future in wait(places, return_when=FIRST_COMPLETED).done:
        yield places.pop(future), future.result()


def _is_address(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _key(variable: str) -> str:
    if variable and not os.environ.get(variable):
        raise ConfigError(f"The endpoint's key is to be in the environment variable {variable}, which is not set.")
    return os.environ.get(variable, "") if variable else ""


def _retry_after(response: httpx2.Response) -> float:
    """Seconds that Retry-After asks for, as a number or as a date; 0 when it asks for nothing."""
    header = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0

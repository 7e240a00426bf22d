"""Offline composition: behavior pairs of a built shop → a language model → reasons that the next build takes in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.knowledge.prompting.answers import AnswerReport, fault_of, read_answers
from whybuy.knowledge.prompting.pair_prompts import PairPrompt, PromptedConfig, draw_pairs, pair_prompts
from whybuy.knowledge.prompting.prompted import hypotheses_of
from whybuy.knowledge.proposing.generated import GENERATED_FILE
from whybuy.knowledge.proposing.hypothesizer import ProposerInput, to_table
from whybuy.language.batch_files import read_batch, write_batch
from whybuy.language.endpoint import CHARACTERS_PER_TOKEN
from whybuy.language.generator import Answer, Finish, Generator, Prompt
from whybuy.language.jobs import JOBS_FILE, CachingGenerator, Jobs, key_of
from whybuy.records import PAIRS
from whybuy.shop import Shop
from whybuy.tables import ReadReport

TOKENS_PER_CANDIDATE = 8  # about
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens."""

    prompt: float = 0.0
    answer: float = 0.0

    def of(self, prompt_tokens: float, answer_tokens: float) -> float:
        """Money for so many tokens."""
        return (self.prompt * prompt_tokens + self.answer * answer_tokens) / _MILLION


@dataclass(frozen=True, slots=True)
class Plan:
    """What asking would take."""

    questions: int
    known: int  # of these, answered before
    to_ask: int  # different prompts that are not
    prompt_tokens: int  # of those to ask
    answer_tokens: int  # about
    money: float


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run did and made."""

    reused: int  # prompts whose answer was known
    asked: int  # prompts that were sent to the model
    prompt_tokens: int  # that this run took
    answer_tokens: int
    money: float
    answers: AnswerReport
    hypotheses: int
    file: str


Listener = Callable[[int, int, int], None]
"""Called with the number of prompts in all, answered so far and failed so far."""


class Generation:
    """The prompts of one shop, and what becomes of them."""

    def __init__(self, store: Path, config: PromptedConfig, prices: Prices | None = None) -> None:
        """Draw the pairs and make the prompts; nothing is sent.

        Raises:
            ArtifactError: the shop was never built.
            InputError: the shop has no logs, so that there are no pairs to ask about.
        """
        self._store, self._config, self._prices = store, config, prices or Prices()
        self._inputs = _proposer_input(store)
        self._pairs = draw_pairs(self._inputs, config)
        if not self._pairs.num_rows:
            raise InputError(f"{store} has no behavior pairs to ask about. Add logs to store.toml and build again.")
        self._questions: list[PairPrompt] = pair_prompts(self._inputs, self._pairs, config)

    def plan(self, model: str, count: Callable[[Prompt], float] | None = None) -> Plan:
        """What is still to ask, in tokens and money. count: tokens of a prompt; default: a quarter of its letters."""
        waiting, known = self._waiting(model)
        prompt_tokens = int(sum(map(count or _by_letters, waiting.values())))
        answer = min(self._config.max_tokens, TOKENS_PER_CANDIDATE * self._config.candidates)
        money = self._prices.of(prompt_tokens, answer * len(waiting))
        return Plan(len(self._questions), known, len(waiting), prompt_tokens, answer * len(waiting), money)

    def write_batch(self, path: Path, model: str) -> list[Path]:
        """Write the prompts without a stored answer as batch files; returns the files."""
        return write_batch(path, self._waiting(model)[0], model)

    def read_batch(self, paths: Iterable[Path], report: ReadReport) -> int:
        """Keep the answers of batch files; returns how many there were."""
        with self._jobs() as jobs:
            return len(jobs.keep([answer for path in paths for answer in read_batch(path, report)]))

    def run(self, generator: Generator, *, listen: Listener = lambda prompts, answered, failed: None) -> Generated:
        """Send the prompts without a stored answer, and write the reasons of all answers to the store.

        Raises:
            GeneratorError: the model cannot be reached; run again to go on from there.
        """
        waiting, _ = self._waiting(generator.model)
        keys = [key_of(generator.model, question.prompt) for question in self._questions]
        with self._jobs() as jobs:
            caching = CachingGenerator(generator, jobs)
            answers = dict(_watched(caching([one.prompt for one in self._questions]), len(keys), listen))
        new = {key: answers[place] for place, key in enumerate(keys) if key in waiting}
        new = {key: answer for key, answer in new.items() if answer.finish is not Finish.UNREACHED}
        tokens = sum(one.prompt_tokens for one in new.values()), sum(one.completion_tokens for one in new.values())
        reasons, report = read_answers(self._questions, answers.items(), self._inputs.language)
        table = to_table(hypotheses_of(reasons, self._inputs, self._pairs, self._config, generator.model))
        _write(table, self._store / GENERATED_FILE)
        reused = len(set(keys) - waiting.keys())
        return Generated(reused, len(new), *tokens, self._prices.of(*tokens), report, table.num_rows, GENERATED_FILE)

    def _waiting(self, model: str) -> tuple[Mapping[str, Prompt], int]:
        """The prompts without a stored answer, by key, and the number of those with one."""
        prompts = [(key_of(model, question.prompt), question.prompt) for question in self._questions]
        known: Mapping[str, Answer] = {}
        if (self._store / JOBS_FILE).exists():
            with self._jobs() as jobs:
                known = jobs.known(key for key, _ in prompts)
        waiting = {key: prompt for key, prompt in prompts if key not in known}
        return waiting, sum(key in known for key, _ in prompts)

    def _jobs(self) -> Jobs:
        return Jobs(self._store / JOBS_FILE, fault_of=fault_of)


def _proposer_input(store: Path) -> ProposerInput:
    shop = Shop.open(store)
    return ProposerInput(shop.catalog.table, shop.table(PAIRS), shop.language)


def _by_letters(prompt: Prompt) -> float:
    return sum(len(message.content) for message in prompt.messages) / CHARACTERS_PER_TOKEN


def _watched(answers: Iterable[tuple[int, Answer]], prompts: int, listen: Listener) -> Iterator[tuple[int, Answer]]:
    failed = 0
    for answered, (place, answer) in enumerate(answers, 1):
        failed += not answer.good
        listen(prompts, answered, failed)
        yield place, answer


def _write(table: pa.Table, path: Path) -> None:
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(table, draft, compression="zstd")
    draft.replace(path)

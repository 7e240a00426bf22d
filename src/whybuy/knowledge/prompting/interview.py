"""Behavior pairs → questions to a language model; its answers → what it says of each pair (COSMO §1.3)."""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import ibis
import pyarrow as pa

from whybuy.behavior.sampling import sample_pairs
from whybuy.config import ConfigTable
from whybuy.knowledge.prompting.parsing import SCHEMA, parse_answer
from whybuy.knowledge.prompting.prompts import CANDIDATES, load_prompts
from whybuy.knowledge.prompting.relation_mining import Predicate, Predicates, Statement, continued
from whybuy.knowledge.proposing.association import AssociationThresholds
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.language.generator import Answer, Finish, Prompt, Sampling
from whybuy.records import Behavior, Product
from whybuy.relations import Relation, Seed


@dataclass(frozen=True, slots=True)
class PromptedConfig:
    """What a language model is asked, and how much its word counts (our design)."""

    pairs: int = 500  # behavior pairs to ask about, drawn by their weight
    rounds: int = (
        2  # 1: the four seed relations, whose answers show in which relations the model speaks; 2: also the 15
    )
    relations: tuple[Relation, ...] = tuple(Relation)  # of the second round
    candidates: int = CANDIDATES  # asked for in one prompt
    as_json: bool = False  # ask for JSON instead of a numbered list
    temperature: float = 0.7
    max_tokens: int = 160  # of an answer
    seed: int = 7  # of the draw, and of the model where it takes one
    prior: float = 0.5  # plausibility of what a model says and nobody judged: alone, not enough for the graph
    of_type: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.0, least_share=0.1)
    of_trait: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.5, least_lift=1.2)


GENERATE_CONFIG = ConfigTable("generate", PromptedConfig)


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt, and what it is about."""

    pair: int  # row in the drawn pairs
    asked: Relation | Seed
    opening: str  # that the answers continue
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Saying:
    """One reason that a model gave for one pair."""

    pair: int
    relation: Relation
    tail: str
    words: str  # the whole sentence


@dataclass(slots=True)
class InterviewReport:
    """What came of the questions."""

    questions: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # by problem
    prompt_tokens: int = 0
    completion_tokens: int = 0
    candidates: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)  # candidates, by reason
    relations: Counter[str] = field(default_factory=Counter)  # sayings of each
    predicates: tuple[Predicate, ...] = ()  # that recur in the first round
    proposals: tuple[Predicate, ...] = ()  # those that no relation says


def draw_pairs(shop: ProposerInput, config: PromptedConfig) -> pa.Table:
    """The pairs to ask about, in PAIR_SCHEMA: by weight, out of all categories and types; more pairs add to fewer."""
    known = pa.concat_tables([shop.pairs_of(kind) for kind in Behavior])
    if not known.num_rows:
        return known
    roots = [category[0] if category else None for category in shop.products["category"].to_pylist()]
    homes = shop.products.select(["product_id", "product_type"]).append_column("root", pa.array(roots, pa.string()))
    drawn = sample_pairs(ibis.memtable(known), ibis.memtable(homes), size=config.pairs, seed=config.seed)
    engine = ibis.duckdb.connect()
    try:
        return engine.to_pyarrow(drawn).cast(known.schema)
    finally:
        engine.disconnect()


def questions(shop: ProposerInput, pairs: pa.Table, config: PromptedConfig) -> list[Question]:
    """The prompts of all rounds. pairs: PAIR_SCHEMA, of known products."""
    asker = _Asker(shop, config)
    rows = pairs.select(["kind", "left", "right"]).to_pylist()
    rounds: tuple[tuple[Relation | Seed, ...], ...] = (tuple(Seed), config.relations)
    return [
        asker.question(number, Behavior(row["kind"]), (row["left"], row["right"]), asked)
        for relations in rounds[: config.rounds]
        for number, row in enumerate(rows)
        for asked in relations
    ]


def fault_of(answer: Answer) -> str:
    """Why nothing can be read out of an answer; "" when something can, or when it says that there is no reason."""
    parsed = parse_answer(answer.text, cut=answer.finish is Finish.LENGTH)
    return "" if parsed.candidates or parsed.said_none else "no candidate in the answer"


def hear(
    asked: Sequence[Question], answers: Iterable[tuple[int, Answer]], language: str = "en"
) -> tuple[list[Saying], InterviewReport]:
    """What was said, in the order of the questions, and what came of them. answers: by place of the question."""
    report = InterviewReport(questions=len(asked))
    candidates: list[tuple[Question, str]] = []
    for place, answer in sorted(answers, key=itemgetter(0)):
        report.prompt_tokens += answer.prompt_tokens
        report.completion_tokens += answer.completion_tokens
        if not answer.good:
            report.failed[answer.problem] += 1
            continue
        report.answered += 1
        parsed = parse_answer(answer.text, cut=answer.finish is Finish.LENGTH)
        report.set_aside.update(reason for reason, _ in parsed.set_aside)
        candidates += [(asked[place], candidate) for candidate in parsed.candidates]
    report.candidates = len(candidates)
    return _sayings(candidates, report, language), report


def _sayings(candidates: Sequence[tuple[Question, str]], report: InterviewReport, language: str) -> list[Saying]:
    predicates = Predicates(
        [Statement(one.asked, one.opening, said) for one, said in candidates if isinstance(one.asked, Seed)],
        load_prompts(language).predicates,
        load_patterns(language),
    )
    report.predicates, report.proposals = predicates.clusters, predicates.proposals
    sayings = []
    for question, said in candidates:
        tail = continued(question.opening, said)
        read = (
            predicates.read(Statement(question.asked, question.opening, said))
            if isinstance(question.asked, Seed)
            else (question.asked, tail)
        )
        if read is None:
            report.set_aside["in no relation"] += 1
        else:
            report.relations[read[0].value] += 1
            sayings.append(Saying(question.pair, *read, f"{question.opening} {tail}"))
    return sayings


class _Asker:
    """Puts pairs into words."""

    def __init__(self, shop: ProposerInput, config: PromptedConfig) -> None:
        self._shop, self._config = shop, config
        self._prompts = load_prompts(shop.language)
        self._product = functools.cache(self._read)
        self._sampling = Sampling(config.temperature, config.max_tokens, config.seed, SCHEMA if config.as_json else "")

    def question(self, number: int, kind: Behavior, ends: tuple[str, str], asked: Relation | Seed) -> Question:
        """What is asked of one pair in one relation."""
        left, right, count, as_json = ends[0], self._product(ends[1]), self._config.candidates, self._config.as_json
        if kind is Behavior.SEARCH_BUY:
            messages = self._prompts.ask_search_buy(left, right, asked, count, as_json=as_json)
        else:
            messages = self._prompts.ask_co_buy(self._product(left), right, asked, count, as_json=as_json)
        return Question(number, asked, self._prompts.opening(kind, asked), Prompt(messages, self._sampling))

    def _read(self, product_id: str) -> Product:
        row = self._shop.products.slice(self._shop.row_of[product_id], 1)
        (shown,) = row.select(["product_id", "title", "product_type", "category"]).to_pylist()
        return Product(**shown | {"category": tuple(shown["category"])})

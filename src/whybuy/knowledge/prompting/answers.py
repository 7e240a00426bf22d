"""Extracts reasons (relation and tail) from the answers of a language model (COSMO, Yu et al., SIGMOD 2024)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from whybuy.knowledge.prompting.pair_prompts import PairPrompt
from whybuy.knowledge.prompting.parsing import parse_answer
from whybuy.knowledge.prompting.prompts import load_prompts
from whybuy.knowledge.prompting.relation_mining import Predicate, Predicates, Statement, continued
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.language.generator import Answer, Finish
from whybuy.relations import Relation, Seed


@dataclass(frozen=True, slots=True)
class GeneratedReason:
    """One reason that a model gave for one pair."""

    pair: int
    relation: Relation
    tail: str
    words: str  # the whole sentence


@dataclass(slots=True)
class AnswerReport:
    """Counts of prompts, answers and candidates."""

    questions: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # by problem
    prompt_tokens: int = 0
    completion_tokens: int = 0
    candidates: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)  # candidates, by reason
    relations: Counter[str] = field(default_factory=Counter)  # reasons of each
    predicates: tuple[Predicate, ...] = ()  # that recur in the first round
    proposals: tuple[Predicate, ...] = ()  # those that no relation covers


def fault_of(answer: Answer) -> str:
    """Why an answer has no candidate; "" when it has some, or is an empty list: the model finds no reason."""
    parsed = parse_answer(answer.text, cut=answer.finish is Finish.LENGTH)
    return "" if parsed.candidates or parsed.is_empty_list else "no candidate in the answer"


def read_answers(
    prompts: Sequence[PairPrompt], answers: Iterable[tuple[int, Answer]], language: str = "en"
) -> tuple[list[GeneratedReason], AnswerReport]:
    """The reasons in the answers, in the order of the prompts, and counts. answers: (index of the prompt, answer)."""
    report = AnswerReport(questions=len(prompts))
    candidates: list[tuple[PairPrompt, str]] = []
    for place, answer in sorted(answers, key=itemgetter(0)):
        report.prompt_tokens += answer.prompt_tokens
        report.completion_tokens += answer.completion_tokens
        if not answer.good:
            report.failed[answer.problem] += 1
            continue
        report.answered += 1
        parsed = parse_answer(answer.text, cut=answer.finish is Finish.LENGTH)
        report.set_aside.update(reason for reason, _ in parsed.set_aside)
        candidates += [(prompts[place], candidate) for candidate in parsed.candidates]
    report.candidates = len(candidates)
    return _reasons(candidates, report, language), report


def _reasons(
    candidates: Sequence[tuple[PairPrompt, str]], report: AnswerReport, language: str
) -> list[GeneratedReason]:
    predicates = Predicates(
        [
            Statement(one.relation, one.sentence_start, text)
            for one, text in candidates
            if isinstance(one.relation, Seed)
        ],
        load_prompts(language).predicates,
        load_patterns(language),
    )
    report.predicates, report.proposals = predicates.clusters, predicates.proposals
    reasons = []
    for prompt, text in candidates:
        tail = continued(prompt.sentence_start, text)
        reading = (
            predicates.read(Statement(prompt.relation, prompt.sentence_start, text))
            if isinstance(prompt.relation, Seed)
            else (prompt.relation, tail)
        )
        if reading is None:
            report.set_aside["in no relation"] += 1
        else:
            report.relations[reading[0].value] += 1
            reasons.append(GeneratedReason(prompt.pair, *reading, f"{prompt.sentence_start} {tail}"))
    return reasons

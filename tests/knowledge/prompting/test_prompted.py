"""Reasons out of a language model's answers."""

from collections import defaultdict
from dataclasses import replace

import pytest

from fakes import ScriptedGenerator
from tiny_shop import make_shop
from whybuy.knowledge.prompting.answers import AnswerReport, fault_of, read_answers
from whybuy.knowledge.prompting.pair_prompts import PromptedConfig, draw_pairs, pair_prompts
from whybuy.knowledge.prompting.prompted import PromptedHypothesizer
from whybuy.language.generator import Answer, Finish, Prompt
from whybuy.records import Behavior, HeadKind, Hypothesis, Product
from whybuy.relations import Relation, Seed

KINDS = {"slip-on shoe": "Shoes", "tent": "Outdoors", "leash": "Pets"}
PRODUCTS = [
    Product(
        f"{kind[0]}{number}",
        f"Marlowe {kind} {number}",
        product_type=kind,
        category=(root, kind),
        attributes=(("sole", "grippy" if number % 2 else "smooth"),) if kind == "slip-on shoe" else (),
    )
    for kind, root in KINDS.items()
    for number in range(8)
]
SEARCHES = [(Behavior.SEARCH_BUY, f"best {one.product_type}", one.product_id, 3) for one in PRODUCTS]
TOGETHER = [(Behavior.CO_BUY, "t0", "t1", 4), (Behavior.CO_BUY, "l0", "t2", 4)]
SHOP = make_shop(PRODUCTS, SEARCHES + TOGETHER)
ONLY = PromptedConfig(pairs=100, relations=(Relation.USED_FOR_EVENT, Relation.USED_FOR_AUDIENCE))


def knowing(prompt: Prompt) -> Answer:
    """Tents are for camping, grippy (odd) shoes for nurses; everything is for fun."""
    text = prompt.messages[-1].content
    if "used_for_event" in text:
        return Answer("1. having fun" + ("\n2. used for camping" if "tent" in text else ""), Finish.STOP, 10, 4)
    if "used_for_audience" in text and "shoe" in text:
        odd = any(f"slip-on shoe {number}" in text for number in (1, 3, 5, 7))
        return Answer("1. nurses" if odd else '{"reasons": []}', Finish.STOP, 10, 2)
    return Answer("", Finish.FAILED, problem="no idea")


def proposed(config: PromptedConfig = ONLY) -> list[Hypothesis]:
    return list(PromptedHypothesizer(ScriptedGenerator(knowing), config).propose(SHOP))


def by_head(kind: HeadKind) -> dict[tuple[str, ...], dict[str, Hypothesis]]:
    found: defaultdict[tuple[str, ...], dict[str, Hypothesis]] = defaultdict(dict)
    for one in proposed():
        if one.head.kind is kind:
            found[one.head.key][one.tail] = one
    return found


def test_what_is_said_of_a_search_is_said_of_the_query_and_of_the_product() -> None:
    (query, product) = by_head(HeadKind.QUERY)["best tent",], by_head(HeadKind.PRODUCT)["t5",]
    assert set(query) == set(product) == {"camping", "having fun"}
    camping = query["camping"]
    assert (camping.relation, camping.support, camping.generator) == (
        Relation.USED_FOR_EVENT, 8, "prompted.v1/scripted",
    )  # fmt: skip
    assert (camping.plausibility, camping.typicality) == (0.5, 0.5)
    assert camping.words == ("It is used for camping",)
    assert len(camping.evidence) == 5
    assert product["camping"].support == 1


def test_typicality_is_the_share_of_what_was_asked() -> None:
    nurses = by_head(HeadKind.QUERY)["best slip-on shoe",]["nurses"]
    assert (nurses.support, nurses.typicality) == (4, 0.25)


def test_what_is_said_of_two_products_is_said_of_the_pair() -> None:
    pairs = by_head(HeadKind.PAIR)
    assert set(pairs) == {("t0", "t1"), ("l0", "t2")}
    assert set(pairs["t0", "t1"]) == {"camping", "having fun"}
    assert pairs["t0", "t1"]["camping"].words == ("Both are used for camping",)


def test_a_type_has_what_is_said_of_it_more_than_of_others() -> None:
    types = by_head(HeadKind.TYPE)
    assert set(types["tent",]) == {"camping"}
    assert set(types["slip-on shoe",]) == {"nurses"}
    assert ("leash",) not in types
    assert 0 < types["tent",]["camping"].plausibility <= 0.5


def test_a_trait_has_what_is_said_of_it_more_than_of_its_type() -> None:
    traits = by_head(HeadKind.TYPE_ATTRIBUTE)
    assert traits == {} or set(traits) == {("slip-on shoe", "sole", "grippy")}


def test_nothing_is_asked_of_a_shop_without_pairs() -> None:
    generator = ScriptedGenerator()
    assert list(PromptedHypothesizer(generator).propose(make_shop(PRODUCTS))) == []
    assert generator.asked == []


def test_a_word_counts_for_as_much_as_it_is_given() -> None:
    assert {one.plausibility for one in proposed(replace(ONLY, prior=0.8)) if one.head.kind is HeadKind.QUERY} == {0.8}


def test_the_first_round_asks_the_seeds_and_the_second_the_relations() -> None:
    pairs = draw_pairs(SHOP, ONLY)
    first = pair_prompts(SHOP, pairs, replace(ONLY, rounds=1))
    both = pair_prompts(SHOP, pairs, ONLY)
    assert {one.relation for one in first} == set(Seed)
    assert both[: len(first)] == first
    assert {one.relation for one in both[len(first) :]} == set(ONLY.relations)
    assert len(both) == pairs.num_rows * (4 + 2)


def test_more_pairs_ask_what_fewer_asked_and_more() -> None:
    few, many = (
        {one.prompt for one in pair_prompts(SHOP, draw_pairs(SHOP, config), config)}
        for config in (replace(ONLY, pairs=6), replace(ONLY, pairs=12))
    )
    assert few < many


def test_every_type_is_heard_in_a_small_draw() -> None:
    drawn = draw_pairs(SHOP, replace(ONLY, pairs=6))
    assert {SHOP.types[SHOP.row_of[one]] for one in drawn["right"].to_pylist()} == set(KINDS)
    assert set(drawn["kind"].to_pylist()) == {kind.value for kind in Behavior}


def test_what_came_of_the_questions_is_told() -> None:
    pairs = draw_pairs(SHOP, ONLY)
    asked = pair_prompts(SHOP, pairs, ONLY)
    answers = list(ScriptedGenerator(knowing)([one.prompt for one in asked]))
    sayings, report = read_answers(asked, reversed(answers))
    events, audiences = 26, 8
    assert (report.questions, report.answered) == (len(asked), events + audiences)
    assert report.failed == {"no idea": len(asked) - events - audiences}
    assert (report.prompt_tokens, report.completion_tokens) == (10 * 34, 4 * 26 + 2 * 8)
    assert report.candidates == len(sayings) == 26 + 10 + 4
    assert report.relations == {"used_for_event": 36, "used_for_audience": 4}


def test_answers_of_the_first_round_are_read_by_their_own_words() -> None:
    config = replace(ONLY, rounds=1)
    asked = pair_prompts(SHOP, draw_pairs(SHOP, config), config)
    answer = Answer("1. for camping\n2. by nurses\n3. strange")
    sayings, report = read_answers(
        asked, ((place, answer) for place, one in enumerate(asked) if one.relation is Seed.USED_FOR)
    )
    assert {(one.relation, one.tail) for one in sayings} == {
        (Relation.USED_FOR_EVENT, "camping"),
        (Relation.USED_BY, "nurses"),
    }
    assert report.set_aside == {"in no relation": len(sayings) // 2}


@pytest.mark.parametrize("text", ['{"reasons": []}', "1. camping", "camping"])
def test_an_answer_that_can_be_read_has_no_fault(text: str) -> None:
    assert fault_of(Answer(text)) == ""


@pytest.mark.parametrize("text", ["", "1.", '{"reasons": [', "very " * 50])
def test_an_answer_that_cannot_has_one(text: str) -> None:
    assert fault_of(Answer(text)) == "no candidate in the answer"


def test_nothing_answered_nothing_said() -> None:
    asked = pair_prompts(SHOP, draw_pairs(SHOP, ONLY), ONLY)
    assert read_answers(asked, ()) == ([], AnswerReport(questions=len(asked)))

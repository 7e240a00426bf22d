"""What a language model is asked, word by word."""

import pytest

from snapshot import assert_snapshot
from whybuy.errors import ConfigError
from whybuy.knowledge.prompting.prompts import LONGEST_TITLE, Prompts, load_prompts
from whybuy.language.generator import Message
from whybuy.records import Behavior, Product
from whybuy.relations import Relation, Seed, parse_relation

SHOE = Product(
    "s", "Marlowe Drift slip-on, slip-resistant", product_type="slip-on shoe", category=("Clothing & Shoes", "Shoes")
)
SOLE = Product("i", "Stepwell gel insole {medium}", product_type="insole", category=("Health",))
QUERY = "shoes for pregnant women"
ASKED = [*Seed, *Relation]


def text(messages: tuple[Message, ...]) -> str:
    return "".join(f"[{message.role}]\n{message.content}\n" for message in messages)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{type(asked).__name__}-{asked}")
def test_every_relation_asks_of_both_behaviors(asked: Relation | Seed) -> None:
    prompts, folder = load_prompts(), "seed" if isinstance(asked, Seed) else "relation"
    assert_snapshot(f"prompts/{folder}.{asked}.search_buy.txt", text(prompts.search_buy_prompt(QUERY, SHOE, asked)))
    assert_snapshot(f"prompts/{folder}.{asked}.co_buy.txt", text(prompts.co_buy_prompt(SHOE, SOLE, asked)))


def test_json_is_asked_for_in_its_own_words() -> None:
    asked = load_prompts().search_buy_prompt(QUERY, SHOE, Relation.USED_BY, 3, as_json=True)
    assert_snapshot("prompts/json.txt", text(asked))


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("behavior", Behavior)
def test_the_question_holds_the_words_that_an_answer_continues(behavior: Behavior, asked: Relation | Seed) -> None:
    prompts = load_prompts()
    messages = (
        prompts.search_buy_prompt(QUERY, SHOE, asked)
        if behavior is Behavior.SEARCH_BUY
        else prompts.co_buy_prompt(SHOE, SOLE, asked)
    )
    assert f'"{prompts.sentence_start(behavior, asked)} ..."' in messages[-1].content


def test_a_long_title_is_cut_and_a_type_is_said_once() -> None:
    long = Product("x", "very " * 200 + "long", product_type="tent")
    (_, question) = load_prompts().search_buy_prompt("tent", long, Relation.IS_A)
    assert question.content.count("very") == LONGEST_TITLE
    assert "(tent)" in question.content
    (_, question) = load_prompts().search_buy_prompt("x", Product("x", "Red Tent", product_type="tent"), Relation.IS_A)
    assert "(tent)" not in question.content


def test_the_domain_is_the_root_category_else_the_type() -> None:
    def domain(product: Product) -> str:
        return (
            load_prompts().search_buy_prompt("x", product, Relation.IS_A)[1].content.split("domain ")[1].split(" by")[0]
        )

    assert domain(SHOE) == "Clothing & Shoes"
    assert domain(Product("x", "X", product_type="tent")) == "tent"
    assert domain(Product("x", "X")) == "general merchandise"
    assert "Clothing & Shoes / Health" in load_prompts().co_buy_prompt(SHOE, SOLE, Relation.IS_A)[1].content


def test_every_meaning_of_a_predicate_is_a_relation() -> None:
    assert {parse_relation(name) for name in load_prompts().predicates["spoken"].values()} <= set(Relation)


def test_a_language_without_prompts_says_which_have_some() -> None:
    with pytest.raises(
        ConfigError, match=r"no prompts for language 'xx'; there are for en\. Add knowledge/prompting/prompts/xx"
    ):
        load_prompts("xx")


def test_the_digest_follows_the_wording() -> None:
    one, other = Prompts({"version": "v1", "list": "a"}), Prompts({"version": "v1", "list": "b"})
    assert one.digest != other.digest

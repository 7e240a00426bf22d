"""Instructions of the small shop: five tasks, nothing held out is named in training, every answer is known."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judged_reasons import judged_rows, judgment
from small_shop import KINDS, NEEDS, product_rows
from tiny_shop import make_shop
from whybuy.build import read_known
from whybuy.errors import InputError
from whybuy.knowledge.prompting.parsing import parse_answer
from whybuy.knowledge.tuning.generation_task import coarse
from whybuy.knowledge.tuning.instruction_export import InstructionConfig, Known, make_instructions
from whybuy.knowledge.tuning.instructions import (
    NO,
    YES,
    Instruction,
    Part,
    Task,
    path_of,
    read_instructions,
    write_instructions,
)
from whybuy.knowledge.tuning.judgment_tasks import settle
from whybuy.knowledge.tuning.products import Products
from whybuy.knowledge.tuning.split import Split
from whybuy.knowledge.tuning.wording import Wording
from whybuy.records import JUDGMENT_SCHEMA, Head, HeadKind, Product, Question, Role, Triple
from whybuy.relations import Relation, Seed
from whybuy.tables import ReadReport
from whybuy.text import normalize

HALF = InstructionConfig(held_out=0.5)
TITLES = {row["title"]: row["product_type"].split(" > ")[1] for row in product_rows()}
YES_NO = [task for task in Task if task is not Task.GENERATION]


@pytest.fixture(scope="module")
def known(small_store: Path) -> Known:
    known = read_known(small_store)
    judgments = pa.Table.from_pylist(judged_rows(), schema=JUDGMENT_SCHEMA)
    return Known(known.inputs, list(known.triples), judgments)


@pytest.fixture(scope="module")
def made(known: Known) -> dict[Part, list[Instruction]]:
    return make_instructions(known, HALF)


def test_a_product_is_named_with_its_type_and_the_deepest_category_that_is_another_word() -> None:
    lamp = Product("l", "Vinehold Arc", product_type="floor lamp", category=("Lighting", "Floor Lamps"))
    assert Products(make_shop([lamp]), Split(0.5)).words("l") == "Vinehold Arc (floor lamp, Lighting)"


def text(one: Instruction) -> str:
    return "\n".join(message.content for message in one.prompt)


def named(instructions: Sequence[Instruction]) -> set[str]:
    """The queries and products that are named."""
    texts = [normalize(text(one)) for one in instructions]
    lines = {line.partition(": ")[2] for each in texts for line in each.splitlines()}
    products = {title for title in TITLES if any(normalize(title) in each for each in texts)}
    return products | (lines & set(map(normalize, NEEDS)))


def wordings(triple: Triple) -> set[str]:
    """A reason as it answers its relation, and as it answers the seed of that."""
    return {triple.tail, f"{coarse(triple.relation)[1]} {triple.tail}".strip()}


# ---------------------------------------------------------------- what is made
def test_all_five_tasks_are_there_in_both_parts(made: dict[Part, list[Instruction]]) -> None:
    for part in Part:
        assert {one.task for one in made[part]} == set(Task)


def test_no_query_and_no_product_is_named_in_both_parts(made: dict[Part, list[Instruction]]) -> None:
    train, held_out = named(made[Part.TRAIN]), named(made[Part.HELD_OUT])
    assert train
    assert held_out
    assert train.isdisjoint(held_out)


def test_no_type_is_judged_in_both_parts(made: dict[Part, list[Instruction]]) -> None:
    judged = {
        part: {text(one).splitlines()[0].partition(": ")[2] for one in made[part] if one.task is Task.PLAUSIBILITY}
        for part in Part
    }
    assert set.union(*judged.values()) == set(KINDS)
    assert judged[Part.TRAIN].isdisjoint(judged[Part.HELD_OUT])


@pytest.mark.parametrize("task", YES_NO)
def test_training_has_as_much_yes_as_no(made: dict[Part, list[Instruction]], task: Task) -> None:
    answers = Counter(one.answer for one in made[Part.TRAIN] if one.task is task)
    assert set(answers) == {YES, NO}
    assert abs(answers[YES] - answers[NO]) <= answers.total() / 20


def test_a_query_takes_what_was_bought_for_it_and_no_other_type(made: dict[Part, list[Instruction]]) -> None:
    for one in (each for part in Part for each in made[part] if each.task is Task.SEARCH_RELEVANCE):
        query = normalize(text(one).splitlines()[0].partition(": ")[2])
        kind = next(kind for title, kind in TITLES.items() if title in text(one))
        assert (one.answer == YES) == (NEEDS[query] == kind), text(one)


def test_generated_reasons_are_those_of_the_graph(known: Known, made: dict[Part, list[Instruction]]) -> None:
    tails = {words for triple in known.triples for words in wordings(triple)}
    for one in (each for part in Part for each in made[part] if each.task is Task.GENERATION):
        listed = parse_answer(one.answer).candidates
        assert listed == one.reasons[: len(listed)]
        assert listed
        assert set(one.reasons) <= tails


def test_training_hears_no_reason_of_a_head_that_is_held_out(known: Known, made: dict[Part, list[Instruction]]) -> None:
    triples = [triple for triple in known.triples if Split(0.5).part_of([triple.head]) is not Part.HELD_OUT]
    told = {words for triple in triples for words in wordings(triple)}
    assert all(set(one.reasons) <= told for one in made[Part.TRAIN])


def test_the_same_shop_and_seed_give_the_same(known: Known, made: dict[Part, list[Instruction]]) -> None:
    assert make_instructions(known, HALF) == made
    assert make_instructions(known, InstructionConfig(held_out=0.5, seed=1)) != made


def test_no_task_has_more_than_is_asked_for(known: Known) -> None:
    few = make_instructions(known, InstructionConfig(most=7, most_held_out=3, held_out=0.5))
    for part, most in ((Part.TRAIN, 7), (Part.HELD_OUT, 3)):
        assert set(Counter(one.task for one in few[part]).values()) == {most}


def test_without_judgments_plausibility_and_typicality_are_left_out(small_store: Path) -> None:
    made = make_instructions(read_known(small_store), HALF)
    assert {one.task for one in made[Part.TRAIN]} == set(Task) - {Task.PLAUSIBILITY, Task.TYPICALITY}


def test_a_shop_that_holds_nothing_out_trains_on_all(known: Known) -> None:
    made = make_instructions(known, InstructionConfig(held_out=0.0))
    assert made[Part.HELD_OUT] == []
    assert named(made[Part.TRAIN]) >= set(TITLES)


def test_judged_pairs_stand_in_place_of_purchases(small_store: Path, tmp_path: Path) -> None:
    rows = [("shoe", "slip-0", 2), ("shoe", "floo-0", 0), ("shoe", "hiki-0", 1), ("shoe", "gone", 2)]
    columns = zip(("query", "product_id", "grade"), map(list, zip(*rows, strict=True)), strict=True)
    pq.write_table(pa.table(dict(columns)), tmp_path / "judged.parquet")
    known = read_known(small_store, relevance=tmp_path / "judged.parquet")
    made = make_instructions(known, InstructionConfig(held_out=0.0))[Part.TRAIN]
    asked = {(one.answer, "floor lamp" in text(one)) for one in made if one.task is Task.SEARCH_RELEVANCE}
    assert asked == {(YES, False), (NO, True)}  # what is half relevant, and what the shop does not have, is left out


@pytest.mark.parametrize("relation", Relation)
def test_each_seed_is_answered_in_words_that_tell_the_relation(relation: Relation) -> None:
    seed, begins = coarse(relation)
    same = [other for other in Relation if coarse(other) == (seed, begins)]
    assert {other.words.split()[-1] for other in same} == {relation.words.split()[-1]}


def test_some_are_asked_as_in_a_first_round(made: dict[Part, list[Instruction]]) -> None:
    asked = [text(one) for one in made[Part.TRAIN] if one.task is Task.GENERATION]
    by_seed = [each for each in asked if any(f"by the relation {seed}." in each for seed in Seed)]
    assert 0 < len(by_seed) < len(asked) / 2


# ---------------------------------------------------------------- what people said
def settled(question: Question, *rows: dict[str, object]) -> list[bool]:
    return list(settle(pa.Table.from_pylist(list(rows), schema=JUDGMENT_SCHEMA), question).values())


def test_two_judges_who_differ_settle_nothing_until_a_third_decides() -> None:
    yes, no = judgment(["tent"], "camping"), judgment(["tent"], "camping", plausible=False)
    assert settled(Question.PLAUSIBLE, yes, no) == []
    assert settled(Question.PLAUSIBLE, yes, no, judgment(["tent"], "camping", Role.ADJUDICATOR)) == [True]
    assert settled(Question.PLAUSIBLE, yes, yes, no) == [True]


def test_the_reader_who_rejected_an_edge_has_the_last_word() -> None:
    rejected = judgment(["tent"], "camping", Role.READER, complete=None, plausible=False, typical=None)
    assert settled(Question.TYPICAL, judgment(["tent"], "camping"), rejected) == [False]


def test_a_no_answers_the_later_questions_too() -> None:
    hollow = judgment(["tent"], "people like it", informative=False, plausible=None, typical=None)
    assert settled(Question.PLAUSIBLE, hollow) == [False]
    assert settled(Question.TYPICAL, hollow) == [False]
    assert settled(Question.RELEVANT, hollow) == [True]


def test_what_nobody_was_asked_is_not_settled() -> None:
    assert settled(Question.TYPICAL, judgment(["tent"], "camping", typical=None)) == []


# ---------------------------------------------------------------- the split
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=1, max_size=4), st.floats(0, 1))
def test_an_instruction_is_of_the_part_of_all_its_heads_or_of_none(queries: list[str], share: float) -> None:
    heads, split = [Head(HeadKind.QUERY, (query,)) for query in queries], Split(share)
    alone = {split.part_of([head]) for head in heads}
    assert split.part_of(heads) == (alone.pop() if len(alone) == 1 else None)


@given(NAMES, NAMES, st.floats(0, 1))
def test_a_pair_names_its_products_and_an_attribute_its_type(one: str, other: str, share: float) -> None:
    split, products = Split(share), [Head(HeadKind.PRODUCT, (one,)), Head(HeadKind.PRODUCT, (other,))]
    assert split.part_of([Head(HeadKind.PAIR, (one, other))]) == split.part_of(products)
    kind = Head(HeadKind.TYPE, (one,))
    assert split.part_of([Head(HeadKind.TYPE_ATTRIBUTE, (one, "color", other))]) == split.part_of([kind])


def test_about_as_many_are_held_out_as_is_asked_for() -> None:
    parts = Counter(Split(0.2).part_of([Head(HeadKind.QUERY, (str(number),))]) for number in range(2000))
    assert 340 < parts[Part.HELD_OUT] < 460


# ---------------------------------------------------------------- wordings and files
def test_everything_is_asked_in_three_wordings_or_more() -> None:
    wording = Wording.load()
    assert {HeadKind.QUERY, HeadKind.PRODUCT, HeadKind.PAIR, HeadKind.TYPE} <= set(wording.about)
    assert set(wording.asks) == set(YES_NO)
    assert all(len(set(each)) >= 3 for each in (*wording.about.values(), *wording.asks.values()))


def test_chats_are_written_and_read_back(made: dict[Part, list[Instruction]], tmp_path: Path) -> None:
    path, report = path_of(tmp_path, Part.TRAIN), ReadReport()
    write_instructions(path, made[Part.TRAIN])
    assert read_instructions(path, report) == made[Part.TRAIN]
    assert report.set_aside.total() == 0


def test_lines_that_are_no_chat_are_set_aside_with_their_place(tmp_path: Path) -> None:
    path, report = path_of(tmp_path, Part.TRAIN), ReadReport()
    good = (
        '{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "no"}], "task": "typicality"}'
    )
    path.write_text(
        "\n".join(['{"messages": []', good, '{"messages": [], "task": "typicality"}', good.replace("typ", "t")])
    )
    assert [one.answer for one in read_instructions(path, report)] == ["no"]
    assert [example.line for example in report.examples] == [1, 3, 4]


def test_a_folder_without_instructions_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no instruction file .*train.jsonl. Write it with `whybuy lm export"):
        read_instructions(path_of(tmp_path, Part.TRAIN), ReadReport())

"""The student: the reasons that it guesses for texts that the graph does not have, and its confidence."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tiny_shop import of_type, open_graph, pair_table, product_table, reason
from whybuy.errors import ArtifactError, InputError
from whybuy.graph import KnowledgeGraph
from whybuy.intents import Student, known_first
from whybuy.intents.calibration import Calibration
from whybuy.intents.calibration_fitting import fit_calibration
from whybuy.intents.student import GUESSES, StudentModel
from whybuy.intents.student_training import StudentConfig, train_student
from whybuy.intents.training_set import training_data
from whybuy.records import PAIR_SCHEMA, PRODUCT_SCHEMA, Behavior, Head, HeadKind, Hypothesis, Intent, Product
from whybuy.relations import Relation

INTENTS = {
    "clog": ("night nurses", "wide feet"),
    "tent": ("winter camping", "beach festivals"),
    "pillow": ("side sleepers", "neck pain"),
    "kettle": ("dorm rooms", "tea ceremonies"),
    "leash": ("strong pullers", "evening walks"),
    "lamp": ("late readers", "home offices"),
}
PATTERNS = ("{} for {}", "best {} for {}", "good {}s for {}", "{}s for {}", "{} made for {}", "cheap {} for {}")
FOR = Relation.USED_FOR_AUDIENCE
PRODUCTS = [
    Product(f"{kind}-{number}", f"{maker} {kind}", product_type=kind)
    for kind in INTENTS
    for number, maker in enumerate(("Marlowe", "Tarn", "Ostrava", "Fennel", "Halvard"))
]
UNSEEN = Product("new", "Quill tent, sage", product_type="tent", attributes=(("color", "sage"),))


def queries() -> list[tuple[str, str]]:
    return [
        (pattern.format(kind, tail), tail) for kind, tails in INTENTS.items() for tail in tails for pattern in PATTERNS
    ]


def hypotheses() -> list[Hypothesis]:
    types = [reason(of_type(kind), FOR, tail, score=0.9) for kind, tails in INTENTS.items() for tail in tails]
    return types + [reason(Head(HeadKind.QUERY, (text,)), FOR, tail, score=1.0) for text, tail in queries()]


def nothing() -> pa.Table:
    return PAIR_SCHEMA.empty_table()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeGraph:
    return open_graph(tmp_path_factory.mktemp("graph"), hypotheses())


@pytest.fixture(scope="module")
def model(graph: KnowledgeGraph) -> StudentModel:
    model = train_student(graph, product_table(PRODUCTS), nothing())
    assert model is not None
    return model


@pytest.fixture
def student(model: StudentModel, graph: KnowledgeGraph) -> Student:
    return Student(model, graph)


def test_a_student_knows_whether_it_has_seen_queries(student: Student, tmp_path: Path) -> None:
    assert student.knows_queries
    of_types = [
        reason(of_type(f"{kind} {number}"), FOR, tail, score=0.9)
        for kind, tails in INTENTS.items()
        for tail in tails
        for number in range(8)
    ]
    kinds = {one.head.key[0] for one in of_types}
    products = [Product(f"{kind}-{at}", f"Marlowe {kind} {at}", product_type=kind) for kind in kinds for at in range(3)]
    graph = open_graph(tmp_path / "graph", of_types)
    model = train_student(graph, product_table(products), nothing())
    assert model is not None
    model.save(tmp_path / "student")
    opened = Student.open(tmp_path / "student", graph)
    assert opened is not None
    assert not opened.knows_queries
    assert opened.read("clog for night nurses")


# ---------------------------------------------------------------- what it says
@pytest.mark.parametrize(("kind", "tail"), [(kind, tail) for kind, tails in INTENTS.items() for tail in tails])
def test_a_query_that_nobody_asked_gets_the_intent_in_its_words(student: Student, kind: str, tail: str) -> None:
    first = student.read(f"which {kind} would you take for {tail}")[0]
    assert (first.relation, first.tail, first.source) == (FOR, tail, "student")
    assert first.confidence > 0.5


def test_a_misspelled_intent_is_understood(student: Student) -> None:
    assert student.read("pillow for side slepers")[0].tail == "side sleepers"


def test_the_surest_comes_first_and_nothing_twice(student: Student) -> None:
    for text, _ in queries():
        guesses = student.read(text)
        assert 0 < len(guesses) <= GUESSES
        assert [one.confidence for one in guesses] == sorted((one.confidence for one in guesses), reverse=True)
        assert len({(one.relation, one.tail) for one in guesses}) == len(guesses)
        assert all(0 <= one.confidence <= 1 for one in guesses)


def test_letters_that_a_query_shares_with_known_words_are_no_reason(student: Student) -> None:
    assert student.read("slide rulers") == ()
    assert student.read("side table") == ()


@pytest.mark.parametrize("text", ["", "   ", "\u6f22\u5b57", "?!", "\x00"])
def test_words_of_which_nothing_is_known_say_nothing(student: Student, text: str) -> None:
    assert student.read(text) == ()


def test_a_product_that_the_graph_never_saw_is_bought_for_what_its_type_is_bought_for(student: Student) -> None:
    assert {one.tail for one in student.read_product(UNSEEN)[:2]} == set(INTENTS["tent"])


def test_what_is_bought_for_a_search_without_a_reason_tells_its_reasons(graph: KnowledgeGraph) -> None:
    pairs = pair_table([(Behavior.SEARCH_BUY, "zzyx thing", f"tent-{number}", 3) for number in range(5)])
    model = train_student(graph, product_table(PRODUCTS), pairs)
    assert model is not None
    assert {one.tail for one in Student(model, graph).read("zzyx things")[:2]} == set(INTENTS["tent"])


def test_in_a_shop_of_clicks_what_was_clicked_tells_the_reasons(graph: KnowledgeGraph) -> None:
    pairs = [(Behavior.SEARCH_BUY, "zzyx", "lamp-1", 2), (Behavior.CO_BUY, "clog-0", "lamp-1", 900)]
    bought, clicked = (
        training_data(graph, product_table(PRODUCTS), pair_table(pairs, only=only)).purchases for only in ("", "clicks")
    )
    assert clicked.texts == bought.texts == ["zzyx"]
    assert (clicked.reasons != bought.reasons).nnz == 0


def test_training_sets_are_what_the_graph_says(graph: KnowledgeGraph) -> None:
    pairs = pair_table(
        [
            (Behavior.SEARCH_BUY, "clog for wide feet", "clog-0", 3),  # which the graph knows
            (Behavior.SEARCH_BUY, "zzyx", "gone", 3),  # which the shop no longer has
            (Behavior.SEARCH_BUY, "zzyx", "lamp-1", 1),
            (Behavior.CO_BUY, "clog-0", "lamp-1", 9),
        ]
    )
    data = training_data(graph, product_table(PRODUCTS), pairs)
    tails = [graph.label(node) for node in data.reasons.tails.tolist()]
    best = data.queries.reasons.argmax(axis=1).A1.tolist()
    intents = {text: tails[place] for text, place in zip(data.queries.texts, best, strict=True)}
    assert intents == dict(queries())
    assert data.purchases.texts == ["zzyx"]
    assert {tails[place] for place in data.purchases.reasons.indices} == set(INTENTS["lamp"])
    assert (len(data.types), len(data.products), len(data.wordings)) == (len(INTENTS), len(PRODUCTS), len(tails))


# ---------------------------------------------------------------- kept and opened
def test_a_saved_student_says_the_same(
    model: StudentModel, graph: KnowledgeGraph, tmp_path: Path, student: Student
) -> None:
    model.save(tmp_path)
    opened = Student.open(tmp_path, graph)
    assert opened is not None
    for text, _ in queries():
        assert opened.read(text) == student.read(text)
    assert opened.read_product(UNSEEN) == student.read_product(UNSEEN)


def test_the_same_graph_trains_the_same(model: StudentModel, graph: KnowledgeGraph, student: Student) -> None:
    again = train_student(graph, product_table(PRODUCTS), nothing(), StudentConfig(threads=1))
    assert again is not None
    for text, _ in queries():
        assert Student(again, graph).read(text) == student.read(text)


def test_there_is_no_student_without_a_folder_or_with_an_empty_one(graph: KnowledgeGraph, tmp_path: Path) -> None:
    assert Student.open(None, graph) is None
    assert Student.open(tmp_path, graph) is None


@pytest.mark.parametrize("part", ["tails.npy", "tree/tree.json", "vectors/vectorizer.json"])
def test_a_damaged_student_is_not_opened(model: StudentModel, graph: KnowledgeGraph, tmp_path: Path, part: str) -> None:
    model.save(tmp_path)
    (tmp_path / part).write_bytes(b"{")
    with pytest.raises(ArtifactError, match=str(tmp_path)):
        Student.open(tmp_path, graph)


# ---------------------------------------------------------------- too little to learn from
def test_an_empty_graph_trains_nothing(tmp_path: Path) -> None:
    assert train_student(open_graph(tmp_path, []), PRODUCT_SCHEMA.empty_table(), nothing()) is None


def test_a_graph_of_a_few_reasons_trains_nothing_since_nobody_knew_how_sure_to_be(tmp_path: Path) -> None:
    graph = open_graph(tmp_path, [reason(of_type("tent"), FOR, "winter camping")])
    assert train_student(graph, product_table(PRODUCTS[:5]), nothing()) is None


def test_a_share_that_leaves_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match=r"withheld is 1\.0; .* between 0 and 1"):
        StudentConfig(withheld=1.0)


# ---------------------------------------------------------------- confidence
def test_confidence_is_how_often_a_guess_is_right() -> None:
    random = np.random.default_rng(0)
    scores = -np.sort(-random.random((6000, 3)).astype(np.float32), axis=1)
    right = random.random(scores.shape) < scores**2
    fitted = fit_calibration(scores[:3000], right[:3000])
    assert fitted is not None
    confidence = fitted.probabilities(scores[3000:])
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        bin_ = (confidence >= low) & (confidence < low + 0.2)
        assert confidence[bin_].mean() == pytest.approx(right[3000:][bin_].mean(), abs=0.05)


@pytest.mark.parametrize("answer", [True, False])
def test_of_answers_that_are_all_the_same_nothing_is_learned(answer: bool) -> None:
    assert fit_calibration(np.full((4, 2), 0.5, np.float32), np.full((4, 2), answer)) is None


@given(arrays(np.float32, (4, GUESSES), elements=st.floats(0, 1, width=32)))
def test_confidence_is_a_probability(scores: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    fitted = Calibration(np.array([1.0, 0.5, 0.5, 1.0, 0.0]), np.array([[-3.0, 0.0, 3.0], [0.0, 0.4, 1.0]]))
    confidence = fitted.probabilities(-np.sort(-scores, axis=1))
    assert confidence.shape == scores.shape
    assert ((confidence >= 0) & (confidence <= 1)).all()


# ---------------------------------------------------------------- beside the graph
intents = st.lists(
    st.builds(
        Intent,
        st.sampled_from([FOR, Relation.USED_ON]),
        st.sampled_from("abcdefg"),
        st.sampled_from([0.05, 0.3, 0.9]),
    ),
    max_size=14,
    unique_by=lambda one: (one.relation, one.tail),
)


@given(intents, intents)
def test_what_is_known_comes_before_what_is_guessed(known: list[Intent], guessed: list[Intent]) -> None:
    both = known_first(known, guessed, least=0.1)
    assert both[: len(known)] == tuple(known)[:GUESSES]
    assert len(both) <= GUESSES
    assert {one.tail for one in both[len(known) :]}.isdisjoint(one.tail for one in known)
    assert all(one.confidence >= 0.1 and one in guessed for one in both[len(known) :])

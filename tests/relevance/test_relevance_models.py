"""What every model of relevance keeps to: one battery, every kind."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from judged_answers import COLORS, NAMES, judged_answers, texts_of

from tiny_transformer import write_tiny_transformer
from whybuy.errors import ArtifactError, InputError
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.encoder import CachingEncoder, KeepingEncoder
from whybuy.language.transformer_encoder import TransformerEncoder
from whybuy.records import RelevancePair
from whybuy.relevance.constant import ConstantModel
from whybuy.relevance.fine_tuned import FineTuning
from whybuy.relevance.fine_tuning import fine_tune
from whybuy.relevance.frozen import Architecture
from whybuy.relevance.frozen_training import PLAIN, WITH_REASONS, train_frozen
from whybuy.relevance.head_fitting import best_temperature, fit_head
from whybuy.relevance.model import SAVED, JudgedPairs, RelevanceModel
from whybuy.relevance.opening import open_relevance_model
from whybuy.relevance.wording import Wording

Learn = Callable[[JudgedPairs], RelevanceModel]
KINDS = ["constant", "bi_encoder", "cross_encoder", "cross_encoder+triples"]
TUNED = [pytest.param(f"tuned {architecture}", marks=pytest.mark.heavy) for architecture in Architecture]


@pytest.fixture(scope="module")
def judged() -> JudgedPairs:
    return judged_answers()


@pytest.fixture(scope="module", params=[*KINDS, *TUNED])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def learn(kind: str, judged: JudgedPairs, tmp_path_factory: pytest.TempPathFactory) -> Learn:
    if kind == "constant":
        return ConstantModel.fit
    if kind == "bi_encoder":
        encoder = CachingEncoder(CatalogEncoder.fit(texts_of(judged), dimensions=12))
        return lambda some: train_frozen(some, encoder, Architecture.BI_ENCODER)
    folder = str(write_tiny_transformer(tmp_path_factory.mktemp("model"), texts_of(judged)))
    if kind.startswith("tuned"):
        recipe = FineTuning(folder, epochs=1, learning_rate=1e-3, head_rate=1e-2)
        return lambda some: fine_tune(some, Architecture(kind.split()[1]), Wording(most=2, matches=True), recipe)
    reader = KeepingEncoder(TransformerEncoder(folder), tmp_path_factory.mktemp("kept"))
    wordings = WITH_REASONS if kind == "cross_encoder+triples" else PLAIN
    return lambda some: train_frozen(some, reader, Architecture.CROSS_ENCODER, wordings)


@pytest.fixture(scope="module")
def model(learn: Learn, judged: JudgedPairs) -> RelevanceModel:
    return learn(judged)


@pytest.fixture
def folder(model: RelevanceModel, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


def test_each_pair_gets_probabilities_of_the_classes(model: RelevanceModel, judged: JudgedPairs) -> None:
    found = model.probabilities(judged.pairs)
    assert model.classes == NAMES
    assert found.shape == (len(judged), len(NAMES))
    assert found.dtype == np.float64
    assert np.all(found >= 0)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_a_class_that_nobody_gave_is_hardly_expected(model: RelevanceModel, judged: JudgedPairs) -> None:
    never = NAMES.index("complement")
    assert never not in judged.classes
    assert model.probabilities(judged.pairs)[:, never].mean() < 0.1


@pytest.mark.parametrize("text", ["", " ", "\x00", "Größe \U0001f600 \u202e", "[SEP] [PAD]", "why " * 400])
def test_any_text_is_judged(model: RelevanceModel, text: str) -> None:
    assert np.isfinite(model.probabilities([RelevancePair(text, "tent"), RelevancePair("tent", text)])).all()


def test_no_pairs_have_no_probabilities(model: RelevanceModel) -> None:
    assert model.probabilities([]).shape == (0, len(NAMES))


def test_an_answer_does_not_depend_on_what_is_asked_beside_it(model: RelevanceModel, judged: JudgedPairs) -> None:
    mixed = np.random.default_rng(1).permutation(len(judged))
    whole = model.probabilities(judged.pairs)
    np.testing.assert_allclose(model.probabilities(judged.only(mixed).pairs), whole[mixed], atol=1e-4)
    np.testing.assert_allclose(model.probabilities(judged.pairs[7:8]), whole[7:8], atol=1e-4)


def test_the_same_pairs_give_the_same_model(learn: Learn, judged: JudgedPairs) -> None:
    some = judged.only(np.arange(60))
    np.testing.assert_array_equal(learn(some).probabilities(some.pairs), learn(some).probabilities(some.pairs))


def test_pairs_of_one_class_are_learned(learn: Learn, judged: JudgedPairs) -> None:
    exact = judged.only(np.flatnonzero(judged.classes == 0))
    assert np.all(learn(exact).probabilities(exact.pairs).argmax(axis=1) == 0)


# ---------------------------------------------------------------- saved and opened
def test_a_saved_model_says_the_same(folder: Path, model: RelevanceModel, judged: JudgedPairs) -> None:
    opened = open_relevance_model(folder)
    assert type(opened) is type(model)
    assert opened.classes == model.classes
    np.testing.assert_allclose(opened.probabilities(judged.pairs), model.probabilities(judged.pairs), atol=1e-6)


def test_it_is_written_without_pickles(folder: Path) -> None:
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".json", ".npy", ".npz", ".safetensors"}


def test_a_folder_that_holds_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere holds no readable relevance model .*`whybuy evaluate relevance`"):
        open_relevance_model(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "dreamt"}, r"is 'dreamt'; this whybuy opens those that are constant or fine-tuned or frozen"),
        ({"format_version": 99}, r"relevance model in format 99; this whybuy reads format 1"),
    ],
)
def test_what_this_whybuy_cannot_open_is_named(folder: Path, facts: dict[str, object], message: str) -> None:
    path = folder / SAVED.about
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))
    with pytest.raises(ArtifactError, match=message):
        open_relevance_model(folder)


def test_a_damaged_file_is_named(folder: Path) -> None:
    for damaged in sorted(path for path in folder.rglob("*") if path.suffix in {".npy", ".safetensors"}):
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:60])
        with pytest.raises(ArtifactError, match=r"Run `whybuy evaluate relevance`"):
            open_relevance_model(folder)
        damaged.write_bytes(whole)


# ---------------------------------------------------------------- what is learned
def test_a_bi_encoder_knows_the_thing_that_is_asked_for(judged: JudgedPairs) -> None:
    encoder = CachingEncoder(CatalogEncoder.fit(texts_of(judged), dimensions=12))
    learning = judged.only(np.flatnonzero([not pair.query.startswith(COLORS[0]) for pair in judged.pairs]))
    unseen = judged.only(np.flatnonzero([pair.query.startswith(COLORS[0]) for pair in judged.pairs]))
    model = train_frozen(learning, encoder, Architecture.BI_ENCODER)
    right = model.probabilities(unseen.pairs).argmax(axis=1) == unseen.classes
    assert right.mean() > 0.9


def test_shared_reasons_tell_substitutes_that_no_word_tells() -> None:
    known, unknown = judged_answers(), judged_answers(known=False)
    encoder = CatalogEncoder.fit(["nothing of this"])
    found = train_frozen(known, encoder, Architecture.BI_ENCODER, (Wording(matches=True),))
    blind = train_frozen(unknown, encoder, Architecture.BI_ENCODER, (Wording(matches=True),))
    related = known.classes != NAMES.index("irrelevant")
    told, untold = found.probabilities(known.pairs)[:, -1], blind.probabilities(unknown.pairs)[:, -1]
    assert told[~related].min() > told[related].max()
    assert np.ptp(untold) < 1e-6


def test_the_wording_is_chosen_that_tells_most() -> None:
    judged = judged_answers()
    encoder = CatalogEncoder.fit(["nothing of this"])
    model = train_frozen(judged, encoder, Architecture.BI_ENCODER, (Wording(), Wording(matches=True)))
    assert model.reading.wording == Wording(matches=True)


def test_a_cross_encoder_needs_an_encoder_of_pairs(judged: JudgedPairs) -> None:
    with pytest.raises(InputError, match=r"reads two texts together, which CatalogEncoder does not.*ONNX folder"):
        train_frozen(judged, CatalogEncoder.fit(["tent"]), Architecture.CROSS_ENCODER)


def test_a_few_telling_numbers_are_not_lost_beside_a_wide_vector() -> None:
    random = np.random.default_rng(0)
    classes = random.integers(2, size=400)
    wide = random.standard_normal((400, 384)).astype(np.float32)
    telling = (classes + random.normal(0, 0.7, 400)).astype(np.float32)[:, None]
    learned, unseen = np.arange(200), np.arange(200, 400)
    head = fit_head([wide[learned], telling[learned]], classes[learned], 2, 1.0)
    alone = fit_head([np.hstack([wide, telling])[learned]], classes[learned], 2, 1.0)
    both = np.hstack([wide, telling])[unseen]
    right = [float((one(both).argmax(axis=1) == classes[unseen]).mean()) for one in (head, alone)]
    assert right[0] > right[1] + 0.05


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_a_head_that_is_too_sure_is_cooled(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.standard_normal((4000, 3)) * 1.5
    classes = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    found, loss = best_temperature(temperature * logits, classes)
    assert found == pytest.approx(temperature, rel=0.1)
    assert loss < np.log(3)


# ---------------------------------------------------------------- judged pairs
def test_a_split_parts_no_query(judged: JudgedPairs) -> None:
    learns, validates = judged.split(3)
    assert sorted([*learns, *validates]) == list(range(len(judged)))
    queries = judged.by_query()
    assert not set(queries[learns]) & set(queries[validates])
    assert len(set(queries[validates])) == round(0.2 * len(set(queries)))


def test_one_query_is_too_few(judged: JudgedPairs) -> None:
    with pytest.raises(InputError, match=r"needs pairs of .* two queries.*, not 1\. Judge more"):
        judged.only(np.arange(3)).split(0)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0], r"2 pairs have 1 classes\. Give each pair"),
        ([0, 4], r"Classes 0 to 4 are not among the 4 named exact, substitute, complement, irrelevant"),
    ],
)
def test_classes_that_do_not_fit_are_named(classes: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        JudgedPairs((RelevancePair("tent", "a tent"),) * 2, np.array(classes), NAMES)

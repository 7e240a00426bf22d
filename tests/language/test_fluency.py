"""Models that say how badly a text reads."""

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_transformer import write_tiny_causal_model
from whybuy.errors import ArtifactError
from whybuy.language.ngram_fluency import DISCOUNT, NgramFluency
from whybuy.language.transformer_fluency import BATCH, TransformerFluency
from whybuy.text import tokenize

TEXTS = [
    "shoes for pregnant women",
    "wide shoes for pregnant women who stand all day",
    "A tent for winter camping. Warm, dry, and quiet in the snow.",
    "stove for winter camping",
    "ideal for winter camping and for pregnant women",
    "boots for walking the dog in the snow",
    "leash for walking the dog",
]
MODEL = NgramFluency.fit(TEXTS)


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ("winter camping", "winter"),
        ("walking the dog", "walking the"),
        ("walking the dog", "dog walking the"),
        ("walking the dog", "walking dog the"),
    ],
)
def test_what_breaks_off_or_stands_on_its_head_reads_worse(whole: str, broken: str) -> None:
    good, bad = MODEL([f"for {whole}", f"for {broken}"])
    assert good == 1.0
    assert bad > 2.0  # times less likely than anywhere


@pytest.mark.parametrize("text", ["", "--", "shoes", "zzyx"])
def test_one_word_is_too_short_to_tell(text: str) -> None:
    assert math.isnan(MODEL([text])[0])


@pytest.mark.parametrize("texts", [[], ["shoe"], ["", ""]])
def test_few_texts_make_a_model_that_answers(texts: list[str]) -> None:
    assert np.isfinite(NgramFluency.fit(texts)(["walking the dog"])).all()


def test_a_saved_model_gives_the_same(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "model")
    texts = ["walking the dog", "dog walking", "zzyx for pregnant", "shoe"]
    np.testing.assert_array_equal(NgramFluency.load(tmp_path / "model")(texts), MODEL(texts))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no readable n-gram model"):
        NgramFluency.load(tmp_path)


WORDS = st.lists(st.sampled_from(["walk", "the", "dog", "in", "snow"]), min_size=1, max_size=5)


@settings(max_examples=50, deadline=None)
@given(phrases=st.lists(WORDS, min_size=1, max_size=12), asked=st.lists(WORDS, min_size=1, max_size=4))
def test_the_model_equals_the_slow_obvious_version(phrases: list[list[str]], asked: list[list[str]]) -> None:
    counts = Counter(word for phrase in phrases for word in phrase)
    known = {word for word, count in counts.items() if count > 1}

    def read(words: list[str]) -> list[str]:
        return [*(word if word in known else "?" for word in words), "."]

    triples = Counter(three for words in map(read, phrases) for three in zip(words, words[1:], words[2:], strict=False))
    pairs = Counter(three[1:] for three in triples)
    singles = Counter(pair[1:] for pair in pairs)
    everything = sum(singles.values()) + len(known) + 2

    def likely(word: str, before: tuple[str, ...]) -> float:
        if not before:
            return (singles[word,] + 1) / everything
        of_length: Counter[tuple[str, ...]] = Counter(pairs if len(before) == 1 else triples)
        following = {gram: count for gram, count in of_length.items() if gram[:-1] == before}
        shorter = likely(word, before[1:])
        if not following:
            return shorter
        total = sum(following.values())
        share = max(following.get((*before, word), 0) - DISCOUNT, 0)
        probability: float = (share + DISCOUNT * len(following) * shorter) / total
        return probability

    def worst(words: list[str]) -> float:
        marked = read(words)
        ratios = [likely(word, ()) / likely(word, tuple(marked[max(0, at - 2) : at])) for at, word in enumerate(marked)]
        return max(ratios) if len(marked) > 2 else math.nan

    model = NgramFluency.fit([" ".join(phrase) for phrase in phrases])
    np.testing.assert_allclose(model([" ".join(words) for words in asked]), [worst(words) for words in asked])
    for before in [(), *((word,) for word in known), *pairwise(sorted(known))]:
        assert sum(likely(word, before) for word in [*known, "?", "."]) == pytest.approx(1.0)


# ---------------------------------------------------------------- a causal language model
@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_causal_model(tmp_path_factory.mktemp("causal"), TEXTS)


def test_perplexity_is_that_of_the_models_own_loss(folder: Path) -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = ["walking the dog", "winter camping in the snow", "tent women"]
    with torch.inference_mode():
        tokens = [tokenizer(f"{text}.", return_tensors="pt")["input_ids"] for text in texts]
        losses = [float(model(one, labels=one).loss) for one in tokens]
    np.testing.assert_allclose(TransformerFluency(str(folder))(texts), np.exp(losses), rtol=1e-4)


def test_a_batch_of_different_lengths_is_that_of_single_texts(folder: Path) -> None:
    model = TransformerFluency(str(folder))
    many = [" ".join(tokenize(TEXTS[number % len(TEXTS)])[: 1 + number % 5]) for number in range(BATCH + 9)]
    np.testing.assert_allclose(model(many), [model([text])[0] for text in many], rtol=1e-4)
    assert math.isnan(model(["shoes"])[0])
    assert model([]).shape == (0,)

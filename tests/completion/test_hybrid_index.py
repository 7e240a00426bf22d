"""A trie of the first letters, and clusters below."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, eye_array

from whybuy.completion.hybrid_index import HybridIndex
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.paths import paths_of

TOY = ["a", "ab", "abc", "abd", "abfgh", "abfgi", "bcde", "bcdf"]
CLUSTERS = BalancedKMeans(branching=2, leaf_size=2)


def embeddings(count: int) -> csr_matrix:
    return csr_matrix(eye_array(count, dtype=np.float32, format="csr"))


def groups(texts: list[str], level: int, depth: int) -> list[list[str]]:
    """What shares a node of a level, each group in its order."""
    paths = paths_of(HybridIndex(texts, depth)(embeddings(len(texts))))[:, :level]
    of_path: dict[tuple[int, ...], list[str]] = {}
    for text, path in zip(texts, paths.tolist(), strict=True):
        of_path.setdefault(tuple(path), []).append(text)
    return list(of_path.values())


def test_texts_part_letter_by_letter_and_short_ones_go_on_alone() -> None:
    assert groups(TOY, 1, 16) == [TOY[:6], TOY[6:]]
    assert groups(TOY, 2, 16) == [["a"], TOY[1:6], TOY[6:]]
    assert groups(TOY, 3, 16) == [["a"], ["ab"], ["abc"], ["abd"], ["abfgh", "abfgi"], TOY[6:]]
    assert groups(TOY, 5, 16) == [[text] for text in TOY]
    assert groups(TOY, 16, 16) == [[text] for text in TOY]
    assert groups(TOY, 2, 2) == [["a"], TOY[1:6], TOY[6:]]


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=40, unique=True), st.integers(0, 3))
def test_below_the_trie_texts_with_the_same_first_letters_are_clustered(texts: list[str], depth: int) -> None:
    texts = sorted(texts)
    paths = paths_of(HybridIndex(texts, depth, CLUSTERS)(embeddings(len(texts))))
    for one in range(len(texts)):
        for other in range(len(texts)):
            similar = texts[one][:depth] == texts[other][:depth]
            assert (paths[one][:depth] == paths[other][:depth]).all() == similar

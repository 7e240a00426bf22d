"""The methods that ours is measured beside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, eye_array

from suggestions import BRANDS, shop_pairs, shop_vocabulary
from whybuy.evaluation.most_frequent import MostFrequent
from whybuy.evaluation.published_tree import CONFIGURATIONS, LinkedIndex, PublishedTree
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.paths import paths_of

TOY = ["a", "ab", "abc", "abd", "abfgh", "abfgi", "bcde", "bcdf"]
CLUSTERS = BalancedKMeans(branching=2, leaf_size=2)
KEYS = shop_vocabulary()["key"].to_pylist()


@pytest.mark.parametrize("number", CONFIGURATIONS)
def test_each_of_the_twelve_configurations_learns_what_follows(number: int) -> None:
    tree = PublishedTree.fit(KEYS, shop_pairs(KEYS), CONFIGURATIONS[number])
    assert tree.complete("n", ()) == []
    shown = tree.complete("n", ("camera",))
    assert shown
    assert len(shown) <= 10
    assert all(text.startswith("n") for text in shown)
    assert shown[0] in {f"{brand} camera" for brand in BRANDS if brand[0] == "n"}


@given(
    st.dictionaries(st.text("ab ", min_size=1, max_size=5), st.integers(1, 5).map(float), max_size=20),
    st.text("abc ", max_size=4),
    st.integers(0, 6),
)
def test_the_most_frequent_are_filled_up_from_ever_shorter_prefixes(
    asked: dict[str, float], prefix: str, limit: int
) -> None:
    slow: list[str] = []
    for length in range(len(prefix), -1, -1):
        matching = [text for text in asked if text.startswith(prefix[:length])]
        slow += [text for text in sorted(matching, key=lambda text: (-asked[text], text)) if text not in slow]
        if len(slow) >= limit:
            break
    assert MostFrequent(asked).complete(prefix, limit=limit) == slow[:limit]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_linked_texts_are_never_parted(depth: int) -> None:
    paths = paths_of(LinkedIndex(TOY, depth, CLUSTERS)(csr_matrix(eye_array(len(TOY), dtype=np.float32, format="csr"))))
    for one in range(len(TOY)):
        for other in range(len(TOY)):
            if TOY[one][:depth] == TOY[other][:depth]:
                assert (paths[one] == paths[other]).all()

"""The type that is spelled most like a word of the query."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from whybuy.retrieval.type_names import FARTHEST, SHORTEST, TypeNames
from whybuy.text import lemmas

typed = st.text("abcel", min_size=1, max_size=7)


def test_a_misspelled_type_is_found_and_a_strange_word_is_not() -> None:
    names = TypeNames(["dog leash", "floor lamp", "dome tent"])
    assert names.nearest("lasch for walks") == "dog leash"
    assert names.nearest("flor") == "floor lamp"
    assert names.nearest("xqzvwk") is None
    assert names.nearest("") is None


def test_a_shop_without_types_has_no_nearest() -> None:
    assert TypeNames([]).nearest("lamp") is None


@given(st.sets(typed, max_size=8), typed)
def test_no_type_is_nearer_in_letters(names: set[str], word: str) -> None:
    found = TypeNames(names).nearest(word)
    asked = [one for one in lemmas(word) if len(one) >= SHORTEST]
    shares = {
        name: Levenshtein.distance(one, part) / max(len(one), len(part))
        for one in asked
        for name in names
        for part in lemmas(name)
    }
    if any(share <= FARTHEST for share in shares.values()):
        assert found is not None
    if found is not None:
        assert shares[found] <= min(shares.values()) + 1 / SHORTEST  # a swap of neighbors is one edit, not two

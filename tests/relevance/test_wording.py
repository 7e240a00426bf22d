"""Reasons are given in the words of their relations, and as counts of what query and product share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_answers import reason

from whybuy.records import Intent, RelevancePair
from whybuy.relations import Relation
from whybuy.relevance.wording import MATCHES, Wording, matches, sides, words_of

PAIR = RelevancePair(
    "shoes",
    "Drift slip-on. Light knit",
    (reason("nurses", Relation.USED_BY, 0.9), reason("hiking")),
    (reason("long days", Relation.USED_FOR_EVENT), reason("nurses", Relation.USED_BY, 0.5)),
)
INTENTS = st.builds(Intent, st.sampled_from(Relation), st.sampled_from("abcd"), st.floats(0.01, 1))


def test_a_reason_is_worded_by_its_relation() -> None:
    assert words_of(reason("pregnant women", Relation.USED_FOR_AUDIENCE)) == "made for pregnant women"


@pytest.mark.parametrize(
    ("wording", "query", "product"),
    [
        (Wording(), "shoes", "Drift slip-on. Light knit"),
        (Wording(matches=True), "shoes", "Drift slip-on. Light knit"),
        (Wording(most=1), "shoes, used by nurses", "used for long days: Drift slip-on. Light knit"),
        (Wording(most=4, shared_only=True), "shoes, used by nurses", "used by nurses: Drift slip-on. Light knit"),
    ],
)
def test_the_text_of_each_side_holds_its_reasons(wording: Wording, query: str, product: str) -> None:
    assert sides(PAIR, wording) == (query, product)


def test_matches_have_a_column_for_each_kind() -> None:
    brush = RelevancePair(
        "tumbler for nurses",
        "Bottle brush for hiking trips",
        (reason("hiking"), reason("nurses", Relation.USED_BY, 0.5), reason("jars", Relation.USED_WITH)),
        (reason("tumblers", Relation.USED_WITH, 0.7), reason("nurse", Relation.USED_BY, 0.9), reason("hiking")),
    )
    table = matches([brush, RelevancePair("shoes", "a shoe")])
    np.testing.assert_allclose(table[0], [0.9, 0.8, 0.64, 0, 0, 0, 0.7, 0, 0], rtol=1e-6)
    assert not table[1].any()


@given(st.lists(INTENTS, max_size=6), st.lists(INTENTS, max_size=6), st.sampled_from(["", "a", "d c b a"]))
def test_matches_are_confidences(ours: list[Intent], theirs: list[Intent], query: str) -> None:
    table = matches([RelevancePair(query, "a b", tuple(ours), tuple(theirs))])
    assert table.shape == (1, MATCHES)
    assert np.all((table >= 0) & (table <= 1))
    if not theirs:
        assert not table[0, [0, 2, 3, 5, 6, 8]].any()

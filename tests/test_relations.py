"""The closed vocabulary."""

import pytest

from whybuy.errors import InputError
from whybuy.relations import Relation, TailKind, parse_relation


def test_there_are_the_fifteen_relations_of_cosmo() -> None:
    assert len(Relation) == 15
    assert {relation.tail_kind for relation in Relation} == set(TailKind)


@pytest.mark.parametrize("relation", Relation)
def test_every_relation_parses_and_has_words(relation: Relation) -> None:
    assert parse_relation(relation.value) is relation
    assert relation.words
    assert relation.words == relation.words.strip().lower()


def test_a_wrong_relation_is_named_with_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"Relation 'used_for_audiance' is not one of the 15.*Did you mean 'used_for_aud"
    ):
        parse_relation("used_for_audiance")
    with pytest.raises(InputError, match=r"Allowed: capable_of, is_a,"):
        parse_relation("zzz")

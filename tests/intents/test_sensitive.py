"""What shoppers are told of themselves."""

import pytest

from whybuy.intents.sensitive import SensitiveIntents
from whybuy.records import Intent
from whybuy.relations import Relation

LISTED = SensitiveIntents.of("en")


def intent(tail: str, words: str = "") -> Intent:
    return Intent(Relation.USED_FOR_AUDIENCE, tail, 0.9, words)


@pytest.mark.parametrize(
    ("query", "tail", "words", "shown"),
    [
        ("non slip shoes", "pregnant women", "", False),  # guessed
        ("non slip shoes", "pregnant women", "non slip shoes", False),  # of the whole query, by what others bought
        ("maternity shoes", "pregnant women", "", True),  # said in another word of the group
        ("shoes for pregnant women", "pregnant women", "pregnant women", True),
        ("shoes for moms to be", "pregnant women", "moms to be", True),  # a wording of the intent
        ("soft pillow", "arthritis pain", "", False),
        ("reacher grabber", "older adults", "", False),
        ("hat", "muslim beachgoers", "", False),
        ("hiking boots", "muddy trails", "", True),
        ("old fashioned glass", "older adults", "", True),
    ],
)
def test_a_sensitive_intent_is_shown_only_where_the_query_names_it(
    query: str, tail: str, words: str, shown: bool
) -> None:
    assert LISTED.may_be_shown(query, intent(tail, words)) is shown


def test_a_shop_corrects_the_list() -> None:
    own = SensitiveIntents.of("en", also=("divorce divorced",), never=("old", "older"))
    assert own.may_be_shown("reacher grabber", intent("older adults"))
    assert not own.may_be_shown("dinner for one", intent("divorced parents"))
    assert own.may_be_shown("divorce card", intent("divorced parents"))


def test_a_language_without_a_list_shows_all() -> None:
    assert SensitiveIntents.of("de").may_be_shown("schuhe", intent("pregnant women"))

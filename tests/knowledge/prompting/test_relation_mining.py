"""Relations out of a model's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.knowledge.prompting.prompts import load_prompts
from whybuy.knowledge.prompting.relation_mining import Predicates, Statement, continued
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.records import Behavior
from whybuy.relations import Relation, Seed

TAILS = {
    "for": "hiking in winter, pain relief, pregnant women, cooking rice, weddings, storage",
    "in": "the kitchen, offices, cars, the garden, bedrooms",
    "by": "nurses, runners, teachers, cyclists, chefs",
    "with": "a laptop, insoles, trousers, two cables, paint",
    "to": "climb rocks, sleep well, cook rice, clean floors, carry water",
}
USES = [f"{word} {tail}" for word, tails in TAILS.items() for tail in tails.split(", ")]
CAUSES = [
    *(f"wants to {doing}" for doing in ("hike", "sleep", "run", "cook", "swim")),
    *(f"likes {thing}" for thing in ("gardening", "music", "cats", "tea", "chess")),
    *(f"is {who}" for who in ("a nurse", "a teacher", "pregnant", "tall", "left-handed")),
    *(f"lives in {where}" for where in ("Rome", "cities", "flats", "dorms", "Boston", "tents")),
]


def said(seed: Seed, candidate: str, behavior: Behavior = Behavior.SEARCH_BUY) -> Statement:
    return Statement(seed, load_prompts().sentence_start(behavior, seed), candidate)


STATEMENTS = [
    *(said(Seed.USED_FOR, use) for use in USES),
    *(said(Seed.CAPABLE_OF, f"being used {use}") for use in USES),
    *(said(Seed.CAPABLE_OF, doing) for doing in ("keeping feet dry", "holding snacks", "blocking wind")),
    *(said(Seed.CAUSE, cause) for cause in CAUSES),
    *(said(Seed.IS_A, thing) for thing in ("a gift", "an heirloom", "a toy", "a costume")),
]


def mined(statements: list[Statement]) -> Predicates:
    return Predicates(statements, load_prompts().predicates, load_patterns("en"))


@pytest.mark.parametrize(
    ("seed", "candidate", "relation", "tail"),
    [
        (Seed.USED_FOR, "for hiking in winter", Relation.USED_FOR_EVENT, "hiking in winter"),
        (Seed.USED_FOR, "for pain relief", Relation.USED_FOR_FUNCTION, "pain relief"),
        (Seed.USED_FOR, "used for pregnant women", Relation.USED_FOR_AUDIENCE, "pregnant women"),
        (Seed.USED_FOR, "in the kitchen", Relation.USED_IN_LOCATION, "kitchen"),
        (Seed.USED_FOR, "on rainy days", Relation.USED_ON, "rainy days"),
        (Seed.USED_FOR, "during the winter", Relation.USED_ON, "winter"),
        (Seed.USED_FOR, "on sensitive skin", Relation.USED_IN_BODY, "sensitive skin"),
        (Seed.USED_FOR, "with insoles", Relation.USED_WITH, "insoles"),
        (Seed.USED_FOR, "as a costume", Relation.USED_AS, "a costume"),
        (Seed.USED_FOR, "by nurses", Relation.USED_BY, "nurses"),
        (Seed.USED_FOR, "to climb rocks", Relation.USED_TO, "climb rocks"),
        (Seed.CAPABLE_OF, "being used for camping", Relation.USED_FOR_EVENT, "camping"),
        (Seed.CAPABLE_OF, "being worn by runners", Relation.USED_BY, "runners"),
        (Seed.CAPABLE_OF, "keeping feet dry", Relation.CAPABLE_OF, "keeping feet dry"),
        (Seed.IS_A, "a gift", Relation.IS_A, "a gift"),
        (Seed.IS_A, "used for camping", Relation.USED_FOR_EVENT, "camping"),
        (Seed.CAUSE, "wants to hike", Relation.X_WANT, "hike"),
        (Seed.CAUSE, "likes gardening", Relation.X_INTERESTED_IN, "gardening"),
        (Seed.CAUSE, "is interested in herbal medicine", Relation.X_INTERESTED_IN, "herbal medicine"),
        (Seed.CAUSE, "is pregnant", Relation.X_IS_A, "pregnant"),
        (Seed.CAUSE, "the buyer is a nurse", Relation.X_IS_A, "nurse"),
    ],
)
@pytest.mark.parametrize("behavior", Behavior)
def test_words_and_the_kind_of_the_tail_tell_the_relation(
    seed: Seed, candidate: str, relation: Relation, tail: str, behavior: Behavior
) -> None:
    assert mined([]).read(said(seed, candidate, behavior)) == (relation, tail)


@pytest.mark.parametrize(
    ("seed", "candidate"), [(Seed.CAUSE, "lives in Rome"), (Seed.USED_FOR, "often"), (Seed.CAUSE, "")]
)
def test_what_says_no_relation_is_left_open(seed: Seed, candidate: str) -> None:
    assert mined(STATEMENTS).read(said(seed, candidate)) is None


def test_wordings_of_one_predicate_are_one_cluster() -> None:
    found = {one.key: one for one in mined(STATEMENTS).clusters}
    assert set(found["use for"].wordings) == {"it is used for", "it is capable of being used for"}
    assert found["use for"].count == 12
    assert found["use for"].relations == {"used_for_event": 6, "used_for_function": 4, "used_for_audience": 2}
    assert found["use by"].relations == {"used_by": 10}
    assert found["buyer want to"].relations == {"x_want": 5}


def test_a_frequent_predicate_without_a_relation_is_proposed() -> None:
    (proposal,) = mined(STATEMENTS).proposals
    assert (proposal.key, proposal.count) == ("buyer live in", 6)
    assert proposal.wordings == ("it was bought because the buyer lives in",)
    assert proposal.examples == ("rome", "cities", "flats")


def test_a_rare_one_is_not() -> None:
    assert (
        mined([one for one in STATEMENTS if one.candidate not in ("lives in Rome", "lives in cities")]).proposals == ()
    )


def test_clusters_are_the_same_in_any_order() -> None:
    there, back = mined(STATEMENTS).clusters, mined(STATEMENTS[::-1]).clusters
    assert [(one.key, one.count, one.relations) for one in there] == [
        (one.key, one.count, one.relations) for one in back
    ]


@pytest.mark.parametrize(
    ("opening", "candidate", "expected"),
    [
        ("It is used for", "hiking", "hiking"),
        ("It is used for", "used for hiking", "hiking"),
        ("It is used for", "It is used for hiking", "hiking"),
        ("It is used for", "for", "for"),
        ("It is a", "A gift", "gift"),
        ("The buyer wants to", "to hike", "hike"),
        ("Both are used in", "in-house use", "in-house use"),
    ],
)
def test_words_of_the_opening_are_not_said_again(opening: str, candidate: str, expected: str) -> None:
    assert continued(opening, candidate) == expected


@given(st.lists(st.builds(said, st.sampled_from(Seed), st.text(max_size=40)), max_size=20))
def test_no_text_breaks_it(statements: list[Statement]) -> None:
    predicates = mined(statements * 6)
    for statement in statements:
        read = predicates.read(statement)
        assert read is None or read[0] in Relation
    assert all(one.count >= 5 for one in predicates.clusters)

"""What running text, lists and `name: value` lines claim, cut to whole phrases."""

import pytest

from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.patterns.shop_words import ShopWords
from whybuy.relations import Relation, TailKind

ENGLISH = load_patterns("en")
WORDS = ShopWords(
    makers=frozenset({"fernhill"}),
    names=frozenset({"fernhill", "orrin", "tavi", "nimbus"}),
    sold=frozenset({"camera", "sliding door", "slide door", "trimmer", "mp3"}),
    unfinished=frozenset({"small", "crisp", "select"}),
    modifiers=frozenset({"small", "crisp", "select", "dry"}),
    title_words=frozenset({"microLight"}),
)
IN_SHOP = ENGLISH.with_product_types(["camera", "string trimmer"]).with_shop_words(WORDS)


def claims(text: str) -> set[tuple[Relation, str]]:
    return {(phrase.relation, phrase.tail) for phrase in IN_SHOP.in_text(text)}


def tails(text: str) -> set[str]:
    return {tail for _, tail in claims(text)}


@pytest.mark.parametrize(
    ("text", "relation", "tail"),
    [
        ("Soft shell • To protect your phone.", Relation.USED_TO, "protect phone"),
        ("Speakerphone • Lets you talk while driving on roads. Lets you play music.", Relation.USED_TO, "play music"),
        (
            "Two lenses • For capturing special moments on the go.",
            Relation.USED_FOR_FUNCTION,
            "capturing special moments",
        ),
        ("Shield your phone from dents with this slim case.", Relation.USED_TO, "shield phone from dents"),
        ("Makes it easy to hang shelves.", Relation.USED_TO, "hang shelves"),
        ("So you can listen to music outdoors.", Relation.USED_TO, "listen to music outdoors"),
        ("【Perfect for】: beach ★ pool", Relation.USED_IN_LOCATION, "beach"),
        ("Occasion: wedding, birthday", Relation.USED_FOR_EVENT, "wedding"),
        ("Room Type: Kitchen", Relation.USED_IN_LOCATION, "kitchen"),
        ("Compatible models: Orrin tablets", Relation.USED_WITH, "orrin tablets"),
        ("A lovely gift for new moms.", Relation.USED_FOR_AUDIENCE, "new moms"),
        ("Ideal for baby showers.", Relation.USED_FOR_EVENT, "baby showers"),
        ("Prevents food from sticking.", Relation.CAPABLE_OF, "prevent food from sticking"),
        ("It keeps you warm.", Relation.CAPABLE_OF, "keep you warm"),
        ("It protects against moths.", Relation.CAPABLE_OF, "protect against moths"),
        ("Designed for cameras.", Relation.USED_WITH, "cameras"),
    ],
)
def test_texts_claim_in_many_constructions(text: str, relation: Relation, tail: str) -> None:
    assert (relation, tail) in claims(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Compatible with select Orrin and Tavi vehicles.", {"orrin vehicles", "tavi vehicles"}),
        (
            "Compatible with most Nimbus 9700 and V800 phones.",
            {"nimbus phones", "nimbus 9700 phones", "nimbus v800 phones"},
        ),
        (
            "Fits any Nimbus 4, 5s and 6 phones.",
            {"nimbus phones"} | {f"nimbus {model} phones" for model in "4 5s 6".split()},
        ),
        ("Compatible with most Nimbus pay-as-you-go phones.", {"nimbus pay-as-you-go phones"}),
        ("Compatible with most no-contract phones.", {"no-contract phones"}),
        ("Compatible with phones as you go.", {"phones"}),
        ("Compatible with specified Nimbus phones.", {"nimbus phones"}),
        ("It can remove faster.", set()),
        ("It holds more food.", set()),  # than what?
        ("Lets you hydrate faster.", set()),
        ("Lets you feel comfortable all day.", set()),
        ("It keeps dry.", set()),  # keeps what dry?
        ("Keep in touch: lets you keep in touch.", {"keep in touch"}),
        ("The shoe fits true to size.", set()),
        ("Compatible with 3,100-watt heaters.", {"3,100-watt heaters"}),
        ("Great for all seasons.", set()),
        ("Built for comfort.", set()),
        ("A gift for friends.", set()),
        ("A gift for friends and dads.", {"dads"}),
        ("Use as directed.", set()),
        ("Compatible with Orrin perfectly.", set()),
        ("For every size dog.", {"dog"}),
        ("All-day use with little strain.", set()),
        ("It works with ventilation.", set()),  # no thing
        ("Ideal for spring,camping,hiking.", {"spring", "camping", "hiking"}),
        ("Compatible with Fernhill.", set()),  # who makes it is no thing
        ("Compatible with tablets, long battery life.", {"tablets"}),
        ("Great for small and large dogs.", {"small dogs", "large dogs"}),
        ("Suitable for all sizes of dogs.", {"dogs"}),
        ("Built for attaching items up to 5 lbs.", {"attaching items"}),
        ("Lets you take crisp, sharp photos.", set()),
        ("Eliminates the need.", set()),
        ("To learn more about it, call us.", set()),
        ("It can keep hands busy.", set()),
        ("Lets you take music with you.", set()),
        ("Prevents water and dust from coming in.", set()),
        ("Not compatible with tablets.", set()),
        ("Not recommended for small children.", set()),
        ("Rope of 20 feet. Ideal for 6 feet.", set()),
        ("Great as a birthday, anniversary or housewarming gift.", {"housewarming gift"}),
        ("Perfect for women men kids.", {"women", "men", "kids"}),
        ("Ideal for Orrin players.", set()),
        ("Great for a trimmer.", set()),
        ("Good for golfers.", {"golfers"}),
        ("Made for carpenter, plumber and electrician.", {"carpenter", "plumber", "electrician"}),
    ],
)
def test_tails_are_whole_phrases(text: str, expected: set[str]) -> None:
    assert tails(text) == expected


def test_lines_that_a_feed_ran_together_are_told_apart() -> None:
    assert tails("Ideal for campingWi-Fi speed") == {"camping"}
    assert tails("Works with microLight lamps") == {"microlight lamps"}  # as titles write it


def test_attributes_claim_by_their_name() -> None:
    found = {(phrase.relation, phrase.tail) for phrase in IN_SHOP.in_attribute("Recommended uses", "hiking|camping")}
    assert found == {(Relation.USED_FOR_EVENT, "hiking"), (Relation.USED_FOR_EVENT, "camping")}
    assert list(IN_SHOP.in_attribute("color", "desert camping")) == []


def test_values_of_lines_are_read_as_texts_are() -> None:
    assert tails("Compatibility: compatible with cameras") == {"cameras"}
    assert tails("Compatible devices: 3.5mm jacks. New") == {"3.5mm jacks"}


def test_a_title_names_what_the_thing_is_for() -> None:
    found = {(phrase.relation, phrase.tail) for phrase in IN_SHOP.in_title("Strap for Cameras")}
    assert found == {(Relation.USED_WITH, "cameras")}


def test_a_list_of_needs_ends_where_features_follow() -> None:
    def found(title: str) -> set[str]:
        return {phrase.tail for phrase in IN_SHOP.in_title(title)}

    assert found("Bag for Kids, Camera & Trimmer") == {"kids"}
    assert found("Bag for Camera, Trimmer & Kids") == {"camera", "trimmer", "kids"}


def test_what_is_done_with_a_tool_is_no_thing_and_a_thing_is_nothing_done() -> None:
    words = ShopWords(sold=frozenset({"drill", "paint"}))
    shop = ENGLISH.with_product_types(["drill", "paint"]).with_shop_words(words)
    assert shop.kind("concrete drilling") is TailKind.FUNCTION
    assert shop.kind("paint") is None
    assert shop.kind("painting") is TailKind.EVENT


def test_each_claim_of_a_text_counts_once() -> None:
    assert len(list(IN_SHOP.in_text("Perfect for camping. Great for camping. Ideal for camping."))) == 1

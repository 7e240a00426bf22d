"""What annotators read about a pair is what it counts, and no more."""

import pytest

from tiny_shop import pair_table, product_table
from whybuy.annotation.texts import ShopTexts
from whybuy.records import Behavior, Product

PRODUCTS = product_table([Product("p1", "Brass Lamp"), Product("p2", "Linen Shade")])
PAIRS = [(Behavior.SEARCH_BUY, "reading light", "p1", 3), (Behavior.CO_BUY, "p1", "p2", 2)]


@pytest.mark.parametrize(
    ("only", "searched", "together"),
    [
        ("", "bought Brass Lamp", "Bought together 2 times: Brass Lamp, and Linen Shade"),
        ("carts", "put in the cart Brass Lamp", "Put in one cart 2 times: Brass Lamp, and Linen Shade"),
        ("clicks", "looked at Brass Lamp", ""),
    ],
)
def test_examples_say_what_a_search_led_to(only: str, searched: str, together: str) -> None:
    pairs = pair_table(PAIRS, only=only)
    texts = ShopTexts(PRODUCTS, pairs)
    rows = [{"evidence": [pair], "words": []} for pair in pairs["pair_id"].to_pylist()]
    assert texts.examples(rows[0]) == [f"Searched for “reading light”, {searched}"]
    assert not together or texts.examples(rows[1]) == [together]

"""The intents of a query, or of a product: from the graph, else guessed by the student."""

from whybuy.discovery.products import ProductLookup
from whybuy.discovery.texts import checked
from whybuy.intents import known_first
from whybuy.records import Intent
from whybuy.shop import Shop

SHOWN = 10  # intents of an answer
MIN_CONFIDENCE = 0.1  # of a guess that is shown
LEADING, MIN_LEADING_CONFIDENCE = 3, 0.5  # guesses that may lead a search, and their confidence


class IntentLookup:
    """Reads intents; safe for many threads."""

    def __init__(self, shop: Shop, products: ProductLookup) -> None:
        self._products = products
        self._reader, self._student = shop.intent_reader, shop.student

    def of(self, text: str) -> tuple[Intent, ...]:
        """The intents of a query, or the reasons to buy the product with this id, at most ten.

        Those of the graph come first, the surest first; then guesses of the student, from a probability of 0.1 on.

        Raises:
            InputError: the query has more than 10,000 characters.
        """
        if text in self._products:
            product = self._products.product(text)
            reasons = self._products.reasons.of(product, limit=SHOWN)
            known = tuple(Intent(each.relation, each.tail, each.confidence, each.head) for each in reasons)
            guesses = self._student.read_product(product) if self._student else ()
        else:
            known = self._reader.read(checked(text))
            guesses = self._student.read(text) if self._student else ()
        return known_first(known, guesses, least=MIN_CONFIDENCE)

    def leading(self, query: str) -> tuple[Intent, ...]:
        """The intents that lead a search: those of the graph, and up to three guesses from a probability of 0.5 on.

        A student that has seen no queries guesses too boldly to lead.
        """
        student = self._student
        guesses = student.read(query)[:LEADING] if student and student.knows_queries else ()
        return known_first(self._reader.read(query), guesses, least=MIN_LEADING_CONFIDENCE)

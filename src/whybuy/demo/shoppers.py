"""The shopper simulator: draws sessions, their queries, and what is seen, clicked, put in the cart and bought.

Sessions of a reason are drawn by how popular the intent is and how typical it is of the type; the time of year by its
season. What is seen depends on the position, what is clicked and bought on whether the product answers the intent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from whybuy.demo.engine import LONGEST_PAGE, result_pages
from whybuy.demo.phrasing import Phrasebook
from whybuy.demo.products import Ints, pick
from whybuy.demo.queries import Group, JudgedQuery
from whybuy.demo.shelves import NOTHING, Mask, Shelves
from whybuy.demo.world import ProductType, TypeReason
from whybuy.errors import InputError

NO_REASON = -1
FIT_ELSEWHERE, FIT_TYPE, FIT_REASON = range(3)


@dataclass(frozen=True, slots=True)
class Habits:
    """How shoppers behave; all are probabilities in [0, 1]."""

    reason: float = 0.7  # a session starts from a reason, not from a plain wish
    every_reason: float = 0.16  # of the sessions, shared evenly among the reasons before popularity decides
    typo: float = 0.04  # a query is mistyped
    patience: float = 0.92  # having seen a position, the next one is looked at too
    click: tuple[float, float, float] = (0.015, 0.09, 0.45)  # of what is looked at, by fit; the first is by accident
    buy: tuple[float, float, float] = (0.05, 0.15, 0.33)  # of what is clicked, by fit
    cart: float = 0.08  # a clicked product that is not bought goes to the cart
    fancy: float = 0.35  # a product of the type suits a shopper who only wants the type
    rephrase: float = 0.5  # after a query for an intent without a purchase comes a plain query
    second: float = 0.22  # a purchase brings another one
    second_matching: float = 0.55  # ... of a type that goes with the first
    second_random: float = 0.08  # ... of anything at all; the rest serves the same intent


@dataclass(slots=True)
class Searches:
    """Queries as they are typed, in columns of one length."""

    session: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)  # set of products: the types that the query leads to
    constraint: list[int] = field(
        default_factory=list
    )  # set of products: with the brand or attribute value in the query
    sought: list[int] = field(default_factory=list)  # set of products: what would suit; NOTHING: a matter of taste
    reason: list[int] = field(default_factory=list)  # index into `World.reasons`, or NO_REASON
    exact: list[bool] = field(default_factory=list)  # never mistyped

    def add(self, session: int, text: str, sets: tuple[int, int, int], reason: int, exact: bool = False) -> None:
        """Append one query; `sets` are wanted, constraint, sought."""
        self.session.append(session)
        self.text.append(text)
        self.reason.append(reason)
        self.exact.append(exact)
        for column, number in zip((self.wanted, self.constraint, self.sought), sets, strict=True):
            column.append(number)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened on the result pages; one row a query, one column a position."""

    pages: Ints  # products shown, -1 past the end
    fit: Ints  # FIT_ELSEWHERE, FIT_TYPE or FIT_REASON
    clicked: Mask
    carted: Mask
    bought: Ints  # (queries,), position of the bought product, -1 when none was


@dataclass(frozen=True, slots=True)
class Visits:
    """A whole simulation."""

    searches: Searches
    outcome: Outcome
    first: int  # so many searches open a session (search i opens session i); the rest follow a fruitless one
    also: Ints  # (n, 3): search, its bought product, another product bought with it
    purchases: Ints  # (reasons,), purchases that each reason led to


class Shoppers:
    """Shoppers of one shop, who never type the queries that are not to be logged."""

    def __init__(
        self, shelves: Shelves, phrasebook: Phrasebook, judged: Sequence[JudgedQuery], habits: Habits = Habits()
    ) -> None:
        self._shelves = shelves
        self._phrasebook = phrasebook
        self._reasons = shelves.assortment.world.reasons
        self._habits = habits
        self._banned = {query.text for query in judged if query.group is Group.GAP_UNLOGGED}
        self._due = {query.reason: query.text for query in judged if query.group is Group.GAP_LOGGED}

    def simulate(self, sessions: int, rng: np.random.Generator) -> Visits:
        """Simulate a number of sessions.

        Raises:
            InputError: there are fewer sessions than twice the reasons, so that some reasons would have no session.
        """
        if sessions < 2 * len(self._reasons):
            raise InputError(
                f"{sessions} sessions are too few for {len(self._reasons)} needs. "
                f"Ask for {2 * len(self._reasons)} or more."
            )
        searches = Searches()
        coming = round(sessions * self._habits.reason)
        self._come_for_reasons(searches, coming, rng)
        self._come_for_plain(searches, sessions - coming, rng)
        self._mistype(searches, 0, rng)
        outcome = self._shop(searches, 0, rng)
        first = len(searches.text)
        self._rephrase(searches, outcome, rng)
        self._mistype(searches, first, rng)
        outcome = _joined(outcome, self._shop(searches, first, rng))
        return Visits(searches, outcome, first, self._also(searches, outcome, rng), self._counted(searches, outcome))

    # ------------------------------------------------------------ what they come for
    def _come_for_reasons(self, searches: Searches, sessions: int, rng: np.random.Generator) -> None:
        demand = np.array([reason.intent.popularity * reason.latent.strength for reason in self._reasons])
        evenly = max(1, round(sessions * self._habits.every_reason / len(self._reasons)))
        counts = evenly + rng.multinomial(sessions - evenly * len(self._reasons), demand / demand.sum())
        for number, count in enumerate(counts):
            self._word(searches, number, int(count), rng)

    def _word(self, searches: Searches, number: int, count: int, rng: np.random.Generator) -> None:
        """Add sessions that start by wording one reason; a gap query that must be logged comes first."""
        reason = self._reasons[number]
        phrases = [phrase for phrase in self._phrasebook.phrases[number] if phrase.text not in self._banned]
        weights = np.array([phrase.weight for phrase in phrases])
        drawn = [phrases[at] for at in rng.choice(len(phrases), size=count, p=weights / weights.sum())]
        due = next((phrase for phrase in phrases if phrase.text == self._due.get(number)), None)
        if due:
            drawn[0] = due
        sought = self._sought(reason)
        for place, phrase in enumerate(drawn):
            wanted = self._shelves.types(self._phrasebook.types(reason, phrase.scope))
            exact = due is not None and place == 0
            searches.add(len(searches.text), phrase.text, (wanted, NOTHING, sought), number, exact)

    def _sought(self, reason: TypeReason) -> int:
        return self._shelves.answering(self._phrasebook.same_intent(reason))

    def _come_for_plain(self, searches: Searches, sessions: int, rng: np.random.Generator) -> None:
        """Sessions that start by naming a type, alone (half) or with a brand or an attribute value."""
        assortment = self._shelves.assortment
        demand = assortment.popularity / assortment.popularity.sum()
        types = assortment.world.types
        for product in rng.choice(len(demand), size=sessions, p=demand):
            kind, item = types[assortment.type_of[product]], assortment.products[product]
            wanted, wish = self._shelves.types((kind.name,)), rng.random()
            if wish < 0.5:
                text, mask = self._phrasebook.type(kind, _low(rng)), NOTHING
            elif wish < 0.7:
                text, mask = self._phrasebook.brand(kind, item.brand, _low(rng)), self._shelves.brand(item.brand)
            else:
                name, value = pick(item.attributes, rng)
                text, mask = self._phrasebook.attribute(kind, value, _low(rng)), self._shelves.attribute(name, value)
            searches.add(len(searches.text), self._allowed(text, kind), (wanted, mask, mask), NO_REASON)

    def _rephrase(self, searches: Searches, outcome: Outcome, rng: np.random.Generator) -> None:
        """Add the next search after one without a purchase: the same reason by its type and attribute value."""
        fruitless = (np.array(searches.reason) != NO_REASON) & (outcome.bought < 0)
        again = np.flatnonzero(fruitless & (rng.random(len(fruitless)) < self._habits.rephrase))
        for row in again.tolist():
            reason = self._reasons[searches.reason[row]]
            text, constraint = self._phrasebook.type(reason.type, _low(rng)), NOTHING
            if reason.latent.needs:
                name, values = pick(list(reason.latent.needs.items()), rng)
                value = pick(values, rng)
                text = self._phrasebook.attribute(reason.type, value, _low(rng))
                constraint = self._shelves.attribute(name, value)
            sets = (self._shelves.types((reason.type.name,)), constraint, searches.sought[row])
            searches.add(searches.session[row], self._allowed(text, reason.type), sets, searches.reason[row])

    def _allowed(self, text: str, kind: ProductType) -> str:
        """The text, or the type's plain name if it is never to be logged."""
        return self._phrasebook.type(kind, 0) if text in self._banned else text

    def _mistype(self, searches: Searches, start: int, rng: np.random.Generator) -> None:
        for row in start + np.flatnonzero(rng.random(len(searches.text) - start) < self._habits.typo):
            typo = mistyped(searches.text[row], rng)
            if not searches.exact[row] and typo not in self._banned:
                searches.text[row] = typo

    # ------------------------------------------------------------ what they do
    def _shop(self, searches: Searches, start: int, rng: np.random.Generator) -> Outcome:
        """Show a page for each search from `start` on, and let the shoppers look, click and buy."""
        wanted, constraint, sought = (
            np.array(column[start:], dtype=np.int64)
            for column in (searches.wanted, searches.constraint, searches.sought)
        )
        pages = result_pages(self._shelves, wanted, constraint, rng)
        fit = self._fit(pages, wanted, sought, rng)
        looked = np.arange(LONGEST_PAGE) < rng.geometric(1 - self._habits.patience, size=len(pages))[:, None]
        looked &= pages >= 0
        clicked = looked & (rng.random(pages.shape) < np.array(self._habits.click)[fit])
        taken = clicked & (rng.random(pages.shape) < np.array(self._habits.buy)[fit])
        bought = np.where(taken.any(axis=1), taken.argmax(axis=1), -1)
        content = (bought >= 0)[:, None] & (np.arange(LONGEST_PAGE) > bought[:, None])
        clicked &= ~content
        carted = clicked & (rng.random(pages.shape) < self._habits.cart)
        carted[np.flatnonzero(bought >= 0), bought[bought >= 0]] = True
        return Outcome(pages, fit, clicked, carted, bought)

    def _fit(self, pages: Ints, wanted: Ints, sought: Ints, rng: np.random.Generator) -> Ints:
        matrix = self._shelves.matrix()
        of_type, suits = matrix[wanted[:, None], pages], matrix[sought[:, None], pages]
        fancied = (sought == NOTHING)[:, None] & (rng.random(pages.shape) < self._habits.fancy)
        return np.where(of_type & (suits | fancied), FIT_REASON, np.where(of_type | suits, FIT_TYPE, FIT_ELSEWHERE))

    def _also(self, searches: Searches, outcome: Outcome, rng: np.random.Generator) -> Ints:
        """What is bought with the bought product: something that goes with it, answers the same intent, or anything."""
        buyers = np.flatnonzero(outcome.bought >= 0)
        buyers = buyers[rng.random(len(buyers)) < self._habits.second]
        pairs = []
        for row in buyers.tolist():
            product = int(outcome.pages[row, outcome.bought[row]])
            other = self._other(product, searches.reason[row], rng)
            if other not in {None, product}:
                pairs.append((row, product, other))
        return np.array(pairs, dtype=np.int64).reshape(-1, 3)

    def _other(self, product: int, reason: int, rng: np.random.Generator) -> int | None:
        wish, assortment = rng.random(), self._shelves.assortment
        if wish < self._habits.second_random:
            return int(rng.integers(len(assortment.products)))
        matching = assortment.world.types[assortment.type_of[product]].goes_with
        if matching and (wish < self._habits.second_random + self._habits.second_matching or reason == NO_REASON):
            return self._popular(self._shelves.types((pick(matching, rng),)), rng)
        return None if reason == NO_REASON else self._popular(self._sought(self._reasons[reason]), rng)

    def _popular(self, number: int, rng: np.random.Generator) -> int:
        members = self._shelves.products(number)
        reach = np.cumsum(self._shelves.assortment.popularity[members])
        return int(members[np.searchsorted(reach, rng.random() * reach[-1], side="right")])

    def _counted(self, searches: Searches, outcome: Outcome) -> Ints:
        """Purchases that answer the intent, counted for the reason of the bought product's type."""
        numbers = {(id(reason.intent), reason.type.name): number for number, reason in enumerate(self._reasons)}
        types, counts = self._shelves.assortment, np.zeros(len(self._reasons), dtype=np.int64)
        for row in np.flatnonzero((outcome.bought >= 0) & (np.array(searches.reason) != NO_REASON)):
            at = outcome.bought[row]
            if outcome.fit[row, at] == FIT_REASON:
                kind = types.world.types[types.type_of[outcome.pages[row, at]]]
                counts[numbers[id(self._reasons[searches.reason[row]].intent), kind.name]] += 1
        return counts


def _joined(before: Outcome, after: Outcome) -> Outcome:
    return Outcome(
        np.concatenate([before.pages, after.pages]),
        np.concatenate([before.fit, after.fit]),
        np.concatenate([before.clicked, after.clicked]),
        np.concatenate([before.carted, after.carted]),
        np.concatenate([before.bought, after.bought]),
    )


def _low(rng: np.random.Generator) -> float:
    """A number in [0, 1), rather small."""
    return float(rng.random() ** 2)


def mistyped(text: str, rng: np.random.Generator) -> str:
    """The text with two letters swapped, or one left out, doubled or hit beside, in a word of four or more letters."""
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not long:
        return text
    at = pick(long, rng)
    word, place = words[at], int(rng.integers(1, len(words[at]) - 1))
    left, letter, right = word[:place], word[place], word[place + 1 :]
    beside = chr((ord(letter) - ord("a") + 1) % 26 + ord("a"))
    swapped, doubled = right[0] + letter + right[1:], letter + letter + right
    words[at] = left + pick((swapped, right, doubled, beside + right), rng)
    return " ".join(words)

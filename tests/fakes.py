"""Exact stand-ins: small, in memory, without surprise."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from whybuy.completion.live_queries import LoggedQuery
from whybuy.discovery import Discovery, UnknownProduct
from whybuy.errors import InputError
from whybuy.language.generator import Answer as Written
from whybuy.language.generator import Prompt
from whybuy.records import (
    Answer,
    Completion,
    Completions,
    Edge,
    FacetValue,
    Filter,
    Head,
    Hit,
    Intent,
    Match,
    Neighborhood,
    Node,
    Product,
    Query,
    Reason,
    Sort,
    TreeStep,
    WordContribution,
)
from whybuy.relations import Relation
from whybuy.text import normalize, tokenize

SHOES = (
    Product(
        "s1",
        "Marlowe Drift slip-on shoe, slip-resistant",
        "Light knit upper that gives way when feet swell. Wide toe box, no laces to tie.",
        "Marlowe",
        "slip-on shoe",
        1.0,
        ("Clothing & Shoes", "Shoes"),
        (("sole", "slip-resistant"), ("closure", "slip-on"), ("color", "sage")),
        59.0,
        "USD",
    ),
    Product(
        "s2",
        "Stepwell Harbor walking shoe",
        "Cushioned sole for long days on hard floors.",
        "Stepwell",
        "walking shoe",
        1.0,
        ("Clothing & Shoes", "Shoes"),
        (("sole", "cushioned"), ("color", "navy")),
        84.5,
        "USD",
    ),
    Product(
        "s3",
        "Tarn & Vale Ridge hiking boot",
        "Waterproof leather, grippy sole.",
        "Tarn & Vale",
        "hiking boot",
        1.0,
        ("Clothing & Shoes", "Shoes"),
        (("sole", "lugged"),),
        129.0,
        "USD",
    ),
    Product(
        "s4", "<script>alert('shoe')</script> & co", '"><img src=x onerror=alert(1)>', "<b>Bold</b>", "<i>shoe</i>"
    ),
    Product("a/b c?d#e&f=ü", "Odd-named shoe", "", "", "shoe", price=5.0),
)
REASONS = {
    "s1": (
        Reason(
            "slip-on shoe [sole: slip-resistant]",
            Relation.USED_FOR_AUDIENCE,
            "pregnant women",
            0.91,
            ("37 searches led to it", "said in 4 descriptions"),
        ),
        Reason("slip-on shoe", Relation.CAPABLE_OF, "go on without bending down", 0.78, ("12 searches led to it",)),
        Reason("slip-on shoe", Relation.USED_BY, "nurses", 0.66, ("9 searches led to it",)),
    ),
    "s2": (
        Reason("walking shoe", Relation.USED_FOR_AUDIENCE, "pregnant women", 0.62, ("8 searches led to it",)),
        Reason("walking shoe", Relation.USED_FOR_FUNCTION, "standing all day", 0.83, ("21 searches led to it",)),
    ),
    "s3": (Reason("hiking boot", Relation.USED_FOR_EVENT, "hiking", 0.95, ()),),
    "s4": (Reason("<i>head</i>", Relation.USED_AS, "<u>tail</u>", 0.5, ("<s>words</s>",)),),
}
NEEDS = {
    "pregnant": Intent(Relation.USED_FOR_AUDIENCE, "pregnant women", 0.94, "for pregnant women"),
    "hiking": Intent(Relation.USED_FOR_EVENT, "hiking", 0.9, "hiking"),
}


class FakeDiscovery(Discovery):
    """Five products; a hit shares a word with the title, or a reason with the query."""

    def __init__(self, products: tuple[Product, ...] = SHOES) -> None:
        self.name = "Corner shop"
        self._shelf = {product.product_id: product for product in products}
        self._hidden: set[tuple[str, Relation, str]] = set()

    def warm_up(self) -> None:
        """Nothing is compiled here."""

    def hide(self, edges: Iterable[tuple[Head, Relation, str]]) -> None:
        """From the neighborhoods alone."""
        self._hidden = {(str(head), relation, tail) for head, relation, tail in edges}

    def has_edge(self, head: Head, relation: Relation, tail: str) -> bool:
        """Among all reasons."""
        known = (one for reasons in REASONS.values() for one in reasons)
        return any((one.head, one.relation, one.tail) == (str(head), relation, tail) for one in known)

    def complete(self, typed: str, *, previous: Sequence[str] = (), limit: int = 10) -> Completions:
        """Titles that begin with the prefix, in the order of the shelf; those with what was asked before come first."""
        self.after = previous
        meant = normalize(typed)
        titles = [product.title for product in self._shelf.values() if normalize(product.title).startswith(meant)]
        spans = ((0, len(meant)),) if meant else ()
        titles.sort(key=lambda title: bool(previous) and previous[0] not in normalize(title))
        return Completions(typed, tuple(Completion(title, 1.0, typed=spans) for title in titles[:limit]))

    def add_queries(self, queries: Iterable[LoggedQuery]) -> None:
        """Keep them."""
        self.queries = [*getattr(self, "queries", []), *queries]

    def search(self, query: Query) -> Answer:
        """Hits by score, then id; facets over all that was found."""
        understood = self.intents(query.text)
        hits = [self._scored(query.text, product_id) for product_id in self._shelf]
        found = [hit for hit in hits if hit.scores and self._fits(query.filters, hit.product_id)]
        if query.ranker != "fused":
            found = [hit for hit in found if query.ranker in hit.scores]
        found.sort(key=lambda hit: (-hit.score, hit.product_id))
        self._put_in_order(found, query.sort)
        page = tuple(found[query.offset : query.offset + query.limit])
        if query.explain:
            page = tuple(self._with_path(query.text, hit) for hit in page)
        return Answer("query-1", query.text, len(found), page, understood, self._brands(found), 1.25)

    def product(self, product_id: str) -> Product:
        """By id."""
        if product_id not in self._shelf:
            raise UnknownProduct(f"{self.name} has no product {product_id!r}. Ids come from /v1/search.")
        return self._shelf[product_id]

    def why(self, product_id: str, *, limit: int = 20) -> tuple[Reason, ...]:
        """All reasons of a product."""
        self.product(product_id)
        return REASONS.get(product_id, ())[:limit]

    def explain(self, query: str, product_id: str) -> Hit:
        """The hit, found or not."""
        self.product(product_id)
        return self._with_path(query, self._scored(query, product_id))

    def intents(self, query: str) -> tuple[Intent, ...]:
        """One intent a known word."""
        return tuple(need for word, need in NEEDS.items() if word in tokenize(query))

    def neighborhood(self, label: str, *, limit: int = 60) -> Neighborhood:
        """All edges that touch the label."""
        reasons = [reason for known in REASONS.values() for reason in known]
        shown = [one for one in reasons if (one.head, one.relation, one.tail) not in self._hidden]
        near = [reason for reason in shown if normalize(label) in (reason.head, reason.tail)][:limit]
        heads = {reason.head: "type" for reason in near}
        tails = {reason.tail: "intent" for reason in near}
        nodes = tuple(
            Node(f"{kind}:{name}", name, kind, head=(name,) if kind == "type" else ())
            for name, kind in (heads | tails).items()
        )
        edges = tuple(
            Edge(f"type:{reason.head}", f"intent:{reason.tail}", reason.relation, 0.9, reason.confidence, 7)
            for reason in near
        )
        return Neighborhood(label, nodes, edges)

    def facts(self) -> dict[str, int | str]:
        """Two counts and a key."""
        return {"products": len(self._shelf), "reasons": sum(map(len, REASONS.values())), "catalog": "0123abcd"}

    def _scored(self, query: str, product_id: str) -> Hit:
        product = self._shelf[product_id]
        words = [word for word in dict.fromkeys(tokenize(query)) if word in tokenize(product.title)]
        intents = {intent.tail for intent in self.intents(query)}
        reasons = tuple(reason for reason in REASONS.get(product_id, ()) if reason.tail in intents)
        scores: dict[str, float] = {"lexical": float(len(words))} if words else {}
        if reasons:
            scores["intents"] = sum(reason.confidence for reason in reasons)
        source = "intents" if reasons else "all_words" if len(words) == len(tokenize(query)) else "some_words"
        matched = tuple(Match("title", word) for word in words)
        return Hit(product_id, round(sum(scores.values()), 4), source, product.title, scores, matched, reasons)

    def _with_path(self, query: str, hit: Hit) -> Hit:
        """One step to its type, one to itself; each word gives a quarter, but function words take a little."""
        kind = self._shelf[hit.product_id].product_type
        amounts = {word: -0.066 if word == "for" else 0.25 for word in tokenize(query)}
        words = tuple(WordContribution(word, amount) for word, amount in amounts.items())
        steps = (TreeStep(kind, 0.984, words[:3]), TreeStep("this product", 0.00937, words[:6]))
        return replace(hit, path=steps if words else ())

    def _fits(self, filters: tuple[Filter, ...], product_id: str) -> bool:
        return all(_value_of(self._shelf[product_id], wanted) for wanted in filters)

    def _put_in_order(self, hits: list[Hit], sort: Sort) -> None:
        if sort is Sort.TITLE:
            hits.sort(key=lambda hit: hit.title)
        elif sort is not Sort.RELEVANCE:
            hits.sort(key=lambda hit: self._shelf[hit.product_id].price or 0.0, reverse=sort is Sort.PRICE_DOWN)

    def _brands(self, hits: list[Hit]) -> dict[str, tuple[FacetValue, ...]]:
        brands = Counter(brand for hit in hits if (brand := self._shelf[hit.product_id].brand))
        return {"brand": tuple(FacetValue(brand, count) for brand, count in sorted(brands.items()))}


def _value_of(product: Product, wanted: Filter) -> bool:
    if wanted.field == "price":
        low, dots, high = wanted.values[0].partition("..")
        try:
            ends = float(low or 0), float(high or "inf")
        except ValueError:
            dots, ends = "", (0.0, 0.0)
        if not dots:
            raise InputError(f"Filter price:{wanted.values[0]} is no range. Write price:low..high, as in price:20..80.")
        return product.price is not None and ends[0] <= product.price <= ends[1]
    values = {product.brand} if wanted.field == "brand" else {value for name, value in product.attributes}
    return bool(values & set(wanted.values))


def many_products(count: int) -> tuple[Product, ...]:
    """Shoes that differ in number and price."""
    return tuple(
        replace(SHOES[0], product_id=f"p{number:03}", title=f"Shoe number {number:03}", price=10.0 + number)
        for number in range(count)
    )


class ScriptedGenerator:
    """Answers each prompt with the same answer, or with what its words bring up; keeps what it was asked."""

    model = "scripted"

    def __init__(self, answer: Written | Callable[[Prompt], Written] | None = None) -> None:
        self.asked: list[Prompt] = []
        self._answer = answer or Written("1. camping")

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Written]]:
        """In order."""
        for place, prompt in enumerate(prompts):
            self.asked.append(prompt)
            yield place, self._answer(prompt) if callable(self._answer) else self._answer

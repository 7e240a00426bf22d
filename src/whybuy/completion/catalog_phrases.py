"""Phrases of the catalog and the graph that completion may suggest though nobody searched for them, and categories.

A phrase is a product type, a type with a brand or an attribute value before it ("red tent"), a type with a reason to
buy it ("tent for winter camping"), or a short title ("Iron Harvest: Siege of Marrow"), or what stands before the first
break of a title ("Iron Harvest").
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Set

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.behavior.signals import strongest
from whybuy.catalog.categories import deepest_categories
from whybuy.completion.folding import fold
from whybuy.graph import KnowledgeGraph
from whybuy.records import Behavior, HeadKind
from whybuy.relations import Relation
from whybuy.text import normalize

_JOINED_BY = {
    Relation.USED_FOR_FUNCTION: "for",
    Relation.USED_FOR_EVENT: "for",
    Relation.USED_FOR_AUDIENCE: "for",
    Relation.USED_TO: "to",
    Relation.CAPABLE_OF: "to",
    Relation.USED_ON: "for",
    Relation.USED_IN_LOCATION: "for",
    Relation.USED_IN_BODY: "for",
    Relation.USED_WITH: "for",
    Relation.USED_BY: "for",
    Relation.X_INTERESTED_IN: "for",
    Relation.X_IS_A: "for",
    Relation.X_WANT: "to",
}
"""The word between a type and its reason; reasons of other relations make no phrase (our design)."""
MAX_TITLE_WORDS = 6  # of a phrase; nobody types longer titles
_BREAK = re.compile(r"\s[-–—]\s|[:;,|()\[\]]")


def catalog_phrases(products: pa.Table, graph: KnowledgeGraph | None, *, least_products: int) -> dict[str, float]:
    """The number of products that each phrase names, by normalized phrase.

    products: PRODUCT_SCHEMA. least_products: of a type with a brand or attribute value, for the two to make a phrase.
    """
    typed = products.filter(pc.not_equal(products["product_type"], ""))
    types = typed.group_by("product_type").aggregate([([], "count_all")])
    count = dict(zip(types["product_type"].to_pylist(), types["count_all"].to_pylist(), strict=True))
    words = _type_words(typed).group_by(["word", "product_type"]).aggregate([([], "count_all")])
    words = words.filter(pc.greater_equal(words["count_all"], least_products))
    texts = pc.binary_join_element_wise(words["word"], words["product_type"], " ").to_pylist()
    phrases: Counter[str] = Counter()
    for text, number in [*count.items(), *zip(texts, words["count_all"].to_pylist(), strict=True)]:
        phrases[normalize(text)] += number
    for kind, reason in _worded_reasons(graph) if graph else ():
        if kind in count:
            phrases[normalize(f"{kind} {reason}")] += count[kind]
    phrases.update(text for title in products["title"].to_pylist() for text in _names(title))
    return dict(phrases)


def purchased_category(pairs: pa.Table, products: pa.Table, *, share: float = 0.6) -> Callable[[str], str | None]:
    """A look-up of the category that most purchases after a query fall in, None where there is none.

    The category of a product is that of `deepest_categories`; where no purchase is logged, `strongest` counts others.

    pairs: PAIR_SCHEMA. products: PRODUCT_SCHEMA. share: of the purchases after a query that the category has to have.
    """
    searched = pairs.filter(pc.field("kind") == Behavior.SEARCH_BUY.value)
    bought = searched.append_column("taken", strongest(searched)).filter(pc.field("taken") > 0)
    category = dict(zip(products["product_id"].to_pylist(), deepest_categories(products), strict=True))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for query, product, purchases in zip(
        *(bought[name].to_pylist() for name in ("left", "right", "taken")), strict=True
    ):
        counts[query][category.get(product, "")] += purchases
    most = {query: (*of_query.most_common(1)[0], of_query.total()) for query, of_query in counts.items()}
    categories = {query: name for query, (name, count, total) in most.items() if name and count >= share * total}
    return categories.get


def leading_queries(pairs: pa.Table, products: pa.Table) -> Set[str]:
    """The queries after which shoppers chose a product that the catalog has: what words do not find, they may know.

    pairs: PAIR_SCHEMA. products: PRODUCT_SCHEMA.
    """
    chosen = (pc.field("kind") == Behavior.SEARCH_BUY.value) & (pc.field("evidence") > 0)
    known = pc.field("right").isin(products["product_id"].combine_chunks())
    return frozenset(pairs.filter(chosen & known)["left"].to_pylist())


def _names(title: str) -> Set[str]:
    """A title and what stands before its first break, normalized, as far as they are short."""
    texts = {normalize(title), normalize(_BREAK.split(title)[0])}
    return {text for text in texts if 0 < len(fold(text).split()) <= MAX_TITLE_WORDS}


def _type_words(products: pa.Table) -> pa.Table:
    """Columns word (a brand or an attribute value) and product_type, one row for each of each product."""
    attributes = products["attributes"].combine_chunks()
    values = pc.struct_field(pc.list_flatten(attributes), "value")
    types = products["product_type"].combine_chunks()
    of_value = types.take(pc.list_parent_indices(attributes))
    parts = [pa.table({"word": products["brand"], "product_type": types})]
    parts.append(pa.table({"word": values, "product_type": of_value}))
    return pa.concat_tables(parts).filter(pc.field("word") != "")


def _worded_reasons(graph: KnowledgeGraph) -> Iterable[tuple[str, str]]:
    """Each product type with each of its reasons, in words: ("tent", "for winter camping")."""
    edges = graph.edges.select(["head", "relation", "tail"])
    heads = graph.nodes.take(edges["head"])
    of_type = pc.equal(heads["kind"].cast(pa.string()), HeadKind.TYPE.value)
    kinds = pc.list_element(heads["key"], 0).filter(of_type).to_pylist()
    tails = graph.nodes["label"].take(edges["tail"]).filter(of_type).to_pylist()
    relations = edges["relation"].cast(pa.string()).filter(of_type).to_pylist()
    for kind, relation, tail in zip(kinds, relations, tails, strict=True):
        if joint := _JOINED_BY.get(Relation(relation)):
            yield kind, f"{joint} {tail}"

"""What a shop itself names: types, brands and attribute values with their types, and what types are bought for."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

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
"""Between a type and what it is bought for; reasons of other relations are no part of a query (our design)."""


def names_of(products: pa.Table, graph: KnowledgeGraph | None, *, least_products: int) -> dict[str, float]:
    """How many products answer to each name: normalized texts.

    products: PRODUCT_SCHEMA. least_products: of a type with a brand or an attribute value.
    """
    typed = products.filter(pc.not_equal(products["product_type"], ""))
    types = typed.group_by("product_type").aggregate([([], "count_all")])
    count = dict(zip(types["product_type"].to_pylist(), types["count_all"].to_pylist(), strict=True))
    words = _told(typed).group_by(["word", "product_type"]).aggregate([([], "count_all")])
    words = words.filter(pc.greater_equal(words["count_all"], least_products))
    texts = pc.binary_join_element_wise(words["word"], words["product_type"], " ").to_pylist()
    named: Counter[str] = Counter()
    for text, products_of in [*count.items(), *zip(texts, words["count_all"].to_pylist(), strict=True)]:
        named[normalize(text)] += products_of
    for kind, text in _bought_for(graph) if graph else ():
        if kind in count:
            named[normalize(f"{kind} {text}")] += count[kind]
    return dict(named)


def leads_to(pairs: pa.Table, products: pa.Table, *, share: float = 0.6) -> Callable[[str], str | None]:
    """The category of what was bought for a query, None where it is not one for most; the last but the type itself.

    pairs: PAIR_SCHEMA. products: PRODUCT_SCHEMA. share: of the purchases that the category has at least.
    """
    bought = pairs.filter((pc.field("kind") == Behavior.SEARCH_BUY.value) & (pc.field("purchases") > 0))
    category = {
        product: next((name for name in reversed(path) if normalize(name) != normalize(kind)), "")
        for product, path, kind in zip(
            *(products[name].to_pylist() for name in ("product_id", "category", "product_type")), strict=True
        )
    }
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for query, product, purchases in zip(
        *(bought[name].to_pylist() for name in ("left", "right", "purchases")), strict=True
    ):
        counts[query][category.get(product, "")] += purchases
    most = {query: (*of_query.most_common(1)[0], of_query.total()) for query, of_query in counts.items()}
    found = {query: name for query, (name, count, total) in most.items() if name and count >= share * total}
    return found.get


def _told(products: pa.Table) -> pa.Table:
    """Columns word and product_type: the brand and the attribute values of each product."""
    attributes = products["attributes"].combine_chunks()
    values = pc.struct_field(pc.list_flatten(attributes), "value")
    types = products["product_type"].combine_chunks()
    of_value = types.take(pc.list_parent_indices(attributes))
    told = [pa.table({"word": products["brand"], "product_type": types})]
    told.append(pa.table({"word": values, "product_type": of_value}))
    return pa.concat_tables(told).filter(pc.field("word") != "")


def _bought_for(graph: KnowledgeGraph) -> Iterable[tuple[str, str]]:
    """Product types with "for" or "to" and each of their reasons."""
    edges = graph.edges.select(["head", "relation", "tail"])
    heads = graph.nodes.take(edges["head"])
    of_type = pc.equal(heads["kind"].cast(pa.string()), HeadKind.TYPE.value)
    kinds = pc.list_element(heads["key"], 0).filter(of_type).to_pylist()
    tails = graph.nodes["label"].take(edges["tail"]).filter(of_type).to_pylist()
    relations = edges["relation"].cast(pa.string()).filter(of_type).to_pylist()
    for kind, relation, tail in zip(kinds, relations, tails, strict=True):
        if joint := _JOINED_BY.get(Relation(relation)):
            yield kind, f"{joint} {tail}"

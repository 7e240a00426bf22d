"""A shop so plain that a tiny model learns it in a minute: what a thing is called says all."""

from itertools import product as combinations

import pyarrow as pa

from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.tuning.instruction_export import Known
from whybuy.records import (
    JUDGMENT_SCHEMA,
    PAIR_SCHEMA,
    PRODUCT_SCHEMA,
    Behavior,
    Head,
    HeadKind,
    Question,
    Role,
    Triple,
)
from whybuy.relations import Relation

WITH = {"tent": "lantern", "lantern": "tent", "sofa": "cushion", "cushion": "sofa"}
WHY = {"tent": "camping", "lantern": "night walks", "sofa": "movie nights", "cushion": "long naps"}
LOOKS = "red blue green black white amber small large light heavy soft round plain striped cheap modern".split()
MAKERS = "Tarn Fennel Marlowe Ostrava Stepwell".split()


def plain_shop() -> Known:
    """Searches name a look and a type, and the product of both is bought, with one of what goes with it."""
    kinds = list(combinations(WITH, LOOKS, MAKERS))
    ids = {entry: f"P{place:03}" for place, entry in enumerate(kinds)}
    products = [
        {"product_id": ids[kind, look, maker], "title": f"{maker} {look} {kind}", "product_type": kind}
        | {"description": "", "brand": maker, "type_confidence": 1.0, "category": [], "attributes": []}
        | {"currency": "", "url": "", "image": "", "locale": ""}
        for kind, look, maker in kinds
    ]
    bought = [(Behavior.SEARCH_BUY, f"{look} {kind}", ids[kind, look, maker]) for kind, look, maker in kinds]
    both = [
        (Behavior.CO_BUY, *sorted((ids[kind, look, maker], ids[WITH[kind], other, maker])))
        for kind, look, maker in kinds
        for other in LOOKS
    ]
    counts: dict[str, float] = dict.fromkeys(("sessions", "purchases", "clicks", "impressions"), 1)
    counts |= dict.fromkeys(("evidence", "recent", "earlier"), 1.0) | {"carts": 0, "late": 0.0}
    pairs = [
        {"pair_id": f"{place:x}", "kind": kind, "left": left, "right": right, "weight": 1.0, **counts}
        for place, (kind, left, right) in enumerate([*bought, *dict.fromkeys(both)])
    ]
    shop = ProposerInput(pa.Table.from_pylist(products, PRODUCT_SCHEMA), pa.Table.from_pylist(pairs, PAIR_SCHEMA))
    return Known(shop, list(_triples()), pa.Table.from_pylist(_judged(), JUDGMENT_SCHEMA))


def _heads() -> list[tuple[Head, str]]:
    """Each search with its type."""
    return [(Head(HeadKind.QUERY, (f"{look} {kind}",)), kind) for kind, look in combinations(WITH, LOOKS)]


def _triples() -> list[Triple]:
    return [Triple(head, Relation.USED_FOR_EVENT, WHY[kind], 0.9, 0.9, 3) for head, kind in _heads()]


def _judged() -> list[dict[str, object]]:
    """A reason holds for its own type."""
    return [
        {"head_kind": head.kind.value, "head_key": list(head.key), "relation": Relation.USED_FOR_EVENT.value}
        | {"tail": WHY[other], "judge": "ann", "role": Role.JUDGE.value}
        | dict.fromkeys((question.value for question in Question), other == kind)
        for (head, kind), other in combinations(_heads(), WITH)
    ]

"""The simulator's probabilities of the next query of a session: the best that session-aware completion can predict."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from whybuy.demo.phrasing import Phrasebook
from whybuy.demo.shoppers import NO_REASON, Visits
from whybuy.demo.world import TypeReason

MEANT_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),
        pa.field("need", pa.int32(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),  # of the reason, given the query without purchase
    ]
)
NEXT_SCHEMA = pa.schema(
    [
        pa.field("need", pa.int32(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),  # of the query, given the reason
    ]
)
_STEPS = 1000  # of the draws that choose a template


def meant_table(reasons: Sequence[TypeReason], phrasebook: Phrasebook, visits: Visits) -> pa.Table:
    """The reasons behind each logged query that words an intent; mistyped queries are left out.

    A reason counts as often as its searches led to no purchase, shared out among its phrases by their weights.
    """
    searches = zip(visits.searches.text[: visits.first], visits.searches.reason, visits.outcome.bought, strict=False)
    logged, fruitless = set[str](), Counter[int]()
    for text, reason, bought in searches:
        if reason != NO_REASON:
            logged.add(text)
            fruitless[reason] += int(bought < 0)
    weights: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for number in range(len(reasons)):
        phrases = phrasebook.phrases[number]
        total = sum(phrase.weight for phrase in phrases)
        for phrase in phrases:
            if phrase.text in logged:
                weights[phrase.text][number] = (fruitless[number] + 1) * phrase.weight / total
    rows = [
        {"query": text, "need": number, "probability": weight / sum(of_text.values())}
        for text, of_text in sorted(weights.items())
        for number, weight in of_text.items()
    ]
    return pa.Table.from_pylist(rows, MEANT_SCHEMA)


def next_table(reasons: Sequence[TypeReason], phrasebook: Phrasebook) -> pa.Table:
    """The queries after a search without a purchase: the type, with an attribute value if the reason requires one."""
    rows = [
        {"need": number, "query": text, "probability": probability}
        for number, reason in enumerate(reasons)
        for text, probability in _added(_rephrased(reason, phrasebook)).items()
    ]
    return pa.Table.from_pylist(rows, NEXT_SCHEMA)


def _rephrased(reason: TypeReason, phrasebook: Phrasebook) -> Iterator[tuple[str, float]]:
    draws = ((np.arange(_STEPS) + 0.5) / _STEPS) ** 2  # evenly through the draws that `shoppers` takes
    if not reason.latent.needs:
        yield from ((phrasebook.type(reason.type, draw), 1 / _STEPS) for draw in draws.tolist())
    for values in reason.latent.needs.values():
        share = 1 / len(reason.latent.needs) / len(values)
        for value in values:
            yield from ((phrasebook.attribute(reason.type, value, draw), share / _STEPS) for draw in draws.tolist())


def _added(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for text, probability in parts:
        total[text] += probability
    return total

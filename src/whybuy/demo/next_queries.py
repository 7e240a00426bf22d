"""The simulator's own distribution of what a shopper asks next, for measuring how much of it completion knows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from whybuy.demo.phrasing import Phrasebook
from whybuy.demo.shoppers import NO_NEED, Visits
from whybuy.demo.world import Need

MEANT_SCHEMA = pa.schema(
    [
        pa.field("query", pa.string(), nullable=False),
        pa.field("need", pa.int32(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),  # of the need, given the query and that it was fruitless
    ]
)
NEXT_SCHEMA = pa.schema(
    [
        pa.field("need", pa.int32(), nullable=False),
        pa.field("query", pa.string(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),  # of the query, given the need
    ]
)
_STEPS = 1000  # of the draws that choose a template


def meant_table(needs: Sequence[Need], phrasebook: Phrasebook, visits: Visits) -> pa.Table:
    """The needs behind each logged query that words one; mistyped queries are left out.

    A need counts as often as its searches were fruitless, shared out among its phrases by their weights.
    """
    searches = zip(visits.searches.text[: visits.first], visits.searches.need, visits.outcome.bought, strict=False)
    logged, fruitless = set[str](), Counter[int]()
    for text, need, bought in searches:
        if need != NO_NEED:
            logged.add(text)
            fruitless[need] += int(bought < 0)
    weights: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for number in range(len(needs)):
        phrases = phrasebook.needs[number]
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


def next_table(needs: Sequence[Need], phrasebook: Phrasebook) -> pa.Table:
    """What a need is asked for after a fruitless search: its type, with an attribute value where it takes one."""
    rows = [
        {"need": number, "query": text, "probability": probability}
        for number, need in enumerate(needs)
        for text, probability in _added(_rephrased(need, phrasebook)).items()
    ]
    return pa.Table.from_pylist(rows, NEXT_SCHEMA)


def _rephrased(need: Need, phrasebook: Phrasebook) -> Iterator[tuple[str, float]]:
    draws = ((np.arange(_STEPS) + 0.5) / _STEPS) ** 2  # evenly through the draws that `shoppers` takes
    if not need.reason.needs:
        yield from ((phrasebook.type(need.type, draw), 1 / _STEPS) for draw in draws.tolist())
    for values in need.reason.needs.values():
        share = 1 / len(need.reason.needs) / len(values)
        for value in values:
            yield from ((phrasebook.attribute(need.type, value, draw), share / _STEPS) for draw in draws.tolist())


def _added(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for text, probability in parts:
        total[text] += probability
    return total

"""Whether a search tells what answers from what is near, and abstains from what the shop does not sell, as JSON.

    python benchmarks/answers.py SHOP > results/answers.json

SHOP: the demo shop (`whybuy demo --store SHOP --no-serve`). Nouns that it does not sell are names of product types of
the shops in `$WHYBUY_SHOPS` (`make shops`), drawn by a seed, none with a word of one of its own.

- totals: the products that answer, against those that the truth of the demo calls relevant: precision and recall, means
  over queries; and how many products there were, with those that are only near.
- foreign: how many of the nouns get an intent that is more than another name, how many a guess, and for how many
  nothing answers.
"""

import argparse
import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median

from rounding import rounded
from whybuy.catalog.catalog import Catalog
from whybuy.discovery import Discovery
from whybuy.qrels import read_qrels
from whybuy.records import Query
from whybuy.relations import Relation
from whybuy.shop import Shop
from whybuy.text import lemmas

PROJECT = Path(__file__).parents[1]
SHOPS = Path(os.environ.get("WHYBUY_SHOPS", PROJECT.parent / "shops"))
OTHERS = ("homedepot", "esci_us", "bestbuy", "instacart", "bestbuy_phones", "amazon_office")
JUDGED = {"all": "judgments", "gap": "judgments_gap", "plain": "judgments_plain"}
NOUNS, SEED, LONGEST = 200, 5, 2
MOST = 1000  # hits of a page
STATED = 0.5  # confidence


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", type=Path)
    store = parser.parse_args().shop
    discovery = Discovery.open(store)
    body = {
        "command": "python benchmarks/answers.py SHOP > results/answers.json",
        "totals": {name: totals(discovery, store / "truth" / f"{file}.parquet") for name, file in JUDGED.items()},
        "foreign": foreign(discovery, Shop.open(store).catalog),
    }
    print(json.dumps(rounded(body), indent=1))


def totals(discovery: Discovery, judged: Path) -> dict[str, float]:
    """What answers against what is relevant."""
    qrels = read_qrels(judged)
    precisions, recalls, answering, found = [], [], [], []
    for query in qrels.grades:
        answer = discovery.search(Query(qrels.text(query), limit=MOST))
        products = {hit.product_id for hit in answer.hits if hit.answers}
        relevant = qrels.relevant(query)
        right = len(products & relevant)
        answering.append(answer.total)
        found.append(answer.total + answer.related_total)
        recalls.append(right / len(relevant))
        if products:
            precisions.append(right / len(products))
    return {
        "queries": len(recalls),
        "precision": mean(precisions),
        "recall": mean(recalls),
        "nothing_answers": answering.count(0) / len(answering),
        "median_total": median(answering),
        "median_found": median(found),
    }


def foreign(discovery: Discovery, catalog: Catalog) -> dict[str, float]:
    """What nouns of other shops get."""
    nouns = foreign_nouns(
        catalog.types(), [Shop.open(SHOPS / name).catalog for name in OTHERS if (SHOPS / name).is_dir()]
    )
    intents = [[one for one in discovery.intents(noun) if one.confidence >= STATED] for noun in nouns]
    answers = [discovery.search(Query(noun, limit=0)) for noun in nouns]
    return {
        "nouns": len(nouns),
        "with_intent": mean(any(one.relation is not Relation.IS_A for one in each) for each in intents),
        "with_guess": mean(any(one.source == "student" for one in each) for each in intents),
        "with_name": mean(any(one.relation is Relation.IS_A for one in each) for each in intents),
        "nothing_answers": mean(not answer.total for answer in answers),
    }


def foreign_nouns(own: Iterable[str], others: Iterable[Catalog]) -> list[str]:
    """Names of types of other shops, of two words at most, without any word of an own type."""
    words = {word for name in own for word in lemmas(name)}
    names = {name for catalog in others for name in catalog.types() if len(name.split()) <= LONGEST}
    new = sorted(name for name in names if words.isdisjoint(lemmas(name)))
    return random.Random(SEED).sample(new, min(NOUNS, len(new)))


if __name__ == "__main__":
    main()

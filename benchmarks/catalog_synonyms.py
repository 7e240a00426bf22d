"""What synonyms that need no searches, of a catalog and of WordNet, are worth to search by words.

    make shops SHOP=homedepot
    python benchmarks/catalog_synonyms.py WORDNET [STORE] [--half set|reported] [--scale LOW HIGH]

WORDNET is the folder of `data.noun` and `index.noun`. The shop (by default `$WHYBUY_SHOPS/homedepot`) holds its
queries in `judgments.parquet`; a file with one grade wants `--scale`. With minus without, by the ranker `lexical`: as a
shop without logs, and, where there are some, beside what its searches teach. Rules were set on the training queries of
Home Depot, and on half of the queries of ESCI, by hash; `--half` takes one of both halves.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from rounding import rounded
from whybuy.artifacts import digest
from whybuy.evaluation.search import Rank, SearchReport, evaluate_search
from whybuy.qrels import Qrels, Scale, read_qrels
from whybuy.retrieval.catalog_synonyms import catalog_synonyms
from whybuy.retrieval.implied import ASKED, IMPLIED, ImpliedWords
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.synonyms import SYNONYMS, Synonyms, SynonymSource, with_named
from whybuy.retrieval.wordnet import WordNet
from whybuy.shop import Shop

SHOPS = Path(os.environ.get("WHYBUY_SHOPS", Path(__file__).parents[2] / "shops")).resolve()
HALVES = ("set", "reported")
METRICS = ("ndcg@10", "recall@100")


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path)
    parser.add_argument("store", nargs="?", type=Path, default=SHOPS / "homedepot")
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--scale", nargs=2, type=float, help="lowest and highest possible grade")
    arguments = parser.parse_args()
    scale = Scale(*arguments.scale) if arguments.scale else None
    qrels = read_qrels(arguments.store / "judgments.parquet", scale=scale)
    if arguments.half:
        qrels = qrels.only(query for query in qrels.grades if half_of(query) == arguments.half)
    print(json.dumps(rounded(measure(Shop.open(arguments.store), WordNet.open(arguments.wordnet), qrels)), indent=1))


def half_of(query: str) -> str:
    """Which half a query belongs to."""
    return HALVES[int(digest("half", query)[:8], 16) % 2]


def measure(shop: Shop, wordnet: WordNet, qrels: Qrels) -> dict[str, object]:
    """Figures by source, without logs and with them."""
    began = time.perf_counter()
    found = catalog_synonyms(shop.catalog.table, wordnet)
    body: dict[str, object] = {"seconds": time.perf_counter() - began, "queries": len(qrels.grades)}
    body["synonyms"] = dict(Counter(found["source"].to_pylist()))
    of_wordnet = pc.equal(found["source"], SynonymSource.WORDNET)
    sources = {
        "none": found.slice(0, 0),
        "catalog": found.filter(pc.invert(of_wordnet)),
        "wordnet": found.filter(of_wordnet),
        "both": found,
    }
    body["without_logs"] = _worth(shop, sources, SYNONYMS.schema.empty_table(), shop.table(IMPLIED), qrels)
    if shop.has(ASKED.kind):
        learned = shop.table(SYNONYMS)
        learned = learned.filter(pc.equal(learned["source"], SynonymSource.SEARCHES))
        body["with_logs"] = _worth(shop, sources, learned, shop.table(ASKED), qrels)
    return body


def _worth(
    shop: Shop, sources: Mapping[str, pa.Table], learned: pa.Table, implied: pa.Table, qrels: Qrels
) -> dict[str, object]:
    index = shop.lexical.knowing(implied=ImpliedWords(implied))
    rankers = {
        name: _ranker(index.knowing(synonyms=Synonyms(with_named(found, learned))), shop.catalog.ids)
        for name, found in sources.items()
    }
    report = evaluate_search(rankers, qrels)
    return {
        name: {metric: _difference(report, name, metric) for metric in METRICS} for name in rankers if name != "none"
    }


def _ranker(index: LexicalIndex, ids: Sequence[str]) -> Rank:
    return lambda query, limit: [ids[row] for row in index.some_words(index.analyze(query), limit).rows]


def _difference(report: SearchReport, name: str, metric: str) -> dict[str, float]:
    worth = report.difference(name, "none", metric=metric)
    means = {"without": report.rankers["none"].mean(metric), "with": report.rankers[name].mean(metric)}
    return means | {"difference": worth.mean, "low": worth.low, "high": worth.high}


if __name__ == "__main__":
    main()

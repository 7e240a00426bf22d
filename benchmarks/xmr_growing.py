"""Adding products to a trained label tree against training it anew, on Home Depot, as JSON.

`python benchmarks/xmr_growing.py [--seeds N]` withholds 5 % of the products, adds them with their titles and training
queries, and writes `results/xmr_growing.json`: Recall@100 of the withheld and of the other products, before, after, and
in a tree trained with all of them. Products are withheld by seeds that no setting was chosen on.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ranking_data import RankingData, home_depot
from whybuy.evaluation.search import significance
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.training.growth import add_labels
from whybuy.xmr.training.trainer import train_tree

RESULTS = Path(__file__).parents[1] / "results" / "xmr_growing.json"
WITHHELD = 0.05
FIRST_SEED = 100
LIMIT = 100
Found = NDArray[np.int32]  # queries x ranks: labels


def main(seeds: int, results: Path) -> None:
    """Measure, print, write."""
    data = home_depot()
    vectorizer = NgramVectorizer.fit(data.texts, threads=2)
    features, asked = vectorizer.transform(data.texts, threads=2), vectorizer.transform(data.asked, threads=2)
    full = train_tree(features, data.labels, threads=2).predict(asked, limit=LIMIT).labels
    runs = [withhold(data, features, asked, full, seed) for seed in range(FIRST_SEED, FIRST_SEED + seeds)]
    body = {"command": "python benchmarks/xmr_growing.py", "products": len(data.titles), "withheld": WITHHELD}
    body |= {"mean": {name: round(float(np.mean([run[name] for run in runs])), 4) for name in runs[0]}, "runs": runs}
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(body, indent=1))


def withhold(data: RankingData, features: csr_matrix, asked: csr_matrix, full: Found, seed: int) -> dict[str, float]:
    """One tree without some products, grown by them. full: what a tree trained with all of them finds."""
    count = len(data.titles)
    withheld = np.sort(np.random.default_rng(seed).choice(count, round(WITHHELD * count), replace=False))
    kept = np.setdiff1d(np.arange(count), withheld)
    labels = data.labels.tocsc()
    before = train_tree(features, labels[:, kept].tocsr(), threads=2)
    number_of = np.concatenate([kept, withheld]).astype(np.int32)  # of each label of the grown tree
    alone = number_of[before.predict(asked, limit=LIMIT).labels]
    milliseconds = []
    for label in withheld.tolist():
        rows = labels[:, label].nonzero()[0]
        own, counts = features[rows], csr_matrix(np.ones((len(rows), 1), np.float32))
        started = time.perf_counter()
        add_labels(before, own, counts)
        milliseconds.append(1000 * (time.perf_counter() - started))
    grown = number_of[before.predict(asked, limit=LIMIT).labels]
    others = recalls(data, full, kept), recalls(data, alone, kept), recalls(data, grown, kept)
    new = recalls(data, full, withheld), recalls(data, grown, withheld)
    difference = significance(others[2], others[0])
    return {
        "withheld_queries": int(np.count_nonzero(~np.isnan(new[0]))),
        "withheld_retrained": float(np.nanmean(new[0])),
        "withheld_added": float(np.nanmean(new[1])),
        "withheld_share": float(np.nanmean(new[1]) / np.nanmean(new[0])),
        "others_before": float(np.nanmean(others[1])),
        "others_added": float(np.nanmean(others[2])),
        "others_retrained": float(np.nanmean(others[0])),
        "others_added_less_retrained_low": difference.low,
        "others_added_less_retrained_high": difference.high,
        "add_ms_p50": float(np.percentile(milliseconds, 50)),
        "add_ms_p99": float(np.percentile(milliseconds, 99)),
    }


def recalls(data: RankingData, found: Found, among: NDArray[np.int64]) -> NDArray[np.float64]:
    """Recall@100 by query of the relevant products among some; NaN where a query has none."""
    chosen = set(among.tolist())
    values = []
    for row, topic in enumerate(data.qrels.grades):
        relevant = {label for label in map(int, data.qrels.relevant(topic, relevant_from=2.33)) if label in chosen}
        values.append(len(relevant & set(found[row].tolist())) / len(relevant) if relevant else np.nan)
    return np.array(values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    main(options.seeds, options.results)

"""What the graph says goes together, held against the links that a shop made itself, beside words without a graph.

    make shops SHOP=bestbuy_phones
    python benchmarks/links_phones.py [STORE] [--half tuned|reported] [--fillers SHARE]

The shop of phones (`$WHYBUY_SHOPS/bestbuy_phones`) is built without categories and without the links; both are read
here alone, from `$WHYBUY_DATA`. A link between products of different kinds, by the shop's categories, is a truth for
what goes with what, one within a kind for alternatives. A product that more than a share of the linked products link to
is a filler, and no truth about any of them; figures with all links stand beside. Methods were chosen on the tuned half
of the products by hash; `results/links_phones.json` has the other.

- products: for each linked product, all others ranked: precision and recall at 5 and 10, recall at 50, and mean average
  precision (MAP) of the first 100, with paired bootstrap intervals of the differences.
- types: pairs of inferred types ranked; true is one that links of different products join at least twice.
"""

import argparse
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from rounding import rounded
from whybuy.evaluation.search import significance
from whybuy.recommendation.complements import WORTH
from whybuy.records import HeadKind
from whybuy.relations import Relation
from whybuy.shop import Shop
from whybuy.text import lemma, lemmas

PROJECT = Path(__file__).parents[1]
DATA = Path(os.environ.get("WHYBUY_DATA", PROJECT.parent / "shared" / "data")).resolve() / "bestbuy_phones"
SHOPS = Path(os.environ.get("WHYBUY_SHOPS", PROJECT.parent / "shops")).resolve()
HALVES = ("tuned", "reported")
DEPTH = 100  # of a ranking
LEAST_LINKED, LEAST_SCORE = 2, 0.1  # links of a true pair of types; of a join that counts for a pair
SAME_KIND = {  # leaf categories under "iPhone Accessories", by the category that has the same things for other phones
    "Cases": "Mobile Phone Cases & Clips",
    "iPhone Chargers & Adapters": "Mobile Phone Chargers & Adapters",
    "Surface & Screen Protectors": "Surface & Screen Protection",
    "Docks & Mounts": "Mobile Phone Docks & Mounts",
}

Scores: TypeAlias = NDArray[np.float64]
Truth: TypeAlias = Mapping[int, set[int]]  # rows of the products that each row is linked to
Score: TypeAlias = Callable[[int], Scores]  # of all products, for one row


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", type=Path, default=SHOPS / "bestbuy_phones")
    parser.add_argument("--half", choices=HALVES, default="reported")
    parser.add_argument("--fillers", type=float, default=0.05, help="share of linked products that link to a filler")
    arguments = parser.parse_args()
    shop = _Shop(Shop.open(arguments.store))
    links = _Links(shop.row_of, arguments.fillers)
    print(json.dumps(rounded(measure(shop, links, HALVES.index(arguments.half))), indent=1))


def measure(shop: "_Shop", links: "_Links", half: int) -> dict[str, object]:
    """All figures of one half."""
    body: dict[str, object] = {"fillers": links.facts()}
    for name, across, methods in (("goes with", True, shop.joins()), ("alternatives", False, shop.likenesses())):
        truths = {
            "links": links.truth(half, across=across),
            "bought with": links.truth(half, across=across, kinds=("bought_with",)),
            "links and fillers": links.truth(half, across=across, fillers=True),
        }
        body[name] = {about: compare(methods, truth, len(shop.ids)) for about, truth in truths.items()}
    body["types"] = compare_types(shop, links.truth(half, across=True))
    return body


class _Links:
    """The links of the shop, and the kind of each product by its category."""

    def __init__(self, row_of: Mapping[str, int], filler_share: float) -> None:
        categories = pq.read_table(DATA / "products.parquet", columns=["product_id", "category"]).to_pylist()
        self._kind = {row_of[one["product_id"]]: _kind(one["category"].split(" > ")) for one in categories}
        links = pq.read_table(DATA / "links.parquet").to_pylist()
        self._links = [(row_of[one["product_id"]], one["kind"], row_of[one["other_id"]]) for one in links]
        self._halves = {row_of[one["product_id"]]: _half(one["product_id"]) for one in links}
        pairs = {(row, other) for row, _, other in self._links}
        linked_from = Counter(other for _, other in pairs)
        most = filler_share * len({row for row, _ in pairs})
        self._fillers = {row for row, count in linked_from.items() if count > most}

    def truth(
        self,
        half: int,
        *,
        across: bool,
        kinds: Sequence[str] = ("accessory", "related", "bought_with"),
        fillers: bool = False,
    ) -> Truth:
        """across: links between kinds, else those within a kind."""
        truth: defaultdict[int, set[int]] = defaultdict(set)
        for row, kind, other in self._links:
            is_truth = fillers or not self._fillers & {row, other}
            crosses = self._kind[row] != self._kind[other]
            if row != other and kind in kinds and is_truth and crosses == across and self._halves[row] == half:
                truth[row].add(other)
        return truth

    def facts(self) -> dict[str, object]:
        """How many fillers there are, and how many links of each kind lead to them."""
        every, filling = Counter[str](), Counter[str]()
        for _, kind, other in self._links:
            every[kind] += 1
            filling[kind] += other in self._fillers
        return {"products": len(self._fillers), "links": dict(every), "links to them": dict(filling)}


def _kind(path: Sequence[str]) -> str:
    """What kind of thing a category is of: its own level of accessories, else cards, modems or phones."""
    if path[-1] in SAME_KIND or path[-1] == "Prepaid Minutes":
        return SAME_KIND.get(path[-1], path[-1])
    if "Mobile Phone Accessories" in path:
        return path[min(path.index("Mobile Phone Accessories") + 1, len(path) - 1)]
    return "Mobile Broadband" if "Mobile Broadband" in path else "Mobile Phones"


def _half(product_id: str) -> int:
    return int(hashlib.sha256(product_id.encode()).hexdigest(), 16) % 2


class _Shop:
    """What a built shop knows, as scores of all products for one of them."""

    def __init__(self, shop: Shop) -> None:
        self.ids, self.types = list(shop.catalog.ids), list(shop.catalog.column("product_type"))
        self.row_of = {product_id: row for row, product_id in enumerate(self.ids)}
        self._products, self._graph, self.complements = shop.catalog.table, shop.graph, shop.complements
        self._nouns = np.array([lemma(name.split()[-1]) if name else "" for name in self.types])
        self._own_type = np.array(self.types)

    def joins(self) -> dict[str, Score]:
        """Ways to find what goes with a product; the last two have the graph."""
        return {
            "words of all texts": self._texts,
            "words of titles": self._titles,
            "titles of other types": lambda row: self._titles(row) * (self._own_type != self._own_type[row]),
            "titles of other kinds": lambda row: self._titles(row) * self._other_kind(row),
            "graph": lambda row: self._graph_alone(row) * self._other_kind(row),
            "graph and titles": lambda row: self._all(row) * self._other_kind(row),
        }

    def likenesses(self) -> dict[str, Score]:
        """Ways to find alternatives; the last two have the graph."""
        return {
            "words of all texts": self._texts,
            "words of titles": self._titles,
            "texts and titles": lambda row: self._texts(row) + 0.5 * self._titles(row),
            "graph": self._same_reasons,
            "graph, texts and titles": lambda row: (
                self._texts(row) + 0.5 * self._titles(row) + self.complements.scores(row)["shared"]
            ),
        }

    def _other_kind(self, row: int) -> NDArray[np.bool_]:
        same = (self._nouns == self._nouns[row]) & (self._nouns != "")
        return np.asarray(~same, np.bool_)

    def _graph_alone(self, row: int) -> Scores:
        joins = [WORTH[stage] * each for stage, each in self.complements.scores(row).items() if stage != "similar"]
        return np.asarray(np.max(joins, axis=0), np.float64)

    def _all(self, row: int) -> Scores:
        scores = np.zeros(len(self.ids))
        for hit in self.complements.of(row, limit=DEPTH + 1):
            scores[self.row_of[hit.product_id]] = hit.score
        return scores

    def _texts(self, row: int) -> Scores:
        return _cosines(self._text_vectors, row)

    def _titles(self, row: int) -> Scores:
        return _cosines(self._title_vectors, row)

    def _same_reasons(self, row: int) -> Scores:
        return _cosines(self._reason_vectors, row)

    def types_named(self, names: Sequence[str]) -> Scores:
        """Types × types: how many products of one are claimed to be used with what ends in the name of the other."""
        number = {lemmas(name): at for at, name in enumerate(names)}
        counts = np.zeros((len(names), len(names)))
        for triple in self._graph.triples(range(self._graph.edges.num_rows)):
            if triple.relation is Relation.USED_WITH and triple.head.kind is HeadKind.PRODUCT:
                head = number.get(lemmas(self.types[self.row_of[triple.head.key[0]]]))
                words = lemmas(triple.tail)
                tail = next((number[words[at:]] for at in range(len(words)) if words[at:] in number), None)
                if head is not None and tail is not None:
                    counts[head, tail] += 1
        return counts

    @cached_property
    def texts(self) -> list[str]:
        """All that the feed says of each product."""
        columns = (self._products[name].to_pylist() for name in ("title", "brand", "description", "attributes"))
        return [
            " ".join([title, brand, description, *(f"{one['name']} {one['value']}" for one in attributes)])
            for title, brand, description, attributes in zip(*columns, strict=True)
        ]

    @cached_property
    def _text_vectors(self) -> sparse.csr_array:
        return _tfidf(self.texts)

    @cached_property
    def _title_vectors(self) -> sparse.csr_array:
        return _tfidf(self._products["title"].to_pylist())

    @cached_property
    def _reason_vectors(self) -> sparse.csr_array:
        """Products × claims of their own, weighed as words are."""
        claims: list[list[str]] = [[] for _ in self.ids]
        for triple in self._graph.triples(range(self._graph.edges.num_rows)):
            if triple.head.kind is HeadKind.PRODUCT:
                claims[self.row_of[triple.head.key[0]]].append(f"{triple.relation} {triple.tail}")
        return sparse.csr_array(TfidfVectorizer(analyzer=list).fit_transform(claims))


def _tfidf(texts: Sequence[str]) -> sparse.csr_array:
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"[a-z0-9]+")
    return sparse.csr_array(vectorizer.fit_transform(texts))


def _cosines(vectors: sparse.csr_array, row: int) -> Scores:
    return np.asarray((vectors @ vectors[[row]].T).toarray()[:, 0], np.float64)


# ------------------------------------------------------------ products
def compare(methods: Mapping[str, Score], truth: Truth, products: int) -> dict[str, object]:
    """Figures of each method over the same products, and what the last gains over each one before."""
    figures = {name: [_figures(score, row, linked) for row, linked in truth.items()] for name, score in methods.items()}
    means = {
        name: {each: float(np.mean([one[each] for one in rows])) for each in rows[0]} for name, rows in figures.items()
    }
    last = list(methods)[-1]
    gains = {
        f"{metric} over {name}": asdict(
            significance(*(np.array([one[metric] for one in each]) for each in (figures[last], rows)))
        )
        for metric in ("map", "recall@10")
        for name, rows in figures.items()
        if name != last
    }
    linked = sum(map(len, truth.values()))
    chance = linked / len(truth) / products  # precision at any rank
    return {"products": len(truth), "links": linked, "chance": chance, "methods": means, f"{last} gains": gains}


def _figures(score: Score, row: int, linked: set[int]) -> dict[str, float]:
    scores = score(row).copy()
    scores[row] = 0.0
    order = [other for other in np.argsort(-scores, kind="stable")[:DEPTH].tolist() if scores[other] > 0]
    right = np.array([other in linked for other in order] + [False] * (DEPTH - len(order)))
    precision = np.cumsum(right) / np.arange(1, DEPTH + 1)
    figures = {"map": float((precision * right).sum() / len(linked))}
    for cut in (5, 10):
        figures[f"precision@{cut}"] = float(right[:cut].mean())
        figures[f"recall@{cut}"] = float(right[:cut].sum() / len(linked))
    return figures | {"recall@50": float(right[:50].sum() / len(linked))}


# ------------------------------------------------------------ types
def compare_types(shop: _Shop, truth: Truth) -> dict[str, object]:
    """Pairs of types ranked by the graph and by words, against those that links join."""
    names = sorted(set(shop.types) - {""})
    number = {name: at for at, name in enumerate(names)}
    typed = [(row, number[name]) for row, name in enumerate(shop.types) if name]
    rows, types = np.array(typed).T
    members = sparse.csr_array((np.ones(len(typed)), (rows, types)), shape=(len(shop.types), len(names)))
    linked: defaultdict[tuple[int, int], int] = defaultdict(int)
    for row, others in truth.items():
        for other in others:
            one, two = sorted((number.get(shop.types[row], -1), number.get(shop.types[other], -1)))
            linked[one, two] += 0 <= one < two
    known = sorted({kind for pair, count in linked.items() if count for kind in pair})
    pairs = [(one, two) for at, one in enumerate(known) for two in known[at + 1 :]]
    right = np.array([linked[pair] >= LEAST_LINKED for pair in pairs])
    size = members.sum(axis=0)
    mentions = members.T @ _mentions(shop.texts, names)
    expected = size[:, None] * mentions.sum(axis=0)[None] / len(shop.types)
    named = sparse.csr_array(np.stack([shop.complements.scores(row)["names"] >= LEAST_SCORE for row in rows.tolist()]))
    joined = (members[rows].T @ named @ members).toarray()
    named_types = shop.types_named(names)
    methods = {
        "sizes of the types": np.outer(size, size),
        "mentions of names": mentions + mentions.T,
        "mentions beyond chance (PMI)": np.log((mentions + 0.5) / (expected + 0.5)),
        "graph, by the types that tails name": named_types + named_types.T,
        "graph, by the products that tails name": joined + joined.T,
    }
    return {
        "pairs": len(pairs),
        "linked": int(right.sum()),
        "chance": float(right.mean()),
        "methods": {name: _of_pairs(np.maximum(scores, scores.T), pairs, right) for name, scores in methods.items()},
    }


def _mentions(texts: Sequence[str], names: Sequence[str]) -> Scores:
    """Texts × names of types: whether the text has the words of the name one after the other."""
    padded = [f" {' '.join(lemmas(text))} " for text in texts]
    sought = [f" {' '.join(lemmas(name))} " for name in names]
    return np.array([[name in text for name in sought] for text in padded], np.float64)


def _of_pairs(scores: Scores, pairs: Sequence[tuple[int, int]], right: NDArray[np.bool_]) -> dict[str, float]:
    values = np.array([scores[pair] for pair in pairs])
    order = np.argsort(-values, kind="stable")
    ranked = right[order]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    figures = {"average precision": float((precision * ranked).sum() / right.sum())}
    for cut in (20, 50):
        figures |= {
            f"precision@{cut}": float(precision[cut - 1]),
            f"recall@{cut}": float(ranked[:cut].sum() / right.sum()),
        }
    return figures


if __name__ == "__main__":
    main()

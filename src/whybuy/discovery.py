"""Online composition: a shop's live artifacts, opened to search, explain and look around in."""

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from whybuy.artifacts import ARTIFACTS_FOLDER, CURRENT, ArtifactStore, read_manifest
from whybuy.catalog import catalog
from whybuy.catalog.catalog import Catalog
from whybuy.catalog.shop import ShopConfig
from whybuy.config import read_settings
from whybuy.errors import InputError, WhybuyError
from whybuy.graph import KnowledgeGraph, files
from whybuy.intents import IntentConfig, IntentReader
from whybuy.records import (
    Answer,
    Head,
    HeadKind,
    Hit,
    Intent,
    Neighborhood,
    Node,
    Product,
    Query,
    Reason,
    Source,
    Triple,
)
from whybuy.retrieval import expansion, lexical
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.retrieval.facets import Facets
from whybuy.retrieval.fusion import FusionConfig, fuse
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranked import Ranked
from whybuy.text import FUNCTION_WORDS, canonical, edit_distance, lemmas, tokenize

RANKERS = ("lexical", "intents", "fused")
FORMATS = {
    "catalog": catalog.FORMAT_VERSION,
    "graph": files.FORMAT_VERSION,
    "lexical": lexical.FORMAT_VERSION,
    "expansion": expansion.FORMAT_VERSION,
}
LONGEST_QUERY = 10_000  # characters


class UnknownProduct(WhybuyError):  # noqa: N818 - reads as what it is: asked for an unknown product
    """The shop has no product of this id."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How many products each stage brings."""

    depth: int = 500  # products that a ranker hands to fusion
    needs: IntentConfig = IntentConfig()
    fusion: FusionConfig = FusionConfig()


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows in their final order, with the score and the stages of each."""

    ranked: Ranked
    by_stage: dict[str, Ranked]
    intents: tuple[Intent, ...]


class Discovery:
    """One opened shop; safe for many threads."""

    def __init__(self, store: Path, shop: ShopConfig, config: SearchConfig) -> None:
        """Map the live artifacts of a store.

        Raises:
            ArtifactError: there is no finished build, or an artifact is damaged.
        """
        self.name = shop.name
        self._config = config
        folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
        self._manifests = {kind: read_manifest(folders[kind], kind, version) for kind, version in FORMATS.items()}
        self._catalog = Catalog.load(folders["catalog"])
        self._graph = KnowledgeGraph(folders["graph"], language=shop.language)
        self._lexical = LexicalIndex.open(folders["lexical"])
        self._types: list[str] = self._catalog.column("product_type")
        self._expansion = ExpansionIndex(folders["expansion"], self._graph, self._types)
        self._reader = IntentReader(self._graph, config.needs)
        self._facets = Facets(self._catalog.table)
        self._reasons_of = lru_cache(maxsize=4096)(self._read_reasons)

    @classmethod
    def open(cls, store: Path) -> "Discovery":
        """The shop in a store folder, as its last finished build left it.

        Raises:
            ConfigError: the folder is no shop.
            ArtifactError: there is no finished build, or an artifact is damaged.
        """
        settings = read_settings(store)
        return cls(store, settings.one("shop", ShopConfig), settings.one("search", SearchConfig))

    def search(self, query: Query) -> Answer:
        """A page of products that answer a query, each with the stage that found it, its scores and its reasons.

        Raises:
            InputError: an unknown ranker or filter field, or a query beyond 10,000 characters.
        """
        started = time.perf_counter()
        found = self._find(query.text, query.ranker, max(self._config.depth, query.offset + query.limit))
        rows = self._facets.select(found.ranked.rows, query.filters)
        page = self._facets.order(rows, query.sort)[query.offset : query.offset + query.limit]
        score_of = dict(zip(found.ranked.rows.tolist(), found.ranked.scores.tolist(), strict=True))
        hits = tuple(self._hit(row, score_of[row], query.text, found) for row in page.tolist())
        facets = self._facets.count(rows)
        took = (time.perf_counter() - started) * 1000
        return Answer(uuid.uuid4().hex, query.text, len(rows), hits, found.intents, facets, round(took, 3))

    def rank(self, text: str, *, limit: int, ranker: str = "fused") -> list[str]:
        """Product ids alone, best first: what an evaluation asks for."""
        ranked = self._find(text, ranker, max(limit, self._config.depth)).ranked
        ids = self._catalog.ids
        return [ids[row] for row in ranked.rows[:limit].tolist()]

    def explain(self, query: str, product_id: str) -> Hit:
        """One product as a hit of a query: its scores by stage, the words that match and its reasons.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        row = self._row(product_id)
        found = self._find(query, "fused", len(self._catalog))
        at = np.flatnonzero(found.ranked.rows == row)
        score = float(found.ranked.scores[at[0]]) if len(at) else 0.0
        return self._hit(row, score, query, found)

    def product(self, product_id: str) -> Product:
        """One product.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        return self._catalog.at(self._row(product_id))

    def why(self, product_id: str, *, limit: int = 20) -> tuple[Reason, ...]:
        """Why people buy a product: reasons of itself, of its type, and of its type with one of its traits.

        Raises:
            UnknownProduct: the shop has no such product.
        """
        row = self._row(product_id)
        best: dict[str, tuple[float, Reason]] = {}
        for head in self._heads(row):
            node = self._graph.node(head.kind.value, *head.key)
            for triple in self._graph.triples(self._graph.edges_from(node)) if node is not None else ():
                strength = triple.plausibility * triple.typicality
                key = f"{triple.relation} {canonical(triple.tail)}"
                if strength > best.get(key, (0.0,))[0]:
                    best[key] = (strength, self._reason(triple))
        ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
        return tuple(reason for _, (_, reason) in ranked[:limit])

    def intents(self, query: str) -> tuple[Intent, ...]:
        """The needs that are understood in a query, the surest first."""
        return self._reader.read(_checked(query))

    def neighborhood(self, label: str, *, limit: int = 60) -> Neighborhood:
        """The graph around a node; products are shown by their titles. Empty when no node has this label."""
        around = self._graph.neighborhood(label, limit=limit)
        return replace(around, nodes=tuple(self._titled(node) for node in around.nodes))

    def facts(self) -> dict[str, int | str]:
        """Counts and artifact keys, for people and for `/version`."""
        facts: dict[str, int | str] = {"shop": self.name, "products": len(self._catalog)}
        for kind in ("nodes", "edges", "intents"):
            facts[kind] = int(self._manifests["graph"].summary.get(kind, 0))
        return facts | {f"{kind}_key": manifest.key for kind, manifest in self._manifests.items()}

    # ------------------------------------------------------------ finding
    def _find(self, text: str, ranker: str, depth: int) -> _Found:
        if ranker not in RANKERS:
            raise InputError(f"Ranker {ranker!r} is not one of {', '.join(RANKERS)}.")
        intents = self._reader.read(_checked(text)) if ranker != "lexical" else ()
        needs = self._expansion.rank(text, intents, depth) if intents else Ranked.empty()
        if ranker == "intents":
            return _Found(needs, {"intents": needs}, intents)
        words = self._lexical.some_words(text, depth)
        by_stage = {"all_words": self._lexical.all_words(text, depth), "some_words": words, "intents": needs}
        if not len(by_stage["all_words"].rows):
            by_stage["typo"] = self._lexical.typo(text, depth)
        unsaid = self._unsaid(text, by_stage)
        ranked = fuse(words, needs, unsaid=unsaid, named=_named(text, intents), config=self._config.fusion)
        if not len(ranked.rows):
            ranked = by_stage["nearest_type"] = self._nearest_type(text, depth)
        return _Found(ranked, by_stage, intents)

    def _unsaid(self, text: str, by_stage: dict[str, Ranked]) -> float:
        """Share of the query's content words that the best lexical hit lacks."""
        best = by_stage["some_words"].rows[:1].tolist()
        asked = {word for word in tokenize(text) if word not in FUNCTION_WORDS}
        if len(by_stage["all_words"].rows) or not best or not asked:
            return 0.0
        said = {match.term for match in self._lexical.matched(text, self._catalog.at(best[0]))}
        return max(0.0, 1.0 - len(said) / len(asked))

    def _nearest_type(self, text: str, depth: int) -> Ranked:
        """Products of the type whose name is spelled most like a word of the query, if any is near."""
        asked = [word for word in lemmas(text[:200]) if len(word) > 3]
        near = [
            (edit_distance(word, part) / max(len(word), len(part)), name)
            for name in self._catalog.types()
            for part in lemmas(name)
            for word in asked
        ]
        distance, name = min(near, default=(1.0, ""))
        return self._lexical.of_type(name, depth) if distance <= 0.4 else Ranked.empty()

    # ------------------------------------------------------------ explaining
    def _hit(self, row: int, score: float, text: str, found: _Found) -> Hit:
        scores = {
            stage: float(ranked.scores[at[0]])
            for stage, ranked in found.by_stage.items()
            if len(at := np.flatnonzero(ranked.rows == row))
        }
        product = self._catalog.at(row)
        reasons = self._reasons(row, found.intents)
        source = next((stage for stage in ("all_words", "typo") if stage in scores), "")
        if not source:
            source = "intents" if "intents" in scores and reasons else next(iter(scores), "none")
        matched = self._lexical.matched(text, product)
        return Hit(product.product_id, round(score, 6), source, product.title, scores, matched, reasons)

    def _reasons(self, row: int, intents: Sequence[Intent], *, limit: int = 4) -> tuple[Reason, ...]:
        """The triples that join a product to the needs of a query, the most telling head first."""
        heads = {str(head): rank for rank, head in enumerate(self._heads(row))}
        found = [
            (heads[reason.head], -intent.confidence * reason.confidence, reason)
            for intent in intents
            for reason in self._reasons_of(intent.tail)
            if reason.head in heads
        ]
        ranked = sorted(found, key=lambda entry: entry[:2])
        return tuple(reason for _, _, reason in ranked[:limit])

    def _read_reasons(self, tail: str) -> tuple[Reason, ...]:
        node = self._graph.intent(tail)
        if node is None:
            return ()
        triples = self._graph.triples(self._graph.edges_to(node)[:2000])
        return tuple(self._reason(triple) for triple in triples if triple.head.kind is not HeadKind.QUERY)

    def _heads(self, row: int) -> Iterable[Head]:
        """What the graph may say of a product: the most specific heads first."""
        kind = self._types[row]
        product = self._catalog.at(row)
        for name, value in product.attributes:
            yield Head(HeadKind.TYPE_ATTRIBUTE, (kind, name, value))
        yield Head(HeadKind.PRODUCT, (product.product_id,))
        for word in dict.fromkeys(lemmas(product.title)):
            yield Head(HeadKind.TYPE_ATTRIBUTE, (kind, "title", word))
        yield Head(HeadKind.TYPE, (kind,))

    def _reason(self, triple: Triple) -> Reason:
        evidence = tuple(dict.fromkeys(line for source in triple.sources for line in _evidence(source)))
        return Reason(str(triple.head), triple.relation, triple.tail, round(triple.plausibility, 4), evidence)

    def _titled(self, node: Node) -> Node:
        if node.kind != HeadKind.PRODUCT or node.label not in self._catalog:
            return node
        return replace(node, label=self._catalog.product(node.label).title)

    def _row(self, product_id: str) -> int:
        if product_id not in self._catalog:
            raise UnknownProduct(f"{self.name} has no product {product_id!r} among its {len(self._catalog):,}.")
        return self._catalog.row(product_id)


def _named(text: str, intents: Sequence[Intent]) -> float:
    """Share of the query's content words that name its needs."""
    asked = {word for word in tokenize(text) if word not in FUNCTION_WORDS}
    needs = {word for intent in intents for word in tokenize(intent.words)}
    return len(asked & needs) / len(asked) if asked else 0.0


def _checked(text: str) -> str:
    if len(text) > LONGEST_QUERY:
        raise InputError(f"The query has {len(text):,} characters; at most {LONGEST_QUERY:,} are allowed.")
    return text


def _evidence(source: Source) -> Iterable[str]:
    """What an edge rests on, in words: how much, and what was said."""
    unit = {"evidence.v1": "purchase", "descriptions.v1": "description", "co_buy.v1": "session"}
    name = unit.get(source.generator, source.generator)
    yield f"{source.support:,} {name}{'' if source.support == 1 else 's'}"
    for words in source.words[:3]:
        yield f"“{words}”"


def live_key(store: Path) -> str:
    """What the pointer of a store says now; changes when a new build is published."""
    try:
        return json.dumps(json.loads((store / ARTIFACTS_FOLDER / CURRENT).read_text()), sort_keys=True)
    except (OSError, ValueError):
        return ""

"""Lexical retrieval: BM25 over a memory-mapped tantivy index of the catalog's words."""

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import tantivy
from numpy.typing import NDArray
from tantivy import Occur, Order
from tantivy import Query as Search

from whybuy.artifacts import write_json
from whybuy.config import ConfigTable
from whybuy.errors import ArtifactError, InputError
from whybuy.records import PRODUCT_SCHEMA, Match, Product
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.spelling import RARE, Reading, Speller, Spelling
from whybuy.retrieval.synonyms import Synonyms
from whybuy.retrieval.terms import (
    FIELDS,
    OtherWords,
    QueryWord,
    QueryWords,
    field_texts,
    is_function_word,
    stem,
    words,
)

NOWHERE = np.empty(0, np.int32)
CONFIG_FILE = "lexical.json"
FORMAT_VERSION = 3
_CONTEXT = 6  # other words of a query that a misspelled one is read by
_WRITER_MEMORY = 64_000_000  # bytes
_WORDS_KEPT = 4_000  # whose searches are remembered
_TERMS_KEPT = 4_000  # whose products are remembered: four bytes for each product with the term
_BITS_KEPT = 8 * 32_000_000  # of the same, a bit for each product of the shop


@dataclass(frozen=True, slots=True)
class Boosts:
    """How much a word counts in each field, beside its BM25 score there."""

    title: float = 1.0
    brand: float = 0.5
    product_type: float = 0.5
    category: float = 0.3
    attributes: float = 0.4
    description: float = 0.2


@dataclass(frozen=True, slots=True)
class LexicalConfig:
    """How words are weighed."""

    boosts: Boosts = field(default_factory=Boosts)
    coverage: float = 4.0  # score for each word of the query that a product has at all
    phrase: float = 0.2  # weight of neighboring words that stand together in the title
    function_word: float = 0.5  # weight of "for", "with", ...
    longest_query: int = 64  # words; those beyond are not looked up


LEXICAL_CONFIG = ConfigTable("lexical", LexicalConfig)


def build_lexical(products: pa.Table, folder: Path, config: LexicalConfig | None = None) -> None:
    """Index products into an empty or new folder; row numbers are those of the table.

    products: `PRODUCT_SCHEMA`.

    Raises:
        InputError: the table has another schema.
        OSError: the disk is full, or the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        index = tantivy.Index(_schema(), path=str(folder), reuse=False)
        _write(index, products, first_row=0)
    except ValueError as error:  # tantivy raises it for errors of the disk
        raise OSError(f"The index cannot be written ({error}). Is the disk full?") from error
    write_json(folder / CONFIG_FILE, asdict(config or LexicalConfig()))


class LexicalIndex:
    """An open index; any number of threads may search it while one writes."""

    def __init__(self, index: tantivy.Index, config: LexicalConfig, synonyms: Synonyms | None = None) -> None:
        """synonyms: looked up beside the words of queries."""
        self.config, self.synonyms = config, synonyms or Synonyms({})
        self._boosts = asdict(config.boosts)
        self._index = index
        self._look()

    @classmethod
    def open(cls, folder: Path) -> "LexicalIndex":
        """The index in a folder, memory-mapped.

        Raises:
            ArtifactError: the folder holds no readable index.
        """
        try:
            raw = json.loads((folder / CONFIG_FILE).read_text())
            config = LexicalConfig(**{**raw, "boosts": Boosts(**raw["boosts"])})
            return cls(tantivy.Index.open(str(folder)), config)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{folder} holds no readable lexical index ({error}). Run `whybuy build`.") from error

    def with_synonyms(self, synonyms: Synonyms) -> "LexicalIndex":
        """The same index with other synonyms."""
        return LexicalIndex(self._index, self.config, synonyms)

    def __len__(self) -> int:
        return int(self._view.searcher.num_docs)

    def some_words(self, query: QueryWords, limit: int) -> Ranked:
        """Products that have any word of the query, unknown words corrected: BM25 and a reward per word covered."""
        return self._ranked(self._scored(query.terms), limit)

    def all_words(self, query: QueryWords, among: Ranked) -> Ranked:
        """Those of some products that have every word of the query as typed, apart from function words."""
        return self._having_each(query.needed, among)

    def typo(self, query: QueryWords, among: Ranked) -> Ranked:
        """Those that have every word once misspelled ones are corrected; none when nothing is misspelled."""
        misspelled = query.needed_corrected != query.needed
        return self._having_each(query.needed_corrected, among) if misspelled else Ranked.empty()

    def of_type(self, product_type: str, limit: int) -> Ranked:
        """Products of one type."""
        same_type = Search.term_query(_SCHEMA, "exact_type", product_type.casefold())
        return self._ranked([(Occur.Must, Search.const_score_query(same_type, 1.0))], limit)

    def having(self, query: QueryWords) -> NDArray[np.int32]:
        """Rows of all products that `some_words` finds, ascending, without the cost of ranking them."""
        each = [self._view.having_any(word) for word in query.terms]
        return np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(each))).astype(np.int32) if each else NOWHERE

    def matched(self, query: QueryWords, rows: Sequence[int]) -> list[tuple[Match, ...]]:
        """Which words of the query stand in which fields of each product, after correction and stemming."""
        view, matches = self._view, list[list[Match]]([] for _ in rows)
        for word in query.terms:
            terms = dict.fromkeys((word.term, *(term for other in word.others for term in other.terms)))
            for name in () if is_function_word(word.word) else view.fields:
                match = Match(name, word.word)
                there = np.zeros(len(rows), np.bool_)
                for term in terms:
                    there |= _among(rows, view.having(name, term))
                for at in np.flatnonzero(there).tolist():
                    matches[at].append(match)
        return list(map(tuple, matches))

    def finds(self, text: str) -> bool:
        """Whether any product has a word of a query."""
        return len(self.having(self.analyze(text))) > 0

    def spelled(self, text: str) -> str:
        """A query with its misspelled words as the shop spells them."""
        return " ".join(self.analyze(text).corrected)

    def add(self, products: pa.Table, *, first_row: int) -> None:
        """Index more products, in place of those with the same ids; they get the rows from `first_row` on."""
        _write(self._index, products, first_row=first_row)
        self._reload()

    def delete(self, product_ids: Iterable[str]) -> None:
        """Take products out; the rows of the others stay."""
        writer = self._index.writer(_WRITER_MEMORY, 1)
        for product_id in product_ids:
            writer.delete_documents_by_term("product_id", product_id)
        writer.commit()
        writer.wait_merging_threads()
        self._reload()

    def _reload(self) -> None:
        self._index.reload()
        self._look()

    def _look(self) -> None:
        self._view = _View(self._index)
        self.analyze = functools.lru_cache(maxsize=1_000)(self._analyze)
        self._itself = functools.lru_cache(maxsize=20_000)(self._as_it_is)
        self._bm25 = functools.lru_cache(maxsize=_WORDS_KEPT)(self._by_bm25)
        self._covered = functools.lru_cache(maxsize=_WORDS_KEPT)(self._by_coverage)

    # ------------------------------------------------------------ words of a query
    def _analyze(self, text: str) -> QueryWords:
        """The words of a query, corrected by the words of the catalog; those beyond the longest query are left out."""
        view, typed = self._view, words(text[: 16 * self.config.longest_query])
        distinct = list(dict.fromkeys(typed))[: self.config.longest_query]
        needed = [word for word in distinct if not is_function_word(word)] or distinct
        unsure = [word for word in distinct if view.frequency(word) <= RARE]
        known = [word for word in needed if view.knows(word)][:_CONTEXT] if unsure else []
        readings = {word: view.read(word, [other for other in known if other != word]) for word in unsure}
        spelled = {word: readings[word][0].words if word in readings else (word,) for word in distinct}
        looked_up = [self._query_words(readings[word]) if word in readings else self._itself(word) for word in distinct]
        joined = [left + right for left, right in pairwise(typed) if view.joins(left, right)]
        return QueryWords(
            needed=needed,
            needed_corrected=[part for word in needed for part in spelled[word]],
            corrected=list(dict.fromkeys(part for word in distinct for part in spelled[word])),
            terms=self._weighed([*looked_up, *map(self._itself, joined)]),
        )

    def _having_each(self, needed: Sequence[str], among: Ranked) -> Ranked:
        kept = np.full(len(among), bool(needed))
        for word in needed:
            kept &= _bits(self._view.having_anywhere(stem(word)), among.rows)
        return among.only(kept)

    def _as_it_is(self, word: str) -> list[QueryWord]:
        return [QueryWord(word, stem(word), self._weight(word), self.synonyms.of(stem(word)))]

    def _query_words(self, readings: Sequence[Reading]) -> list[QueryWord]:
        """The words of the likeliest reading; the others stand beside it where it is one word."""
        best, *less_likely = readings
        if len(best.words) > 1:
            return [one for word in best.words for one in self._itself(word)]
        (itself,) = self._itself(best.words[0])
        others = dict.fromkeys(
            (*(OtherWords(tuple(map(stem, one.words)), one.weight) for one in less_likely), *itself.others)
        )
        by_terms = {one.terms: one for one in sorted(others, key=lambda one: one.weight)}
        by_terms.pop((itself.term,), None)
        return [replace(itself, others=tuple(by_terms.values()))]

    def _weight(self, word: str) -> float:
        return self.config.function_word if is_function_word(word) else 1.0

    def _weighed(self, looked_up: Iterable[Iterable[QueryWord]]) -> list[QueryWord]:
        by_term: dict[str, QueryWord] = {}
        for word in islice(chain.from_iterable(looked_up), self.config.longest_query):
            by_term.setdefault(word.term, word)
        return list(by_term.values())

    # ------------------------------------------------------------ searches
    def _scored(self, terms: Sequence[QueryWord]) -> list[tuple[Occur, Search]]:
        clauses = [*map(self._bm25, terms), *map(self._covered, terms)]
        clauses += [
            Search.boost_query(Search.phrase_query(_SCHEMA, "title", [left.term, right.term]), self.config.phrase)
            for left, right in pairwise(terms)
        ]
        return [(Occur.Should, clause) for clause in clauses]

    def _by_bm25(self, word: QueryWord) -> Search:
        return _best(
            _each(self._bm25_of(term, word.weight * weight) for term in terms) for terms, weight in _options(word)
        )

    def _bm25_of(self, term: str, weight: float) -> Search:
        return _either(
            Search.boost_query(Search.term_query(_SCHEMA, name, term), self._boosts[name] * weight)
            for name in self._view.fields
        )

    def _by_coverage(self, word: QueryWord) -> Search:
        reward = self.config.coverage * word.weight
        return _best(
            Search.const_score_query(_each(map(self._anywhere, terms)), reward * weight)
            for terms, weight in _options(word)
        )

    def _anywhere(self, term: str) -> Search:
        return _either(Search.term_query(_SCHEMA, name, term, "basic") for name in self._view.fields)

    def _ranked(self, clauses: list[tuple[Occur, Search]], limit: int) -> Ranked:
        if not clauses or limit <= 0:
            return Ranked.empty()
        searcher = self._view.searcher
        hits = searcher.search(Search.boolean_query(clauses), limit, count=False).hits
        rows = searcher.fast_field_values("row", [address for _, address in hits])
        return Ranked(np.array(rows, np.int32), np.array([score for score, _ in hits], np.float32))


class _View:
    """One state of the index: its searcher and what is derived from its words."""

    def __init__(self, index: tantivy.Index) -> None:
        self.searcher = index.searcher()
        self.fields = [name for name in FIELDS if self.searcher.terms_with_prefix(name, "", limit=1)]
        last = self.searcher.search(Search.all_query(), 1, order_by_field="row", order=Order.Desc).hits
        self.rows = 1 + last[0][0] if last else 0  # those of deleted products are counted
        self.frequency = functools.lru_cache(maxsize=20_000)(self._frequency)
        self.having = functools.lru_cache(maxsize=_TERMS_KEPT)(self._having)
        kept = min(_TERMS_KEPT, 1 + _BITS_KEPT // max(1, self.rows))
        self.having_anywhere = functools.lru_cache(maxsize=kept)(self._having_anywhere)

    @functools.cached_property
    def speller(self) -> Speller:
        """Made when the first unknown or rare word comes."""
        spelling = Spelling(dict(self.searcher.terms_with_prefix("word", "")))
        return Speller(spelling, lambda word: self.having_anywhere(stem(word)), self.searcher.num_docs)

    def knows(self, word: str) -> bool:
        """Whether a product has a word, in any inflection."""
        return self.frequency(word) > 0

    def _frequency(self, word: str) -> int:
        """Products that have a word in the field where most have it."""
        term = stem(word)
        return max((self.searcher.doc_freq(name, term) for name in self.fields), default=0)

    def read(self, word: str, others: Sequence[str]) -> Sequence[Reading]:
        """What an unknown or rare word may mean, likeliest first: itself where nothing is near it."""
        itself = Reading((word,))
        if not self.knows(word):
            return self.speller.readings(word, others)
        is_brand = "brand" in self.fields and self.searcher.doc_freq("brand", stem(word))
        return (itself,) if is_brand else (itself, *self.speller.meant(word, others))

    def having_any(self, word: QueryWord) -> NDArray[np.uint8]:
        """Whether each product has a word of a query, or what may stand for it: a bit by row."""
        options = (map(self.having_anywhere, terms) for terms, _ in _options(word))
        return functools.reduce(np.bitwise_or, (functools.reduce(np.bitwise_and, one) for one in options))

    def _having(self, name: str, term: str) -> NDArray[np.int32]:
        """Rows of the products that have a term in a field, ascending."""
        wanted = Search.term_query(_SCHEMA, name, term, "basic")
        every = max(1, self.searcher.num_docs)
        hits = self.searcher.search(wanted, every, count=False, order_by_field="row", order=Order.Asc).hits
        return np.fromiter((row for row, _ in hits), np.int32, len(hits))

    def _having_anywhere(self, term: str) -> NDArray[np.uint8]:
        """Whether each product has a term in any field: a bit by row."""
        having = np.zeros(self.rows, np.bool_)
        for name in self.fields:
            having[self.having(name, term)] = True
        return np.packbits(having)

    def joins(self, left: str, right: str) -> bool:
        """Whether the catalog writes two words as one, too: "lawn mower" and "lawnmower"."""
        whole = left + right
        return whole.isalpha() and len(whole) >= 6 and self.searcher.doc_freq("word", whole) > 0


def _bits(packed: NDArray[np.uint8], places: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The bits at some places of `np.packbits`."""
    bytes_there = packed.take(places >> 3, mode="clip")  # rows may have come from a newer state of the index
    bits: NDArray[np.bool_] = (bytes_there << (places & 7) & 128) > 0
    return bits


def _among(rows: Sequence[int], others: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which rows are among others, which ascend."""
    if not len(others):
        return np.zeros(len(rows), dtype=bool)
    at = np.minimum(others.searchsorted(rows), len(others) - 1)
    present: NDArray[np.bool_] = others[at] == rows
    return present


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("product_id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_text_field("exact_type", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("word", tokenizer_name="whitespace", index_option="basic")  # unstemmed, for spelling
    for name in FIELDS:
        builder.add_text_field(name, tokenizer_name="whitespace")
    return builder.build()


_SCHEMA = _schema()


def _write(index: tantivy.Index, products: pa.Table, *, first_row: int) -> None:
    if not products.schema.equals(PRODUCT_SCHEMA):
        raise InputError(
            f"The lexical index takes products in PRODUCT_SCHEMA, not {products.schema.names}. "
            "Read the feed with `whybuy.catalog` first."
        )
    writer = index.writer(_WRITER_MEMORY, 1)
    for row, product in enumerate(_products(products), first_row):
        if first_row:
            writer.delete_documents_by_term("product_id", product.product_id)
        writer.add_document(_document(row, product))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()


def _document(row: int, product: Product) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("row", row)
    document.add_text("product_id", product.product_id)
    document.add_text("exact_type", product.product_type.casefold())
    seen: set[str] = set()
    for name, text in zip(FIELDS, field_texts(product), strict=True):
        text_words = words(text)
        seen.update(text_words)
        document.add_text(name, " ".join(map(stem, text_words)))
    document.add_text("word", " ".join(sorted(seen)))
    return document


def _products(table: pa.Table) -> Iterator[Product]:
    columns = ["product_id", "title", "description", "brand", "product_type", "category", "attributes"]
    for batch in table.select(columns).to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            row["category"] = tuple(row["category"])
            row["attributes"] = tuple((entry["name"], entry["value"]) for entry in row["attributes"])
            yield Product(**row)


def _options(word: QueryWord) -> Iterator[tuple[tuple[str, ...], float]]:
    """The terms of a word and of what may stand for it, each with its weight."""
    yield (word.term,), 1.0
    for other in word.others:
        yield other.terms, other.weight


def _best(searches: Iterable[Search]) -> Search:
    """A product scores by the best of several searches."""
    options = list(searches)
    return options[0] if len(options) == 1 else Search.disjunction_max_query(options)


def _each(searches: Iterable[Search]) -> Search:
    """A product needs all of several searches."""
    parts = list(searches)
    return parts[0] if len(parts) == 1 else Search.boolean_query([(Occur.Must, part) for part in parts])


def _either(searches: Iterable[Search]) -> Search:
    each = list(searches)
    return each[0] if len(each) == 1 else Search.boolean_query([(Occur.Should, search) for search in each])

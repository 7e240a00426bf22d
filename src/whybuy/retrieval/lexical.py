"""Lexical retrieval: BM25 over a memory-mapped tantivy index of the catalog's words."""

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import tantivy
from numpy.typing import NDArray
from tantivy import Occur
from tantivy import Query as Search

from whybuy.artifacts import write_json
from whybuy.config import ConfigTable
from whybuy.errors import ArtifactError
from whybuy.records import Match
from whybuy.retrieval.implied import ImpliedWords
from whybuy.retrieval.negation import having_all, saying_so, spelled_out, split_excluded
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.spelling import RARE, Reading
from whybuy.retrieval.synonyms import Synonyms
from whybuy.retrieval.terms import (
    OtherWords,
    QueryWord,
    QueryWords,
    is_function_word,
    stem,
    words,
)
from whybuy.retrieval.word_documents import SCHEMA, WRITER_MEMORY, write_products
from whybuy.retrieval.word_view import WordView, bits_at, options_of

NOWHERE = np.empty(0, np.int32)
CONFIG_FILE = "lexical.json"
IMPLIED_FIELD = "implied"  # of words that the type of a product implies
FORMAT_VERSION = 3
_CONTEXT = 6  # other words of a query that a misspelled one is read by
_WORDS_KEPT = 4_000  # whose searches are remembered


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
        index = tantivy.Index(SCHEMA, path=str(folder), reuse=False)
        write_products(index, products, first_row=0)
    except ValueError as error:  # tantivy raises it for errors of the disk
        raise OSError(f"The index cannot be written ({error}). Is the disk full?") from error
    write_json(folder / CONFIG_FILE, asdict(config or LexicalConfig()))


class LexicalIndex:
    """An open index; any number of threads may search it while one writes."""

    def __init__(
        self,
        index: tantivy.Index,
        config: LexicalConfig,
        synonyms: Synonyms | None = None,
        implied: ImpliedWords | None = None,
    ) -> None:
        """synonyms: looked up beside the words of queries. implied: words that products of a type answer unsaid."""
        self.config = config
        self.synonyms = Synonyms() if synonyms is None else synonyms
        self.implied = ImpliedWords() if implied is None else implied
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

    def knowing(self, *, synonyms: Synonyms | None = None, implied: ImpliedWords | None = None) -> "LexicalIndex":
        """The same index with other synonyms, other implied words, or both."""
        return LexicalIndex(
            self._index,
            self.config,
            self.synonyms if synonyms is None else synonyms,
            self.implied if implied is None else implied,
        )

    def __len__(self) -> int:
        return int(self._view.searcher.num_docs)

    def some_words(self, query: QueryWords, limit: int) -> Ranked:
        """Products that have any word of the query, or whose type implies it: BM25 and a reward per word covered.

        Unknown words are corrected. Of what the query leaves out, having none counts like a word covered, and saying so
        like another.
        """
        return self._ranked(self._scored(query.terms, query.excluded), limit)

    def having_excluded(self, query: QueryWords) -> NDArray[np.bool_]:
        """Which products have what a query leaves out, shape (products,)."""
        having = np.zeros(self._view.rows, np.bool_)
        if query.excluded:
            every = [(Occur.Must, having_all(query.excluded, self._view.fields))]
            having[self._ranked(every, self._view.rows).rows] = True
        return having

    def all_words(self, query: QueryWords, among: Ranked) -> Ranked:
        """Those of some products that have every word of the query as typed, apart from function words.

        None that has what the query leaves out.
        """
        return self._having_each(query.needed, query, among)

    def typo(self, query: QueryWords, among: Ranked) -> Ranked:
        """Those that have every word once misspelled ones are corrected; none when nothing is misspelled."""
        misspelled = query.needed_corrected != query.needed
        return self._having_each(query.needed_corrected, query, among) if misspelled else Ranked.empty()

    def of_type(self, product_type: str, limit: int) -> Ranked:
        """Products of one type."""
        return self._ranked([(Occur.Must, _of_types([product_type], 1.0))], limit)

    def having(self, query: QueryWords) -> NDArray[np.int32]:
        """Rows of all products that `some_words` finds, ascending, without the cost of ranking them."""
        each = [*map(self._view.having_any, query.terms), *(self._implying(word.term) for word in query.terms)]
        return np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(each))).astype(np.int32) if each else NOWHERE

    def matched(self, query: QueryWords, rows: Sequence[int]) -> list[tuple[Match, ...]]:
        """Which words of the query stand in which fields of each product, after correction and stemming.

        A word that no field has but that the type implies stands in the field "implied".
        """
        view, matches = self._view, list[list[Match]]([] for _ in rows)
        for word in query.terms:
            terms = dict.fromkeys((word.term, *(term for other in word.others for term in other.terms)))
            anywhere = np.zeros(len(rows), np.bool_)
            for name in () if is_function_word(word.word) else view.fields:
                match = Match(name, word.word)
                there = np.zeros(len(rows), np.bool_)
                for term in terms:
                    there |= _among(rows, view.having(name, term))
                anywhere |= there
                for at in np.flatnonzero(there).tolist():
                    matches[at].append(match)
            for at in np.flatnonzero(bits_at(self._implying(word.term), np.array(rows, np.int32)) & ~anywhere).tolist():
                matches[at].append(Match(IMPLIED_FIELD, word.word))
        return list(map(tuple, matches))

    def word_shares(
        self, query: QueryWords, rows: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Share of the words of a query that each product says, itself or by a synonym, and that its type implies.

        Returns: two arrays of shape (rows,), in [0, 1]; implied words count by their weights.
        """
        content = [word for word in query.terms if not is_function_word(word.word)]
        said, implied = np.zeros((2, len(rows)), np.float32)
        for word in content:
            says = bits_at(self._view.having_any(word), rows)
            said += says
            for weight, kinds in self.implied.of(word.term):
                implied[~says & bits_at(self._view.having_type(kinds), rows)] += np.float32(weight)
        count = np.float32(max(1, len(content)))
        return said / count, implied / count

    def finds(self, text: str) -> bool:
        """Whether any product has a word of a query."""
        return len(self.having(self.analyze(text))) > 0

    def saying(self, word: QueryWord) -> NDArray[np.bool_]:
        """Which products have a word of a query, or another for it, in any field, shape (products,)."""
        return self._unpacked(self._view.having_any(word))

    def naming(self, word: QueryWord) -> NDArray[np.bool_]:
        """The same of the fields that name or sort a product; its description says more than what it is."""
        options = ([self._view.having_named(term) for term in terms] for terms, _ in options_of(word))
        return self._unpacked(functools.reduce(np.bitwise_or, map(np.bitwise_and.reduce, options)))

    def implying(self, term: str, least: float) -> NDArray[np.bool_]:
        """Which products are of a type that implies a word with at least this weight, shape (products,)."""
        kinds = tuple(kind for weight, some in self.implied.of(term) if weight >= least for kind in some)
        return self._unpacked(self._view.having_type(kinds))

    def _unpacked(self, bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return np.unpackbits(bits, count=self._view.rows).view(np.bool_)

    def owners(self, term: str) -> NDArray[np.bool_]:
        """Which products have a word in any field, shape (products,). term: its stem."""
        return self._unpacked(self._view.having_anywhere(term))

    def spelled(self, text: str) -> str:
        """A query with its misspelled words as the shop spells them."""
        return " ".join(self.analyze(text).corrected)

    def add(self, products: pa.Table, *, first_row: int) -> None:
        """Index more products, in place of those with the same ids; they get the rows from `first_row` on."""
        write_products(self._index, products, first_row=first_row)
        self._reload()

    def delete(self, product_ids: Iterable[str]) -> None:
        """Take products out; the rows of the others stay."""
        writer = self._index.writer(WRITER_MEMORY, 1)
        for product_id in product_ids:
            writer.delete_documents_by_term("product_id", product_id)
        writer.commit()
        writer.wait_merging_threads()
        self._reload()

    def _reload(self) -> None:
        self._index.reload()
        self._look()

    def _look(self) -> None:
        self._view = WordView(self._index)
        self.analyze = functools.lru_cache(maxsize=1_000)(self._analyze)
        self._itself = functools.lru_cache(maxsize=20_000)(self._as_it_is)
        self._bm25 = functools.lru_cache(maxsize=_WORDS_KEPT)(self._by_bm25)
        self._covered = functools.lru_cache(maxsize=_WORDS_KEPT)(self._by_coverage)

    # ------------------------------------------------------------ words of a query
    def _analyze(self, text: str) -> QueryWords:
        """The words of a query, corrected by the words of the catalog; those beyond the longest query are left out."""
        view = self._view
        typed, excluded = split_excluded(words(spelled_out(text[: 16 * self.config.longest_query])))
        distinct = list(dict.fromkeys(typed))[: self.config.longest_query]
        needed = [word for word in distinct if not is_function_word(word)] or distinct
        unsure = [word for word in distinct if view.frequency(word) <= RARE and not self._understands(stem(word))]
        known = [word for word in needed if view.knows(word)][:_CONTEXT] if unsure else []
        readings = {word: view.read(word, [other for other in known if other != word]) for word in unsure}
        spelled = {word: readings[word][0].words if word in readings else (word,) for word in distinct}
        looked_up = [self._query_words(readings[word]) if word in readings else self._itself(word) for word in distinct]
        joined = [left + right for left, right in pairwise(typed) if view.joins(left, right)]
        return QueryWords(
            needed=needed,
            needed_corrected=[part for word in needed for part in spelled[word]],
            corrected=list(dict.fromkeys(part for word in distinct for part in spelled[word])),
            terms=_once_each(self._weighed([*looked_up, *map(self._itself, joined)])),
            excluded=[part for word in excluded for part in view.read(word, known)[0].words],
        )

    def _understands(self, term: str) -> bool:
        """Whether types imply a word or products have another for it: then it is no misspelling."""
        return bool(self.implied.of(term) or self.synonyms.of(term))

    def _having_each(self, needed: Sequence[str], query: QueryWords, among: Ranked) -> Ranked:
        kept = ~self.having_excluded(query)[among.rows] if needed else np.zeros(len(among), np.bool_)
        for word in needed:
            kept &= bits_at(self._view.having_anywhere(stem(word)), among.rows)
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
    def _scored(self, terms: Sequence[QueryWord], excluded: Sequence[str]) -> list[tuple[Occur, Search]]:
        clauses = [*map(self._bm25, terms), *map(self._covered, terms)]
        clauses += [
            Search.boost_query(Search.phrase_query(SCHEMA, "title", [left.term, right.term]), self.config.phrase)
            for left, right in pairwise(terms)
        ]
        scored = [(Occur.Should, clause) for clause in clauses]
        if not excluded or not scored:
            return scored
        fields = self._view.fields
        none = Search.boolean_query([(Occur.Must, Search.all_query()), (Occur.MustNot, having_all(excluded, fields))])
        rewards = (Search.const_score_query(some, self.config.coverage) for some in (none, saying_so(excluded, fields)))
        return [(Occur.Must, Search.boolean_query(scored)), *((Occur.Should, reward) for reward in rewards)]

    def _by_bm25(self, word: QueryWord) -> Search:
        return _best(
            _each(self._bm25_of(term, word.weight * weight) for term in terms) for terms, weight in options_of(word)
        )

    def _bm25_of(self, term: str, weight: float) -> Search:
        return _either(
            Search.boost_query(Search.term_query(SCHEMA, name, term), self._boosts[name] * weight)
            for name in self._view.fields
        )

    def _by_coverage(self, word: QueryWord) -> Search:
        reward = self.config.coverage * word.weight
        options = [
            Search.const_score_query(_each(map(self._anywhere, terms)), reward * weight)
            for terms, weight in options_of(word)
        ]
        return _best([*options, *(_of_types(kinds, reward * weight) for weight, kinds in self.implied.of(word.term))])

    def _implying(self, term: str) -> NDArray[np.uint8]:
        """Whether the type of each product implies a word: a bit by row."""
        return self._view.having_type(tuple(kind for _, kinds in self.implied.of(term) for kind in kinds))

    def _anywhere(self, term: str) -> Search:
        return _either(Search.term_query(SCHEMA, name, term, "basic") for name in self._view.fields)

    def _ranked(self, clauses: list[tuple[Occur, Search]], limit: int) -> Ranked:
        if not clauses or limit <= 0:
            return Ranked.empty()
        searcher = self._view.searcher
        hits = searcher.search(Search.boolean_query(clauses), limit, count=False).hits
        rows = searcher.fast_field_values("row", [address for _, address in hits])
        return Ranked(np.array(rows, np.int32), np.array([score for score, _ in hits], np.float32))


def _once_each(terms: Sequence[QueryWord]) -> list[QueryWord]:
    """Words of a query, each without others that the query says as well: "chain saw chainsaw" asks for two words."""
    said = {word.term for word in terms}
    return [
        replace(word, others=tuple(other for other in word.others if not said.issuperset(other.terms)))
        if word.others
        else word
        for word in terms
    ]


def _among(rows: Sequence[int], others: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which rows are among others, which ascend."""
    if not len(others):
        return np.zeros(len(rows), dtype=bool)
    at = np.minimum(others.searchsorted(rows), len(others) - 1)
    present: NDArray[np.bool_] = others[at] == rows
    return present


def _of_types(kinds: Sequence[str], score: float) -> Search:
    """Products of some types, all with one score; a search of a set of terms takes three times as long."""
    each = (Search.term_query(SCHEMA, "exact_type", kind.casefold(), "basic") for kind in kinds)
    return Search.const_score_query(_either(each), score)


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

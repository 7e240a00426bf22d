"""Features of a reranker that compare the words of a query with those of a product; computed in kernels."""

from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.retrieval.hash_table import add, empty_table, slot
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.product_terms import QueryTerms, TermTable

LIGHT = 0.3  # what a function word counts beside others
SATURATION, LENGTH_SHARE = 1.2, 0.75  # k1 and b of BM25
NEAR = 3  # words apart at which two words still belong together


class Match(IntEnum):
    """Columns of `match_features`; shares are in [0, 1], places count from 0, -1 stands for "not there"."""

    QUERY_WORDS = 0  # apart from function words
    QUERY_RARITY = auto()  # sum over the words
    QUERY_RAREST = auto()
    QUERY_NUMBERS = auto()
    QUERY_UNKNOWN_WORDS = auto()  # that no product has
    TITLE_WORDS = auto()
    WORDS_COVERED = auto()  # share of the query's words in the title
    RARITY_COVERED = auto()  # the same, rare words counting more
    RARITY_COVERED_ELSEWHERE = auto()  # missing in the title, but in brand, category or attributes
    RAREST_MISSED = auto()
    COVERED_TO_BEST = auto()  # rarity covered beyond that of the best candidate: <= 0
    BEST_COVERED = auto()  # share of the query's rarity in the title that has most of it
    SHARE_FULLY_COVERING = auto()  # of the candidates
    LAST_WORD_COVERED = auto()  # the last word that is no number, unit or function word: usually the product type
    FIRST_WORD_COVERED = auto()
    BM25 = auto()
    BM25_SHARE = auto()  # over the query's rarity
    PAIRS_ADJACENT = auto()  # share of the query's neighboring words that are neighbors in the title
    PAIRS_NEAR = auto()
    LONGEST_RUN = auto()  # consecutive words of the title that are in the query
    WINDOW_GAP = auto()  # other words between the first and the last that are covered
    FIRST_PLACE = auto()  # in the title
    LAST_WORD_FROM_END = auto()
    TITLE_START_MATCHED = auto()  # often the brand
    TITLE_END_MATCHED = auto()  # often what it is
    TITLE_RARITY_MATCHED = auto()  # share of the title's rarity in words of the query
    TITLE_RARITY_UNMATCHED = auto()
    TITLE_NUMBERS = auto()
    NUMBERS_COVERED = auto()
    NUMBERS_MISSED = auto()
    MEASURES_MATCHED = auto()  # "5 gal" in both
    MEASURES_CONTRADICTED = auto()  # "5 gal" in the query, "1 gal" in the product
    TYPE_COVERED = auto()  # share of the words of its product type that are in the query
    TYPE_END_MATCHED = auto()
    TYPE_HAS_LAST_WORD = auto()


class Agreement(IntEnum):
    """Columns of `agreement`."""

    TERMS = 0  # rarity of the title's words, each times the share of the group that has it
    TERMS_SHARE = auto()  # over the title's rarity
    TYPE = auto()  # share of the group of the same product type
    START = auto()  # share of the group whose title starts with the same word
    ITSELF = auto()  # weight of the product itself in the group


def match_features(query: QueryTerms, table: TermTable, candidates: NDArray[np.int32]) -> NDArray[np.float32]:
    """Compare a query with the words of each candidate. Returns: shape (candidates, len(Match))."""
    features = np.zeros((len(candidates), len(Match)), np.float32)
    if len(query.terms):
        _match(query, table, candidates, features)
    return features


def agreement(table: TermTable, group: Ranked, candidates: NDArray[np.int32]) -> NDArray[np.float32]:
    """Similarity of candidates to a group of products, each weighted by its score.

    The group may be the best of another stage, or what was bought for similar queries. Returns: shape (candidates,
    len(Agreement)).
    """
    features = np.zeros((len(candidates), len(Agreement)), np.float32)
    if len(group):
        _agree(table, group.rows, group.scores, candidates, features)
    return features


# ---------------------------------------------------------------- one query against each candidate
@kernel
def _match(query: QueryTerms, table: TermTable, candidates: NDArray[np.int32], features: NDArray[np.float32]) -> None:
    title, title_start, kind, kind_start, other, other_start, _, rarity, is_number, _ = table
    weights = word_weights(query, rarity)
    last = _last_word(query, table)
    mean_length = len(title) / max(1, len(title_start) - 1)
    place = np.empty(len(weights), np.int32)  # of each word of the query in the title
    for at in range(len(candidates)):
        product, row = candidates[at], features[at]
        words = title[title_start[product] : title_start[product + 1]]
        _match_query(query, weights, is_number, row)
        _match_title(query, words, rarity, is_number, place, row)
        _match_words(query, weights, place, other[other_start[product] : other_start[product + 1]], row)
        _match_order(query, words, place, row)
        _match_numbers(query, words, table, place, row)
        _match_type(query, last, kind[kind_start[product] : kind_start[product + 1]], row)
        row[Match.BM25] = _bm25(query, weights, words, place, mean_length)
        row[Match.BM25_SHARE] = row[Match.BM25] / row[Match.QUERY_RARITY]
        row[Match.LAST_WORD_COVERED] = place[last] >= 0
        row[Match.LAST_WORD_FROM_END] = len(words) - 1 - place[last] if place[last] >= 0 else -1
    _compare(features)


@kernel
def word_weights(query: QueryTerms, rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each word of a query counts: its rarity, less for function words. Returns: shape (words,)."""
    rarest = rarity.max() if len(rarity) else np.float32(1)
    weights = np.empty(len(query.terms), np.float32)
    for word, term in enumerate(query.terms):
        weights[word] = (rarity[term] if term >= 0 else rarest) * (LIGHT if query.light[word] else 1.0)
    return weights


@kernel
def _last_word(query: QueryTerms, table: TermTable) -> int:
    for word in range(len(query.terms) - 1, -1, -1):
        term = query.terms[word]
        if not query.light[word] and not (term >= 0 and (table.is_number[term] or table.is_unit[term])):
            return word
    return len(query.terms) - 1


@kernel
def _match_query(
    query: QueryTerms, weights: NDArray[np.float32], is_number: NDArray[np.bool_], row: NDArray[np.float32]
) -> None:
    for word, term in enumerate(query.terms):
        row[Match.QUERY_WORDS] += not query.light[word]
        row[Match.QUERY_RARITY] += weights[word]
        row[Match.QUERY_RAREST] = max(row[Match.QUERY_RAREST], weights[word])
        row[Match.QUERY_UNKNOWN_WORDS] += term < 0
        row[Match.QUERY_NUMBERS] += term >= 0 and is_number[term]


@kernel
def _match_title(
    query: QueryTerms,
    words: NDArray[np.int32],
    rarity: NDArray[np.float32],
    is_number: NDArray[np.bool_],
    place: NDArray[np.int32],
    row: NDArray[np.float32],
) -> None:
    """Walk through the title once; leaves in `place` where each word of the query stands first, -1 for nowhere."""
    place[:] = -1
    run, total, matched_rarity = 0, np.float32(0), np.float32(0)
    row[Match.FIRST_PLACE] = len(words)
    for at, term in enumerate(words):
        hit = False
        for word in range(len(query.terms)):
            if query.terms[word] == term or query.joined[word] == term:
                hit = True
                place[word] = at if place[word] < 0 else place[word]
                if query.terms[word] != term and place[word + 1] < 0:
                    place[word + 1] = at
        total += rarity[term]
        matched_rarity += rarity[term] if hit else 0
        run = run + 1 if hit else 0
        row[Match.LONGEST_RUN] = max(row[Match.LONGEST_RUN], run)
        row[Match.FIRST_PLACE] = min(row[Match.FIRST_PLACE], at) if hit else row[Match.FIRST_PLACE]
        row[Match.TITLE_NUMBERS] += is_number[term]
        row[Match.TITLE_START_MATCHED] = hit if at == 0 else row[Match.TITLE_START_MATCHED]
        row[Match.TITLE_END_MATCHED] = hit
    row[Match.TITLE_WORDS] = len(words)
    row[Match.TITLE_RARITY_MATCHED] = matched_rarity / total if total > 0 else 0
    row[Match.TITLE_RARITY_UNMATCHED] = total - matched_rarity


@kernel
def _match_words(
    query: QueryTerms,
    weights: NDArray[np.float32],
    place: NDArray[np.int32],
    elsewhere: NDArray[np.int32],
    row: NDArray[np.float32],
) -> None:
    covered, first, start, end = 0, -1, np.int64(1 << 30), -1
    for word in range(len(weights)):
        first = word if first < 0 and not query.light[word] else first
        if place[word] >= 0:
            row[Match.RARITY_COVERED] += weights[word] / row[Match.QUERY_RARITY]
            if not query.light[word]:
                covered += 1
                start, end = min(start, place[word]), max(end, place[word])
        else:
            row[Match.RAREST_MISSED] = max(row[Match.RAREST_MISSED], weights[word])
            if _has(elsewhere, query.terms[word]):
                row[Match.RARITY_COVERED_ELSEWHERE] += weights[word] / row[Match.QUERY_RARITY]
    row[Match.WORDS_COVERED] = covered / max(np.float32(1), row[Match.QUERY_WORDS])
    row[Match.FIRST_WORD_COVERED] = first >= 0 and place[first] >= 0
    row[Match.WINDOW_GAP] = end - start + 1 - covered if covered else -1


@kernel
def _has(ascending: NDArray[np.int32], term: int) -> bool:
    at = np.searchsorted(ascending, term)
    return bool(at < len(ascending) and ascending[at] == term)


@kernel
def _match_order(
    query: QueryTerms, words: NDArray[np.int32], place: NDArray[np.int32], row: NDArray[np.float32]
) -> None:
    adjacent, near = 0, 0
    for word in range(len(place) - 1):
        if place[word] >= 0 and place[word + 1] >= 0:
            step = place[word + 1] - place[word]
            together = step in (0, 1)
            for at in range(len(words) - 1):
                together |= words[at] == query.terms[word] and words[at + 1] == query.terms[word + 1]
            adjacent += together
            near += together or abs(step) <= NEAR
    row[Match.PAIRS_ADJACENT] = adjacent / max(1, len(place) - 1)
    row[Match.PAIRS_NEAR] = near / max(1, len(place) - 1)


@kernel
def _match_numbers(
    query: QueryTerms,
    words: NDArray[np.int32],
    table: TermTable,
    place: NDArray[np.int32],
    row: NDArray[np.float32],
) -> None:
    for word, term in enumerate(query.terms):
        if term >= 0 and table.is_number[term]:
            row[Match.NUMBERS_COVERED if place[word] >= 0 else Match.NUMBERS_MISSED] += 1
        number = query.terms[word - 1] if word > 0 else -1
        if term >= 0 and table.is_unit[term] and number >= 0 and table.is_number[number]:
            same, other = False, False
            for at in range(1, len(words)):
                if words[at] == term and table.is_number[words[at - 1]]:
                    same |= words[at - 1] == number
                    other |= words[at - 1] != number
            row[Match.MEASURES_MATCHED] += same
            row[Match.MEASURES_CONTRADICTED] += other and not same


@kernel
def _match_type(query: QueryTerms, last: int, words: NDArray[np.int32], row: NDArray[np.float32]) -> None:
    for term in words:
        in_query = False
        for word in query.terms:
            in_query |= word == term
        row[Match.TYPE_COVERED] += in_query / len(words)
        row[Match.TYPE_END_MATCHED] = in_query  # of the last word, in the end
        row[Match.TYPE_HAS_LAST_WORD] = max(row[Match.TYPE_HAS_LAST_WORD], np.float32(term == query.terms[last]))


@kernel
def _bm25(
    query: QueryTerms,
    weights: NDArray[np.float32],
    words: NDArray[np.int32],
    place: NDArray[np.int32],
    mean_length: float,
) -> float:
    score = 0.0
    longer = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * len(words) / mean_length)
    for word, term in enumerate(query.terms):
        if place[word] >= 0:
            times = max(1, np.sum(words == term))
            score += weights[word] * times * (SATURATION + 1) / (times + longer)
    return score


@kernel
def _compare(features: NDArray[np.float32]) -> None:
    best, full = np.float32(0), 0
    for row in features:
        best = max(best, row[Match.RARITY_COVERED])
        full += row[Match.WORDS_COVERED] >= 1
    for row in features:
        row[Match.BEST_COVERED] = best
        row[Match.COVERED_TO_BEST] = (row[Match.RARITY_COVERED] - best) * row[Match.QUERY_RARITY]
        row[Match.SHARE_FULLY_COVERING] = full / len(features)


# ---------------------------------------------------------------- a group of products against each candidate
@kernel
def _agree(
    table: TermTable,
    rows: NDArray[np.int32],
    scores: NDArray[np.float32],
    candidates: NDArray[np.int32],
    features: NDArray[np.float32],
) -> None:
    title, title_start, type_of, rarity = table.title, table.title_start, table.type_of, table.rarity
    words = 0
    for product in rows:
        words += title_start[product + 1] - title_start[product]
    terms, by_term = empty_table(words)
    starts, by_start = empty_table(len(rows))
    types, by_type = empty_table(len(rows))
    whole, by_product = empty_table(len(rows))
    shares = scores / scores.sum()
    for at, product in enumerate(rows):
        text = title[title_start[product] : title_start[product + 1]]
        for place, term in enumerate(text):
            if not stands_in(text[:place], term):
                add(terms, by_term, term, shares[at])
        if len(text):
            add(starts, by_start, text[0], shares[at])
        add(types, by_type, type_of[product], shares[at])
        add(whole, by_product, product, scores[at])
    for at, product in enumerate(candidates):
        text = title[title_start[product] : title_start[product + 1]]
        total, shared = np.float32(0), np.float32(0)
        for term in text:
            total += rarity[term]
            shared += rarity[term] * by_term[slot(terms, term)]
        features[at, Agreement.TERMS] = shared
        features[at, Agreement.TERMS_SHARE] = shared / total if total > 0 else 0
        features[at, Agreement.TYPE] = by_type[slot(types, type_of[product])]
        features[at, Agreement.START] = by_start[slot(starts, text[0])] if len(text) else 0
        features[at, Agreement.ITSELF] = by_product[slot(whole, product)]


@kernel
def stands_in(words: NDArray[np.int32], term: int) -> bool:
    """Whether a term is among some words."""
    stands = False
    for word in words:
        stands |= word == term
    return stands

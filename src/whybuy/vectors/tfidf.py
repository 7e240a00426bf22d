"""Kernels that turn n-grams into weighted columns: term frequency times inverse document frequency."""

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.vectors.hashing import SET_BITS, SETS, ngrams_of, sort
from whybuy.vectors.texts import Texts
from whybuy.vectors.vocabulary import Vocabulary, find


@kernel
def tfidf_of_text(
    text: NDArray[np.uint8], tokenized: bool, words: int, characters: int, vocabulary: Vocabulary
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """One text's columns, ascending, and their weights: each set of n-grams of norm 1, then the whole of norm 1."""
    ngrams = sort(ngrams_of(text, tokenized, words, characters))
    columns = find(ngrams, vocabulary)
    idf = vocabulary.idf
    weights = np.empty(len(ngrams), np.float32)
    sets = np.empty(len(ngrams), np.uint8)
    squares = np.zeros(SETS, np.float64)
    count = 0
    start = 0
    while start < len(ngrams):
        end = start + 1
        while end < len(ngrams) and ngrams[end] == ngrams[start]:
            end += 1
        if columns[start] >= 0:
            weight = np.float32(end - start) * idf[columns[start]]
            columns[count] = columns[start]
            weights[count] = weight
            sets[count] = ngrams[start] & SET_BITS
            squares[sets[count]] += np.float64(weight) * weight
            count += 1
        start = end
    norms = np.sqrt(squares)
    for at in range(count):
        weights[at] /= norms[sets[at]]
    count = _add_up(columns, weights, count)
    return columns[:count], weights[:count]


@kernel
def _add_up(columns: NDArray[np.int32], weights: NDArray[np.float32], count: int) -> int:
    """Add the weights of equal neighbors, then give the whole norm 1, in place. Returns: how many columns are left."""
    filled = 0
    for at in range(count):
        if filled > 0 and columns[filled - 1] == columns[at]:
            weights[filled - 1] += weights[at]
        else:
            columns[filled] = columns[at]
            weights[filled] = weights[at]
            filled += 1
    square = 0.0
    for at in range(filled):
        square += np.float64(weights[at]) * weights[at]
    norm = np.sqrt(square)
    for at in range(filled):
        weights[at] /= norm
    return filled


@kernel
def tfidf_of_texts(
    texts: Texts, words: int, characters: int, vocabulary: Vocabulary
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Many texts. Returns: the length of each row, then all rows' columns and weights, one row after the other."""
    lengths = np.empty(len(texts.tokenized), np.int64)
    size = 2 * (texts.offsets[-1] - texts.offsets[0]) + 16
    columns, weights = np.empty(size, np.int32), np.empty(size, np.float32)
    count = 0
    for row in range(len(lengths)):
        text = texts.data[texts.offsets[row] : texts.offsets[row + 1]]
        row_columns, row_weights = tfidf_of_text(text, texts.tokenized[row], words, characters, vocabulary)
        lengths[row] = len(row_columns)
        end = count + len(row_columns)
        if end > len(columns):
            wider_columns, wider_weights = np.empty(2 * end, np.int32), np.empty(2 * end, np.float32)
            wider_columns[:count], wider_weights[:count] = columns[:count], weights[:count]
            columns, weights = wider_columns, wider_weights
        columns[count:end] = row_columns
        weights[count:end] = row_weights
        count = end
    return lengths, columns[:count].copy(), weights[:count].copy()

"""Texts to sparse TF-IDF vectors over n-grams of words and of letters: fitted once, then memory-mapped."""

import json
from collections.abc import Container, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import write_json
from whybuy.errors import ArtifactError, InputError
from whybuy.text import tokenize
from whybuy.vectors.counting import count_ngrams
from whybuy.vectors.hashing import distinct_ngrams, ngrams_of
from whybuy.vectors.texts import Texts, TextSource, by_block, encode, read_texts
from whybuy.vectors.tfidf import tfidf_of_text, tfidf_of_texts
from whybuy.vectors.vocabulary import (
    Vocabulary,
    find,
    fit_vocabulary,
    hash_vocabulary,
    load_vocabulary,
    save_vocabulary,
)

FORMAT_VERSION = 1
_ABOUT = "vectorizer.json"


def _check(name: str, value: int, allowed: Container[int], wording: str) -> None:
    if value not in allowed:
        raise InputError(f"NgramConfig.{name} is {value!r}; allowed: {wording}.")


@dataclass(frozen=True, slots=True)
class NgramConfig:
    """Which n-grams are features.

    Raises:
        InputError: a number is out of its range, or nothing is a feature.
    """

    words: int = 3  # word n-grams of 1 up to so many words, at most 8; 0: none
    characters: int = 3  # length of character n-grams, 2 to 8, the marks at both ends of a word among them; 0: none
    hash_bits: int = 0  # 0: a vocabulary is fitted; else n-grams share 2**hash_bits columns, 8 to 30
    least_texts: int = 1  # a fitted n-gram stands in at least so many texts
    most_features: int = 0  # of each set (letters, single words, pairs, ...), the most frequent; 0: all

    def __post_init__(self) -> None:
        _check("words", self.words, range(9), "0 to 8")
        _check("characters", self.characters, (0, *range(2, 9)), "0, or 2 to 8")
        _check("hash_bits", self.hash_bits, (0, *range(8, 31)), "0, or 8 to 30")
        _check("least_texts", self.least_texts, range(1, 1 << 31), "1 and more")
        _check("most_features", self.most_features, range(1 << 31), "0 and more")
        if not self.words and not self.characters:
            raise InputError("NgramConfig has words=0 and characters=0, so no features. Set one of them above 0.")
        if self.hash_bits and (self.least_texts > 1 or self.most_features):
            raise InputError(
                f"NgramConfig has hash_bits={self.hash_bits} beside least_texts={self.least_texts} and most_features="
                f"{self.most_features}: hashing leaves no n-gram out. Set hash_bits to 0, or drop the bounds."
            )


class NgramVectorizer:
    """TF-IDF over n-grams: each set normalized by itself, all sets side by side, the whole normalized.

    Sets are single words, word pairs, ..., and letters; idf = ln((1 + texts) / (1 + texts that have it)) + 1. Words are
    those of `text.tokenize`. The columns of all sets are mixed evenly. Immutable, so threads can share one.
    Chang et al., KDD 2021, arXiv 2106.12657.
    """

    def __init__(self, config: NgramConfig, vocabulary: Vocabulary) -> None:
        self.config = config
        self._vocabulary = vocabulary

    @classmethod
    def fit(cls, texts: TextSource, config: NgramConfig = NgramConfig(), *, threads: int = 1) -> Self:
        """Learn the columns and how rare each is.

        Raises:
            InputError: what came are not texts.
        """
        source = read_texts(texts)
        shift = 64 - config.hash_bits if config.hash_bits else 0

        def distinct(block: Texts) -> NDArray[np.uint64]:
            return distinct_ngrams(block, config.words, config.characters, shift)

        ngrams, counts = count_ngrams(by_block(source, distinct, threads))
        total = len(source.tokenized)
        if config.hash_bits:
            return cls(config, hash_vocabulary(ngrams, counts, total, config.hash_bits))
        bounds = {"least_texts": config.least_texts, "most_features": config.most_features}
        return cls(config, fit_vocabulary(ngrams, counts, total, **bounds))

    @property
    def features(self) -> int:
        """How many columns there are."""
        return len(self._vocabulary.idf)

    def vector(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """One text. Returns: its columns, ascending, and their weights, of norm 1; both empty when nothing is known."""
        data, tokenized = encode(text)
        return tfidf_of_text(data, tokenized, self.config.words, self.config.characters, self._vocabulary)

    def transform(self, texts: TextSource, *, threads: int = 1) -> csr_matrix:
        """Many texts. Returns: shape (texts, features), float32, columns ascending: row i is the vector of text i.

        Raises:
            InputError: what came are not texts.
        """
        source = read_texts(texts)

        def weigh(block: Texts) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
            return tfidf_of_texts(block, self.config.words, self.config.characters, self._vocabulary)

        blocks = list(by_block(source, weigh, threads))
        starts = np.concatenate([np.zeros(1, np.int64), *(lengths for lengths, _, _ in blocks)]).cumsum()
        columns, weights = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
        end = len(columns)
        while blocks:  # each block is let go once it is copied
            _, block_columns, block_weights = blocks.pop()
            start = end - len(block_columns)
            columns[start:end], weights[start:end] = block_columns, block_weights
            end = start
        rows = csr_matrix((weights, columns, starts), shape=(len(source.tokenized), self.features))
        rows.has_canonical_format = True
        return rows

    def names(self, text: str) -> dict[int, str]:
        """The known n-grams of a text by column, readable: `"steel toe"`, or letters: `ste-`, `-tee-`, `-oe`.

        The names of n-grams that share a hashed column are joined by " or ".
        """
        data, tokenized = encode(text)
        columns = find(ngrams_of(data, tokenized, self.config.words, self.config.characters), self._vocabulary)
        names: dict[int, dict[str, None]] = {}
        for column, name in zip(columns.tolist(), _names(tokenize(text), self.config), strict=True):
            names.setdefault(column, {})[name] = None
        return {column: " or ".join(of_column) for column, of_column in names.items() if column >= 0}

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        sizes = save_vocabulary(self._vocabulary, folder)
        write_json(folder / _ABOUT, {"format_version": FORMAT_VERSION, "config": asdict(self.config), "sizes": sizes})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder; its arrays are memory-mapped, so that processes share one copy.

        Raises:
            ArtifactError: the folder holds no vectorizer, one of another format version, or a damaged one.
        """
        try:
            about = json.loads((folder / _ABOUT).read_text())
            if about["format_version"] != FORMAT_VERSION:
                raise ArtifactError(
                    f"{folder} holds a vectorizer in format {about['format_version']}; "
                    f"this whybuy reads format {FORMAT_VERSION}. Fit and save it anew."
                )
            return cls(NgramConfig(**about["config"]), load_vocabulary(folder, about["sizes"]))
        except FileNotFoundError as error:
            raise ArtifactError(
                f"{folder} is no whole vectorizer: no {error.filename}. Fit and save it anew."
            ) from None
        except (ValueError, TypeError, KeyError, OSError, InputError) as error:
            raise ArtifactError(f"The vectorizer in {folder} is damaged ({error}). Fit and save it anew.") from error


def _names(words: list[str], config: NgramConfig) -> Iterator[str]:
    """The n-grams of a text in the order of `hashing.ngrams_of`."""
    for start in range(len(words)):
        for end in range(start + 1, min(start + config.words, len(words)) + 1):
            yield f'"{" ".join(words[start:end])}"'
    if config.characters:
        for word in words:
            marked = f"#{word}#"
            for start in range(max(1, len(marked) - config.characters + 1)):
                yield _affix(marked[start : start + config.characters])


def _affix(letters: str) -> str:
    """`#st` as `st-`, `tee` as `-tee-`, `el#` as `-el`."""
    return f"{'' if letters[0] == '#' else '-'}{letters.strip('#')}{'' if letters[-1] == '#' else '-'}"

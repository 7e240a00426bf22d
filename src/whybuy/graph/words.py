"""Which intents have a word: an inverted index, memory-mapped."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.graph.files import map_array, name_hash
from whybuy.text import FUNCTION_WORDS

_NONE = np.empty(0, np.int32)


def write_words(folder: Path, words: pa.StringArray, first: int) -> None:
    """Index the canonical words of intents, all but function words. words: by intent. first: node of the first one."""
    split = pc.split_pattern(words, " ")
    flat, intent = pc.list_flatten(split), pc.list_parent_indices(split)
    telling = pc.invert(pc.is_in(flat, value_set=pa.array(["", *sorted(FUNCTION_WORDS)])))
    encoded = flat.filter(telling).dictionary_encode()
    hashes = np.array([name_hash(word) for word in encoded.dictionary.to_pylist()], np.uint64)
    by_hash = np.argsort(hashes)
    place = np.argsort(by_hash)[encoded.indices.to_numpy()] * max(len(words), 1) + intent.filter(telling).to_numpy()
    place.sort()
    word, intents = np.divmod(place[np.diff(place, prepend=-1) > 0], max(len(words), 1))
    np.save(folder / "word_hash.npy", hashes[by_hash])
    np.save(folder / "word_starts.npy", np.append(0, np.cumsum(np.bincount(word, minlength=len(hashes)))))
    np.save(folder / "word_intents.npy", (first + intents).astype(np.int32))


class IntentWords:
    """The words of a graph's intents; safe for many threads."""

    def __init__(self, folder: Path) -> None:
        """Map what `write_words` wrote."""
        self._hashes, self._intents = map_array(folder, "word_hash"), map_array(folder, "word_intents")
        self._starts = map_array(folder, "word_starts")

    def intents(self, word: str) -> NDArray[np.int32]:
        """The intents whose canonical words have this one, ascending; empty for one that none has. Shape (n,)."""
        wanted = np.uint64(name_hash(word))
        at = int(np.searchsorted(self._hashes, wanted))
        known = at < len(self._hashes) and self._hashes[at] == wanted
        intents: NDArray[np.int32] = self._intents[self._starts[at] : self._starts[at + 1]] if known else _NONE
        return intents

    def weights(self, first: int, count: int) -> NDArray[np.float64]:
        """The sum of the rarities of each intent's words. first: node of the first intent. Shape (intents,)."""
        counts = np.diff(self._starts)
        rarities = np.repeat(rarity(counts, count), counts)
        return np.bincount(self._intents - first, weights=rarities, minlength=count).astype(np.float64, copy=False)


def rarity(intents: NDArray[np.int64] | int, count: int) -> NDArray[np.float64]:
    """Inverse document frequency of a word that so many of all intents have; at least 1."""
    rare: NDArray[np.float64] = np.log((count + 1) / intents) + 1.0
    return rare

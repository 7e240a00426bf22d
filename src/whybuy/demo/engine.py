"""Result pages as an ordinary keyword engine makes them: by type, attribute and popularity, never by intent."""

from dataclasses import dataclass

import numpy as np

from whybuy.demo.products import Floats, Ints
from whybuy.demo.shelves import Mask, Shelves

LONGEST_PAGE = 24
SHORTEST_PAGE = 10


@dataclass(frozen=True, slots=True)
class Taste:
    """How the simulated engine scores products, in units of its noise (standard Gumbel)."""

    constraint: float = 2.0  # for holding the brand or attribute value that the query names
    related: float = -3.0  # for being only of the same category
    unrelated: float = -4.5  # for being of another one
    related_count: int = 24
    unrelated_count: int = 12


def result_pages(
    shelves: Shelves, wanted: Ints, constraint: Ints, rng: np.random.Generator, taste: Taste = Taste()
) -> Ints:
    """The products that the simulated search engine shows for each query.

    wanted, constraint: shape (queries,), sets of `shelves`: the types that the query names or leads to, and the brand
    or attribute value in it. Returns: shape (queries, LONGEST_PAGE), indices of products, best first, -1 past the end.
    """
    pages = np.full((len(wanted), LONGEST_PAGE), -1, dtype=np.int64)
    matrix = shelves.matrix()
    kinds, kind_of = np.unique(np.stack([wanted, constraint], axis=1), axis=0, return_inverse=True)
    order = np.argsort(kind_of, kind="stable")
    for (group, words), rows in zip(kinds, np.split(order, np.cumsum(np.bincount(kind_of))[:-1]), strict=True):
        pool, appeal = _pool(shelves, matrix[group], matrix[words], rng, taste)
        noisy = appeal + rng.gumbel(size=(len(rows), len(pool)))
        pages[rows] = pool[np.argsort(-noisy, axis=1)[:, :LONGEST_PAGE]]
    lengths = rng.integers(SHORTEST_PAGE, LONGEST_PAGE + 1, size=len(wanted))
    pages[np.arange(LONGEST_PAGE) >= lengths[:, None]] = -1
    return pages


def _pool(shelves: Shelves, group: Mask, words: Mask, rng: np.random.Generator, taste: Taste) -> tuple[Ints, Floats]:
    """The products that may be shown, and the score of each before noise."""
    related = shelves.category_of == shelves.category_of[np.flatnonzero(group)[0]]
    members = np.flatnonzero(group)
    neighbors = _sample(np.flatnonzero(related & ~group), taste.related_count, rng)
    strangers = _sample(np.flatnonzero(~related), taste.unrelated_count, rng)
    pool = np.concatenate([members, neighbors, strangers])
    appeal = np.log(shelves.assortment.popularity[pool]) + taste.constraint * words[pool]
    appeal[len(members) :] += taste.related
    appeal[len(members) + len(neighbors) :] += taste.unrelated - taste.related
    return pool, appeal


def _sample(items: Ints, count: int, rng: np.random.Generator) -> Ints:
    return rng.permutation(items)[:count]

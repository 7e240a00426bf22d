"""Tails that go with almost everything."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import xlogy

from whybuy.knowledge.filters.distinct import distinct, distinct_heads, types_of
from whybuy.text import canonical


@dataclass(frozen=True, slots=True)
class Generic:
    """Rejects frequent tails that spread evenly over the shop's product types: "everyday use", "any occasion".

    A canonical tail k stands with n(k, t) heads of each of T types: its frequency is ``sum_t n(k, t)``, its evenness
    ``H(k) / log T`` with ``H(k) = -sum_t P(t|k) log P(t|k)``; rejected when both reach their threshold. Types, not
    products, so that popularity does not count. Abstains where too few types have hypotheses to tell.
    COSMO (SIGMOD 2024) combines frequency with entropy; the formula is our design.
    """

    name: ClassVar[str] = "generic"
    products: pa.Table  # PRODUCT_SCHEMA
    language: str = "en"
    least_count: int = 20  # heads
    least_evenness: float = 0.8  # in [0, 1]; in a shop of 200 types, 69 types alike
    least_types: int = 12

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.bool_]:
        """True where the tail is generic, under whichever head. Shape (n,)."""
        wordings, wording = distinct(hypotheses["tail"])
        numbers: dict[str, int] = {}
        of_wording = [numbers.setdefault(canonical(text, self.language), len(numbers)) for text in wordings]
        tail = np.array(of_wording, dtype=np.int64)[wording]
        heads = self._heads_by_type(hypotheses, tail, len(numbers))
        if heads.shape[1] < self.least_types:
            return np.zeros(len(tail), dtype=bool)
        count = np.asarray(heads.sum(axis=1)).ravel()
        generic = (count >= self.least_count) & (_evenness(heads) >= self.least_evenness)
        return np.asarray(generic[tail], dtype=bool)

    def _heads_by_type(self, hypotheses: pa.Table, tail: NDArray[np.int64], tails: int) -> sparse.csr_array:
        """How many distinct heads of each type stand with each tail. Shape (tails, types that have any)."""
        columns = (self.products[name].to_pylist() for name in ("product_id", "product_type"))
        type_of = dict(zip(*columns, strict=True))
        heads, head = distinct_heads(hypotheses)
        by_head = [types_of(one, type_of) for one in heads]
        numbers = {
            name: number for number, name in enumerate(dict.fromkeys(name for names in by_head for name in names))
        }
        typed = _incidence([[numbers[name] for name in names] for names in by_head], len(numbers))
        stands = sparse.csr_array((np.ones(len(tail)), (tail, head)), shape=(tails, len(heads)))
        stands.data[:] = 1.0
        return sparse.csr_array(stands @ typed)


def _incidence(columns_of: list[list[int]], columns: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(len(columns_of)), [len(found) for found in columns_of])
    places = np.array([column for found in columns_of for column in found], dtype=np.int64)
    return sparse.csr_array((np.ones(len(rows)), (rows, places)), shape=(len(columns_of), columns))


def _evenness(counts: sparse.csr_array) -> NDArray[np.float64]:
    """Entropy of each row's distribution over the columns, as a share of the largest possible. Shape (rows,)."""
    total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1.0)
    share = sparse.csr_array(counts.multiply(1.0 / total[:, None]))
    share.data = -xlogy(share.data, share.data)
    entropy: NDArray[np.float64] = np.asarray(share.sum(axis=1)).ravel() / np.log(counts.shape[1])
    return entropy

"""The filter of tails that go with almost every product type."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import xlogy

from whybuy.knowledge.filters.text_pairs import types_of
from whybuy.knowledge.numbering import canonical_tails, distinct_heads


@dataclass(frozen=True, slots=True)
class Generic:
    """Rejects frequent tails that spread evenly over the shop's product types: "everyday use", "any occasion".

    A canonical tail k stands with n(k, t) heads of each of T types: its frequency is ``sum_t n(k, t)``, its evenness
    ``H(k) / log T`` with ``H(k) = -sum_t P(t|k) log P(t|k)``. The score is the evenness; the filter abstains on tails
    that are not frequent, and where too few types have hypotheses. Types, not products, so that popularity does not
    count. COSMO (SIGMOD 2024) combines frequency with entropy; the formula is our design.
    """

    name: ClassVar[str] = "generic"
    products: pa.Table  # PRODUCT_SCHEMA
    language: str = "en"
    limit: float = 0.8  # evenness, in [0, 1]; in a shop of 200 types, 69 types evenly
    least_count: int = 20  # heads
    least_types: int = 12

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; the evenness of the tail, the same for all its heads."""
        tails, tail = canonical_tails(hypotheses, self.language)
        heads = self._heads_by_type(hypotheses, tail, len(tails))
        if heads.shape[1] < self.least_types:
            return np.full(len(tail), np.nan)
        count = np.asarray(heads.sum(axis=1)).ravel()
        return np.where(count >= self.least_count, _evenness(heads), np.nan)[tail]

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
    rows = np.repeat(np.arange(len(columns_of)), [len(columns_here) for columns_here in columns_of])
    places = np.array([column for columns_here in columns_of for column in columns_here], dtype=np.int64)
    return sparse.csr_array((np.ones(len(rows)), (rows, places)), shape=(len(columns_of), columns))


def _evenness(counts: sparse.csr_array) -> NDArray[np.float64]:
    """Entropy of each row's distribution over the columns, as a share of the largest possible. Shape (rows,)."""
    total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1.0)
    share = sparse.csr_array(counts.multiply(1.0 / total[:, None]))
    share.data = -xlogy(share.data, share.data)
    entropy: NDArray[np.float64] = np.asarray(share.sum(axis=1)).ravel() / np.log(counts.shape[1])
    return entropy

"""The interface of proposers, their input, and their output as a table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.records import HYPOTHESIS_SCHEMA, TITLE_WORD, Behavior, Head, HeadKind, Hypothesis
from whybuy.relations import Relation
from whybuy.text import FUNCTION_WORDS, lemmas


@dataclass(frozen=True)
class ProposerInput:
    """What a proposer reads: a shop's products and behavior pairs, with the look-ups that several proposers share."""

    products: pa.Table  # PRODUCT_SCHEMA
    pairs: pa.Table  # PAIR_SCHEMA
    language: str = "en"

    @cached_property
    def ids(self) -> list[str]:
        """Product ids by row."""
        ids: list[str] = self.products["product_id"].to_pylist()
        return ids

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row by product id."""
        return {product_id: row for row, product_id in enumerate(self.ids)}

    @cached_property
    def types(self) -> list[str]:
        """Product type by row; empty where the shop has none."""
        types: list[str] = self.products["product_type"].to_pylist()
        return types

    @cached_property
    def attributes(self) -> list[list[tuple[str, str]]]:
        """Attributes by row as (name, value)."""
        return [
            [(entry["name"], entry["value"]) for entry in entries]
            for entries in self.products["attributes"].to_pylist()
        ]

    @cached_property
    def traits(self) -> list[list[tuple[str, str]]]:
        """Traits by row: attributes, and (TITLE_WORD, word) for title words that neither type nor attributes have.

        Function words are none.
        """
        return [
            [*attributes, *((TITLE_WORD, word) for word in sorted(set(title) - set(kind) - values) if word.isalpha())]
            for attributes, title, kind in zip(self.attributes, self._titles, self._type_lemmas, strict=True)
            for values in [FUNCTION_WORDS.union(*(lemmas(value, self.language) for _, value in attributes))]
        ]

    @cached_property
    def product_lemmas(self) -> list[frozenset[str]]:
        """Lemmas of title, type, brand and attributes, by row."""
        brands = self.products["brand"].to_pylist()
        return [
            frozenset(title)
            | frozenset(kind)
            | frozenset(lemmas(" ".join([brand, *(word for entry in attributes for word in entry)]), self.language))
            for title, kind, brand, attributes in zip(
                self._titles, self._type_lemmas, brands, self.attributes, strict=True
            )
        ]

    @cached_property
    def _titles(self) -> list[tuple[str, ...]]:
        return [lemmas(title, self.language) for title in self.products["title"].to_pylist()]

    @cached_property
    def _type_lemmas(self) -> list[tuple[str, ...]]:
        return [lemmas(kind, self.language) for kind in self.types]

    def pairs_of(self, kind: Behavior) -> pa.Table:
        """The behavior pairs of one kind whose products are in the catalog."""
        chosen = self.pairs.filter(pa.compute.equal(self.pairs["kind"], kind.value))
        known = pa.array(self.ids, pa.string())
        chosen = chosen.filter(pa.compute.is_in(chosen["right"], value_set=known))
        if kind is Behavior.CO_BUY:
            chosen = chosen.filter(pa.compute.is_in(chosen["left"], value_set=known))
        return chosen

    def rows(self, product_ids: pa.ChunkedArray) -> NDArray[np.int64]:
        """Rows of product ids that are all in the catalog. Shape (n,)."""
        return np.array([self.row_of[product_id] for product_id in product_ids.to_pylist()], dtype=np.int64)


class Hypothesizer(Protocol):
    """Proposes reasons from the behavior or the catalog of a shop."""

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """Hypotheses with their evidence, in a deterministic order."""
        ...


def to_table(hypotheses: Iterable[Hypothesis]) -> pa.Table:
    """Hypotheses as columns, in HYPOTHESIS_SCHEMA."""
    names = [field.name for field in HYPOTHESIS_SCHEMA]
    columns: list[list[object]] = [[] for _ in names]
    for one in hypotheses:
        values = (
            one.head.kind.value,
            list(one.head.key),
            one.relation.value,
            *(getattr(one, name) for name in names[3:]),
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, HYPOTHESIS_SCHEMA, strict=True)],
        schema=HYPOTHESIS_SCHEMA,
    )


def from_table(table: pa.Table) -> Iterator[Hypothesis]:
    """The hypotheses of a table in HYPOTHESIS_SCHEMA."""
    for row in table.to_pylist():
        yield Hypothesis(
            head=Head(HeadKind(row["head_kind"]), tuple(row["head_key"])),
            relation=Relation(row["relation"]),
            tail=row["tail"],
            generator=row["generator"],
            support=row["support"],
            lift=row["lift"],
            plausibility=row["plausibility"],
            typicality=row["typicality"],
            evidence=tuple(row["evidence"]),
            words=tuple(row["words"]),
            scored_by=row["scored_by"],
        )

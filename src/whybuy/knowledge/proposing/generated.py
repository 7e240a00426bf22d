"""Proposes the reasons that `whybuy generate` wrote to the store before the build."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.knowledge.proposing.hypothesizer import ProposerInput, from_table
from whybuy.records import HYPOTHESIS_SCHEMA, HeadKind, Hypothesis

GENERATED_FILE = "generated.parquet"  # in a store


@dataclass(frozen=True, slots=True)
class GeneratedHypothesizer:
    """Reads the file of generated reasons."""

    path: Path

    def propose(self, inputs: ProposerInput) -> Iterator[Hypothesis]:
        """The reasons of the file whose products and types the shop still has.

        Raises:
            InputError: the file cannot be read, or was written in another schema.
        """
        try:
            table = pq.read_table(self.path, schema=HYPOTHESIS_SCHEMA)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(
                f"{self.path} holds no generated reasons ({str(error).splitlines()[0]}). "
                "Run `whybuy generate` again, or delete the file."
            ) from error
        types = set(inputs.types)
        for one in from_table(table):
            named = {HeadKind.PRODUCT: one.head.key, HeadKind.PAIR: one.head.key}.get(one.head.kind, ())
            kind = one.head.key[:1] if one.head.kind in (HeadKind.TYPE, HeadKind.TYPE_ATTRIBUTE) else ()
            if all(product_id in inputs.row_of for product_id in named) and types.issuperset(kind):
                yield one

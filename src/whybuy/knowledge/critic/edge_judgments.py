"""Judgments of a shop's proposed reasons, from a Parquet file and from the journal."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_judgments
from whybuy.knowledge.annotation.settling import training_judgments
from whybuy.records import JUDGMENT_SCHEMA, Judgment


def read_reason_judgments(store: Path, file: str, journaled: Iterable[Judgment] | None = None) -> pa.Table:
    """Judgments of a file in the store, if one is named, then those of its journal, in JUDGMENT_SCHEMA.

    journaled: the judgments of the journal, where they were read before.

    Raises:
        InputError: the file is missing or holds no judgments.
        JournalError: the journal is locked or damaged.
    """
    tables = [read_judgment_table(store / file)] if file else []
    tables.append(training_judgments(read_judgments(store / JOURNAL_FILE) if journaled is None else journaled))
    return pa.concat_tables(tables)


def read_judgment_table(path: Path) -> pa.Table:
    """Judgments of a Parquet file, in JUDGMENT_SCHEMA.

    Raises:
        InputError: the file is missing, no Parquet, or has other columns.
    """
    try:
        return pq.read_table(path, columns=JUDGMENT_SCHEMA.names).cast(JUDGMENT_SCHEMA)
    except FileNotFoundError:
        raise InputError(f"There is no file of judgments {path}. Correct its path in store.toml.") from None
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no Parquet file of judgments ({str(error).splitlines()[0]}). It needs the columns "
            f"{', '.join(JUDGMENT_SCHEMA.names)}; what people judge in `whybuy annotate` needs no file."
        ) from error

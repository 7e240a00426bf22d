"""Judgments of a shop's proposed reasons, from a Parquet file and from the journal."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.journal.judgments import JudgmentLog
from whybuy.knowledge.annotation.settling import training_judgments
from whybuy.records import JUDGMENT_SCHEMA


def read_reason_judgments(store: Path, file: str) -> pa.Table:
    """Judgments of a file in the store, if one is named, then those of its journal, in JUDGMENT_SCHEMA.

    Raises:
        InputError: the file is missing or holds no judgments.
        JournalError: the journal is locked or damaged.
    """
    tables = [read_judgment_table(store / file)] if file else []
    if (store / JOURNAL_FILE).exists():
        with Journal(store / JOURNAL_FILE) as journal:
            tables.append(training_judgments(entered.judgment for entered in JudgmentLog(journal).current()))
    return pa.concat_tables(tables) if tables else JUDGMENT_SCHEMA.empty_table()


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

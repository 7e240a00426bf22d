"""An opened store."""

from pathlib import Path

from whybuy.config import read_settings
from whybuy.records import PAIRS
from whybuy.shop import Shop

COLUMNS = ["right", "kind"]


def test_a_table_has_the_columns_asked_for_whether_or_not_the_shop_has_it(small_store: Path) -> None:
    built, unbuilt = Shop.open(small_store), Shop(small_store, read_settings(small_store), {})
    assert built.table(PAIRS, COLUMNS) == built.table(PAIRS).select(COLUMNS)
    assert unbuilt.table(PAIRS, COLUMNS).schema.names == COLUMNS
    assert unbuilt.table(PAIRS).schema == PAIRS.schema

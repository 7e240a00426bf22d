"""A part that nobody knows is added through the seams that docs/adding-a-part.md lists: what sells best in a type."""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.testclient import TestClient
from typer.testing import CliRunner

from whybuy.build import STAGES, Progress, Stage, State, Summary, build
from whybuy.cli.ask import add_command
from whybuy.config import STORE_FILE, ConfigTable
from whybuy.discovery import Discovery
from whybuy.errors import ConfigError
from whybuy.journal import Journal
from whybuy.operations import Operation, Questions
from whybuy.records import PAIRS, BulkTable
from whybuy.serving.api import add_route
from whybuy.serving.app import create_app
from whybuy.shop import Shop


# --------------- the part: its own folder
@dataclass(frozen=True, slots=True)
class SalesConfig:
    """The [sales] table of `store.toml`."""

    min_purchases: int = 1


SALES_CONFIG = ConfigTable("sales", SalesConfig)
SALES = BulkTable("sales", "sales.parquet", pa.schema([("product_id", pa.string()), ("purchases", pa.int64())]))


def count_sales(pairs: pa.Table, least: int) -> pa.Table:
    """Purchases of each product, the most first."""
    counts: Counter[str] = Counter()
    for pair in pairs.to_pylist():
        counts[pair["right"]] += pair["purchases"]
    rows = [{"product_id": one, "purchases": count} for one, count in counts.most_common() if count >= least]
    return pa.Table.from_pylist(rows, SALES.schema)


# --------------- its stage: build/sales.py, and a line in STAGES
def make_sales(shop: Shop, folder: Path) -> Summary:
    """Write the table."""
    table = count_sales(shop.table(PAIRS), shop.settings.one(SALES_CONFIG).min_purchases)
    pq.write_table(table, folder / SALES.file)
    return {"products": table.num_rows}


SALES_STAGE = Stage(kind=SALES.kind, version=1, make=make_sales, after=("pairs",), config=(SALES_CONFIG,))
ALL_STAGES = (*STAGES, SALES_STAGE)


# --------------- its question: discovery/sales.py, two lines in Discovery
class BestSellers:
    """What sells best in a type."""

    def __init__(self, shop: Shop) -> None:
        self._ids = shop.table(SALES)["product_id"].to_pylist()
        self._type_of = dict(zip(shop.catalog.ids, shop.catalog.column("product_type"), strict=True))

    def of_type(self, product_type: str, limit: int) -> list[str]:
        """Product ids, the best-selling first."""
        return [one for one in self._ids if self._type_of[one] == product_type][:limit]


class SellingDiscovery(Discovery):
    """As Discovery would be with the part."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.best_sellers = BestSellers(shop)


# --------------- its operation: a request, an answer, a line in OPERATIONS
class SalesRequest(BaseModel):
    """A type of products."""

    product_type: str = Field(description="The type.")
    limit: int = Field(3, ge=1, le=10, description="Products at most.")


@dataclass(frozen=True, slots=True)
class SalesAnswer:
    """What sells best."""

    product_ids: list[str]


def _sales(shop: Questions, request: SalesRequest) -> SalesAnswer:
    return SalesAnswer(cast("SellingDiscovery", shop).best_sellers.of_type(request.product_type, request.limit))


SALES_OPERATION = Operation("sales", "What sells best in a type", SalesRequest, SalesAnswer, _sales)


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A built shop that a test may change."""
    return shutil.copytree(small_store, tmp_path / "shop")


def made(store: Path, **options: Any) -> list[str]:  # noqa: ANN401
    """The stages that a build with the part makes."""
    said: list[Progress] = []
    build(store, listen=said.append, stages=ALL_STAGES, **options)
    return [one.stage for one in said if one.state is State.DONE]


def test_a_build_makes_the_part_and_nothing_else_anew(store: Path) -> None:
    assert made(store) == ["sales"]
    assert made(store) == []
    with (store / STORE_FILE).open("a", encoding="utf-8") as settings:
        settings.write("\n[sales]\nmin_purchases = 3\n")
    assert made(store, processes=1) == ["sales"]
    assert made(store, with_events=False)[-1:] != ["sales"]


def test_its_settings_are_checked_before_anything_is_made(store: Path) -> None:
    with (store / STORE_FILE).open("a", encoding="utf-8") as settings:
        settings.write("\n[sales]\nmin_purchase = 3\n")
    with pytest.raises(ConfigError, match=r"\[sales\] has no setting 'min_purchase'. Did you mean 'min_purchases'"):
        made(store)


def test_route_and_command_answer_its_question_with_equal_bytes(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(store)
    monkeypatch.setattr("whybuy.discovery.Discovery", SellingDiscovery)
    discovery = SellingDiscovery(Shop.open(store))
    with Journal(store / "journal.db") as journal:
        app = create_app(discovery, journal)
        router = APIRouter(prefix="/v1")
        add_route(router, SALES_OPERATION)
        app.include_router(router)
        body = TestClient(app).get("/v1/sales", params={"product_type": "dome tent", "limit": 2})
    assert body.json() == {"product_ids": discovery.best_sellers.of_type("dome tent", 2)}
    assert len(body.json()["product_ids"]) == 2
    run = CliRunner().invoke(_command(), ["dome tent", "--limit", "2", "--store", str(store), "--json"])
    assert run.stdout.strip().encode() == body.content
    wrong = CliRunner().invoke(_command(), ["dome tent", "--limit", "11"])
    assert (wrong.exit_code, "--limit" in wrong.stderr) == (2, True)


def _command() -> typer.Typer:
    app = typer.Typer()
    add_command(app, SALES_OPERATION, typer.echo)
    return app

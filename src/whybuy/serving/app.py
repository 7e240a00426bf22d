"""The application: routes, pages, errors and middleware put together."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from whybuy import __version__
from whybuy.discovery import Discovery, UnknownProduct
from whybuy.errors import InputError
from whybuy.journal import Journal, JournalError
from whybuy.retrieval.facets import UnknownField
from whybuy.serving import api, events, health, rejection_routes, shopfront
from whybuy.serving.live import LiveShop
from whybuy.serving.live_queries import JournalQueries
from whybuy.serving.rejections import Rejections
from whybuy.serving.rendering import render
from whybuy.serving.server_metrics import ServerMetrics
from whybuy.serving.services import Services
from whybuy.web.envelope import Envelope
from whybuy.web.problems import ProblemConfig, add_problem_handlers, problem_responses

_STATIC = Path(__file__).parent / "static"
_PAGES = ("/product/", "/graph")
_PROBLEMS = ProblemConfig(
    status_of={UnknownProduct: 404, UnknownField: 404, InputError: 422, JournalError: 503},
    page=lambda problem: render("problem.html", problem),
    is_page=lambda path: path == "/" or path.startswith(_PAGES),
    routes="/openapi.json lists the routes.",
)


def create_app(
    discovery: Discovery,
    journal: Journal,
    *,
    examples: tuple[str, ...] = (),
    store: Path | None = None,
    processes: int = 1,
) -> FastAPI:
    """The API and the pages of one shop.

    Args:
        discovery: The opened shop.
        journal: Where `/v1/events` is kept; the caller closes it.
        examples: Queries that the start page offers.
        store: The folder whose newer builds take the place of `discovery`; None stays with it.
        processes: How many like this one share the machine; one alone searches in threads.
    """
    app = FastAPI(
        title="whybuy",
        version=__version__,
        summary="Search with reasons.",
        lifespan=_few_at_once,
        docs_url=None,
        redoc_url=None,
        responses=problem_responses(),
    )
    metrics = ServerMetrics()
    app.state.services = Services(
        discovery, journal, Rejections(journal), JournalQueries(journal), metrics, examples, threads=processes == 1
    )
    app.state.live = LiveShop(discovery, store)
    for part in (api, events, health, shopfront, rejection_routes):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=_STATIC, packages=[("whybuy.web", "static")]), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Envelope, observe=metrics.count_request)
    add_problem_handlers(app, _PROBLEMS)
    return app


@asynccontextmanager
async def _few_at_once(_: FastAPI) -> AsyncIterator[None]:
    """Let requests beyond one more than the processors wait: more threads only take the interpreter from each other."""
    current_default_thread_limiter().total_tokens = 1 + (os.cpu_count() or 1)
    yield

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
from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving import api, events, health, shopfront
from whybuy.serving.envelope import Envelope
from whybuy.serving.live import LiveShop
from whybuy.serving.measures import Measures
from whybuy.serving.problems import explain_problems, problem_responses
from whybuy.serving.services import Services

_STATIC = Path(__file__).parent / "static"


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
        journal: Hears `/v1/events`; the caller closes it.
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
    measures = Measures()
    app.state.services = Services(discovery, journal, measures, examples, threads=processes == 1)
    app.state.live = LiveShop(discovery, store)
    for part in (api, events, health, shopfront):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Envelope, measures=measures)
    explain_problems(app)
    return app


@asynccontextmanager
async def _few_at_once(_: FastAPI) -> AsyncIterator[None]:
    """Let requests beyond one more than the processors wait: more threads only take the interpreter from each other."""
    current_default_thread_limiter().total_tokens = 1 + (os.cpu_count() or 1)
    yield

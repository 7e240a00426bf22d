"""What the routes of one application share."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.live import LiveShop
from whybuy.serving.live_queries import JournalQueries
from whybuy.serving.rejections import Rejections
from whybuy.serving.server_metrics import ServerMetrics

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """The opened shop, the journal of its events, what is derived from them, and the counters."""

    discovery: Discovery
    journal: Journal
    rejections: Rejections
    queries: JournalQueries
    metrics: ServerMetrics
    examples: tuple[str, ...]  # queries that the start page offers
    threads: bool = True  # one process of several has none: what waits for it, others take

    async def work(self, task: Callable[[], T]) -> T:
        """Do what keeps a processor busy for milliseconds, beside other requests where there are threads."""
        return await run_in_threadpool(task) if self.threads else task()


async def _services(request: Request) -> Services:
    """One opened shop for the whole request, whatever is published meanwhile."""
    services, live = request.app.state.services, request.app.state.live
    assert isinstance(services, Services)
    assert isinstance(live, LiveShop)
    discovery = live.now()
    services.rejections.apply(discovery)
    services.queries.apply(discovery)
    return replace(services, discovery=discovery)


ServicesDep = Annotated[Services, Depends(_services)]

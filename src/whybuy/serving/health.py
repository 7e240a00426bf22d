"""Routes for the people and programs that run the shop: alive, ready, version, metrics."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from whybuy import __version__
from whybuy.serving.services import ServicesDep

router = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Health:
    """That the server can do what the route asks about."""

    status: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True)
class Version:
    """Which whybuy serves which shop, built from what."""

    whybuy: str
    shop: str
    facts: dict[str, int | str]  # counts, and the keys of the artifacts


@router.get("/livez", summary="The process answers")
async def live() -> Health:
    """Always ok; restart the process when this does not answer."""
    return Health()


@router.get("/readyz", summary="The shop can be searched and the journal can be read")
def ready(services: ServicesDep) -> Health:
    """Ok, or a 503 problem that names what is missing."""
    services.journal.last()
    return Health()


@router.get("/version", summary="Which whybuy serves which shop")
def version(services: ServicesDep) -> Version:
    """The release, the shop's name, counts and artifact keys."""
    return Version(__version__, services.discovery.name, services.discovery.facts())


@router.get("/metrics", response_class=PlainTextResponse, summary="Counters in the Prometheus text format")
def metrics(services: ServicesDep) -> Response:
    """Requests and their time, searches, empty searches, hits by stage, events."""
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4")

"""What the routes of one application share."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.live import LiveShop
from whybuy.serving.measures import Measures


@dataclass(frozen=True, slots=True)
class Services:
    """The opened shop, the journal that hears what happens in it, and the counters."""

    discovery: Discovery
    journal: Journal
    measures: Measures
    examples: tuple[str, ...]  # queries that the start page offers


async def _services(request: Request) -> Services:
    """One opened shop for the whole request, whatever is published meanwhile."""
    services, live = request.app.state.services, request.app.state.live
    assert isinstance(services, Services)
    assert isinstance(live, LiveShop)
    return replace(services, discovery=live.now())


Shop = Annotated[Services, Depends(_services)]

"""What the routes of one application share."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.measures import Measures


@dataclass(frozen=True, slots=True)
class Services:
    """The opened shop, the journal that hears what happens in it, and the counters."""

    discovery: Discovery
    journal: Journal
    measures: Measures
    examples: tuple[str, ...]  # queries that the start page offers


async def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Shop = Annotated[Services, Depends(_services)]

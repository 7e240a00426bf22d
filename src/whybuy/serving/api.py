"""The asking half of the API: a route for each operation."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from whybuy.operations import COMPLETE, OPERATIONS, SEARCH, Operation
from whybuy.records import Answer
from whybuy.serving.requests import CompleteAddress, SearchAddressRequest, SearchBody
from whybuy.serving.services import Services, ServicesDep

ADDRESSES: dict[str, type[BaseModel]] = {SEARCH.name: SearchAddressRequest, COMPLETE.name: CompleteAddress}
"""Requests that say more in an address than elsewhere."""

router = APIRouter(prefix="/v1", tags=["search"])


def answer(operation: Operation[Any], request: BaseModel, services: Services) -> Any:  # noqa: ANN401 - of the operation
    """The record that answers a request, counted where it is a search."""
    if isinstance(request, CompleteAddress):
        request = request.with_session(services.queries.previous)
    record = operation.run(services.discovery, request)
    if isinstance(record, Answer):
        services.metrics.count_search(getattr(request, "ranker", ""), record)
    return record


def _endpoint(operation: Operation[Any], request_type: object) -> Callable[..., Awaitable[Response]]:
    async def endpoint(request: Any, services: ServicesDep) -> Response:  # noqa: ANN401 - typed below
        def work() -> bytes:
            return orjson.dumps(answer(operation, request, services))

        body = work() if operation.instant else await services.work(work)
        return Response(body, media_type="application/json")

    endpoint.__annotations__["request"] = request_type
    endpoint.__name__ = operation.name
    return endpoint


def add_route(to: APIRouter, operation: Operation[Any]) -> None:
    """Add the route of an operation: a GET whose parameters are the fields of its request."""
    parameters = ADDRESSES.get(operation.name, operation.request)
    to.add_api_route(
        f"/{operation.name}",
        _endpoint(operation, Annotated[parameters, Query()]),
        response_model=operation.answer,
        summary=operation.help,
    )


for _operation in OPERATIONS:
    add_route(router, _operation)
router.add_api_route(
    f"/{SEARCH.name}",
    _endpoint(SEARCH, SearchBody),
    methods=["POST"],
    response_model=Answer,
    summary="The same, asked in a JSON body",
)

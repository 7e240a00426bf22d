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


for _operation in OPERATIONS:
    router.add_api_route(
        f"/{_operation.name}",
        _endpoint(_operation, Annotated[ADDRESSES.get(_operation.name, _operation.request), Query()]),
        response_model=_operation.answer,
        summary=_operation.help,
    )
router.add_api_route(
    f"/{SEARCH.name}",
    _endpoint(SEARCH, SearchBody),
    methods=["POST"],
    response_model=Answer,
    summary="The same, asked in a JSON body",
)

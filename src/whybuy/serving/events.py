"""Events from the shop's front end, in the format of OpenSearch User Behavior Insights (UBI) 1.3."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from whybuy.operations import QueryText
from whybuy.serving.requests import whole
from whybuy.serving.services import ServicesDep
from whybuy.web.problems import Fault, problem_response

_MOST_EVENTS = 1000
Name = Annotated[str, StringConstraints(max_length=100)]
WholeNumber = Annotated[int, BeforeValidator(whole), Field(strict=True)]
ObjectId = Annotated[str, StringConstraints(max_length=256)] | WholeNumber


class _Open(BaseModel):
    """UBI lets a shop add fields of its own anywhere."""

    model_config = ConfigDict(extra="allow")


class UbiObject(_Open):
    """What the shopper acted on."""

    object_id: ObjectId
    object_id_type: Name | None = None
    object_id_field: Name | None = None
    internal_id: ObjectId | None = None


class UbiPosition(_Open):
    """Where it stood on the page."""

    ordinal: WholeNumber | None = None


class UbiAttributes(_Open):
    """Details of an event."""

    object: UbiObject | None = None
    position: UbiPosition | None = None


class UbiEvent(_Open):
    """One action of a shopper; `o19s/ubi`, schema 1.3.0, older versions included."""

    action_name: Name = Field(examples=["click", "add_to_cart", "purchase"])
    timestamp: datetime = Field(examples=["2026-11-13T20:20:39Z"])
    application: Name | None = None
    query_id: Name | None = None
    session_id: Name | None = None
    client_id: Name | None = None
    user_id: Name | None = None
    user_query: QueryText | None = None
    message_type: Name | None = None
    message: Annotated[str, StringConstraints(max_length=1024)] | None = None
    event_attributes: UbiAttributes | None = None


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that was not kept."""

    index: int  # its place in the delivery, from 0
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many events of a delivery were kept, and which were not."""

    accepted: int
    rejected: tuple[RejectedEvent, ...] = ()


router = APIRouter(prefix="/v1", tags=["events"])


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """A JSON schema with each reference to one of its parts replaced by the part, so that it can stand anywhere."""
    if isinstance(schema, list):
        return [_inlined(entry, parts) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].removeprefix("#/$defs/")], parts)
    return {name: _inlined(entry, parts) for name, entry in schema.items() if name != "$defs"}


_EVENT = UbiEvent.model_json_schema()
_DELIVERY = {
    "anyOf": [
        _inlined(_EVENT, _EVENT["$defs"]),
        {"type": "array", "maxItems": _MOST_EVENTS, "items": {}, "description": "Events, each checked by itself."},
    ]
}


@router.post(
    "/events",
    status_code=202,
    response_model=Receipt,
    summary="Record what shoppers did: one UBI event, or a list",
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _DELIVERY}}}},
)
async def record_events(request: Request, services: ServicesDep) -> Response:
    """Keep the events that are well-formed; say of each other one why it is not.

    A single event that cannot be kept is a 422 problem.
    """
    try:
        delivery = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        return problem_response(request, 400, f"The body is not JSON: {error}. Send one UBI event, or a list.")
    events = delivery if isinstance(delivery, list) else [delivery]
    if len(events) > _MOST_EVENTS:
        advice = f"A delivery holds at most {_MOST_EVENTS} events; this one has {len(events)}. Send it in parts."
        return problem_response(request, 422, advice)
    kept, rejected = sort_events(events)
    await run_in_threadpool(services.journal.append, kept)
    services.metrics.count_events(len(kept), len(rejected))
    if rejected and delivery is not events:
        (rejection,) = rejected
        return problem_response(request, 422, rejection.reason, [Fault("body", rejection.reason)])
    return Response(orjson.dumps(Receipt(len(kept), tuple(rejected))), 202, media_type="application/json")


def sort_events(events: Sequence[object]) -> tuple[list[str], list[RejectedEvent]]:
    """The well-formed events as JSON, and the others with the reason; a bad one never spoils its neighbors."""
    kept: list[str] = []
    rejected: list[RejectedEvent] = []
    for index, event in enumerate(events):
        try:
            UbiEvent.model_validate(event)
            kept.append(orjson.dumps(event).decode())
        except ValidationError as error:
            rejected.append(RejectedEvent(index, _reasons(error)))
        except orjson.JSONEncodeError as error:
            rejected.append(RejectedEvent(index, str(error)))
    return kept, rejected


def _reasons(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'event'}: {fault['msg']}" for fault in error.errors(include_input=False)
    )

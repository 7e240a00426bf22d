"""Errors as RFC 9457 problem details for programs, and as a page for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException

from whybuy.errors import WhybuyError


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a request that cannot be understood."""

    pointer: str  # where it stands: "query/limit", "body/q"
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An RFC 9457 problem: why a request was not answered."""

    title: str
    status: int
    detail: str
    instance: str  # the id of the request, as in its X-Request-ID header
    type: str = "about:blank"
    errors: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class ProblemConfig:
    """How an application shows its problems."""

    status_of: Mapping[type[WhybuyError], int]  # of our own errors; the others are 500
    page: Callable[[Problem], str]
    is_page: Callable[[str], bool]  # whether a path is a page, whose problems are pages too
    routes: str  # where a person who found nothing may look


def problem_responses() -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says about the errors of a route."""
    schema = TypeAdapter(Problem).json_schema(mode="serialization")
    schema["properties"]["errors"]["items"] = schema.pop("$defs")["Fault"]
    content = {"application/problem+json": {"schema": schema}}
    return {
        "4XX": {"description": "The request cannot be answered; the body says why.", "content": content},
        "5XX": {"description": "The shop cannot answer now.", "content": content},
    }


def add_problem_handlers(app: FastAPI, problem_config: ProblemConfig) -> None:
    """Answer every error of the application with a problem that names the next step."""
    app.state.problem_config = problem_config
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(WhybuyError, _ours)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(request: Request, status: int, detail: str, faults: Sequence[Fault] = ()) -> Response:
    """The problem in the form that the client reads: a page in a browser's page request, else problem+json."""
    request_id = request.scope.get("request_id", "")
    problem = Problem(HTTPStatus(status).phrase, status, detail, request_id, errors=tuple(faults))
    if _is_page(request):
        return Response(_config(request).page(problem), status, media_type="text/html")
    return Response(orjson.dumps(problem), status, media_type="application/problem+json")


def _config(request: Request) -> ProblemConfig:
    problem_config = request.app.state.problem_config
    assert isinstance(problem_config, ProblemConfig)
    return problem_config


def _is_page(request: Request) -> bool:
    return _config(request).is_page(request.url.path) and "json" not in request.headers.get("accept", "")


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [Fault("/".join(str(part) for part in fault["loc"]), fault["msg"]) for fault in error.errors()]
    no_json = any(fault["type"] == "json_invalid" for fault in error.errors())
    detail = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults)
    return problem_response(request, 400 if no_json else 422, detail, faults)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = problem_response(request, error.status_code, _advice(request, error))
    response.headers.update(error.headers or {})
    return response


def _advice(request: Request, error: HTTPException) -> str:
    path = request.url.path
    if error.status_code == 404:
        return f"There is nothing at {path}. {_config(request).routes}"
    if error.status_code == 405:
        return f"{path} does not answer {request.method}. The Allow header says which methods it answers."
    return str(error.detail)


async def _ours(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _config(request).status_of.items() if isinstance(error, kind)), 500)
    response = problem_response(request, status, str(error))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


async def _unexpected(request: Request, error: Exception) -> Response:
    return problem_response(request, 500, f"whybuy failed on this request ({type(error).__name__}). The log has more.")

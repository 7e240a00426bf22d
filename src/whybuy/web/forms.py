"""Forms that change something: sent from our own pages alone, and read without surprises."""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

_OWN = ("same-origin", "none")  # what browsers say of a request from our pages, or typed by hand
Form = TypeVar("Form", bound=BaseModel)


async def _from_own_page(request: Request) -> None:
    """Refuse what a page of another site sends in a person's name; programs without a browser send neither header."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in _OWN or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise HTTPException(403, "This form was sent from another site. Open the page here, and send it again.")


FromOwnPage = Depends(_from_own_page)
"""A dependency of routes that change something; raises 403."""


async def _fields(request: Request) -> dict[str, list[str]]:
    body = (await request.body()).decode("utf-8", "replace")
    return parse_qs(body, keep_blank_values=True, max_num_fields=100)


Fields = Annotated[dict[str, list[str]], Depends(_fields)]
"""The fields of a form, each with its values."""


def filled(form: type[Form], fields: dict[str, list[str]], *, lists: Sequence[str] = ()) -> Form:
    """A form from its fields. lists: the fields that have several values.

    Raises:
        RequestValidationError: a field is missing or cannot be understood.
    """
    try:
        return form.model_validate({name: all_ if name in lists else all_[-1] for name, all_ in fields.items()})
    except ValidationError as error:
        raise RequestValidationError(error.errors(), body=fields) from error

"""Rejecting an edge on the graph page, and taking that back."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, StringConstraints
from starlette.exceptions import HTTPException

from whybuy.operations import QueryText
from whybuy.records import Head, HeadKind
from whybuy.relations import Relation
from whybuy.serving.services import ServicesDep
from whybuy.web.forms import Fields, FromOwnPage, filled

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]

router = APIRouter(prefix="/graph", include_in_schema=False, dependencies=[FromOwnPage])


class RejectForm(BaseModel):
    """An edge that is no reason."""

    head_kind: HeadKind
    head: list[Text] = Field(min_length=1, max_length=3)
    relation: Relation
    tail: Text
    node: QueryText = ""  # the page to go back to


class RestoreForm(BaseModel):
    """A rejection that is taken back."""

    cursor: int = Field(ge=1)
    node: QueryText = ""


@router.post("/reject")
def reject(services: ServicesDep, fields: Fields) -> RedirectResponse:
    """Hide an edge from now on; the next build leaves it out."""
    form = filled(RejectForm, fields, lists=("head",))
    head = Head(form.head_kind, tuple(form.head))
    if not services.discovery.has_edge(head, form.relation, form.tail):
        raise HTTPException(409, "The graph does not have this edge any more. Look at the node again.")
    entered = services.rejections.reject(services.discovery, head, form.relation, form.tail)
    return _back(form.node, rejected=entered.cursor)


@router.post("/restore")
def restore(services: ServicesDep, fields: Fields) -> RedirectResponse:
    """Show an edge again."""
    form = filled(RestoreForm, fields)
    if services.rejections.restore(services.discovery, form.cursor) is None:
        raise HTTPException(409, "This rejection was taken back before.")
    return _back(form.node)


def _back(node: str, **notice: int) -> RedirectResponse:
    values = {"node": node, **notice}
    return RedirectResponse("/graph?" + urlencode({name: value for name, value in values.items() if value}), 303)

"""The asking half of the API: search, complete, explain, intents."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from whybuy.records import Answer, Completions, Hit
from whybuy.serving.bodies import QueryIntents, answer_json, completions_json, hit_json, intents_json
from whybuy.serving.requests import ProductId, QueryText, SearchBody, SearchRequest
from whybuy.serving.services import Services, ServicesDep

router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/search", response_model=Answer, summary="Products that answer a query, each with its reasons")
async def search(search: Annotated[SearchRequest, Query()], services: ServicesDep) -> Response:
    """The request stands in the address."""
    return _json(await services.work(lambda: answer_json(find(search, services))))


@router.post("/search", response_model=Answer, summary="The same, asked in a JSON body")
async def search_by_body(search: SearchBody, services: ServicesDep) -> Response:
    """The request stands in the body, under the same names."""
    return _json(await services.work(lambda: answer_json(find(search, services))))


@router.get("/complete", response_model=Completions, summary="What a shopper who typed this may be about to ask")
async def complete(
    prefix: Annotated[QueryText, Query(description="What the shopper has typed so far; may be nothing.")],
    services: ServicesDep,
    previous: Annotated[
        list[QueryText],
        Query(
            default_factory=list,
            max_length=10,
            description="What the shopper asked before in this session, the latest first.",
        ),
    ],
    session: Annotated[
        str,
        Query(
            max_length=100,
            description="Session or client id of events, in place of `previous`.",
        ),
    ] = "",
    limit: Annotated[int, Query(ge=0, le=100, description="Completions at most.")] = 10,
) -> Response:
    """Each says how it fits: it begins with the prefix, has its words, or is nearly it."""
    # less than a millisecond, so not handed to a thread
    earlier = previous or services.queries.previous(session)
    return _json(completions_json(services.discovery.complete(prefix, previous=earlier, limit=limit)))


@router.get("/explain", response_model=Hit, summary="Why one product answers a query")
def explain(
    q: Annotated[QueryText, Query(description="What the shopper typed.")],
    product_id: Annotated[ProductId, Query(description="The product to explain.")],
    services: ServicesDep,
) -> Response:
    """Its scores by stage, the words that match, its reasons and its path through the label tree."""
    return _json(hit_json(services.discovery.explain(q, product_id)))


@router.get("/intents", response_model=QueryIntents, summary="The intents understood in a query")
def intents(q: Annotated[QueryText, Query(description="What the shopper typed.")], services: ServicesDep) -> Response:
    """Relation, tail and confidence of each, surest first."""
    return _json(intents_json(q, services.discovery.intents(q)))


def find(search: SearchRequest, services: Services) -> Answer:
    """The answer to a request, counted; without facets where the request wants none."""
    answer = services.discovery.search(search.query())
    services.metrics.count_search(search.ranker, answer)
    return answer if search.facets else replace(answer, facets={})


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")

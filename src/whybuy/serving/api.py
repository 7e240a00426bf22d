"""The asking half of the API: search, complete, explain, intents."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from whybuy.records import Answer, Completions, Hit
from whybuy.serving.bodies import Understanding, answer_json, completions_json, hit_json, intents_json
from whybuy.serving.requests import ProductId, QueryText, SearchBody, SearchRequest
from whybuy.serving.services import Services, Shop

router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/search", response_model=Answer, summary="Products that answer a query, each with its reasons")
async def search(search: Annotated[SearchRequest, Query()], shop: Shop) -> Response:
    """The request stands in the address."""
    return _json(await shop.work(lambda: answer_json(find(search, shop))))


@router.post("/search", response_model=Answer, summary="The same, asked in a JSON body")
async def search_by_body(search: SearchBody, shop: Shop) -> Response:
    """The request stands in the body, under the same names."""
    return _json(await shop.work(lambda: answer_json(find(search, shop))))


@router.get("/complete", response_model=Completions, summary="What a shopper who typed this may be about to ask")
async def complete(
    prefix: Annotated[QueryText, Query(description="What the shopper has typed so far; may be nothing.")],
    shop: Shop,
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
    earlier = previous or shop.queries.previous(session)
    return _json(completions_json(shop.discovery.complete(prefix, previous=earlier, limit=limit)))


@router.get("/explain", response_model=Hit, summary="Why one product answers a query")
def explain(
    q: Annotated[QueryText, Query(description="What the shopper typed.")],
    product_id: Annotated[ProductId, Query(description="The product to explain.")],
    shop: Shop,
) -> Response:
    """Its scores by stage, the words that match, its reasons and its path through the label tree."""
    return _json(hit_json(shop.discovery.explain(q, product_id)))


@router.get("/intents", response_model=Understanding, summary="The needs understood in a query")
def intents(q: Annotated[QueryText, Query(description="What the shopper typed.")], shop: Shop) -> Response:
    """Relation, tail and confidence of each, surest first."""
    return _json(intents_json(q, shop.discovery.intents(q)))


def find(search: SearchRequest, shop: Services) -> Answer:
    """The answer to a request, counted; without facets where the request wants none."""
    answer = shop.discovery.search(search.query())
    shop.measures.search(search.ranker, answer)
    return answer if search.facets else replace(answer, facets={})


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")

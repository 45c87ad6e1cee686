"""Finding affiliates: by place, and by what they offer; and who serves a place at all."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.clock import now
from shared.db import ReadSession
from shared.http import CurrentPage
from shared.http import router as new_router
from shared.places import Place

from ..queries.search import found, services_found, who_serves
from ..schemas.search import FacetsView, FoundView, PlaceServedView, SearchQuery, SearchView, ServingView, place_asked
from .caching import public

router = new_router("catalog", "search")

NEAREST = 5


@router.get("/affiliates", response_model=SearchView)
async def search(
    request: Request, session: ReadSession, page: CurrentPage, asked: Annotated[SearchQuery, Depends()]
) -> Response:
    """Affiliates that come to a place: a zip code, or a latitude and longitude. Nearest first, or as `sort` says.

    With a category, a vehicle size or prices: those that offer it, from its lowest price. Prices count for the size
    that is asked for, else for whatever size is cheapest. A cursor goes on in its own search, and in no other.
    """
    affiliates = await found(session, asked.search, page)
    ids = [row.id for row in affiliates.items]
    services = await services_found(session, asked.search, ids) if ids else {}
    items = [FoundView.of(row, services.get(row.id, ()), now()) for row in affiliates.items]
    facets = None if page.cursor else FacetsView.of(affiliates.items)
    return public(request, SearchView(items=items, next=affiliates.next, facets=facets))


@router.get("/service-area", response_model=PlaceServedView)
async def place_served(
    request: Request, session: ReadSession, place: Annotated[Place, Depends(place_asked)]
) -> Response:
    """Whether anybody comes to a place, how many, who is nearest; and which zip code and time zone that is."""
    rows = await who_serves(session, place, NEAREST)
    nearest = [ServingView.model_validate(row) for row in rows]
    count = rows[0].of if rows else 0
    return public(request, PlaceServedView(place=place, served=count > 0, count=count, nearest=nearest))

"""What a job would cost, line by line. It writes nothing, so it needs no Idempotency-Key."""

from shared.auth import Visitor
from shared.db import ReadSession
from shared.http import router as new_router
from shared.places import place_of

from ..domain.price_check import must_be_known
from ..queries.price_checks import find_coupon, get_offer
from ..schemas.price_checks import PriceCheckRequest, PriceCheckView

router = new_router("catalog", "prices", "/price-checks")


@router.post("", response_model=PriceCheckView)
async def check_price(wanted: PriceCheckRequest, visitor: Visitor, session: ReadSession) -> PriceCheckView:
    """The price of a tier for a vehicle at a place, with add-ons and a promotion code, and how it comes about.

    Booking comes to the same, to the cent. How often a customer has used a code counts for whoever is signed in.
    """
    offer = await get_offer(session, wanted.tier_id)
    offer.must_be_bookable()
    place = place_of(wanted.zip)
    offer.must_come_to(place)
    coupon = None
    if wanted.promotion_code is not None:
        found = await find_coupon(session, wanted.promotion_code, offer.affiliate_id, visitor.customer_id)
        coupon = must_be_known(found)
    distance_m = offer.distance_m(place)
    return PriceCheckView.of(offer, offer.price(wanted.job(distance_m), coupon), distance_m)

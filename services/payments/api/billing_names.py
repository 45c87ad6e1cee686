"""HTTP: the name that a customer wants on invoices."""

from shared.auth import CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import router as new_router

from ..commands import billing_names as commands
from ..domain.billing_name import BillingName
from ..queries.billing_names import get_billing_name
from ..schemas.billing_names import BillingNameRequest, BillingNameView

router = new_router("payments", "invoices")


@router.get("/billing-name", response_model=BillingNameView)
async def billing_name(customer: CurrentCustomer, session: ReadSession) -> BillingName:
    """The name for your invoices; 404 if you have given none."""
    return await get_billing_name(session, customer.customer_id or 0)


@router.put("/billing-name", response_model=BillingNameView, dependencies=[InPerson])
async def give_billing_name(wanted: BillingNameRequest, customer: CurrentCustomer, session: Session) -> BillingName:
    """A company's name, or yours, with its address: it stands on what is issued from now on."""
    return await commands.give_billing_name(session, customer.customer_id or 0, wanted.name, wanted.address)


@router.delete("/billing-name", status_code=204, dependencies=[InPerson])
async def take_back_billing_name(customer: CurrentCustomer, session: Session) -> None:
    """From now on your customer number stands there again."""
    await commands.take_back_billing_name(session, customer.customer_id or 0)

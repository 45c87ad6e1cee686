"""The name for a customer's invoices."""

from datetime import datetime

from pydantic import Field

from shared.http import Body, Line, View


class BillingNameRequest(Body):
    name: Line = Field(examples=["Moss & Sons LLC"])
    address: list[Line] = Field(default=[], max_length=5, description="the lines below it")


class BillingNameView(View):
    """It stands on receipts, invoices and credit notes that are issued from `updated_at` on."""

    name: str
    address: list[str]
    updated_at: datetime

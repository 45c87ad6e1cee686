"""The parameters of setup intents, and of the cards that they keep."""

from typing import Literal

from .parameter import Boolean, Metadata, Named, Names, Text
from .params import AutomaticMethods, FutureUsage, ListParams, MethodData, MethodOptions, Params


class SettingUp(Params):
    """What creating and confirming a setup intent have in common."""

    payment_method: Named | None = None
    payment_method_data: MethodData | None = None
    payment_method_options: MethodOptions = MethodOptions()
    return_url: Named | None = None
    use_stripe_sdk: Boolean = False


class SetupCreateParams(SettingUp):
    customer: Named | None = None
    usage: FutureUsage = "off_session"
    description: Text = None
    metadata: Metadata | None = None
    confirm: Boolean = False
    payment_method_types: Names | None = None
    automatic_payment_methods: AutomaticMethods | None = None


class SetupConfirmParams(SettingUp):
    client_secret: Named | None = None


class SetupCancelParams(Params):
    cancellation_reason: Literal["abandoned", "duplicate", "requested_by_customer"] | None = None


class SetupList(ListParams):
    customer: Named | None = None


class CardList(ListParams):
    customer: Named | None = None
    type: Literal["card"] | None = None


class CustomersCardList(ListParams):
    type: Literal["card"] | None = None

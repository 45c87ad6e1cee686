"""The parameters of each call. What is not named here is refused as unknown, as Stripe refuses it."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from . import blank
from .form import Tree
from .parameter import Amount, Boolean, Currency, Integer, Limit, Metadata, Named, Names, Text, moment
from .refusal import TurnedAway

CaptureMethod = Literal["automatic", "automatic_async", "manual"]
FutureUsage = Literal["off_session", "on_session"]


class Params(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expand: Names = []

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the named parameters that were sent, also when sent empty."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class MomentRange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    gt: Integer | None = None
    gte: Integer | None = None
    lt: Integer | None = None
    lte: Integer | None = None


class ListParams(Params):
    limit: Limit = 10
    starting_after: Named | None = None
    ending_before: Named | None = None
    created: Annotated[MomentRange, moment] = MomentRange()


class SearchParams(Params):
    """Without pages: whoever searches here looks for one."""

    query: Named
    limit: Limit = 10


class IntentList(ListParams):
    customer: Named | None = None


class ChargeList(ListParams):
    customer: Named | None = None
    payment_intent: Named | None = None


class RefundList(ListParams):
    charge: Named | None = None
    payment_intent: Named | None = None


class DisputeList(ListParams):
    charge: Named | None = None
    payment_intent: Named | None = None


class EventList(ListParams):
    type: Named | None = None
    types: Names | None = None


class BalanceList(ListParams):
    type: Named | None = None
    source: Named | None = None


class CustomerList(ListParams):
    email: Named | None = None


class AutomaticMethods(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: Boolean
    allow_redirects: Literal["always", "never"] = "always"


class CardOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    request_three_d_secure: Literal["any", "automatic", "challenge"] = "automatic"


class MethodOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    card: CardOptions = CardOptions()


class CardDetails(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Named
    exp_month: Integer = 12
    exp_year: Integer = 2040
    cvc: Named | None = None


class BillingDetails(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Text = None
    email: Text = None
    phone: Text = None


class MethodData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["card"]
    card: CardDetails
    billing_details: BillingDetails = BillingDetails()
    metadata: Metadata = {}


class MethodParams(Params, MethodData):
    pass


class AttachParams(Params):
    customer: Named


class Paying(Params):
    """What creating, updating and confirming an intent have in common."""

    payment_method: Named | None = None
    payment_method_data: MethodData | None = None
    payment_method_options: MethodOptions = MethodOptions()
    setup_future_usage: FutureUsage | None = None
    receipt_email: Text = None


class Confirming(Paying):
    return_url: Named | None = None
    off_session: Boolean = False
    use_stripe_sdk: Boolean = False
    error_on_requires_action: Boolean = False


class ConfirmParams(Confirming):
    client_secret: Named | None = None


class Describing(Paying):
    customer: Named | None = None
    description: Text = None
    metadata: Metadata | None = None
    statement_descriptor: Text = None
    statement_descriptor_suffix: Text = None
    transfer_group: Text = None


class UpdateParams(Describing):
    amount: Amount | None = None


class CreateParams(Describing, Confirming):
    amount: Amount
    currency: Currency
    capture_method: CaptureMethod = "automatic_async"
    confirm: Boolean = False
    confirmation_method: Literal["automatic"] = "automatic"
    payment_method_types: Names | None = None
    automatic_payment_methods: AutomaticMethods | None = None


class RetrieveIntent(Params):
    client_secret: Named | None = None


class CaptureParams(Params):
    amount_to_capture: Amount | None = None
    metadata: Metadata | None = None
    statement_descriptor_suffix: Text = None


class CancelParams(Params):
    cancellation_reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None = None


class RefundParams(Params):
    payment_intent: Named | None = None
    charge: Named | None = None
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = {}


class MetadataParams(Params):
    metadata: Metadata | None = None


_FIELDS: dict[str, Any] = dict.fromkeys(blank.EVIDENCE, (Text, None))
Evidence = create_model("Evidence", __config__=ConfigDict(extra="forbid"), **_FIELDS)


class DisputeParams(MetadataParams):
    evidence: Evidence | None = None
    submit: Boolean | None = None


class CustomerParams(Params):
    description: Text = None
    email: Text = None
    name: Text = None
    phone: Text = None
    metadata: Metadata | None = None


class AccountList(ListParams):
    pass


class Requested(BaseModel):
    model_config = ConfigDict(extra="forbid")

    requested: Boolean = False


class Capabilities(BaseModel):
    model_config = ConfigDict(extra="forbid")

    card_payments: Requested = Requested()
    transfers: Requested = Requested()


class AccountParams(Params):
    type: Literal["express"]
    country: Named | None = None
    email: Text = None
    capabilities: Capabilities = Capabilities()
    metadata: Metadata = {}


class AccountLinkParams(Params):
    account: Named
    type: Literal["account_onboarding"]
    return_url: Named
    refresh_url: Named


class TransferParams(Params):
    amount: Amount
    currency: Currency
    destination: Named
    description: Text = None
    metadata: Metadata = {}
    transfer_group: Text = None


class TransferList(ListParams):
    destination: Named | None = None
    transfer_group: Named | None = None


class ReversalParams(Params):
    amount: Amount | None = None
    description: Text = None
    metadata: Metadata = {}


class ReversalList(ListParams):
    """`transfer` stands in the path."""

    transfer: Named | None = None


P = TypeVar("P", bound=Params)


def read_params(model: type[P], tree: Tree) -> P:
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> TurnedAway:
    """The first thing wrong, unless something is unknown: then everything unknown together."""
    faults = error.errors(include_url=False, include_input=False)
    unknown = [_name(fault["loc"]) for fault in faults if fault["type"] == "extra_forbidden"]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        return TurnedAway(message, code="parameter_unknown", param=unknown[0])
    first = faults[0]
    name = _name(first["loc"])
    if first["type"] == "missing":
        return TurnedAway(f"Missing required param: {name}.", code="parameter_missing", param=name)
    if first["type"] == "literal_error":
        return TurnedAway(f"Invalid {name}: must be one of {first['ctx']['expected']}", param=name)
    code = first["type"] if first["type"].startswith("parameter_invalid_") else None
    return TurnedAway(first["msg"], code=code, param=name)


def _name(steps: tuple[int | str, ...]) -> str:
    return str(steps[0]) + "".join(f"[{step}]" for step in steps[1:])

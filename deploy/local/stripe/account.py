"""Connected accounts, as far as paying somebody out needs them: Express, onboarded on a page by a person."""

from . import blank
from .call import Call
from .document import Document
from .ids import new_id
from .listing import listed
from .parameter import merged
from .params import AccountLinkParams, AccountList, AccountParams, Params, read_params
from .refusal import TurnedAway

LINK_LASTS_SECONDS = 300
AT_FIRST = ("business_profile.url", "external_account", "tos_acceptance.date", "tos_acceptance.ip")
MISSING = ("individual.verification.document",)


def create(call: Call) -> Document:
    params = read_params(AccountParams, call.tree)
    account: Document = {
        "id": new_id("acct", 16),
        "object": "account",
        **blank.ACCOUNT,
        "capabilities": {name: "inactive" for name, one in params.capabilities if one.requested},
        "controller": {"type": "application", "is_controller": True, **blank.CONTROLLER},
        "country": params.country or "US",
        "created": call.now,
        "email": params.email,
        "metadata": merged({}, params.metadata),
        "type": params.type,
        **_state(AT_FIRST, submitted=False),
    }
    account["external_accounts"] = {"data": [], "has_more": False, "object": "list"} | {
        "url": f"/v1/accounts/{account['id']}/external_accounts", "total_count": 0
    }  # fmt: skip
    call.store.save(account)
    return account


def _state(due: tuple[str, ...], *, submitted: bool) -> Document:
    """What Stripe says while this is still to be given, and when nothing is."""
    lists = {"currently_due": [*due], "eventually_due": [*due], "past_due": [*due]}
    reason = "requirements.past_due" if due else None
    return {
        "charges_enabled": not due,
        "details_submitted": submitted,
        "payouts_enabled": not due,
        "requirements": {**blank.REQUIREMENTS, **lists, "disabled_reason": reason},
    }


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return call.load("account", identifier)


def list_all(call: Call) -> Document:
    return listed(call, "account", "/v1/accounts", read_params(AccountList, call.tree))


def link(call: Call) -> Document:
    """Where a person goes on with the onboarding; for a few minutes."""
    params = read_params(AccountLinkParams, call.tree)
    account = call.load("account", params.account, "account")
    if account["type"] != "express":
        raise TurnedAway("This sandbox onboards Express accounts only.", param="account")
    expires_at = call.now + LINK_LASTS_SECONDS
    made: Document = {"object": "account_link", "created": call.now, "expires_at": expires_at}
    urls = {"account": params.account, "return_url": params.return_url, "refresh_url": params.refresh_url}
    kept = {"id": new_id("alink"), **made, **urls}
    call.store.save(kept)
    return {**made, "url": f"{call.public_url}/onboarding/{kept['id']}"}


def onboard(call: Call, identifier: str, *, complete: bool) -> Document:
    """The person has sent the form: all of it, or so that a document is still asked for."""
    before = call.load("account", identifier)
    due = () if complete else MISSING
    capabilities = dict.fromkeys(before["capabilities"], "active" if complete else "pending")
    account = {**before, **_state(due, submitted=True), "capabilities": capabilities}
    call.store.save(account)
    call.announce("account.updated", account, before)
    return account

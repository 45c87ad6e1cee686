"""Pages for a person: pay an intent with a test card, prove who you are, see what happened. Plain HTML, no script."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader

from . import confirmation, dispute, setup
from . import intent as intents
from .account import onboard
from .cards import BY_NUMBER, CARDS
from .document import Document
from .intent import OPEN
from .refusal import Refusal
from .sandbox import Sandbox

SHOWN_AT_MOST = 200
NO_CENTS = ("jpy",)
DONE = ("succeeded", "requires_capture")


def _money(cents: int, currency: str) -> str:
    return f"{cents} {currency.upper()}" if currency in NO_CENTS else f"{cents / 100:,.2f} {currency.upper()}"


TEMPLATES = Environment(loader=PackageLoader(__package__), autoescape=True)
TEMPLATES.filters["money"] = _money


def _page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(TEMPLATES.get_template(name).render(**values), status, headers)


def _refused(refusal: Refusal) -> HTMLResponse:
    return _page("refused.html", refusal.status, message=str(refusal))


def _way_back(intent: Document, return_url: str) -> str | None:
    """The shop's address with what Stripe adds to it; only addresses of the web."""
    if urlsplit(return_url).scheme not in ("http", "https"):
        return None
    kind = intent["object"]
    told = {kind: intent["id"], f"{kind}_client_secret": intent["client_secret"]}
    query = urlencode({**told, "redirect_status": "succeeded" if intent["status"] in DONE else "failed"})
    return f"{return_url}{'&' if urlsplit(return_url).query else '?'}{query}"


def _keeps(intent_id: str) -> bool:
    """A setup intent's: the same pages keep a card instead of charging it."""
    return intent_id.startswith("seti_")


def _shown(call: Any, intent_id: str, client_secret: str) -> Document:
    return (setup.shown_to if _keeps(intent_id) else intents.shown_to)(call, intent_id, client_secret)


def page_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_overview(router, sandbox)
    _add_payment(router, sandbox)
    _add_authentication(router, sandbox)
    _add_onboarding(router, sandbox)
    _add_disputes(router, sandbox)
    return router


def _add_overview(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/health")
    async def health() -> dict[str, str]:
        sandbox.store.row("select 1")
        return {"status": "ok"}

    @router.get("/")
    async def overview() -> HTMLResponse:
        newest = sandbox.store.newest("payment_intent", SHOWN_AT_MOST)
        setups = sandbox.store.newest("setup_intent", SHOWN_AT_MOST)
        return _page("overview.html", intents=newest, setups=setups, open=OPEN)

    @router.get("/receipts/{charge_id}")
    async def receipt(charge_id: str) -> HTMLResponse:
        charge = sandbox.store.find(charge_id, "charge")
        if charge is None:
            return _page("refused.html", 404, message="There is no such receipt.")
        return _page("receipt.html", charge=charge)


def _add_payment(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/pay/{intent_id}")
    async def pay(request: Request, intent_id: str, client_secret: str = "", return_url: str = "") -> HTMLResponse:
        """The checkout, or what became of it."""
        try:
            with sandbox.change(sandbox.url_for(request)) as call:
                intent = _shown(call, intent_id, client_secret)
        except Refusal as refusal:
            return _refused(refusal)
        back = _way_back(intent, return_url)
        stands = {"payable": intent["status"] in OPEN[:2], "done": intent["status"] in DONE}
        return _page("pay.html", intent=intent, cards=CARDS, back=back, return_url=return_url, **stands)

    @router.post("/pay/{intent_id}")
    async def confirm_by_hand(
        request: Request,
        intent_id: str,
        client_secret: Annotated[str, Form()],
        card: Annotated[str, Form()],
        return_url: Annotated[str, Form()] = "",
    ) -> Response:
        """Confirm as the customer's client would; whatever comes of it is told by the page that follows."""
        here = f"/pay/{intent_id}?{urlencode({'client_secret': client_secret, 'return_url': return_url})}"
        tree: dict[str, Any] = {"client_secret": client_secret, "return_url": sandbox.url_for(request) + here}
        tree["payment_method"] = BY_NUMBER[card].names[0] if card in BY_NUMBER else card
        try:
            with sandbox.change(sandbox.url_for(request), tree=tree, by_customer=True) as call:
                intent = _confirmed(sandbox, call, intent_id)
        except Refusal as refusal:
            return _refused(refusal)
        action = intent["next_action"]
        return RedirectResponse(action["redirect_to_url"]["url"] if action else here, status_code=303)


def _confirmed(sandbox: Sandbox, call: Any, intent_id: str) -> Document:
    """A declined card is a result here, which the page shows."""
    try:
        with sandbox.store.attempt():
            return (setup.confirm if _keeps(intent_id) else confirmation.confirm)(call, intent_id)
    except Refusal as refusal:
        if not refusal.keeps_effects:
            raise
        left = refusal.error["setup_intent" if _keeps(intent_id) else "payment_intent"]
        return {**left, "next_action": None}


def _add_authentication(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/pay/{intent_id}/authenticate")
    async def ask(request: Request, intent_id: str, client_secret: str = "") -> HTMLResponse:
        """The page of the customer's bank."""
        try:
            with sandbox.change(sandbox.url_for(request)) as call:
                intent = _shown(call, intent_id, client_secret)
        except Refusal as refusal:
            return _refused(refusal)
        return _page("authenticate.html", intent=intent, waiting=intent["status"] == "requires_action")

    @router.post("/pay/{intent_id}/authenticate")
    async def answer(
        request: Request, intent_id: str, client_secret: Annotated[str, Form()], outcome: Annotated[str, Form()]
    ) -> Response:
        try:
            with sandbox.change(sandbox.url_for(request)) as call:
                before = _shown(call, intent_id, client_secret)
                action = (before["next_action"] or {}).get("redirect_to_url")
                said = setup.authenticate if _keeps(intent_id) else confirmation.authenticate
                intent = said(call, before, outcome == "complete")
        except Refusal as refusal:
            return _refused(refusal)
        back = _way_back(intent, action["return_url"]) if action else None
        here = f"/pay/{intent_id}?{urlencode({'client_secret': client_secret})}"
        return RedirectResponse(back or here, status_code=303)


def _add_onboarding(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/onboarding/{link_id}")
    async def ask(link_id: str) -> Response:
        """Where somebody who is to be paid says who they are. A link that is too old leads to where another is made."""
        try:
            with sandbox.change() as call:
                link = call.load("account_link", link_id)
                account = call.load("account", link["account"])
        except Refusal as refusal:
            return _refused(refusal)
        if sandbox.clock.now() >= link["expires_at"]:
            return RedirectResponse(link["refresh_url"], status_code=303)
        return _page("onboarding.html", account=account, link=link)

    @router.post("/onboarding/{link_id}")
    async def answer(link_id: str, outcome: Annotated[str, Form()]) -> Response:
        try:
            with sandbox.change() as call:
                link = call.load("account_link", link_id)
                onboard(call, link["account"], complete=outcome == "complete")
        except Refusal as refusal:
            return _refused(refusal)
        return RedirectResponse(link["return_url"], status_code=303)


def _add_disputes(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/disputes")
    async def disputes() -> HTMLResponse:
        """What Stripe's dashboard shows of disputes, and where evidence is handed in there."""
        newest = sandbox.store.newest("dispute", SHOWN_AT_MOST)
        return _page("disputes.html", disputes=newest, open=dispute.OPEN, day=_day)

    @router.post("/disputes/{dispute_id}")
    async def hand_in(dispute_id: str, evidence: Annotated[str, Form()] = "") -> Response:
        """Evidence decides by its words; none accepts the dispute."""
        tree = {"evidence": {"uncategorized_text": evidence}} if evidence else {}
        try:
            with sandbox.change(tree=tree) as call:
                (dispute.update if evidence else dispute.close)(call, dispute_id)
        except Refusal as refusal:
            return _refused(refusal)
        return RedirectResponse("/disputes", status_code=303)


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"

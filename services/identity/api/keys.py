"""The public keys of access tokens."""

from fastapi import Request, Response

from shared.http import router as new_router

from ..keys import SigningKeys
from ..schemas.keys import KeySetView

router = new_router("identity", "keys")


@router.get("/.well-known/jwks.json", response_model=KeySetView)
async def key_set(request: Request, response: Response) -> KeySetView:
    """The public keys of access tokens (RFC 7517)."""
    keys: SigningKeys = request.app.state.signing_keys
    response.headers["Cache-Control"] = "public, max-age=60"
    return KeySetView.model_validate(keys.public())

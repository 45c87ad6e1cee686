"""Answers that are the same for everybody: they may be kept for a moment, and asked for by their tag."""

from hashlib import sha256

from fastapi import Request, Response

from shared.http import View

MAX_AGE = 2  # seconds; a price change is to be seen within five, through the gateway's cache and the client's


def public(request: Request, view: View) -> Response:
    """The view as JSON with an ETag of its content; 304 with no body if the caller has exactly that."""
    body = view.model_dump_json().encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE}", "Vary": "Authorization, Cookie"}
    known = [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)

"""The key set as it is published (RFC 7517)."""

from shared.http import View


class KeyView(View):
    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeySetView(View):
    keys: list[KeyView]

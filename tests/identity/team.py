"""A team of everybody: Ada owns Shine, Mia manages it, Tom works there; Eve owns another shop, Ian none yet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select

from services.identity.domain.account import AffiliateUser, User, UserRole
from shared.auth import Actor, Role
from shared.db import Database
from shared.testing.plugin import Headers
from shared.testing.tokens import SUPPORT

SHINE, GLOSS = 31, 32
PLACES = {
    "ada": {SHINE: Role.OWNER},
    "mia": {SHINE: Role.MANAGER},
    "tom": {SHINE: Role.TECHNICIAN},
    "eve": {GLOSS: Role.OWNER},
    "ian": {},
}
As = Callable[[Actor], Headers]


@dataclass
class Team:
    """`as_("mia")` are the headers of her token, issued with the roles that she began with."""

    client: httpx.AsyncClient
    database: Database
    sign: As
    ids: dict[str, int]

    @classmethod
    async def gather(cls, client: httpx.AsyncClient, database: Database, sign: As) -> "Team":
        team = cls(client, database, sign, {})
        async with database.begin() as session:
            for name, places in PLACES.items():
                user = User(
                    email=f"{name}@example.com", role=UserRole.AFFILIATE, full_name=name.title(), locale="en-US",
                    timezone="America/Chicago",
                )  # fmt: skip
                session.add(user)
                await session.flush()
                session.add_all(AffiliateUser(affiliate_id=id, user_id=user.id, role=r) for id, r in places.items())
                team.ids[name] = user.id
        return team

    def as_(self, name: str) -> Headers:
        if name == "support":
            return self.sign(SUPPORT)
        return self.sign(Actor(user_id=self.ids[name], affiliates=PLACES[name]))

    async def ask(self, name: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content = {} if body is None else {"json": body}
        return await self.client.request(method, f"/identity/v1{path}", headers=self.as_(name) | headers, **content)

    async def give(self, by: str, to: str, role: str, **headers: str) -> httpx.Response:
        return await self.ask(by, "PATCH", f"/affiliates/{SHINE}/members/{self.ids[to]}", {"role": role}, **headers)

    async def remove(self, by: str, whom: str, **headers: str) -> httpx.Response:
        return await self.ask(by, "DELETE", f"/affiliates/{SHINE}/members/{self.ids[whom]}", **headers)

    async def hand_over(self, by: str, to: str) -> httpx.Response:
        return await self.ask(by, "POST", f"/affiliates/{SHINE}/handover", {"user_id": self.ids[to]})

    async def invite(self, by: str, email: str, role: str = "technician") -> httpx.Response:
        return await self.ask(by, "POST", f"/affiliates/{SHINE}/invitations", {"email": email, "role": role})

    async def accept(self, by: str, secret: str) -> httpx.Response:
        return await self.ask(by, "POST", "/invitations/accept", {"token": secret})

    async def now(self) -> dict[str, Role]:
        """Who works for Shine by now, by name."""
        names = {id: name for name, id in self.ids.items()}
        works = select(AffiliateUser).where(AffiliateUser.affiliate_id == SHINE, AffiliateUser.removed_at.is_(None))
        async with self.database.begin() as session:
            return {names[m.user_id]: m.role for m in await session.scalars(works.order_by(AffiliateUser.id))}

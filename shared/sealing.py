"""Personal fields of the audit trail, sealed with a key per person: who deletes the key erases what it sealed.

`business_events` is append-only, so nothing in it can be taken back. The fields that a contract marks PERSONAL are
therefore not in its `payload` but in `sealed` (AES-256-GCM; event id and type are authenticated with them), and the
32 bytes that open them are a row of `person_keys`, which can go. The relay opens them again before it publishes.

Keys are kept in memory for a while, so that a warm request needs no statement for them. One that was deleted meanwhile
brings nothing back: what it seals from then on nobody can open, and `erased_people` keeps a new one from being made.
"""

import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary, bindparam, event, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from shared.events import CONTRACTS

FORMAT = b"\x01"
NONCE = 12  # bytes
MOST_KEYS, KEPT = 10_000, 600.0  # in the memory of one process; seconds

RING, FETCHED = "key_ring", "keys_of_this_transaction"  # in `Session.info`

# One statement; a key that another transaction makes at this moment is there when the statement is sent once more.
KEYS = """
with wanted as ({wanted}),
     gone as (select e.person from erased_people e join wanted using (person)),
     made as (
    insert into person_keys (person, key)
    select w.person, w.key from wanted w
     where not exists (select from gone where gone.person = w.person)
       and not exists (select from person_keys k where k.person = w.person)
     order by w.person
        on conflict (person) do nothing
    returning person, key
)
select person, key from made
 union all
select k.person, k.key from person_keys k join wanted using (person)
 union all
select person, null from gone"""
# Nearly always it is one. For a list of any length PostgreSQL would plan each time, which takes longer than the rest.
KEY_OF_ONE = text(KEYS.format(wanted="select :person as person, :key as key")).bindparams(
    bindparam("person", type_=String), bindparam("key", type_=LargeBinary)
)
KEYS_OF_MANY = text(KEYS.format(wanted="select * from unnest(:people, :keys) as w (person, key)")).bindparams(
    bindparam("people", type_=ARRAY(String)), bindparam("keys", type_=ARRAY(LargeBinary))
)


class Tampered(Exception):
    """What was sealed is not what is there now, or belongs to another event."""


class KeyRing:
    """The keys that one process has at hand for one database, only such as were committed."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def get(self, person: str) -> bytes | None:
        key, until = self._keys.get(person, (None, 0.0))
        return key if until > time.monotonic() else None

    def keep(self, keys: Mapping[str, bytes]) -> None:
        for person, key in keys.items():
            self._keys[person] = (key, time.monotonic() + KEPT)
            self._keys.move_to_end(person)
        while len(self._keys) > MOST_KEYS:
            self._keys.popitem(last=False)


def keys_of(session: Session, people: Iterable[str]) -> dict[str, bytes | None]:
    """Each one's key, made if they have none; None for whoever was erased. No statement if all are at hand."""
    ring: KeyRing = session.info.setdefault(RING, KeyRing())
    fetched: dict[str, bytes] = session.info.setdefault(FETCHED, {})
    found: dict[str, bytes | None] = {person: fetched.get(person) or ring.get(person) for person in people}
    missing = sorted(person for person, key in found.items() if key is None)
    while missing:
        told = _asked_for(session, missing)
        found |= told
        fetched |= {person: key for person, key in told.items() if key is not None}
        missing = [person for person in missing if person not in told]
    return found


def _asked_for(session: Session, people: list[str]) -> dict[str, bytes | None]:
    new = [secrets.token_bytes(32) for _ in people]
    if len(people) == 1:
        found = session.execute(KEY_OF_ONE, {"person": people[0], "key": new[0]})
    else:
        found = session.execute(KEYS_OF_MANY, {"people": people, "keys": new})
    return dict(found.all())


@event.listens_for(Session, "after_commit")
def _keep_keys(session: Session) -> None:
    if not session.in_nested_transaction() and (fetched := session.info.pop(FETCHED, None)):
        session.info[RING].keep(fetched)


@event.listens_for(Session, "after_soft_rollback")
def _forget_keys(session: Session, _: Any) -> None:
    """Of a savepoint, too: a key that was made in it is gone with it."""
    session.info.pop(FETCHED, None)


def seal(key: bytes, event_id: UUID, type: str, fields: dict[str, Any]) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, json.dumps(fields).encode(), _bound_to(event_id, type))


def unseal(key: bytes, event_id: UUID, type: str, sealed: bytes) -> dict[str, Any]:
    start = len(FORMAT) + NONCE
    try:
        opened = AESGCM(key).decrypt(sealed[len(FORMAT) : start], sealed[start:], _bound_to(event_id, type))
    except (InvalidTag, ValueError) as error:
        raise Tampered(f"event {event_id}") from error
    fields: dict[str, Any] = json.loads(opened)
    return fields


def whole(
    payload: dict[str, Any], sealed: bytes | None, key: bytes | None, event_id: UUID, type: str
) -> dict[str, Any]:
    """An event's body as it was told; without the key, with the erased values in place of what was sealed."""
    if sealed is None:
        return payload
    if key is not None:
        return payload | unseal(key, event_id, type, sealed)
    return (CONTRACTS[type].erased() if type in CONTRACTS else {}) | payload


def _bound_to(event_id: UUID, type: str) -> bytes:
    return f"{event_id} {type}".encode()

"""Using up allowances, in one statement: it counts, judges, and is decided by the database's clock.

The row lock of `on conflict do update` makes parallel attempts wait for each other, whatever process they come to.
Addresses go first: what comes from an address that may not try uses up nobody else's allowance. Rows are locked in the
order of their names, so that no two statements wait for each other in a circle.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.limits import Allowance, Per, Standing, hidden, network_of

# Strikes: how many times in a row an allowance was used up; `counted.all`: this attempt uses it up.
COUNTED = """
insert into attempts as known (
    name, key, used, most, lasts, longest, renews_at, forgotten_at, forgiven_at, created_at, updated_at)
select name, key, 1, most, lasts, longest, at + lasts, at + lasts + longest, forgiven_at, at, at
  from asked where {which} order by name
on conflict on constraint pk_attempts do update
set (used, strikes, renews_at, forgotten_at, most, lasts, longest, forgiven_at, updated_at) = (
    select counted.used, struck.strikes + counted.all, renewed.at, renewed.at + excluded.longest,
           excluded.most, excluded.lasts, excluded.longest, excluded.forgiven_at, excluded.updated_at
      from (select coalesce(known.updated_at <= excluded.forgiven_at, false) as forgiven) as was
cross join lateral (
    select was.forgiven or known.renews_at <= excluded.updated_at as anew) as begins
cross join lateral (
    select case when was.forgiven or known.forgotten_at <= excluded.updated_at then 0
                else known.strikes end as strikes) as struck
cross join lateral (
    select next.used, (next.used = excluded.most)::int as all
    from (select case when begins.anew then 1 else least(known.used, excluded.most) + 1 end as used) as next) as counted
cross join lateral (
    select case when begins.anew then excluded.renews_at else known.renews_at end as at) as usual
cross join lateral (
    select greatest(usual.at, case when counted.all = 1 then excluded.updated_at
        + least(excluded.longest, excluded.lasts * 2 ^ least(struck.strikes, 20)) end) as at) as renewed)
returning used, most, ceil(extract(epoch from renews_at - updated_at))::int as renews_in"""

SIGNED_IN_FROM_HERE = """
select last.created_at from users u cross join lateral (
    select created_at from refresh_tokens
     where user_id = u.id and network_of(address) = network_of(:address) and replaces_id is null
     order by created_at desc limit 1) as last
 where lower(u.email) = lower(:account) and u.deleted_at is null"""

MAY_TRY = "(select coalesce(bool_and(used <= most), true) from of_address)"

SPEND = text(f"""
with here as materialized (select ({SIGNED_IN_FROM_HERE}) as since),
asked as materialized (
    select name, per_address, most, make_interval(secs => lasts) as lasts, make_interval(secs => longest) as longest,
           case when known_apart and here.since is not null then key_here else key end as key,
           case when known_apart then here.since end as forgiven_at, statement_timestamp() as at
      from unnest(cast(:names as text[]), cast(:per_address as bool[]), cast(:most as int[]), cast(:lasts as float[]),
                  cast(:longest as float[]), cast(:keys as bytea[]), cast(:keys_here as bytea[]),
                  cast(:known_apart as bool[]))
           as wanted (name, per_address, most, lasts, longest, key, key_here, known_apart), here),
of_address as ({COUNTED.format(which="per_address")}),
of_subject as ({COUNTED.format(which=f"not per_address and {MAY_TRY}")})
select * from of_address union all select * from of_subject""")  # noqa: S608

FORGET = text("""
delete from attempts where ctid = any(array(
    select ctid from attempts where forgotten_at < now() limit :at_once for update skip locked))""")


async def use_up(
    session: AsyncSession, allowances: Sequence[Allowance], *, address: str | None, subject: str, times: int
) -> list[Standing]:
    """One attempt of each, and where they stand then; only those of the address if it may not try."""
    network = network_of(address)
    of = [network if a.per is Per.ADDRESS else subject for a in allowances]
    values = {
        "names": [a.name for a in allowances],
        "per_address": [a.per is Per.ADDRESS for a in allowances],
        "most": [a.many * times for a in allowances],
        "lasts": [a.within.total_seconds() for a in allowances],
        "longest": [a.longest.total_seconds() for a in allowances],
        "keys": [hidden(a.name, whose) for a, whose in zip(allowances, of, strict=True)],
        "keys_here": [hidden(a.name, whose, network) for a, whose in zip(allowances, of, strict=True)],
        "known_apart": [a.known_apart for a in allowances],
        "account": subject if any(a.known_apart for a in allowances) else None,
        "address": address,
    }
    return [Standing(*row) for row in (await session.execute(SPEND, values)).all()]


async def forget_attempts(session: AsyncSession, at_once: int) -> int:
    """Delete so many rows that mean nothing any more, at most; says how many there were."""
    return (await session.execute(FORGET, {"at_once": at_once})).rowcount  # type: ignore[attr-defined,no-any-return]

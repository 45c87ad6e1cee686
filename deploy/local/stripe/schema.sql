-- Every resource as the JSON that Stripe would answer, beside the columns that lists filter by.
create table if not exists objects (
    seq integer primary key autoincrement,
    id text not null unique,
    object text not null,
    created integer not null,
    status text,
    type text,
    payment_intent text,
    charge text,
    customer text,
    source text,
    email text,
    destination text,
    transfer_group text,
    transfer text,
    body text not null
) strict;
create index if not exists objects_by_kind on objects (object, seq);
create index if not exists objects_by_payment_intent on objects (payment_intent, object);
create index if not exists objects_by_charge on objects (charge, object);
create index if not exists objects_by_transfer_group on objects (transfer_group, object);
create index if not exists objects_by_transfer on objects (transfer, object);
create index if not exists objects_by_status on objects (status, object);

-- What money did. Only ever added to, and written apart from the resources, so that a checker can compare the two.
create table if not exists movements (
    seq integer primary key autoincrement,
    kind text not null check (kind in ('authorization', 'charge', 'release', 'refund', 'dispute', 'dispute_reversal')),
    payment_intent text not null,
    charge text not null,
    refund text,
    dispute text,
    amount integer not null check (amount > 0),
    currency text not null,
    created integer not null,
    request_id text,
    idempotency_key text
) strict;
create index if not exists movements_by_payment_intent on movements (payment_intent);

-- What connected accounts were given, likewise.
create table if not exists transferred (
    seq integer primary key autoincrement,
    transfer text not null unique,
    destination text not null,
    transfer_group text,
    amount integer not null check (amount > 0),
    currency text not null,
    created integer not null,
    request_id text,
    idempotency_key text
) strict;

create table if not exists idempotency_keys (
    key text primary key,
    method text not null,
    path text not null,
    fingerprint text not null,
    request_id text not null,
    status integer not null,
    body text not null,
    created integer not null
) strict;
create index if not exists idempotency_keys_by_age on idempotency_keys (created);

create table if not exists deliveries (
    id integer primary key autoincrement,
    event text not null,
    type text not null,
    state text not null default 'pending' check (state in ('pending', 'held', 'delivered', 'abandoned')),
    attempts integer not null default 0,
    due real not null,
    skew integer not null default 0,
    tampered integer not null default 0,
    last_status integer,
    last_error text,
    created real not null,
    delivered real
) strict;
create index if not exists deliveries_by_due on deliveries (due) where state = 'pending';
create index if not exists deliveries_by_event on deliveries (event);

create table if not exists controls (
    name text primary key,
    body text not null
) strict;

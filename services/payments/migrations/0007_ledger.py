"""The ledger: double entry, append-only; a payment's tax."""

from shared.migrations import platform

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payments add column tax_cents bigint not null default 0;
alter table payments add constraint ck_payments_parts
    check (tax_cents >= 0 and commission_cents + tax_cents <= amount_cents);

create table journals (
    id bigint generated always as identity primary key,
    fact varchar(200) not null constraint uq_journals_fact unique,
    payment_id bigint references payments (id),
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz not null default now()
);
create index idx_journals_payment on journals (payment_id);

create table postings (
    id bigint generated always as identity primary key,
    journal_id bigint not null references journals (id),
    account varchar(50) not null check (account in ('customer_receivable', 'provider_clearing', 'affiliate_payable',
        'commission', 'tax', 'tips', 'provider_fees', 'refunds', 'disputes')),
    affiliate_id bigint,
    amount_cents bigint not null check (amount_cents <> 0),
    created_at timestamptz not null default now(),
    constraint ck_postings_whose check ((affiliate_id is not null) = (account = 'affiliate_payable'))
);
create index idx_postings_journal on postings (journal_id);
create index idx_postings_affiliate on postings (affiliate_id) where affiliate_id is not null;

-- At the commit, whoever wrote what: a journal that does not add up to nothing does not exist.
create function must_balance() returns trigger language plpgsql as $$
begin
    if (select coalesce(sum(amount_cents), 1) from postings where journal_id = new.journal_id) <> 0 then
        raise exception 'journal % does not balance', new.journal_id
            using errcode = 'check_violation', constraint = 'ck_journals_balance';
    end if;
    return null;
end $$;
create constraint trigger must_balance after insert on postings
    deferrable initially deferred for each row execute function must_balance();

revoke update, delete, truncate on journals, postings from payments;
""")

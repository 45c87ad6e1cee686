"""Zip codes that an affiliate comes to beside its radius."""

from shared.migrations import platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table service_area_zips (
    id bigint generated always as identity primary key,
    affiliate_id bigint not null references affiliates (id),
    zip varchar(10) not null,
    created_at timestamptz not null default now(),
    constraint uq_service_area_zips unique (affiliate_id, zip)
);
create index idx_service_area_zips_zip on service_area_zips (zip, affiliate_id);
alter table affiliates add constraint ck_affiliates_service_radius
    check (service_radius_m = 0 or service_radius_m between 1000 and 200000);
alter table affiliates drop constraint affiliates_service_radius_m_check;
""")

-- The statements of one booking, as the service sends them, for pgbench: `affiliate` (0: another at each turn) and
-- `first`, ids of the bench, and `at`, the hour at which its bookings begin, come from the command line.
\set n :n + 1
\set turn :n * 16 + :client_id
\set affiliate case when :hot > 0 then :hot else :turn % 200 + 1 end
\set id :first + :affiliate
\set hour :after + case when :hot > 0 then :turn else :turn / 200 end
\set customer :first + 5000000 + :run * 100000 + :turn
begin;
select mine, k.* from (select pg_try_advisory_xact_lock(hashtextextended('idempotency user:' || :customer, 0)) as mine) one
  left join idempotency_keys k on k.owner = 'user:' || :customer and k.key = 'bench';
select pg_advisory_xact_lock(hashtextextended('affiliate ' || affiliate_id, 0)),
       pg_advisory_xact_lock(hashtextextended('customer ' || :customer, 0)) from tiers where tier_id = :id;
select t.*, a.*, p.*, l.rules, clock_timestamp(), s.*,
       (select count(*) from bookings
         where customer_id = :customer and status in ('requested', 'held') and hold_expires_at > clock_timestamp()),
       exists (select from erased_people where person = 'customer:' || :customer)
  from tiers t join affiliates a on a.affiliate_id = t.affiliate_id join platform_config p on p.config_id = 1
  left join price_lists l on l.affiliate_id = t.affiliate_id
  left join schedule_settings s on s.affiliate_id = t.affiliate_id
 where t.tier_id = :id;
select c.*, (select array_agg(row(h.*)) from (
           select 'weekly', opens_minute, closes_minute, weekday, null::date, null::date, crew_id, zips, near_zip,
                  near_radius_m
             from availability where affiliate_id = c.affiliate_id
            union all
           select kind, from_minute, to_minute, null::bigint, first_day, last_day, crew_id, '{}'::varchar[], null,
                  null::bigint
             from availability_exceptions
            where affiliate_id = c.affiliate_id and last_day >= first_at::date and first_day <= last_at::date) h),
       taken.*
  from crews c
  join lateral (select date_trunc('day', now()) + (:hour - 24) * interval '1 hour' as first_at,
                       date_trunc('day', now()) + (:hour + 48) * interval '1 hour' as last_at) around on true
  join lateral (
       select array_agg(id), array_agg(starts), array_agg(ends), array_agg(lapsed), array_agg(done),
              array_agg(appointment_start), array_agg(appointment_end), array_agg(zip) from (
           select id, lower(blocked) as starts, upper(blocked) as ends,
                  status in ('requested', 'held') and hold_expires_at <= clock_timestamp() as lapsed, false as done,
                  appointment_start, appointment_end, zip
             from bookings
            where crew_id = c.id and status in ('held', 'confirmed', 'en_route', 'in_progress')
              and blocked && tstzrange(first_at, last_at, '[)')
            union all
           select id, lower(blocked), upper(blocked), false, true, appointment_start, appointment_end, zip
             from bookings
            where affiliate_id = c.affiliate_id and crew_id = c.id and status = 'completed'
              and appointment_start >= first_at and appointment_start < least(last_at, now() + interval '1 day')
            union all
           select null, lower(during), upper(during), false, false, null, null, null
             from external_busy where crew_id = c.id and during && tstzrange(first_at, last_at, '[)')) t) taken on true
 where c.affiliate_id = any(array[:id]::bigint[]) and c.active order by c.id;
insert into bookings (customer_id, affiliate_id, crew_id, service_id, tier_id, service_name, tier_name, status,
    appointment_start, appointment_end, blocked, timezone, address, zip, price_cents, commission_cents, currency,
    lines, size_class, condition, free_until, late_fee_cents, hold_expires_at)
select :customer, :id, c.id, :id, :id, 'Full detail', 'Classic', 'held', at, at + interval '1 hour',
       tstzrange(at, at + interval '1 hour', '[)'), 'America/New_York', '1 Main Street', '10001', 5900, 885, 'USD',
       '[{"kind": "service", "label": "Classic", "add_on_id": null, "amount_cents": 5900}]', 'sedan', 'normal',
       at - interval '1 day', 2950, now() + interval '10 minutes'
  from crews c, lateral (select date_trunc('hour', now()) + :hour * interval '1 hour' as at) as time
 where c.affiliate_id = :id
returning id as booking_id \gset
with wanted as (select 'customer:' || :customer as person),
     gone as (select e.person from erased_people e join wanted using (person)),
     made as (
    insert into person_keys (person, key)
    select w.person, sha256(w.person::bytea) from wanted w
     where not exists (select from gone where gone.person = w.person)
       and not exists (select from person_keys k where k.person = w.person)
        on conflict (person) do nothing
    returning person, key
)
select person, key from made union all select k.person, k.key from person_keys k join wanted using (person)
 union all select person, null from gone;
insert into idempotency_keys (owner, key, request_hash, status, headers, body)
values ('user:' || :customer, 'bench', repeat('0', 64), 201, '{"etag": "\"1\""}', repeat('0', 640)::bytea);
insert into business_events (event_id, type, aggregate_type, aggregate_id, aggregate_version, payload, actor,
    correlation_id)
select gen_random_uuid(), 'booking.held.v1', 'booking', b.id, 1,
       jsonb_build_object('booking_id', b.id, 'version', 1, 'customer_id', customer_id, 'affiliate_id', affiliate_id,
           'crew_id', crew_id, 'service_id', service_id, 'tier_id', tier_id, 'service_name', service_name,
           'tier_name', tier_name, 'status', status, 'appointment_start', appointment_start,
           'appointment_end', appointment_end, 'timezone', timezone, 'address', address, 'zip', zip,
           'price_cents', price_cents, 'commission_cents', commission_cents, 'currency', currency,
           'lines', lines, 'tax_cents', tax_cents, 'size_class', size_class, 'condition', condition, 'promotion_id', promotion_id,
           'hold_expires_at', hold_expires_at), 'user:' || :customer, 'bench'
  from bookings b where id = :booking_id
returning id;
commit;

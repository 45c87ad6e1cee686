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
select t.*, a.*, p.*, l.rules, clock_timestamp(),
       (select count(*) from bookings
         where customer_id = :customer and status = 'held' and hold_expires_at > clock_timestamp())
  from tiers t join affiliates a on a.affiliate_id = t.affiliate_id join platform_config p on p.config_id = 1
  left join price_lists l on l.affiliate_id = t.affiliate_id
 where t.tier_id = :id;
select * from availability where affiliate_id = :id order by weekday, opens_minute;
select c.*, b.id, lower(b.blocked), upper(b.blocked), b.status = 'held' and b.hold_expires_at <= clock_timestamp()
  from crews c left join bookings b on b.crew_id = c.id and b.status in ('held', 'confirmed')
       and b.blocked && tstzrange(date_trunc('day', now()) + (:hour - 24) * interval '1 hour',
                                  date_trunc('day', now()) + (:hour + 48) * interval '1 hour', '[)')
 where c.affiliate_id = :id and c.active order by c.id;
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

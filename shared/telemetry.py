"""Metrics for Prometheus, and traces (OpenTelemetry) over HTTP and AMQP when MDH_OTLP_ENDPOINT says where to."""

from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("mdh_messages_handled_total", "Messages consumed", ["queue", "event", "outcome"])
HANDLING = Histogram("mdh_message_handling_seconds", "Time to handle a message", ["queue"])
DEAD = Counter("mdh_messages_dead_total", "Messages given up", ["queue"])
PUBLISHED = Counter("mdh_events_published_total", "Events confirmed by the broker", ["event"])
UNROUTABLE = Counter("mdh_events_unroutable_total", "Events that no queue takes", ["service", "event"])
OUTBOX_SIZE = Gauge("mdh_outbox_size", "Events not yet confirmed by the broker", ["service"])
OUTBOX_AGE = Gauge("mdh_outbox_age_seconds", "Age of the oldest event not yet confirmed", ["service"])
QUEUE_MESSAGES = Gauge(
    "mdh_queue_messages", "Messages waiting (consumer lag; dead letters in <service>.dead)", ["queue"]
)
QUEUE_CONSUMERS = Gauge("mdh_queue_consumers", "Consumers of a queue; none for long is an alarm", ["queue"])
JOBS = Counter("mdh_job_runs_total", "Runs of jobs", ["service", "job", "outcome"])
TASKS = Counter("mdh_task_calls_total", "Calls to the outside", ["service", "task", "outcome"])
TASKS_WAITING = Gauge("mdh_tasks_waiting", "Calls to the outside that are due or given up", ["service", "state"])
REQUESTS = Histogram(
    "mdh_http_request_seconds",
    "Time to answer a request",
    ["service", "method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def trace_to(endpoint: str | None, service: str) -> None:
    """Export spans of this process; without an endpoint the API's no-op tracer stays and costs next to nothing."""
    if endpoint is None:
        return
    # Imported only where it is used: a fifth of a second of every start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)

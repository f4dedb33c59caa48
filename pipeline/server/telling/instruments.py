"""Figures that are told twice: to Prometheus, in a registry of the server's own, and to OpenTelemetry, by its interface
alone. Each is declared once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PREFIX = "superego"


class Counted:
    """What only grows."""

    def __init__(self, ours: Counter, theirs: metrics.Counter, labels: Sequence[str]) -> None:
        self._ours = ours
        self._theirs = theirs
        self._labels = tuple(labels)

    def add(self, *values: str, by: int = 1) -> None:
        self._ours.labels(*values).inc(by)
        self._theirs.add(by, dict(zip(self._labels, values, strict=True)))


class Spread:
    """What is measured, in ranges up to the bounds."""

    def __init__(self, ours: Histogram, theirs: metrics.Histogram, labels: Sequence[str]) -> None:
        self._ours = ours
        self._theirs = theirs
        self._labels = tuple(labels)

    def measured(self, value: float, *values: str) -> None:
        self._ours.labels(*values).observe(value)
        self._theirs.record(value, dict(zip(self._labels, values, strict=True)))


class Instruments:
    """Makes them. What is `superego_requests_total{path}` for the one is `superego.requests` for the other."""

    def __init__(self, registry: CollectorRegistry, meter: Meter) -> None:
        self._registry = registry
        self._meter = meter

    def counted(self, name: str, what: str, labels: Sequence[str]) -> Counted:
        return Counted(
            Counter(f"{_PREFIX}_{name}", what, labels, registry=self._registry),  # the library appends _total
            self._meter.create_counter(f"{_PREFIX}.{name}", description=what),
            labels,
        )

    def spread(
        self, name: str, what: str, labels: Sequence[str], bounds: Sequence[float], *, unit: str = ""
    ) -> Spread:  # fmt: skip
        return Spread(
            Histogram(f"{_PREFIX}_{name}", what, labels, buckets=bounds, registry=self._registry),
            self._meter.create_histogram(
                f"{_PREFIX}.{name}", unit, what, explicit_bucket_boundaries_advisory=list(bounds)
            ),
            labels,
        )

    def level(self, name: str, what: str, now: Callable[[], int]) -> None:
        """What is looked up whenever somebody asks."""

        def observed(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(now())]

        Gauge(f"{_PREFIX}_{name}", what, registry=self._registry).set_function(now)
        self._meter.create_observable_gauge(f"{_PREFIX}.{name}", [observed], description=what)

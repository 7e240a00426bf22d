"""Counters of the server, for `/metrics`: requests, their time, searches without an answer, events."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from whybuy.records import Answer

COUNTERS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # set before the start: the counters of all processes meet there
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class ServerMetrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "whybuy_requests_total", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "whybuy_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._searches = Counter("whybuy_searches_total", "Searches.", ["ranker"], registry=self._registry)
        self._empty_searches = Counter(
            "whybuy_empty_searches_total", "Searches that found nothing.", ["ranker"], registry=self._registry
        )
        self._stages = Counter("whybuy_hits_total", "Hits shown, by the stage.", ["stage"], registry=self._registry)
        self._events = Counter("whybuy_events_total", "Events received.", ["outcome"], registry=self._registry)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_search(self, ranker: str, answer: Answer) -> None:
        """Count one search and the stages that its hits came from."""
        self._searches.labels(ranker).inc()
        if not answer.total:
            self._empty_searches.labels(ranker).inc()
        for hit in answer.hits:
            self._stages.labels(hit.source).inc()

    def count_events(self, accepted: int, rejected: int) -> None:
        """Count the events of one delivery."""
        self._events.labels("accepted").inc(accepted)
        self._events.labels("rejected").inc(rejected)

    def text(self) -> bytes:
        """All counters in the Prometheus text format, summed over the processes where there are several."""
        if COUNTERS_FOLDER not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)

"""Figures of the running site, as Prometheus reads them: how many requests, how long, which jobs.

Clause T3 is kept by what there is to count by: the names of views and tasks, which are code, the
methods of HTTP and statuses. There is no label that a path, a company or a person could get into.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts import gate

METHODS: Final = frozenset(("GET", "HEAD", "POST"))
OTHER: Final = "other"  # whatever else somebody types for a method
NO_VIEW: Final = "none"  # files, and paths that lead nowhere

REQUESTS: Final = Histogram(
    "covenant_request_seconds",
    "How long answers took, by the name of the view.",
    ("view", "method", "status"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class MetricsMiddleware:
    """Counts every answer; the outermost, so that it times all the others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = self.get_response(request)
        count(request, response.status_code, time.monotonic() - began)
        return response


def count(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    method = request.method if request.method in METHODS else OTHER
    REQUESTS.labels(match.view_name if match else NO_VIEW, method, status).observe(seconds)


class Jobs(Collector):
    """The jobs in the database, by task and state."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = GaugeMetricFamily(
            "covenant_jobs", "Jobs by task and state.", labels=("task", "state")
        )
        for task, state, number in gate.job_counts():
            found.add_metric((task, state), number)
        yield found


def told() -> bytes:
    """All of it as text: of every worker of gunicorn's, where it serves."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
    else:
        registry.register(REQUESTS)
    registry.register(Jobs())
    return generate_latest(registry)

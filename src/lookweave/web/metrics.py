"""`/metrics`: numbers about the server, as Prometheus reads them."""

from __future__ import annotations

import time
from collections import Counter as Count
from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookweave.web.builds import Builds
from lookweave.web.rights import Rights
from lookweave.web.site import Site

SCOPE = "metrics"
"""Of the tokens that open it where there are users."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATES = ("none", "running", "finished", "failed", "stopped", "killed")

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Requests, decisions, queues, the build."""
    content = generate_latest(request.app.state.metrics.registry)
    return Response(content, headers={"content-type": CONTENT_TYPE_LATEST})


class Metrics:
    """The numbers of one application."""

    def __init__(self, site: Site, builds: Builds) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "lookweave_requests", "Requests that were answered.", ["method", "route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "lookweave_request_seconds", "Until the whole answer was sent.", ["method", "route"],
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip
        ProcessCollector(registry=self.registry)
        self.registry.register(_Workspace(site, builds))


class _Workspace(Collector):
    """What is counted when somebody asks."""

    def __init__(self, site: Site, builds: Builds) -> None:
        self._site, self._builds = site, builds

    def describe(self) -> list[Metric]:
        return []  # so that registering reads no workspace

    def collect(self) -> Iterator[Metric]:
        decisions = CounterMetricFamily(
            "lookweave_decisions", "Events of the journal.", labels=["kind", "verdict"]
        )
        counted = Count((one.kind, one.verdict or "") for one in self._site.journal.events())
        for labels, number in sorted(counted.items()):
            decisions.add_metric(labels, number)
        yield decisions
        waiting = GaugeMetricFamily(
            "lookweave_queue_pairs", "Pairs that wait in a queue of the desk.", labels=["queue"]
        )
        for queue, number in self._site.desk("").sizes().items():
            waiting.add_metric([queue], number)
        yield waiting
        told = self._builds.told()
        state = GaugeMetricFamily(
            "lookweave_build_state", "1 for the state that the last build is in.", labels=["state"]
        )
        for one in _STATES:
            state.add_metric([one], float(one == told.state))
        yield state
        yield GaugeMetricFamily(
            "lookweave_build_seconds", "Since it began, or that it took.", value=told.seconds
        )
        for name, help_, field in (
            ("lookweave_build_done", "Subjects of each step that are done.", "done"),
            ("lookweave_build_subjects", "Subjects of each step.", "total"),
        ):
            family = GaugeMetricFamily(name, help_, labels=["step"])
            for stage in told.stages:
                family.add_metric([stage.name], getattr(stage, field))
            yield family


class Measured:
    """Counts every request by its route's template, so that no id becomes a label."""

    def __init__(self, app: ASGIApp, metrics: Metrics, rights: Rights) -> None:
        self._app, self._metrics, self._rights = app, metrics, rights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            right = self._rights.find(scope["method"], scope["path"])
            route = "other" if right is None else right.path
            if scope["path"].startswith("/static/"):
                route = "/static"
            self._metrics.requests.labels(method, route, str(status)).inc()
            took = time.perf_counter() - began
            self._metrics.seconds.labels(method, route).observe(took)

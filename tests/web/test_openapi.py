"""Whatever the OpenAPI document allows, and much that it does not: never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from tests.web.conftest import ADDRESS, Manned

from lookweave.web.signing import Attempts

schemathesis = pytest.importorskip("schemathesis", reason="needs the package schemathesis")
from schemathesis.generation import GenerationMode  # noqa: E402

EXAMPLES = 4
"""Requests of each kind for each route."""


def test_no_request_makes_a_fault(manned: Manned) -> None:
    schema = schemathesis.openapi.from_dict(manned.client.app.openapi())  # type: ignore[attr-defined]
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        for mode in GenerationMode:
            ask(manned, operation.as_strategy(generation_mode=mode))


def ask(manned: Manned, cases: Any) -> None:
    manned.client.app.state.attempts = Attempts()  # type: ignore[attr-defined]

    @given(cases)
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def asked(case: Any) -> None:
        sent = requests.Request(**case.as_transport_kwargs(base_url=ADDRESS)).prepare()
        headers = {
            name: value
            for name, value in sent.headers.items()
            if name.lower() not in ("authorization", "content-length", "cookie", "host")
        }
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body
        answer = manned.client.request(
            sent.method, sent.url, headers={**headers, **manned.cookies["admin"]}, content=body
        )
        assert answer.status_code < 500, f"{sent.method} {sent.url}: {answer.text[:300]}"
        assert answer.status_code not in (401, 421), "it came no further than the door"

    try:
        asked()
    except Unsatisfiable:
        return  # no such request can be made wrong

"""What may be spent, and the stop before more would be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lookweave.config import Served
from lookweave.errors import CeilingReached
from lookweave.models.vlm.answers import AnswerStore, Bill


class Budget:
    """Sets aside what each request may cost before it is sent.

    The ceiling is compared with all that the answer file records, so it holds over builds.
    Requests under way count at their estimate; when only they stand in the way, a request waits
    for their bills rather than stop a build that has money left.
    """

    def __init__(self, settings: Served, store: AnswerStore) -> None:
        self._settings = settings
        self._store = store
        self._changed = threading.Condition()
        self._set_aside: list[Bill] = []

    def bill(self, tokens_in: int, tokens_out: int) -> Bill:
        """One request at the prices of the settings."""
        prices = self._settings
        cost = (tokens_in * prices.price_input + tokens_out * prices.price_output) / 1e6
        return Bill(1, tokens_in, tokens_out, cost + prices.price_request)

    @contextmanager
    def set_aside(self, estimate: Bill) -> Iterator[None]:
        """Hold `estimate` back while the block sends its request.

        Raises:
            CeilingReached: what is spent leaves no room for it.
        """
        with self._changed:
            while not self._fits(estimate):
                if not self._set_aside:
                    raise self._ceiling_error()
                self._changed.wait()
            self._set_aside.append(estimate)
        try:
            yield
        finally:
            with self._changed:
                self._set_aside.remove(estimate)
                self._changed.notify_all()

    def _fits(self, estimate: Bill) -> bool:
        cost, tokens = self._settings.ceiling_cost, self._settings.ceiling_tokens
        if cost is None and tokens is None:
            return True
        bills = [self._store.spent(), estimate, *self._set_aside]
        return (cost is None or sum(bill.cost for bill in bills) <= cost) and (
            tokens is None or sum(bill.tokens for bill in bills) <= tokens
        )

    def _ceiling_error(self) -> CeilingReached:
        spent = self._store.spent()
        limits = []
        if self._settings.ceiling_cost is not None:
            limits.append(
                f"{self._settings.SECTION}.ceiling_cost = {self._settings.ceiling_cost:g}"
            )
        if self._settings.ceiling_tokens is not None:
            limits.append(
                f"{self._settings.SECTION}.ceiling_tokens = {self._settings.ceiling_tokens}"
            )
        return CeilingReached(
            f"Stopped before going over {' and '.join(limits)}: {spent.cost:.4f} spent on "
            f"{spent.requests} requests ({spent.tokens_in} tokens sent, {spent.tokens_out} "
            f"answered). All answers are kept in {self._store.path}; raise the ceiling and build "
            "again to go on from here."
        )

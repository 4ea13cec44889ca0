"""How fast a server may be asked: requests and tokens a minute, and pauses that it asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateLimit:
    """Spaces requests evenly, across all threads.

    Evenly and not in bursts: a server that counts by the second or by the minute is then never
    taken by surprise. A pause (``Retry-After``) holds for every thread, not only for the one
    that was told.

    Args:
        requests_per_minute: 0 for no limit.
        tokens_per_minute: 0 for no limit.
        sleep: waits for some seconds; returning early only brings the next look at the clock
            forward.
        clock: seconds that never go backwards.
    """

    def __init__(
        self,
        requests_per_minute: float = 0.0,
        tokens_per_minute: float = 0.0,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds_per_request = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._seconds_per_token = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._next_request = self._next_token = self._paused_until = float("-inf")

    def wait(self, tokens: int) -> None:
        """Return when a request of so many tokens may be sent."""
        with self._lock:
            turn = max(self._clock(), self._next_request, self._next_token, self._paused_until)
            self._next_request = turn + self._seconds_per_request
            self._next_token = turn + tokens * self._seconds_per_token
        while True:
            with self._lock:  # a pause may have come while this thread waited for its turn
                left = max(turn, self._paused_until) - self._clock()
            if left <= 0:
                return
            self._sleep(left)

    def correct(self, tokens: int) -> None:
        """Add what a request took above its estimate; negative when it took less."""
        with self._lock:
            self._next_token += tokens * self._seconds_per_token

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

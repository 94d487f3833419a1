"""
Where a scenario stands: which step is on, and whether it strikes this call.

Not thread-safe by itself: whoever asks has the lock. Times are of the caller's monotonic clock.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from lienthong.sandbox.misbehaviour import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.sandbox.misbehaviour import Misbehaviour
    from lienthong.sandbox.scenario import Scenario, Step


class Stage:
    """Plays one scenario."""

    def __init__(self, scenario: Scenario, *, seed: int, now: float) -> None:
        self.scenario = scenario
        self._seed = seed
        self.restart(now)

    def restart(self, now: float) -> None:
        """Begin again with the first step, and with the same draws."""
        self._random = Random(self._seed)  # noqa: S311 - no secret
        self._start = now
        self._index = 0
        self._begin_step()

    def strike(
        self, *, service: str, is_delivery: bool, dossier_codes: Sequence[str], now: float
    ) -> Misbehaviour | None:
        """Return how to misbehave towards this call, counting it, or None."""
        step = self._current(now)
        if step is None or (step.then.mode is Mode.REFUSE and self._began is not None):
            return None
        if now < self._start + step.seconds:
            return None
        if not step.fits(service=service, is_delivery=is_delivery, dossier_codes=dossier_codes):
            return None
        if self._passed < step.calls - 1:
            self._passed += 1
            return None
        if step.then.mode is Mode.REFUSE:
            return None
        if step.share < 1 and self._random.random() >= step.share:
            return None
        self._hits += 1
        return step.then

    def is_refusing(self, now: float) -> bool:
        """Return whether nobody should listen."""
        step = self._current(now)
        return step is not None and step.then.mode is Mode.REFUSE and self._began is not None

    def describe(self, now: float) -> dict[str, object]:
        """Return where it stands, for the control address."""
        self._current(now)
        return {
            "scenario": self.scenario.name,
            "step": min(self._index + 1, len(self.scenario.steps)),
            "is_over": self._index >= len(self.scenario.steps),
            "passed": self._passed,
            "hits": self._hits,
            "steps": [
                {"name": step.name, "mode": step.then.mode.value, "times": step.times}
                for step in self.scenario.steps
            ],
        }

    def _begin_step(self) -> None:
        self._passed = 0
        self._hits = 0
        self._began: float | None = None

    def _current(self, now: float) -> Step | None:
        while self._index < len(self.scenario.steps):
            step = self.scenario.steps[self._index]
            is_time = now >= self._start + step.seconds
            if self._began is None and is_time and self._passed >= step.calls - 1:
                self._began = now
            if not self._is_over(step, now):
                return step
            self._index += 1
            self._begin_step()
        return None

    def _is_over(self, step: Step, now: float) -> bool:
        if step.for_seconds is not None:
            return self._began is not None and now >= self._began + step.for_seconds
        return step.times is not None and self._hits >= step.times

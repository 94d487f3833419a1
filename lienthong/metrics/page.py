"""
The page `/metrics`: what is known, in the form that Prometheus reads, and who may see it.

It answers within seconds whatever the store does: what cannot be had in time is told as it was last
known, with `lienthong_up 0`.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from lienthong.metrics.families import look_families, process_families
from lienthong.tallies import TALLIES
from lienthong.web import refusal
from lienthong.web.answer import Answer
from lienthong.web.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric
    from starlette.requests import Request

    from lienthong.metrics.gate import Gate
    from lienthong.metrics.watch import Watch

THREADS = 2
PATIENCE_SECONDS = 4.0
"""For the store, twice: Prometheus gives up after ten seconds."""


class MetricsPage:
    """Answers scrapes."""

    def __init__(
        self, gate: Gate, watch: Watch | None, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """
        Put it together.

        Args:
            gate: Says who may see it.
            watch: Looks at the installation; None: only what this process saw is told.
            patience_seconds: For the store.
        """
        self._gate = gate
        self._watch = watch
        self._patience = patience_seconds
        # Whoever hangs in the store keeps nobody else's requests waiting.
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="metrics")
        self._registry = CollectorRegistry()
        self._registry.register(_Process())
        ProcessCollector(registry=self._registry)

    async def answer(self, request: Request) -> Answer:
        """Answer one scrape."""
        loop = asyncio.get_running_loop()
        try:
            if not self._gate.is_open(request):
                asked = partial(self._gate.check, self._gate.presented(request))
                try:
                    await asyncio.wait_for(loop.run_in_executor(self._pool, asked), self._patience)
                except TimeoutError:
                    self._gate.check_known(self._gate.presented(request))
        except Refused as refused:
            return Answer(
                refusal.body_of(refused),
                status=refused.status,
                media_type=refusal.MEDIA_TYPE,
                headers=dict(refused.headers),
            )
        registry = CollectorRegistry()
        registry.register(_Fixed(list(self._registry.collect())))
        if self._watch is not None:
            registry.register(_Fixed(await self._look(self._watch)))
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Answer(encode(registry), status=200, media_type=media_type, headers={})

    async def _look(self, watch: Watch) -> list[Metric]:
        loop = asyncio.get_running_loop()
        try:
            look = await asyncio.wait_for(
                loop.run_in_executor(self._pool, watch.look), self._patience
            )
        except TimeoutError:
            look = replace(watch.known, is_up=False)
        return list(look_families(look))


class _Process:
    def collect(self) -> Iterator[Metric]:
        """Return what this process saw."""
        yield from process_families(TALLIES.seen())


class _Fixed:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Return what was found."""
        yield from self._families

"""
Whether a service is alive and ready, as every HTTP service of ours answers it.

Alive: the loop that serves requests turns. Ready: what it needs was tried just now and works; what
gives no answer in time does not.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lienthong.web.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THREADS = 2
PATIENCE_SECONDS = 5.0
"""How long somebody waits for an answer; whoever asks mostly gives up after that."""


class Standing:
    """Answers both questions. `close` ends its threads."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, bool]],
        *,
        needs: tuple[str, ...],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """
        Put it together.

        Args:
            look: Tries what is needed; takes as long as a server that does not answer.
            needs: What `look` speaks of.
            patience_seconds: After which nothing of it counts as there.
        """
        self._look = look
        self._needs = needs
        self._patience = patience_seconds
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="ready")

    def close(self) -> None:
        """End; what is being looked at is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def live(self) -> Answer:
        """Say that the loop turns."""
        return _answer({"status": "ok"}, status=200)

    async def ready(self) -> Answer:
        """Say what of it all is there: 200 when everything is, else 503."""
        looking = asyncio.get_running_loop().run_in_executor(self._pool, self._look)
        try:
            found = await asyncio.wait_for(looking, self._patience)
        except TimeoutError:
            found = dict.fromkeys(self._needs, False)
        words = {True: "ok", False: "failed"}
        is_ready = all(found.values())
        checks = {name: words[is_there] for name, is_there in found.items()}
        status = 200 if is_ready else 503
        return _answer({"status": words[is_ready], "checks": checks}, status=status)


def _answer(value: dict[str, object], *, status: int) -> Answer:
    body = json.dumps(value).encode()
    return Answer(body, status=status, media_type="application/json", headers={})

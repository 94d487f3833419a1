"""Asking again where no answer came: harmless for a look-up, and only for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from lienthong.channels.port import Found, LookUp

if TYPE_CHECKING:
    from collections.abc import Callable


def ask_patiently(ask: Callable[[], LookUp], *, attempts: int) -> LookUp:
    """Return what `ask` brings, called up to `attempts` times while it brings nothing."""
    ask_again = Retrying(
        # A portal that says for how long it wants no call gets none.
        retry=retry_if_result(lambda found: found.found is Found.FAILED and not found.retry_after),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    found: LookUp = ask_again(ask)
    return found

"""Asking again where no answer came: harmless for a look-up, and only for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from lienthong.channels.port import Found, LookUp, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.channels.port import Answer


class _RefusedAsAWhole(Exception):
    """A look-up is not repeated: logging in again with a wrong password may lock the account."""

    def __init__(self, found: LookUp) -> None:
        super().__init__()
        self.found = found


def ask_patiently(ask: Callable[[], LookUp], *, attempts: int) -> LookUp:
    """Return what `ask` brings, called up to `attempts` times while it brings nothing."""
    ask_again = Retrying(
        # A portal that says for how long it wants no call gets none.
        retry=retry_if_result(lambda found: found.found is Found.FAILED and not found.retry_after),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    try:
        found: LookUp = ask_again(ask)
    except _RefusedAsAWhole as refused:
        return refused.found
    return found


def fail_look_up(came: Answer) -> LookUp:
    """Return what a call that brought no reply means for the look-up it was made for."""
    if came.outcome is Outcome.WITHHELD:
        return LookUp(found=Found.WITHHELD, detail=came.detail)
    found = LookUp(
        found=Found.FAILED,
        detail=came.detail,
        raw=came.raw,
        cut=came.cut,
        retry_after=came.retry_after,
    )
    if came.outcome is Outcome.TARGET:
        raise _RefusedAsAWhole(found)
    return found

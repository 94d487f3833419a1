"""What the portal itself says of a dossier now, and what that proves; asked for by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Found, LookUp
from lienthong.reconciliation.comparing import compare
from lienthong.replay_previews import PortalSays
from lienthong.store.database import reading
from lienthong.store.standings import Ours, read_ours
from schemas.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.reconciliation.asking import PoliteAsker
    from lienthong.reconciliation.comparing import CompareRules
    from lienthong.store.database import Store


class PortalView:
    """Asks the portal politely, and no more once it cannot be reached; writes nothing down."""

    def __init__(
        self,
        *,
        store: Store,
        asker: PoliteAsker,
        rules: CompareRules,
        clock: Callable[[], datetime],
    ) -> None:
        """Put it together; `asker` belongs to it alone."""
        self._store = store
        self._asker = asker
        self._rules = rules
        self._clock = clock
        self._away: str | None = None

    def ask(self, code: str, *, agency: str) -> PortalSays:
        """
        Return what the portal says of a dossier. Raises Stopped.

        A portal that cannot be reached is FAILED with words, also for those asked about later.
        """
        if self._away is not None:
            return PortalSays(found=Found.FAILED, detail=f"not asked any more: {self._away}")
        try:
            found = self._asker.ask(code, agency=agency)
        except PeerError as error:
            found = LookUp(found=Found.FAILED, detail=error.text.en)
        if found.found is Found.FAILED and found.http_status is None and found.copies <= 1:
            self._away = found.detail or "no answer"
        with reading(self._store) as connection:
            ours = read_ours(connection, [code]).get(code) or Ours(code=code, agency=agency)
        return PortalSays(
            found=found.found,
            detail=found.detail,
            status=found.status,
            message_id=found.message_id,
            discrepancy=compare(ours, found, rules=self._rules, now=self._clock()),
        )

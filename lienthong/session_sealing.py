"""Seals the session with a portal by the store's key, or says that it must not be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.store.sealed import SESSION_CONTEXT
from lienthong.store.vault import PLAIN
from lienthong.trouble import STORE_TROUBLE
from schemas.errors import LienthongError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.store.vault import Vault


class VaultSealing:
    """Seals by the vault of a store; the store is opened when it is first needed."""

    def __init__(self, vault: Callable[[], Vault]) -> None:
        self._vault = vault

    def seal(self, plain: bytes) -> bytes | None:
        """Return `plain` sealed; None where the store does not encrypt or cannot be reached."""
        try:
            sealed = self._vault().seal(plain, context=SESSION_CONTEXT)
        except (LienthongError, *STORE_TROUBLE):
            return None
        return None if sealed.startswith(PLAIN) else sealed

    def open(self, sealed: bytes) -> bytes | None:
        """Return what was sealed; None for anything else, plain bytes included."""
        if not sealed or sealed.startswith(PLAIN):
            return None
        try:
            return self._vault().open(sealed, context=SESSION_CONTEXT)
        except (LienthongError, *STORE_TROUBLE):
            # A key that another process has made is asked for in the store, which may be away. A
            # session is a login more at worst: no call must end by it.
            return None

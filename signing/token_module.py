"""
One loaded PKCS#11 module, and the sessions that are open in it.

Calls into a module go one at a time: the library initialises modules without asking them to lock,
and PKCS#11 then forbids more (section 5.4). Other threads go on meanwhile, as in every call that
waits. A process has one session per token, logged in once, whatever keys are used in it.

After anything unforeseen (the token was pulled out, its server restarted) every handle is worth
nothing: the module is started anew, at most every two seconds, and who has keys finds them again.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from threading import Lock, RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

import pkcs11
from pkcs11 import TokenFlag

from signing.pin_file import PinFile, Refusal
from signing.token_errors import (
    PIN_REFUSED,
    Error,
    pin_final_try,
    pin_locked,
    pin_refused,
    unloadable,
)
from signing.token_place import TokenPlace, check_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pkcs11 import Session, Token

    from signing.keys import Passphrase

RESTART_SECONDS = 2.0
"""Between two starts of a module in trouble; other tokens of it have to log in again each time."""

_modules: dict[Path, TokenModule] = {}
_lock = Lock()


def module_at(path: Path) -> TokenModule:
    """
    Return the module, of which this process has one.

    Raises:
        KeyUnusable: "key.module" or "key.module_unsafe".
    """
    real = check_module(path)
    with _lock:
        return _modules.setdefault(real, TokenModule(real))


class TokenModule:
    """Thread-safe, and made anew in a child process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        """Changes when handles of before are worth nothing."""
        self._lock = RLock()
        self._library: Any = None
        self._sessions: dict[int, tuple[Session, Passphrase]] = {}
        self._refused: set[tuple[bytes, Passphrase]] = set()
        self._started_at = -RESTART_SECONDS
        self._is_inherited = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """
        Have the module for oneself; every use of it and of its handles is inside.

        Raises:
            KeyUnusable: "key.module": it is no such module.
            pkcs11.PKCS11Error: it cannot be started.
        """
        with self._lock:
            if self._library is None:
                self._library = self._load()
            elif self._is_inherited:
                self._start()
            self._is_inherited = False
            yield

    def restart(self) -> bool:
        """
        Start the module anew; return False if that was just done.

        Raises:
            pkcs11.PKCS11Error: it cannot be started.
        """
        if monotonic() - self._started_at < RESTART_SECONDS:
            return False
        self._start()
        return True

    def open(self, place: TokenPlace, pin_file: PinFile) -> Session:
        """
        Return the session with a token.

        Raises:
            KeyUnusable: the PIN is missing, wrong, or must not be tried.
            pkcs11.PKCS11Error: the token is not there, not the only one, or in trouble.
        """
        token = self._find(place)
        slot = token.slot.slot_id
        pin = pin_file.read()
        known = self._sessions.get(slot)
        if known is not None and known[1] == pin:
            return known[0]
        self._check_pin(place, pin_file, token=token, pin=pin)
        if known is not None:
            # Somebody has another PIN than the one that opened it: it has to prove itself.
            self.generation += 1
            del self._sessions[slot]
            known[0].close()
        session = self._log_in(place, pin_file, token=token, pin=pin)
        self._sessions[slot] = session, pin
        return session

    def inherit(self) -> None:
        """Note that this process was forked: locks may be held by nobody, handles are void."""
        self._lock = RLock()
        self._is_inherited = True

    def _load(self) -> Any:
        try:
            return pkcs11.lib(str(self.path))
        except Error as error:
            if str(error):
                # Of the system's loader; what the module itself says has no words.
                raise unloadable(self.path, str(error)) from error
            raise

    def _start(self) -> None:
        self._started_at = monotonic()
        self.generation += 1
        self._sessions.clear()
        with suppress(Error):
            # It may say that it does not run, which is what was wanted.
            self._library.finalize()
        self._library.initialize()

    def _find(self, place: TokenPlace) -> Token:
        found = []
        for slot in self._library.get_slots(token_present=True):
            try:
                token: Token = slot.get_token()
            except Error:
                # Another device at this machine is no concern of ours.
                continue
            serial = token.serial.decode("utf-8", "replace")
            if place.token_label in (None, token.label) and place.token_serial in (None, serial):
                found.append(token)
        if not found:
            raise pkcs11.NoSuchToken
        if len(found) > 1:
            raise pkcs11.MultipleTokensReturned
        return found[0]

    def _check_pin(
        self, place: TokenPlace, pin_file: PinFile, *, token: Token, pin: Passphrase
    ) -> None:
        """Raise if the PIN must not be tried; see `signing.pin_file`."""
        if token.flags & TokenFlag.USER_PIN_LOCKED:
            raise pin_locked(place)
        refusal = pin_file.refusal()
        if refusal is Refusal.THIS:
            raise pin_refused(place, pin_file)
        if refusal is Refusal.NONE and (token.serial, pin) in self._refused:
            # The same wrong PIN in the file of another key.
            pin_file.remember_refusal()
            raise pin_refused(place, pin_file)
        if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
            raise pin_final_try(place)

    def _log_in(
        self, place: TokenPlace, pin_file: PinFile, *, token: Token, pin: Passphrase
    ) -> Session:
        with pin_file.alone():
            if pin_file.refusal() is Refusal.THIS:
                # Another process was faster.
                raise pin_refused(place, pin_file)
            try:
                session = token.open(user_pin=pin.reveal().decode())
            except PIN_REFUSED as error:
                pin_file.remember_refusal()
                self._refused.add((token.serial, pin))
                raise pin_refused(place, pin_file) from error
            pin_file.forget_refusal()
            self._refused.discard((token.serial, pin))
            return session


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - a lock that another thread of the parent held stays held
    _lock = Lock()
    for module in _modules.values():
        module.inherit()


os.register_at_fork(after_in_child=_after_fork)

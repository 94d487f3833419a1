"""
Changing the keys of the store: a new master key in the file, then everything else in one step.

Rotation may be cut off anywhere and begun again. The file is extended first: a master key that
wraps nothing yet harms nobody, and the next rotation uses it instead of making another. Then one
transaction wraps every data key anew, adds a new one and retires the others; values that they
sealed open as before. Several machines: prepare, copy the file to each, then rotate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lienthong.store.master_keys import StoreKeyMissing
from lienthong.store.vault import make_key, rewrap
from schemas.errors import PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lienthong.store.master_keys import MasterKey, MasterKeyFile
    from lienthong.store.vault import KeyStore, WrappedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What one rotation did."""

    master_id: str
    """The master key that now wraps all data keys."""
    key_id: int
    """The data key that now seals new values."""
    rewrapped: int
    unneeded: tuple[str, ...]
    """Master keys of the file that wrap nothing any more; older backups of the store need them."""


def prepare(file: MasterKeyFile, keys: KeyStore, *, now: datetime) -> MasterKey:
    """
    Return the newest master key of the file, if it wraps nothing yet, else append one.

    Raises:
        StoreKeyMissing: the file is not there.
        ConfigError: the file cannot be used.
    """
    masters = file.read()
    if masters[-1].id in {key.master_id for key in keys.load()}:
        masters = file.add(now=now, after=masters)
    return masters[-1]


def rotate(file: MasterKeyFile, keys: KeyStore, *, now: datetime) -> Rotation:
    """
    Wrap every data key by a new master key, and seal new values with a new data key.

    Running processes go on with the data key that they know until they refresh their vault or
    meet a value of the new one.

    Raises:
        StoreKeyMissing: the store has no data key, or one that the file cannot open.
        ConfigError: the file cannot be used.
        PeerError: another rotation was faster; retryable, nothing was changed in the store.
    """
    before = keys.load()
    if not before:
        raise StoreKeyMissing(
            Text(
                vi="Kho chưa có khóa dữ liệu nào để đổi: đặt [store] encrypt = true trước",
                en="the store has no data key to rotate: set [store] encrypt = true first",
            )
        )
    newest = prepare(file, keys, now=now)
    held = file.read()
    masters = {key.id: key for key in held}
    after = [
        replace(
            rewrap(key, masters=masters, master=newest, path=file.path),
            retired_at=key.retired_at or now,
        )
        for key in before
    ]
    made = make_key(before[-1].id + 1, master=newest, now=now)
    if not keys.write(before=before, after=[*after, made], at=now):
        raise PeerError(
            Text(
                vi="Khóa của kho vừa được đổi bởi một lệnh khác; lệnh này chưa đổi gì trong kho",
                en="the keys of the store have just been rotated by another command; this one "
                "changed nothing in the store",
            ),
            retryable=True,
            code="vault.rotated_meanwhile",
        )
    return Rotation(
        master_id=newest.id,
        key_id=made.id,
        rewrapped=len(after),
        unneeded=unneeded_masters(held, [*after, made]),
    )


def unneeded_masters(held: Sequence[MasterKey], keys: Sequence[WrappedKey]) -> tuple[str, ...]:
    """
    Return the ids of master keys that wrap none of `keys`, in the order of the file.

    The newest is never among them: it may have been prepared. A backup of the store from before
    the last rotation still needs them: they are for the archive, not for the bin.
    """
    needed = {key.master_id for key in keys}
    return tuple(key.id for key in held[:-1] if key.id not in needed)

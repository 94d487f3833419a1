"""
Sealing what the store keeps: AES-256-GCM with envelope keys, each value bound to its place.

A value is sealed with a data key; data keys lie in the store, wrapped by a master key that lies
in a file apart from it. Changing the master key wraps the few data keys anew and leaves the
values alone. What is sealed for one place (table, column, row) does not open in another.

    sealed value = scheme (1 byte)  0x00: the plain bytes follow
                                    0x01: data key id (4 bytes) · nonce (12) · ciphertext and tag
    authenticated beside it: scheme, data key id, place

Nonces are random. That is safe for 2^32 values per data key (NIST SP 800-38D, section 8.3): at a
hundred values a second, one rotation a year stays below it.

Not decided here: who may see a payload, and whether what opens is what was once stored there: an
older value of the same place opens too. Digests and the audit log say that. A plain value proves
nothing about itself.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lienthong.store.master_keys import KEY_BYTES, MasterKey, MasterKeyFile, StoreKeyMissing
from schemas.errors import LienthongError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

PLAIN = b"\x00"
SEALED = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
SEARCH_DIGEST_BYTES = 16
_ID = slice(1, 1 + _ID_BYTES)
_NONCE = slice(_ID.stop, _ID.stop + _NONCE_BYTES)
_SHORTEST = _NONCE.stop + _TAG_BYTES


def plain_size(sealed: bytes) -> int:
    """Return how many bytes were sealed in `sealed`, without opening it."""
    around = 1 if sealed[:1] == PLAIN else _SHORTEST
    return max(len(sealed) - around, 0)


class SealBroken(LienthongError):
    """
    A stored value is not what was sealed for its place: damage, tampering or a bug of ours.

    Trying again does not help. The message names the place and never what stands there.
    """

    code = "vault.seal_broken"

    def __init__(self, context: str, finding: Text) -> None:
        super().__init__(
            Text(
                vi=f"Giá trị lưu ở {context} không mở được: {finding.vi}. Lấy lại từ bản sao lưu "
                "của kho; kiểm tra nhật ký: lienthong audit verify",
                en=f"The value stored at {context} does not open: {finding.en}. Take it from a "
                "backup of the store; check the log: lienthong audit verify",
            )
        )
        self.context = context


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """One data key as the store keeps it."""

    id: int
    """Counted from 1; never used again for another key."""
    wrapped: bytes
    """Nonce, ciphertext and tag; bound to both ids."""
    master_id: str
    """Of the master key that opens it."""
    created_at: datetime
    retired_at: datetime | None = None
    """Since when it seals nothing new; it opens for as long as it is there."""


class KeyStore(Protocol):
    """Where the wrapped data keys are kept; all of them are few."""

    def load(self) -> list[WrappedKey]:
        """Return every data key, by id."""

    def write(
        self, *, before: Sequence[WrappedKey], after: Sequence[WrappedKey], at: datetime
    ) -> bool:
        """
        Replace `before` by `after`, all or nothing, durably; `at` is for the audit log.

        Returns:
            False, with nothing changed, when the keys are not (or no longer) `before`.
        """


class _DataKey:
    """A data key in memory, with what is put together once and not per value."""

    def __init__(self, key_id: int, secret: bytes) -> None:
        self.id = key_id
        self.cipher = AESGCM(secret)
        self.prefix = SEALED + key_id.to_bytes(_ID_BYTES)
        self._secret = secret

    @cached_property
    def tagging(self) -> bytes:
        """A key of its own, so that a tag never says anything about what is sealed."""
        kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"lienthong audit tag")
        return kdf.derive(self._secret)


class Vault:
    """Seals and opens values. Thread-safe; the keys are in memory once it is made."""

    def __init__(self, file: MasterKeyFile, keys: KeyStore, *, encrypt: bool) -> None:
        self.encrypt = encrypt
        self.file = file
        self._store = keys
        self._lock = Lock()
        self._keys: dict[bytes, _DataKey] = {}
        self._newest: _DataKey | None = None
        self._search_key: bytes | None = None
        self.refresh()

    @property
    def newest_key_id(self) -> int | None:
        """The data key that seals new values; None when they are stored plainly."""
        return self._newest.id if self.encrypt and self._newest is not None else None

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` as it is to be stored at `context`, which names table, column and row."""
        if not self.encrypt:
            return PLAIN + plain
        key = self._newest
        if key is None:
            raise _no_data_key(self.file)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, plain, key.prefix + context.encode())
        return b"".join((key.prefix, nonce, sealed))

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """
        Return what was sealed for `context`, or stored there plainly.

        Raises:
            SealBroken: it is not what was sealed for this place.
            StoreKeyMissing: its data key was wrapped by a master key that is not in the file.
        """
        scheme = sealed[:1]
        if scheme == SEALED and len(sealed) >= _SHORTEST:
            key = self._keys.get(sealed[_ID]) or self._learn(sealed[_ID], context)
            try:
                return key.cipher.decrypt(
                    sealed[_NONCE], sealed[_NONCE.stop :], key.prefix + context.encode()
                )
            except InvalidTag as error:
                raise SealBroken(context, _CHANGED) from error
        if scheme == PLAIN:
            return sealed[1:]
        raise SealBroken(context, _TOO_SHORT if scheme in (SEALED, b"") else _UNKNOWN_SCHEME)

    def tag(self, data: bytes) -> bytes | None:
        """
        Return what only a holder of the key file can add to `data`; None without encryption.

        Whoever can write to the database and has no key file cannot make rows of ours.
        """
        key = self._newest if self.encrypt else None
        return None if key is None else key.prefix[_ID] + _tag(key, data)

    def has_tagged(self, tag: bytes, data: bytes) -> bool:
        """Tell whether `tag` is what a holder of the key file added to `data`."""
        try:
            key = self._keys.get(tag[:_ID_BYTES]) or self._learn(tag[:_ID_BYTES], "audit.tag")
        except (SealBroken, StoreKeyMissing):
            return False
        return hmac.compare_digest(tag[_ID_BYTES:], _tag(key, data))

    def search_by(self, key: bytes) -> None:
        """Take the key of `search_digest`, which the store keeps sealed (`search_keys`)."""
        self._search_key = key

    def search_digest(self, text: str, *, salt: bytes = b"") -> bytes:
        """
        Return by what `text` is found again, which says nothing of it to whoever has no key.

        Unlike a tag it stays the same when the data keys are rotated.

        Args:
            text: In the form in which it is compared.
            salt: For a digest that nothing is to be found by.
        """
        if self._search_key is None:
            raise RuntimeError("the vault was opened without the search key of its store")
        return hmac.digest(self._search_key, salt + text.encode(), "sha256")[:SEARCH_DIGEST_BYTES]

    @property
    def prefix(self) -> bytes:
        """How every value that is sealed now begins, and none that was sealed otherwise."""
        if not self.encrypt:
            return PLAIN
        if self._newest is None:
            raise _no_data_key(self.file)
        return self._newest.prefix

    def refresh(self) -> None:
        """
        Load the data keys again, so that new values are sealed with the newest.

        Raises:
            StoreKeyMissing: one of them cannot be opened; what was known stays.
            ConfigError: the key file cannot be used.
        """
        with self._lock:
            wrapped = self._store.load()
            masters = {key.id: key for key in self.file.read()} if wrapped else {}
            keys = [
                _DataKey(key.id, unwrap(key, masters=masters, path=self.file.path))
                for key in wrapped
            ]
            self._keys = {key.prefix[_ID]: key for key in keys}
            self._newest = max(keys, key=lambda key: key.id, default=None)

    def _learn(self, key_id: bytes, context: str) -> _DataKey:
        """Return a key that this process has not seen: another one has rotated meanwhile."""
        self.refresh()
        key = self._keys.get(key_id)
        if key is None:
            number = int.from_bytes(key_id)
            raise SealBroken(
                context,
                Text(
                    vi=f"không có khóa dữ liệu số {number}",
                    en=f"there is no data key number {number}",
                ),
            )
        return key


def _tag(key: _DataKey, data: bytes) -> bytes:
    return hmac.digest(key.tagging, data, "sha256")[:_TAG_BYTES]


_CHANGED = Text(
    vi="nó bị sửa, bị hỏng, hoặc được chuyển từ chỗ khác đến",
    en="it was changed, damaged, or moved here from another place",
)
_TOO_SHORT = Text(vi="nó bị cắt ngắn", en="it was cut short")
_UNKNOWN_SCHEME = Text(
    vi="không rõ cách niêm phong; có thể do phiên bản mới hơn ghi",
    en="its form is not known; a newer version may have written it",
)


def open_vault(key_file: Path, keys: KeyStore, *, encrypt: bool, now: datetime) -> Vault:
    """
    Open the vault of a store; a store that has no data key yet gets its first.

    Args:
        key_file: The master keys; made, with a warning to back it up, if it is not there and the
            store has no data key.
        keys: Where the data keys are.
        encrypt: Whether new values are sealed; what is sealed opens either way.
        now: Aware.

    Raises:
        StoreKeyMissing: the store has data keys that cannot be opened with the file.
        ConfigError: the file cannot be used.
    """
    file = MasterKeyFile(key_file)
    if encrypt and not keys.load():
        master = file.read_or_make(now=now)[-1]
        # When another process was first, its key is used, if our file has the master key of it.
        keys.write(before=[], after=[make_key(1, master=master, now=now)], at=now)
    return Vault(file, keys, encrypt=encrypt)


def make_key(key_id: int, *, master: MasterKey, now: datetime) -> WrappedKey:
    """Return a new data key, wrapped by `master`."""
    return _wrap(
        WrappedKey(id=key_id, wrapped=b"", master_id=master.id, created_at=now),
        os.urandom(KEY_BYTES),
        master=master,
    )


def rewrap(
    key: WrappedKey, *, masters: dict[str, MasterKey], master: MasterKey, path: Path
) -> WrappedKey:
    """Return the same data key wrapped by `master`. Raises as `unwrap` does."""
    return _wrap(key, unwrap(key, masters=masters, path=path), master=master)


def _wrap(key: WrappedKey, secret: bytes, *, master: MasterKey) -> WrappedKey:
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(master.secret).encrypt(nonce, secret, _binding(key.id, master.id))
    return replace(key, wrapped=nonce + sealed, master_id=master.id)


def unwrap(key: WrappedKey, *, masters: dict[str, MasterKey], path: Path) -> bytes:
    """
    Return the data key itself; `path` is the file that `masters` came from.

    Raises:
        StoreKeyMissing: its master key is not among `masters`, or is not the one that wrapped it.
    """
    master = masters.get(key.master_id)
    if master is None:
        raise StoreKeyMissing(
            Text(
                vi=f"Tệp khóa {path} không có khóa chính «{key.master_id}» của khóa dữ liệu số "
                f"{key.id}: đặt vào đó tệp khóa từ bản sao lưu hoặc từ máy khác của hệ thống",
                en=f"the key file {path} does not have the master key '{key.master_id}' of data "
                f"key number {key.id}: put there the file from its backup or from another "
                "machine of the installation",
            )
        )
    nonce, sealed = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(master.secret).decrypt(nonce, sealed, _binding(key.id, master.id))
    except (InvalidTag, ValueError) as error:
        raise StoreKeyMissing(
            Text(
                vi=f"Khóa chính «{key.master_id}» trong {path} không phải khóa đã bọc khóa dữ liệu "
                f"số {key.id}, hoặc bảng data_keys bị sửa: đặt lại tệp khóa của đúng kho này, "
                "hoặc lấy lại kho từ bản sao lưu",
                en=f"the master key '{key.master_id}' in {path} is not the one that wrapped data "
                f"key number {key.id}, or the table data_keys was changed: put the key file of "
                "this very store there, or take the store from a backup",
            )
        ) from error


def _binding(key_id: int, master_id: str) -> bytes:
    return b"lienthong data key" + key_id.to_bytes(_ID_BYTES) + master_id.encode()


def _no_data_key(file: MasterKeyFile) -> StoreKeyMissing:
    return StoreKeyMissing(
        Text(
            vi="Kho không còn khóa dữ liệu nào (bảng data_keys trống): lấy lại kho từ bản sao lưu; "
            f"tệp khóa ở {file.path}",
            en="the store has no data key any more (the table data_keys is empty): take the store "
            f"from a backup; its key file is {file.path}",
        )
    )

"""
The keys that one holder has: one in use, others that were or will be.

    {stem}.key.pem + {stem}.cert.pem, or {stem}.p12; {stem}.pass with the passphrase of either
    {stem}.pkcs11.toml           a key in a token; {stem}.pass with its PIN, {stem}.cert.pem unless
                                 the token has the certificate
    {stem}/*.key.pem + …                     any number of further keys, in the same ways

Of the keys that are valid now the one that became valid last signs. So a new key is put beside the
old one, and takes over by itself on the day its certificate begins: nothing stops, nothing is
moved. A key that cannot be loaded stands in no other's way; one in a token is tried again, for no
file changes when the token is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from schemas.errors import ConfigError
from schemas.problem import Text
from signing import Passphrase, SigningError, SigningKey, load_pem, load_pkcs12

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

IN_TOKEN = "pkcs11.toml"  # noqa: S105 - the ending of a file
_OF_KEYS = ("p12", "key.pem", IN_TOKEN)
"""The endings that make something a key."""
_ENDINGS = (*_OF_KEYS, "cert.pem", "pass")


class KeyState(Enum):
    """What a key is for at one moment."""

    IN_USE = "in use"
    NEXT = "next"
    """Its certificate begins later."""
    SPARE = "spare"
    """Valid, and a newer one signs."""
    EXPIRED = "expired"
    UNUSABLE = "unusable"
    """Missing, locked, damaged, weak, or not for signing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """One key of a holder; either `key` or what is wrong with its files."""

    stem: Path
    """Of its files."""
    key: SigningKey | None = None
    trouble: SigningError | None = None

    @property
    def has_certificate(self) -> bool:
        """Whether its certificate stands in a file of its own, readable without the key."""
        return beside(self.stem, "cert.pem").exists()

    @property
    def is_in_token(self) -> bool:
        """Whether a PKCS#11 token keeps it."""
        return beside(self.stem, IN_TOKEN).exists() and not beside(self.stem, "p12").exists()


def stems_of(stem: Path) -> list[Path]:
    """Return the stems of all keys of the holder whose own stem is `stem`."""
    found = [stem] if has_key(stem) else []
    return [*found, *(stem / name for name in sorted(names_in(stem)))]


def names_in(folder: Path) -> set[str]:
    """Return the names of the keys that stand right in a folder."""
    return {
        file.name.removesuffix(f".{ending}")
        for ending in _OF_KEYS
        for file in folder.glob(f"*.{ending}")
    }


def has_key(stem: Path) -> bool:
    """Tell whether a key stands right at `stem`."""
    return any(beside(stem, ending).exists() for ending in _OF_KEYS)


def beside(stem: Path, ending: str) -> Path:
    """Return the file of a key that has this ending."""
    return stem.with_name(f"{stem.name}.{ending}")


def stamp_of(stem: Path) -> tuple[object, ...]:
    """Return what changes when any key file of a holder does."""
    return tuple(
        (str(one), *(_changed_at(beside(one, ending)) for ending in _ENDINGS))
        for one in stems_of(stem) or [stem]
    )


def load_held(stem: Path, *, memory: Path | None = None) -> list[HeldKey]:
    """
    Load every key of a holder; what cannot be loaded says why.

    Args:
        stem: The holder's.
        memory: See `load_key`.

    Raises:
        ConfigError: a passphrase file cannot be read.
    """
    found = []
    for one in stems_of(stem):
        try:
            found.append(HeldKey(stem=one, key=load_key(one, memory=memory)))
        except SigningError as error:
            found.append(HeldKey(stem=one, trouble=error))
    return found


def load_key(stem: Path, *, memory: Path | None = None) -> SigningKey:
    """
    Load the key at one stem.

    Args:
        stem: Of its files.
        memory: Where to remember which PIN a token has refused; beside the key if nothing is said.

    Raises:
        signing.KeyUnusable: it is not there, locked, or not what it should be.
        ConfigError: its passphrase file cannot be read.
    """
    secret = beside(stem, "pass")
    bundle, in_token = beside(stem, "p12"), beside(stem, IN_TOKEN)
    if in_token.exists() and not bundle.exists():
        # The library is for those who have a token.
        from signing.token_key import load_token_key  # noqa: PLC0415

        return load_token_key(
            in_token,
            pin_file=secret,
            certificate_file=beside(stem, "cert.pem"),
            memory=memory or stem.parent,
        )
    passphrase = _passphrase(secret)
    if bundle.exists():
        return load_pkcs12(bundle, passphrase=passphrase)
    return load_pem(beside(stem, "key.pem"), beside(stem, "cert.pem"), passphrase=passphrase)


def choose(held: Sequence[HeldKey], *, now: datetime) -> SigningKey | None:
    """
    Return the key that signs now; None where there is none at all.

    Where none is valid, the one that was last, or that will be first: it says itself why it cannot
    sign.

    Raises:
        signing.KeyUnusable: there are keys, and none can be loaded.
    """
    keys = [one.key for one in held if one.key is not None]
    if not keys:
        for one in held:
            if one.trouble is not None:
                raise one.trouble
        return None
    begun = [key for key in keys if key.certificate.not_valid_before_utc <= now]
    valid = [key for key in begun if now <= key.certificate.not_valid_after_utc]
    if valid:
        return max(valid, key=lambda key: key.certificate.not_valid_before_utc)
    if begun:
        return max(begun, key=lambda key: key.certificate.not_valid_after_utc)
    return min(keys, key=lambda key: key.certificate.not_valid_before_utc)


def state_of(held: HeldKey, *, chosen: SigningKey | None, now: datetime) -> KeyState:
    """Return what `held` is for now, when `chosen` signs."""
    if held.key is None:
        return KeyState.UNUSABLE
    certificate = held.key.certificate
    if now > certificate.not_valid_after_utc:
        return KeyState.EXPIRED
    if now < certificate.not_valid_before_utc:
        return KeyState.NEXT
    return KeyState.IN_USE if held.key is chosen else KeyState.SPARE


def end_of_cover(held: Sequence[HeldKey], *, now: datetime) -> datetime:
    """Return until when there is always a valid key, from now on; `now` if there is none."""
    end = now
    spans = sorted(
        (one.key.certificate.not_valid_before_utc, one.key.certificate.not_valid_after_utc)
        for one in held
        if one.key is not None
    )
    for begin, until in spans:
        if begin > end:
            break
        end = max(end, until)
    return end


def _changed_at(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _passphrase(file: Path) -> Passphrase | None:
    try:
        return Passphrase(file.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise ConfigError(
            Text(
                vi=f"Không đọc được tệp mật khẩu khóa {file}: {cause}",
                en=f"The passphrase file {file} cannot be read: {cause}",
            ),
            code="keys.passphrase_unreadable",
        ) from error

"""What there is to say about the keys of an installation: which signs, and what ends when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from lienthong.held_keys import KeyState, choose, end_of_cover, state_of, stems_of
from lienthong.keyring import OPERATOR
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    Demand,
    Signer,
    SigningError,
    XadesSigner,
    is_development,
    prove,
    read_signer,
    verify,
)
from signing.second import SecondOpinion
from signing.trust import examine_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from lienthong.keyring import Keyring
    from lienthong.wiring import Installation
    from signing import Reason, Revocation, SigningKey

ENDS_SOON = "key.ends_soon"
WARNINGS = (timedelta(days=7), timedelta(days=30), timedelta(days=60))
"""How long before the end it is told, the most urgent first."""
_PROBE = b'<ThuKhoa xmlns="urn:lienthong:keys" Id="thu-khoa"></ThuKhoa>'
"""Signed to see whether a key can; it is nobody's document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """One key of one holder."""

    holder: str
    stem: Path
    state: KeyState
    signer: Signer | None
    is_development: bool = False
    is_in_token: bool = False
    trouble: Text | None = None
    code: str | None = None
    """Of the trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFinding:
    """Something that somebody must do about a holder's keys."""

    holder: str
    code: str
    words: Text
    is_urgent: bool
    """The holder cannot sign, or will not be able to within 7 days."""


def report_keys(
    installation: Installation, *, only: Collection[str] | None = None
) -> list[KeyReport]:
    """Return every key there is, holder by holder; `only`: of these."""
    now = installation.clock()
    reports = []
    for holder in holders(installation.keyring) if only is None else only:
        held = installation.keyring.held(holder)
        usable = [one for one in held if one.key is not None]
        chosen = choose(usable, now=now)
        for one in held:
            signer = None if one.key is None else read_signer(one.key.certificate)
            trouble = one.trouble
            reports.append(
                KeyReport(
                    holder=holder,
                    stem=one.stem,
                    state=state_of(one, chosen=chosen, now=now),
                    signer=signer,
                    is_development=one.key is not None and is_development(one.key.certificate),
                    is_in_token=one.is_in_token,
                    trouble=None if trouble is None else Text(vi=trouble.vi, en=trouble.en),
                    code=None if trouble is None else trouble.code,
                )
            )
    return reports


def check_keys(installation: Installation) -> list[KeyFinding]:
    """Sign and verify with every key in use, and say what ends soon and what was revoked."""
    keyring, now = installation.keyring, installation.clock()
    revocation = installation.revocation_sources.at_once()
    return [
        finding
        for holder in holders(keyring)
        for finding in (
            *_tried(installation, holder, now),
            *_ending(keyring, holder, now),
            *_withdrawn(installation, holder, now, revocation),
        )
    ]


def keys_in_trouble(keyring: Keyring, *, now: datetime) -> list[KeyFinding]:
    """
    Let every key in use sign a few random bytes, and say what somebody must do about keys.

    Whom to trust is not asked, and what cannot be read is one finding more.
    """
    found: list[KeyFinding] = []
    for holder in holders(keyring):
        try:
            found += (*_proved(keyring, holder, now), *_ending(keyring, holder, now))
        except ConfigError as error:
            words = Text(vi=f"{holder}: {error.text.vi}", en=f"{holder}: {error.text.en}")
            found.append(KeyFinding(holder=holder, code=error.code, words=words, is_urgent=True))
    return found


def prove_key(key: SigningKey, *, now: datetime) -> None:
    """
    Return if a key can sign now: it is valid, and it does.

    Raises:
        signing.KeyUnusable: it cannot.
    """
    key.check_usable_at(now)
    prove(key)


def keys_that_end(keyring: Keyring, *, now: datetime) -> list[KeyFinding]:
    """Say whose keys end within 60 days with none to follow."""
    return [finding for holder in holders(keyring) for finding in _ending(keyring, holder, now)]


def _ending(keyring: Keyring, holder: str, now: datetime) -> Iterator[KeyFinding]:
    end = end_of_cover(keyring.held(holder), now=now)
    left = end - now
    if left <= timedelta(0):
        return
    warning = next((one for one in WARNINGS if left <= one), None)
    if warning is None:
        return
    yield KeyFinding(
        holder=holder,
        code=ENDS_SOON,
        words=Text(
            vi=f"{holder}: còn {left.days} ngày, đến {end:%Y-%m-%d}, không có khóa kế tiếp; xin "
            "chứng thư mới rồi chạy: lienthong keys rotate",
            en=f"{holder}: {left.days} days left, until {end:%Y-%m-%d}, and no key follows; ask "
            "for a new certificate, then run: lienthong keys rotate",
        ),
        is_urgent=warning == WARNINGS[0],
    )


def holders(keyring: Keyring) -> list[str]:
    """Return whose keys there are: the operator, where it has one of its own, and agencies."""
    has_own = bool(stems_of(keyring.stem(OPERATOR)))
    return [*([OPERATOR] if has_own else []), *keyring.names()]


def _tried(installation: Installation, holder: str, now: datetime) -> Iterator[KeyFinding]:
    def sign_and_verify(key: SigningKey) -> None:
        signed = XadesSigner(key, second=SecondOpinion(key.certificate)).sign(_PROBE, signed_at=now)
        verify(signed, policy=installation.policy_of_keys(holder), now=now)

    yield from _with_each(installation.keyring, holder, now, sign_and_verify)


def _proved(keyring: Keyring, holder: str, now: datetime) -> Iterator[KeyFinding]:
    yield from _with_each(keyring, holder, now, partial(prove_key, now=now))


def _with_each(
    keyring: Keyring, holder: str, now: datetime, attempt: Callable[[SigningKey], None]
) -> Iterator[KeyFinding]:
    """Say what is wrong with the holder's keys, the one in use after `attempt` with it."""
    held = keyring.held(holder)
    for one in held:
        if one.trouble is not None:
            yield _finding(holder, one.trouble, is_urgent=all(other.key is None for other in held))
    try:
        key = choose([one for one in held if one.key is not None], now=now)
        if key is not None:
            attempt(key)
    except SigningError as error:
        yield _finding(holder, error, is_urgent=True)


def _withdrawn(
    installation: Installation, holder: str, now: datetime, revocation: Revocation
) -> Iterator[KeyFinding]:
    """Say which of a holder's certificates were revoked, and of which in use nothing is known."""
    if revocation.demand is Demand.OFF:
        return
    try:
        policy = replace(installation.policy_of_keys(holder), revocation=revocation)
    except (ConfigError, SigningError):
        # Told where the keys are tried: no chain leads anywhere.
        return
    held = [one for one in installation.keyring.held(holder) if one.key is not None]
    chosen = choose(held, now=now)
    for one in held:
        if one.key is None or one.key.certificate.not_valid_after_utc <= now:
            continue
        found = examine_certificate(
            one.key.certificate,
            intermediates=one.key.chain,
            policy=policy,
            signed_at=now,
            now=now,
        )
        is_used = one.key is chosen
        # Nobody publishes lists for development keys; who demands them anyhow is told.
        is_missed = revocation.demand is Demand.REQUIRED or not is_development(one.key.certificate)
        for reason in (*found.reasons, *found.notices):
            is_revoked = reason.code == "certificate.revoked_when_signed"
            is_unknown = reason.code.startswith("revocation.")
            if is_revoked or (is_used and is_missed and is_unknown):
                yield _finding(holder, reason, is_urgent=is_revoked and is_used)


def _finding(holder: str, error: SigningError | Reason, *, is_urgent: bool) -> KeyFinding:
    return KeyFinding(
        holder=holder,
        code=error.code,
        words=Text(vi=f"{holder}: {error.vi}", en=f"{holder}: {error.en}"),
        is_urgent=is_urgent,
    )

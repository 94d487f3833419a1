"""Which keys sign, and when they and what is trusted end; nothing signs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.key_checks import holders, report_keys
from lienthong.metrics.certificates import read_ends
from lienthong.operations.site_views import HolderView, KeysView, KeyView, TrustView
from lienthong.operations.views import Words

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.key_checks import KeyReport
    from lienthong.wiring import Installation


def see_keys(installation: Installation, principal: Principal) -> KeysView:
    """
    Return the keys of agencies that may be seen; the operator's and trust for who sees the whole.

    Raises:
        Forbidden: nothing of it may be seen.
    """
    is_whole = principal.sees_whole
    if not is_whole:
        principal.need(Right.VIEW)

    def may_see(holder: str) -> bool:
        return is_whole or principal.may(Right.VIEW, holder)

    ends = read_ends(installation)
    shown = [holder for holder in holders(installation.keyring) if may_see(holder)]
    trust = sorted(ends.trust.items()) if is_whole else []
    return KeysView(
        holders=[HolderView(holder=one, ends_at=ends.keys.get(one)) for one in shown],
        keys=[_view(one) for one in report_keys(installation, only=shown)],
        trust=[
            TrustView(use=use, subject=subject, fingerprint=fingerprint, ends_at=at)
            for (use, subject, fingerprint), at in trust
        ],
        unreadable=sorted(of for of in ends.unreadable if may_see(of)),
    )


def _view(one: KeyReport) -> KeyView:
    signer = one.signer
    return KeyView(
        holder=one.holder,
        state=one.state,
        subject=None if signer is None else signer.common_name,
        serial=None if signer is None else signer.serial,
        fingerprint=None if signer is None else signer.fingerprint,
        not_before=None if signer is None else signer.not_before,
        not_after=None if signer is None else signer.not_after,
        is_development=one.is_development,
        is_in_token=one.is_in_token,
        trouble=None if one.code is None else _unusable(one.code),
    )


def _unusable(code: str) -> Words:
    # Its own words name files of the machine, which is for its operator.
    return Words(
        vi=f"Hiện không dùng được ({code}); xem: lienthong keys list",
        en=f"It cannot be used now ({code}); see: lienthong keys list",
    )

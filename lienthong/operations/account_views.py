"""What operations on accounts and sessions show: models of the HTTP API."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from lienthong.operations.views import GrantView, View


class Need(Enum):
    """What somebody who is signed in has to do before anything else."""

    PASSWORD = "password"  # noqa: S105 - what is needed, none of anybody
    """Choose another password."""
    TOTP = "totp"
    """Set an authenticator app up."""


class AccountView(View):
    """One person who may sign in."""

    name: str
    """As the audit log calls them."""
    full_name: str
    grants: list[GrantView]
    by_provider: bool
    """Signs in through the identity provider, and has no password here."""
    is_pinned: bool
    """It is one person of the provider's: since the first login nobody else signs in by it."""
    has_password: bool
    """False: it is still to be set, by a code, unless `by_provider`."""
    has_totp: bool
    recovery_left: int
    """Codes in reserve that are left."""
    locked_until: datetime | None
    disabled_at: datetime | None
    made_at: datetime
    made_by: str
    last_login_at: datetime | None


class AccountList(View):
    """Everybody who may sign in, by name."""

    accounts: list[AccountView]


class NewCode(View):
    """A code by which somebody sets their password; it is shown this once."""

    name: str
    code: str | None
    """Null: there is none, because they sign in through the identity provider."""
    expires_at: datetime | None


class SignedIn(View):
    """A session that was just made; its token is shown this once."""

    name: str
    token: str
    """Send it as `Authorization: Bearer …`."""
    expires_at: datetime
    """At the latest."""
    needs: list[Need]
    """Until it is done nothing else is allowed; empty: all is done."""


class SessionView(View):
    """Who is signed in."""

    name: str
    full_name: str
    grants: list[GrantView]
    made_at: datetime
    expires_at: datetime
    needs: list[Need]
    by_provider: bool
    """Signed in through the identity provider; there is no password here."""
    has_totp: bool
    recovery_left: int


class TotpView(View):
    """What an authenticator app is set up with; it counts once a code of it was confirmed."""

    uri: str
    """otpauth://…, for a picture that the app reads."""
    secret: str
    """The same, to be typed."""


class RecoveryCodes(View):
    """Codes for whoever has lost the app, each good once; they are shown this once."""

    codes: list[str]

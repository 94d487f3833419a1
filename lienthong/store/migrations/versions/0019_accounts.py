"""
People who sign in: their accounts, their sessions, and codes by which a password is set once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; nobody has an account yet."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "name", sa.Text, nullable=False, comment="as the audit log calls them; NFC, lower case"
        ),
        sa.Column("full_name", sa.Text, nullable=False, comment="as it is shown"),
        sa.Column("password", sa.Text, comment="Argon2id with its parameters; empty: none is set"),
        sa.Column("grants", sa.Text, nullable=False, comment="JSON: roles, and for which agencies"),
        sa.Column("totp", sa.LargeBinary, comment="sealed; empty: no authenticator app"),
        sa.Column(
            "totp_next", sa.LargeBinary, comment="sealed; one whose first code has not come yet"
        ),
        sa.Column("totp_step", sa.BigInteger, comment="whose code was used last"),
        sa.Column(
            "recovery", sa.Text, nullable=False, comment="JSON: SHA-256 of codes that are left"
        ),
        sa.Column(
            "must_change", sa.Boolean, nullable=False, comment="a password that is not good enough"
        ),
        sa.Column("failures", sa.Integer, nullable=False, comment="of logins, in a row"),
        sa.Column("locked_until", _TIME),
        sa.Column("disabled_at", _TIME),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("last_login_at", _TIME),
        comment="people who sign in",
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, primary_key=True, comment="stands in the token"),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("totp_done", sa.Boolean, nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False, comment="to the minute"),
        sa.Column("expires_at", _TIME, nullable=False, comment="at the latest"),
        comment="people who are signed in; the tokens themselves are nowhere",
    )
    op.create_table(
        "access_codes",
        sa.Column("id", sa.Text, primary_key=True, comment="stands in the code"),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the whole code"),
        sa.Column(
            "account_id", sa.Text, sa.ForeignKey("accounts.id"), comment="empty: of the first one"
        ),
        sa.Column("expires_at", _TIME, nullable=False),
        comment="codes by which a password is set once",
    )
    op.create_index("accounts_name", "accounts", ["name"], unique=True)
    op.create_index("sessions_account", "sessions", ["account_id"])
    op.create_index("sessions_expires", "sessions", ["expires_at"])
    op.create_index("access_codes_account", "access_codes", ["account_id"])

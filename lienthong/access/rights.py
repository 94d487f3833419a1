"""
Rights, the roles that give them, and who has which role for which agencies.

One table says what a role may do, and a test holds it against the documentation. Nothing is allowed
by being left out: an operation names the right it needs, and asks for it for one agency or gets the
agencies for which it is had.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from schemas.errors import InputError
from schemas.problem import Problem, Text


class Right(Enum):
    """What somebody may do; the values are those of the API."""

    VIEW = "view"
    """See states, codes and times; personal data is masked."""
    REVEAL = "reveal"
    """See personal data of one message, with a reason; each look is in the audit log."""
    REPLAY_ONE = "replay_one"
    """Resend, reissue or discard one message."""
    REPLAY_MANY = "replay_many"
    """Ask that many be resent or reissued."""
    APPROVE = "approve"
    """Let happen what another person asked for."""
    EDIT = "edit"
    """Correct a value and reissue."""
    STEER = "steer"
    """Pause, drain and resume; acknowledge problems."""
    MAPPINGS = "mappings"
    """See mappings, their coverage and what a change would do."""
    AUDIT = "audit"
    """Search the audit log, verify it, export evidence."""
    ADMINISTER = "administer"
    """Make and end accounts and tokens."""


class Role(Enum):
    """What somebody is; the values are those of the API and the command line."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.VIEW}),
    Role.OPERATOR: frozenset(
        {
            Right.VIEW,
            Right.REVEAL,
            Right.REPLAY_ONE,
            Right.REPLAY_MANY,
            Right.EDIT,
            Right.STEER,
            Right.MAPPINGS,
        }
    ),
    # Not to ask for what it approves: the two are two persons.
    Role.APPROVER: frozenset({Right.VIEW, Right.REVEAL, Right.APPROVE}),
    Role.INTEGRATOR: frozenset({Right.VIEW, Right.MAPPINGS}),
    Role.AUDITOR: frozenset({Right.VIEW, Right.AUDIT}),
    # Gives rights, and has none over dossiers.
    Role.ADMINISTRATOR: frozenset({Right.ADMINISTER}),
}

RIGHT_NAMES: dict[Right, Text] = {
    Right.VIEW: Text(vi="xem", en="view"),
    Right.REVEAL: Text(vi="xem dữ liệu cá nhân", en="see personal data"),
    Right.REPLAY_ONE: Text(
        vi="gửi lại, lập lại hoặc bỏ một thông điệp", en="resend, reissue or discard one message"
    ),
    Right.REPLAY_MANY: Text(vi="yêu cầu chạy hàng loạt", en="ask for a bulk replay"),
    Right.APPROVE: Text(vi="duyệt yêu cầu của người khác", en="approve what another asked for"),
    Right.EDIT: Text(vi="sửa giá trị rồi lập lại", en="correct a value and reissue"),
    Right.STEER: Text(vi="tạm dừng và xử lý sự cố", en="pause, and decide about problems"),
    Right.MAPPINGS: Text(vi="xem ánh xạ", en="see mappings"),
    Right.AUDIT: Text(vi="xem nhật ký kiểm toán", en="search the audit log"),
    Right.ADMINISTER: Text(vi="quản trị tài khoản", en="administer accounts"),
}
ROLE_NAMES: dict[Role, Text] = {
    Role.VIEWER: Text(vi="người xem", en="viewer"),
    Role.OPERATOR: Text(vi="người vận hành", en="operator"),
    Role.APPROVER: Text(vi="người duyệt", en="approver"),
    Role.INTEGRATOR: Text(vi="người tích hợp", en="integrator"),
    Role.AUDITOR: Text(vi="kiểm toán viên", en="auditor"),
    Role.ADMINISTRATOR: Text(vi="quản trị viên", en="administrator"),
}

EVERY = None
"""In place of a set of agencies: all of them, also those that are still to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role for some agencies."""

    role: Role
    agencies: frozenset[str] | None
    """Names of mappings; None: every agency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever asks for something."""

    name: str
    """As it stands in the audit log."""
    grants: tuple[Grant, ...]

    def has(self, right: Right) -> bool:
        """Tell whether the right is had for any agency."""
        return any(right in RIGHTS[grant.role] for grant in self.grants)

    def agencies(self, right: Right) -> frozenset[str] | None:
        """Return the agencies for which the right is had; None for every one."""
        found: set[str] = set()
        for grant in self.grants:
            if right in RIGHTS[grant.role]:
                if grant.agencies is EVERY:
                    return EVERY
                found |= grant.agencies
        return frozenset(found)

    def may(self, right: Right, agency: str) -> bool:
        """Tell whether the right is had for one agency."""
        agencies = self.agencies(right)
        return agencies is EVERY or agency in agencies

    def need(self, right: Right, agency: str | None = None) -> None:
        """
        Return where the right is had, for an agency or for any.

        Raises:
            Forbidden: it is not.
        """
        if not (self.has(right) if agency is None else self.may(right, agency)):
            raise Forbidden(right, agency)

    def need_every(self, right: Right) -> None:
        """
        Return where the right is had for every agency.

        Raises:
            Forbidden: it is not.
        """
        if self.agencies(right) is not EVERY:
            raise Forbidden(right, None, is_of_every=True)

    @property
    def sees_whole(self) -> bool:
        """Tell whether what concerns the whole installation may be seen."""
        return self.agencies(Right.VIEW) is EVERY or self.has(Right.ADMINISTER)

    def need_whole(self) -> None:
        """
        Return where what concerns the whole installation may be seen.

        Raises:
            Forbidden: it may not.
        """
        if not self.sees_whole:
            raise Forbidden(Right.VIEW, None, is_of_every=True)


class Forbidden(InputError):
    """Somebody asked for what is not theirs to do."""

    def __init__(self, right: Right, agency: str | None, *, is_of_every: bool = False) -> None:
        """Say which right is missing, and which roles have it."""
        names = [role for role in Role if right in RIGHTS[role]]
        roles_vi = ", ".join(f"{ROLE_NAMES[role].vi} ({role.value})" for role in names)
        roles_en = ", ".join(role.value for role in names)
        of_vi, of_en = ("", "") if agency is None else (f" với {agency}", f" for {agency}")
        if is_of_every:
            of_vi, of_en = " với mọi cơ quan", " for every agency"
        super().__init__(
            Problem(
                code="access.forbidden",
                message=Text(
                    vi=f"Không có quyền {RIGHT_NAMES[right].vi} (`{right.value}`){of_vi}",
                    en=f"The right `{right.value}` is missing{of_en}",
                ),
                suggestion=Text(
                    vi=f"Nhờ quản trị viên cấp một trong các vai trò: {roles_vi}",
                    en=f"Ask an administrator for one of these roles: {roles_en}",
                ),
            )
        )

"""
Who may do what on the server, as data: the least that each user needs.

An agency publishes to its own exchange and reads its own results, and can make, bind, empty and
delete nothing. Only `topology apply` may configure; only whoever runs `topology replay` may put a
message back into an agency's queue.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.rabbitmq.topology import PARKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.rabbitmq.topology import Plan

NOTHING = "^$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What one user may do in the virtual host; regular expressions on names."""

    user: str
    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING


def make_permissions(plan: Plan) -> tuple[Permission, ...]:
    """Return the users of an installation: for the topology, for the workers, one per agency."""
    ours = rf"^{_quoted(plan.prefix)}\."
    return (
        Permission(user=f"{plan.prefix}-topology", configure=ours, write=ours, read=ours),
        Permission(
            user=f"{plan.prefix}-worker",
            write=rf"{ours}(work|delay|parking|results)$",
            read=rf"{ours}(work\..*|in\..*|{PARKED})$",
        ),
        *(
            Permission(
                user=f"{plan.prefix}-{agency}",
                write=f"^{_quoted(plan.inbound(agency))}$",
                read=f"^{_quoted(plan.results_queue(agency))}$",
            )
            for agency in plan.agencies
        ),
    )


def permission_definitions(
    permissions: Sequence[Permission], *, vhost: str
) -> dict[str, list[dict[str, str]]]:
    """Return RabbitMQ's definitions of `permissions`; the users themselves are made before."""
    return {
        "permissions": [
            {
                "user": permission.user,
                "vhost": vhost,
                "configure": permission.configure,
                "write": permission.write,
                "read": permission.read,
            }
            for permission in permissions
        ]
    }


def commands(permissions: Sequence[Permission], *, vhost: str) -> list[str]:
    """
    Return the lines for a shell that make the users.

    Each takes its password from a variable and stops where it is not set, so that nobody gets one
    that stands in a manual.
    """
    lines = []
    for permission in permissions:
        variable = "PASSWORD_" + re.sub(r"\W", "_", permission.user).upper()
        user = shlex.quote(permission.user)
        rights = (vhost, permission.user, permission.configure, permission.write, permission.read)
        lines.append(f'rabbitmqctl add_user {user} "${{{variable}:?}}"')
        lines.append("rabbitmqctl set_permissions -p " + " ".join(map(shlex.quote, rights)))
    return lines


def _quoted(name: str) -> str:
    # A hyphen means something inside of brackets only, and reads better bare.
    return re.escape(name).replace(r"\-", "-")

"""
The errors of the product, sorted by what the caller can do about them.

    LienthongError
    ├── InputError    their data or file is wrong: report it, go on with the rest
    ├── ConfigError   the operator's settings are wrong: mend them, start again
    └── PeerError     a service did not do its part: `retryable` says whether trying again helps

Everything else that is raised is a bug and is not caught. Each class carries a stable dotted
`code` that logs, reports and the audit log cite; the message says what was expected, what was
found, where, and what to do, and never carries a payload or a person's data into a log.
`signing` and `broker` know nothing of this package's errors and draw their own small trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.problem import Text

if TYPE_CHECKING:
    from schemas.problem import Problem


class LienthongError(Exception):
    """Anything the product reports on purpose."""

    code = "error"

    def __init__(self, message: str | Text, *, code: str | None = None) -> None:
        super().__init__(str(message))
        self.text = message if isinstance(message, Text) else Text(vi=message, en=message)
        if code is not None:
            self.code = code


class InputError(LienthongError):
    """A whole input (file, document, submission) cannot be used; `problem` says where and why."""

    code = "input"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message, code=problem.code)
        self.problem = problem


class ConfigError(LienthongError):
    """Settings, profiles or mappings are wrong; `problems` lists every mistake found at once."""

    code = "config"

    def __init__(
        self, message: str | Text, *, problems: tuple[Problem, ...] = (), code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.problems = problems


class PeerError(LienthongError):
    """A service we depend on failed; `retryable` says whether the same call may help later."""

    code = "peer"

    def __init__(self, message: str | Text, *, retryable: bool, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retryable = retryable

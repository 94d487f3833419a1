"""What goes wrong with an identity provider, in words for whoever wanted to sign in."""

from __future__ import annotations

from schemas.errors import InputError, PeerError
from schemas.problem import Problem, Text

AWAY = "access.provider_away"
WRONG = "access.provider_wrong"


class ProviderError(PeerError):
    """
    The provider did not do its part.

    `problem` is for whoever signs in; `detail`, of one line, is for the log and for `doctor`. It
    names addresses and kinds of faults, never a token, a code or a person.
    """

    def __init__(self, problem: Problem, *, detail: str) -> None:
        """Take the words for both."""
        super().__init__(problem.message, retryable=problem.code == AWAY, code=problem.code)
        self.problem = problem
        self.detail = detail


def away(detail: str) -> ProviderError:
    """Return the error for a provider that cannot be asked now."""
    problem = Problem(
        code=AWAY,
        message=Text(
            vi="Máy chủ định danh hiện không trả lời được",
            en="The identity provider cannot be reached now",
        ),
        suggestion=Text(
            vi="Thử lại sau ít phút; ai có mật khẩu tại đây vẫn đăng nhập được bằng mật khẩu. Nếu "
            "kéo dài, báo quản trị viên (lienthong doctor cho biết lý do)",
            en="Try again in a few minutes; who has a password here can still sign in by it. If "
            "it lasts, tell an administrator (lienthong doctor says why)",
        ),
    )
    return ProviderError(problem, detail=detail)


def wrong(detail: str) -> ProviderError:
    """Return the error for a provider whose answer cannot be trusted."""
    problem = Problem(
        code=WRONG,
        message=Text(
            vi="Câu trả lời của máy chủ định danh không đáng tin; bạn chưa được đăng nhập",
            en="The answer of the identity provider cannot be trusted; you are not signed in",
        ),
        suggestion=Text(
            vi="Đăng nhập lại từ đầu; nếu vẫn vậy, báo quản trị viên (lienthong doctor và nhật ký "
            "của tiến trình console cho biết lý do)",
            en="Sign in again from the beginning; if it stays, tell an administrator (lienthong "
            "doctor and the log of the console say why)",
        ),
    )
    return ProviderError(problem, detail=detail)


def not_begun() -> InputError:
    """Return the error for an answer that is not to a sign-in of this browser."""
    return InputError(
        Problem(
            code="access.provider_state",
            message=Text(
                vi="Lần đăng nhập này không bắt đầu từ trình duyệt này, hoặc đã quá lâu",
                en="This sign-in was not begun in this browser, or too long ago",
            ),
            suggestion=Text(
                vi="Đăng nhập lại từ đầu, trong một thẻ của trình duyệt; trình duyệt phải nhận "
                "cookie",
                en="Sign in again from the beginning, in one tab; the browser must take cookies",
            ),
        )
    )


def refused(error: str) -> InputError:
    """Return the error for a provider that says no; `error` is its code, told if it is a word."""
    if error == "access_denied":
        message = Text(
            vi="Bạn đã hủy, hoặc máy chủ định danh không cho phép đăng nhập vào đây",
            en="You cancelled it, or the identity provider does not let you sign in here",
        )
    else:
        word = error if len(error) <= 40 and error.replace("_", "").isalpha() else "?"
        word = word if word.isascii() else "?"
        message = Text(
            vi=f"Máy chủ định danh từ chối ({word})", en=f"The identity provider refuses ({word})"
        )
    return InputError(
        Problem(
            code="access.provider_refused",
            message=message,
            suggestion=Text(
                vi="Thử lại; nếu vẫn vậy, báo người quản trị máy chủ định danh",
                en="Try again; if it stays, tell whoever runs the identity provider",
            ),
        )
    )

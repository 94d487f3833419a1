"""
What pika and RabbitMQ say, in the port's errors and an operator's words.

What passes by itself is `BrokerUnavailable`; what somebody must mend (credentials, a missing queue,
other arguments) is a `BrokerError`. The roles go on trying in both cases.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pika import exceptions as pika_errors
from pika.adapters.utils import connection_workflow as workflow

from broker.port import BrokerError, BrokerUnavailable, StaleDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Words(NamedTuple):
    vi: str
    en: str


_CREDENTIALS = _Words(
    vi="RabbitMQ từ chối tên người dùng hoặc mật khẩu; kiểm tra broker.user và broker.password",
    en="RabbitMQ refuses the user or the password; check broker.user and broker.password",
)
_VHOST = _Words(
    vi="virtual host không có hoặc người dùng không được vào; kiểm tra phần cuối của broker.urls, "
    "rabbitmqctl list_vhosts và list_permissions",
    en="the virtual host is not there, or this user may not enter it; check the end of "
    "broker.urls, rabbitmqctl list_vhosts and list_permissions",
)
_BLOCKED = _Words(
    vi="RabbitMQ đang không nhận bản tin vì thiếu bộ nhớ hoặc đĩa; giải phóng tài nguyên của máy "
    "chủ, xem rabbitmq-diagnostics alarms",
    en="RabbitMQ takes no messages because its memory or disk alarm is on; free resources of the "
    "server, see rabbitmq-diagnostics alarms",
)
_TLS = _Words(
    vi="kết nối TLS tới RabbitMQ không thành; kiểm tra chứng thư của máy chủ, broker.ca_file và "
    "chứng thư của máy khách",
    en="the TLS connection to RabbitMQ failed; check the server's certificate, broker.ca_file and "
    "the client certificate",
)
_GONE = _Words(
    vi="không kết nối được RabbitMQ hoặc kết nối bị ngắt; kiểm tra máy chủ có đang chạy và "
    "broker.urls",
    en="RabbitMQ cannot be reached, or the connection broke; check that the server runs, and "
    "broker.urls",
)
_FAILED = _Words(vi="RabbitMQ báo lỗi", en="RabbitMQ reports an error")
_CHANNEL = {
    403: _Words(
        vi="người dùng này không có quyền; xem rabbitmqctl list_permissions",
        en="this user has no permission; see rabbitmqctl list_permissions",
    ),
    404: _Words(
        vi="máy chủ thiếu một hàng đợi hoặc exchange; chạy: lienthong topology apply",
        en="a queue or exchange is missing on the server; run: lienthong topology apply",
    ),
    406: _Words(
        vi="trên máy chủ đã có với tham số khác; xem: lienthong topology check",
        en="it exists on the server with other arguments; see: lienthong topology check",
    ),
}
_OVERDUE = _Words(
    vi="máy chủ lấy lại bản tin vì quá lâu chưa xác nhận; kiểm tra kho bản tin và consumer_timeout "
    "của RabbitMQ",
    en="the server took its messages back because nobody acknowledged them in time; check the "
    "message store, and RabbitMQ's consumer_timeout",
)
_CREDENTIAL_ERRORS = (
    pika_errors.AuthenticationError,
    pika_errors.ProbableAuthenticationError,
)
VHOST_CODES = frozenset({403, 530})
SHUTTING_DOWN = 320
ACK_TIMED_OUT = "delivery acknowledgement on channel"
"""How the server begins to say (406) that a message was out for longer than consumer_timeout."""


def translated(error: BaseException) -> BrokerError:
    """Return the port's error for what pika raised or reported; the port's own stay."""
    if isinstance(error, BrokerError):
        return error
    cause = _cause(error)
    if isinstance(cause, BrokerError):
        return cause
    kind, words = _meaning(cause)
    said = _said(cause)
    made = kind(f"{words.en} ({said})", vi=f"{words.vi} ({said})")
    made.__cause__ = error
    return made


@contextmanager
def translating() -> Iterator[None]:
    """Run what uses pika, and raise its errors as the port's."""
    try:
        yield
    except (pika_errors.AMQPError, workflow.AMQPConnectorException, OSError) as error:
        raise translated(error) from error


def unroutable(keys: list[str]) -> BrokerError:
    """Return the error for messages that reached no queue."""
    names = ", ".join(sorted(set(keys)))
    return BrokerError(
        f"{len(keys)} messages reached no queue (routing keys: {names}); nothing was lost, none is "
        "promised; run: lienthong topology apply",
        vi=f"{len(keys)} bản tin không vào được hàng đợi nào (khóa định tuyến: {names}); không mất "
        "gì và chưa nhận gì; chạy: lienthong topology apply",
    )


def no_inbound_queue(queues: list[str]) -> BrokerError:
    """Return the error for agencies' queues that are not on the server."""
    names = ", ".join(sorted(queues))
    return BrokerError(
        f"the queues of the agencies are missing on the server ({names}); run: lienthong topology "
        "apply",
        vi=f"máy chủ thiếu hàng đợi của các cơ quan ({names}); chạy: lienthong topology apply",
    )


def no_results_queue(queue: str) -> BrokerError:
    """Return the error for results that have no queue to go to."""
    return BrokerError(
        f"results queue {queue} is missing; nothing was lost, the results wait in the store; run: "
        "lienthong topology apply",
        vi=f"thiếu hàng đợi kết quả {queue}; không mất gì, kết quả chờ trong kho bản tin; chạy: "
        "lienthong topology apply",
    )


def full(queue: str) -> BrokerUnavailable:
    """Return the error for results that the server did not take for one agency."""
    return BrokerUnavailable(
        f"results queue {queue} takes no more: it is full because the agency does not read it, or "
        "its majority is gone; nothing was lost, the results wait in the store",
        vi=f"hàng đợi kết quả {queue} không nhận thêm: đầy vì cơ quan chưa đọc, hoặc cụm máy chủ "
        "mất đa số; không mất gì, kết quả chờ trong kho bản tin",
    )


def stale(count: int, of: int) -> StaleDelivery:
    """Return the error for settling what is not lent any more."""
    return StaleDelivery(
        f"{count} of {of} deliveries are stale: settled before, or their lease or connection ended",
        vi=f"{count} trên {of} lượt giao không còn hiệu lực: đã chốt trước đó, hoặc hết hạn mượn, "
        "hoặc kết nối đã ngắt",
    )


def refused(count: int) -> BrokerUnavailable:
    """Return the error for messages the server did not take."""
    return BrokerUnavailable(
        f"RabbitMQ did not take {count} messages; see the server's log",
        vi=f"RabbitMQ không nhận {count} bản tin; xem nhật ký của máy chủ",
    )


def silent(seconds: float) -> BrokerUnavailable:
    """Return the error for an answer that did not come."""
    return BrokerUnavailable(
        f"RabbitMQ did not answer within {seconds:g} s; check its load, its cluster and the "
        "network",
        vi=f"RabbitMQ không trả lời trong {seconds:g} giây; kiểm tra tải, cụm máy chủ và mạng",
    )


def blocked(reason: str) -> BrokerUnavailable:
    """Return the error for a server whose alarm is on."""
    return BrokerUnavailable(f"{_BLOCKED.en} ({reason})", vi=f"{_BLOCKED.vi} ({reason})")


def cancelled() -> BrokerUnavailable:
    """Return the error for a queue that went away under its consumer."""
    return BrokerUnavailable(
        "the server ended the consumer: its queue was deleted or moved; see: lienthong topology "
        "check",
        vi="máy chủ đã ngừng cấp bản tin: hàng đợi bị xóa hoặc chuyển chỗ; xem: lienthong topology "
        "check",
    )


def _meaning(cause: BaseException) -> tuple[type[BrokerError], _Words]:
    if isinstance(cause, _CREDENTIAL_ERRORS):
        return BrokerError, _CREDENTIALS
    if isinstance(cause, pika_errors.ProbableAccessDeniedError):
        return BrokerError, _VHOST
    if isinstance(cause, pika_errors.ConnectionBlockedTimeout):
        return BrokerUnavailable, _BLOCKED
    if isinstance(cause, pika_errors.ConnectionClosed):
        return _connection_meaning(cause.reply_code)
    if isinstance(cause, pika_errors.ChannelClosed) and ACK_TIMED_OUT in cause.reply_text:
        return BrokerUnavailable, _OVERDUE
    if isinstance(cause, pika_errors.ChannelClosed):
        return BrokerError, _CHANNEL.get(cause.reply_code, _FAILED)
    if isinstance(cause, ssl.SSLError):
        return BrokerError, _TLS
    if isinstance(
        cause, (pika_errors.AMQPConnectionError, workflow.AMQPConnectorException, OSError)
    ):
        return BrokerUnavailable, _GONE
    return BrokerError, _FAILED


def _connection_meaning(code: int) -> tuple[type[BrokerError], _Words]:
    if code in VHOST_CODES:
        return BrokerError, _VHOST
    if code == SHUTTING_DOWN or code < 400:
        return BrokerUnavailable, _GONE
    return BrokerUnavailable, _FAILED


def _cause(error: BaseException) -> BaseException:
    # One pass over all addresses fails with the whole list; what somebody must mend is told first.
    if isinstance(error, workflow.AMQPConnectionWorkflowFailed):
        causes = [_cause(inner) for inner in error.exceptions]
        telling = [cause for cause in causes if _meaning(cause)[0] is BrokerError]
        return telling[0] if telling else causes[-1]
    if isinstance(error, workflow.AMQPConnectorPhaseErrorBase):
        return _cause(error.exception)
    return error


def _said(cause: BaseException) -> str:
    if isinstance(cause, (pika_errors.ConnectionClosed, pika_errors.ChannelClosed)):
        return f"{cause.reply_code} {cause.reply_text}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__

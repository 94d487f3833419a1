"""
Fetching a file by its address: as it streams, from servers that are allowed, and nowhere else.

The steps are those of the wire of deliveries, whose answers are read whole: connecting to one
address that was looked up once, a budget of time over the whole file, no redirect, no proxy of the
environment, nothing unpacked. An address is never told, since many carry a token: what is told is
the server's name in the settings, and the file's.
"""

from __future__ import annotations

import base64
import re
import ssl
from contextlib import closing, contextmanager
from functools import partial
from hashlib import sha256
from http.client import HTTPException
from time import monotonic
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.exceptions import SSLError as WrappedSSLError

from lienthong.attachments.addresses import AddressPrivate, resolve
from lienthong.attachments.words import FileAway, away, too_large, wrong
from lienthong.channels.wire import BoundedResponse, Budget, make_tls
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from urllib3.response import BaseHTTPResponse

    from lienthong.attachments.addresses import Root
    from lienthong.attachments.profile import FileServer
    from mappings.attachments import DeclaredFile

PART_BYTES = 256 * 1024
LONGEST_WAIT_SECONDS = 86_400
MISSING = frozenset({404, 410, 414, 451})
"""The address names no file, whoever asks; trying again does not help."""
REFUSED = frozenset({400, 401, 403, 405, 406, 407})
"""It does not take how we ask, or who we are: its fault, or that of its settings here."""
# Not `isdigit`: headers are latin-1, whose "²" is a digit that is no number.
_is_number = re.compile(r"[0-9]{1,18}").fullmatch


class _Peer:
    """What `make_tls` reads of a profile."""

    def __init__(self, server: FileServer) -> None:
        self.endpoint = server.url
        self.connect_timeout_seconds = server.connect_timeout_seconds
        self.read_timeout_seconds = server.read_timeout_seconds
        self.call_timeout_seconds = server.call_timeout_seconds
        self.keep_alive_seconds = 0.0
        self.max_answer_bytes = 0
        self.ca_file: Path | None = server.ca_file
        self.client_certificate: Path | None = server.client_certificate
        self.client_key: Path | None = server.client_key


class HttpFiles:
    """
    One server that files are fetched from. Thread-safe.

    Raises:
        ConfigError: a certificate or key cannot be used.
    """

    def __init__(self, name: str, server: FileServer) -> None:
        self._name = name
        self._server = server
        self._headers = _headers(server)
        is_tls = server.root.scheme == "https"
        self._tls = make_tls(_Peer(server), "attachments") if is_tls else None

    @contextmanager
    def open(self, root: Root, declared: DeclaredFile, *, limit: int) -> Iterator[Iterator[bytes]]:
        """
        Give the bytes of one file, part by part.

        Args:
            root: Its address, which this server covers.
            declared: Which it is.
            limit: Of its bytes; one that says it is longer is not begun.

        Raises:
            FileWrong: it is not there, or too large; also while its parts are read.
            FileAway: it cannot be had now; also while its parts are read.
        """
        connection = self._connect(root, declared)
        with closing(connection), closing(self._ask(connection, root, declared)) as response:
            self._judge(response, declared)
            length = response.headers.get("content-length", "")
            if _is_number(length) and int(length) > limit:
                raise too_large(declared, limit=limit, size=int(length))
            # What the caller does with the parts may fail too, and is none of the server's doing.
            parts = self._parts(response, declared)
            yield parts if _is_framed(response) else self._proven(parts, declared)

    def _connect(self, root: Root, declared: DeclaredFile) -> HTTPConnection:
        server = self._server
        try:
            address = resolve(root.host, root.port, allow_private=server.allow_private)
            timeout = server.connect_timeout_seconds
            connection = (
                HTTPConnection(address, root.port, timeout=timeout)
                if self._tls is None
                else HTTPSConnection(
                    address,
                    root.port,
                    timeout=timeout,
                    ssl_context=self._tls,
                    server_hostname=root.host,
                )
            )
            connection.connect()
        except AddressPrivate as error:
            raise self._away("private_address", declared, _PRIVATE) from error
        except (ssl.SSLError, WrappedSSLError) as error:
            raise self._away("tls", declared, _TLS) from error
        except (HTTPError, OSError, UnicodeError) as error:
            raise self._unreachable(declared, type(error).__name__) from error
        return connection

    def _ask(
        self, connection: HTTPConnection, root: Root, declared: DeclaredFile
    ) -> BaseHTTPResponse:
        server = self._server
        budget = Budget(
            deadline=monotonic() + server.call_timeout_seconds,
            patience=server.read_timeout_seconds,
        )
        connection.timeout = budget.next_timeout()
        connection.response_class = partial(BoundedResponse, budget=budget)  # type: ignore[assignment]
        headers = {"Host": _host_of(root), **self._headers}
        try:
            connection.request(
                "GET", root.target, None, headers, preload_content=False, decode_content=False
            )
            return connection.getresponse()
        except (ssl.SSLError, WrappedSSLError, HTTPError, HTTPException, OSError) as error:
            raise self._unreachable(declared, type(error).__name__) from error

    def _judge(self, response: BaseHTTPResponse, declared: DeclaredFile) -> None:
        status = response.status
        if status in (200, 204):
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                raise self._away("encoded", declared, _ENCODED)
            return
        if status in MISSING:
            raise wrong("missing", declared, _missing(status))
        if 300 <= status < 400:
            raise self._away("redirected", declared, _redirected(status))
        if status in REFUSED:
            raise self._away("refused", declared, _refused(status))
        wait = response.headers.get("retry-after", "")
        seconds = min(int(wait), LONGEST_WAIT_SECONDS) if _is_number(wait) else None
        raise self._unreachable(declared, f"HTTP {status}", wait=seconds)

    def _parts(self, response: BaseHTTPResponse, declared: DeclaredFile) -> Iterator[bytes]:
        while True:
            try:
                part = response.read1(PART_BYTES)
            except (ssl.SSLError, WrappedSSLError, HTTPError, HTTPException, OSError) as error:
                # Told apart from trouble of whoever takes the parts, such as a full disk.
                raise self._unreachable(declared, type(error).__name__) from error
            if not part:
                return
            yield part

    def _proven(self, parts: Iterator[bytes], declared: DeclaredFile) -> Iterator[bytes]:
        """Return parts whose end is that of the connection: only what is declared proves it."""
        if declared.size is None and declared.sha256 is None:
            raise self._away("unproven", declared, _NO_LENGTH, remedy=_SAY_LENGTH)
        return self._compared(parts, declared)

    def _compared(self, parts: Iterator[bytes], declared: DeclaredFile) -> Iterator[bytes]:
        size, digest = 0, sha256()
        for part in parts:
            size += len(part)
            digest.update(part)
            yield part
        # A longer one, or another one of the same length, is wrong: whoever takes it says so.
        is_whole = (
            digest.hexdigest() == declared.sha256
            if declared.size is None
            else size >= declared.size
        )
        if not is_whole:
            raise self._away("unproven", declared, _CUT_OFF, remedy=_SAY_LENGTH)

    def _unreachable(
        self, declared: DeclaredFile, cause: str, *, wait: float | None = None
    ) -> FileAway:
        text = Text(
            vi=f"chưa lấy được từ máy chủ tệp «{self._name}» ({cause})",
            en=f"cannot be had from the file server '{self._name}' now ({cause})",
        )
        return away("unreachable", declared, text, remedy=_BY_ITSELF, wait=wait)

    def _away(
        self, code: str, declared: DeclaredFile, what: Text, *, remedy: Text | None = None
    ) -> FileAway:
        text = Text(
            vi=f"chưa lấy được từ máy chủ tệp «{self._name}»: {what.vi}",
            en=f"cannot be had from the file server '{self._name}': {what.en}",
        )
        return away(code, declared, text, remedy=remedy or _OPERATOR)


def _headers(server: FileServer) -> Mapping[str, str]:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "lienthong"}
    token = server.token.get_secret_value()
    if token:
        headers[server.token_header] = server.token_prefix + token
    elif server.user is not None:
        pair = f"{server.user}:{server.password.get_secret_value()}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return headers


def _is_framed(response: BaseHTTPResponse) -> bool:
    """Tell whether an answer says where it ends. Source: RFC 9112, 6.3."""
    is_chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
    has_length = _is_number(response.headers.get("content-length", "")) is not None
    return is_chunked or has_length or response.status == 204


def _host_of(root: Root) -> str:
    host = f"[{root.host}]" if ":" in root.host else root.host
    usual = 443 if root.scheme == "https" else 80
    return host if root.port == usual else f"{host}:{root.port}"


def _missing(status: int) -> Text:
    return Text(
        vi=f"không có ở địa chỉ đã ghi (HTTP {status})",
        en=f"is not at the address that is given (HTTP {status})",
    )


def _redirected(status: int) -> Text:
    return Text(
        vi=f"máy chủ chuyển hướng (HTTP {status}), không đi theo; thường là trang đăng nhập",
        en=f"it redirects (HTTP {status}), which is not followed; often to a login page",
    )


def _refused(status: int) -> Text:
    return Text(vi=f"máy chủ từ chối (HTTP {status})", en=f"it refuses us (HTTP {status})")


_PRIVATE = Text(
    vi="tên máy chủ trỏ về địa chỉ nội bộ, cần allow_private = true nếu đúng như vậy",
    en="its name has a private address; allow_private = true if that is right",
)
_TLS = Text(
    vi="không lập được TLS; kiểm tra ca_file và hạn chứng thư",
    en="there is no TLS with it; check ca_file and whether a certificate has expired",
)
_ENCODED = Text(
    vi="máy chủ trả nội dung đã nén dù không được yêu cầu",
    en="it sends a content encoding that was not asked for",
)
_NO_LENGTH = Text(
    vi="máy chủ không cho biết độ dài (không có Content-Length), nên không biết tệp đã đủ hay chưa",
    en="it does not say how long the file is (no Content-Length): nobody knows whether all of it "
    "came",
)
_CUT_OFF = Text(
    vi="kết nối kết thúc mà nội dung khác khai báo; máy chủ không cho biết độ dài (không có "
    "Content-Length), nên có thể tệp chưa đủ",
    en="the connection ended and it is not what is declared; without a Content-Length it may not "
    "all have come",
)
_SAY_LENGTH = Text(
    vi="Người vận hành yêu cầu máy chủ tệp gửi Content-Length, hoặc khai báo size hay sha256 của "
    "tệp trong ánh xạ rồi gửi lại hồ sơ; hệ thống tự thử lại",
    en="The operator has the file server send Content-Length, or has size or sha256 of the file in "
    "the mapping and the dossier sent again; it is tried again by itself",
)
_BY_ITSELF = Text(
    vi="Không cần làm gì: hệ thống tự thử lại, cách nhau dài dần",
    en="Nothing has to be done: it is tried again by itself, at growing pauses",
)
_OPERATOR = Text(
    vi="Người vận hành kiểm tra [attachments.servers] và máy chủ tệp; hệ thống tự thử lại",
    en="The operator checks [attachments.servers] and the file server; it is tried again by itself",
)

"""A REST service that is asked for what is new: requests and replies in JSON."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from lienthong.pull.http import Caller, Request, shown_address
from lienthong.pull.listing import Listing
from lienthong.pull.paths import ABSENT, look
from lienthong.pull.replies import check_result, parse_json
from lienthong.pull.rows import line_of
from lienthong.pull.templates import fill, fill_address, holes_in
from lienthong.pull.tokens import common_headers
from lienthong.pull.web_profile import SECRETS, plain_values
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from datetime import datetime

    from lienthong.pull.marks import Mark
    from lienthong.pull.page import Page, PulledRow
    from lienthong.pull.rest_profile import Detail, RestPull
    from lienthong.pull.tokens import Tokens


class RestSource:
    """
    One service.

    Raises:
        ConfigError: a certificate or key cannot be used.
    """

    def __init__(self, profile: RestPull, *, clock: Callable[[], datetime], tokens: Tokens) -> None:
        self._profile = profile
        self._tokens = tokens
        self._caller = Caller(profile, clock=clock)
        self._listing = Listing(profile, ask=self._ask, clock=clock)

    @property
    def address(self) -> str:
        """Where it is, as people may see it."""
        return shown_address(self._profile.url)

    def pages(self, *, low: Mark | None) -> Generator[Page]:
        """Yield what there is; see `sources.Source`."""
        return self._listing.pages(low=low)

    def lines(self, rows: Sequence[PulledRow]) -> list[bytes]:
        """Return lines, each completed by its detail where the profile has one; see `Source`."""
        profile, detail = self._profile, self._profile.detail
        if detail is None:
            return [row.line for row in rows]
        lines: list[bytes] = []
        size, until = 0, time.monotonic() + profile.call_timeout_seconds
        for row in rows:
            if lines and (size >= profile.page_bytes or time.monotonic() >= until):
                break
            lines.append(self._completed(row, detail))
            size += len(lines[-1])
        return lines

    def probe(self) -> None:
        """Ask for the first page; see `Source`."""
        next(self.pages(low=self._profile.first_mark), None)

    def close(self) -> None:
        """Give back what it holds."""
        self._caller.close()

    def _ask(self, values: Mapping[str, Any], address: str | None) -> Any:
        profile = self._profile
        return self._call(profile, values, address=address, shown=self.address)

    def _completed(self, row: PulledRow, detail: Detail) -> bytes:
        record = json.loads(row.line)
        values = plain_values(self._profile)
        for path in holes_in([detail.url, detail.query, detail.body]) - set(SECRETS):
            values[path] = look(record, path)
            if values[path] is ABSENT or values[path] is None:
                raise _no_field(path)
        reply = self._call(detail, values, address=None, shown=shown_address(detail.url))
        found = look(reply, detail.record)
        if not isinstance(found, dict):
            raise _no_record(detail.record)
        return line_of({**record, **found}, zone=self._profile.zone)

    def _call(
        self,
        asked: RestPull | Detail,
        values: Mapping[str, Any],
        *,
        address: str | None,
        shown: str,
    ) -> Any:
        """Call with a token that lives; once more with a new one where it did not."""
        profile = self._profile

        def send(token: str | None) -> Any:
            filled = {**values, "token": token}
            request = Request(
                method=asked.method,
                address=address or _address(asked, filled),
                body=_body(asked, filled),
                headers=_headers(profile, asked, filled),
                shown=shown,
            )
            reply = parse_json(self._caller.call(request), where=shown)
            check_result(reply, error=profile.error, success=profile.success, where=shown)
            return reply

        return self._tokens.using(profile, self._caller, send)


def _address(asked: RestPull | Detail, values: Mapping[str, Any]) -> str:
    address = fill_address(asked.url, values)
    query = urlencode(fill(asked.query, values))
    if not query:
        return address
    return f"{address}{'&' if urlsplit(address).query else '?'}{query}"


def _body(asked: RestPull | Detail, values: Mapping[str, Any]) -> bytes | None:
    if asked.method == "GET":
        return None
    return json.dumps(fill(asked.body, values), ensure_ascii=False).encode()


def _headers(
    profile: RestPull, asked: RestPull | Detail, values: Mapping[str, Any]
) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if asked.method == "POST":
        headers["Content-Type"] = "application/json; charset=utf-8"
    return headers | common_headers(profile, values)


def _no_field(path: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Một bản ghi không có «{path}», mà [pull.TÊN.detail] cần",
            en=f"a record has no '{path}', which [pull.NAME.detail] needs",
        ),
        code="pull.columns",
    )


def _no_record(path: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Câu trả lời chi tiết không có đối tượng tại «{path}» (detail.record)",
            en=f"the reply with a detail has no object at '{path}' (detail.record)",
        ),
        code="pull.reply",
    )

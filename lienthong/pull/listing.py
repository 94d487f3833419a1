"""
A list of records that a web service gives page by page, whatever its pages are told apart by.

Services seldom sort, and what they sort by is theirs. So the mark moves when the whole list was
read, and page by page only where the profile says that records come in order. What ends early, or
goes round in circles, is never taken for an end: rows are taken over, and the mark stays.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from lienthong.pull import marks
from lienthong.pull.http import elsewhere, origin_of
from lienthong.pull.page import Page, PulledRow
from lienthong.pull.paths import ABSENT, look, shown_names
from lienthong.pull.replies import records_in
from lienthong.pull.rows import line_of
from lienthong.pull.stamps import align, read_stamp, write_stamp
from lienthong.pull.web_profile import plain_values
from schemas.errors import ConfigError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from datetime import datetime

    from lienthong.pull.marks import Mark
    from lienthong.pull.web_profile import Paging, WebPull

    Ask = Callable[[Mapping[str, Any], str | None], Any]
    """Asks for one page with what fills its holes, at the address given or, None, the profile's."""
    Find = Callable[..., list[dict[str, Any]]]
    """Finds the records of a reply, as `replies.records_in` does."""

LONGEST_CURSOR = 8192
_Record = dict[str, Any]


class Listing:
    """The list of one profile, asked for by `ask`."""

    def __init__(
        self,
        profile: WebPull,
        *,
        ask: Ask,
        clock: Callable[[], datetime],
        find: Find = records_in,
    ) -> None:
        self._profile = profile
        self._find = find
        self._ask = ask
        self._clock = clock

    def pages(self, *, low: Mark | None) -> Generator[Page]:
        """Yield what there is; see `sources.Source.pages`."""
        highest: Mark | None = None
        for records in self._replies(self._values(low)):
            for rows, columns in self._chunks(records, low):
                for row in rows:
                    highest = self._higher(highest, row.mark)
                yield Page(
                    rows=rows, columns=columns, mark=highest if self._profile.sorted else None
                )
        if highest is not None and not self._profile.sorted:
            yield Page(rows=[], columns=[], mark=highest)

    def _values(self, low: Mark | None) -> dict[str, Any]:
        profile = self._profile
        form = profile.since_format or profile.watermark_format
        values = plain_values(profile)
        holes = profile.request_holes
        if low is not None and "since" in holes:
            values["since"] = write_stamp(low, form=form, zone=profile.zone)
        if "until" in holes:
            values["until"] = write_stamp(self._clock(), form=form, zone=profile.zone)
        return values

    def _replies(self, values: Mapping[str, Any]) -> Iterator[list[_Record]]:
        profile, paging = self._profile, self._profile.paging
        if paging is None:
            reply = self._ask(values, None)
            yield self._find(reply, path=profile.records, may_be_null=True)
            return
        walk = _Walk(paging, profile.url)
        for turn in range(paging.max_pages):
            reply = self._ask({**values, **walk.values}, walk.address)
            records = self._find(reply, path=profile.records, may_be_null=turn == 0)
            walk.check_new(records)
            yield records
            if not walk.go_on(reply, records):
                return
        raise _too_many(paging.max_pages)

    def _chunks(
        self, records: list[_Record], low: Mark | None
    ) -> Iterator[tuple[list[PulledRow], list[str]]]:
        """Cut the records of a reply into submissions, each with the names of its fields."""
        rows: list[PulledRow] = []
        columns: dict[str, None] = {}
        lines: dict[bytes, bytes] = {}
        size = 0
        for record in records:
            if len(rows) == self._profile.page_rows or size >= self._profile.page_bytes:
                yield rows, list(columns)
                rows, columns, size = [], {}, 0
            row = self._row(record)
            if self._is_too_old(row.mark, low):
                continue
            if lines.setdefault(row.name, row.line) != row.line:
                raise _not_unique(self._profile)
            rows.append(row)
            columns |= dict.fromkeys(record)
            size += len(row.line)
        if rows:
            yield rows, list(columns)

    def _row(self, record: _Record) -> PulledRow:
        mark = self._mark(record)
        line = line_of(record, zone=self._profile.zone)
        key = [self._key_part(record, path) for path in self._profile.key]
        if not key:
            key = [hashlib.sha256(line).hexdigest()]
        return PulledRow(
            mark=mark,
            name=json.dumps([None if mark is None else marks.encode(mark), *key]).encode(),
            line=line,
        )

    def _mark(self, record: _Record) -> Mark | None:
        profile = self._profile
        if profile.watermark is None:
            return 0
        value = look(record, profile.watermark)
        if value is ABSENT or value is None or value == "":
            return None
        return read_stamp(
            value, form=profile.watermark_format, zone=profile.zone, field=profile.watermark
        )

    def _is_too_old(self, mark: Mark | None, low: Mark | None) -> bool:
        """
        Tell whether a row lies before what was asked for.

        Many services know only days, or no watermark at all: what is older than the overlap was
        taken over, and forgotten.
        """
        if mark is None or low is None or self._profile.watermark is None:
            return False
        return marks.is_after(align(low, like=mark, zone=self._profile.zone), mark)

    def _key_part(self, record: _Record, path: str) -> str:
        part = look(record, path)
        if part is ABSENT or part is None or isinstance(part, dict | list):
            raise _no_key(path, record)
        return str(part)

    def _higher(self, highest: Mark | None, mark: Mark | None) -> Mark | None:
        if mark is None or highest is None:
            return highest if mark is None else mark
        if marks.kind_of(highest) != marks.kind_of(mark):
            raise _mixed(self._profile.watermark)
        is_higher = marks.is_after(mark, highest)
        if self._profile.sorted and not is_higher and mark != highest:
            raise _not_sorted(self._profile.watermark)
        return mark if is_higher else highest


class _Walk:
    """From page to page."""

    def __init__(self, paging: Paging, url: str) -> None:
        self._paging = paging
        self._url = url
        self.values: dict[str, Any] = {"page": paging.first, "offset": 0, "size": paging.size}
        self.address: str | None = None
        self._count = 0
        self._met: set[str] = set()
        self._before: list[_Record] | None = None

    def check_new(self, records: list[_Record]) -> None:
        """Refuse a page that is the one before it, before anything of it is taken for new."""
        if records and records == self._before and self._paging.kind in ("page", "offset"):
            raise _repeated()
        self._before = records

    def go_on(self, reply: Any, records: list[_Record]) -> bool:
        """Step to the page after this one; False: there is none."""
        self._count += len(records)
        if self._paging.kind in ("page", "offset"):
            self.values["page"] += 1
            self.values["offset"] += len(records)
            return not self._is_last(reply, records)
        found = look(reply, self._paging.cursor or self._paging.next or "")
        if found is ABSENT or found is None or found is False or found == "":
            self._check_total(reply)
            return False
        if not isinstance(found, str | int) or len(str(found)) > LONGEST_CURSOR:
            raise _repeated()
        if str(found) in self._met:
            raise _repeated()
        self._met.add(str(found))
        if self._paging.kind == "cursor":
            self.values["cursor"] = found
        else:
            self.address = self._beside(str(found))
        return True

    def _is_last(self, reply: Any, records: list[_Record]) -> bool:
        total = self._total(reply)
        if total is not None and self._count >= total:
            return True
        is_short = self._paging.short_page_ends and len(records) < self._paging.size
        if not records or is_short:
            self._check_total(reply)
            return True
        return False

    def _check_total(self, reply: Any) -> None:
        total = self._total(reply)
        if total is not None and self._count < total:
            raise _incomplete(self._count, total)

    def _total(self, reply: Any) -> int | None:
        if self._paging.total is None:
            return None
        found = look(reply, self._paging.total)
        try:
            return int(found)
        except (TypeError, ValueError):
            raise _no_total(self._paging.total) from None

    def _beside(self, link: str) -> str:
        """Return the address of a link, of the same host."""
        try:
            address = urljoin(self.address or self._url, link)
        except ValueError:
            raise elsewhere("?") from None
        if origin_of(address) != origin_of(self._url):
            raise elsewhere(address.partition("?")[0])
        return address


def _too_many(limit: int) -> PeerError:
    return PeerError(
        Text(
            vi=f"Nguồn có hơn {limit} trang trong một lần đọc; những dòng đã nhận vẫn giữ; tăng "
            "paging.max_pages, hoặc đặt start gần hơn, hoặc sorted = true nếu nguồn sắp xếp",
            en=f"the source has more than {limit} pages in one reading; what was taken over stays; "
            "raise paging.max_pages, set a later start, or sorted = true where it sorts",
        ),
        retryable=True,
        code="pull.too_many_pages",
    )


def _repeated() -> ConfigError:
    return ConfigError(
        Text(
            vi="Nguồn trả về cùng một trang hai lần liền, hoặc chỉ trang kế tiếp đi vòng; kiểm tra "
            "tham số trang, hoặc khai báo paging.total hay short_page_ends",
            en="the source gives the same page twice, or leads round in a circle; check the "
            "paging parameters, or give paging.total or short_page_ends",
        ),
        code="pull.paging",
    )


def _incomplete(count: int, total: int) -> PeerError:
    return PeerError(
        Text(
            vi=f"Nguồn báo có {total} bản ghi nhưng chỉ đưa {count}; mốc giữ nguyên, sẽ đọc lại",
            en=f"the source says that there are {total} records, and gave {count}; the watermark "
            "stays, and it is read again",
        ),
        retryable=True,
        code="pull.incomplete",
    )


def _no_total(path: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Tại «{path}» (paging.total) không có số bản ghi",
            en=f"there is no number of records at '{path}' (paging.total)",
        ),
        code="pull.reply",
    )


def _no_key(path: str, record: _Record) -> ConfigError:
    names = shown_names(record)
    return ConfigError(
        Text(
            vi=f"Một bản ghi không có «{path}» (key); có: {names}",
            en=f"a record has no '{path}' (key); there are: {names}",
        ),
        code="pull.columns",
    )


def _not_unique(profile: WebPull) -> ConfigError:
    names = ", ".join((profile.watermark or "-", *profile.key))
    return ConfigError(
        Text(
            vi=f"Có nhiều bản ghi khác nhau trùng cả mốc lẫn khóa ({names}); thêm trường vào key "
            "để mỗi bản ghi chỉ có một",
            en=f"several records differ and have the same watermark and key ({names}); add fields "
            "to key until it names one record",
        ),
        code="pull.columns",
    )


def _mixed(field: str | None) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Trường mốc «{field}» lúc là ngày, lúc là thời điểm",
            en=f"the watermark field '{field}' is now a day, now a time",
        ),
        code="pull.mark_kind",
    )


def _not_sorted(field: str | None) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Bản ghi không theo thứ tự tăng dần của «{field}»; bỏ sorted = true",
            en=f"records are not in rising order of '{field}'; take sorted = true away",
        ),
        code="pull.unsorted",
    )

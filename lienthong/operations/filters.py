"""
Searches that people keep under names of their own; everybody has theirs and sees no others.

A filter is an address and gives no right: what it shows is decided when it is used.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from lienthong.logs import PERSONAL
from lienthong.operations.filter_views import FilterList, FilterView
from lienthong.operations.searches import (
    LONGEST_QUERY,
    ListPage,
    page_of,
    query_too_long,
    read_query,
    write_query,
)
from lienthong.store.database import reading
from lienthong.store.saved_filters import (
    SavedFilter,
    keep_filter,
    list_filters,
    remove_filter,
)
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.searches import Search
    from lienthong.wiring import Installation

MOST_FILTERS = 50
"""Of one list that somebody may keep."""
LONGEST_NAME = 80
_SPACE_IN_NUMBER = re.compile(r"(?<=\d)\s+(?=\d)")
_NO_LINE = ("Cc", "Cf", "Zl", "Zp")
"""Categories of characters that end a line, or that nobody sees."""


def find_filters(
    installation: Installation, principal: Principal, page: ListPage | None = None
) -> FilterList:
    """Return what whoever asks kept, of one list or of all, by name."""
    with reading(installation.store) as connection:
        found = list_filters(connection, principal.name)
    shown = [_view(one) for one in found if page is None or one.page == page.value]
    return FilterList(filters=sorted(shown, key=lambda one: (one.page.value, one.name.casefold())))


def save_filter(
    installation: Installation, principal: Principal, name: str, search: Search
) -> FilterView:
    """
    Keep a search under a name, in place of what whoever asks had under it.

    Raises:
        InputError: the name or the search cannot be kept, or there are too many.
    """
    page, name, query = page_of(search), _clean(name), write_query(search)
    if len(query) > LONGEST_QUERY:
        raise query_too_long()
    if any(_is_personal(said) for said in (name, *(value for _, value in parse_qsl(query)))):
        raise _of_person()
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        mine = {
            one.name: one
            for one in list_filters(work.connection, principal.name)
            if one.page == page.value
        }
        known = mine.get(name)
        if known is not None and known.query == query:
            return _view(known)
        if known is None and len(mine) >= MOST_FILTERS:
            raise _too_many()
        made = SavedFilter(page=page.value, name=name, query=query, saved_at=work.at)
        keep_filter(work, principal.name, made)
        # Neither the name nor the search: people write there what they like.
        work.note("filter.saved", principal.name, page=page.value)
    return _view(made)


def delete_filter(
    installation: Installation, principal: Principal, page: ListPage, name: str
) -> None:
    """
    Forget what whoever asks kept under a name.

    Raises:
        InputError: they kept nothing under it.
    """
    name = _clean(name)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        if not remove_filter(work, principal.name, page.value, name):
            raise _not_there()
        work.note("filter.removed", principal.name, page=page.value)


def _view(kept: SavedFilter) -> FilterView:
    page = ListPage(kept.page)
    try:
        read_query(page, kept.query)
    except InputError:
        is_usable = False
    else:
        is_usable = True
    return FilterView(
        page=page, name=kept.name, query=kept.query, is_usable=is_usable, saved_at=kept.saved_at
    )


def _clean(name: str) -> str:
    clean = unicodedata.normalize("NFC", name).strip()
    is_line = not any(unicodedata.category(letter) in _NO_LINE for letter in clean)
    if is_line and 0 < len(clean) <= LONGEST_NAME:
        return clean
    raise InputError(
        Problem(
            code="filter.name",
            message=Text(
                vi="Tên bộ lọc không dùng được", en="The name of the filter cannot be used"
            ),
            suggestion=Text(
                vi=f"1-{LONGEST_NAME} ký tự trên một dòng, không có ký tự ẩn",
                en=f"1 to {LONGEST_NAME} characters on one line, none of them invisible",
            ),
        )
    )


def _is_personal(said: str) -> bool:
    # People write the number of a paper in groups; what nobody sees may stand between, too.
    seen = "".join(letter for letter in said if unicodedata.category(letter) != "Cf")
    return any(PERSONAL.search(one) for one in (said, _SPACE_IN_NUMBER.sub("", seen)))


def _of_person() -> InputError:
    return InputError(
        Problem(
            code="filter.person",
            message=Text(
                vi="Tên hoặc bộ lọc có cái giống số giấy tờ, mã số thuế, điện thoại hoặc thư điện "
                "tử; những thứ đó không được lưu ở đây",
                en="The name or the filter has what looks like the number of a person's paper, a "
                "tax code, a telephone or a mail address, which are not kept here",
            ),
            suggestion=Text(
                vi="Bỏ phần đó; tìm theo người bằng biểu mẫu riêng, mỗi lần một số",
                en="Leave it out; people are looked for by a form of its own, each time anew",
            ),
        )
    )


def _too_many() -> InputError:
    return InputError(
        Problem(
            code="filter.too_many",
            message=Text(
                vi=f"Đã có {MOST_FILTERS} bộ lọc của trang này",
                en=f"There are {MOST_FILTERS} filters of this page already",
            ),
            suggestion=Text(vi="Xóa bớt một bộ lọc", en="Delete one of them"),
        )
    )


def _not_there() -> InputError:
    return InputError(
        Problem(
            code="filter.not_found",
            message=Text(vi="Không có bộ lọc này", en="There is no such filter"),
            suggestion=Text(
                vi="Mở lại danh sách: có thể đã xóa rồi",
                en="Open the list again: it may be deleted already",
            ),
        )
    )

"""
What the lists of messages and problems are searched by, and such a search as an address has it.

A person's number is in none of these: it stands in no address and is kept nowhere.
"""

from __future__ import annotations

from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lienthong.operations.moments import Moment
from lienthong.operations.problems import WantedProblems
from lienthong.owners import Owner
from lienthong.problem_states import GroupState
from lienthong.states import State
from lienthong.store.selection import Selection
from schemas.building import in_vietnam
from schemas.errors import InputError
from schemas.problem import Problem, Text

LONGEST_QUERY = 2_000
"""Characters, as it stands in an address."""
_WHERE_TO_GO_ON = ("cursor", "limit")
"""Parameters of a list that are no part of the search."""
_MOST_VALUES = 50


class MessageSearch(BaseModel):
    """Which messages; what is not given does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    state: list[State] = Field(default=[], max_length=len(State))
    agency: str | None = Field(default=None, max_length=200)
    dossier: str | None = Field(default=None, max_length=200)
    """The whole code."""
    problem: str | None = Field(default=None, max_length=100)
    """Code of a finding, or its beginning and `*`; or the id of a problem: what stands in it
    now."""
    text: str | None = Field(default=None, max_length=200)
    """Words of an error, each must stand in what is said of its cause; marks are optional."""
    why: str | None = Field(default=None, max_length=200)
    """Part of the reason of the state, English."""
    since: Moment | None = None
    """Last changed since then; without a zone: Việt Nam's."""
    until: Moment | None = None
    """Last changed before then; without a zone: Việt Nam's."""

    def selection(self) -> Selection:
        """Return what is looked for."""
        return Selection(
            states=self.state,
            agency=self.agency,
            dossier_code=self.dossier,
            problem=self.problem,
            text=self.text,
            why=self.why,
            since=in_vietnam(self.since),
            until=in_vietnam(self.until),
        )


class ProblemSearch(BaseModel):
    """Which problems; what is not given does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    agency: str | None = Field(default=None, max_length=200)
    owner: Owner | None = None
    """Who must act."""
    state: list[GroupState] = Field(default=[], max_length=len(GroupState))
    code: str | None = Field(default=None, max_length=100)
    """Of the cause, or its beginning and `*`."""
    since: Moment | None = None
    """Last seen since then; without a zone: Việt Nam's."""
    text: str | None = Field(default=None, max_length=200)
    """Words of what is said of it; marks are optional."""

    def wanted(self) -> WantedProblems:
        """Return what is looked for."""
        return WantedProblems(
            agency=self.agency,
            owner=self.owner,
            states=self.state,
            code=self.code,
            text=self.text,
            since=in_vietnam(self.since),
        )


Search = MessageSearch | ProblemSearch


class ListPage(Enum):
    """A list that is searched; the values are the paths of the console's pages."""

    MESSAGES = "messages"
    PROBLEMS = "problems"

    @property
    def model(self) -> type[Search]:
        """What it is searched by."""
        return MessageSearch if self is ListPage.MESSAGES else ProblemSearch


def page_of(search: Search) -> ListPage:
    """Return the list that is searched so."""
    return ListPage.MESSAGES if isinstance(search, MessageSearch) else ListPage.PROBLEMS


def write_query(search: Search) -> str:
    """Return a search as an address has it, one way for each; empty: everything."""
    names = page_of(search).model.model_fields
    said = search.model_dump(mode="json", exclude_unset=True)
    pairs = [(name, value) for name in names for value in _values(said.get(name))]
    return urlencode(pairs)


def read_query(page: ListPage, query: str) -> Search:
    """
    Return the search that an address has, without where it was to go on.

    Raises:
        InputError: it has something that this list is not searched by, or a value that it does
            not take.
    """
    if len(query) > LONGEST_QUERY:
        raise query_too_long()
    try:
        given = parse_qs(query, max_num_fields=_MOST_VALUES)
        said: dict[str, Any] = {
            name: values if name == "state" else values[-1]
            for name, values in given.items()
            if name not in _WHERE_TO_GO_ON
        }
        return page.model.model_validate(said)
    except (ValidationError, ValueError):
        # Its words quote what was sent.
        raise _unusable() from None


def query_too_long() -> InputError:
    """Return the error for a search that says too much to be kept."""
    return InputError(
        Problem(
            code="filter.too_long",
            message=Text(
                vi=f"Bộ lọc dài hơn {LONGEST_QUERY} ký tự",
                en=f"The filter is longer than {LONGEST_QUERY} characters",
            ),
            suggestion=Text(vi="Lọc bằng ít chữ hơn", en="Filter by fewer words"),
        )
    )


def _values(value: Any) -> list[Any]:
    found = sorted(set(value)) if isinstance(value, list) else [value]
    return [one for one in found if one not in (None, "")]


def _unusable() -> InputError:
    return InputError(
        Problem(
            code="filter.query",
            message=Text(
                vi="Bộ lọc có tham số hoặc giá trị mà danh sách này không có",
                en="The filter has a parameter or a value that this list does not have",
            ),
            suggestion=Text(
                vi="Mở danh sách, lọc lại rồi lưu; số giấy tờ và mã số thuế không lưu được",
                en="Open the list, filter again and save that; numbers of papers and tax codes "
                "cannot be kept",
            ),
        )
    )

"""What is wrong with a file as a list, where its own format has no place for it: JSON, by place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lienthong.causes import cause_values
from lienthong.store.results import problem_values

if TYPE_CHECKING:
    from typing import BinaryIO

    from lienthong.annotated.marks import Marks
    from schemas.problem import Text


def write_list(target: BinaryIO, *, why: Text, marks: Marks) -> None:
    """
    Write `{"file", "why", "warnings_left_out", "groups", "errors"}`, in both languages.

    Args:
        target: Gets UTF-8.
        why: This is no copy of it.
        marks: The findings.
    """
    groups = [cause_values(cause, _both) for cause in marks.causes.by_count()]
    left_out = {"warnings_left_out": marks.warnings_left_out}
    head = _json({"file": marks.file_name, "why": _both(why), **left_out})
    target.write(head[:-1] + b', "groups": [')
    target.write(b",".join(b"\n  " + _json(group) for group in groups))
    target.write(b'\n], "errors": [')
    separator = b"\n  "
    for record, problem in marks.all():
        error = {"record": record, **problem_values(problem)}
        target.write(separator + _json(error))
        separator = b",\n  "
    target.write(b"\n]}\n")


def _both(text: Text) -> dict[str, str]:
    return text._asdict()


def _json(value: Any) -> bytes:
    # Half a character, from a JSON escape, has no bytes in UTF-8.
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")

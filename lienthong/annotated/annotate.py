"""In which form a file is given back: a copy where its format takes notes, else a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from adapters import CsvOptions, XlsxOptions
from lienthong.annotated.csv_copy import copy_csv
from lienthong.annotated.listing import write_list
from lienthong.annotated.workbook_copy import NoCopy, copy_workbook
from schemas.errors import InputError
from schemas.problem import Text

if TYPE_CHECKING:
    from adapters import SourceOptions
    from lienthong.annotated.marks import Marks
    from schemas.problem import Language

_OTHER_FORMAT = Text(
    vi="định dạng này không có chỗ cho ghi chú; đây là danh sách lỗi theo vị trí",
    en="this format has no place for notes; these are the errors by their places",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """What was written."""

    is_copy: bool
    """Whether it is the agency's file with its notes; else a list of errors as JSON."""
    why: Text | None = None
    """Why it is a list."""


def annotate(
    source: BinaryIO,
    *,
    target: BinaryIO,
    options: SourceOptions,
    marks: Marks,
    language: Language,
    only_bad: bool = False,
) -> Annotated:
    """
    Write an agency's file with what is wrong with it.

    Args:
        source: The file at its beginning; may be read from any place.
        target: Empty; gets the bytes.
        options: By which it was read.
        marks: What is wrong with it.
        language: Of the notes; a list has both.
        only_bad: Leave out rows of CSV with which nothing is wrong.
    """
    why = _OTHER_FORMAT
    try:
        if isinstance(options, CsvOptions):
            copy_csv(
                source,
                target=target,
                options=options,
                marks=marks,
                language=language,
                only_bad=only_bad,
            )
            return Annotated(is_copy=True)
        if isinstance(options, XlsxOptions):
            copy_workbook(source, target=target, options=options, marks=marks, language=language)
            return Annotated(is_copy=True)
    except NoCopy as error:
        why = _list_instead(error.text)
    except InputError as error:
        why = _list_instead(error.problem.message)
    target.seek(0)
    target.truncate()
    write_list(target, why=why, marks=marks)
    return Annotated(is_copy=False, why=why)


def _list_instead(reason: Text) -> Text:
    return Text(
        vi=f"không tạo được bản sao có ghi chú ({reason.vi}); đây là danh sách lỗi theo vị trí",
        en=f"no copy with notes can be made ({reason.en}); these are the errors by their places",
    )

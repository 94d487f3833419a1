"""In which form a file is given back: a copy where its format takes notes, else a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from adapters import CsvOptions, DbfOptions, FixedOptions, OdsOptions, XlsOptions, XlsxOptions
from lienthong.annotated.csv_copy import copy_csv
from lienthong.annotated.listing import write_list
from lienthong.annotated.other_workbook import copy_as_xlsx
from lienthong.annotated.table_copy import copy_as_csv
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
_AS_XLSX = Text(
    vi="đây là bản .xlsx của tệp, mọi ô ở chỗ cũ; sửa xong, lưu lại đúng định dạng cũ rồi gửi, "
    "hoặc nhờ khai báo format: xlsx với cùng các khóa",
    en="this is the file as .xlsx, every cell at its place; once mended, save it in its old format "
    "and send that, or have format: xlsx declared with the same keys",
)
_AS_CSV = Text(
    vi="đây là bản .csv để xem; sửa ở hệ thống nguồn rồi xuất lại: bản này không gửi lại được",
    en="this is a .csv to look at; mend it at the source and export again: it cannot be sent back",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """What was written."""

    format: str | None
    """In which the agency's rows are given back, as mappings name it; None: a list (JSON)."""
    why: Text | None = None
    """Why it is not the agency's own file."""

    @property
    def is_copy(self) -> bool:
        """Whether it has the agency's rows; else it is a list of errors."""
        return self.format is not None

    @property
    def is_own(self) -> bool:
        """Whether it is the agency's file itself, with its notes."""
        return self.why is None


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
        only_bad: Leave out rows of CSV, DBF and fixed width with which nothing is wrong.
    """
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
            return Annotated(format="csv")
        if isinstance(options, XlsxOptions):
            copy_workbook(source, target=target, options=options, marks=marks, language=language)
            return Annotated(format="xlsx")
        if isinstance(options, XlsOptions | OdsOptions):
            copy_as_xlsx(source, target=target, options=options, marks=marks, language=language)
            return Annotated(format="xlsx", why=_AS_XLSX)
        if isinstance(options, DbfOptions | FixedOptions):
            copy_as_csv(
                source,
                target=target,
                options=options,
                marks=marks,
                language=language,
                only_bad=only_bad,
            )
            return Annotated(format="csv", why=_AS_CSV)
        why = _OTHER_FORMAT
    except NoCopy as error:
        why = _list_instead(error.text)
    except InputError as error:
        why = _list_instead(error.problem.message)
    target.seek(0)
    target.truncate()
    write_list(target, why=why, marks=marks)
    return Annotated(format=None, why=why)


def _list_instead(reason: Text) -> Text:
    return Text(
        vi=f"không tạo được bản sao có ghi chú ({reason.vi}); đây là danh sách lỗi theo vị trí",
        en=f"no copy with notes can be made ({reason.en}); these are the errors by their places",
    )

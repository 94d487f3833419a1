"""
ZIP with several files: the records of one member after those of the other.

What an archive may hold is decided before its first record: names that lead out of it, archives in
archives, passwords, two members of one name, and files that the mapping does not speak of refuse
all of it. A member that cannot be read is one bad record, and the next member goes on.
"""

from __future__ import annotations

import posixpath
import re
import stat
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import text as texts
from adapters.archive import Archive, Wording
from adapters.options import DbfOptions
from adapters.reading import read_records
from adapters.record import UnreadableRecord
from adapters.refusal import AGREED, empty_input, refuse
from adapters.source import ZIP_MAGIC, with_places
from schemas.errors import InputError
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from adapters.archive import Part
    from adapters.options import ZipOptions
    from adapters.record import SourceRecord

_JUNK = re.compile(r"(^|/)(__MACOSX/.*|\.DS_Store|Thumbs\.db|desktop\.ini)$", re.IGNORECASE)
"""What systems put into archives by themselves."""
_NESTED = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".cab", ".arj")
_LEADS_OUT = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)|[\x00-\x1f\x7f]")
_OF_WORKBOOKS = frozenset({"[Content_Types].xml", "mimetype"})
_MEMOS = (".dbt", ".fpt")
_SHOWN = 20
_EMPTY_ARCHIVE = b"PK\x05\x06"

_WORDING = Wording(
    code="zip",
    name=Text(vi="tệp ZIP", en="archive"),
    remedy=Text(
        vi="nén lại các tệp thành một tệp ZIP thường, không đặt mật khẩu",
        en="pack the files again into one plain ZIP without a password",
    ),
)
_REMEDY_MEMBERS = Remedy(
    AGREED,
    Text(
        vi="sửa khóa members hoặc ignore, hoặc bỏ các tệp này khỏi tệp ZIP",
        en="mend the key members or ignore, or leave these files out of the archive",
    ),
)


def read(
    source: BinaryIO,
    *,
    file_name: str,
    options: ZipOptions,
    read_columns: frozenset[str] | None = None,
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with with_places(source) as whole:
        _check_magic(whole, file)
        with Archive(whole, place=file, limits=options, wording=_WORDING) as archive:
            yield from _records(archive, options, read_columns)


def _records(
    archive: Archive, options: ZipOptions, read_columns: frozenset[str] | None
) -> Iterator[SourceRecord | UnreadableRecord]:
    members = _chosen(archive, options)
    before = number = 0
    for name in members:
        stream = cast("BinaryIO", _Member(archive, name))
        file_name = f"{archive.place.file}/{_shown(name)}"
        try:
            records = read_records(
                stream, file_name=file_name, options=options.source, read_columns=read_columns
            )
            for record in records:
                number = before + record.number
                yield replace(record, number=number) if before else record
        except InputError as error:
            # The archive itself is broken, or a bomb: nothing behind it can be trusted.
            if error.problem.code.startswith("zip."):
                raise
            number += 1
            yield UnreadableRecord(number=number, problems=(error.problem,))
        before = number


def _chosen(archive: Archive, options: ZipOptions) -> list[str]:
    """Return the members that are read, in the order of the directory."""
    entries = [entry for entry in archive.entries() if not _JUNK.search(_shown(entry.filename))]
    _check_entries(archive, entries, options)
    names = [entry.filename for entry in entries if not entry.is_dir()]
    chosen = [name for name in names if _matches(name, options.members)]
    memos = _MEMOS if isinstance(options.source, DbfOptions) else ()
    chosen = [name for name in chosen if not name.lower().endswith(memos)] if memos else chosen
    is_chosen = frozenset(chosen)
    unexpected = [
        name
        for name in names
        if name not in is_chosen
        and not _matches(name, options.ignore)
        and not (memos and name.lower().endswith(memos))
    ]
    if unexpected:
        listed = _listed(unexpected)
        vi, en = f"có tệp ngoài dự kiến: {listed}", f"files that are not expected: {listed}"
        raise _refused(archive, "member_unexpected", Text(vi=vi, en=en))
    if not chosen:
        wanted, listed = _listed(options.members), _listed(names) or "-"
        vi = f"không có tệp nào khớp {wanted}; tìm thấy: {listed}"
        en = f"no file matches {wanted}; found: {listed}"
        raise _refused(archive, "member_missing", Text(vi=vi, en=en))
    return chosen


def _check_entries(
    archive: Archive, entries: Sequence[zipfile.ZipInfo], options: ZipOptions
) -> None:
    names = [_shown(entry.filename) for entry in entries]
    if not _OF_WORKBOOKS.isdisjoint(names):
        text = Text(vi="đây là tệp Excel hoặc ODS", en="this is a workbook")
        remedy = Remedy(
            AGREED, Text(vi="khai báo format: xlsx hoặc ods", en="declare format: xlsx or ods")
        )
        raise refuse("zip.workbook", text, place=archive.place, remedy=remedy)
    outside = [name for name in names if _LEADS_OUT.search(name)]
    if outside:
        listed = ", ".join(ascii(name[:100]) for name in outside[:_SHOWN])
        vi = f"tên tệp dẫn ra ngoài tệp ZIP: {listed}"
        text = Text(vi=vi, en=f"names that lead out of the archive: {listed}")
        raise archive.refused("member_name", text)
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            vi, en = f"hai tệp cùng tên: '{name}'", f"two files have the same name: '{name}'"
            raise archive.refused("member_repeated", Text(vi=vi, en=en))
        seen[name.lower()] = name
    links = [_shown(e.filename) for e in entries if stat.S_ISLNK(e.external_attr >> 16)]
    if links:
        listed = _listed(links)
        vi, en = f"liên kết thay vì tệp: {listed}", f"links in the place of files: {listed}"
        raise archive.refused("member_link", Text(vi=vi, en=en))
    nested = [name for name in names if name.lower().endswith(_NESTED)]
    if nested:
        listed = _listed(nested)
        vi, en = f"tệp nén trong tệp nén: {listed}", f"archives inside the archive: {listed}"
        raise archive.refused("nested", Text(vi=vi, en=en))
    total = sum(entry.file_size for entry in entries)
    if total > options.max_unpacked_bytes:
        limit = f"{options.max_unpacked_bytes} bytes"
        raise archive.too_large(f"{total} bytes", limit=limit)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    path = _shown(name).lower()
    base = posixpath.basename(path)
    return any(
        fnmatchcase(path if "/" in pattern else base, texts.nfc(pattern).lower())
        for pattern in patterns
    )


def _shown(name: str) -> str:
    return texts.nfc(name.replace("\\", "/"))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{_shown(name)[:100]}'" for name in names[:_SHOWN])


def _refused(archive: Archive, code: str, text: Text) -> InputError:
    return refuse(f"zip.{code}", text, place=archive.place, remedy=_REMEDY_MEMBERS)


class _Member:
    """One member as a stream; it is unpacked once, from its beginning to its end."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._archive = archive
        self._name = name
        self._part: Part | None = None

    def __enter__(self) -> _Member:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._part is not None:
            self._part.__exit__(kind, error, trace)

    def seekable(self) -> bool:
        """Say that it cannot be read from any place: that would unpack it again and again."""
        return False

    def read(self, size: int = -1) -> bytes:
        if self._part is None:
            self._part = self._archive.open(self._name)
        return self._part.read(size)

    def open_beside(self, suffix: str) -> BinaryIO | None:
        """Return the member of the same name with another suffix; None: there is none."""
        wanted = posixpath.splitext(self._name)[0].lower() + suffix
        if wanted not in self._archive:
            return None
        return cast("BinaryIO", _Member(self._archive, wanted))


def _check_magic(source: BinaryIO, file: Place) -> None:
    source.seek(0)
    head = source.read(8)
    if not head:
        raise empty_input(file)
    if head.startswith((ZIP_MAGIC, _EMPTY_ARCHIVE)):
        return
    text = Text(vi="đây không phải tệp ZIP", en="this is not a ZIP archive")
    remedy = Remedy(AGREED, Text(vi="kiểm tra khóa format", en="check the key format"))
    raise refuse("zip.not_zip", text, place=file, remedy=remedy)

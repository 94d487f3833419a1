"""Two mappings that claim one source: which of them is meant, nobody could say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from adapters import SourceOptions
    from mappings.language import MappingFile


def find_claims(files: Iterable[MappingFile]) -> tuple[Problem, ...]:
    """
    Return a problem for every file that claims what an earlier one claims.

    The same name, or the same agency code with the same source; each problem stands at the later
    file and names the earlier.
    """
    names: dict[str, Path] = {}
    sources: list[tuple[str, SourceOptions, Path]] = []
    problems: list[Problem] = []
    for file in files:
        if file.name in names:
            problems.append(same_name(file.name, file.path, names[file.name]))
            continue
        names[file.name] = file.path
        for code, source, path in sources:
            if code == file.agency_code and source == file.source:
                problems.append(_same_source(file, path))
                break
        else:
            sources.append((file.agency_code, file.source, file.path))
    return tuple(problems)


def same_name(name: str, path: Path, earlier: Path) -> Problem:
    """Return the problem of two files that call themselves the same."""
    return Problem(
        code="agency.duplicate",
        message=Text(
            vi=f"tên {name!r} đã có ở {earlier}",
            en=f"the name {name!r} stands in {earlier} already",
        ),
        place=Place(file=str(path), path="mapping"),
        suggestion=Text(
            vi="đổi tên một trong hai, hoặc bỏ tệp cũ khỏi thư mục",
            en="rename one of the two, or take the old file out of the folder",
        ),
    )


def _same_source(file: MappingFile, earlier: Path) -> Problem:
    code = file.agency_code
    return Problem(
        code="agency.source_claimed",
        message=Text(
            vi=f"đơn vị {code} với cùng `source` đã có ở {earlier}: không biết tệp nào dùng ánh "
            "xạ nào",
            en=f"agency {code} with the same `source` stands in {earlier} already: nobody could "
            "say which file belongs to which mapping",
        ),
        place=Place(file=str(file.path), path="source"),
        suggestion=Text(
            vi="gộp hai ánh xạ, sửa mã đơn vị, hoặc ghi chỗ khác nhau của hai nguồn ở `source` "
            "(ví dụ `required`, `sheet`)",
            en="join the two mappings, correct the agency's code, or say in `source` what "
            "distinguishes them (for example `required`, `sheet`)",
        ),
    )

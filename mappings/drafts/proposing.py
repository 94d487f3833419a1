"""Which column is which portal field, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.drafts.grouping import find_items
from mappings.drafts.joining import find_children
from mappings.drafts.naming import SURE, choose_columns, score_of
from mappings.drafts.proposals import Draft, Proposal
from mappings.drafts.recognising import DATES, choose_by_values, recognise
from mappings.drafts.repeating import find_repeats
from mappings.drafts.trying import are_personal_ids, try_column, try_procedures
from mappings.language import DOSSIER
from schemas.model import Kind, load_version, version_names
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mappings.drafts.profiles import ColumnProfile, SampleProfile
    from mappings.drafts.proposals import SheetSample
    from mappings.drafts.recognising import Recognised
    from schemas.model import Field, SchemaVersion

_PAPER = "SoGiayToChuHoSo"
_ACCOUNT = "MaDoiTuong"
_BY_PROCEDURE = {"TenTTHC": "title", "TenLinhVuc": "field"}
"""Columns of the table of procedures that give a field which no column of the sample gives."""


def propose(
    profile: SampleProfile, version: SchemaVersion, *, sheets: Sequence[SheetSample] = ()
) -> Draft:
    """
    Return what a sample tells about the fields of a dossier.

    Args:
        profile: Of its records.
        version: Of the portal's schema.
        sheets: Further ones of a workbook.
    """
    fields = version.packets[DOSSIER].fields.values()
    scalars = [each for each in fields if each.kind is not Kind.GROUP]
    kinds = recognise(profile.columns)
    by_values = choose_by_values(scalars, profile.columns, kinds)
    taken = {one.column.path for one in by_values.values()}
    chosen = choose_columns(
        [each for each in scalars if each.name not in by_values],
        [column for path, column in profile.columns.items() if path not in taken],
    )
    proposals = [Proposal(target=each) for each in fields]
    for made in proposals:
        columns = chosen.get(made.target.name, [])
        if made.target.name == _ACCOUNT:
            columns = _without_papers(made, columns)
        if made.target.name in by_values:
            _recognise(made, by_values[made.target.name], profile)
        elif columns and not _is_weak(made, columns, by_values):
            _take(made, columns, profile)
    _propose_dates(proposals, profile, kinds)
    elsewhere = _elsewhere(profile, version, proposals, kinds)
    _tell_papers(proposals, elsewhere)
    _propose_lookups(proposals)
    unused = _unused(profile, proposals)
    groups = [each for each in fields if each.kind is Kind.GROUP]
    children = find_children(profile, sheets)
    items = find_items(groups, profile, children=children, unused=unused)
    for made in proposals:
        made.items = items.get(made.target.name)
    return Draft(
        proposals=tuple(proposals),
        unused=unused,
        elsewhere=elsewhere,
        kinds=kinds,
        sheets=sheets,
        children=children,
        repeats=find_repeats(proposals, profile),
        profile=profile,
    )


def _recognise(made: Proposal, found: Recognised, profile: SampleProfile) -> None:
    made.doubts.append(found.doubt)
    made.column = found.column
    _tell_others(made, found.others)
    try_column(made, found.column, profile)


def _is_weak(
    made: Proposal, columns: Sequence[ColumnProfile], by_values: Mapping[str, Recognised]
) -> bool:
    """Return whether the table of procedures tells more than a column with a name like it."""
    if made.target.name not in _BY_PROCEDURE or "MaTTHC" not in by_values:
        return False
    if score_of(made.target, columns[0]) >= SURE:
        return False
    _tell_others(made, tuple(column.path for column in columns))
    return True


def _propose_dates(
    proposals: Sequence[Proposal], profile: SampleProfile, kinds: Mapping[str, str]
) -> None:
    """Give a mandatory day the only column of dates that is left, or name those there are."""
    unused = [path for path in _unused(profile, proposals) if kinds.get(path) == DATES]
    for made in proposals:
        is_missing = made.target.kind is Kind.DATETIME and made.target.required
        if not is_missing or made.column is not None or not unused:
            continue
        if len(unused) > 1:
            _tell_others(made, tuple(unused))
            continue
        made.doubts.append(
            Text(
                vi="theo giá trị, không theo tên: cột ngày duy nhất còn lại",
                en="by its values, not by its name: the only column of dates that is left",
            )
        )
        made.column = profile.columns[unused[0]]
        try_column(made, made.column, profile)


def _take(made: Proposal, columns: Sequence[ColumnProfile], profile: SampleProfile) -> None:
    made.column = columns[0]
    _tell_others(made, tuple(other.path for other in columns[1:]))
    try_column(made, columns[0], profile)


def _tell_others(made: Proposal, others: tuple[str, ...]) -> None:
    made.others = others[:3]
    if made.others:
        made.doubts.append(
            Text(
                vi=f"cũng có thể là {', '.join(made.others)}",
                en=f"it may as well be {', '.join(made.others)}",
            )
        )


def _unused(profile: SampleProfile, proposals: Sequence[Proposal]) -> tuple[str, ...]:
    used = {one.column.path for one in proposals if one.column is not None}
    return tuple(path for path in profile.columns if path not in used)


def _without_papers(made: Proposal, columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """Return the columns that may hold ids of accounts; of others a doubt is left."""
    papers = [column for column in columns if are_personal_ids(column)]
    if papers:
        made.doubts.append(_not_an_account(papers[0].path, ""))
    return [column for column in columns if column not in papers]


def _tell_papers(proposals: Sequence[Proposal], elsewhere: Mapping[str, Mapping[str, str]]) -> None:
    """Say that numbers of persons have no field in a version, rather than give them another."""
    made = next((one for one in proposals if one.target.name == _ACCOUNT), None)
    if made is None or made.column is not None:
        return
    for version, columns in elsewhere.items():
        made.doubts += [
            _not_an_account(path, version) for path, name in columns.items() if name == _PAPER
        ]


def _not_an_account(path: str, version: str) -> Text:
    where = f"; {version}: {_PAPER}" if version else f"; {_PAPER}?"
    return Text(
        vi=f"{path} trông như số giấy tờ, không phải mã tài khoản (TechID) mà trường này nhận"
        f"{where}",
        en=f"{path} looks like the number of a paper, not the id of an account (TechID) that this "
        f"field takes{where}",
    )


def _elsewhere(
    profile: SampleProfile,
    version: SchemaVersion,
    proposals: Sequence[Proposal],
    kinds: Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """Return the columns without a field here that have one in another version."""
    here = dict(_all_fields(version))
    unused = [profile.columns[path] for path in _unused(profile, proposals)]
    found: dict[str, dict[str, str]] = {}
    for name in version_names():
        fields = {key: each for key, each in _all_fields(load_version(name)) if key not in here}
        for column in unused:
            scores = {key: score_of(each, column) for key, each in fields.items()}
            best = max(scores, key=lambda key: scores[key], default="")
            if best and scores[best] >= SURE:
                found.setdefault(name, {})[column.path] = best
            elif _PAPER in fields and kinds.get(column.path) == "personal_id":
                found.setdefault(name, {})[column.path] = _PAPER
    return found


def _all_fields(version: SchemaVersion) -> Iterator[tuple[str, Field]]:
    """Yield the fields of a dossier and of its groups, by name with the group."""
    for each in version.packets[DOSSIER].fields.values():
        if each.group is None:
            yield each.name, each
            continue
        for inner in each.group.fields.values():
            if inner.kind is not Kind.GROUP:
                yield f"{each.name}.{inner.name}", inner


def _propose_lookups(proposals: Sequence[Proposal]) -> None:
    code = next((one for one in proposals if one.target.name == "MaTTHC"), None)
    if code is None or code.column is None or code.kind != "procedure_code":
        return
    for one in proposals:
        if one.column is None and one.target.name in _BY_PROCEDURE:
            one.column = code.column
            try_procedures(one, code.column, column=_BY_PROCEDURE[one.target.name])

"""
The catalogue of services: which procedures are to be connected, in which of the 23 groups.

The procedures themselves ship as a table. Which of them are on the priority list stands in the
annex of a decision that is not public: it is imported (`annex`), with the decision's number and
day, and kept as one JSON file. The names of the groups are the decision's where it names them, else
those of the city's departments; the table `groups` says which.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mappings.tables import load_rows
from schemas.errors import ConfigError
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_COMPONENT = "MaThanhPhanHoSo"


class Level(Enum):
    """How far a service goes online: Decree 43/2011, and Decree 42/2022 since."""

    THREE = "3"
    FOUR = "4"
    PARTIAL = "partial"
    """Một phần."""
    FULL = "full"
    """Toàn trình."""


LEVELS = {
    Level.THREE: Text(vi="mức độ 3", en="level 3"),
    Level.FOUR: Text(vi="mức độ 4", en="level 4"),
    Level.PARTIAL: Text(vi="một phần", en="partial"),
    Level.FULL: Text(vi="toàn trình", en="full"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What put services on the list."""

    number: str
    day: date
    source: str
    """Name of the file that was imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One procedure in one group."""

    code: str
    """Of the procedure (MaTTHC)."""
    title: str
    group: str
    """Code of the group."""
    level: Level | None = None
    components: tuple[str, ...] = ()
    """Codes (MaThanhPhanHoSo) that every dossier must have."""
    assurance: int | None = None
    """Level of identity assurance that the applicant needs, from 1."""
    valid_from: date | None = None
    valid_to: date | None = None

    def covers(self, day: date) -> bool:
        """Return whether it is on the list on `day`; both ends count."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One of the 23 groups of agencies."""

    code: str
    name: str
    aliases: tuple[str, ...]
    """Other writings, in small letters."""
    basis: str
    """Whether the decision names it."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The priority list of an installation."""

    decisions: tuple[Decision, ...] = ()
    services: tuple[Service, ...] = ()

    def of_group(self, group: str) -> tuple[Service, ...]:
        """Return the services of a group, in the order of their codes."""
        return tuple(service for service in self.services if service.group == group)

    def by_procedure(self) -> Mapping[str, tuple[Service, ...]]:
        """Return the services of each procedure; one may stand in several groups."""
        found: dict[str, tuple[Service, ...]] = {}
        for service in self.services:
            found[service.code] = (*found.get(service.code, ()), service)
        return found

    def with_decision(self, decision: Decision, services: Iterable[Service]) -> Catalogue:
        """Return the list after an import; the same procedure in the same group is replaced."""
        known = {(service.code, service.group): service for service in self.services}
        known |= {(service.code, service.group): service for service in services}
        others = tuple(one for one in self.decisions if one.number != decision.number)
        return Catalogue(
            decisions=(*others, decision),
            services=tuple(known[key] for key in sorted(known)),
        )


@cache
def load_groups() -> tuple[Group, ...]:
    """Return the 23 groups in the order of the packaged table."""
    return tuple(
        Group(
            code=row["code"],
            name=row["name"],
            aliases=tuple(alias for alias in row["aliases"].split("|") if alias),
            basis=row["basis"],
        )
        for row in load_rows("groups")
    )


def load_catalogue(path: Path) -> Catalogue:
    """
    Return the list in `path`, an empty one where there is no file.

    Raises:
        ConfigError: the file is not what `save_catalogue` writes.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Catalogue)
    except FileNotFoundError:
        return Catalogue()
    except (OSError, msgspec.DecodeError) as error:
        text = Text(
            vi=f"không đọc được danh mục dịch vụ {path}: {error}",
            en=f"the catalogue {path} cannot be read: {error}",
        )
        problem = Problem(
            code="catalogue.unreadable",
            message=text,
            place=Place(file=str(path)),
            suggestion=Text(
                vi="nhập lại phụ lục của quyết định bằng `catalogue import`",
                en="import the annex of the decision again with `catalogue import`",
            ),
        )
        raise ConfigError(text, problems=(problem,), code="catalogue.unreadable") from error


def save_catalogue(path: Path, catalogue: Catalogue) -> None:
    """
    Write the list, whole or not at all.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(msgspec.json.format(msgspec.json.encode(catalogue)))
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as error:
        raise ConfigError(
            Text(
                vi=f"không ghi được danh mục dịch vụ {path}: {error.strerror}",
                en=f"the catalogue {path} cannot be written: {error.strerror}",
            ),
            code="catalogue.unwritable",
        ) from error


def missing_components(service: Service, values: Mapping[str, object]) -> Problem | None:
    """Return a warning where a dossier lacks papers that its procedure needed on its day."""
    received = _day_of(values.get("NgayTiepNhan"))
    if received is not None and not service.covers(received):
        return None
    papers = values.get("TaiLieuNop")
    there = {paper.get(_COMPONENT) for paper in papers} if isinstance(papers, list) else set()
    missing = [code for code in service.components if code not in there]
    if not missing:
        return None
    codes = ", ".join(missing)
    return Problem(
        code="catalogue.component_missing",
        # Many systems send papers without the code of their component.
        severity=Severity.WARNING,
        field="TaiLieuNop",
        message=Text(
            vi=f"hồ sơ thủ tục {service.code} thiếu thành phần {codes}",
            en=f"a dossier of procedure {service.code} lacks the components {codes}",
        ),
        suggestion=Text(
            vi="kiểm tra giấy tờ kèm theo và mã thành phần (MaThanhPhanHoSo) của chúng",
            en="check the papers and their component codes (MaThanhPhanHoSo)",
        ),
    )


def _day_of(written: object) -> date | None:
    """Read a time as the portal writes it; one that is none is found elsewhere."""
    try:
        return date.fromisoformat(str(written)[:8])
    except ValueError:
        return None

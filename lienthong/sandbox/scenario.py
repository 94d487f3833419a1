"""
Scenario files: what a sandbox does, step after step, written down so that it can be repeated.

Read as strictly as mappings are: every mistake at once, with line, key and what to do. Steps are
played one after another; each waits for its calls, and is over when it has struck often enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from lienthong.sandbox.misbehaviour import OF_DELIVERIES, Misbehaviour, Mode, concerns
from mappings.mistakes import Mistakes, Section, closest, listed
from mappings.yaml_nodes import (
    MAX_BYTES,
    Items,
    Scalar,
    Table,
    YamlRefused,
    parse_yaml,
    plain_value,
)
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICES: Final = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "login")
"""What a step may wait for; login is that of JSON and the token of LGSP."""
MOST_STEPS: Final = 1000
ALWAYS: Final = "always"
_MODES: Final = tuple(mode.value for mode in Mode)
_DETAILS: Final = (
    "delay_seconds",
    "retry_after_seconds",
    "retry_after_form",
    "ahead_seconds",
    "charset",
    "limit",
    "change",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step waits for, what then happens, and until when."""

    name: str
    then: Misbehaviour
    calls: int = 1
    """The first call that is struck, counted from the step's beginning among those that fit."""
    service: str | None = None
    dossier: str = "*"
    share: float = 1
    seconds: float = 0
    """Not before so long after the scenario's start."""
    times: int | None = 1
    """None: for `for_seconds`, or always."""
    for_seconds: float | None = None

    def fits(self, *, service: str, is_delivery: bool, dossier_codes: Sequence[str]) -> bool:
        """Return whether a call is one that this step is about."""
        if self.service is not None and service != self.service:
            return False
        if self.then.mode in OF_DELIVERIES and not is_delivery:
            return False
        return concerns(dossier_codes, pattern=self.dossier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario file."""

    name: str
    steps: tuple[Step, ...]

    @property
    def has_times(self) -> bool:
        """Whether anything in it depends on a clock, and not on the calls alone."""
        return any(step.seconds or step.for_seconds is not None for step in self.steps)


def packaged_scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios that come along."""
    folder = files("lienthong.sandbox").joinpath("scenarios")
    return tuple(sorted(Path(one.name).stem for one in folder.iterdir() if _is_yaml(one.name)))


def load_scenario(name_or_file: str) -> Scenario:
    """
    Return a scenario by the name of a packaged one, or from a file.

    Raises:
        ConfigError: with every mistake, each at its line.
    """
    if name_or_file in packaged_scenarios():
        source = files("lienthong.sandbox").joinpath("scenarios", f"{name_or_file}.yaml")
        return read_scenario(source.read_bytes(), file=f"{name_or_file}.yaml")
    path = Path(name_or_file)
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        known = listed(packaged_scenarios())
        raise ConfigError(
            Text(
                vi=f"{path}: không đọc được ({error.strerror}); kịch bản có sẵn: {known}",
                en=f"{path}: cannot be read ({error.strerror}); scenarios that come along: {known}",
            ),
            code="sandbox.scenario",
        ) from error
    return read_scenario(data, file=path.name)


def read_scenario(data: bytes, *, file: str) -> Scenario:
    """
    Return the scenario in `data`.

    Raises:
        ConfigError: with every mistake, each at its line.
    """
    mistakes = Mistakes(file)
    scenario = None
    try:
        root = parse_yaml(data)
    except YamlRefused as refused:
        mistakes.add(refused.code, refused.text, line=refused.line)
    else:
        scenario = _read(root, mistakes)
    if scenario is None or mistakes.problems:
        raise ConfigError(
            Text(vi=f"{file}: kịch bản không dùng được", en=f"{file}: the scenario has mistakes"),
            problems=tuple(mistakes.problems),
            code="sandbox.scenario",
        )
    return scenario


def _read(root: Table | Items | Scalar, mistakes: Mistakes) -> Scenario | None:
    if not isinstance(root, Table):
        mistakes.add("mapping.type_wrong", _NO_TABLE, line=root.line)
        return None
    section = Section(root, key="", mistakes=mistakes)
    section.allow(required=("scenario", "steps"))
    name = section.text("scenario") or ""
    found = section.sections("steps")
    if "steps" in section and not found and not mistakes.problems:
        section.complain("sandbox.scenario_empty", _NO_STEPS, key="steps")
    if len(found) > MOST_STEPS:
        section.complain("sandbox.scenario_long", _TOO_MANY, key="steps")
        return None
    steps = [
        _step(one, number=number, is_last=number == len(found), mistakes=mistakes)
        for number, one in enumerate(found, start=1)
    ]
    return Scenario(name=name, steps=tuple(step for step in steps if step is not None))


def _step(section: Section, *, number: int, is_last: bool, mistakes: Mistakes) -> Step | None:
    section.allow("name", "wait", "times", "for_seconds", required=("then",))
    then = _then(section)
    wait = section.section("wait") or Section(
        Table(entries={}, line=section.line), key=section.inner("wait"), mistakes=mistakes
    )
    wait.allow("calls", "service", "dossier", "share", "seconds")
    service = wait.text("service")
    if service is not None and service not in SERVICES:
        wait.complain(
            "sandbox.service_unknown",
            Text(vi=f"không có dịch vụ {service!r}", en=f"there is no service {service!r}"),
            key="service",
            suggestion=closest(service, SERVICES) or _one_of(SERVICES),
        )
    calls, times = _count(wait, "calls"), _count(section, "times", word=ALWAYS)
    for_seconds = _amount(section, "for_seconds", most=86_400)
    share, seconds = _amount(wait, "share", most=1), _amount(wait, "seconds", most=86_400)
    if for_seconds is not None and "times" in section:
        section.complain("sandbox.two_ends", _TWO_ENDS, key="times")
    if times == ALWAYS and not is_last:
        section.complain("sandbox.never_ends", _NEVER_ENDS, key="times")
    if then is not None and then.mode is Mode.REFUSE and for_seconds is None:
        section.complain("sandbox.refuse", _REFUSE, key="then")
    if then is None:
        return None
    return Step(
        name=section.text("name") or f"{number}",
        then=then,
        calls=calls if isinstance(calls, int) else 1,
        service=service,
        dossier=wait.text("dossier") or "*",
        share=share or 1,
        seconds=seconds or 0,
        times=None if times == ALWAYS or for_seconds is not None else _whole(times),
        for_seconds=for_seconds,
    )


def _then(section: Section) -> Misbehaviour | None:
    """Return what happens: the name of a mode, or a table with it and its details."""
    node = section.node("then")
    if node is None:
        return None
    values: dict[str, object] = {}
    inner = section
    if isinstance(node, Table):
        inner = section.section("then") or section
        inner.allow(*_DETAILS, required=("mode",))
        values = {
            key: plain_value(value)
            for key, (_, value) in node.entries.items()
            if key in _DETAILS and isinstance(value, Scalar)
        }
        mode = inner.text("mode")
    else:
        mode = section.text("then")
    if mode is None:
        return None
    if mode not in _MODES:
        inner.complain(
            "sandbox.mode_unknown",
            Text(vi=f"không có cách {mode!r}", en=f"there is no mode {mode!r}"),
            key="mode" if inner is not section else "then",
            suggestion=closest(mode, _MODES) or _one_of(_MODES),
        )
        return None
    try:
        return Misbehaviour.model_validate({"mode": mode, **values})
    except ValidationError as error:
        for one in error.errors():
            key = str(one["loc"][0]) if one["loc"] else ""
            inner.complain(
                "sandbox.value_wrong",
                Text(
                    vi=f"{key or mode}: giá trị không dùng được: {one['msg']}",
                    en=f"{key or mode}: {one['msg']}",
                ),
                key=key,
            )
        return None


def _count(section: Section, key: str, *, word: str | None = None) -> int | str | None:
    node = section.node(key)
    if isinstance(node, Scalar) and word is not None and node.text == word:
        return word
    number = section.number(key)
    if number == 0:
        section.wrong_type(key, vi="một số từ 1 trở lên", en="a number from 1 on")
    return number


def _whole(times: int | str | None) -> int:
    return times if isinstance(times, int) else 1


def _amount(section: Section, key: str, *, most: float) -> float | None:
    node = section.node(key)
    if node is None:
        return None
    value = plain_value(node)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most:
        return float(value)
    section.wrong_type(
        key, vi=f"một số lớn hơn 0, nhiều nhất {most}", en=f"a number above 0, at most {most}"
    )
    return None


def _one_of(words: tuple[str, ...]) -> Text:
    known = ", ".join(words)
    return Text(vi=f"chọn một trong: {known}", en=f"choose from: {known}")


def _is_yaml(name: str) -> bool:
    return name.endswith(".yaml")


_NO_TABLE: Final = Text(
    vi="kịch bản bắt đầu bằng 'scenario: tên' và 'steps:'",
    en="a scenario begins with 'scenario: name' and 'steps:'",
)
_NO_STEPS: Final = Text(vi="kịch bản không có bước nào", en="the scenario has no steps")
_TOO_MANY: Final = Text(vi=f"nhiều nhất {MOST_STEPS} bước", en=f"at most {MOST_STEPS} steps")
_TWO_ENDS: Final = Text(
    vi="times và for_seconds không đi cùng nhau; bỏ một trong hai",
    en="times and for_seconds do not go together; leave one out",
)
_NEVER_ENDS: Final = Text(
    vi="'times: always' chỉ ở bước cuối, vì các bước sau không bao giờ tới",
    en="'times: always' is for the last step only: those after it would never begin",
)
_REFUSE: Final = Text(
    vi="'refuse' không thấy cuộc gọi nào nên cần for_seconds",
    en="'refuse' sees no calls, so it needs for_seconds",
)

"""
Of which kind an answer is: what it is learnt with, what it is compared with, or what is wrong.

Answers of one service that mean the same look the same, so each meaning (success, exists, …) of a
service is a subject of its own. By whose lists that is told is the target's profile; that an answer
counts as a success is the channel's to decide, and nothing here changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.drift.shapes import Looks, Shape, plain_code, read_shape
from lienthong.drifts import Drift, Kind
from schemas.model import Kind as FieldKind
from schemas.model import load_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lienthong.channels.profile import TargetProfile
    from schemas.model import Group

PROTOCOLS = {"dvcqg-json": "json", "lgsp": "json"}
"""What the answers of a channel are; else XML."""
CODE_NAMES = ("error_code", "response_code")
CODE_NAMES_OF_LGSP = {"mresult": ("Status",), "hcm": ("StatusCode",)}
TROUBLE = frozenset({401, 403, 407, 408, 429})
"""Statuses, beside those of servers that fail, that say nothing of a contract."""
LEARNT = {
    Outcome.DELIVERED: "success",
    Outcome.EXISTS: "exists",
    Outcome.MISSING: "missing",
    Outcome.REJECTED: "rejected",
    Outcome.BUSY: "busy",
}
"""Outcomes whose answers were understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One answer, as far as its contract goes."""

    subjects: tuple[str, ...]
    """That it belongs to, the service first; what is said of a meaning stands in the last."""
    shape: Shape | None
    """None where there is nothing to compare."""
    may_be_learnt: bool
    drifts: tuple[Drift, ...]
    """What is wrong with it whatever was learnt; unless it was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Tells the kinds of one target's answers."""

    looks: Looks
    protocol: str
    codes: Mapping[str, str]
    """What each listed code means."""

    def judge(self, service: str, result: Answer | LookUp) -> Judged | None:
        """Return what an answer is; None where none came, or it says nothing of a contract."""
        status = result.http_status
        if result.raw is None or status is None or status in TROUBLE or status >= 500:
            return None
        is_look_up = isinstance(result, LookUp)
        shape = read_shape(
            result.raw, looks=self.looks, is_whole=result.cut is None, per_leaf=is_look_up
        )
        of_service = f"answer {service}"
        if shape.form == "cut":
            # Of one that was too large to be kept its beginning tells nothing but that.
            assert result.cut is not None
            features = {"size": str(result.cut.size.bit_length())}
            shape = Shape(form="cut", features=features, codes=(), is_partial=True)
            return _judged(of_service, "success", shape, may_be_learnt=False)
        if shape.form == "fault" or (isinstance(result, Answer) and _says_nothing(result)):
            return None
        if shape.form != self.protocol or status != 200:
            return self._strange(of_service, f"HTTP {status} {shape.form}")
        code = _code_of(result, shape)
        meaning = "success" if code is None else self.codes.get(code)
        if code is not None and meaning is None:
            # It may be anything: what a list knows is kept as it is, and nothing else.
            return self._unlisted(of_service, plain_code(code), shape)
        assert meaning is not None
        if isinstance(result, LookUp):
            learnt = result.found is not Found.FAILED
            meaning = "absent" if result.found is Found.ABSENT else meaning
        else:
            learnt = LEARNT.get(result.outcome) == meaning
        return _judged(of_service, meaning, shape, may_be_learnt=learnt)

    def _strange(self, subject: str, form: str) -> Judged:
        drift = Drift(
            subject=subject,
            kind=Kind.FORM,
            place="form",
            before=f"HTTP 200 {self.protocol}",
            after=form,
            patch={f"form {form}": "accepted"},
        )
        return Judged(subjects=(subject,), shape=None, may_be_learnt=False, drifts=(drift,))

    def _unlisted(self, subject: str, code: str, shape: Shape) -> Judged:
        literals = [one for one in shape.features if one.startswith("code ")]
        known = sorted(one for one, meaning in self.codes.items() if meaning == "success")
        drift = Drift(
            subject=subject,
            kind=Kind.CODE,
            place=literals[0].split(" ")[1] if literals else "code",
            before=", ".join(known),
            after=code,
            patch={f"code {code}": "accepted"},
        )
        return Judged(subjects=(subject,), shape=None, may_be_learnt=False, drifts=(drift,))


def kinds_of(profile: TargetProfile, *, code_names: tuple[str, ...] = ()) -> Kinds:
    """Return what tells the kinds of a target's answers; no `code_names`: those of the channel."""
    if not code_names:
        lgsp = profile.lgsp
        code_names = CODE_NAMES if lgsp is None else CODE_NAMES_OF_LGSP[lgsp.answer]
    lists = {
        "busy": profile.busy_codes,
        "rejected": profile.rejected_codes,
        "exists": profile.exists_codes,
        "missing": profile.missing_codes,
        "success": profile.success_codes,
    }
    mapped: set[str] = set()
    if profile.json_adapter is not None:
        lists |= {
            "expired": profile.json_adapter.expired_codes,
            "absent": profile.json_adapter.absent_codes,
        }
        # Such a target has codes of its own there.
        mapped = set(profile.json_adapter.codes)
    listed: dict[str, frozenset[str]] = {}
    for name in profile.schema_versions:
        for packet in load_version(name).packets.values():
            for field, codes in _listed(packet):
                if field not in mapped:
                    listed[field] = listed.get(field, frozenset()) | codes
    return Kinds(
        looks=Looks(code_names=frozenset(code_names), listed=listed),
        protocol=PROTOCOLS.get(profile.channel, "xml"),
        codes={code: meaning for meaning, codes in lists.items() for code in codes},
    )


def _listed(group: Group) -> Iterator[tuple[str, frozenset[str]]]:
    for name, field in group.fields.items():
        if field.group is not None:
            yield from _listed(field.group)
        elif field.kind is FieldKind.CODE and field.codes:
            yield name, frozenset(field.codes)


def _judged(service: str, meaning: str, shape: Shape, *, may_be_learnt: bool) -> Judged:
    return Judged(
        subjects=(service, f"{service} {meaning}"),
        shape=shape,
        may_be_learnt=may_be_learnt,
        drifts=(),
    )


def _says_nothing(answer: Answer) -> bool:
    """Tell whether an answer may have been cut, was turned away at a door, or is of a login."""
    if answer.outcome is Outcome.TARGET:
        return answer.http_status == 200
    return answer.outcome in (Outcome.UNKNOWN, Outcome.BUSY) and answer.code is None


def _code_of(result: Answer | LookUp, shape: Shape) -> str | None:
    if isinstance(result, Answer) and result.code is not None:
        return result.code
    return shape.codes[-1] if shape.codes else None

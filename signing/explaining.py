"""
Say step by step how a signed document was judged: what was looked at, what came out, and why.

Nothing is judged anew: the steps are read off an `Inspection`, so that the explanation cannot
differ from the judgement. Every reason stands at one step; a step that could not be reached says
so, instead of looking as if it had been passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from signing.certificates import read_signer, subject_text
from signing.errors import in_one_line
from signing.profile import Form
from signing.revocation import Demand
from signing.standing import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from signing.errors import Reason
    from signing.policy import VerificationPolicy
    from signing.standing import Standing
    from signing.verdicts import Inspection


class StepResult(Enum):
    """How a step came out; the values are shown."""

    PASSED = "passed"
    NOTED = "noted"
    """It does not count against the document, and somebody should know."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not wanted by the policy, not there, or not reached because of something earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One sentence in both languages; each is one line, whatever forgers write into names."""

    vi: str
    en: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "vi", in_one_line(self.vi))
        object.__setattr__(self, "en", in_one_line(self.en))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was looked at."""

    name: str
    """Stable, for machines."""
    title: Words
    result: StepResult
    found: tuple[Words, ...]
    """What was seen, in reading order."""
    reasons: tuple[Reason, ...]
    """What speaks against the document here, or, where `result` is NOTED, what is to be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    name: str
    title: Words
    codes: tuple[str, ...]
    """How the codes of the reasons begin that stand at this step."""
    look: Callable[[Inspection, VerificationPolicy], list[Words] | None]
    """Return what was seen; None: it was not reached."""


def explain(inspection: Inspection, *, policy: VerificationPolicy) -> tuple[Step, ...]:
    """
    Return the steps of one judgement, in the order in which a reader asks.

    Args:
        inspection: What `inspect` found.
        policy: The one that it was asked with.
    """
    homes = {reason.code: _home_of(reason) for reason in inspection.reasons}
    return tuple(
        _step(
            plan,
            [one for one in inspection.reasons if homes[one.code] == plan.name],
            inspection,
            policy,
        )
        for plan in _PLANS
    )


def _home_of(reason: Reason) -> str:
    """Return the step at which a reason stands; what is new to this module is about the form."""
    homes = (plan.name for plan in _PLANS if reason.code.startswith(plan.codes))
    return next(homes, _PLANS[0].name)


def _notice_home(notice: Reason) -> str:
    if notice.code.startswith("timestamp."):
        return "time_stamp"
    return "values" if notice.code.startswith("values.") else "revocation"


def _step(
    plan: _Plan, against: list[Reason], inspection: Inspection, policy: VerificationPolicy
) -> Step:
    found = plan.look(inspection, policy)
    notices = tuple(one for one in inspection.notices if _notice_home(one) == plan.name)
    if against:
        result = StepResult.FAILED
    elif found is None:
        result, found = StepResult.SKIPPED, [_NOT_REACHED]
    elif found and found[0] in _NOT_WANTED and not notices:
        result = StepResult.SKIPPED
    else:
        result = StepResult.NOTED if notices else StepResult.PASSED
    return Step(
        name=plan.name,
        title=plan.title,
        result=result,
        found=tuple(found or ()),
        reasons=(*against, *notices),
    )


def _words(vi: str, en: str) -> Words:
    return Words(vi=vi, en=en)


_NOT_REACHED = _words(
    "chưa xem được, vì một bước trước không đạt", "not reached, because of an earlier step"
)
_NO_REVOCATION = _words(
    "chính sách không hỏi về thu hồi", "the policy does not ask about revocation"
)
_PINNED_ITSELF = _words(
    "chứng thư người ký được ghim trực tiếp: không hỏi tổ chức cấp nào",
    "the signer's certificate is pinned itself: there is no issuer to ask",
)
_NO_STAMP = _words(
    "không có: thời điểm ký chỉ là lời của người ký",
    "none: the signing time is the signer's own word",
)
_NO_VALUES = _words("không có (chưa ở mức LT)", "none (not baseline LT)")
_NOT_WANTED = (_NO_REVOCATION, _PINNED_ITSELF, _NO_STAMP, _NO_VALUES)


_FORMS = {
    Form.ENVELOPED: _words(
        "một chữ ký đúng dạng, là phần tử con cuối cùng",
        "one signature that follows the profile, the last child",
    ),
    Form.DETACHED: _words(
        "một chữ ký rời đúng dạng, bên cạnh tệp", "one signature that follows the profile, detached"
    ),
    Form.PLAIN: _words(
        "một chữ ký đúng dạng, không có XAdES, là phần tử con cuối cùng",
        "one signature that follows the profile without XAdES, the last child",
    ),
}


def _look_at_form(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.element is None:
        return None
    namespace, name = inspection.element
    seen = [_words(f"phần tử gốc {name} ({namespace})", f"root element {name} ({namespace})")]
    if inspection.certificate is not None:
        seen.append(_FORMS[inspection.form])
    return seen


def _look_at_cover(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.certificate is None or inspection.element is None:
        return None
    name, target = inspection.element[1], inspection.id
    properties = _words(
        "các thuộc tính ký: thời điểm, chứng thư", "the signed properties: time, certificate"
    )
    if inspection.form is Form.DETACHED:
        file = inspection.file
        return [_words(f"toàn bộ tệp {file}", f"the whole file {file}"), properties]
    whole = _words(
        f"#{target}: toàn bộ phần tử {name}, trừ chính chữ ký",
        f"#{target}: the whole element {name}, save the signature itself",
    )
    return [whole] if inspection.form is Form.PLAIN else [whole, properties]


def _look_at_digests(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.certificate is None:
        return None
    if any(one.code == "signature.digest_differs" for one in inspection.reasons):
        return []
    return [_words("nội dung đúng như lúc ký", "the content is as it was when signed")]


def _look_at_algorithm(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.algorithm is None:
        return None
    text = f"{inspection.algorithm.name.replace('_', '-')} ({inspection.algorithm.value})"
    return [_words(text, text)]


def _look_at_value(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.certificate is None:
        return None
    codes = {one.code for one in inspection.reasons}
    if codes & {"signature.value_wrong", "signature.certificate_swapped"}:
        return []
    if "signature.algorithm_forbidden" in codes:
        return None
    return [
        _words(
            "do khóa của chứng thư kèm theo ký, đúng chứng thư mà người ký đã ghi",
            "made with the key of the enclosed certificate, the one that the signer names",
        )
    ]


def _look_at_signer(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    signer = inspection.signer
    if signer is None:
        return None
    name, organization = signer.common_name or "-", signer.organization or "-"
    code, serial = signer.agency_code or "-", signer.serial
    seen = [
        _words(
            f"{name}, tổ chức {organization}, mã cơ quan {code}",
            f"{name}, organization {organization}, agency code {code}",
        ),
        _words(
            f"số chứng thư {serial}, SHA-256 {signer.fingerprint}",
            f"certificate serial {serial}, SHA-256 {signer.fingerprint}",
        ),
    ]
    if not (inspection.intact and inspection.trusted):
        seen.append(
            _words(
                "đây chỉ là điều chứng thư tự ghi, chưa được chứng minh",
                "this is what the certificate claims, and is not proven",
            )
        )
    return seen


def _look_at_use(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.certificate is None:
        return None
    codes = {one.code for one in inspection.reasons}
    if codes & {"certificate.not_for_signing", "certificate.weak"}:
        return []
    return [_words("dùng để ký tài liệu, khóa đủ mạnh", "for signing documents, strong enough")]


def _look_at_time(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    signer, signed_at = inspection.signer, inspection.signed_at
    if signer is None:
        return None
    term = f"{signer.not_before:%Y-%m-%d} – {signer.not_after:%Y-%m-%d}"
    if signed_at is None:
        return [
            _words(
                f"chữ ký không ghi thời điểm; chứng thư có hiệu lực {term}",
                f"the signature states no time; the certificate is valid {term}",
            )
        ]
    moment = f"{signed_at:%Y-%m-%d %H:%M:%S} UTC"
    return [
        _words(
            f"ký lúc {moment}; chứng thư có hiệu lực {term}",
            f"signed {moment}; the certificate is valid {term}",
        )
    ]


def _look_at_chain(inspection: Inspection, policy: VerificationPolicy) -> list[Words] | None:
    if inspection.certificate is None:
        return None
    path = inspection.certificate.path
    seen = [_link(one, number) for number, one in enumerate(path)]
    if path:
        file = policy.anchor_files.get(path[-1])
        seen.append(
            _words(
                f"ghim là gốc tin cậy{f' trong {file}' if file else ''}",
                f"pinned as a trusted root{f' in {file}' if file else ''}",
            )
        )
    return seen


def _link(certificate: x509.Certificate, number: int) -> Words:
    name, signer = subject_text(certificate), read_signer(certificate)
    text = f"{name}, {signer.serial}, {signer.not_before:%Y-%m-%d} – {signer.not_after:%Y-%m-%d}"
    return _words(f"do {text} cấp", f"issued by {text}") if number else _words(text, text)


def _look_at_revocation(inspection: Inspection, policy: VerificationPolicy) -> list[Words] | None:
    if policy.revocation.demand is Demand.OFF and inspection.values is None:
        return [_NO_REVOCATION]
    if inspection.certificate is None or not inspection.certificate.path:
        return None
    if len(inspection.certificate.path) == 1:
        return [_PINNED_ITSELF]
    return [
        _known(one)
        for one in inspection.certificate.standings
        if one.status is not Status.UNDECIDED
    ]


def _known(standing: Standing) -> Words:
    name, evidence = subject_text(standing.certificate), standing.evidence
    source = "-" if evidence is None else f"{evidence.kind.name} {evidence.origin}"
    made, due = standing.this_update, standing.next_update
    dates_vi = f"lập {made:%Y-%m-%d %H:%M}" + (f", kế tiếp {due:%Y-%m-%d %H:%M}" if due else "")
    dates_en = f"made {made:%Y-%m-%d %H:%M}" + (f", next {due:%Y-%m-%d %H:%M}" if due else "")
    if standing.status is Status.GOOD:
        state_vi, state_en = "không bị thu hồi", "not revoked"
    else:
        day = f"{standing.revoked_at:%Y-%m-%d}"
        state_vi, state_en = f"bị thu hồi ngày {day}", f"revoked {day}"
    return _words(
        f"{name}: {state_vi}, theo {source} ({dates_vi} UTC)",
        f"{name}: {state_en}, says {source} ({dates_en} UTC)",
    )


def _look_at_stamp(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    stamp = inspection.timestamp
    if stamp is None:
        is_there = any(_notice_home(one) == "time_stamp" for one in inspection.notices)
        return [] if is_there else [_NO_STAMP]
    by, at = stamp.authority.common_name or "-", f"{stamp.at:%Y-%m-%d %H:%M:%S} UTC"
    return [_words(f"{by}: chữ ký đã có lúc {at}", f"{by}: the signature was there at {at}")]


def _look_at_values(inspection: Inspection, _policy: VerificationPolicy) -> list[Words] | None:
    if inspection.certificate is None:
        return None
    found = inspection.values
    if found is None:
        return [_NO_VALUES]
    enclosed, evidence = found.values.certificates, found.values.evidence
    used = ", ".join(subject_text(one) for one in found.certificates) or "-"
    return [
        _words(
            f"{len(enclosed)} chứng thư, {len(evidence)} dữ liệu thu hồi; đứng trong chuỗi: {used}",
            f"{len(enclosed)} certificates, {len(evidence)} pieces of revocation data; in a "
            f"chain stand: {used}",
        ),
        *(_known(one) for one in found.standings),
    ]


def _look_at_policy(_inspection: Inspection, policy: VerificationPolicy) -> list[Words] | None:
    algorithms = ", ".join(sorted(one.name.replace("_", "-") for one in policy.algorithms))
    revocation = policy.revocation
    days = f"{revocation.max_age.total_seconds() / 86_400:g}"
    fresh_vi = fresh_en = ""
    if revocation.demand is not Demand.OFF:
        fresh_vi, fresh_en = f", không cũ quá {days} ngày", f", no older than {days} days"
    return [
        _words(
            f"{len(policy.trust_anchors)} chứng thư gốc được ghim",
            f"{len(policy.trust_anchors)} pinned roots",
        ),
        _words(f"thuật toán: {algorithms}", f"algorithms: {algorithms}"),
        _words(
            f"thu hồi: {revocation.demand.value}{fresh_vi}",
            f"revocation: {revocation.demand.value}{fresh_en}",
        ),
    ]


_PLANS = (
    _Plan(
        name="form",
        title=_words("Dạng tài liệu và chữ ký", "Form of document and signature"),
        codes=("xml.", "document."),
        look=_look_at_form,
    ),
    _Plan(
        name="cover",
        title=_words("Phần được ký", "What is covered"),
        codes=("signature.not_covering", "signature.reference_forbidden", "signature.duplicate_id"),
        look=_look_at_cover,
    ),
    _Plan(
        name="digests",
        title=_words("Giá trị băm", "Digests"),
        codes=("signature.digest_differs",),
        look=_look_at_digests,
    ),
    _Plan(
        name="algorithm",
        title=_words("Thuật toán", "Algorithm"),
        codes=("signature.algorithm_forbidden",),
        look=_look_at_algorithm,
    ),
    _Plan(
        name="value",
        title=_words("Giá trị chữ ký", "Signature value"),
        codes=("signature.value_wrong", "signature.certificate_swapped"),
        look=_look_at_value,
    ),
    _Plan(
        name="signer",
        title=_words("Người ký", "Signer"),
        codes=("certificate.not_agency",),
        look=_look_at_signer,
    ),
    _Plan(
        name="key_usage",
        title=_words("Mục đích và độ mạnh của khóa", "Use and strength of the key"),
        codes=("certificate.not_for_signing", "certificate.weak"),
        look=_look_at_use,
    ),
    _Plan(
        name="time",
        title=_words("Hiệu lực lúc ký", "Validity at signing time"),
        codes=(
            "certificate.expired_when_signed",
            "certificate.not_yet_valid_when_signed",
            "signature.signed_in_future",
        ),
        look=_look_at_time,
    ),
    _Plan(
        name="chain",
        title=_words("Chuỗi chứng thư", "Chain of certificates"),
        codes=("certificate.untrusted", "certificate.unreadable"),
        look=_look_at_chain,
    ),
    _Plan(
        name="revocation",
        title=_words("Thu hồi", "Revocation"),
        codes=("certificate.revoked", "revocation."),
        look=_look_at_revocation,
    ),
    _Plan(
        name="time_stamp",
        title=_words("Dấu thời gian", "Time-stamp"),
        codes=("timestamp.", "signature.signed_after_timestamp"),
        look=_look_at_stamp,
    ),
    _Plan(
        name="values",
        title=_words("Dữ liệu kiểm tra kèm theo", "Enclosed validation data"),
        codes=("values.",),
        look=_look_at_values,
    ),
    _Plan(
        name="policy",
        title=_words("Chính sách đã dùng", "Policy used"),
        codes=(),
        look=_look_at_policy,
    ),
)

"""
Judge secured messages, and hand on only what was proven, found by its position.

Everything that can be judged apart is judged, so that a sender hears all of it at once: the
signature, its certificate, the time, the login. Whether the message was here before is asked last:
only what is right in everything else is remembered.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from lxml import etree

from schemas.parser import Limits, parse_xml
from signing.certificates import read_signer
from signing.errors import Reason
from signing.parts import Departure
from signing.trust import certificate_reasons
from signing.wss.login import password_digest
from signing.wss.policy import SecurityRefused, VerifiedMessage
from signing.wss.reading import (
    CONFIRMATION,
    LOGIN,
    SIGNATURE,
    TIMESTAMP,
    TOKEN,
    LoginClaim,
    Message,
    Times,
    only_child,
    read_certificates,
    read_confirmation,
    read_login,
    read_message,
    read_times,
)
from signing.wss.replay import Recall, ReplayMemory
from signing.wss.signature import Proof, prove

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography import x509
    from lxml.etree import _Element

    from signing.certificates import Signer
    from signing.keys import Passphrase
    from signing.wss.policy import Name, SecurityPolicy

T = TypeVar("T")


@dataclass(slots=True)
class _Findings:
    """What the examination of one message has found so far."""

    reasons: list[Reason] = field(default_factory=list)
    times: Times | None = None
    certificates: tuple[x509.Certificate, ...] = ()
    proof: Proof | None = None
    login: LoginClaim | None = None

    def add(self, code: str, *, vi: str, en: str) -> None:
        self.reasons.append(Reason(code=code, vi=vi, en=en))

    def attempt(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Departure as departure:
            self.reasons.append(departure.reason)
            return None


def verify_message(
    data: bytes,
    *,
    policy: SecurityPolicy,
    memory: ReplayMemory | None,
    now: datetime,
    confirms: bytes | None = None,
) -> VerifiedMessage:
    """
    Return what is proven of a message.

    Args:
        data: The whole envelope.
        policy: What is demanded, and whom to trust.
        memory: Of this receiver; the message is remembered if it is taken. None: the receiver
            knows by itself, by something that is signed, what it took before.
        now: Aware.
        confirms: Signature of the request that this must be the answer to; None: not asked.

    Raises:
        SecurityRefused: with every reason; the same bytes will never be taken.
    """
    findings = _Findings()
    message = findings.attempt(lambda: read_message(data, policy=policy))
    if message is not None:
        _judge_times(message, policy=policy, findings=findings, now=now)
        _judge_signature(message, policy=policy, findings=findings, now=now)
        _judge_login(message, policy=policy, findings=findings, now=now)
        _judge_confirmation(message, confirms=confirms, findings=findings)
    verified = None
    if message is not None and not findings.reasons:
        verified = findings.attempt(lambda: _hand_on(message, policy, findings))
    if verified is not None and memory is not None:
        _judge_replay(findings, policy=policy, memory=memory, now=now)
    if verified is None or findings.reasons:
        signature = None if findings.proof is None else findings.proof.value
        raise SecurityRefused(tuple(findings.reasons), signature=signature)
    return verified


def _judge_times(
    message: Message, *, policy: SecurityPolicy, findings: _Findings, now: datetime
) -> None:
    timestamp = message.parts.get(TIMESTAMP)
    if timestamp is None:
        if policy.needs_timestamp:
            findings.add(
                "wss.timestamp_missing",
                vi="wsse:Security không có wsu:Timestamp",
                en="wsse:Security has no wsu:Timestamp",
            )
        return
    times = findings.times = findings.attempt(lambda: read_times(timestamp))
    if times is None:
        return
    if times.expires is not None and times.expires < now - policy.clock_skew:
        findings.add(
            "wss.expired",
            vi=f"Bản tin đã hết hạn lúc {times.expires:%Y-%m-%d %H:%M:%S} UTC (Timestamp/Expires)",
            en=f"The message expired at {times.expires:%Y-%m-%d %H:%M:%S} UTC (Timestamp/Expires)",
        )
    _judge_age(times.created, "Timestamp", policy=policy, findings=findings, now=now)


def _judge_age(
    created: datetime, name: str, *, policy: SecurityPolicy, findings: _Findings, now: datetime
) -> None:
    shown = f"{created:%Y-%m-%d %H:%M:%S} UTC ({name}/Created)"
    if created > now + policy.clock_skew:
        findings.add(
            "wss.from_future",
            vi=f"Thời điểm tạo {shown} nằm trong tương lai: hãy kiểm tra đồng hồ hai bên",
            en=f"The time of creation {shown} lies in the future: check both clocks",
        )
    elif created < now - policy.longest_life - policy.clock_skew:
        findings.add(
            "wss.too_old",
            vi=f"Bản tin được tạo lúc {shown}, quá {policy.longest_life} cho phép",
            en=f"The message was created at {shown}, more than the allowed {policy.longest_life} "
            "ago",
        )


def _judge_signature(
    message: Message, *, policy: SecurityPolicy, findings: _Findings, now: datetime
) -> None:
    signature, token = message.parts.get(SIGNATURE), message.parts.get(TOKEN)
    if policy.certificates is None:
        if signature is not None or token is not None:
            findings.add(
                "wss.unsupported",
                vi="Ở đây không nhận chữ ký trong wsse:Security: chưa cấu hình chứng thư tin cậy",
                en="Signatures in wsse:Security are not taken here: no trust is configured",
            )
        return
    if signature is None or token is None:
        name = "ds:Signature" if signature is None else "wsse:BinarySecurityToken"
        findings.add(
            "wss.unsigned" if signature is None else "wss.token_missing",
            vi=f"wsse:Security không có {name}",
            en=f"wsse:Security has no {name}",
        )
        return
    trust = policy.certificates
    certificates = findings.attempt(lambda: read_certificates(token))
    if certificates is None:
        return
    findings.certificates = certificates
    certificate = certificates[0]
    findings.reasons += certificate_reasons(
        certificate, intermediates=certificates[1:], policy=trust, signed_at=now
    )
    if policy.signers and read_signer(certificate).common_name not in policy.signers:
        findings.add(
            "wss.signer_unknown",
            vi=f"Chứng thư {certificate.serial_number:x} không thuộc bên được phép ký",
            en=f"Certificate {certificate.serial_number:x} is of nobody who may sign here",
        )
    within = tuple(part for tag, part in message.parts.items() if tag != SIGNATURE)
    proof = findings.proof = findings.attempt(
        lambda: prove(
            signature,
            token=token,
            certificate=certificate,
            algorithms=trust.algorithms,
            parts=(message.body, *within, *message.blocks),
        )
    )
    if proof is not None:
        _judge_coverage(message, proof, policy=policy, findings=findings)


def _judge_coverage(
    message: Message, proof: Proof, *, policy: SecurityPolicy, findings: _Findings
) -> None:
    wanted = [("Body", message.body)]
    for tag, part in message.parts.items():
        is_token = tag in (TOKEN, LOGIN)
        if tag != SIGNATURE and (policy.needs_signed_tokens or not is_token):
            wanted.append((etree.QName(part).localname, part))
    for namespace, name in sorted(policy.signed_headers):
        blocks = [one for one in message.blocks if one.tag == f"{{{namespace}}}{name}"]
        if len(blocks) != 1:
            findings.add(
                "wss.header_missing",
                vi=f"Bản tin phải có đúng một phần đầu {name}, thực tế là {len(blocks)}",
                en=f"The message must have exactly one header {name}, found {len(blocks)}",
            )
        wanted += [(name, one) for one in blocks]
    open_parts = [name for name, part in wanted if part not in proof.covered]
    if open_parts:
        listed = ", ".join(open_parts)
        findings.add(
            "wss.not_covering",
            vi=f"Chữ ký không bao phủ: {listed}",
            en=f"The signature does not cover: {listed}",
        )


def _judge_login(
    message: Message, *, policy: SecurityPolicy, findings: _Findings, now: datetime
) -> None:
    element = message.parts.get(LOGIN)
    if element is None:
        if policy.passwords is not None:
            findings.add(
                "wss.login_missing",
                vi="wsse:Security không có wsse:UsernameToken",
                en="wsse:Security has no wsse:UsernameToken",
            )
        return
    if policy.passwords is None:
        findings.add(
            "wss.unsupported",
            vi="Ở đây không nhận wsse:UsernameToken",
            en="A wsse:UsernameToken is not taken here",
        )
        return
    login = findings.login = findings.attempt(lambda: read_login(element))
    if login is None:
        return
    if login.is_text and not policy.allows_password_text:
        findings.add(
            "wss.unsupported",
            vi="Mật khẩu không được gửi nguyên văn (PasswordText): dùng PasswordDigest",
            en="The password must not come as it is (PasswordText): use PasswordDigest",
        )
        return
    if not login.is_text and (login.nonce is None or login.created_at is None):
        findings.add(
            "wss.structure",
            vi="PasswordDigest cần có Nonce và Created",
            en="A PasswordDigest needs a Nonce and Created",
        )
        return
    if login.created_at is not None:
        _judge_age(login.created_at, "UsernameToken", policy=policy, findings=findings, now=now)
    if not _is_password_right(login, policy.passwords.get(login.username)):
        # One reason for both: nobody learns here which names there are.
        findings.add(
            "wss.login_wrong",
            vi="Tên hoặc mật khẩu trong UsernameToken không đúng",
            en="The name or password of the UsernameToken is wrong",
        )


def _is_password_right(login: LoginClaim, password: Passphrase | None) -> bool:
    if password is None:
        return False
    if login.is_text:
        return hmac.compare_digest(login.secret.encode(), password.reveal())
    digest = password_digest(
        nonce=login.nonce or b"", created=login.created or "", password=password
    )
    return hmac.compare_digest(login.secret.strip().encode(), b64encode(digest))


def _judge_confirmation(message: Message, *, confirms: bytes | None, findings: _Findings) -> None:
    if confirms is None:
        return
    element = message.parts.get(CONFIRMATION)
    value = None if element is None else findings.attempt(lambda: read_confirmation(element))
    if value is None or not hmac.compare_digest(value, confirms):
        findings.add(
            "wss.not_confirmed",
            vi="Câu trả lời không xác nhận chữ ký của yêu cầu (SignatureConfirmation): có thể là "
            "của yêu cầu khác",
            en="The answer does not confirm the request's signature (SignatureConfirmation): it "
            "may be another request's",
        )


def _hand_on(message: Message, policy: SecurityPolicy, findings: _Findings) -> VerifiedMessage:
    signer: Signer | None = None
    body = only_child(message.body)
    headers: dict[Name, _Element] = {}
    proof = findings.proof
    if proof is not None and policy.certificates is not None:
        limits = Limits(max_bytes=policy.max_bytes)
        # Parsed from the very bytes that were digested, so that nothing else can be read in them.
        body = only_child(parse_xml(proof.covered[message.body], limits=limits))
        for block in message.blocks:
            name = etree.QName(block)
            if block in proof.covered:
                key = (name.namespace or "", name.localname)
                headers[key] = parse_xml(proof.covered[block], limits=limits)
        signer = read_signer(
            findings.certificates[0], agency_attribute=policy.certificates.agency_attribute
        )
    return VerifiedMessage(
        soap=message.soap,
        body=body,
        headers=headers,
        signer=signer,
        username=None if findings.login is None else findings.login.username,
        created_at=None if findings.times is None else findings.times.created,
        signature=None if proof is None else proof.value,
    )


def _judge_replay(
    findings: _Findings, *, policy: SecurityPolicy, memory: ReplayMemory, now: datetime
) -> None:
    keys, login = [], findings.login
    if findings.proof is not None:
        keys.append(sha256(b"signed" + findings.proof.info_digest).digest())
    if login is not None and login.nonce is not None:
        keys.append(sha256(b"login" + login.username.encode() + b"\0" + login.nonce).digest())
    # Nothing that is taken now can be fresh for longer than this.
    until = now + policy.longest_life + 2 * policy.clock_skew
    recall = memory.remember(keys, until=until, now=now) if keys else Recall.NEW
    if recall is Recall.SEEN:
        findings.add(
            "wss.replayed",
            vi="Bản tin này (chữ ký hoặc nonce) đã được nhận trước đó: mỗi lần gửi cần phần đầu "
            "wsse:Security mới",
            en="This message (its signature or nonce) was received before: each attempt needs a "
            "wsse:Security header of its own",
        )
    elif recall is Recall.FULL:
        findings.add(
            "wss.memory_full",
            vi="Bên nhận tạm thời không nhớ thêm được bản tin nào: hãy gửi lại sau",
            en="The receiver cannot remember more messages for now: send again later",
        )

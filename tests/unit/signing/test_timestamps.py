"""Time-stamps: what is believed, and every way in which one is not what it seems."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID

from lienthong.testing.authority import Authority, Mood, sign_info
from signing import load_certificates, load_pem, make_development_pki
from signing import timestamp_shapes as shapes
from signing.timestamps import (
    MOST_BYTES,
    TimestampPolicy,
    TimestampRefused,
    judge_answer,
    judge_token,
    make_request,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DATA = b"the digest of a seal, or whatever else"


class Bench:
    """An authority of the tests, its policy, and tokens of it that were tampered with."""

    def __init__(self, folder, *, days=400):
        pki = make_development_pki(folder, agencies={}, now=NOW, days=days)
        self.pki = pki
        self.key = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
        self.authority = Authority(key=self.key, clock=lambda: NOW)
        self.policy = TimestampPolicy(
            trust_anchors=tuple(load_certificates(pki.root.certificate.read_bytes()))
        )

    def token(self, data=DATA, *, method="sha256"):
        return self.ask(data, method=method).token

    def ask(self, data=DATA, *, method="sha256"):
        request = make_request(data, method=method)
        return judge_answer(
            self.authority.answer(request.body), request, policy=self.policy, now=NOW
        )

    def reissued(self, *, key=None, **changes):
        """Return a token whose statement was changed and signed again."""
        held = asn1.decode_der(shapes.Token, self.token())
        info = replace(asn1.decode_der(shapes.TstInfo, held.data.content.body), **changes)
        return sign_info(asn1.encode_der(info), key or self.key)

    def remade(self, change):
        """Return a token whose envelope `change` was applied to."""
        held = asn1.decode_der(shapes.Token, self.token())
        change(held.data)
        return asn1.encode_der(held)

    def codes(self, token, data=DATA, *, policy=None, now=NOW):
        with pytest.raises(TimestampRefused) as refused:
            judge_token(token, data, policy=policy or self.policy, now=now)
        assert all(reason.vi and reason.en for reason in refused.value.reasons)
        return [reason.code for reason in refused.value.reasons]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("pki"))


@pytest.fixture(autouse=True)
def well(bench):
    yield
    bench.authority.mood = Mood.WELL


@pytest.mark.parametrize("method", ["sha256", "sha384", "sha512"])
def test_a_token_says_when_by_whom_and_how_exactly(bench, method):
    stamp = bench.ask(method=method)

    assert (stamp.at, stamp.accuracy, stamp.method) == (NOW, timedelta(seconds=1), method)
    assert stamp.latest == NOW + timedelta(seconds=1)
    assert stamp.authority.common_name == "Development time-stamps"
    assert stamp.policy == "1.3.6.1.4.1.32473.1"
    assert judge_token(stamp.token, DATA, policy=bench.policy, now=NOW) == stamp


def test_only_a_digest_and_a_fresh_nonce_leave(bench):
    one, other = make_request(DATA), make_request(DATA)

    assert DATA not in one.body
    assert one.nonce != other.nonce
    assert asn1.decode_der(shapes.TimeStampReq, one.body).cert_req


def test_it_is_believed_years_after_its_certificate_expired(bench):
    token = bench.token()

    later = NOW + timedelta(days=365 * 20)

    assert judge_token(token, DATA, policy=bench.policy, now=later).at == NOW


def test_it_proves_nothing_about_other_data(bench):
    assert bench.codes(bench.token(), DATA + b".") == ["timestamp.other_data"]


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        (Mood.OTHER_DATA, "timestamp.other_data"),
        (Mood.OTHER_NONCE, "timestamp.nonce_differs"),
        (Mood.REFUSES, "timestamp.refused"),
        (Mood.GARBAGE, "timestamp.unreadable"),
    ],
)
def test_an_answer_that_is_not_to_the_request_is_refused(bench, mood, code):
    bench.authority.mood = mood

    with pytest.raises(TimestampRefused) as refused:
        bench.ask()

    assert refused.value.code == code


def test_the_authority_s_own_words_are_told_without_what_would_break_a_line(bench):
    status = shapes.PkiStatusInfo(status=2, words=["hết\nhạn mức\x1b[31m"], fail_info=None)
    request = make_request(DATA)

    with pytest.raises(TimestampRefused) as refused:
        judge_answer(
            asn1.encode_der(shapes.Refusal(status=status)), request, policy=bench.policy, now=NOW
        )

    assert refused.value.en == "The time-stamp authority refused: hết hạn mức [31m"


def test_an_answer_to_an_earlier_request_is_refused(bench):
    earlier, later = make_request(DATA), make_request(DATA)

    with pytest.raises(TimestampRefused, match="replayed"):
        judge_answer(bench.authority.answer(earlier.body), later, policy=bench.policy, now=NOW)


def test_an_answer_with_another_hash_than_asked_for_is_refused(bench):
    asked, other = make_request(DATA), make_request(DATA, method="sha512")

    with pytest.raises(TimestampRefused) as refused:
        judge_answer(bench.authority.answer(other.body), asked, policy=bench.policy, now=NOW)

    assert "timestamp.algorithm_forbidden" in [one.code for one in refused.value.reasons]


def test_another_authority_is_not_believed(bench, tmp_path):
    stranger = Bench(tmp_path / "stranger")

    assert bench.codes(stranger.token()) == ["timestamp.untrusted"]
    assert bench.codes(bench.token(), policy=TimestampPolicy()) == ["timestamp.untrusted"]


def test_a_root_of_the_same_name_is_not_the_root(bench, tmp_path):
    """The development roots all have one name; only the key tells them apart."""
    stranger = Bench(tmp_path / "stranger")
    names = {one.subject for one in (*stranger.policy.trust_anchors, *bench.policy.trust_anchors)}
    assert len(names) == 1

    def send_both(data):
        roots = [*stranger.policy.trust_anchors, *bench.policy.trust_anchors]
        more = [asn1.decode_der(asn1.TLV, one.public_bytes(Encoding.DER)) for one in roots]
        data.certificates = asn1.SetOf([*data.certificates.as_list(), *more])

    assert bench.codes(stranger.remade(send_both)) == ["timestamp.untrusted"]


def test_a_signing_certificate_of_the_same_root_may_not_issue(bench):
    operator = load_pem(bench.pki.operator.key, bench.pki.operator.certificate, passphrase=None)

    assert bench.codes(bench.reissued(key=operator)) == ["timestamp.not_for_timestamps"]


@pytest.mark.parametrize(
    ("usages", "critical"),
    [(["TIME_STAMPING"], False), (["TIME_STAMPING", "CODE_SIGNING"], True)],
)
def test_a_certificate_that_is_for_other_things_too_may_not_issue(
    bench, workshop, usages, critical
):
    holder = workshop.issue("TSA", issuer=None)
    kinds = [getattr(ExtendedKeyUsageOID, one) for one in usages]
    builder = x509.CertificateBuilder(
        subject_name=holder.certificate.subject,
        issuer_name=holder.certificate.subject,
        public_key=holder.key.public_key(),
        serial_number=7,
        not_valid_before=NOW - timedelta(days=1),
        not_valid_after=NOW + timedelta(days=1),
        extensions=list(holder.certificate.extensions),
    ).add_extension(x509.ExtendedKeyUsage(kinds), critical=critical)
    key = replace(holder.signing_key(), certificate=builder.sign(holder.key, hashes.SHA256()))

    assert "timestamp.not_for_timestamps" in bench.codes(bench.reissued(key=key))


@pytest.mark.parametrize("days", [-30, 500])
def test_a_time_outside_of_the_certificate_s_is_not_believed(bench, days):
    at = NOW + timedelta(days=days)
    token = bench.reissued(at=asn1.GeneralizedTime(at))

    assert bench.codes(token, now=at) == ["timestamp.expired"]


def test_a_time_in_the_future_is_not_believed(bench):
    token = bench.token()

    assert bench.codes(token, now=NOW - timedelta(minutes=6)) == ["timestamp.in_future"]
    assert judge_token(token, DATA, policy=bench.policy, now=NOW - timedelta(minutes=4))


def test_everything_wrong_is_said_at_once(bench):
    operator = load_pem(bench.pki.operator.key, bench.pki.operator.certificate, passphrase=None)
    token = bench.reissued(key=operator, at=asn1.GeneralizedTime(NOW + timedelta(days=900)))

    assert bench.codes(token, b"other") == [
        "timestamp.not_for_timestamps",
        "timestamp.expired",
        "timestamp.other_data",
        "timestamp.in_future",
    ]


def change_info(**changes):
    def change(data):
        info = replace(asn1.decode_der(shapes.TstInfo, data.content.body), **changes)
        data.content = shapes.Content(kind=shapes.TST_INFO, body=asn1.encode_der(info))

    return change


def spoil_signature(data):
    (signer,) = data.signers.as_list()
    data.signers = asn1.SetOf(
        [replace(signer, signature=bytes([*signer.signature[:-1], signer.signature[-1] ^ 1]))]
    )


def rename_certificate(data):
    (signer,) = data.signers.as_list()
    kept = [one for one in signer.attributes.as_list() if one.kind != shapes.SIGNING_CERTIFICATE_V2]
    data.signers = asn1.SetOf([replace(signer, attributes=asn1.SetOf(kept))])


@pytest.mark.parametrize(
    "change",
    [
        change_info(at=asn1.GeneralizedTime(NOW - timedelta(hours=1))),
        change_info(serial=1),
        spoil_signature,
        rename_certificate,
    ],
    ids=["earlier", "serial", "signature", "no certificate named"],
)
def test_whatever_is_changed_in_a_token_breaks_it(bench, change):
    assert bench.codes(bench.remade(change)) == ["timestamp.signature_wrong"]


def weaken(data):
    (signer,) = data.signers.as_list()
    sha1 = shapes.AlgorithmIdentifier(
        algorithm=ObjectIdentifier("1.3.14.3.2.26"), parameters=asn1.Null()
    )
    data.signers = asn1.SetOf([replace(signer, digest_method=sha1)])


def test_sha1_is_not_accepted_in_either_place(bench):
    sha1 = shapes.AlgorithmIdentifier(
        algorithm=ObjectIdentifier("1.3.14.3.2.26"), parameters=asn1.Null()
    )
    over = bench.reissued(imprint=shapes.MessageImprint(method=sha1, digest=bytes(20)))

    assert bench.codes(over) == ["timestamp.algorithm_forbidden"]
    assert bench.codes(bench.remade(weaken)) == ["timestamp.algorithm_forbidden"]


def no_certificate(data):
    data.certificates = None


def many_certificates(data):
    data.certificates = asn1.SetOf(data.certificates.as_list() * 9)


def two_signers(data):
    data.signers = asn1.SetOf(data.signers.as_list() * 2)


def no_signer(data):
    data.signers = asn1.SetOf([])


def other_kind(data):
    data.content = shapes.Content(kind=shapes.SIGNED_DATA, body=data.content.body)


def broken_certificate(data):
    data.certificates = asn1.SetOf([asn1.decode_der(asn1.TLV, b"\x30\x00")])


@pytest.mark.parametrize(
    "change",
    [
        no_certificate,
        many_certificates,
        two_signers,
        no_signer,
        other_kind,
        broken_certificate,
        change_info(version=2),
        change_info(accuracy=shapes.Accuracy(seconds=10**40, millis=None, micros=None)),
        change_info(accuracy=shapes.Accuracy(seconds=-1, millis=None, micros=None)),
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_not_as_it_must_be_is_unreadable(bench, change):
    assert bench.codes(bench.remade(change)) == ["timestamp.unreadable"]


@pytest.mark.parametrize("token", [b"", b"0", b"\x30\x80" * 1000, b"\x30\x84\xff\xff\xff\xff"])
def test_garbage_is_unreadable(bench, token):
    assert bench.codes(token) == ["timestamp.unreadable"]


def test_nothing_may_stand_before_behind_or_be_cut_off(bench):
    token = bench.token()

    for wrong in (token + b"\x00", b"\x00" + token, token[:-1]):
        assert bench.codes(wrong) == ["timestamp.unreadable"]


def test_no_bit_of_a_token_can_be_turned_without_being_noticed(bench):
    token = bench.token()
    stamp = judge_token(token, DATA, policy=bench.policy, now=NOW)
    for at in range(0, len(token), 7):
        turned = bytearray(token)
        turned[at] ^= 1 << (at % 8)
        try:
            found = judge_token(bytes(turned), DATA, policy=bench.policy, now=NOW)
        except TimestampRefused:
            continue
        # What is left: how the envelope is written, which says nothing.
        assert replace(found, token=token) == stamp


def test_what_is_too_long_is_not_read(bench):
    assert bench.codes(bytes(MOST_BYTES + 1)) == ["timestamp.too_large"]
    with pytest.raises(TimestampRefused, match="65537 bytes"):
        judge_answer(bytes(MOST_BYTES + 1), make_request(DATA), policy=bench.policy, now=NOW)


def test_an_authority_that_states_no_accuracy_is_taken_at_its_word(bench):
    token = bench.reissued(accuracy=None)

    stamp = judge_token(token, DATA, policy=bench.policy, now=NOW)

    assert (stamp.accuracy, stamp.latest) == (None, NOW)


def test_accuracies_in_thousandths_are_read(bench):
    token = bench.reissued(accuracy=shapes.Accuracy(seconds=None, millis=500, micros=20))

    stamp = judge_token(token, DATA, policy=bench.policy, now=NOW)

    assert stamp.accuracy == timedelta(milliseconds=500, microseconds=20)

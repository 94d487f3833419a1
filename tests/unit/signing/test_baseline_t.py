"""Documents with a signature time-stamp: what it proves, what it leaves alone, what is refused."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from lxml import etree

from lienthong.testing.authority import Authority
from signing import (
    DocumentUnsignable,
    SignatureRefused,
    XadesSigner,
    canonical_bytes,
    explain,
    inspect,
    load_certificates,
    load_pem,
    make_development_pki,
    verify,
    verify_detached,
)
from signing.augmenting import add_timestamp, stamped_bytes
from signing.second import SecondOpinion
from signing.timestamps import TimestampPolicy, judge_answer, make_request

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"


class Stamps:
    """A workshop, an authority beside it, and a policy that trusts both."""

    def __init__(self, workshop, folder):
        self.workshop = workshop
        self.now = workshop.now
        pki = make_development_pki(folder, agencies={}, now=workshop.now)
        key = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
        self.authority = Authority(key=key, clock=lambda: self.now)
        roots = tuple(load_certificates(pki.root.certificate.read_bytes()))
        self.stamps = TimestampPolicy(trust_anchors=roots)
        self.policy = replace(workshop.policy, timestamps=self.stamps)

    def token(self, data, *, at=None):
        request = make_request(data)
        self.now = at or self.workshop.now
        answer = self.authority.answer(request.body)
        return judge_answer(answer, request, policy=self.stamps, now=self.now).token

    def document(self, *, at=None, signed=None):
        signed = signed or self.workshop.sign()
        return add_timestamp(signed, self.token(stamped_bytes(signed), at=at))

    def codes(self, document, *, policy=None, now=None):
        with pytest.raises(SignatureRefused) as refused:
            verify(document, policy=policy or self.policy, now=now or self.workshop.now)
        return [reason.code for reason in refused.value.reasons]


@pytest.fixture(scope="module")
def stamps(workshop, tmp_path_factory):
    return Stamps(workshop, tmp_path_factory.mktemp("pki"))


def test_a_time_stamp_says_by_when_it_was_signed_and_changes_nothing_that_was_signed(
    stamps, workshop
):
    signed = workshop.sign()
    document = stamps.document(signed=signed, at=workshop.now + timedelta(minutes=10))

    plain = verify(signed, policy=stamps.policy, now=workshop.now)
    found = verify(document, policy=stamps.policy, now=workshop.now + timedelta(hours=1))

    assert plain.timestamp is None
    assert found.timestamp.at == workshop.now + timedelta(minutes=10)
    assert found.timestamp.authority.common_name == "Development time-stamps"
    assert (found.content, found.signed_at) == (plain.content, plain.signed_at)
    assert found.notices == ()


def test_the_stamped_document_is_the_signed_one_with_text_put_in(stamps, workshop):
    signed = workshop.sign()
    document = stamps.document(signed=signed)

    before, _, rest = document.partition(b"<xades:UnsignedProperties>")
    added, _, after = rest.partition(b"</xades:UnsignedProperties>")

    assert before + after == signed
    assert canonical_bytes(etree.fromstring(document)) == document
    assert added.startswith(
        b"<xades:UnsignedSignatureProperties><xades:SignatureTimeStamp>"
        b'<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">'
    )


def test_what_is_stamped_is_the_canonical_signature_value(workshop):
    signed = workshop.sign()
    value = etree.fromstring(signed).find(f".//{DS}SignatureValue").text

    assert (
        stamped_bytes(signed)
        == (
            '<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
            f"{value}</ds:SignatureValue>"
        ).encode()
    )


def test_xmlsec_accepts_it_too(stamps, workshop):
    SecondOpinion(workshop.agency.certificate)(stamps.document())


def test_a_signature_beside_a_file_can_be_stamped(stamps, workshop):
    signer = XadesSigner(workshop.agency.signing_key())
    signature = signer.sign_file(b"%PDF", name="a.pdf", signed_at=workshop.now)

    found = verify_detached(
        stamps.document(signed=signature),
        b"%PDF",
        name="a.pdf",
        policy=stamps.policy,
        now=workshop.now,
    )

    assert found.timestamp.at == workshop.now


def test_a_time_stamp_of_another_signature_is_refused(stamps, workshop):
    other = workshop.sign(by=workshop.other_agency)
    document = add_timestamp(workshop.sign(), stamps.token(stamped_bytes(other)))

    assert stamps.codes(document) == ["timestamp.other_data"]
    assert inspect(document, policy=stamps.policy, now=workshop.now).timestamp is None


def test_a_time_stamp_of_a_stranger_is_refused(stamps, workshop, tmp_path):
    stranger = Stamps(workshop, tmp_path / "stranger")

    assert stamps.codes(stranger.document()) == ["timestamp.untrusted"]


def test_where_nobody_is_trusted_for_time_stamps_it_is_not_judged_and_that_is_said(
    stamps, workshop
):
    found = verify(stamps.document(), policy=workshop.policy, now=workshop.now)

    assert found.timestamp is None
    assert [one.code for one in found.notices] == ["timestamp.not_judged"]


def test_a_signing_time_after_the_time_stamp_is_refused(stamps, workshop):
    document = stamps.document(at=workshop.now - timedelta(minutes=10))

    assert stamps.codes(document) == ["signature.signed_after_timestamp"]
    assert verify(
        stamps.document(at=workshop.now - timedelta(minutes=4)),
        policy=stamps.policy,
        now=workshop.now,
    )


def test_a_time_stamp_long_after_the_stated_time_is_said(stamps, workshop):
    later = workshop.now + timedelta(days=3)
    found = verify(stamps.document(at=later), policy=stamps.policy, now=later)

    assert [one.code for one in found.notices] == ["timestamp.late"]
    assert "72 hours after" in found.notices[0].en


def test_certificates_are_judged_at_the_time_stamp_where_the_policy_says_so(stamps, workshop):
    """Who has an old key may state any time; only a time-stamp proves it."""
    end = workshop.agency.certificate.not_valid_after_utc
    after = end + timedelta(days=1)
    late, early = stamps.document(at=after), stamps.document(at=end - timedelta(days=1))
    strict = replace(stamps.policy, judges_at_timestamp=True)

    assert stamps.codes(late, policy=strict, now=after) == ["certificate.expired_when_signed"]
    assert verify(late, policy=stamps.policy, now=after)
    # Stamped in time, it holds for ever.
    for_ever = datetime(2060, 1, 1, tzinfo=workshop.now.tzinfo)
    assert verify(early, policy=strict, now=for_ever).timestamp is not None


def unsigned_of(root):
    return root.find(f".//{XADES}UnsignedProperties")


def second_stamp(root):
    about = unsigned_of(root)[0]
    about.append(etree.fromstring(etree.tostring(about[0])))


def no_stamp(root):
    unsigned_of(root)[0].remove(unsigned_of(root)[0][0])


def another_property(root):
    etree.SubElement(unsigned_of(root)[0], f"{XADES}CounterSignature").text = "x"


def values_of_lt(root):
    etree.SubElement(unsigned_of(root)[0], f"{XADES}CertificateValues")


def about_data(root):
    etree.SubElement(unsigned_of(root), f"{XADES}UnsignedDataObjectProperties")


def before_the_signed(root):
    unsigned = unsigned_of(root)
    unsigned.getparent().insert(0, unsigned)


def included(root):
    stamp = unsigned_of(root)[0][0]
    stamp.insert(0, etree.Element(f"{XADES}Include", URI="#x"))


def two_tokens(root):
    stamp = unsigned_of(root)[0][0]
    stamp.append(etree.fromstring(etree.tostring(stamp[1])))


def as_xml(root):
    unsigned_of(root)[0][0][1].tag = f"{XADES}XMLTimeStamp"


def other_encoding(root):
    unsigned_of(root)[0][0][1].set("Encoding", "http://uri.etsi.org/01903/v1.2.2#PER")


def text_inside(root):
    unsigned_of(root).text = "paid"


def not_base64(root):
    unsigned_of(root)[0][0][1].text = "%%%"


@pytest.mark.parametrize(
    "change",
    [
        second_stamp, no_stamp, another_property, values_of_lt, about_data, before_the_signed,
        included, two_tokens, as_xml, other_encoding, text_inside, not_base64,
    ],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_nothing_else_may_stand_among_what_is_not_signed(stamps, change):
    root = etree.fromstring(stamps.document())
    change(root)

    assert stamps.codes(canonical_bytes(root))[0] == "signature.structure"


def test_another_canonical_form_is_refused(stamps):
    root = etree.fromstring(stamps.document())
    unsigned_of(root)[0][0][0].set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")

    assert stamps.codes(canonical_bytes(root)) == ["signature.algorithm_forbidden"]


def test_a_token_that_is_none_is_refused_in_words(stamps, workshop):
    for token, code in [
        (b"", "timestamp.unreadable"),
        (b"garbage", "timestamp.unreadable"),
        (bytes(100_000), "timestamp.too_large"),
    ]:
        assert stamps.codes(add_timestamp(workshop.sign(), token)) == [code]


def test_it_is_stamped_once_and_only_if_it_is_signed(stamps, workshop):
    stamped = stamps.document()
    for document, code in [
        (stamped, "document.stamped_already"),
        (workshop.document, "document.not_signed"),
        (b"<a/>", "document.not_signed"),
        (b"<a>", "xml.syntax"),
    ]:
        with pytest.raises(DocumentUnsignable) as refused:
            stamped_bytes(document)
        assert refused.value.code == code


def test_a_document_that_would_be_written_anew_is_not_stamped(workshop):
    with pytest.raises(DocumentUnsignable) as refused:
        add_timestamp(b"<?xml version='1.0'?>" + workshop.sign(), b"token")

    assert refused.value.code == "document.not_canonical"


def test_the_explanation_has_the_time_stamp_in_its_place(stamps, workshop, tmp_path):
    def step(document, policy):
        found = inspect(document, policy=policy, now=workshop.now)
        steps = {one.name: one for one in explain(found, policy=policy)}
        return steps["time_stamp"].result.value, steps["revocation"].result.value

    good = stamps.document()
    stranger = Stamps(workshop, tmp_path / "stranger").document()

    assert step(good, stamps.policy) == ("passed", "skipped")
    assert step(stranger, stamps.policy) == ("failed", "skipped")
    assert step(good, workshop.policy) == ("noted", "skipped")
    assert step(workshop.sign(), stamps.policy) == ("skipped", "skipped")

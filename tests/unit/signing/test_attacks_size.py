"""Input of sizes that nobody sends by mistake: refused by count, before it costs time or memory."""

from __future__ import annotations

import tracemalloc

import pytest
from lxml import etree

from signing import Form, canonical_bytes, locating
from tests.unit.signing.conftest import DS

MIB = 1024 * 1024
DS_URI = DS.strip("{}")


@pytest.fixture(params=list(Form), ids=lambda form: form.value)
def form(request):
    return request.param


def codes(found) -> list[str]:
    return [one.code for one in found.reasons]


def filled(text: bytes, filler: bytes) -> bytes:
    """Put something behind the first start tag, where a reader meets it first."""
    end = text.index(b">") + 1
    return text[:end] + filler + text[end:]


def test_100_megabytes_are_refused_by_their_size_alone(workshop, form):
    huge = filled(workshop.make(form), b" " * (100 * MIB))
    tracemalloc.start()

    found = workshop.judge(form, huge)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert codes(found) == ["xml.too_large"]
    assert found.element is None, "it was not even parsed"
    assert peak < MIB


def test_100000_levels_are_refused(workshop, form):
    deep = b"<a>" * 100_000 + b"</a>" * 100_000

    found = workshop.judge(form, filled(workshop.make(form), deep))

    assert codes(found) == ["xml.too_deep"]
    assert found.element is None


def test_levels_that_libxml2_would_take_are_still_too_many(workshop, form):
    found = workshop.judge(form, filled(workshop.make(form), b"<a>" * 100 + b"</a>" * 100))

    assert codes(found) == ["xml.too_deep"]


def test_a_million_elements_are_refused(workshop, form):
    found = workshop.judge(form, filled(workshop.make(form), b"<a/>" * 1_000_000))

    assert codes(found) == ["xml.too_many_elements"]
    assert found.element is None


def test_10000_signatures_are_counted_and_none_is_read(workshop, form):
    signed = workshop.make(form)
    empty = f'<ds:Signature xmlns:ds="{DS_URI}"></ds:Signature>'.encode()

    found = workshop.judge(form, filled(signed, empty * 10_000))

    # Inside a ds:Signature the declaration is superfluous, so that text is not canonical besides.
    assert set(codes(found)) <= {"document.not_canonical", "signature.not_single"}
    told = next(one for one in found.reasons if one.code == "signature.not_single")
    assert "found 10001" in told.en
    assert found.signer is None


def test_10000_copies_of_a_right_signature_are_one_too_many(workshop):
    signed = workshop.make(Form.PLAIN)
    start = signed.index(b"<ds:Signature ")
    whole = signed[start : signed.index(b"</ds:Signature>") + 15]

    found = workshop.judge(Form.PLAIN, signed.replace(whole, whole * 3_000))

    assert codes(found) == ["signature.not_single"]


@pytest.mark.parametrize(
    ("parent", "child", "number", "code"),
    [
        ("SignedInfo", "Reference", 10_000, "signature.reference_forbidden"),
        ("X509Data", "X509Certificate", 10_000, "signature.structure"),
        ("KeyInfo", "X509Data", 10_000, "signature.structure"),
        ("Reference", "DigestValue", 10_000, "signature.structure"),
    ],
)
def test_parts_by_the_thousand_are_not_read_one_by_one(workshop, form, parent, child, number, code):
    root = etree.fromstring(workshop.make(form))
    place = root.find(f".//{DS}{parent}")
    for _ in range(number):
        etree.SubElement(place, f"{DS}{child}").text = "AAAA"

    found = workshop.judge(form, canonical_bytes(root))

    assert code in codes(found)
    assert len(found.reasons) < 10
    assert all(len(one.vi) < 1000 and len(one.en) < 1000 for one in found.reasons)


def test_transforms_by_the_thousand_are_not_applied(workshop, form):
    root = etree.fromstring(workshop.make(form))
    reference = root.find(f".//{DS}Reference")
    chain = reference.find(f"{DS}Transforms")
    if chain is None:
        chain = etree.Element(f"{DS}Transforms")
        reference.insert(0, chain)
    for _ in range(10_000):
        etree.SubElement(
            chain, f"{DS}Transform", Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"
        )

    found = workshop.judge(form, canonical_bytes(root))

    assert codes(found) == ["signature.reference_forbidden"]
    assert len(found.reasons[0].en) < 1000


def test_attributes_by_the_thousand_are_refused(workshop, form):
    attributes = b"".join(b' a%d="1"' % number for number in range(10_000))

    found = workshop.judge(form, filled(workshop.make(form), b"<a" + attributes + b"></a>"))

    assert codes(found) == ["xml.too_many_attributes"]


def test_namespaces_by_the_thousand_are_refused_before_a_canonical_form_is_made(
    workshop, form, monkeypatch
):
    """It is made by looking through all that are in force, for each name: a minute for 10 MB."""
    levels = [range(60 * level, 60 * level + 60) for level in range(50)]
    opened = "".join(
        "<l" + "".join(f' xmlns:p{n}="u:{n}" p{n}:q=""' for n in level) + ">" for level in levels
    )
    inside = "<x" + "".join(f' p{n}:q=""' for n in range(60)) + "></x>"
    filler = (opened + inside * 20_000 + "</l>" * 50).encode()
    document = filled(workshop.make(form), filler)
    made = []
    monkeypatch.setattr(locating, "canonical_bytes", made.append)

    found = workshop.judge(form, document)

    assert codes(found) == ["xml.too_many_namespaces"]
    assert made == []


def test_ids_by_the_thousand_are_told_by_the_first_few(workshop, form):
    ids = b"".join(b'<a Id="%s%d"></a>' % (b"x" * 200, number // 2) for number in range(20_000))

    found = workshop.judge(form, filled(workshop.make(form), ids))

    told = next(one for one in found.reasons if one.code == "signature.duplicate_id")
    assert len(told.en) < 1000


def test_a_name_of_thousands_of_letters_is_cut_in_what_is_told(workshop):
    root = b'<%s Id="a"></%s>' % (b"x" * 40_000, b"x" * 40_000)

    for inside in (Form.ENVELOPED, Form.PLAIN):
        found = workshop.judge(inside, root, elements=frozenset({("urn:x", "y")}))
        assert codes(found) == ["document.element_unexpected", "signature.missing"]
        assert len(found.reasons[0].en) < 300


def test_the_limit_is_the_policys(workshop, form):
    signed = workshop.make(form)

    assert not codes(workshop.judge(form, signed, max_bytes=len(signed)))
    assert codes(workshop.judge(form, signed, max_bytes=len(signed) - 1)) == ["xml.too_large"]


def test_a_certificate_of_megabytes_is_neither_read_nor_kept(workshop, form):
    """Certificates that were read are kept for a while: 256 of this size would be gigabytes."""
    holder = workshop.issue("Kẻ giả mạo", issuer=None, filler=5 * MIB)

    assert codes(workshop.judge(form, workshop.make(form, by=holder))) == ["certificate.unreadable"]

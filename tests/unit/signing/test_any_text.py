"""Whatever a citizen is called, the signed text is canonical and verifies."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from signing import canonical_bytes, verify

# Everything XML 1.0 allows, with the characters that escaping gets wrong given more often.
CHARACTERS = st.one_of(
    st.sampled_from("\r\n\t&<>\"'ỨượĐđ\u0301\u00a0\u2028\ufeff\U0001f600"),
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"),
)


@settings(max_examples=150)
@given(value=st.text(CHARACTERS, max_size=60), note=st.text(CHARACTERS, max_size=20))
def test_any_text_is_signed_verified_and_given_back(workshop, value, note):
    root = etree.Element("{urn:x}BanTin", nsmap={None: "urn:x"}, Id="bt-1")
    etree.SubElement(root, "{urn:x}Ten", ghi=note).text = value
    document = canonical_bytes(root)

    signed = workshop.sign(document, by=workshop.other_agency)
    verified = verify(signed, policy=workshop.policy, now=workshop.now)

    assert canonical_bytes(etree.fromstring(signed)) == signed
    assert verified.content == document
    assert (verified.element[0].text or "") == value
    assert verified.element[0].get("ghi") == note

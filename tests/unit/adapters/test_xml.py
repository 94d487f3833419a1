from __future__ import annotations

import pytest

SETTINGS = {"format": "xml", "records": "/ds/hs"}


def test_children_become_text_mappings_and_lists(read):
    data = b"""<ds><hs ma="7"><ten>An</ten><tep>a</tep><tep loai="pdf">b</tep>
        <chu><ho>Le</ho></chu><trong/></hs></ds>"""

    assert read(data, **SETTINGS).values == [
        {
            "@ma": "7",
            "ten": "An",
            "tep": ["a", {"@loai": "pdf", "#text": "b"}],
            "chu": {"ho": "Le"},
            "trong": "",
        }
    ]


def test_places_count_records_and_keep_lines(read):
    found = read(b"<ds>\n<hs><a>1</a></hs>\n\n<hs><a>2</a></hs></ds>", **SETTINGS).records

    assert str(found[1].place_of("a")) == "f, line 4, /ds/hs[2].a"


def test_own_text_around_children_is_joined(read):
    data = b"<ds><hs><a>x<b/>y<!-- z --><c/></a></hs></ds>"

    assert read(data, **SETTINGS).values == [{"a": {"b": "", "c": "", "#text": "xy"}}]


def test_a_comment_does_not_hide_half_a_value(read):
    assert read(b"<ds><hs><a>01<!-- x -->23</a></hs></ds>", **SETTINGS).values == [{"a": "0123"}]


def test_cdata_is_text(read):
    data = b"<ds><hs><a><![CDATA[<b>&]]></a></hs></ds>"

    assert read(data, **SETTINGS).values == [{"a": "<b>&"}]


def test_nil_is_none(read):
    data = (
        b'<ds xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><hs><a i:nil="true"/></hs></ds>'
    )

    assert read(data, **SETTINGS).values == [{"a": None}]


def test_namespaces_select_and_are_dropped_from_names(read):
    data = (
        b'<p:ds xmlns:p="u" xmlns:q="v"><p:hs><q:a q:k="1">x</q:a></p:hs><hs><a>no</a></hs></p:ds>'
    )

    found = read(data, format="xml", records="/d:ds/d:hs", namespaces={"d": "u"})

    assert found.values == [{"a": {"@k": "1", "#text": "x"}}]


def test_elements_of_the_same_name_elsewhere_are_no_records(read):
    data = b"<ds><x><hs><a>0</a></hs></x><hs><hs>1</hs></hs></ds>"

    assert read(data, **SETTINGS).values == [{"hs": "1"}]


def test_a_root_can_be_the_record(read):
    assert read(b"<hs><a>1</a></hs>", format="xml", records="/hs").values == [{"a": "1"}]


def test_an_empty_list_has_no_records(read):
    found = read(b"<ds> </ds>", **SETTINGS)

    assert (found.records, found.code) == ([], None)


@pytest.mark.parametrize("data", [b"<khac><hs/></khac>", b'<ds xmlns="u"><hs/></ds>'])
def test_a_path_that_leads_nowhere_is_refused(read, data):
    assert read(data, **SETTINGS).code == "xml.records_missing"


def test_records_in_another_namespace_are_not_an_empty_list(read):
    found = read(b'<ds><p:hs xmlns:p="urn:x"><a>1</a></p:hs></ds>', **SETTINGS)

    assert found.code == "xml.records_missing"
    assert "<hs>" in found.refusal.message.vi
    assert "urn:x" in found.refusal.message.vi


def test_the_declared_encoding_is_honoured(read):
    text = '<?xml version="1.0" encoding="UTF-16"?><ds><hs><a>Ước</a></hs></ds>'

    assert read(text.encode("utf-16"), **SETTINGS).values == [{"a": "Ước"}]


def test_the_limit_holds_for_a_record_and_not_for_its_neighbours(read):
    data = b"<ds>" + b"<hs><a>12345</a></hs>\n" * 20_000 + b"</ds>"

    found = read(data, **SETTINGS, max_record_bytes=1024)

    assert (len(found.values), found.code) == (20_000, None)


ATTACKS = {
    "billion laughs": (
        b'<!DOCTYPE ds [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><ds><hs><a>&b;</a></hs></ds>',
        "xml.doctype",
    ),
    "external entity": (
        b'<!DOCTYPE ds [<!ENTITY a SYSTEM "file:///etc/passwd">]><ds><hs><a>&a;</a></hs></ds>',
        "xml.doctype",
    ),
    "entity without a declaration": (b"<ds><hs><a>&x;</a></hs></ds>", "xml.syntax"),
    "depth": (b"<ds><hs>" + b"<a>" * 300, "xml.too_deep"),
    "many attributes": (
        b"<ds><hs " + b" ".join(b'a%d=""' % n for n in range(100)) + b"/></ds>",
        "xml.too_many_attributes",
    ),
    "one endless record": (b"<ds><hs>" + b"<a>1</a>" * 80_000 + b"</hs></ds>", "xml.too_large"),
    "a forbidden character": (b"<ds><hs><a>\x01</a></hs></ds>", "xml.syntax"),
    "wrong bytes": (b"<ds><hs><a>\xff</a></hs></ds>", "xml.encoding"),
}


@pytest.mark.parametrize("name", list(ATTACKS))
def test_an_attack_is_refused(read, name):
    data, code = ATTACKS[name]

    found = read(data, **SETTINGS, max_record_bytes=100_000)

    assert (found.values, found.code) == ([], code)
    assert found.refusal.place.path == "/ds/hs[1]"

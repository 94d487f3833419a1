"""The parser against what hostile or broken files bring; each limit has a code of its own."""

from __future__ import annotations

import io
import itertools

import pytest
from lxml import etree

from schemas.parser import Limits, XmlRefused, iter_elements, parse_xml

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;"><!ENTITY z "&y;&y;&y;&y;">]><a>&z;</a>'
)
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
PARAMETER = '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]><a/>'
BARE = "<!DOCTYPE a><a/>"
BEHIND_A_COMMENT = "<?xml version='1.0'?>\n<!-- <a> -->\n<?p i?>\n" + BARE
# In UTF-16 the bytes of U+2D2D and ">" look like the end of a comment once NUL bytes are dropped.
BEHIND_A_FALSE_END = "<!-- \u2d2d> <b -->" + LAUGHS

DOCTYPES = [
    pytest.param(text.encode(encoding), id=f"{name}-{encoding}")
    for (name, text), encoding in itertools.product(
        [
            ("laughs", LAUGHS),
            ("external", EXTERNAL),
            ("parameter", PARAMETER),
            ("bare", BARE),
            ("behind-a-comment", BEHIND_A_COMMENT),
            ("behind-a-false-end", BEHIND_A_FALSE_END),
        ],
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"],
    )
]


def refusal(data: bytes, limits: Limits | None = None) -> XmlRefused:
    with pytest.raises(XmlRefused) as caught:
        parse_xml(data, limits=limits or Limits())
    return caught.value


@pytest.mark.parametrize("data", DOCTYPES)
def test_refuses_every_document_type(data):
    assert refusal(data).code == "xml.doctype"


@pytest.mark.parametrize("data", DOCTYPES)
def test_refuses_every_document_type_in_a_stream(data):
    with pytest.raises(XmlRefused) as caught:
        list(iter_elements(io.BytesIO(data), path=((None, "a"),)))

    assert caught.value.code == "xml.doctype"


def test_reads_a_cdata_that_mentions_a_document_type():
    root = parse_xml(b"<a><![CDATA[<!DOCTYPE html>]]></a>")

    assert root.text == "<!DOCTYPE html>"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"<a>" * 65 + b"</a>" * 65, "xml.too_deep", id="65 levels"),
        pytest.param(b"<a>" * 300 + b"</a>" * 300, "xml.too_deep", id="300 levels"),
        pytest.param(b"<a>" * 100_000, "xml.too_deep", id="100000 levels"),
        pytest.param(
            b"<a " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/>",
            "xml.too_many_attributes",
            id="100000 attributes",
        ),
        pytest.param(
            b"<a " + b" ".join(b'a%d="1"' % n for n in range(65)) + b"/>",
            "xml.too_many_attributes",
            id="65 attributes",
        ),
        pytest.param(
            b"<r" + b"".join(b' xmlns:a%d="urn:x"' % n for n in range(257)) + b"/>",
            "xml.too_many_namespaces",
            id="257 namespaces",
        ),
        pytest.param(
            ("<r" + "".join(f' xmlns:a{n}="urn:x"' for n in range(257)) + "/>").encode("utf-16"),
            "xml.too_many_namespaces",
            id="257 namespaces in UTF-16",
        ),
        pytest.param(
            b"".join(
                b'<a xmlns="urn:%d" xmlns:b="u" xmlns:c="u" xmlns:d="u" xmlns:e="u">' % n
                for n in range(60)
            )
            + b"</a>" * 60,
            "xml.too_many_namespaces",
            id="300 namespaces, each inside the other",
        ),
        pytest.param(
            b"<r>" + b"<a/>" * 200_000 + b"</r>", "xml.too_many_elements", id="200001 elements"
        ),
        pytest.param(
            b"<r>" + b"<a/>" * 3_000_000 + b"</r>", "xml.too_many_elements", id="3 million elements"
        ),
        pytest.param(
            b"<r>" + b"x" * (8 * 1024 * 1024 + 1) + b"</r>", "xml.text_too_long", id="8 MiB"
        ),
        pytest.param(b"<r>" + b"x" * 11_000_000 + b"</r>", "xml.text_too_long", id="11 MB"),
        pytest.param(
            b'<r a="' + b"x" * 9_000_000 + b'"/>', "xml.text_too_long", id="9 MB attribute"
        ),
        pytest.param(b"<r>" + b" " * (16 * 1024 * 1024) + b"</r>", "xml.too_large", id="16 MiB"),
        pytest.param(b"", "xml.syntax", id="empty"),
        pytest.param(b"   ", "xml.syntax", id="blank"),
        pytest.param(b"<a>", "xml.syntax", id="cut off"),
        pytest.param(b"<a/><b/>", "xml.syntax", id="two roots"),
        pytest.param(b"<a>&x;</a>", "xml.syntax", id="unknown entity"),
        pytest.param(b"<a>\x00</a>", "xml.syntax", id="NUL"),
        pytest.param(b"<a>&#0;</a>", "xml.syntax", id="NUL reference"),
        pytest.param(b"<a>&#xFFFE;</a>", "xml.syntax", id="non-character"),
        pytest.param(b"<a>\xff</a>", "xml.encoding", id="not UTF-8"),
        pytest.param(b"<a>\xed\xa0\x80</a>", "xml.encoding", id="surrogate in UTF-8"),
        pytest.param(b"<a>\xc0\xaf</a>", "xml.encoding", id="overlong UTF-8"),
        pytest.param(
            b'<?xml version="1.0" encoding="UTF-7"?><a/>', "xml.encoding", id="declared UTF-7"
        ),
        pytest.param("<a/>".encode("utf-32"), "xml.encoding", id="UTF-32"),
        pytest.param("<a/>".encode("cp037"), "xml.syntax", id="EBCDIC"),
        pytest.param(
            '<?xml version="1.0"?><!DOCTYPE a><a/>'.encode("cp037"), "xml.encoding", id="EBCDIC DTD"
        ),
    ],
)
def test_refuses(data, code):
    error = refusal(data)

    assert error.code == code
    assert error.vi
    assert error.en


@pytest.mark.parametrize("data", [b"<a>" * 64 + b"</a>" * 64, b"<r>" + b"<a/>" * 199_999 + b"</r>"])
def test_accepts_what_just_fits(data):
    assert parse_xml(data) is not None


def test_says_the_line_of_a_mistake():
    assert refusal(b"<a>\n\n<b></a>").line == 3


def test_never_opens_an_included_file():
    root = parse_xml(
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></a>'
    )

    assert [len(child) for child in root] == [0]
    assert root[0].text is None


def test_a_comment_cannot_hide_half_of_a_value():
    assert parse_xml(b"<a>1<!-- x -->2</a>").text == "12"


def test_keeps_processing_instructions_because_canonical_xml_does():
    root = parse_xml(b"<a>1<?p i?>2</a>")

    assert etree.tostring(root, method="c14n") == b"<a>1<?p i?>2</a>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_vietnamese_in(encoding):
    assert parse_xml("<a>Nguyễn Thị Bưởi</a>".encode(encoding)).text == "Nguyễn Thị Bưởi"


PATH = (("urn:x", "list"), ("urn:x", "item"))


def read(text: str | bytes, **options) -> list[tuple[str | None, int | None]]:
    data = text.encode() if isinstance(text, str) else text
    elements = iter_elements(io.BytesIO(data), path=PATH, **options)
    return [("".join(element.itertext()), element.sourceline) for element in elements]


def test_streams_the_elements_at_the_path_with_their_lines():
    text = (
        '<list xmlns="urn:x">\n<item>1</item>\n'
        "<other><item>no</item></other><item><b>2</b></item>\n</list>"
    )

    assert read(text) == [("1", 2), ("2", 3)]


def test_streams_only_elements_in_the_namespace_asked_for():
    text = '<list xmlns="urn:x"><item xmlns="">1</item><item>2<item>3</item></item></list>'

    assert read(text) == [("23", 1)]


@pytest.mark.parametrize("text", ["<list/>", '<list xmlns="urn:x"/>', "<item xmlns='urn:x'/>"])
def test_streams_nothing_where_nothing_stands_at_the_path(text):
    assert read(text) == []


@pytest.mark.parametrize("path", [((None, "b"),), ((None, "a"), (None, "b"))])
def test_the_shortest_document_is_no_crash(path):
    assert list(iter_elements(io.BytesIO(b"<a/>"), path=path)) == []


def test_the_root_itself_may_be_the_element_asked_for():
    elements = iter_elements(io.BytesIO(b"<a>1</a>"), path=((None, "a"),))

    assert [element.text for element in elements] == ["1"]


def test_yields_what_was_good_before_a_fault():
    elements = iter_elements(
        io.BytesIO(b"<l><i>1</i><i>2</i><i>3</l>"), path=((None, "l"), (None, "i"))
    )

    assert next(elements).text == "1"
    assert next(elements).text == "2"
    with pytest.raises(XmlRefused) as caught:
        next(elements)
    assert caught.value.code == "xml.syntax"


def test_a_cut_off_stream_is_refused_at_its_end():
    elements = iter_elements(io.BytesIO(b"<l><i>1</i>"), path=((None, "l"), (None, "i")))

    assert next(elements).text == "1"
    with pytest.raises(XmlRefused) as caught:
        next(elements)
    assert caught.value.code == "xml.syntax"


class Endless(io.RawIOBase):
    """A file made while it is read: a head, then one piece again and again."""

    def __init__(self, head: bytes, piece: bytes, times: int) -> None:
        self._pieces = itertools.chain([head], itertools.repeat(piece, times))

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces, b"")


@pytest.mark.parametrize(
    ("head", "piece", "code"),
    [
        (b"<l><i>", b"<b>1</b>" * 8000, "xml.too_large"),
        (b"<l><i>", b"x" * 65536, "xml.too_large"),
        (b"<l>", b"<i>" + b"<b/>" * 30 + b"</i>", "xml.too_many_elements"),
        (b"<l>", b"<i>" + b"<b>" * 15 + b"</b>" * 15 + b"</i>", "xml.too_deep"),
        (b"<!-- ", b"x" * 65536, "xml.too_large"),
        (b'<l a="', b"a" * 65536, "xml.too_large"),
    ],
)
def test_one_monstrous_element_in_a_stream_is_refused(head, piece, code):
    limits = Limits(max_bytes=1_000_000, max_elements=20, max_depth=10)

    with pytest.raises(XmlRefused) as caught:
        list(
            iter_elements(Endless(head, piece, 400), path=((None, "l"), (None, "i")), limits=limits)
        )

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("head", "piece", "expected"),
    [
        pytest.param(b"<l>", b"\n<i><b>1</b></i>" * 100, 20, id="wanted"),
        pytest.param(b"<l>", b"\n<j><b>1</b></j>" * 1000, 0, id="unwanted"),
        pytest.param(b"<l><j>", b"\n<i><b>1</b></i>" * 100, 0, id="in one unwanted branch"),
        pytest.param(b"<q>", b"\n<i><b>1</b></i>" * 100, 0, id="under another root"),
    ],
)
def test_the_tree_of_a_stream_stays_small(head, piece, expected):
    sizes = []
    elements = iter_elements(Endless(head, piece, 2000), path=((None, "l"), (None, "i")))

    def drain() -> None:
        for number, element in enumerate(elements):
            if number % 10_000 == 0:
                sizes.append(sum(1 for _ in element.getroottree().iter()))

    with pytest.raises(XmlRefused):
        drain()

    assert len(sizes) == expected
    assert max(sizes, default=0) < 20_000


def test_lines_beyond_65535_are_right():
    text = "<list xmlns='urn:x'>" + "\n" * 70_000 + "<item>1</item></list>"

    assert read(text) == [("1", 70_001)]

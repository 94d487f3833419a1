"""Files inside a record are checked when it is converted; a wrong one rejects it, by name."""

import base64

import pytest

from lienthong.attachments.manifest import FileLimits, digest_of, entry_of, prepare_files
from lienthong.testing.attached import HTML, PDF
from mappings.attachments import DeclaredFile
from schemas.problem import Place

LIMITS = FileLimits(file_bytes=1_000, dossier_bytes=2_500)


def inline(content, *, number=1, name="a.pdf", text=None):
    return DeclaredFile(
        number=number,
        place=Place(file="hs.json", path=f"tep[{number - 1}].nd"),
        name=name,
        way="data",
        source=base64.b64encode(content).decode() if text is None else text,
    )


def codes(*files, limits=LIMITS):
    _, problems = prepare_files(files, limits=limits)
    return [(problem.code, problem.place.path) for problem in problems]


def test_a_good_file_is_in_the_manifest_and_its_bytes_are_in_no_memory():
    [file], problems = prepare_files([inline(PDF)], limits=LIMITS)

    assert problems == ()
    assert file.declared.source == ""
    assert file.found.size == len(PDF)


@pytest.mark.parametrize(
    "text",
    [
        base64.encodebytes(PDF).decode(),
        base64.urlsafe_b64encode(PDF).decode(),
        base64.b64encode(PDF).decode().rstrip("="),
        "data:application/pdf;base64," + base64.b64encode(PDF).decode(),
    ],
    ids=["lines", "url-safe", "without padding", "data uri"],
)
def test_every_writing_of_base64_is_read(text):
    assert codes(inline(PDF, text=text)) == []


def test_one_wrong_file_of_five_rejects_and_all_wrong_ones_are_told():
    files = [inline(PDF, number=number) for number in (1, 2, 3)]
    files += [inline(HTML, number=4), inline(b"", number=5, text="====")]

    assert codes(*files) == [("attachment.html", "tep[3].nd"), ("attachment.empty", "tep[4].nd")]


def test_what_is_no_base64_is_refused():
    assert codes(inline(b"", text="đây không phải base64")) == [
        ("attachment.not_base64", "tep[0].nd")
    ]


def test_limits_hold_for_one_file_and_for_all_together():
    large = PDF[:-6] + bytes(850) + PDF[-6:]

    assert codes(inline(large + bytes(500))) == [("attachment.too_large", "tep[0].nd")]
    more = inline(large + bytes(10) + PDF[-6:], number=2, name="b.pdf")
    _, [problem] = prepare_files([inline(large), more, inline(large, number=3)], limits=LIMITS)
    assert (problem.code, problem.place.path) == ("attachment.too_much", "tep[1].nd")
    sizes = 3 * len(large) + 16
    assert problem.message.en == (
        f"The attachments of the dossier have at least {sizes} bytes, the limit is 2500; the "
        f"largest is 2 'b.pdf' with {len(large) + 16} bytes"
    )


def test_the_digest_of_a_manifest_depends_on_every_file_and_on_no_order():
    files, _ = prepare_files([inline(PDF), inline(PDF, number=2)], limits=LIMITS)
    entries = [entry_of(one.declared, one.found) for one in files]

    assert digest_of(entries) == digest_of(entries[::-1])
    assert digest_of(entries) != digest_of(entries[:1])

"""What a file is, judged while it passes by: against its name, its type, its size, its digest."""

import hashlib
import io
import zipfile

import pytest
import xlwt

from lienthong.attachments.inspecting import FoundFile, Inspector
from lienthong.attachments.words import FileWrong
from lienthong.testing.attached import (
    DOCX,
    GIF,
    HTML,
    JPG,
    OLE,
    P7M,
    PDF,
    PNG,
    RAR,
    RTF,
    TIF,
    XLSX,
    XML,
    ZIP,
)
from mappings.attachments import DeclaredFile
from schemas.problem import Place

PLACE = Place(file="hs.json", path="[3].tep[1]")


def declared(name="a.pdf", **said):
    values = {"number": 2, "place": PLACE, "name": name, "way": "url", "source": "https://x/a"}
    return DeclaredFile(**(values | said))


def inspect(content, name="a.pdf", *, limit=10_000_000, part=7, **said):
    inspector = Inspector(declared(name, **said), limit=limit)
    for start in range(0, len(content), part):
        inspector.feed(content[start : start + part])
    return inspector.finish()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", PDF, "pdf"),
        ("A.PDF", PDF, "pdf"),
        ("a.jpeg", JPG, "jpg"),
        ("a.jpg", JPG, "jpg"),
        ("a.png", PNG, "png"),
        ("a.gif", GIF, "gif"),
        ("a.tiff", TIF, "tif"),
        ("a.doc", OLE, "ole"),
        ("a.doc", RTF, "rtf"),
        ("a.xls", OLE, "ole"),
        ("a.docx", DOCX, "docx"),
        ("a.xlsx", XLSX, "xlsx"),
        ("a.zip", ZIP, "zip"),
        ("a.zip", DOCX, "docx"),
        ("a.rar", RAR, "rar"),
        ("a.xml", XML, "xml"),
        ("a.xml", "<?xml version='1.0'?><a/>".encode("utf-16"), "xml"),
        ("don.pdf.p7m", P7M, "p7"),
        ("a.htm", HTML, "html"),
        # Elements of XML are called so, too: only what a file begins with tells.
        ("a.xml", b"<?xml version='1.0'?><HoSo><Title>x</Title><Body/></HoSo>", "xml"),
        ("a.xml", b"<vanBan><head soHieu='1'/><body >x</body></vanBan>", "xml"),
        ("a.gml", b"<gml><head>1</head></gml>", "xml"),
        ("ban-ve.dwg", b"AC1032" + bytes(40), ""),
        ("khong-duoi", PDF, "pdf"),
    ],
)
def test_a_file_that_is_what_its_name_says_is_taken(name, content, kind):
    found = inspect(content, name)

    assert found == FoundFile(
        size=len(content), sha256=hashlib.sha256(content).hexdigest(), kind=kind
    )


@pytest.mark.parametrize(
    ("content", "name", "said", "code"),
    [
        (b"", "a.pdf", {}, "attachment.empty"),
        (HTML, "a.pdf", {}, "attachment.html"),
        (HTML, "khong-duoi", {}, "attachment.html"),
        (b"  \r\n<HTML><body>404", "a.docx", {}, "attachment.html"),
        (
            b"<!-- a --><?xml version='1.0'?>\n<!DOCTYPE html PUBLIC ''><html/>",
            "a.xml",
            {},
            "attachment.html",
        ),
        (b"<title>404</title>", "a.xml", {}, "attachment.html"),
        (b"<h1>Service Unavailable</h1>", "a.bin", {}, "attachment.html"),
        (PDF, "a.docx", {}, "attachment.wrong_type"),
        (ZIP, "a.docx", {}, "attachment.wrong_type"),
        (XLSX, "a.docx", {}, "attachment.wrong_type"),
        (OLE, "a.docx", {}, "attachment.wrong_type"),
        (b"not found", "a.pdf", {}, "attachment.wrong_type"),
        (b"\x00" * 500, "a.pdf", {}, "attachment.wrong_type"),
        (PNG, "scan", {"type": "image/jpeg"}, "attachment.wrong_type"),
        (PNG, "scan.jpg", {"type": "image/png"}, "attachment.wrong_type"),
        (PDF[:-8], "a.pdf", {}, "attachment.truncated"),
        (JPG[:-2], "a.jpg", {}, "attachment.truncated"),
        (PNG[:-12], "a.png", {}, "attachment.truncated"),
        (DOCX[:-30], "a.docx", {}, "attachment.truncated"),
        (ZIP[:-22], "a.zip", {}, "attachment.truncated"),
        (XML[:-8], "a.xml", {}, "attachment.truncated"),
        (P7M[:-1], "a.p7m", {}, "attachment.truncated"),
        (TIF[:8], "a.tif", {}, "attachment.truncated"),
        (PDF, "a.pdf", {"size": len(PDF) + 1}, "attachment.wrong_size"),
        (PDF, "a.pdf", {"size": len(PDF) - 1}, "attachment.wrong_size"),
        (PDF, "a.pdf", {"size": 0}, "attachment.wrong_size"),
        (PDF, "a.pdf", {"sha256": "0" * 64}, "attachment.wrong_sha256"),
    ],
)
def test_a_file_that_is_not_what_is_declared_is_named_with_its_place(content, name, said, code):
    with pytest.raises(FileWrong) as caught:
        inspect(content, name, **said)

    problem = caught.value.problem
    assert problem.code == code
    assert problem.place == PLACE
    assert problem.field == "attachments[2]"
    assert f"số 2 «{name}»" in problem.message.vi
    assert f"2 '{name}'" in problem.message.en
    assert problem.suggestion.vi
    assert problem.suggestion.en


def test_what_is_declared_rightly_is_taken():
    digest = hashlib.sha256(PDF).hexdigest()

    assert inspect(PDF, size=len(PDF), sha256=digest, type="application/pdf").size == len(PDF)


def test_a_file_beyond_the_limit_is_refused_while_it_passes():
    inspector = Inspector(declared(), limit=10)
    inspector.feed(bytes(10))

    with pytest.raises(FileWrong) as caught:
        inspector.feed(b"x")

    assert caught.value.problem.code == "attachment.too_large"


def test_a_large_file_keeps_only_its_beginning_and_its_end_in_memory():
    inspector = Inspector(declared(), limit=10**12)
    inspector.feed(PDF[:20])
    for _ in range(64):
        inspector.feed(bytes(1024 * 1024))
    inspector.feed(PDF[20:])

    assert len(inspector._head) + len(inspector._tail) < 512 * 1024
    assert inspector.finish().size == 64 * 1024 * 1024 + len(PDF)


def test_a_moving_picture_of_a_telephone_is_whole():
    photo = JPG[:40] + b"MotionPhoto" + JPG[40:] + b"ftyp" + bytes(200_000)

    assert inspect(photo, "a.jpg", part=4096).kind == "jpg"


@pytest.fixture(scope="module")
def workbook():
    """Return what Excel 97 reads, of so many rows."""

    def made(rows):
        book = xlwt.Workbook()
        sheet = book.add_sheet("Hồ sơ")
        for row in range(rows):
            sheet.write(row, 0, f"000.00.15.H29-260302-{row:06}")
        target = io.BytesIO()
        book.save(target)
        return target.getvalue()

    return made


@pytest.mark.parametrize("rows", [1, 200, 20_000])
def test_an_old_workbook_that_was_partly_copied_is_cut_off(workbook, rows):
    content = workbook(rows)

    assert inspect(content, "a.xls", part=65_536).kind == "ole"
    for part in (0.2, 0.5, 0.9):
        copied = content[: max(int(len(content) * part), 1536)]
        with pytest.raises(FileWrong) as caught:
            inspect(copied, "a.xls", part=65_536)
        assert caught.value.problem.code == "attachment.truncated"


def test_an_old_file_whose_last_sector_is_not_full_is_whole(workbook):
    assert inspect(workbook(200)[:-300], "a.xls", part=4096).kind == "ole"


def test_a_pdf_for_reading_while_it_comes_is_whole_only_as_long_as_it_says():
    begun = b"%PDF-1.4\n1 0 obj\n<</Linearized 1/L 000000500/H[1 2]/O 4>>\nendobj\n%%EOF\n"
    content = begun + bytes(500 - len(begun) - 6) + b"%%EOF\n"

    assert inspect(content).kind == "pdf"
    assert inspect(content + b"7 0 obj\nendobj\n%%EOF\n").kind == "pdf"
    with pytest.raises(FileWrong) as caught:
        inspect(content[:300])
    assert caught.value.problem.code == "attachment.truncated"


@pytest.mark.parametrize(
    ("spoil", "is_whole"),
    [
        (lambda content: content, True),
        (lambda content: content + b"\r\n", True),
        (lambda content: content[:-1], False),
        (lambda content: content[: content.index(b"PK\x01\x02") + 30] + content[-31:], False),
    ],
    ids=["whole", "more behind it", "comment cut", "directory cut"],
)
def test_an_archive_is_whole_with_its_directory_and_its_comment(spoil, is_whole):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(5):
            archive.writestr(f"{number}.txt", b"x")
        archive.comment = b"cua so 1."
    content = spoil(target.getvalue())

    if is_whole:
        assert inspect(content, "a.zip").kind == "zip"
        return
    with pytest.raises(FileWrong) as caught:
        inspect(content, "a.zip")
    assert caught.value.problem.code == "attachment.truncated"

"""Files beside a submission: in a folder of the agency's, or in the ZIP it came in."""

import io
import os
import unicodedata
import zipfile

import pytest

from lienthong.attachments.packed import PackedFiles
from lienthong.attachments.profile import FileServer
from lienthong.attachments.sources import FileSources
from lienthong.attachments.words import FileAway, FileWrong
from lienthong.testing.attached import PDF
from mappings.attachments import DeclaredFile
from schemas.problem import Place


def declared(path):
    return DeclaredFile(number=1, place=Place(), name="a.pdf", way="file", source=path)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "land"
    (root / "2025" / "Đơn").mkdir(parents=True)
    (root / "2025" / "Đơn" / "a.pdf").write_bytes(PDF)
    (tmp_path / "secret.pdf").write_bytes(b"%PDF secret")
    return root


def read(folder, path, *, limit=1_000):
    sources = FileSources(
        {"land": FileServer(url=folder.as_uri(), agencies=("land",), missing_after_seconds=5)}
    )
    with sources.open(declared(path), agency="land", limit=limit) as parts:
        return b"".join(parts)


@pytest.mark.parametrize(
    "path", ["2025/Đơn/a.pdf", "2025\\Đơn\\a.pdf", "./2025//Đơn/a.pdf", " 2025/Đơn/a.pdf "]
)
def test_a_file_is_found_as_agencies_write_its_path(folder, path):
    assert read(folder, path) == PDF


def test_a_file_is_found_whose_name_was_written_by_another_system(folder):
    (folder / unicodedata.normalize("NFD", "Mẫu.pdf")).write_bytes(PDF)

    assert read(folder, "Mẫu.pdf") == PDF


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../secret.pdf", "attachment.path"),
        ("2025/../../secret.pdf", "attachment.path"),
        ("..\\secret.pdf", "attachment.path"),
        ("/etc/passwd", "attachment.path"),
        ("C:\\Windows\\win.ini", "attachment.path"),
        ("a\x00b", "attachment.path"),
        ("", "attachment.path"),
        ("gone.pdf", "attachment.missing"),
        ("2025", "attachment.missing"),
        ("2025/Đơn/a.pdf/b", "attachment.missing"),
        ("x" * 300, "attachment.missing"),
        ("link.pdf", "attachment.missing"),
        ("out/secret.pdf", "attachment.missing"),
        ("pipe.pdf", "attachment.missing"),
    ],
)
def test_no_path_leads_out_and_nothing_but_files_is_read(folder, path, code):
    (folder / "link.pdf").symlink_to(folder.parent / "secret.pdf")
    (folder / "out").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.pdf")

    with pytest.raises(FileWrong) as caught:
        read(folder, path)

    assert caught.value.problem.code == code


def test_a_large_file_is_not_begun(folder):
    with pytest.raises(FileWrong) as caught:
        read(folder, "2025/Đơn/a.pdf", limit=10)

    assert caught.value.problem.code == "attachment.too_large"


def test_a_folder_that_is_not_there_is_no_fault_of_the_dossier(folder):
    with pytest.raises(FileAway) as caught:
        read(folder / "not-mounted", "a.pdf")

    assert caught.value.problem.code == "attachment.unreadable"


def packed(entries, *, ratio=100, method=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    content = target.getvalue()
    return PackedFiles(lambda: io.BytesIO(content), max_ratio=ratio), content


def unpack(files, path, *, limit=10_000_000):
    with files.open(declared(path), limit=limit) as parts:
        return b"".join(parts)


@pytest.mark.parametrize("path", ["tep/Đơn.pdf", "TEP\\đơn.PDF", "tep/\u0110o\u031bn.pdf"])
def test_a_file_of_an_archive_is_found_as_agencies_write_its_path(path):
    files, _ = packed({"hs.json": b"[]", "tep/Đơn.pdf": PDF})

    assert unpack(files, path) == PDF


@pytest.mark.parametrize("path", ["../a.pdf", "/a.pdf"])
def test_no_path_leads_out_of_an_archive(path):
    files, _ = packed({"../a.pdf": PDF, "/a.pdf": PDF})

    with pytest.raises(FileWrong) as caught:
        unpack(files, path)

    assert caught.value.problem.code == "attachment.path"


def test_what_is_not_in_an_archive_is_missing():
    files, _ = packed({"hs.json": b"[]"})

    with pytest.raises(FileWrong) as caught:
        unpack(files, "a.pdf")

    assert caught.value.problem.code == "attachment.missing"


@pytest.mark.parametrize(("ratio", "limit"), [(100, 10**9), (10**6, 2_000_000)])
def test_a_bomb_is_stopped_while_it_unpacks(ratio, limit):
    files, content = packed({"a.pdf": bytes(50_000_000)}, ratio=ratio)
    assert len(content) < 100_000

    with pytest.raises(FileWrong) as caught:
        unpack(files, "a.pdf", limit=limit)

    assert caught.value.problem.code == "attachment.too_large"


def test_a_damaged_member_is_named_and_no_crash():
    _, content = packed({"a.pdf": PDF * 50}, method=zipfile.ZIP_STORED)
    harmed = content.replace(b"startxref", b"stXrtxref", 1)

    with pytest.raises(FileWrong) as caught:
        unpack(PackedFiles(lambda: io.BytesIO(harmed), max_ratio=100), "a.pdf")

    assert caught.value.problem.code == "attachment.damaged"


def test_a_folder_with_nothing_in_it_is_away_and_its_files_are_not_missing(tmp_path):
    # As the place of a share looks that is not mounted.
    with pytest.raises(FileAway) as caught:
        read(tmp_path, "2025/a.pdf")

    assert caught.value.problem.code == "attachment.unreadable"

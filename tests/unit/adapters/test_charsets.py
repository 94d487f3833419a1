from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import shutil
import subprocess
import unicodedata
from importlib import resources

import pytest

from adapters import charsets

LOWER = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"
LETTERS = LOWER + LOWER.upper()
CAPITALS_OF_TCVN3 = "ĂÂÊÔƠƯĐ"
FULL = ["vni", "viscii", "windows-1258"]
SENTENCE = "Nguyễn Thị Ước ở Đường Phở, quận Bình Tân: kỷ niệm (2020)\r\n"


def test_vietnamese_has_134_letters_beyond_ascii():
    assert len(set(LETTERS)) == 134


@pytest.mark.parametrize("charset", FULL)
@pytest.mark.parametrize("letter", list(LETTERS))
def test_every_letter_survives(charset, letter):
    assert charsets.decode(charsets.encode(letter, charset), charset) == letter


@pytest.mark.parametrize("letter", list(LOWER + CAPITALS_OF_TCVN3))
def test_tcvn3_has_one_byte_for_74_letters(letter):
    data = charsets.encode(letter, "tcvn3")

    assert len(data) == 1
    assert charsets.decode(data, "tcvn3") == letter


@pytest.mark.parametrize("letter", sorted(set(LOWER.upper()) - set(CAPITALS_OF_TCVN3)))
def test_tcvn3_refuses_the_60_capitals_without_a_byte_unless_told_to_fold(letter):
    with pytest.raises(UnicodeEncodeError):
        charsets.encode(letter, "tcvn3")

    folded = charsets.encode(letter, "tcvn3", fold_capitals=True)
    assert charsets.decode(folded, "tcvn3") == letter.lower()


def test_all_pairs_of_vni_letters_round_trip():
    alphabet = LETTERS + "AEIOUYaeiouy"
    text = "".join(a + b for a in alphabet for b in alphabet)

    assert charsets.decode(charsets.encode(text, "vni"), "vni") == text


@pytest.mark.parametrize("charset", ["vni", "viscii", "tcvn3"])
def test_every_row_of_the_packaged_table_decodes_as_it_says(charset):
    file = resources.files("adapters").joinpath("data", f"{charset}.csv")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))

    assert len(rows) == (74 if charset == "tcvn3" else 134)
    for row in rows:
        data = bytes.fromhex(row["bytes_hex"])
        assert charsets.decode(data, charset) == row["unicode_char"]


def test_the_packaged_tables_are_those_of_the_index():
    folder = resources.files("adapters").joinpath("data")
    index = json.loads(folder.joinpath("index.json").read_text(encoding="utf-8"))

    for entry in index["files"]:
        data = folder.joinpath(entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], entry["file"]


VNI_IN_THE_WILD = [
    (b"A\xe1", "Ấ"),
    (b"E\xf9", "É"),
    (b"\xd4\xf9", "Ớ"),
    (b"I\xd8 I\xd9 I\xdb I\xd5 I\xcf", "Ì Í Ỉ Ĩ Ị"),
    (b"i\xf8 i\xf9 i\xfb i\xf5 i\xef", "ì í ỉ ĩ ị"),
    (b"Y\xcf y\xef \x9f \xff", "Ỵ ỵ Ỵ ỵ"),
]


@pytest.mark.parametrize(("data", "text"), VNI_IN_THE_WILD)
def test_vni_takes_the_forms_that_real_files_have(data, text):
    assert charsets.decode(data, "vni") == text


UNKNOWN = [
    ("tcvn3", b"ab\xc3d", 2),
    ("tcvn3", b"\xa0", 0),
    ("tcvn3", b"ab\x81", 2),
    ("vni", b"ab\xc2", 2),
    ("vni", b"E\xea", 1),
    ("vni", b"a \xf9", 2),
    ("vni", b"a\xc1", 1),
    ("vni", b"\xa9", 0),
    ("windows-1258", b"ab\x81", 2),
]


@pytest.mark.parametrize(("charset", "data", "offset"), UNKNOWN)
def test_a_byte_without_a_letter_is_refused_by_offset(charset, data, offset):
    with pytest.raises(UnicodeDecodeError) as caught:
        charsets.decode(data, charset)

    assert caught.value.start == offset


@pytest.mark.parametrize("charset", ["tcvn3", "vni"])
def test_the_punctuation_of_western_windows_is_read(charset):
    assert charsets.decode(b"\x93a\x94 \x96 \x85", charset) == "“a” – …"


@pytest.mark.parametrize("charset", charsets.CHARSETS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_chunks_decode_as_the_whole(charset, size):
    data = charsets.encode(SENTENCE, charset, fold_capitals=True)
    decoder = codecs.getincrementaldecoder(charset)()

    text = "".join(decoder.decode(data[at : at + size]) for at in range(0, len(data), size))
    text += decoder.decode(b"", final=True)

    assert unicodedata.normalize("NFC", text) == charsets.decode(data, charset)


@pytest.mark.parametrize("charset", charsets.CHARSETS)
def test_undecodable_bytes_can_be_marked_one_by_one(charset):
    bad = {"tcvn3": b"\xc3", "vni": b"\xa9", "windows-1258": b"\x81", "viscii": b""}[charset]
    charsets.register()

    text = (b"a" + bad + b"b").decode(charset, charsets.UNDECODABLE)

    assert text == "a" + "".join(chr(0xDC00 + byte) for byte in bad) + "b"


@pytest.mark.parametrize("charset", charsets.CHARSETS)
def test_decomposed_text_is_encoded_like_composed_text(charset):
    loose = unicodedata.normalize("NFD", "Nguyễn văn ẩn")

    assert charsets.encode(loose, charset) == charsets.encode("Nguyễn văn ẩn", charset)


@pytest.mark.parametrize("charset", charsets.CHARSETS)
def test_other_letters_are_refused(charset):
    with pytest.raises(UnicodeEncodeError):
        charsets.encode("中", charset)


def test_an_unknown_charset_is_named():
    with pytest.raises(LookupError, match="vps"):
        charsets.decode(b"", "vps")


def test_the_line_breaks_of_viscii_are_letters():
    assert charsets.decode(b"\x1e\x85\xa0", "viscii") == "ỴẦÕ"


@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
@pytest.mark.parametrize(
    ("charset", "other"),
    [("viscii", "VISCII"), ("tcvn3", "TCVN5712-1"), ("windows-1258", "CP1258")],
)
def test_iconv_reads_what_we_write(charset, other):
    letters = LOWER + CAPITALS_OF_TCVN3 if charset == "tcvn3" else LETTERS
    data = charsets.encode("".join(letters), charset)

    command = ["iconv", "-f", other, "-t", "UTF-8"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)

    assert unicodedata.normalize("NFC", done.stdout.decode()) == "".join(letters)

"""What is damaged is repaired, says how, and can be had back."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata

import pytest

from adapters.doctor import ColumnVote, Misreading, Verdict, diagnose, judge_encoding
from adapters.doctor.syllables import legal_syllables

# Saved as Windows-1252 and read again: (texts with a question mark, how many of them are told).
LOST = {"procedures": (2645, 2628), "names": (815, 527)}


@pytest.mark.parametrize(("column", "expected"), list(LOST.items()), ids=list(LOST))
def test_of_texts_that_lost_letters_most_are_told_and_none_is_changed(corpus, column, expected):
    spoilt = [
        text
        for each in corpus.columns()[column]
        if "?" in (text := each.encode("cp1252", "replace").decode("cp1252"))
    ]
    found = [diagnose(text) for text in spoilt]

    assert (len(spoilt), sum(each.is_lossy for each in found)) == expected
    assert all(each.text == each.original for each in found if each.is_lossy)


ALONE = [
    ("NguyÔn ThÞ H\u00ad¬ng", "Nguyễn Thị Hương", ("tcvn3",)),
    ("NGUYÔN THÞ H\u00ad¬NG", "NGUYỄN THỊ HƯƠNG", ("tcvn3", "capitals")),
    ("Nguyeãn Thò Höôùng", "Nguyễn Thị Hướng", ("vni",)),
    ("PHÖÔØNG BEÁN NGHEÙ", "PHƯỜNG BẾN NGHÉ", ("vni",)),
    ("Nguy­n Th¸ Hß½ng", "Nguyễn Thị Hương", ("viscii",)),
    ("NguyêÞn Thiò Hýõng", "Nguyễn Thị Hương", ("windows-1258",)),
    ("Nguyá»…n Thá»‹ HÆ°Æ¡ng", "Nguyễn Thị Hương", ("utf-8",)),
    ("Nguye^~n Thi. Hu+o+ng", "Nguyễn Thị Hương", ("viqr",)),
    ("DDu+o+`ng Nguye^~n Hue^.", "Đường Nguyễn Huệ", ("viqr",)),
    ("Nguye\u0302\u0303n", "Nguyễn", ("composed",)),
    ("Nguyê\u0303n Thị", "Nguyễn Thị", ("composed",)),
    ("Nguye\u0303\u0302n", "Nguyễn", ("composed",)),
    ("d\u0335ường", "đường", ("composed",)),
    ("Nguy&#7877;n V&#x103;n &Aacute;nh", "Nguyễn Văn Ánh", ("references",)),
    ("C&#244;ng ty A &amp; B", "Công ty A & B", ("references",)),
    ("&amp;#272;ường", "Đường", ("references",)),
    ("Nguy&#212;n Th&#222; H&#182;i", "Nguyễn Thị Hải", ("references", "tcvn3")),
    ("<p>Phường <b>Bến Nghé</b></p>", "Phường Bến Nghé", ("tags",)),
    ("Đặng<br/>Văn Bình", "Đặng Văn Bình", ("tags",)),
    ("Ðặng Văn Bình", "Đặng Văn Bình", ("look-alikes",)),
    ("Quyết định 12/QÐ-UBND về ðường", "Quyết định 12/QĐ-UBND về đường", ("look-alikes",)),
    ("Тhị Вình", "Thị Bình", ("look-alikes",)),
    ("Nguyễn Vǎn An", "Nguyễn Văn An", ("look-alikes",)),
]


@pytest.mark.parametrize(("damaged", "right", "steps"), ALONE)
def test_a_value_that_can_only_be_one_thing_is_repaired_alone(damaged, right, steps):
    found = diagnose(damaged)

    assert (found.verdict, found.text, found.steps) == (Verdict.REPAIRED, right, steps)
    assert found.original == damaged


DOUBTFUL = [
    ("Gö", "Gử"),
    ("V¨n", "Văn"),
    ("LÇn", "Lần"),
    ("Thò Traán", "Thị Trấn"),
    ("vo+", "vơ"),
]


@pytest.mark.parametrize(("text", "alternative"), DOUBTFUL)
def test_a_value_that_may_be_either_is_left_alone_and_its_alternatives_are_named(text, alternative):
    found = diagnose(text)

    assert (found.verdict, found.text, found.steps) == (Verdict.DOUBTFUL, text, ())
    assert alternative in found.alternatives


def judged(*values):
    vote = ColumnVote()
    for value in values:
        vote.add(value)
    return vote.judge()


def test_words_that_are_right_either_way_go_with_a_pure_column():
    judgement = judged("Vò", "NguyÔn", "TrÇn", "Ph¹m", "§Æng")

    assert judgement.misreadings == (Misreading.TCVN3,)
    assert judgement.diagnose("Vò").text == "Vũ"


def test_words_that_are_right_either_way_are_doubtful_where_others_are_right_as_they_stand():
    judgement = judged("Vò", "NguyÔn", "TrÇn", "Ph¹m", "§Æng", "Nguyễn", "Đỗ")

    assert judgement.misreadings == (Misreading.TCVN3,)
    assert judgement.diagnose("Nguyễn").verdict is Verdict.RIGHT
    assert judgement.diagnose("NguyÔn").text == "Nguyễn"
    assert judgement.diagnose("Vò").verdict is Verdict.DOUBTFUL
    assert judgement.diagnose("Vò").alternatives == ("Vũ",)


def test_a_foreign_name_in_a_misread_column_is_left_alone():
    judgement = judged("NguyÔn", "TrÇn", "Ph¹m", "§Æng", "Müller")

    assert judgement.diagnose("Müller").text == "Müller"


FONTS = [
    ("nguyÔn v¨n an", ".VnTimeH", "NGUYỄN VĂN AN", ("tcvn3", "capitals")),
    ("nguyÔn v¨n an", ".VnTime", "nguyễn văn an", ("tcvn3",)),
    ("Vò", ".VnArial", "Vũ", ("tcvn3",)),
    ("Thò", "VNI-Times", "Thị", ("vni",)),
]


@pytest.mark.parametrize(("text", "font", "right", "steps"), FONTS)
def test_a_legacy_font_says_what_its_letters_are(text, font, right, steps):
    found = diagnose(text, font=font)

    assert (found.text, found.steps) == (right, steps)


@pytest.mark.parametrize("font", ["Times New Roman", "Arial", "", ".VnTime"])
def test_right_text_is_right_in_every_font(font):
    assert diagnose("Nguyễn Thị", font=font).verdict is Verdict.RIGHT


@pytest.mark.parametrize("encoding", ["tcvn3", "vni", "viscii", "windows-1258"])
@pytest.mark.parametrize("size", [1, 5, 200])
def test_the_encoding_of_a_file_is_judged_from_its_bytes(corpus, encoding, size):
    lines = corpus.encode(corpus.columns()["procedures"][:size], encoding)

    best, *_ = judge_encoding(b"\r\n".join(line for line in lines if line is not None))

    assert best.encoding == encoding
    assert best.confidence > 0.9


UNICODE = [
    ("Họ tên;Số".encode(), "utf-8"),
    ("Họ tên;Số".encode("utf-8-sig"), "utf-8-sig"),
    ("Họ tên;Số".encode("utf-16"), "utf-16"),
    ("So ho so;Nguyen".encode("utf-16-le"), "utf-16-le"),
    ("Số hồ sơ;Họ tên".encode("utf-16-be"), "utf-16-be"),
    (b"abc", "utf-8"),
    (b"", "utf-8"),
]


@pytest.mark.parametrize(("data", "encoding"), UNICODE)
def test_unicode_and_ascii_are_recognised(data, encoding):
    assert judge_encoding(data)[0].encoding == encoding


def test_a_sample_cut_inside_a_letter_is_still_utf_8():
    assert judge_encoding("Nguyễn".encode()[:-2])[0].encoding == "utf-8"


def test_the_guesses_of_a_file_are_ranked_and_sum_up_to_one_at_most():
    guesses = judge_encoding(b"V\xf2 V\xe2n")

    assert [g.confidence for g in guesses] == sorted((g.confidence for g in guesses), reverse=True)
    assert sum(g.confidence for g in guesses) <= 1.001


def test_orthography_has_as_many_syllables_as_scholars_count():
    assert 7_000 <= len(legal_syllables()) <= 18_000
    assert {"nguyễn", "giêng", "gì", "quới", "khuỷu", "hoà", "hòa", "thuở"} <= legal_syllables()
    assert not {"nguyễm", "kụ", "cê", "hoàp", "ngễ"} & legal_syllables()


@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
def test_the_table_of_tcvn3_writes_small_letters_as_iconv_does(corpus):
    texts = [text.lower() for text in corpus.columns()["wards"]]

    command = ["iconv", "-f", "UTF-8", "-t", "TCVN5712-1"]
    lines = "\n".join(texts).encode()
    done = subprocess.run(command, input=lines, capture_output=True, check=True)

    assert corpus.encode(texts, "tcvn3") == done.stdout.split(b"\n")


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "\ud800", "&#0;", "&#1114112;", "<" * 5000, "ễ" * 9999]
)
def test_any_text_gets_an_answer(text):
    assert diagnose(text).original == text


def test_every_other_form_of_right_text_comes_out_composed(corpus):
    for text in corpus.columns()["wards"]:
        assert diagnose(unicodedata.normalize("NFD", text)).text == text

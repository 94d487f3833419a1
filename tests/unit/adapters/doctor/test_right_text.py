"""Text that is right stays as it is, to the letter."""

from __future__ import annotations

import pytest

from adapters.doctor import ColumnVote, Verdict, diagnose

FOREIGN = """
Müller|São Paulo|Björn Åkesson|José María Núñez|Zürich|Köln|café|naïve|Crème brûlée|Nestlé|L'Oréal
Citroën|Győr|Łódź|Dvořák|Çelik|Ünal|Gökçe Şahin|François Mitterrand|Élysée|Noël|Chloé|Zoë|Renée|Ærø
Tromsø|Århus|Malmö|Göteborg|Håkan|Ísland|Þingvellir|Guðmundsson|GUÐMUNDSSON|Ðorsteinn|Lü Bu|Peña
España|Muñoz|João|Conceição|Antônio|Brontë|Saint-Saëns|Curaçao|Über|für|groß|Straße|på|få
Vi må gå nå|à la carte|déjà vu|Pokémon|Beyoncé|Häagen-Dazs|Mötley Crüe|Škoda|Москва|Роса|Αθήνα|中文
한국어|ภาษาไทย|Nguyễn Thị Müller|Công ty TNHH Nestlé Việt Nam|Trường Quốc tế Château
"""
LOCAL = """
Đắk Lắk|Krông Pắc|Ê Đê|M'Nông|Kôn Tum|Plei Ku|Buôn Ma Thuột|Y Bih Alêô|H'Hen Niê|Cô Tô|Bù Gia Mập
Hoà|Hòa|thuỷ|thủy|qúy|tòan|hoàn tòan|Vò|Cô|Hà|Tô|ừ|à|Ô|Đ|đ|QĐ-UBND|12/2020/NĐ-CP|HĐND|TP.HCM
100.000đ|1.000.000 ₫|“trích dẫn”|– gạch ngang|«trích»|120m²|25°C|5 µm|§ 5|© 2024|Honda™|±5%
"""
ASCII = r"""
address|add|hidden|daddy|middle|Dr. A. Smith|What? Why? How?|it's|o'clock|C++|a+b|a^2 + b^2 = c^2
f(a) + g(e)|x~y|e.g. this, i.e. that|u.s.a.|so(6)|no+yes|Me. Ba. Co.|Ai? Ai?|AT&T|R&D; x|a < b > c
hoso@example.vn|nguyen.van.a@tphcm.example.vn|http://example.vn/a?b=c&d=e|<abc@example.vn>|x<y|1 < 2
https://example.vn/tra-cuu?ma=H29&ten=a&copy;=1|C:\Ho so\Thu tuc.doc|\\may\chia-se\a.b|<5 ngày
H29.15-210305-0001|000.00.00.H29|1.001612.000.00.00.H29|079000000123|+84 90 000 0123|(028) 3822 0000
12/03/2021 08:15|true|null|-|...|'|~|^|(+)|(a+)|Nguyen Van A|NGUYEN VAN A
"""


def words(table):
    return [word for line in table.strip().splitlines() for word in line.split("|")]


@pytest.mark.parametrize("text", words(FOREIGN) + words(LOCAL) + words(ASCII))
def test_right_text_is_not_changed(text):
    assert diagnose(text).text == text


@pytest.mark.parametrize("text", words(LOCAL))
def test_local_text_raises_no_doubt(text):
    assert diagnose(text).verdict is Verdict.RIGHT


def test_no_value_of_the_real_lists_and_names_is_touched_or_doubted(corpus):
    touched = [
        text
        for values in corpus.columns().values()
        for text in values
        if diagnose(text).verdict is not Verdict.RIGHT
    ]

    assert touched == []


QUESTIONS = r"""
Có được không?Nếu được thì khi nào|Hồ sơ gồm những gì?Nộp ở đâu?|Đã nộp?|Thu? Chi?|khu?y tế|Ai?
Sao?|(?)|Nguyễn Văn A (?)|What?Why?|???|? ? ?|https://x.example.vn/th?n=tr?n|/tra?ten=an|a.b?c=d
index?page|tr?ng.html|x=th?n|12?34|B?|?B|Q?A
"""


@pytest.mark.parametrize("text", words(QUESTIONS))
def test_a_question_or_an_address_has_lost_no_letters(text):
    assert diagnose(text).verdict is Verdict.RIGHT


def test_question_marks_between_right_words_are_no_lost_letters(corpus):
    def asked(text):
        return (text.replace(" ", "? "), text.replace(" ", "?"), f"{text}?", f"({text}?)")

    doubted = [
        question
        for values in corpus.columns().values()
        for text in values
        for question in asked(text)
        if diagnose(question).is_lossy
    ]

    assert doubted == []


def test_a_right_column_stays_right_with_foreign_and_ambiguous_values_in_it(corpus):
    values = [*corpus.columns()["names"][:50], *words(FOREIGN), *words(LOCAL), *words(ASCII)]
    vote = ColumnVote()
    for text in values:
        vote.add(text)
    judgement = vote.judge()

    assert judgement.misreadings == ()
    assert [text for text in values if judgement.diagnose(text).text != text] == []


def test_a_column_of_words_that_are_right_either_way_is_left_alone():
    vote = ColumnVote()
    for text in ("Vò", "Cô", "Lò", "Hòa"):
        vote.add(text)

    assert vote.judge().diagnose("Vò").text == "Vò"

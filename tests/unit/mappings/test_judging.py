"""What a field may hold, told to a clerk and not to a programmer."""

from mappings.judging import make_judge
from schemas.model import load_version


def test_a_wrong_form_is_told_in_words():
    field = load_version("dvcqg-2020").packets["DongBoHoSoMC"].fields["MaTTHC"]

    refusal = make_judge(field)("1.001193.000.00.00.H29")

    assert refusal.code == "mapping.value_refused"
    assert refusal.text.vi == (
        "không đúng dạng '1.001193.000.00.00.H29'; cần: d.dddddd, không có phần đuôi của địa phương"
    )
    assert refusal.text.en == (
        "'1.001193.000.00.00.H29' does not have the form: d.dddddd, without a local suffix"
    )

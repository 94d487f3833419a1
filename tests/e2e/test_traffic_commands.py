"""The commands that pause, drain and resume, and everything that shows what they did."""

import pytest

LAND = "land-registration"


def test_what_is_paused_is_said_by_show_status_and_doctor_until_it_is_resumed(quick):
    made = quick("traffic", "pause", "intake", "--agency", LAND, "--reason", "sai năm", "--json")
    quick("traffic", "drain", "--target", "--reason", "nâng cấp", "--until", "2099-01-01T08:00")

    assert (made.code, made.json["agency"], made.json["until"]) == (0, LAND, None)
    shown = quick("traffic", "show", "--json").json
    assert [(one["agency"], one["target"], one["what"]) for one in shown] == [
        (LAND, None, "intake"),
        (None, "portal", "drain"),
    ]
    assert shown[1]["left"]["is_drained"] is True
    assert shown[1]["until"] == "2099-01-01T01:00:00Z"
    assert quick("status", "--json").json["pauses"] == shown
    for words in (quick("status").out, quick("doctor").out):
        assert f"{LAND}: intake is paused" in words
        assert "sai năm" in words
    resumed = quick("traffic", "resume", "--agency", LAND, "--reason", "đã sửa", "--json").json
    assert [one["what"] for one in resumed] == ["intake"]
    assert [one["target"] for one in quick("traffic", "show", "--json").json] == ["portal"]


def test_a_file_of_a_paused_agency_is_not_taken_and_the_same_is_taken_later(quick, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    quick("traffic", "pause", "intake", "--agency", LAND, "--reason", "sai năm")

    refused = quick("submit", file, "--agency", LAND)

    assert refused.code == 3
    assert "intake.paused" in refused.err
    quick("traffic", "resume", "--agency", LAND, "--reason", "đã sửa")
    assert quick("submit", file, "--agency", LAND).code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("pause", "intake", "--reason", "x"), 2),
        (("pause", "intake", "--target", "--agency", LAND, "--reason", "x"), 2),
        (("pause", "everything", "--target", "--reason", "x"), 2),
        (("drain", "--target"), 2),
        (("pause", "intake", "--agency", "nobody", "--reason", "x"), 1),
        (("drain", "--target", "--reason", "x", "--until", "2020-01-01T00:00"), 1),
    ],
)
def test_what_cannot_be_stopped_is_refused(quick, words, code):
    assert quick("traffic", *words).code == code
    assert quick("traffic", "show", "--json").json == []

"""Scenario files are checked before a sandbox plays them."""


def test_a_scenario_that_comes_along_is_usable(quick):
    checked = quick("sandbox", "scenario", "check", "bad-day")

    assert (checked.code, checked.out) == (0, "bad-day: usable, 7 steps\n")


def test_one_by_the_clock_says_so(quick, tmp_path):
    text = "scenario: x\nsteps: [{then: refuse, for_seconds: 2}]\n"
    (tmp_path / "x.yaml").write_text(text)

    checked = quick("sandbox", "scenario", "check", "x.yaml", lang="vi")

    assert checked.code == 0
    assert "chỉ lặp lại gần đúng" in checked.out


def test_every_mistake_is_told_with_its_line_before_anything_listens(quick, tmp_path):
    (tmp_path / "x.yaml").write_text("scenario: x\nsteps:\n- then: rejekt\n- wait: {cals: 2}\n")

    for words in (("scenario", "check", "x.yaml"), ("portal", "--scenario", "x.yaml")):
        refused = quick("sandbox", *words)
        assert refused.code == 2
        assert "x.yaml, line 3, steps[0].then" in refused.err
        assert "did you mean 'reject'?" in refused.err
        assert "there is no key 'cals' here" in refused.err


def test_a_scenario_that_is_not_there_is_told_with_those_that_are(quick):
    refused = quick("sandbox", "scenario", "check", "bad-dya")

    assert refused.code == 2
    assert "'bad-day', 'drift', 'session-trouble'" in refused.err

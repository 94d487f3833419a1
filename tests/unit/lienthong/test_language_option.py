"""`--lang` is an option of every command, before or after its name."""

from __future__ import annotations

import pytest

from lienthong.cli import main


@pytest.fixture
def said(capfd, monkeypatch, tmp_path):
    """Return what a command says, in a place without a language of its own."""
    for name in ("LIENTHONG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        with pytest.raises(SystemExit):
            main(list(words))
        shown = capfd.readouterr()
        return shown.out + shown.err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("--lang", "vi", "mapping", "check", "khong-co"),
        ("mapping", "--lang", "vi", "check", "khong-co"),
        ("mapping", "check", "--lang", "vi", "khong-co"),
        ("mapping", "check", "khong-co", "--lang", "vi"),
        ("mapping", "check", "khong-co", "--lang=vi"),
        ("--lang", "en", "mapping", "check", "khong-co", "--lang", "vi"),
    ],
)
def test_the_language_may_stand_anywhere(said, words):
    assert "khong-co" in said(*words)
    assert said(*words) == said("--lang", "vi", "mapping", "check", "khong-co")
    assert said(*words) != said("mapping", "check", "khong-co")


def test_help_speaks_it_too(said):
    assert said("mapping", "check", "--help", "--lang", "vi") == said(
        "--lang", "vi", "mapping", "check", "--help"
    )


def test_what_stands_after_two_hyphens_is_no_option(said):
    assert "--lang" in said("mapping", "check", "--", "--lang", "vi")


def test_a_language_that_is_not_named_takes_no_command_for_it(said):
    assert "--lang" in said("mapping", "check", "--lang")
    assert "'en'" in said("mapping", "check", "--lang", "fr")

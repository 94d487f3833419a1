"""The demo is the first thing anybody runs: it must end well, and say so truly."""

import re

import pytest


@pytest.mark.timeout(200)
def test_the_demo_accounts_for_every_record(cli):
    done = cli("demo", "--dossiers", "12", lang="vi")

    assert done.code == 0, done.out + done.err
    assert re.search(r"0 không có ở Cổng, .* 0 có hiệu lực hai lần", done.out)
    for agency in (
        "business-registration",
        "district-portalqh",
        "health-department",
        "igate-one-stop",
        "land-registration",
        "ward-civil-status",
    ):
        read, rejected, events, delivered, replaced, parked, unknown, _ = map(
            int, re.search(rf"{agency}((?: +\d+){{8}})", done.out)[1].split()
        )
        assert (rejected, unknown) == (12, 0)
        assert events == delivered + replaced + parked
        assert parked == (agency == "land-registration")
        assert delivered > 0
        assert read >= 24
    assert "lienthong-demo/lienthong.toml status" in done.out


def test_the_demo_empties_no_folder_that_it_did_not_make(cli):
    (cli.folder / "mine").mkdir()
    (cli.folder / "mine" / "thesis.txt").write_text("years of work")

    done = cli("demo", "--folder", "mine")

    assert done.code == 2
    assert "was not made by a demo" in done.err
    assert (cli.folder / "mine" / "thesis.txt").exists()

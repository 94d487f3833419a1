"""What a bulk replay would do, before anybody approves it: over the API and at the console."""

import pytest

from lienthong.access.rights import Role
from lienthong.moving import Moving
from lienthong.operations import job_preview
from tests.contract.store.accounts_site import signed_in
from tests.contract.store.town import CODES, MAPPING, OURS, PAPERS, THEIRS, Hall, Town, kept

NAME = "Nguyễn Văn Mẫu"
ROWS = (
    f"H29.15-260302-0002,{NAME},{PAPERS[OURS]},02/03/2026,moi,Phòng",
    f"H29.15-260303-0002,{NAME},{PAPERS[OURS]},02/03/2026,moi,Phòng",
    f"H29.15-260304-0004,{NAME},{PAPERS[OURS]},02/03/2026,xong,Phòng",
    f"H29.15-260305-0004,{NAME},{PAPERS[OURS]},31/02/2026,xong,Phòng",
)
"""Two are parked; of two that are rejected, one has another fault as well."""
MENDED = (
    MAPPING.format(name=OURS, code=CODES[OURS])
    .replace("version: 1", "version: 2")
    .replace('{moi: "2"}', '{moi: "2", xong: "9"}')
    .replace('HinhThuc: {constant: "0"}', 'HinhThuc: {constant: "1"}')
)
STATES = ["parked", "rejected"]


@pytest.fixture(params=["sqlite", "postgresql"])
def hall(request, tmp_path):
    """Give the API of a town whose mapping was mended after messages had failed."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")(tables=True)
    town = Town(tmp_path, store_url=url)
    town.bring(OURS, *ROWS)
    (tmp_path / "maps" / f"{OURS}.yaml").write_text(MENDED, encoding="utf-8")
    town.engine.dispose()
    # The program is started again.
    town = Town(tmp_path, store_url=url)
    yield Hall(town)
    town.engine.dispose()


def asked(hall, verb="reissue", states=STATES):
    return hall.do(
        "/replay-jobs",
        hall.token(Role.OPERATOR, agencies=[OURS], name="asker"),
        selection={"states": states, "agency": OURS},
        verb=verb,
        reason="Danh mục đã được bổ sung",
    )


def preview(hall, job, *, who=(Role.APPROVER,), agencies=(OURS,), **more):
    token = hall.token(*who, agencies=agencies, name="decider")
    return hall.ask("GET", f"/replay-jobs/{job['id']}/preview", token, params=more)


def test_who_approves_sees_what_would_be_made_and_what_would_be_refused_again(hall):
    job = asked(hall)
    token = hall.token(Role.APPROVER, agencies=[OURS], name="decider")
    before = kept(hall.town.store)

    answer = hall.ask("GET", f"/replay-jobs/{job['id']}/preview", token)

    found = answer.json()
    assert kept(hall.town.store) == before
    counted = ("looked_at", "would_be_done", "made_first", "changed", "is_cut", "next")
    assert [found[name] for name in counted] == [4, 3, 1, 2, False, None]
    assert [(one["field"], one["messages"]) for one in found["fields"]] == [("HinhThuc", 2)]
    assert found["fields"][0]["examples"][0] == {"field": "HinhThuc", "before": "0", "after": "1"}
    (refused,) = found["refusals"]
    assert found["refused"] == {refused["problem"]["code"]: 1}
    assert refused["dossier"] == "H29.15-260305-0004"
    for hidden in (NAME, PAPERS[OURS], "Phòng"):
        assert hidden not in answer.text


def test_the_preview_comes_true(hall):
    job = asked(hall)
    said = preview(hall, job).json()
    approver = hall.token(Role.APPROVER, agencies=[OURS], name="decider")
    hall.do(f"/replay-jobs/{job['id']}/approve", approver, digest=job["digest"])

    runner = Moving(hall.town).make_replay_runner(hall.broker)
    for _ in range(100):
        runner.step()

    shown = hall.ask("GET", f"/replay-jobs/{job['id']}", approver).json()
    assert shown["state"] == "done"
    assert shown["progress"]["done"] == said["would_be_done"]
    assert shown["progress"]["refused"] == said["refused"]
    assert preview(hall, job).json()["looked_at"] == 0


def test_a_resend_changes_no_field(hall):
    found = preview(hall, asked(hall, "resend", ["parked"])).json()

    assert (found["would_be_done"], found["changed"], found["fields"]) == (2, 0, [])


def test_a_long_list_is_looked_at_in_parts(hall):
    job = asked(hall)

    first = preview(hall, job, limit=3).json()
    rest = preview(hall, job, limit=3, after=first["next"]).json()

    assert (first["looked_at"], rest["looked_at"], rest["next"]) == (3, 1, None)
    assert preview(hall, job, limit=job_preview.MOST_PREVIEWED + 1).status_code == 422


def test_time_that_ends_is_said(hall, monkeypatch):
    job = asked(hall)
    monkeypatch.setattr(job_preview, "LONGEST_SECONDS", 0)

    found = preview(hall, job).json()

    assert (found["looked_at"], found["is_cut"], found["next"]) == (1, True, None)


def test_a_discard_has_no_preview_and_a_second_one_waits(hall):
    answer = preview(hall, asked(hall, "discard", ["parked"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "replay.no_preview")
    job = asked(hall)
    with job_preview._TURNS.taking():
        busy = preview(hall, job)
    assert (busy.status_code, busy.json()["code"]) == (409, "preview.busy")


def test_a_preview_is_for_who_might_ask_or_approve_and_sees_every_agency(hall):
    job = asked(hall)

    assert preview(hall, job, who=(Role.VIEWER,)).status_code == 403
    assert preview(hall, job, agencies=(THEIRS,)).status_code == 404


@pytest.fixture
def browser(hall):
    """Sign an approver of the one agency in."""
    return signed_in(hall.town, role="approver", agency=OURS)


def test_the_page_of_a_job_leads_to_its_preview(hall, browser):
    job = asked(hall)
    path = f"/jobs/{job['id']}"
    assert f'href="{path}/preview"' in browser.open(path).text

    page = browser.open(f"{path}/preview").text

    assert "HinhThuc" in page
    assert "H29.15-260305-0004" in page
    assert f"{OURS}@2 sha256:" in page
    for hidden in (NAME, PAPERS[OURS], "style=", "<script>"):
        assert hidden not in page


def test_the_page_of_a_job_is_shown_anew_once_its_state_is_another(hall, browser):
    job = asked(hall)
    path = f"/jobs/{job['id']}"
    now = f"{path}/now?seen=asked"
    assert f'hx-get="{now}"' in browser.open(path).text
    assert "HX-Refresh" not in browser.open(now).headers

    approver = hall.token(Role.APPROVER, agencies=[OURS], name="decider")
    hall.do(f"{path}/decline".replace("/jobs", "/replay-jobs"), approver, reason="chưa cần")

    assert browser.open(now).headers["HX-Refresh"] == "true"
    page = browser.open(path).text
    assert "hx-get" not in page.split('id="now"')[1].split(">")[0]
    assert "chưa tới lượt" not in page

"""What a changed mapping would do, over the API and at the console: bounded and masked."""

import pytest
from sqlalchemy import update

from lienthong.access.rights import Role
from lienthong.operations import impact, mappings
from lienthong.store.tables import submissions
from tests.contract.store.accounts_site import signed_in
from tests.contract.store.town import CODES, MAPPING, OURS, PAPERS, THEIRS, Hall, Town, kept

NAME = "Nguyễn Văn Mẫu"
INSTALLED = MAPPING.format(name=OURS, code=CODES[OURS]).replace(
    '{moi: "2"}', '{moi: "2", xong: "9"}'
)
ROWS = (
    f"H29.15-260302-0001,{NAME},{PAPERS[OURS]},02/03/2026,moi,Phòng",
    f"H29.15-260303-0001,{NAME},{PAPERS[OURS]},02/03/2026,xong,Phòng",
)
CHANGED = (
    INSTALLED.replace("version: 1", "version: 2")
    .replace('HinhThuc: {constant: "0"}', 'HinhThuc: {constant: "1"}')
    .replace(', xong: "9"', "")
    .replace("ChuHoSo: owner", 'ChuHoSo: {template: "Ông {owner}"}')
)


@pytest.fixture(params=["sqlite", "postgresql"])
def hall(request, tmp_path):
    """Give the API of a town where one agency has sent two records."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")(tables=True)
    town = Town(tmp_path, store_url=url)
    install(tmp_path, INSTALLED)
    town.bring(OURS, *ROWS)
    yield Hall(town)
    town.engine.dispose()


def install(folder, text):
    (folder / "maps" / f"{OURS}.yaml").write_text(text, encoding="utf-8")


def ask(hall, text=CHANGED, *, who=(Role.INTEGRATOR,), agency=OURS, status=200, **more):
    token = hall.token(*who, agencies=[OURS])
    answer = hall.ask("POST", f"/mappings/{agency}/impact", token, json={"yaml": text, **more})
    assert answer.status_code == status, answer.text
    return answer


def test_a_changed_constant_and_a_lost_value_of_a_list_are_told_and_nothing_is_changed(hall):
    token = hall.token(Role.INTEGRATOR, agencies=[OURS])
    before = kept(hall.town.store)

    answer = hall.ask("POST", f"/mappings/{OURS}/impact", token, json={"yaml": CHANGED})

    assert answer.status_code == 200, answer.text
    after = kept(hall.town.store)
    (noted,) = set(after.pop("audit")) - set(before.pop("audit"))
    assert after == before
    assert "'mapping.compared', '" + OURS in noted
    found = answer.json()
    assert found["new"]["sha256"] in noted
    totals = {one["key"]: one["records"] for one in found["totals"] if one["records"]}
    assert totals == {"changed": 1, "rejected_now": 1}
    assert (found["records"], found["is_harmless"], found["left_out"]) == (2, False, [])
    assert [(one["file"], one["records"], one["is_whole"]) for one in found["compared"]] == [
        ("ours-1.csv", 2, True)
    ]
    fields = {one["field"]: one["examples"][0] for one in found["fields"]}
    assert (fields["HinhThuc"]["before"], fields["HinhThuc"]["after"]) == ("0", "1")
    assert fields["HinhThuc"]["place"]["row"] == 2
    assert fields["ChuHoSo"]["after"] == "Xxx Xxxxxx Xxx Xxx"
    assert found["new_problems"] == [
        {"code": "mapping.code_unknown", "field": "TrangThaiHoSo", "records": 1}
    ]
    (turn,) = found["rejected_now"]
    assert (turn["dossier"], turn["place"]["row"]) == ("H29.15-260303-0001", 3)
    assert turn["problems"] == [{"code": "mapping.code_unknown", "field": "TrangThaiHoSo"}]
    assert [(one["key"], one["before"], one["after"]) for one in found["heads"]] == [
        ("version", "1", "2")
    ]
    for hidden in (NAME, PAPERS[OURS], "xong"):
        assert hidden not in answer.text


@pytest.mark.parametrize(
    "text",
    [
        CHANGED.replace("MaHoSo: dossier", "MaHoSo: paper"),
        CHANGED.replace("MaHoSo: dossier", 'MaHoSo: {template: "H29.15-260302-{paper}"}'),
        CHANGED.replace("HinhThuc: {constant", "GhiChu: paper\n  HinhThuc: {constant"),
        CHANGED.replace("{format: csv}", "{format: csv, header_row: 2}"),
        CHANGED.replace("{format: csv}", "{format: csv, header: false, columns: [a, dossier]}"),
        CHANGED.replace("{format: csv}", "{format: json}"),
        CHANGED.replace("{format: csv}", "{format: xml, record: /a/b}"),
    ],
    ids=["code", "within the code", "note", "header", "no header", "json", "xml"],
)
def test_no_mapping_makes_the_answer_tell_values(hall, text):
    token = hall.token(Role.INTEGRATOR, agencies=[OURS])

    answer = hall.ask("POST", f"/mappings/{OURS}/impact", token, json={"yaml": text})

    assert answer.status_code in (200, 422)
    for hidden in (NAME, PAPERS[OURS], "Phòng"):
        assert hidden not in answer.text


def test_what_is_wrong_in_the_text_is_told_with_line_and_key(hall):
    answer = ask(hall, CHANGED.replace("  DonViXuLy:", "  DonViXuLi:"), status=422)

    found = answer.json()
    assert found["code"] == "mapping.invalid"
    by_code = {one["code"]: one for one in found["findings"]}
    wrong = by_code["mapping.field_unknown"]
    assert wrong["key"] == "dossier.DonViXuLi"
    assert CHANGED.splitlines()[wrong["line"] - 1].startswith("  DonViXuLy:")
    assert "DonViXuLy" in wrong["suggestion"]["en"]
    assert "mapping.field_unmapped" in by_code
    assert str(hall.town.settings.mappings_dir) not in answer.text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [", "mapping.yaml_syntax"),
        ("a: &x 1\nb: *x", "mapping.yaml_alias"),
        ("a\x00b", "mapping.yaml_syntax"),
        ("[" * 100 + "]" * 100, "mapping.yaml_too_deep"),
        ("# nothing", "mapping.yaml_empty"),
    ],
    ids=["syntax", "alias", "nul", "deep", "empty"],
)
def test_what_is_no_mapping_is_refused_with_its_reason(hall, text, code):
    found = ask(hall, text, status=422).json()

    assert found["code"] == "mapping.invalid"
    assert [one["code"] for one in found["findings"]] == [code]


def test_of_very_many_mistakes_in_a_text_the_first_hundred_are_told(hall):
    text = CHANGED + "".join(f"k{number}: 1\n" for number in range(300))

    found = ask(hall, text, status=422).json()

    assert len(found["findings"]) == 100
    assert {one["code"] for one in found["findings"]} == {"mapping.key_unknown"}
    assert "301" in found["message"]["en"]


@pytest.mark.parametrize(
    "text",
    [
        CHANGED.replace(f"mapping: {OURS}", f"mapping: {THEIRS}"),
        CHANGED.replace(CODES[OURS], CODES[THEIRS]),
    ],
    ids=["name", "code"],
)
def test_the_mapping_of_another_agency_is_refused(hall, text):
    assert ask(hall, text, status=422).json()["code"] == "impact.other_agency"


def test_a_text_may_be_as_long_as_is_said_and_no_longer(hall):
    room = impact.LARGEST_YAML - len(CHANGED.encode())

    assert ask(hall, f"{CHANGED}{'#' * room}").json()["records"] == 2
    assert ask(hall, f"{CHANGED}{'#' * (room + 1)}", status=422).status_code == 422
    wide = "#" + "ế" * (impact.LARGEST_YAML // 2)
    assert ask(hall, CHANGED + wide, status=422).json()["code"] == "impact.too_large"
    much = ask(hall, "#" * (1024 * 1024), status=413).json()
    assert "1048576" in much["message"]["en"]


def test_impact_and_versions_are_for_who_may_see_the_mapping(hall):
    theirs = MAPPING.format(name=THEIRS, code=CODES[THEIRS])
    for role, status in ((Role.VIEWER, 403), (Role.INTEGRATOR, 200), (Role.OPERATOR, 200)):
        token = hall.token(role, agencies=[OURS])
        ask(hall, who=(role,), status=status)
        for path in (f"/mappings/{OURS}", f"/mappings/{OURS}/versions"):
            assert hall.ask("GET", path, token).status_code == status
    for agency in (THEIRS, "nobody"):
        ask(hall, theirs, agency=agency, status=404)
        for path in (f"/mappings/{agency}", f"/mappings/{agency}/versions"):
            token = hall.token(Role.INTEGRATOR, agencies=[OURS])
            assert hall.ask("GET", path, token).status_code == 404


def test_only_the_latest_submissions_that_are_there_are_read(hall):
    for _ in range(3):
        hall.town.bring(OURS, *ROWS)
    with hall.town.store.engine.begin() as connection:
        connection.execute(
            update(submissions)
            .where(submissions.c.file_name == "ours-4.csv")
            .values(erased_at=hall.town.clock())
        )

    found = ask(hall, submissions=2).json()

    assert [one["file"] for one in found["compared"]] == ["ours-3.csv", "ours-2.csv"]
    assert (found["records"], found["erased"]) == (4, 1)
    ask(hall, submissions=21, status=422)
    ask(hall, submissions=0, status=422)


def test_what_is_too_much_is_left_out_and_said(hall, monkeypatch):
    hall.town.bring(OURS, *ROWS)
    monkeypatch.setattr(impact, "MOST_BYTES", 300)

    found = ask(hall).json()

    assert [one["file"] for one in found["compared"]] == ["ours-2.csv"]
    assert [(one["file"], one["code"]) for one in found["left_out"]] == [
        ("ours-1.csv", "too_large")
    ]


def test_one_comparison_runs_at_a_time_and_not_for_ever(hall, monkeypatch):
    with impact._TURNS.taking():
        assert ask(hall, status=409).json()["code"] == "impact.busy"

    monkeypatch.setattr(impact, "LONGEST_SECONDS", -1)
    late = ask(hall).json()
    assert (late["compared"], late["records"]) == ([], 0)
    assert [one["code"] for one in late["left_out"]] == ["no_time"]
    monkeypatch.undo()
    assert ask(hall).json()["records"] == 2


def test_time_that_ends_within_a_file_leaves_what_was_compared(hall, monkeypatch):
    made, make = [], impact.DossierMaker.make

    def made_late(self, item):
        made.append(item.number)
        return make(self, item)

    monkeypatch.setattr(impact.DossierMaker, "make", made_late)
    monkeypatch.setattr(impact, "monotonic", lambda: 1_000.0 if made else 0.0)

    found = ask(hall).json()

    (one,) = found["compared"]
    assert (one["records"], one["is_whole"], found["records"]) == (1, False, 1)


def test_a_change_of_how_files_are_read_is_compared_as_well(hall):
    text = CHANGED.replace("{format: csv}", "{format: csv, delimiter: ';'}")

    found = ask(hall, text).json()

    assert found["records"] > 0
    assert not found["is_harmless"]
    assert "source.delimiter" in [one["key"] for one in found["heads"]]


def test_the_versions_that_made_messages_are_told_beside_the_one_installed(hall, tmp_path):
    token = hall.token(Role.INTEGRATOR, agencies=[OURS])

    def versions():
        return hall.ask("GET", f"/mappings/{OURS}/versions", token).json()

    (only,) = versions()["versions"]
    assert (only["version"], only["messages"], only["is_installed"]) == (1, 2, True)
    assert only["mapping"] == versions()["installed"]
    assert only["first_at"] <= only["last_at"]

    install(tmp_path, CHANGED)
    found = versions()
    assert found["installed"].startswith(f"{OURS}@2 sha256:")
    assert [(one["version"], one["is_installed"]) for one in found["versions"]] == [(1, False)]
    install(tmp_path, "mapping: ours")
    found = versions()
    assert found["installed"] is None
    assert str(tmp_path) not in str(found)


def test_no_more_messages_are_looked_at_than_is_said(hall, monkeypatch):
    token = hall.token(Role.INTEGRATOR, agencies=[OURS])
    monkeypatch.setattr(mappings, "MOST_MESSAGES", 1)

    found = hall.ask("GET", f"/mappings/{OURS}/versions", token).json()

    assert found["is_whole"] is False
    assert [one["messages"] for one in found["versions"]] == [1]


def test_a_mapping_is_told_with_the_fields_that_it_leaves_empty(hall):
    token = hall.token(Role.INTEGRATOR, agencies=[OURS])

    found = hall.ask("GET", f"/mappings/{OURS}", token).json()

    optional = [one for one in found["not_filled"] if not one["is_mandatory"]]
    assert len(optional) == found["optional"]["of"] - found["optional"]["filled"] > 0
    assert "ChuHoSo" not in [one["field"] for one in found["not_filled"]]
    assert all(one["about"]["vi"] for one in optional)


@pytest.fixture
def browser(hall):
    """Sign an integrator of the one agency in."""
    return signed_in(hall.town, role="integrator", agency=OURS)


def test_the_page_of_a_mapping_shows_what_a_change_would_do(hall, browser):
    path = f"/site/mappings/{OURS}"
    assert f'href="{path}"' in browser.open("/site/mappings").text
    page = browser.open(path).text
    assert "đang cài" in page
    assert "Trường chưa điền" in page

    page = browser.send(path, yaml=CHANGED.replace("\n", "\r\n"), submissions="5").text

    for shown in ("trở thành bị từ chối", "HinhThuc", "mapping.code_unknown", "ours-1.csv"):
        assert shown in page
    assert "H29.15-260303-0001" in page
    for hidden in (NAME, PAPERS[OURS], "style=", "<script>"):
        assert hidden not in page
    assert "template: &#34;Ông {owner}&#34;" in page


def test_the_page_shows_what_is_wrong_beside_the_text(hall, browser):
    path = f"/site/mappings/{OURS}"
    browser.open(path)

    answer = browser.send(path, yaml="dossier: {<script>: 1}", submissions="5")

    assert answer.status_code == 422
    assert "mapping.key_missing" in answer.text
    assert "<script>:" not in answer.text
    assert "{&lt;script&gt;: 1}" in answer.text


def test_the_page_takes_a_long_text_by_a_form_of_this_session_alone(hall, browser):
    path = f"/site/mappings/{OURS}"
    form = browser.open(path).text.split('name="form" value="')[1].split('"')[0]
    long = f"{CHANGED}{'#' * 200_000}"

    parts = {"form": (None, form), "yaml": (None, long), "submissions": (None, "1")}
    assert "ours-1.csv" in browser.client.post(path, files=parts).text
    assert browser.send(path, form="0" * 64, yaml=CHANGED).status_code == 403
    assert browser.send("/site/mappings/" + THEIRS, form=form, yaml=CHANGED).status_code == 404

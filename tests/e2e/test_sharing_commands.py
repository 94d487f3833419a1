"""What the land office delivered reaches a ministry as a profile says, and nothing else does."""

import json

import pytest

LAND, MINISTRY = "land-registration", "ministry-profile"
PROFILE = """
[receivers.ministry-profile]
folder = "bo"
[sharing.land-to-ministry]
from = "land-registration"
to = "ministry-profile"
procedures = ["*"]
fields = {fields}
purpose = "Thử nghiệm"
legal_basis = "Nghị định 47/2020/NĐ-CP"
until = "2100-12-31"
"""
FIELDS = ["MaTTHC", "TrangThaiHoSo", "ChuHoSo", "NgayTiepNhan"]


@pytest.fixture
def shared(site):
    """Have the land office share these fields from now on."""
    settings = site.cli.folder / "lienthong.toml"
    (site.cli.folder / "bo").mkdir()

    def share(fields=FIELDS):
        settings.write_text(settings.read_text() + PROFILE.format(fields=json.dumps(fields)))
        return site.cli

    return share


def files(cli):
    return [json.loads(file.read_text()) for file in sorted((cli.folder / "bo").iterdir())]


def test_delivered_dossiers_reach_the_other_agency_in_its_format(shared, sample_set):
    cli = shared()
    sample = sample_set.of(LAND)

    assert cli("submit", sample.path, "--agency", LAND).code == 0
    assert cli("run", "--until-idle").code == 0

    found = [one["profileOutmodel"] for one in files(cli)]
    delivered = cli("messages", "list", "--state", "delivered", "--agency", LAND, "--json").json
    assert {one["source_id"] for one in found} == {line["dossier"] for line in delivered}
    said = {key for one in found for key, value in one.items() if value}
    assert {json.dumps(one["profileApplicant"]) for one in found} == {'{"email": ""}'}
    assert said - {"profileApplicant"} == {
        "type",
        "source_id",
        "procedures_code",
        "profiles_status",
        "accept_date",
        "profileOwner",
    }
    timeline = cli("dossier", found[0]["source_id"]).out
    assert "another agency was told" in timeline
    status = cli("status", "--json").json
    assert [one["agency"] for one in status["agencies"]] == [LAND]
    (down,) = status["down"]
    assert (down["agency"], down["states"]) == (MINISTRY, {"delivered": len(found)})
    assert status["delivery"]["backlog_to_agencies"] == 0
    shown = cli("status").out
    assert shown.index(LAND) < shown.index("Down to agency") < shown.index(MINISTRY)


def test_what_was_shared_has_a_pack_with_its_terms_for_either_side(shared, sample_set):
    cli = shared()
    assert cli("submit", sample_set.of(LAND).path, "--agency", LAND).code == 0
    assert cli("run", "--until-idle").code == 0
    code = files(cli)[0]["profileOutmodel"]["source_id"]

    for agency, messages in ((None, 2), (MINISTRY, 1)):
        words = () if agency is None else ("--agency", agency)
        assert cli("evidence", "export", code, "--out", "p.asice", *words).code == 0
        found = cli("evidence", "verify", "p.asice", "--root", "keys/root.cert.pem", "--json")
        assert (found.code, found.json["verdict"]) == (0, "proven")
        codes = [one["code"] for one in found.json["findings"] if one["kind"] == "proven"]
        assert {"sharing.terms", "sharing.within", "handed.whole"} <= set(codes)
        assert codes.count("document.signed") == messages - 1
    unknown = cli("evidence", "export", "H29-none", lang="vi")
    assert (unknown.code, "không gì gửi xuống cơ quan" in unknown.err) == (1, True)


def test_what_was_delivered_before_is_shared_when_somebody_asks(site, shared, sample_set):
    sample = sample_set.of(LAND)
    assert site.cli("submit", sample.path, "--agency", LAND).code == 0
    assert site.cli("run", "--until-idle").code == 0
    cli = shared()
    assert cli("run", "--until-idle").code == 0
    assert files(cli) == []

    sent = cli("sharing", "send", "land-to-ministry", "--since", "2020-01-01", "--yes", "--json")
    again = cli("sharing", "send", "land-to-ministry", "--since", "2020-01-01", "--yes", "--json")
    assert cli("run", "--until-idle").code == 0

    assert sent.json["shared"] > 0
    assert again.json["shared"] == 0
    assert len(files(cli)) == sent.json["shared"]


def test_a_profile_is_listed_with_its_purpose_and_basis_and_checked_against_its_receiver(shared):
    cli = shared()

    (listed,) = cli("sharing", "list", "--json").json
    checked = cli("sharing", "check")

    assert (listed["from"], listed["to"], listed["purpose"]) == (LAND, MINISTRY, "Thử nghiệm")
    assert "Nghị định 47/2020/NĐ-CP" in cli("sharing", "list").out
    assert checked.code == 0
    assert "reads fields that are not shared: " in checked.out
    assert "Sharing land-to-ministry" in cli("doctor").out


def test_a_field_that_there_is_not_is_told_before_anything_is_shared(shared):
    checked = shared(["MaTTHC", "SoNha"])("sharing", "check")

    assert checked.code == 1
    assert "DongBoHoSoMC has no field SoNha" in checked.out


def test_a_profile_that_there_is_not_is_told_with_those_that_there_are(shared):
    sent = shared()("sharing", "send", "land", "--since", "2020-01-01", "--yes")

    assert sent.code == 2
    assert "There is no [sharing.land]; there are: land-to-ministry" in sent.err

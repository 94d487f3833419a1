from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from mappings import check_installed, load_agencies, load_mapping, run_tests
from mappings.tables import packaged, read_index
from schemas.errors import ConfigError

INDEX = read_index("agencies")
PROFILES = Path(__file__).parents[3] / "docs" / "profiles"


@pytest.mark.parametrize("entry", INDEX, ids=[str(entry["name"]) for entry in INDEX])
def test_a_packaged_agency_loads_and_its_own_tests_pass(entry):
    file = load_mapping(packaged("agencies", entry["file"]))

    assert (file.name, file.version) == (entry["name"], entry["version"])
    assert file.digest == entry["sha256"]
    assert file.warnings == ()
    assert [(r.name, r.differences) for r in run_tests(file) if r.differences] == []
    assert len(file.tests) >= 2


def test_every_packaged_agency_file_is_listed():
    files = {path.name for path in packaged("agencies", "").glob("*.yaml")}

    assert files == {entry["file"] for entry in INDEX}


def test_every_profile_page_is_of_a_packaged_agency_and_in_the_list_of_pages():
    pages = {path.stem for path in PROFILES.glob("*.md")} - {"README"}
    index = (PROFILES / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| \[([a-z-]+)\]\(\1\.md\)", index, re.MULTILINE))

    assert pages == listed
    assert pages <= {entry["name"] for entry in INDEX}


def test_the_installation_is_as_released():
    assert check_installed() == ()


def test_an_agency_has_the_name_that_its_file_gives_it(tmp_path):
    (tmp_path / "a.yaml").write_text('mapping: a\nagency: {name: "Sở A"}\n', encoding="utf-8")
    (tmp_path / "b.yaml").write_text("mapping: b\nagency: Sở B\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("mapping: [", encoding="utf-8")
    agencies = load_agencies(tmp_path)

    assert [agencies.title(name) for name in ("a", "b", "c", "nobody")] == [
        "Sở A",
        None,
        None,
        None,
    ]
    assert agencies.title("land-registration") == "Văn phòng Đăng ký đất đai"


def test_an_unknown_agency_is_answered_with_the_nearest_name_and_the_list():
    agencies = load_agencies(None)

    with pytest.raises(ConfigError) as caught:
        agencies.get("land-registratoin")

    assert caught.value.code == "agency.unknown"
    assert "did you mean 'land-registration'?" in str(caught.value)
    (problem,) = caught.value.problems
    assert "'ward-civil-status'" in problem.message.vi
    assert problem.suggestion.vi == "có phải là 'land-registration'?"


def test_an_agency_is_compiled_once():
    agencies = load_agencies(None)

    assert agencies.get("land-registration") is agencies.get("land-registration")
    assert agencies.get("land-registration").name == "land-registration"
    assert list(agencies.names()) == sorted(agencies.names())


def test_a_sites_own_file_takes_the_place_of_a_packaged_one(tmp_path, mapping_text):
    own = tmp_path / "khac.yaml"
    own.write_text(mapping_text(mapping="land-registration", version="7"), "utf-8")
    (tmp_path / "moi.yaml").write_text(mapping_text(mapping="moi"), "utf-8")

    agencies = load_agencies(tmp_path)

    assert agencies.path("land-registration") == own
    assert agencies.get("land-registration").version == 7
    assert agencies.get("land-registration").digest == hashlib.sha256(own.read_bytes()).hexdigest()
    assert "moi" in agencies.names()
    assert "ward-civil-status" in agencies.names()


def test_a_broken_file_concerns_only_its_own_agency(tmp_path, mapping_text):
    (tmp_path / "hong.yaml").write_text("a: [", "utf-8")
    (tmp_path / "tot.yaml").write_text(mapping_text(mapping="tot"), "utf-8")

    agencies = load_agencies(tmp_path)

    assert agencies.get("tot").name == "tot"
    with pytest.raises(ConfigError) as caught:
        agencies.get("hong")
    assert caught.value.problems[0].code == "mapping.yaml_syntax"


def test_two_files_of_one_name_are_refused(tmp_path, mapping_text):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(mapping_text(), "utf-8")

    with pytest.raises(ConfigError) as caught:
        load_agencies(tmp_path)

    assert caught.value.code == "agency.duplicate"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_agencies(tmp_path / "khong-co")

    assert caught.value.code == "agency.folder_missing"


def test_a_changed_table_is_found(tmp_path, monkeypatch):
    for folder in ("data", "agencies"):
        shutil.copytree(packaged(folder, ""), tmp_path / folder)
    monkeypatch.setattr("mappings.tables.packaged", lambda folder, name: tmp_path / folder / name)
    with (tmp_path / "data" / "procedures.csv").open("a", encoding="utf-8") as file:
        file.write("9.999999,Thủ tục giả,Không có,Cấp xã\n")
    (tmp_path / "agencies" / "land-registration.yaml").unlink()

    problems = check_installed()

    assert [(p.code, p.place.file) for p in problems] == [
        ("mapping.installation_changed", "mappings/data/procedures.csv"),
        ("mapping.installation_changed", "mappings/agencies/land-registration.yaml"),
    ]
    assert "thiếu tệp" in problems[1].message.vi

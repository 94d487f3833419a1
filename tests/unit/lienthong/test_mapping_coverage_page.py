"""The page of coverage: one file, no scripts, and nothing of a mapping's text can break out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import html

from lienthong.mapping_coverage_page import coverage_page
from mappings import cover_fields, load_agencies, load_mapping

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def coverage():
    agencies = load_agencies(None)
    return cover_fields(load_mapping(agencies.path(name)) for name in agencies.names())


def written(coverage):
    return "".join(coverage_page(coverage, made_at=NOW))


def test_every_field_and_agency_is_in_the_table(coverage):
    page = html.fromstring(written(coverage))

    fields = [code.text for code in page.iterfind(".//tbody//code")]
    assert fields == [row.field for row in coverage.rows]
    names = [span.text for span in page.iterfind(".//thead//th[@class='agency']/span")]
    assert names == [file.name for file in coverage.files]
    widths = {
        len(row.findall("td")) for row in page.iterfind(".//tbody/tr") if row.find("td") is not None
    }
    assert widths == {len(names)}


def test_the_page_stands_alone(coverage):
    page = written(coverage)
    tree = html.fromstring(page)

    assert not tree.xpath("//script | //link | //img | //iframe | //@src | //@onclick")
    assert all(target.startswith("#") for target in tree.xpath("//@href"))
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "2026-03-02 08:15 UTC" in page


def test_the_text_of_a_mapping_stays_text(coverage):
    evil = replace(
        coverage.files[0], name="<script>alert(1)</script>", agency_name='"><img src=x onerror=y>'
    )
    page = written(replace(coverage, files=(evil, *coverage.files[1:])))

    assert not html.fromstring(page).xpath("//script | //img | //@onerror")


def test_the_page_speaks_both_languages(coverage):
    page = written(coverage)

    assert "bắt buộc" in page
    assert "mandatory" in page
    assert '<html lang="vi">' in page

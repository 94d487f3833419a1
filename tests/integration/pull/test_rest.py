"""REST services that are asked for what is new: nothing is missed, nothing comes twice."""

import json
import re
import sys
import time
from datetime import timedelta
from importlib.resources import files

import pytest

from lienthong.failpoints import Point
from lienthong.pauses import What
from lienthong.pull import tokens
from lienthong.store.pauses import end_pauses, make_pause
from lienthong.store.work import begin
from lienthong.testing import forked

LOGIN = {"kind": "login", "body": {"username": "{user}", "password": "{password}"}}


def record(number, *, at=None, **more):
    return {"ma": f"H{number:03}", "sua": at or f"2026-03-02T14:{number % 60:02}:00", **more}


@pytest.fixture
def make(web, make_reader):
    """Give a function that makes a reader of the server's list."""

    def make(**options):
        plain = {"url": f"{web.url}/hoso", "records": "data", "key": ["ma"], "watermark": "sua"}
        return make_reader(kind="rest", **plain | options)

    return make


def pages_of(records, size, *, total=False):
    """Answer by page number, as a well-behaved service does."""

    def answer(asked):
        begin = (int(asked.query["page"]) - 1) * size
        more = {"total": len(records)} if total else {}
        return 200, {"data": records[begin : begin + size], **more}

    return answer


PAGES = {"paging": {"kind": "page", "size": 3}, "query": {"page": "{page}", "size": "{size}"}}


def test_every_record_is_taken_over_once_with_its_values_whole(web, make):
    first = {
        "ma": "H29-1",
        "ten": "Nguyễn Văn Ánh",
        "le_phi": 15000.10,
        "sua": "2026-03-02T07:00:00Z",
        "tep": [{"ten": None, "so": 12345678901234567890}],
    }
    web.answer = lambda _: (200, {"data": [first]})
    reader = make()

    assert (reader.read().rows, reader.read().rows) == (1, 0)
    assert reader.lines() == [{**first, "le_phi": "15000.1"}]
    assert reader.state().mark.isoformat() == "2026-03-02T14:00:00+07:00"


def test_what_is_new_is_asked_for_from_an_overlap_before_the_mark(web, make):
    web.answer = lambda _: (200, {"data": [record(1, at="02/03/2026 14:30:00")]})
    reader = make(
        query={"tu": "{since}", "den": "{until}"},
        watermark_format="%d/%m/%Y %H:%M:%S",
        since_format="%Y-%m-%d %H:%M",
    )
    reader.read()
    reader.read()

    assert [asked.query for asked in web.asked] == [
        {"den": "2026-03-02 15:01"},
        {"tu": "2026-03-02 14:15", "den": "2026-03-02 15:02"},
    ]


@pytest.mark.parametrize(
    ("form", "value", "asked"),
    [
        ("epoch_milliseconds", 1772434800000, "1772433900000"),
        ("epoch_seconds", "1772434800", "1772433900"),
        ("dotnet", "/Date(1772434800000+0700)/", "/Date(1772433900000)/"),
        ("number", 5000, "4000"),
        ("%d/%m/%Y", "02/03/2026", "01/03/2026"),
        ("iso", "2026-03-02", "2026-03-01"),
    ],
)
def test_watermarks_are_read_and_asked_for_in_the_form_of_the_service(
    web, make, form, value, asked
):
    web.answer = lambda _: (200, {"data": [record(1, at=value)]})
    reader = make(query={"tu": "{since}"}, watermark_format=form)
    reader.read()
    reader.read()

    assert web.asked[1].query == {"tu": asked}


def test_a_source_whose_agency_is_paused_is_left_in_the_middle_and_read_to_its_end_afterwards(
    web, make
):
    def pause(installation, what):
        with begin(installation.store, at=installation.clock, actor="an") as work:
            if what is None:
                end_pauses(work, "land", tuple(What), reason="xong")
            else:
                make_pause(work, "land", what, reason="bảo trì", until=None)
        time.sleep(1.1)

    pages = pages_of([record(n) for n in range(9)], 3)

    def answer(asked):
        if asked.query["page"] == "2":
            pause(reader.installation, What.INTAKE)
        return pages(asked)

    web.answer = answer
    reader = make(**PAGES)

    first = reader.read()

    assert (first.rows, first.trouble, reader.state().read_at) == (6, None, None)
    assert reader.read() is None
    assert len(web.asked) == 2
    web.answer = pages
    pause(reader.installation, None)
    assert reader.read().rows == 3
    assert sorted(reader.codes()) == [f"H{n:03}" for n in range(9)]


@pytest.mark.parametrize("total", [True, False], ids=["total", "empty page"])
def test_pages_are_read_to_the_end(web, make, total):
    web.answer = pages_of([record(n) for n in range(7)], 3, total=total)
    options = {**PAGES, "paging": {**PAGES["paging"], **({"total": "total"} if total else {})}}
    done = make(**options).read()

    assert (done.rows, done.trouble) == (7, None)
    assert len(web.asked) == (3 if total else 4)
    assert web.asked[0].query == {"page": "1", "size": "3"}


def test_a_server_that_gives_smaller_pages_than_asked_for_loses_nothing(web, make):
    web.answer = pages_of([record(n) for n in range(7)], 2)

    assert make(**PAGES).read().rows == 7


def test_a_short_page_ends_a_list_where_the_profile_says_so(web, make):
    web.answer = pages_of([record(n) for n in range(5)], 3)
    paging = {**PAGES["paging"], "short_page_ends": True}

    assert make(**{**PAGES, "paging": paging}).read().rows == 5
    assert len(web.asked) == 2


def test_offsets_go_on_by_what_came(web, make):
    records = [record(n) for n in range(5)]
    web.answer = lambda asked: (200, {"data": records[asked.json["skip"] :][:2]})
    make(
        method="POST", body={"skip": "{offset}", "take": "{size}"}, paging={"kind": "offset"}
    ).read()

    assert [asked.json for asked in web.asked] == [
        {"skip": skip, "take": 100} for skip in (0, 2, 4, 5)
    ]


def test_cursors_are_followed_until_there_is_none(web, make):
    replies = {None: ([record(1)], "b"), "b": ([], "c=&"), "c=&": ([record(2)], "")}

    def answer(asked):
        records, cursor = replies[asked.query.get("after")]
        return 200, {"data": records, "page": {"next": cursor}}

    web.answer = answer
    reader = make(query={"after": "{cursor}"}, paging={"kind": "cursor", "cursor": "page.next"})

    assert (reader.read().rows, len(web.asked)) == (2, 3)


def test_next_links_are_followed_on_the_same_host_only(web, make):
    links = {"/hoso": "/hoso/2?x=1", "/hoso/2": "3", "/hoso/3": "http://127.0.0.1:1/hoso/4"}
    web.answer = lambda asked: (
        200,
        {"data": [record(len(web.asked))], "next": links[asked.path]},
    )
    done = make(paging={"kind": "next", "next": "next"}).read()

    assert [asked.path for asked in web.asked] == ["/hoso", "/hoso/2", "/hoso/3"]
    assert (done.rows, done.trouble.code) == (3, "pull.elsewhere")


def test_next_links_without_an_end_end_and_the_mark_stays(web, make):
    web.answer = lambda asked: (
        200,
        {"data": [record(len(web.asked))], "next": f"/hoso?n={len(web.asked)}"},
    )
    reader = make(paging={"kind": "next", "next": "next", "max_pages": 5})
    done = reader.read()

    assert (done.rows, done.trouble.code, len(web.asked)) == (5, "pull.too_many_pages", 5)
    assert reader.state().mark is None


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_a_page_that_repeats_is_no_end(web, make, kind):
    web.answer = lambda _: (200, {"data": [record(1), record(2)]})
    reader = make(query={"p": f"{{{kind}}}"}, paging={"kind": kind})
    done = reader.read()

    assert (done.rows, done.trouble.code, len(web.asked)) == (2, "pull.paging", 2)
    assert reader.state().mark is None
    assert reader.read().rows == 0


def test_a_cursor_that_leads_round_in_a_circle_is_told(web, make):
    web.answer = lambda _: (200, {"data": [record(len(web.asked))], "next": "x"})
    reader = make(query={"c": "{cursor}"}, paging={"kind": "cursor", "cursor": "next"})

    assert (reader.read().trouble.code, len(web.asked)) == ("pull.paging", 2)


def test_a_list_that_is_shorter_than_it_says_keeps_the_mark(web, make):
    web.answer = lambda asked: (
        200,
        {"data": [record(1)] if asked.query["page"] == "1" else [], "total": 2},
    )
    paging = {"kind": "page", "total": "total"}
    reader = make(query={"page": "{page}"}, paging=paging)
    done = reader.read()

    assert (done.rows, done.trouble.code) == (1, "pull.incomplete")
    assert reader.state().mark is None


def test_an_error_in_the_middle_of_pages_keeps_what_came_and_reads_the_rest_later(web, make):
    good = pages_of([record(59 - n) for n in range(7)], 3)
    web.answer = lambda asked: (500, b"oops") if asked.query["page"] == "2" else good(asked)
    reader = make(**PAGES)
    broken = reader.read()

    assert (broken.rows, broken.trouble.code) == (3, "pull.unreachable")
    # The newest came first: a mark that had moved would hide the rest.
    assert reader.state().mark is None
    web.answer = good
    assert (reader.read().rows, reader.read().rows) == (4, 0)
    assert sorted(reader.codes()) == [f"H{n:03}" for n in range(53, 60)]


def test_the_mark_moves_with_every_page_where_records_are_sorted(web, make):
    good = pages_of([record(n) for n in range(7)], 3)
    web.answer = lambda asked: (500, b"") if asked.query["page"] == "2" else good(asked)
    reader = make(**PAGES, sorted=True)
    reader.read()

    assert reader.state().mark.isoformat() == "2026-03-02T14:02:00+07:00"
    web.answer = lambda _: (200, {"data": [record(9), record(8)]})
    assert reader.with_options(paging=None, query=None).read().trouble.code == "pull.unsorted"


def test_a_record_that_changes_comes_again_and_one_without_a_mark_once(web, make):
    records = [record(1, ten="A"), {"ma": "H002", "sua": None}]
    web.answer = lambda _: (200, {"data": records})
    reader = make()
    reader.read()
    records[0] = record(1, ten="B")

    assert (reader.read().rows, reader.read().rows) == (1, 0)
    assert reader.codes() == ["H001", "H002", "H001"]


def test_without_a_watermark_the_whole_list_is_compared(web, make):
    records = [record(1), record(2)]
    web.answer = lambda _: (200, {"data": records})
    reader = make(watermark=None)
    reader.read()
    records[:] = [record(2), record(3)]
    reader.read(after=timedelta(days=400))

    assert reader.codes() == ["H001", "H002", "H003"]


def test_a_token_that_expires_in_the_middle_is_renewed_once(web, make):
    good = pages_of([record(n) for n in range(7)], 3)
    logins = []

    def answer(asked):
        if asked.path == "/login":
            logins.append(asked.json)
            return 200, {"d": {"token": f"t{len(logins)}"}}
        wanted = "Bearer t1" if asked.query["page"] == "1" else "Bearer t2"
        return good(asked) if asked.headers["Authorization"] == wanted else (401, b"")

    web.answer = answer
    reader = make(
        **PAGES,
        user="lt",
        password="s3cret",
        token={**LOGIN, "url": f"{web.url}/login", "path": "d.token"},
    )
    done = reader.read()

    assert (done.rows, done.trouble) == (7, None)
    assert logins == [{"username": "lt", "password": "s3cret"}] * 2


def test_a_session_in_the_body_is_renewed_when_a_result_code_says_so(web, make):
    def answer(asked):
        if asked.path == "/login":
            return 200, {"error_code": 0, "session": f"s{len(web.asked)}"}
        is_old = asked.json["session"] == "s1" and len(web.asked) > 2
        return 200, {"error_code": -2 if is_old else 0, "data": [record(len(web.asked))]}

    web.answer = answer
    reader = make(
        method="POST",
        body={"session": "{token}", "service": "DanhSachHoSo"},
        user="lt",
        password="x",
        error="error_code",
        expired=["-2"],
        token={**LOGIN, "url": f"{web.url}/login", "path": "session", "error": "error_code"},
    )

    assert (reader.read().rows, reader.read().rows) == (1, 1)
    assert [asked.path for asked in web.asked] == ["/login", "/hoso", "/hoso", "/login", "/hoso"]


def test_client_credentials_are_asked_for_as_the_standard_says_and_kept(web, make, monkeypatch):
    def answer(asked):
        if asked.path == "/token":
            return 200, {"access_token": "abc", "expires_in": 100, "token_type": "Bearer"}
        return 200, {"data": []}

    web.answer = answer
    reader = make(
        user="lien thong",
        password="p:w",
        token={"kind": "client_credentials", "url": f"{web.url}/token", "scope": "hoso"},
    )
    reader.read()
    reader.read()

    assert [asked.path for asked in web.asked] == ["/token", "/hoso", "/hoso"]
    assert web.asked[0].body == b"grant_type=client_credentials&scope=hoso"
    assert web.asked[0].headers["Authorization"] == tokens.basic("lien%20thong", "p%3Aw")
    assert web.asked[2].headers["Authorization"] == "Bearer abc"


def test_a_login_that_is_refused_is_tried_once(web, make):
    web.answer = lambda _: (401, b"")
    done = make(user="lt", token={**LOGIN, "url": f"{web.url}/login"}).read()

    assert (done.trouble.code, [asked.path for asked in web.asked]) == ("pull.refused", ["/login"])


def test_two_sources_at_one_place_of_tokens_have_tokens_of_their_own(web, make):
    def answer(asked):
        if asked.path == "/login":
            return 200, {"access_token": asked.json["dv"]}
        return 200, {"data": [record(1, ai=asked.headers["Authorization"])]}

    web.answer = answer
    token = {"kind": "login", "url": f"{web.url}/login"}
    readers = [make(user="lt", token={**token, "body": {"dv": name}}) for name in ("a", "b")]
    readers[1].door._tokens = readers[0].door._tokens
    for reader in readers:
        reader.read()

    assert [reader.lines()[0]["ai"] for reader in readers] == ["Bearer a", "Bearer b"]


def test_who_is_refused_again_with_a_new_token_is_told(web, make):
    web.answer = lambda asked: (
        (200, {"access_token": "x"}) if asked.path == "/login" else (401, b"")
    )
    done = make(user="lt", token={**LOGIN, "url": f"{web.url}/login"}).read()

    assert (done.trouble.code, len(web.asked)) == ("pull.refused", 4)


def test_basic_and_an_api_key_are_sent(web, make):
    web.answer = lambda _: (200, {"data": []})
    make(user="an", password="mật khẩu", api_key="k1", api_key_header="X-Api-Key").read()

    assert web.asked[0].headers["X-Api-Key"] == "k1"
    assert web.asked[0].headers["Authorization"] == "Basic YW46beG6rXQga2jhuql1"


def test_a_detail_completes_each_new_record_and_no_other(web, make):
    def answer(asked):
        if asked.path == "/hoso":
            return 200, {"data": [record(1), record(2, loai="a/b?c")][: len(web.asked)]}
        return 200, {"data": {"ten": asked.path, "noi_dung": '{"x": 1}'}}

    web.answer = answer
    reader = make(detail={"url": f"{web.url}/chitiet/{{ma}}", "record": "data"})
    reader.read()
    reader.read()

    assert [asked.path for asked in web.asked] == [
        "/hoso",
        "/chitiet/H001",
        "/hoso",
        "/chitiet/H002",
    ]
    assert reader.lines()[1] == {
        **record(2, loai="a/b?c"),
        "ten": "/chitiet/H002",
        "noi_dung": '{"x": 1}',
    }


def test_what_fills_an_address_cannot_lead_elsewhere(web, make):
    web.answer = lambda asked: (
        (200, {"data": [record(1, id="../../x?y=1#z")]})
        if asked.path == "/hoso"
        else (200, {"ok": 1})
    )
    make(detail={"url": f"{web.url}/ct/{{id}}"}).read()

    assert web.asked[1].path == "/ct/..%2F..%2Fx%3Fy%3D1%23z"
    assert web.asked[1].query == {}


def test_a_detail_that_fails_keeps_those_before_it_and_the_mark(web, make):
    def answer(asked):
        if asked.path == "/hoso":
            return 200, {"data": [record(n) for n in range(4)]}
        return (500, b"") if asked.path == "/ct/H002" and not good else (200, {"x": "y" * 2000})

    good = []
    web.answer = answer
    reader = make(detail={"url": f"{web.url}/ct/{{ma}}"}, page_bytes=1024)
    done = reader.read()

    assert (done.rows, done.submissions, done.trouble.code) == (2, 2, "pull.unreachable")
    assert reader.state().mark is None
    good.append(True)
    assert (reader.read().rows, reader.codes()) == (2, ["H000", "H001", "H002", "H003"])


def test_retry_after_is_respected(web, make):
    web.answer = lambda _: (429, b"", {"Retry-After": "600"})
    reader = make()

    assert reader.read().trouble.code == "pull.busy_source"
    assert reader.state().due_at - reader.installation.now == timedelta(seconds=600)


def endless():
    while True:
        yield b" " * 65536


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, b"<html>login</html>"), "pull.reply"),
        ((200, b"[" * 200_000), "pull.reply"),
        ((200, b'{"data": [NaN]}'), "pull.reply"),
        ((200, b'{"data": [' + b"9" * 5000 + b"]}"), "pull.reply"),
        ((200, {"data": "x"}), "pull.reply"),
        ((200, {"data": [1]}), "pull.reply"),
        ((200, {"datum": []}), "pull.reply"),
        ((200, {"data": [{"sua": "2026-03-02"}]}), "pull.columns"),
        ((200, {"data": [record(1, ten=1), record(1, ten=2)]}), "pull.columns"),
        ((200, {"data": [record(1, at="hôm qua")]}), "pull.mark_kind"),
        ((200, {"data": [record(1, at="2026-03-02"), record(2)]}), "pull.mark_kind"),
        ((302, b"", {"Location": "/login"}), "pull.elsewhere"),
        ((403, b""), "pull.refused"),
        ((400, b""), "pull.query"),
        ((503, b""), "pull.unreachable"),
        ((200, endless()), "pull.too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:30],
)
def test_what_is_wrong_with_a_service_is_told_and_nothing_is_taken(web, make, answer, code):
    web.answer = lambda _: answer
    reader = make()
    done = reader.read()

    assert (done.rows, done.trouble.code) == (0, code)
    assert "hôm qua" not in str(done.trouble)
    assert reader.state().trouble == code


def test_a_result_code_that_nobody_knows_is_no_success(web, make):
    reader = make(error="kq.ma", success=["0"])
    for body in ({"kq": {"ma": "7"}, "data": [record(1)]}, {"data": [record(1)]}):
        web.answer = lambda _, body=body: (200, body)
        assert reader.read().trouble.code == "pull.answer"
    web.answer = lambda _: (200, {"kq": {"ma": 0}, "data": [record(1)]})

    assert reader.read().rows == 1


def test_a_null_list_is_believed_only_where_nothing_follows_from_it(web, make):
    web.answer = lambda _: (200, {"data": None})
    reader = make(**PAGES)
    assert (reader.read().rows, reader.state().trouble) == (0, None)
    web.answer = lambda asked: (
        200,
        {"data": [record(1)] if asked.query["page"] == "1" else None},
    )

    assert reader.read().trouble.code == "pull.reply"
    assert reader.state().mark is None


def test_a_server_that_is_not_there_and_one_that_says_nothing_are_told(web, make):
    assert make(url="http://127.0.0.1:9/x").read().trouble.code == "pull.unreachable"
    web.answer = lambda _: (200, iter(lambda: time.sleep(0.2) or b" ", None))
    began = time.monotonic()

    assert make(call_timeout_seconds=1).read().trouble.code == "pull.unreachable"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("options", "low"),
    [({}, None), ({"start": "2026-03-02"}, "2026-03-02"), ({"start": "2026-03-02T13:59"}, "13:59")],
    ids=["no start", "a day", "a time"],
)
def test_a_service_that_gives_everything_every_time_doubles_nothing(web, make, options, low):
    old = record(1, at="2026-03-01T23:59:00")
    web.answer = lambda _: (200, {"data": [old, record(0), record(59)]})
    reader = make(**options)
    first = reader.read()

    assert first.rows == (3 if low is None else 2)
    assert [reader.read().rows for _ in range(3)] == [0, 0, 0]
    assert old["ma"] not in reader.codes()[1:]


def test_long_lists_become_several_submissions(web, make):
    web.answer = lambda _: (200, {"data": [record(n) for n in range(10)]})
    done = make(page_rows=4).read()

    assert (done.rows, done.submissions) == (10, 3)


class Death(BaseException):
    pass


@pytest.mark.parametrize("point", [Point.PULL_READ, Point.PULL_TAKEN])
@pytest.mark.parametrize("turn", [1, 2, 4])
def test_a_worker_that_dies_between_pages_loses_nothing_and_doubles_nothing(
    web, make, monkeypatch, point, turn
):
    web.answer = pages_of([record(59 - n) for n in range(10)], 3)
    reader = make(**PAGES)
    met = []

    def die(here):
        met.append(here)
        if met.count(point) == turn:
            raise Death

    monkeypatch.setattr("lienthong.doors.pull.reached", die)
    with pytest.raises(Death):
        reader.read()
    monkeypatch.undo()
    done = reader.read(after=timedelta(hours=1))

    assert (done.trouble, reader.read().rows) == (None, 0)
    assert sorted(reader.codes()) == [f"H{n:03}" for n in range(50, 60)]


def test_check_shows_the_next_page_without_values(web, tmp_path):
    web.answer = lambda asked: (
        (200, {"data": [record(1, ten="Nguyễn Văn Ánh")]})
        if asked.path == "/hoso"
        else (200, {"chi_tiet": "riêng tư"})
    )
    site = tmp_path / "site"
    site.mkdir()
    original = (files("mappings") / "agencies" / "igate-one-stop.yaml").read_text("utf-8")
    mapping = re.sub(r"(?m)^  (records|repair\w*):.*\n", "", original)
    mapping = mapping.replace("format: json\n", "format: jsonl\n")
    (site / "land.yaml").write_text(mapping.replace("mapping: igate-one-stop", "mapping: land"))
    (tmp_path / "lienthong.toml").write_text(
        f'mappings_dir = "{site}"\n[pull.land]\nkind = "rest"\nurl = "{web.url}/hoso"\n'
        'records = "data"\nkey = ["ma"]\nwatermark = "sua"\n'
        f'[pull.land.detail]\nurl = "{web.url}/ct/{{ma}}"\n'
    )
    shown = forked.run(
        [sys.executable, "-m", "lienthong", "--lang", "vi", "pull", "check", "land"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert shown.returncode == 0, shown.stderr
    assert "Trang kế tiếp: 1 dòng" in shown.stdout
    assert "Các cột: ma, sua, ten, chi_tiet" in shown.stdout
    assert "Ánh" not in shown.stdout
    assert "H001" not in shown.stdout


def test_a_secret_with_a_line_break_adds_no_header(web, make):
    done = make(api_key="a\r\nX-Evil: 1", api_key_header="X-Api-Key").read()

    assert (done.trouble.code, web.asked) == ("pull.refused", [])
    assert "Evil" not in json.dumps(str(done.trouble))

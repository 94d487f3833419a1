"""The page of the control address shows what arrived and why it was refused, and harms nobody."""

from __future__ import annotations

import re
from html import unescape

import pytest
import urllib3

SCRIPT = "<script>alert('x')</script>"
REQUIRED = (
    "MaTTHC",
    "TenTTHC",
    "MaLinhVuc",
    "TenLinhVuc",
    "NgayTiepNhan",
    "TrangThaiHoSo",
    "HinhThuc",
    "DonViXuLy",
)
CODE = "H29.14-261124-0001"


@pytest.fixture
def sandbox(start):
    return start()


def get(sandbox, path="/", **headers):
    url = f"{sandbox.control_url}{path}"
    return sandbox.http.request("GET", url, headers=headers, redirect=False)


def read(sandbox, path="/"):
    return get(sandbox, path).data.decode()


def token_of(sandbox):
    return re.search(r'name="token" value="([^"]+)"', read(sandbox))[1]


def submit(sandbox, form, *, headers=None, **fields):
    fields = {"token": token_of(sandbox), "lang": "en"} | fields
    return sandbox.http.request(
        "POST",
        f"{sandbox.control_url}/page/{form}",
        fields=fields,
        encode_multipart=False,
        redirect=False,
        headers=headers or {},
    )


def post_json(sandbox, **values):
    url = f"{sandbox.url.removesuffix('/portal')}/adapter"
    path = "integration" if "service" in values else "auth"
    return sandbox.http.request("POST", f"{url}/{path}", json=values).json()


def log_in(sandbox):
    return post_json(sandbox, username="thu-nghiem", password="thu-nghiem")["session"]


def test_what_arrived_is_shown_newest_first_with_its_outcome(sandbox, connect, agency):
    channel = connect(sandbox)
    channel.send(agency.request(1))
    channel.send(agency.request(2))

    page = read(sandbox)

    rows = re.findall(r'href="/arrivals/(\d+)\?lang=vi"', page)
    assert rows == ["2", "1"]
    assert 'class="badge good">0 · Thành công<' in page
    assert 'class="badge bad">3 · Hồ sơ đã tồn tại<' in page
    assert CODE in page
    assert '<html lang="vi">' in page
    assert '<html lang="en">' in read(sandbox, "/?lang=en")


def test_every_reason_is_there_in_both_languages_with_place_and_remedy(sandbox):
    session = log_in(sandbox)
    item = {"MaHoSo": CODE, "LoaiDoiTuong": 1, "TruongLa": "x", "TaiLieuNop": "y"}
    post_json(
        sandbox,
        session=session,
        madonvi="000.00.00.H29",
        service="DongBoHoSoMC",
        isUpdating="False",
        data=[item],
    )

    page = unescape(read(sandbox, "/arrivals/2"))

    for words in (
        "LoaiDoiTuong: cần một chuỗi",
        "LoaiDoiTuong: expected a text",
        "Đặt giá trị trong dấu nháy kép",
        "TruongLa: trường không có trong quy định",
        "TruongLa: no such field",
        "TaiLieuNop: cần một mảng",
    ):
        assert words in page
    assert page.count('<div class="problem">') == 3 + len(REQUIRED)
    for name in REQUIRED:
        assert f"{name}: a required field is missing" in page


def test_why_a_signature_is_refused_is_shown(sandbox, connect, stranger):
    connect(sandbox).send(stranger.request(1))

    page = read(sandbox, "/arrivals/1?lang=en")

    assert "BanTin/Signature" in page
    assert "sign with a key whose certificate leads to this portal" in page
    assert "&lt;DongBoHoSoMC" in page


def test_what_is_no_request_at_all_is_shown_as_well(sandbox):
    sandbox.http.request("POST", sandbox.url, body=SCRIPT.encode())

    page = read(sandbox, "/arrivals/1?lang=en")

    assert "unreadable" in page
    assert "send a SOAP 1.1 or 1.2 envelope" in page
    assert SCRIPT not in page


def test_a_script_in_any_place_of_a_request_is_text(sandbox, connect, agency):
    fields = ("ChuHoSo", "GhiChu", "TrichYeuHoSo", "DonViXuLy", "SoDienThoai", "Email")
    connect(sandbox).send(agency.request(1, **dict.fromkeys(fields, SCRIPT)))
    session = log_in(sandbox)
    for code in (SCRIPT, '"><img src=x onerror=alert(1)>'):
        post_json(
            sandbox,
            session=session,
            madonvi=code,
            service=code,
            isUpdating="False",
            data=[{"MaHoSo": code, SCRIPT: SCRIPT}],
        )
    sandbox.http.request(
        "POST", f"{sandbox.url}", body=b"<x/>", headers={"User-Agent": SCRIPT, SCRIPT[1:7]: "a"}
    )

    pages = [read(sandbox), *(read(sandbox, f"/arrivals/{number}") for number in range(1, 6))]

    assert SCRIPT not in "".join(pages)
    assert "<img" not in "".join(pages)
    assert "&lt;script&gt;" in "".join(pages)
    for page in (get(sandbox), get(sandbox, "/arrivals/1")):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy


def test_nothing_is_loaded_from_anywhere(sandbox, connect, agency):
    connect(sandbox).send(agency.request(1))

    for page in (read(sandbox), read(sandbox, "/arrivals/1")):
        assert "<script" not in page
        assert "<link" not in page
        assert " src=" not in page
        assert " style=" not in page
        assert "url(" not in page


def test_secrets_are_hidden(sandbox):
    session = log_in(sandbox)
    lgsp = f"{sandbox.url.removesuffix('/portal')}/lgsp/token"
    form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "rat-bi-mat"}
    sandbox.http.request("POST", lgsp, fields=form, encode_multipart=False)
    post_json(sandbox, session=session, madonvi="x", service="TraCuuHoSo", mahoso=CODE)
    sandbox.http.request(
        "POST", sandbox.url, body=b"<broken><Password>rat-bi-mat</Password>",
        headers={"Authorization": "Bearer rat-bi-mat", "X-Api": "rat-bi-mat"},
    )  # fmt: skip

    pages = "".join(read(sandbox, f"/arrivals/{number}") for number in range(1, 5))

    assert session not in pages
    assert "rat-bi-mat" not in pages
    assert "&#34;password&#34;: &#34;***&#34;" in pages
    assert "Authorization: ***" in pages


def test_it_is_on_the_control_address_only(sandbox):
    public = sandbox.url.removesuffix("/portal")

    assert sandbox.control_url.startswith("http://127.0.0.1:")
    for path in ("/", "/arrivals/1", "/page/clear", "/state"):
        assert sandbox.http.request("GET", f"{public}{path}").status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ],
)
def test_what_another_site_sends_is_refused(sandbox, headers):
    assert submit(sandbox, "clear", headers=headers).status == 403
    url = f"{sandbox.control_url}/misbehave"
    order = sandbox.http.request("POST", url, body='{"mode": "reject"}', headers=headers)
    assert order.status == 403
    assert sandbox.state()["misbehaviour"] == []


@pytest.mark.parametrize("token", ["", "x", "ư" * 43])
def test_a_form_without_the_pages_token_does_nothing(sandbox, token):
    refused = submit(sandbox, "misbehave", token=token, mode="reject")

    assert refused.status == 403
    assert "Biểu mẫu không phải của trang này" in refused.data.decode()
    assert sandbox.state()["misbehaviour"] == []


def test_the_buttons_misbehave_forget_spoil_and_file(sandbox, connect, agency):
    channel = connect(sandbox)
    channel.send(agency.request(1))

    done = submit(sandbox, "misbehave", mode="reject", count="2", pattern="")
    assert (done.status, done.headers["Location"]) == (303, "/?lang=en")
    assert [order["mode"] for order in sandbox.state()["misbehaviour"]] == ["reject"]
    assert submit(sandbox, "clear").status == 303
    assert submit(sandbox, "misbehave", mode="changed:key").status == 303
    assert sandbox.state()["misbehaviour"][0]["change"] == "key"

    assert submit(sandbox, "corrupt", dossier_code=CODE).status == 303
    assert ">99<" in read(sandbox)
    assert submit(sandbox, "delete", dossier_code=CODE).status == 303
    assert "None yet" in read(sandbox, "/?lang=en")

    assert submit(sandbox, "file", service="DongBoHoSoMC").status == 422
    nowhere = "http://127.0.0.1:9/v1/peers/portal/json"
    filed = submit(sandbox, "file", service="DongBoHoSoMC", door=nowhere, door_token="bi-mat-lam")
    assert filed.status == 303
    page = read(sandbox, "/?lang=en")
    assert "000.15.29.H29-261124-0001" in page
    assert "bi-mat-lam" not in page


@pytest.mark.parametrize(
    ("form", "fields", "status"),
    [
        ("misbehave", {"mode": "nhay-mua"}, 422),
        ("misbehave", {"mode": "reject", "count": "-1"}, 422),
        ("file", {"service": SCRIPT}, 422),
        ("file", {"service": "DongBoHoSoMC", "door": "javascript:alert(1)"}, 422),
        ("delete", {"dossier_code": "không có"}, 303),
        ("nothing", {}, 404),
    ],
)
def test_a_form_that_says_nonsense_is_told_so(sandbox, form, fields, status):
    answer = submit(sandbox, form, **fields)

    assert answer.status == status
    assert SCRIPT not in answer.data.decode()


@pytest.mark.parametrize("path", ["/arrivals/0", "/arrivals/x", "/arrivals/" + "9" * 30, "/x"])
def test_there_is_no_other_page(sandbox, path):
    answer = urllib3.request("GET", f"{sandbox.control_url}{path}")

    assert answer.status == 404

"""The console in a real browser, on a real installation: what people do with it, and see."""

import json
import re
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

import mappings
from lienthong.oidc.profile import RETURN_PATH
from lienthong.testing.identity_provider import CLIENT, SECRET, IdentityProvider, User, served

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
LAND = "land-registration"
PACKAGED = Path(mappings.__file__).parent / "agencies" / f"{LAND}.yaml"
CHANGE = ('DonViXuLy: {constant: "Văn phòng Đăng ký đất đai"}', 'DonViXuLy: {constant: "Một cửa"}')
PASSWORD = "bốn con mèo trên mái"
SCRIPT = "<script>document.title='xong'</script>"
PEOPLE = {
    "an": ("operator", "auditor", "integrator"),
    "binh": ("approver",),
    "chi": ("administrator",),
}


class Console:
    """An installation whose console runs, with people who can sign in."""

    def __init__(self, site, root, provider):
        self.site, self.root, self.provider = site, root, provider

    def messages(self, state):
        return self.site.cli("messages", "list", "--state", state, "--json").json

    def latest_snapshot(self):
        """Return a delivered snapshot that no newer one follows."""
        ids = [each["id"] for each in self.messages("delivered")]
        told = self.site.cli("messages", "preview", "reissue", *ids[:20], "--json").json
        return next(
            each["id"]
            for each in told["messages"]
            if each["would_go"] and each["packet"] == "DongBoHoSoMC"
        )

    def problem(self):
        return self.site.cli("problems", "list", "--json").json["problems"][0]["id"]

    def audit(self, event):
        return self.site.cli("audit", "search", "--event", event, "--json").json


def prepare(site, sample_set, provider):
    """Have an agency's file delivered, two dossiers of it parked, and its mapping changed since."""
    mapping = site.cli.folder / "agencies" / f"{LAND}.yaml"
    mapping.parent.mkdir()
    text = PACKAGED.read_text("utf-8")
    mapping.write_text(text, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = site.cli.folder / "lienthong.toml"
    settings.write_text(
        f'mappings_dir = "agencies"\n{settings.read_text()}'
        f"[console]\nport = {port}\ntotp_required = false\n"
        f'[console.oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
        f'client_secret = "{SECRET}"\npublic_url = "http://127.0.0.1:{port}"\n'
    )
    provider.return_url = f"http://127.0.0.1:{port}{RETURN_PATH}"
    sample = sample_set.of(LAND)
    for dossier in sample.dossiers[:2]:
        order = {"mode": "reject", "pattern": dossier}
        answer = urllib3.request("POST", f"{site.control}/misbehave", json=order, timeout=5.0)
        assert answer.status == 200
    assert site.cli("submit", sample.path, "--agency", LAND).code == 0
    assert site.cli("run", "--roles", "expand,deliver", "--until-idle").code == 0
    assert urllib3.request("POST", f"{site.control}/clear", timeout=5.0).status == 200
    for old, new in (("version: 3", "version: 4"), CHANGE):
        assert old in text
        text = text.replace(old, new)
    mapping.write_text(text, "utf-8")
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def provider():
    with served(IdentityProvider(clock=lambda: datetime.now(UTC), return_url="")) as provider:
        # To a browser another site than the console's.
        provider.address = provider.address.replace("127.0.0.1", "localhost")
        yield provider


@pytest.fixture(scope="module")
def console(site_in, sample_set, tmp_path_factory, provider):
    with site_in(tmp_path_factory.mktemp("console")) as site:
        root = prepare(site, sample_set, provider)
        codes = {
            name: site.cli(
                *("access", "account", "make", name, "--full-name", f"{name} {SCRIPT}"),
                *(word for role in roles for word in ("--role", role)),
                "--every-agency",
            ).out.strip()
            for name, roles in PEOPLE.items()
        }
        running = site.cli.start("run", "--roles", "console,replay,expand,deliver")
        try:
            for name, code in codes.items():
                set_password(root, name, code)
            yield Console(site, root, provider)
        finally:
            running.terminate()
            running.wait(timeout=30)
            running.stdout.close()


def set_password(root, name, code):
    deadline = time.monotonic() + 30
    while True:
        with suppress(urllib3.exceptions.HTTPError):
            said = {"code": code, "password": PASSWORD}
            answer = urllib3.request("POST", f"{root}/v1/session/code", json=said, retries=False)
            assert answer.status == 200, (name, answer.data)
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        # In a container root has no namespaces to put pages in.
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def visit(console, chromium):
    """Open the console as somebody; whatever the browser complains about fails the test."""
    complaints, contexts = [], []

    def open_as(name, *, width=1440):
        context = chromium.new_context(
            base_url=console.root, viewport={"width": width, "height": 900}, color_scheme="light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: _note(complaints, said))
        page.goto("/sign-in")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main button.main")
        expect(page.locator("main h1")).not_to_have_text("Đăng nhập")
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints, said):
    # What the server answers, and that it does not, is the test's own to look at.
    expected = ("Failed to load resource", "htmx:sendError", "htmx:afterRequest")
    if said.type in ("error", "warning") and not said.text.startswith(expected):
        complaints.append(said.text)


def give_reason(form, words="thử trong trình duyệt"):
    form.locator("[name=reason]").fill(words)
    form.locator("button").last.click()


def test_an_operator_finds_a_dossier_and_understands_why_it_failed(console, visit):
    rejected = next(each for each in console.messages("rejected") if each["dossier"])
    page = visit("an")

    page.keyboard.press("/")
    page.keyboard.type(rejected["dossier"])
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(rejected["dossier"])
    page.locator("section.standing a").first.click()

    expect(page.locator("h1 .badge")).to_have_text("bị từ chối")
    finding = page.locator("section.findings li").first
    expect(finding).to_contain_text("dòng")
    expect(finding).to_contain_text("→")
    expect(page.locator("table.record")).to_contain_text("MaTTHC")


def test_personal_data_is_masked_until_somebody_says_why(console, visit):
    delivered = console.messages("delivered")[0]
    page = visit("an")
    page.goto(f"/messages/{delivered['id']}")
    owner = page.locator("table.record tr", has_text="ChuHoSo").locator("td").first
    expect(owner).to_have_text(re.compile(r"^[Xx .()]+$"))

    page.click("text=Dữ liệu cá nhân đang che")
    give_reason(page.locator("details[open] form"), "đối chiếu theo yêu cầu của dân")

    expect(owner).to_contain_text("(mẫu)")
    viewed = [row["detail"]["reason"] for row in console.audit("message.viewed")]
    assert "đối chiếu theo yêu cầu của dân" in viewed
    page.click("text=Che lại")
    expect(owner).to_have_text(re.compile(r"^[Xx .()]+$"))


def test_a_parked_dossier_is_previewed_and_resent(console, visit):
    parked = console.messages("parked")[0]
    page = visit("an")
    page.goto("/")
    page.locator(".counts a", has_text="dừng chờ").click()
    page.locator("table.list tbody tr", has_text=parked["dossier"]).locator("td a").first.click()
    page.click("text=Xem trước gửi lại")
    expect(page.locator("main")).to_contain_text("gửi lại đúng từng byte")
    assert console.messages("parked")

    give_reason(page.locator(f"form[action='/messages/{parked['id']}/resend']"))

    expect(page.locator("[role=status].good")).to_contain_text("Đã cho gửi lại")
    expect(page.locator("h1 .badge")).to_be_visible()
    _until(page, "h1 .badge", "đã giao")


def _until(page, where, words):
    deadline = time.monotonic() + 30
    while page.locator(where).first.inner_text() != words:
        assert time.monotonic() < deadline, page.locator(where).first.inner_text()
        page.wait_for_timeout(300)
        page.reload()


def test_many_are_replayed_once_another_person_has_approved_the_list(console, visit):
    asking, deciding = visit("an"), visit("binh")
    made_before = len(console.messages("reissued"))
    asking.goto(f"/messages/{console.latest_snapshot()}")
    asking.click("text=Xem trước lập lại")
    changes = asking.locator("section.changes tbody tr")
    expect(changes).to_have_count(1)
    expect(changes).to_contain_text("DonViXuLy")

    asking.goto(f"/messages?agency={LAND}&state=delivered")
    asking.click("text=Làm hàng loạt với bộ lọc này")
    asking.check("[name=verb][value=reissue]")
    asking.fill("[name=rate]", "1000")
    asking.fill("[name=reason]", "ánh xạ mới")
    asking.click("text=Chốt danh sách")
    expect(asking.locator("main")).to_contain_text("Yêu cầu của chính bạn")
    expect(asking.locator("text=Duyệt và cho chạy")).to_have_count(0)

    deciding.goto("/jobs")
    deciding.locator("table.list tbody tr td a").first.click()
    deciding.click("text=Xem trước sẽ làm được gì")
    expect(deciding.locator("dl.tiles")).to_contain_text("Sẽ làm được")
    deciding.screenshot(path=PICTURES / "job-preview-1440-light.png", full_page=True)
    deciding.click("text=Về yêu cầu")
    deciding.click("text=Duyệt và cho chạy")
    _until(deciding, "#now .badge", "xong")

    count = int(re.search(r"\d+", deciding.locator("h1").inner_text())[0])
    assert count == len(console.messages("reissued")) - made_before > 20
    # The page of whoever asked renews itself, and what may be done with it.
    expect(asking.locator("#now .badge").first).to_have_text("xong", timeout=20_000)
    expect(asking.locator("main")).not_to_contain_text("Yêu cầu của chính bạn")


def test_a_problem_is_taken_on_and_then_said_to_be_solved(console, visit):
    page = visit("an")
    page.goto("/problems?code=delivery.*&state=open")
    page.locator("table.list tbody tr td a").first.click()
    expect(page.locator("main")).to_contain_text("Cơ quan sửa hồ sơ theo trả lời của Cổng")

    page.locator("[name=reason]").fill("đã báo cơ quan")
    page.click("text=Nhận xử lý")
    expect(page.locator("h1 .badge")).to_have_text("đang xử lý")
    page.locator("[name=reason]").fill("nhầm nút")
    page.click("text=Mở lại")
    expect(page.locator("h1 .badge")).to_have_text("chưa ai nhận")

    assert [row["detail"]["reason"] for row in console.audit("problem.acknowledged")] == [
        "đã báo cơ quan"
    ]


def test_a_wrong_value_is_corrected_seen_and_sent(console, visit):
    rejected = next(
        each
        for each in console.messages("rejected")
        if [error["field"] for error in each["errors"]] == ["TrangThaiHoSo"]
    )
    page = visit("an")
    page.goto(f"/messages/{rejected['id']}")
    page.click("section.acts >> text=Sửa giá trị")
    expect(page.locator("h1")).to_have_text("Sửa giá trị rồi lập lại")
    wrong = page.locator("tr.refused").first
    before, path = wrong.locator("td.value").inner_text(), wrong.locator("code").inner_text()
    wrong.locator("input[name=value]").fill("Đang xử lý")
    page.click("main >> text=Xem trước")
    expect(page.locator("section.wishes")).to_contain_text("Đang xử lý")
    assert any(each["id"] == rejected["id"] for each in console.messages("rejected"))

    give_reason(page.locator("form[action$='/correct']"), "cơ quan báo mã đúng qua điện thoại")

    expect(page.locator("[role=status].good")).to_contain_text("Đã sửa và lập lại")
    row = page.locator("section.corrections tbody tr")
    expect(row.locator("code")).to_have_text(path)
    expect(row.locator(".before")).to_have_text(before)
    expect(row.locator(".after")).to_have_text("Xxxx xx xx")
    _until(page, "h1 .badge", "đã giao")


def test_what_proves_is_taken_with_a_reason(console, visit, tmp_path):
    delivered = console.messages("delivered")[0]
    page = visit("an")
    page.goto(f"/messages/{delivered['id']}")
    page.locator("#proof").scroll_into_view_if_needed()
    expect(page.locator("section.proof .badge").first).to_have_text("nguyên vẹn và tin cậy")

    def take(summary, button):
        page.click(f"text={summary}")
        form = page.locator("details[open] form").last
        form.locator("[name=reason]").fill("dân hỏi")
        with page.expect_download() as coming:
            form.locator(f"text={button}").click()
        path = tmp_path / coming.value.suggested_filename
        coming.value.save_as(path)
        page.locator("details[open] summary").last.click()
        return path

    request = take("Tải yêu cầu / câu trả lời", "Tải yêu cầu")
    pack = take("Tải gói chứng cứ", "Tải, và ghi lại")

    assert delivered["dossier"].encode() in request.read_bytes()
    assert "is whole, signed by" in console.site.cli("evidence", "verify", str(pack)).out
    for event in ("message.viewed", "evidence.exported"):
        assert "dân hỏi" in [row["detail"]["reason"] for row in console.audit(event)], event


def test_a_list_is_kept_as_a_file(console, visit, tmp_path):
    page = visit("an")
    page.goto("/messages?state=rejected")
    with page.expect_download() as coming:
        page.click("text=CSV")
    path = tmp_path / coming.value.suggested_filename
    coming.value.save_as(path)

    lines = path.read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(console.messages("rejected"))


def test_an_agency_is_drained_and_goes_on(console, visit):
    page = visit("an")
    page.goto("/traffic")
    stop = page.locator("form[action='/traffic/pause']")
    stop.locator("select").select_option(LAND)
    stop.locator("[value=drain]").check()
    give_reason(stop, "bảo trì")

    expect(page.locator("main")).to_contain_text("đã gửi hết")
    page.goto("/")
    expect(page.locator("#now .notice")).to_contain_text("gửi cho hết rồi nghỉ")
    page.goto("/traffic")
    give_reason(page.locator("form[action='/traffic/resume']"), "xong")

    expect(page.locator(".empty")).to_be_visible()
    assert len(console.audit("pause.ended")) == 1


def test_the_language_and_the_look_change_by_a_switch(visit):
    page = visit("an")

    page.click("text=English")
    expect(page.locator("h1")).to_have_text("Overview")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator("button[name=theme]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.click("text=Tiếng Việt")
    expect(page.locator("h1")).to_have_text("Tổng quan")


def test_somebody_signs_in_through_the_identity_provider(console, visit):
    page = visit("chi")
    page.goto("/accounts")
    page.fill("[name=name]", "dung")
    page.fill("[name=full_name]", "Lê Dung")
    page.check("[name=role][value=viewer]", force=True)
    page.check("[name=every_agency]", force=True)
    page.check("[name=by_provider]")
    page.click("main button.main")
    expect(page.locator("main")).to_contain_text("chờ lần đăng nhập đầu")
    console.provider.user = User(subject="1", name="dung")
    page.click("header >> text=Đăng xuất")

    page.goto("/messages?state=parked")
    page.click("text=Đăng nhập bằng tài khoản của cơ quan")

    expect(page).to_have_url(f"{console.root}/messages?state=parked")
    expect(page.locator("header")).to_contain_text("Lê Dung")
    kept = {one["name"]: one for one in page.context.cookies()}
    assert kept["lienthong"]["httpOnly"]
    assert "lienthong-provider" not in kept

    page.click("header >> text=Đăng xuất")
    console.provider.user = User(subject="2", name="dung")
    page.click("text=Đăng nhập bằng tài khoản của cơ quan")
    expect(page.locator("[role=alert]")).to_contain_text("một người khác")
    page.click("text=English")
    expect(page).to_have_url(f"{console.root}/sign-in")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_lost_connection_is_said_until_it_is_back(visit):
    page = visit("an")
    page.goto("/")

    page.context.set_offline(True)
    expect(page.locator("#away")).to_be_visible(timeout=15_000)
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden(timeout=15_000)
    expect(page.locator("#now .card").first).to_be_visible()


def test_on_a_phone_the_search_is_folded_above_its_results(visit):
    page = visit("an", width=390)
    page.goto("/messages?state=rejected")
    form, fold = page.locator("form.filter"), page.locator(".fold summary")
    expect(form).to_be_hidden()
    expect(fold).to_contain_text("bị từ chối")
    first = page.locator("table.list tbody tr").first.bounding_box()
    assert first["y"] < 600
    assert (
        page.evaluate(
            "(nav => nav.scrollWidth - nav.clientWidth)(document.querySelector('.rooms'))"
        )
        == 0
    )

    fold.focus()
    page.keyboard.press("Enter")
    expect(form).to_be_visible()
    page.fill("[name=dossier]", "không có")
    page.locator("form.filter button").click()
    expect(page.locator("form.filter")).to_be_visible()
    expect(page.locator(".empty")).to_be_visible()

    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/problems")
    expect(page.locator("form.filter")).to_be_visible()
    expect(page.locator(".fold")).to_be_hidden()


def test_script_in_a_name_is_text(visit):
    page = visit("chi")

    page.goto("/accounts")
    expect(page.locator("tbody")).to_contain_text(SCRIPT)
    assert "xong" not in page.title()


JUDGED = {(1440, "light"), (390, "dark")}
"""How every width and every colour is judged once: a page takes a second."""


def pages_of(console):
    rejected = next(each for each in console.messages("rejected") if each["dossier"])
    delivered = console.messages("delivered")[0]
    return {
        "overview": "/",
        "deadlines": "/deadlines",
        "messages": "/messages?state=rejected",
        "message": f"/messages/{rejected['id']}",
        "preview": f"/messages/{rejected['id']}/preview?verb=reissue",
        "discard": f"/messages/{rejected['id']}/discard",
        "correct": f"/messages/{rejected['id']}/correct",
        "signature": f"/messages/{delivered['id']}/signature",
        "dossier": f"/find?q={rejected['dossier']}",
        "problems": "/problems",
        "problem": f"/problems/{console.problem()}",
        "jobs": "/jobs",
        "job-new": "/jobs/new?state=rejected",
        "traffic": "/traffic",
        "sources": "/site/sources",
        "mappings": "/site/mappings",
        "mapping": f"/site/mappings/{LAND}",
        "catalogue": "/site/catalogue",
        "queues": "/site/queues",
        "keys": "/site/keys",
        "audit": "/audit",
        "account": "/account",
        "not-found": "/nothing",
    }


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_accessible_and_fits_and_its_picture_is_kept(console, visit, width):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page, axe, found = visit("an", width=width), Axe(), {}

    for name, path in pages_of(console).items():
        page.goto(path)
        page.wait_for_load_state("networkidle")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            violations = axe.run(page).response["violations"] if (width, scheme) in JUDGED else []
            if violations:
                found[name] = [
                    (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
                    for each in violations
                ]

    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)

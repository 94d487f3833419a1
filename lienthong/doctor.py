"""Checking an installation: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import mappings
import schemas.model
from adapters.options import ZipOptions
from broker.port import BrokerError
from lienthong.evidence.alarms import open_alarms
from lienthong.evidence.stamps import Lack
from lienthong.held_keys import end_of_cover
from lienthong.inbound.examining import examine_peer
from lienthong.key_checks import prove_key
from lienthong.moving import Moving
from lienthong.oidc.examining import examine_provider
from lienthong.proving import Proving
from lienthong.reaching import Reaching
from lienthong.receivers.examining import examine_receiver
from lienthong.reconciliation.results import tell_result
from lienthong.sharing.examining import examine_sharing
from lienthong.store.attachments import read_late_fetches
from lienthong.store.contracts import count_open, list_events
from lienthong.store.database import reading
from lienthong.store.indexing import is_indexed
from lienthong.store.reconciliations import latest_results
from lienthong.store.submission_receipts import read_backlog
from mappings.dates import VIETNAM
from schemas.errors import LienthongError
from schemas.problem import Text
from signing import SigningError, is_development, load_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from lienthong.pull.sftp_profile import SftpPull
    from lienthong.remarks import Remark
    from lienthong.wiring import Installation

PACKAGES = ("adapters", "broker", "lienthong", "mappings", "schemas", "signing")
LITTLE_SPACE_BYTES = 2 * 1024**3
EXPIRY_WARNING = timedelta(days=60)
RECEIPTS_LATE = timedelta(minutes=5)
FILES_LATE = timedelta(hours=1)
RECONCILED_WITHIN = timedelta(days=2)


_STORE_KEYS = Text(vi="Khóa mã hóa kho", en="Keys of the store")


class State(Enum):
    """How one check came out."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check."""

    name: Text
    state: State
    found: Text
    remedy: Text | None = None


def examine(installation: Installation) -> list[Finding]:
    """Run every check; one that fails does not keep the others from running."""
    checks = (
        _packages,
        _data_files,
        _agencies,
        _data_dir,
        _keys,
        _revocation,
        _store,
        _store_keys,
        _pauses,
        _receipts,
        _stamps,
        _exchange,
        _target,
        _reconciliation,
        _drift,
        _sources,
        _peers,
        _receivers,
        _files,
        _identity_provider,
    )
    return [finding for check in checks for finding in check(installation)]


def _packages(_installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Gói phần mềm", en="Packages")
    owners = importlib.metadata.packages_distributions()
    strangers = {
        package: sorted(set(owners.get(package, ())) - {"lienthong"}) for package in PACKAGES
    }
    for package, others in strangers.items():
        if others:
            yield Finding(
                name=name,
                state=State.FAULT,
                found=Text(
                    vi=f"gói «{package}» cũng do {', '.join(others)} cài",
                    en=f"package '{package}' is also installed by {', '.join(others)}",
                ),
                remedy=Text(
                    vi="Cài Lienthong trong một môi trường riêng",
                    en="Install Lienthong in an environment of its own",
                ),
            )
    version = importlib.metadata.version("lienthong")
    python = ".".join(str(part) for part in sys.version_info[:3])
    text = f"lienthong {version}, Python {python}"
    if not any(strangers.values()):
        yield Finding(name=name, state=State.OK, found=Text(vi=text, en=text))


def _data_files(_installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Lược đồ và danh mục", en="Schemas and tables")
    problems = (*schemas.model.check_installed(), *mappings.check_installed())
    for problem in problems:
        yield Finding(
            name=name, state=State.FAULT, found=problem.message, remedy=problem.suggestion
        )
    if not problems:
        versions = ", ".join(schemas.model.version_names())
        yield Finding(name=name, state=State.OK, found=Text(vi=versions, en=versions))


def _agencies(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Ánh xạ của cơ quan", en="Mappings of agencies")
    try:
        names = installation.mappings.names()
    except LienthongError as error:
        yield Finding(name=name, state=State.FAULT, found=error.text)
        return
    for agency in names:
        try:
            installation.mappings.get(agency)
        except LienthongError as error:
            yield Finding(
                name=name,
                state=State.FAULT,
                found=error.text,
                remedy=Text(
                    vi=f"Xem chi tiết: lienthong mapping check {agency}",
                    en=f"See: lienthong mapping check {agency}",
                ),
            )
    text = f"{len(names)}: {', '.join(names)}"
    yield Finding(name=name, state=State.OK, found=Text(vi=text, en=text))


def _data_dir(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Thư mục dữ liệu", en="Data directory")
    folder = installation.settings.data_dir
    there = folder
    while not there.exists():
        there = there.absolute().parent
    if not os.access(there, os.W_OK):
        yield Finding(
            name=name,
            state=State.FAULT,
            found=Text(vi=f"không ghi được {there}", en=f"{there} cannot be written"),
            remedy=Text(
                vi="Sửa quyền hoặc dùng --data-dir", en="Mend its permissions or use --data-dir"
            ),
        )
        return
    free = shutil.disk_usage(there).free
    size = f"{free / 1024**3:.1f} GB"
    is_little = free < LITTLE_SPACE_BYTES
    yield Finding(
        name=name,
        state=State.WARNING if is_little else State.OK,
        found=Text(vi=f"{folder}, còn trống {size}", en=f"{folder}, {size} free"),
        remedy=Text(vi="Giải phóng dung lượng", en="Free disk space") if is_little else None,
    )


def _keys(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Khóa ký", en="Signing keys")
    keyring = installation.keyring
    named = keyring.names()
    if not named:
        yield Finding(
            name=name,
            state=State.WARNING,
            found=Text(
                vi=f"chưa có khóa nào trong {keyring.folder}", en=f"none in {keyring.folder}"
            ),
            remedy=Text(
                vi="Tạo khóa thử nghiệm: lienthong keys make",
                en="Make development keys: lienthong keys make",
            ),
        )
    now = installation.clock()
    for agency in named:
        try:
            key = keyring.agency_key(agency, "", "")
            # It must sign: of a token that is away or locked no file says so.
            prove_key(key, now=now)
        except SigningError as error:
            yield Finding(
                name=name,
                state=State.FAULT,
                found=Text(vi=f"{agency}: {error.vi}", en=f"{agency}: {error.en}"),
                remedy=Text(
                    vi="Xem: lienthong keys list, rồi docs/signing.md",
                    en="See: lienthong keys list, then docs/signing.md",
                ),
            )
            continue
        until = end_of_cover(keyring.held(agency), now=now)
        is_late = until - now < EXPIRY_WARNING
        kind = Text(vi=" (thử nghiệm)", en=" (development)")
        mark = kind if is_development(key.certificate) else Text(vi="", en="")
        yield Finding(
            name=name,
            state=State.WARNING if is_late else State.OK,
            found=Text(
                vi=f"{agency}{mark.vi}, có hiệu lực đến {until:%Y-%m-%d}",
                en=f"{agency}{mark.en}, valid until {until:%Y-%m-%d}",
            ),
            remedy=Text(vi="Xin cấp chứng thư mới", en="Ask for a new certificate")
            if is_late
            else None,
        )


def _revocation(installation: Installation) -> Iterator[Finding]:
    """The lists of what authorities have revoked: how old, and when the next is due."""
    name = Text(vi="Danh sách thu hồi", en="Revocation lists")
    settings, sources = installation.settings.revocation, installation.revocation_sources
    if settings.demand == "off":
        off = Text(vi="không hỏi (revocation.demand = off)", en="not asked for (demand = off)")
        yield Finding(name=name, state=State.OK, found=off)
        return
    remedy = Text(
        vi="Đặt danh sách mới (CRL) vào thư mục, hoặc mở đường tới máy của tổ chức cấp",
        en="Put a new list (CRL) into the folder, or open the way to the authority's server",
    )
    for reason in sources.troubles:
        found = Text(vi=reason.vi, en=reason.en)
        yield Finding(name=name, state=State.FAULT, found=found, remedy=remedy)
    states = sources.states()
    if not states and settings.folder is not None:
        none = Text(vi="thư mục chưa có danh sách nào", en="the folder has no list yet")
        yield Finding(name=name, state=State.WARNING, found=none, remedy=remedy)
    elif not states:
        none = Text(vi="chưa lấy danh sách nào", en="none was fetched yet")
        yield Finding(name=name, state=State.OK, found=none)
    for one in states:
        is_late = one.is_late(installation.clock())
        yield Finding(
            name=name,
            state=State.WARNING if is_late else State.OK,
            found=one.words(installation.clock()),
            remedy=remedy if is_late else None,
        )


def _store(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Kho thông điệp", en="Message store")
    on_server = installation.settings.store.url is not None
    if not _has_store(installation):
        yield Finding(
            name=name,
            state=State.OK,
            found=Text(vi="chưa tạo", en="not made yet"),
        )
        return
    try:
        with reading(installation.store) as connection:
            found = Proving(installation).check_log(connection)
            alarms = open_alarms(connection)
            unsafe = _unsafe_settings(connection) if on_server else []
            is_whole = is_indexed(connection)
    except (LienthongError, DBAPIError) as error:
        told = error.text if isinstance(error, LienthongError) else _cause(error)
        yield Finding(name=name, state=State.FAULT, found=told)
        return
    rows = Text(
        vi=f"nhật ký {found.rows} dòng, {len(found.faults)} sai lệch",
        en=f"audit log of {found.rows} rows, {len(found.faults)} faults",
    )
    remedy = Text(vi="Xem: lienthong audit verify", en="See: lienthong audit verify")
    yield Finding(
        name=name,
        state=State.FAULT if found.faults else State.OK,
        found=rows,
        remedy=remedy if found.faults else None,
    )
    if alarms:
        shown = "; ".join(map(str, alarms[:5])) + ("; …" if len(alarms) > 5 else "")
        yield Finding(
            name=Text(vi="Chứng cứ", en="Evidence"),
            state=State.FAULT,
            found=Text(
                vi=f"{len(alarms)} điều không còn đúng: {shown}",
                en=f"{len(alarms)} things do not hold: {shown}",
            ),
            remedy=Text(
                vi="Giữ nguyên hiện trạng; xem: lienthong audit verify",
                en="Keep everything as it is; see: lienthong audit verify",
            ),
        )
    if not is_whole:
        yield Finding(
            name=name,
            state=State.WARNING,
            found=Text(
                vi="thông điệp cũ chưa tìm được theo số giấy tờ và mã lỗi",
                en="older messages are not found by identity number and error yet",
            ),
            remedy=Text(vi="Chạy: lienthong store index", en="Run: lienthong store index"),
        )
    if unsafe:
        yield Finding(
            name=name,
            state=State.FAULT,
            found=Text(
                vi=f"PostgreSQL không giữ được dữ liệu khi mất điện: {', '.join(unsafe)} = off",
                en=f"PostgreSQL loses data in a power cut: {', '.join(unsafe)} = off",
            ),
            remedy=Text(vi="Bật lại trong postgresql.conf", en="Switch it on in postgresql.conf"),
        )


def _has_store(installation: Installation) -> bool:
    """Tell whether there is a store to look at: looking makes none."""
    on_server = installation.settings.store.url is not None
    return on_server or (installation.settings.data_dir / "store.sqlite").exists()


def _unsafe_settings(connection: Connection) -> list[str]:
    names = ("fsync", "full_page_writes")
    return [name for name in names if connection.execute(text(f"SHOW {name}")).scalar() == "off"]


def _cause(error: DBAPIError) -> Text:
    words = " ".join(str(error.orig).split())
    return Text(vi=words, en=words)


def _store_keys(installation: Installation) -> Iterator[Finding]:
    """The keys of what is sealed: without them a backup of the data is worth nothing."""
    settings = installation.settings
    if not settings.store.encrypt:
        yield Finding(
            name=_STORE_KEYS,
            state=State.WARNING,
            found=Text(vi="nội dung hồ sơ không được mã hóa", en="payloads are not encrypted"),
            remedy=Text(vi="Đặt [store] encrypt = true", en="Set [store] encrypt = true"),
        )
        return
    file = installation.key_file
    apart = settings.data_dir.absolute() not in file.absolute().parents
    yield Finding(
        name=_STORE_KEYS,
        state=State.OK if apart or not file.exists() else State.WARNING,
        found=Text(vi=str(file), en=str(file)),
        remedy=None
        if apart
        else Text(
            vi="Tệp khóa nằm cùng dữ liệu: đặt [store] key_file ở nơi khác và sao lưu riêng; "
            "mất khóa là mất hồ sơ",
            en="The key file lies with the data: set [store] key_file elsewhere and back it up "
            "apart; a lost key is lost dossiers",
        ),
    )


def _pauses(installation: Installation) -> Iterator[Finding]:
    """What people have stopped: one that is forgotten looks like a fault."""
    if not _has_store(installation):
        return
    try:
        pauses = installation.pauses.look()
    except (LienthongError, DBAPIError):
        # Told as trouble of the store.
        return
    name = Text(vi="Tạm dừng", en="Pauses")
    for one in pauses.in_force:
        of_whom = "--target" if one.is_of_target else f"--agency {one.subject}"
        remedy = f"lienthong traffic resume {of_whom} --reason …"
        yield Finding(
            name=name,
            state=State.WARNING,
            found=one.full_text,
            remedy=Text(vi=f"Khi không cần nữa: {remedy}", en=f"When it is over: {remedy}"),
        )
    if not pauses.in_force:
        yield Finding(name=name, state=State.OK, found=Text(vi="không có", en="none"))


def _receipts(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Biên nhận cho cơ quan", en="Receipts for agencies")
    try:
        with reading(installation.store) as connection:
            waiting = read_backlog(connection)
    except (LienthongError, DBAPIError):
        # Told as trouble of the store.
        return
    now = installation.clock()
    if waiting.oldest is None or now - waiting.oldest < RECEIPTS_LATE:
        text = Text(vi=f"{waiting.count} đang chờ ký", en=f"{waiting.count} wait to be signed")
        yield Finding(name=name, state=State.OK, found=text)
        return
    since = f"{waiting.oldest.astimezone():%Y-%m-%d %H:%M}"
    yield Finding(
        name=name,
        state=State.WARNING,
        found=Text(
            vi=f"{waiting.count} đang chờ ký, lâu nhất từ {since}",
            en=f"{waiting.count} wait to be signed, the first since {since}",
        ),
        remedy=Text(
            vi="Kiểm tra khóa operator (lienthong keys check) và có tiến trình chạy vai trò "
            "receipts; sau đó biên nhận tự được ký",
            en="See that the operator's key can sign (lienthong keys check) and that a worker has "
            "the role receipts; then they are signed by themselves",
        ),
    )


def _stamps(installation: Installation) -> Iterator[Finding]:
    """Time-stamps of the audit log, where somebody is asked for them."""
    if Proving(installation).stamp_rules is None or not _has_store(installation):
        return
    name = Text(vi="Dấu thời gian của nhật ký", en="Time-stamps of the audit log")
    try:
        roots = len(installation.keyring.timestamp_policy().trust_anchors)
        countdown = Proving(installation).countdown()
    except (LienthongError, SigningError, DBAPIError) as error:
        if isinstance(error, DBAPIError):
            # The store says so already.
            return
        told = Text(vi=error.vi, en=error.en) if isinstance(error, SigningError) else error.text
        yield Finding(name=name, state=State.FAULT, found=told)
        return
    states = {Lack.USUAL: State.OK, Lack.LATE: State.WARNING, Lack.OVERDUE: State.FAULT}
    state = State.OK if countdown is None else states[countdown.lack]
    pinned = Text(vi=f"{roots} chứng thư gốc; đủ", en=f"{roots} pinned roots; nothing lacks one")
    yield Finding(
        name=name,
        state=state,
        found=pinned if countdown is None else countdown.words,
        remedy=None
        if state is State.OK
        else Text(
            vi="Xem vì sao chưa có: lienthong audit stamp", en="See why: lienthong audit stamp"
        ),
    )


def _exchange(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Hàng đợi", en="Exchange")
    if installation.settings.broker.kind != "rabbitmq":
        yield Finding(
            name=name,
            state=State.OK,
            found=Text(vi="tệp trên máy này", en="a file of this machine"),
        )
        return
    from broker.rabbitmq import check  # noqa: PLC0415 - not for those without RabbitMQ

    try:
        drifts = check(installation.rabbit_settings)
    except (LienthongError, BrokerError) as error:
        words = Text(vi=error.vi, en=error.en) if isinstance(error, BrokerError) else error.text
        yield Finding(name=name, state=State.FAULT, found=words)
        return
    yield Finding(
        name=name,
        state=State.FAULT if drifts else State.OK,
        found=Text(
            vi=f"RabbitMQ, {len(drifts)} chỗ thiếu hoặc khác",
            en=f"RabbitMQ, {len(drifts)} missing or different",
        ),
        remedy=Text(vi="Xem: lienthong topology check", en="See: lienthong topology check")
        if drifts
        else None,
    )


def _target(installation: Installation) -> Iterator[Finding]:
    name = Text(vi="Cổng", en="Portal")
    try:
        endpoint = installation.target.endpoint
        with_channel = installation.open_channel()
        Reaching(installation).try_security_key()
    except (LienthongError, SigningError) as error:
        text = Text(vi=error.vi, en=error.en) if isinstance(error, SigningError) else error.text
        yield Finding(name=name, state=State.WARNING, found=text)
        return
    with_channel.close()
    yield Finding(name=name, state=State.OK, found=Text(vi=endpoint, en=endpoint))
    if _agencies_may_sign_receipts(installation):
        yield Finding(
            name=name,
            state=State.WARNING,
            found=Text(
                vi="target.receipt_trust tin cả nơi cấp chứng thư cho các cơ quan, và "
                "target.receipt_signers để trống: cơ quan nào cũng ký được biên nhận của Cổng",
                en="target.receipt_trust vouches for agencies too, and target.receipt_signers is "
                "empty: any agency could sign the portal's receipts",
            ),
            remedy=Text(
                vi="Ghi tên (CN) người ký biên nhận vào target.receipt_signers, hoặc ghim chính "
                "chứng thư của Cổng vào target.receipt_trust",
                en="Name who signs receipts (CN) in target.receipt_signers, or pin the portal's "
                "own certificate in target.receipt_trust",
            ),
        )


def _reconciliation(installation: Installation) -> Iterator[Finding]:
    """What the last comparisons with the portal found, and whether they are made each day."""
    name = Text(vi="Đối soát với Cổng", en="Agreement with the portal")
    if not _has_store(installation):
        return
    try:
        with reading(installation.store) as connection:
            results = latest_results(connection)
    except (LienthongError, DBAPIError):
        # Told as trouble of the store.
        return
    for run, counts in results:
        words, is_alarm = tell_result(run, counts)
        yield Finding(name=name, state=State.WARNING if is_alarm else State.OK, found=words)
    ended = max((run.ended_at for run, _ in results if run.ended_at), default=None)
    is_late = ended is None or installation.clock() - ended > RECONCILED_WITHIN
    if installation.settings.reconcile.at is not None and is_late:
        yield Finding(
            name=name,
            state=State.WARNING,
            found=Text(
                vi="[reconcile] at đã đặt, hai ngày qua chưa đối soát xong lần nào",
                en="[reconcile] at is set, and nothing was compared to its end for two days",
            ),
            remedy=Text(
                vi="Cần một tiến trình chạy vai trò reconcile; xem nhật ký của nó",
                en="See that a worker has the role reconcile, and its log",
            ),
        )


def _drift(installation: Installation) -> Iterator[Finding]:
    """What has changed at the portal and nobody has dealt with."""
    if not _has_store(installation):
        return
    try:
        with reading(installation.store) as connection:
            count = count_open(connection)
            latest = list_events(connection, only_open=True, limit=1)
    except (LienthongError, DBAPIError):
        # Told as trouble of the store.
        return
    name = Text(vi="Thay đổi phía Cổng", en="Changes at the portal")
    for event in latest:
        words = event.drift.words
        yield Finding(
            name=name,
            state=State.WARNING,
            found=Text(vi=f"{count} chưa xử lý: {words.vi}", en=f"{count} are open: {words.en}"),
            remedy=Text(vi="Xem: lienthong drift list", en="See: lienthong drift list"),
        )
    if not latest:
        none = Text(vi="không có", en="none")
        yield Finding(name=name, state=State.OK, found=none)


def _agencies_may_sign_receipts(installation: Installation) -> bool:
    target = installation.target
    if not target.wants_receipts or target.receipt_signers:
        return False
    try:
        of_agencies = installation.keyring.policy().trust_anchors
    except (LienthongError, SigningError):
        return False
    return not set(load_policy(target.receipt_trust).trust_anchors).isdisjoint(of_agencies)


def _sources(installation: Installation) -> Iterator[Finding]:
    """What is read by us: whether it is there and takes the query; no value is looked at."""
    if not installation.settings.pull:
        return
    from lienthong.doors.pull import agency_of  # noqa: PLC0415 - drivers are not for everybody
    from lienthong.pull.sources import open_source  # noqa: PLC0415
    from lienthong.pull.tokens import Tokens  # noqa: PLC0415

    for source, profile in installation.settings.pull.items():
        name = Text(vi=f"Nguồn {source}", en=f"Source {source}")
        try:
            agency_of(installation, source, profile)
            if profile.kind == "sftp":
                address = _probe_drops(profile)
            else:
                opened = open_source(profile, clock=installation.clock, tokens=Tokens())
                with closing(opened) as reader:
                    reader.probe()
                    address = reader.address
        except LienthongError as error:
            yield Finding(
                name=name,
                state=State.FAULT,
                found=error.text,
                remedy=Text(
                    vi="Xem docs/pulling.md, mục «When something is wrong»",
                    en="See docs/pulling.md, 'When something is wrong'",
                ),
            )
            continue
        yield Finding(name=name, state=State.OK, found=Text(vi=address, en=address))


def _peers(installation: Installation) -> Iterator[Finding]:
    """Who sends messages down to agencies: whether each can, and how strongly it is proven."""
    try:
        mappings_here = installation.mappings
    except LienthongError:
        return  # told above
    for peer, profile in installation.settings.peers.items():
        yield from _remarked(
            Text(vi=f"Bên gửi {peer}", en=f"Peer {peer}"),
            examine_peer(
                profile,
                keys=Moving(installation).peer_keys,
                mappings=mappings_here,
                receivers=installation.settings.receivers,
            ),
            well=", ".join(sorted(profile.services)),
        )


def _receivers(installation: Installation) -> Iterator[Finding]:
    """How agencies get what peers send: whether it can work."""
    try:
        mappings_here = installation.mappings
    except LienthongError:
        return  # told above
    settings = installation.settings
    for agency, receiver in settings.receivers.items():
        yield from _remarked(
            Text(vi=f"Nơi nhận {agency}", en=f"Receiver {agency}"),
            examine_receiver(agency, receiver, mappings=mappings_here),
            well="folder" if receiver.folder else "hook" if receiver.hook else "queue",
        )
    today = installation.clock().astimezone(VIETNAM).date()
    for name, profile in settings.sharing.items():
        yield from _remarked(
            Text(vi=f"Chia sẻ {name}", en=f"Sharing {name}"),
            examine_sharing(
                name,
                profile,
                mappings=mappings_here,
                receivers=settings.receivers,
                today=today,
            ),
            well=f"{profile.sender} → {profile.to}",
        )


def _remarked(name: Text, remarks: Iterable[Remark], *, well: str) -> Iterator[Finding]:
    """Yield remarks as findings; where there are none, that all is well."""
    is_well = True
    for remark in remarks:
        is_well = False
        yield Finding(
            name=name,
            state=State.FAULT if remark.is_fault else State.WARNING,
            found=remark.found,
            remedy=remark.remedy,
        )
    if is_well:
        yield Finding(name=name, state=State.OK, found=Text(vi=well, en=well))


def _identity_provider(installation: Installation) -> Iterator[Finding]:
    """Who else proves that people are who they say, where somebody does."""
    console = installation.settings.console
    if console.oidc is None:
        return
    yield from _remarked(
        Text(vi="Máy chủ định danh", en="Identity provider"),
        examine_provider(
            console.oidc, totp_required=console.totp_required, clock=installation.clock
        ),
        well=console.oidc.issuer,
    )


def _probe_drops(profile: SftpPull) -> str:
    from lienthong.pull.sftp import DropFolder  # noqa: PLC0415
    from lienthong.pull.sftp_session import connected, shown_server  # noqa: PLC0415

    with connected(profile) as session:
        DropFolder(profile, session).look()
    return shown_server(profile)


def _files(installation: Installation) -> Iterator[Finding]:
    """The file store, and whether every agency whose files are to be fetched has a server."""
    settings = installation.settings.attachments
    name = Text(vi="Tệp đính kèm", en="Attachments")
    unserved = [
        Finding(name=name, state=State.FAULT, found=found, remedy=_SEE_FILES)
        for found in _unserved(installation)
    ]
    yield from unserved
    yield from _late_files(installation, name)
    if settings.store is None and not settings.servers and not unserved:
        return
    try:
        installation.blobs.check()
        sources = installation.file_sources
    except (LienthongError, OSError) as error:
        told = error.text if isinstance(error, LienthongError) else _system_words(error)
        yield Finding(name=name, state=State.FAULT, found=told, remedy=_SEE_FILES)
        return
    for server, cause in sources.unreadable_folders():
        yield Finding(
            name=name,
            state=State.FAULT,
            found=Text(
                vi=f"không đọc được thư mục «{server}»: {cause}",
                en=f"the folder '{server}' cannot be read: {cause}",
            ),
            remedy=_SEE_FILES,
        )
    served = {agency for one in settings.servers.values() for agency in one.agencies}
    known = set(installation.mappings.names())
    for agency in sorted(served - known):
        yield Finding(
            name=name,
            state=State.FAULT,
            found=Text(
                vi=f"[attachments.servers] nêu cơ quan «{agency}», không có ánh xạ nào tên đó",
                en=f"[attachments.servers] names the agency '{agency}', which has no mapping",
            ),
            remedy=_SEE_FILES,
        )
    shown = settings.store or str(installation.settings.data_dir / "attachments")
    text = Text(
        vi=f"kho tệp {shown}; {len(settings.servers)} nơi lấy tệp",
        en=f"file store {shown}; {len(settings.servers)} places of files",
    )
    yield Finding(name=name, state=State.OK, found=text)


def _late_files(installation: Installation, name: Text) -> Iterator[Finding]:
    """Dossiers that wait for their files for so long that somebody has to look."""
    before = installation.clock() - FILES_LATE
    try:
        with reading(installation.store) as connection:
            late = read_late_fetches(connection, before=before)
    except (LienthongError, DBAPIError):
        # Told as trouble of the store.
        return
    for one in late:
        since = f"{one.oldest.astimezone():%Y-%m-%d %H:%M}"
        yield Finding(
            name=name,
            state=State.WARNING,
            found=Text(
                vi=f"{one.count} hồ sơ chờ tệp, lâu nhất từ {since}: {one.reason or 'chưa ai lấy'}",
                en=f"{one.count} dossiers wait for files, the first since {since}: "
                f"{one.reason or 'nobody has looked yet'}",
            ),
            remedy=_LATE_FILES if one.reason else _NO_FETCHER,
        )


def _unserved(installation: Installation) -> Iterator[Text]:
    """Yield for each agency whose dossiers would wait for ever that nobody may fetch its files."""
    servers = installation.settings.attachments.servers.values()
    for agency in installation.mappings.names():
        try:
            converter = installation.mappings.get(agency)
        except LienthongError:
            # Told where mappings are looked at.
            continue
        served = {
            "url" if one.folder is None else "file" for one in servers if agency in one.agencies
        }
        if isinstance(converter.source, ZipOptions):
            served.add("file")
        for way in sorted(converter.file_ways - served):
            yield Text(
                vi=f"ánh xạ «{agency}» có tệp đính kèm `{way}` mà [attachments.servers] không có "
                "nơi nào cho cơ quan này: hồ sơ của cơ quan sẽ chờ mãi",
                en=f"the mapping '{agency}' has attachments by `{way}`, and [attachments.servers] "
                "has no place for them: dossiers of this agency will wait for ever",
            )


def _system_words(error: OSError) -> Text:
    cause = error.strerror or type(error).__name__
    return Text(vi=cause, en=cause)


_LATE_FILES = Text(
    vi="Xem tệp nào: lienthong messages list --state held; messages show MÃ; rồi báo cơ quan có "
    "máy chủ tệp",
    en="See which: lienthong messages list --state held; messages show ID; then tell the agency "
    "whose file server it is",
)
_NO_FETCHER = Text(
    vi="Cần có tiến trình chạy vai trò fetch: lienthong run --roles fetch",
    en="A worker with the role fetch is needed: lienthong run --roles fetch",
)
_SEE_FILES = Text(vi="Xem docs/attachments.md", en="See docs/attachments.md")

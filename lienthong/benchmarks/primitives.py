"""
The primitives of what is durable or goes over a network, each in batches as the product uses it.

What is written is a row of about one document; the database and RabbitMQ are those of the site.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from lienthong.benchmarks.measuring import POSTGRESQL, RABBITMQ, Meter, Primitive
from lienthong.ids import make_id
from schemas.building import build_receipt
from schemas.model import load_version
from schemas.problem import Text
from signing import XadesSigner, load_policy, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from broker.rabbitmq import RabbitSettings
    from lienthong.benchmarks.measuring import Cost
    from lienthong.wiring import Installation

BATCH = 100
"""Rows of a transaction, messages whose confirms or acknowledgements go together."""
HTTP_SECONDS = 10
REQUEST_BYTES = 5_000
"""About what a signed document in its envelope has."""
DOSSIER = "000.00.00.H29-000000-0000"
WAIT = timedelta(seconds=10)


def _named(key: str, vi: str, en: str, cost: Cost) -> Primitive:
    return Primitive(key=key, name=Text(vi=vi, en=en), cost=cost)


def measure_seal(installation: Installation, bodies: Sequence[bytes]) -> Primitive:
    """Seal every body."""
    vault = installation.store.vault

    def work() -> None:
        for number, body in enumerate(bodies):
            vault.seal(body, context=f"bench:{number}")

    cost = Meter().measure(work, dossiers=len(bodies))
    return _named("seal", "niêm phong AES-GCM", "seal AES-GCM", cost)


def measure_durable(installation: Installation, bodies: Sequence[bytes]) -> Primitive:
    """Insert every body, a hundred per commit, in the quickest way the database has."""
    engine = installation.store.engine
    on_server = engine.dialect.name == "postgresql"
    kind = "BYTEA" if on_server else "BLOB"
    with closing(engine.raw_connection()) as connection:
        driver = connection.driver_connection
        assert driver is not None
        driver.execute(f"CREATE TABLE bench_rows (id TEXT PRIMARY KEY, body {kind})")
        driver.commit()
        insert = _copy if on_server else _insert

        def work() -> None:
            for start in range(0, len(bodies), BATCH):
                batch = [(f"{start + n}", body) for n, body in enumerate(bodies[start:][:BATCH])]
                insert(driver, batch)
                driver.commit()

        try:
            cost = Meter([POSTGRESQL] if on_server else ()).measure(work, dossiers=len(bodies))
        finally:
            driver.rollback()
            driver.execute("DROP TABLE bench_rows")
            driver.commit()
    return _named("durable", "ghi bền vững", "durable insert", cost)


def _copy(driver: object, rows: Sequence[tuple[str, bytes]]) -> None:
    cursor = driver.cursor()  # type: ignore[attr-defined]
    with cursor.copy("COPY bench_rows FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["text", "bytea"])
        for row in rows:
            copy.write_row(row)


def _insert(driver: object, rows: Sequence[tuple[str, bytes]]) -> None:
    driver.execute("BEGIN IMMEDIATE")  # type: ignore[attr-defined]
    driver.executemany("INSERT INTO bench_rows VALUES (?, ?)", rows)  # type: ignore[attr-defined]


def measure_rabbitmq(
    installation: Installation, sender: RabbitSettings, *, agency: str, bodies: Sequence[bytes]
) -> tuple[Primitive, Primitive]:
    """Publish every body to a queue of the agency, confirmed, and take all of them again."""
    # pika is not for those who keep everything in files.
    from broker.rabbitmq import AgencySender, Outgoing  # noqa: PLC0415

    meter = Meter([RABBITMQ])
    outgoing = [Outgoing(id=f"bench-{number}", body=body) for number, body in enumerate(bodies)]
    with closing(AgencySender(sender, agency=agency)) as door:
        door.send(outgoing[:1])

        def publish() -> None:
            for start in range(1, len(outgoing), BATCH):
                door.send(outgoing[start : start + BATCH])

        published = meter.measure(publish, dossiers=len(bodies) - 1)
    with closing(installation.open_inbox()) as inbox:

        def consume() -> None:
            taken = 0
            while taken < len(bodies):
                messages = inbox.receive(limit=BATCH, wait=WAIT)
                if not messages:
                    raise RuntimeError("messages that were confirmed do not come back")
                inbox.ack(messages)
                taken += len(messages)

        consumed = meter.measure(consume, dossiers=len(bodies))
    return (
        _named("publish", "gửi có xác nhận", "confirmed publish", published),
        _named("consume", "nhận và xác nhận", "consume + ack", consumed),
    )


def measure_http(*, calls: int) -> Primitive:
    """Post a body over one kept-alive loopback connection; the answering process is not counted."""
    body = b"x" * REQUEST_BYTES
    with _echo() as port, closing(HTTPConnection("127.0.0.1", port, timeout=HTTP_SECONDS)) as line:

        def work() -> None:
            for _ in range(calls):
                line.request("POST", "/", body, {"Content-Type": "text/xml"})
                line.getresponse().read()

        cost = Meter().measure(work, dossiers=calls)
    return _named("http", "một lần gọi HTTP", "HTTP call", cost)


@contextmanager
def _echo() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "lienthong.benchmarks.echo"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def measure_receipt(installation: Installation, *, count: int) -> Primitive:
    """Verify a receipt's signature and trust."""
    now = installation.clock()
    version = load_version(installation.target.schema_versions[0])
    receipt = XadesSigner(installation.keyring.portal_key()).sign(
        build_receipt(
            version,
            message_id=make_id(now),
            dossier_code=DOSSIER,
            digest=hashlib.sha256(b"").hexdigest(),
            received_at=now,
        ),
        signed_at=now,
    )
    policy = load_policy(
        installation.target.receipt_trust, elements=frozenset({(version.namespace, "BienNhan")})
    )

    def work() -> None:
        for _ in range(count):
            verify(receipt, policy=policy, now=now)

    cost = Meter().measure(work, dossiers=count)
    return _named("receipt", "kiểm tra biên nhận", "verify receipt", cost)

"""
A store as full as the city's after a year, made by the database itself: for looking, not for work.

Rows have the shape, the spread and the widths of real ones, and nothing that is sealed: the store
is opened with `encrypt` off. Messages of one dossier lie months apart, which is what a table of
millions is slowest at. PostgreSQL only.
"""

# ruff: noqa: S608 - made of constants of this module

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import text

from lienthong.channels.port import Packet
from lienthong.failures import DOWN, UP, Cause
from lienthong.store.database import make_tables
from lienthong.store.tables import metadata
from lienthong.store.vault import PLAIN, SEARCH_DIGEST_BYTES
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from lienthong.store.vault import Vault

AGENCIES = 30
SERVICES = 325
CODES = (
    "mapping.required",
    "mapping.date",
    "mapping.code_list",
    "xsd.length",
    "xsd.pattern",
    "portal.refused",
    "portal.unreachable",
    "attachment.missing",
)
"""Of what is wrong with messages."""
DAYS = 365
FILLED = (
    "agencies",
    "submissions",
    "dossiers",
    "messages",
    "person_index",
    "message_problems",
    "problem_groups",
    "failures",
    "attempts",
    "audit",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for in such a store; all of it is there."""

    dossiers: tuple[str, ...]
    people: tuple[str, ...]
    """Numbers of papers."""
    agencies: tuple[str, ...]
    codes: tuple[str, ...]


def fill(
    engine: Engine, *, count: int, now: datetime, say: Callable[[str], None] = lambda _: None
) -> None:
    """
    Make the tables of an empty database, and put `count` messages and what goes with them into it.

    Args:
        engine: Of a user who may switch off triggers, in PostgreSQL.
        count: Of messages.
        now: The last of them are of this moment.
        say: Told what is being made.
    """
    make_tables(engine)
    given = {"count": count, "dossiers": max(count // 3, 1), "now": now}
    later = [index for name in FILLED for index in metadata.tables[name].indexes]
    with engine.begin() as connection:
        # What each row refers to is there; looking for it five million times is not measured.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        for index in later:
            index.drop(connection)
        _note_causes(connection)
        for name, statement in _statements():
            say(name)
            connection.execute(text(statement), given)
        for index in later:
            say(index.name or "")
            index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        say("analyze")
        connection.exec_driver_sql("VACUUM (ANALYZE)")


def wanted(engine: Engine, vault: Vault, *, count: int) -> Wanted:
    """Return what to look for, the same each time; people are made to be found by their numbers."""
    dossiers = max(count // 3, 1)
    picked = [1 + (step * 7_919) % dossiers for step in range(200)]
    everybody = max(dossiers // 2, 1)
    people = sorted({number % everybody for number in picked})
    with engine.begin() as connection:
        for person in people:
            given = {"real": vault.search_digest(_paper(person)), "person": person}
            connection.execute(text(_AS_DIGESTED), given)
    return Wanted(
        dossiers=tuple(f"H29.{number:09d}" for number in picked),
        people=tuple(_paper(person) for person in people),
        agencies=tuple(f"agency-{number:02d}" for number in range(AGENCIES)),
        codes=CODES,
    )


def _paper(person: int) -> str:
    return f"079{person:09d}"


def _note_causes(connection: Connection) -> None:
    """Make a table of causes: numbers of agency and code, and what the cause is called."""
    connection.exec_driver_sql(
        "CREATE TEMP TABLE causes (id text, agency text, direction text, code text, "
        "a int, c int) ON COMMIT DROP"
    )
    rows = [
        {"id": cause.id, "agency": cause.agency, "direction": direction, "code": code, "a": a}
        | {"c": c}
        for a in range(AGENCIES)
        for c, code in enumerate(CODES)
        for direction in (UP, DOWN)
        for cause in [Cause(agency=f"agency-{a:02d}", direction=direction, code=code)]
    ]
    connection.execute(
        text("INSERT INTO causes VALUES (:id, :agency, :direction, :code, :a, :c)"), rows
    )


def _findings() -> str:
    """Return what is said of each code, as an array in SQL."""
    said = (
        Problem(
            code=code,
            message=Text(vi=f"Trường NgayNop không đúng ({code})", en=f"A field is wrong ({code})"),
            field="NgayNop",
            suggestion=Text(vi="Sửa trường đó", en="Mend that field"),
        )
        for code in CODES
    )
    texts = [json.dumps([msgspec.to_builtins(one)], ensure_ascii=False) for one in said]
    quoted = ", ".join("'" + one.replace("'", "''").replace(":", "\\:") + "'" for one in texts)
    return f"(ARRAY[{quoted}])"


def _statements() -> Iterator[tuple[str, str]]:
    """Return what fills each table, in their order."""
    plain = f"'\\x{PLAIN.hex()}'::bytea"
    yield "agencies", "INSERT INTO agencies SELECT " + _AGENCY.format("n") + _EACH_AGENCY
    yield "submissions", _SUBMISSIONS
    yield "messages", _MESSAGES.format(plain=plain, findings=_findings(), **_PACKETS)
    yield "dossiers", _DOSSIERS
    yield "person_index", _PERSONS
    yield "message_problems", _PROBLEMS
    yield "problem_groups", _GROUPS
    yield "failures", _FAILURES
    yield "attempts", _ATTEMPTS
    yield "audit", _AUDIT


_PACKETS = {
    "dossier": Packet.DOSSIER.value,
    "progress": Packet.PROGRESS.value,
    "inbound": Packet.INBOUND.value,
}
_AGENCY = "'agency-' || lpad(({})::text, 2, '0')"
_EACH_AGENCY = f", 1 + :count / 5 FROM generate_series(0, {AGENCIES - 1}) n"
# Few agencies have most dossiers, as in the city.
_OF_DOSSIER = f"floor({AGENCIES} * power(abs(hashint8(d) % 100000) / 1e5, 2))::int"
_FAKE_DIGEST = f"substring(sha256((({{}})::text)::bytea), 1, {SEARCH_DIGEST_BYTES})"
_AS_DIGESTED = (
    f"UPDATE person_index SET digest = :real WHERE digest = {_FAKE_DIGEST.format(':person')}"
)
_SUBMISSIONS = f"""
INSERT INTO submissions (id, agency, arrival, door, sender, file_name, sha256, size, state,
  records_done, tries, received_at, expanded_at, due_at, line)
SELECT 's' || lpad(n::text, 12, '0'), agency, n, 'amqp', agency, 'ban-tin.json',
  md5(n::text), 4096, CASE WHEN n > :count / 5 - 20 THEN 'received' ELSE 'expanded' END,
  5, 0, at, at, CASE WHEN n > :count / 5 - 20 THEN at END, agency
FROM (SELECT n, {_AGENCY.format(f"abs(hashint8(n)) % {AGENCIES}")} AS agency,
  (:now)::timestamptz - interval '{DAYS} days' * (1 - n / greatest(:count / 5, 1)::float8) AS at
  FROM generate_series(0, :count / 5) n) each
"""
# 0.3 % of a year stand still (parked, quarantined, held), 0.6 % were refused, and of the last of
# all a part is on its way.
_MESSAGES = f"""
INSERT INTO messages (id, submission_id, record, item, agency, dossier_code, packet, event_key,
  content_digest, sequence, state, reason, document, document_digest, place, problems, mapping,
  deadline, attempts, failures, abandons, was_update, unknown_since, due_at, proof,
  created_at, updated_at, procedure, status)
SELECT substr(ms, 1, 8) || '-' || substr(ms, 9, 4) || '-7' || lpad(to_hex(i % 4096), 3, '0') || '-8'
    || lpad(to_hex(i / 4096 % 4096), 3, '0') || '-' || substr(md5(i::text), 1, 12),
  's' || lpad((i / 5)::text, 12, '0'), i % 5 + 1, least(i / :dossiers, 9), agency,
  'H29.' || lpad(d::text, 9, '0'), packet, 'k' || i, md5(i::text), i / :dossiers + 1, state,
  CASE WHEN state IN ('parked', 'rejected') THEN 'refused by the portal' ELSE '' END,
  CASE WHEN i > :count * 3 / 4 THEN {{plain}} || decode(repeat(md5(i::text), 8), 'hex') END,
  md5(i::text) || md5(d::text),
  '{{{{"file"\\:"ban-tin.json","record"\\:' || i % 5 + 1 || '}}}}',
  CASE WHEN state IN ('parked', 'rejected', 'quarantined')
    THEN {{plain}} || convert_to({{findings}}[1 + h % {len(CODES)}], 'UTF8') END,
  agency || '@3 sha256\\:' || substr(md5(agency), 1, 12), at + interval '15 days',
  CASE state WHEN 'ready' THEN 0 WHEN 'rejected' THEN 0 ELSE 1 END, 0, 0, i >= :dossiers,
  CASE WHEN state = 'unknown' THEN at END,
  CASE state WHEN 'ready' THEN at WHEN 'retrying' THEN (:now)::timestamptz + interval '5 minutes'
    WHEN 'unknown' THEN (:now)::timestamptz + interval '1 minute' END,
  CASE WHEN state = 'delivered' THEN 'receipt' END,
  at, least(at + interval '2 seconds', (:now)::timestamptz),
  '1.' || lpad((d % {SERVICES})::text, 6, '0'),
  CASE WHEN i < :dossiers THEN '4' END
FROM (
  SELECT i, d, h, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS ms,
    {_AGENCY.format(_OF_DOSSIER)} AS agency,
    CASE WHEN d % 20 = 0 THEN '{{inbound}}' WHEN i < :dossiers THEN '{{dossier}}'
      ELSE '{{progress}}' END AS packet,
    CASE WHEN i > :count - :count / 1000 AND h % 2 = 0 THEN
        (ARRAY['ready', 'ready', 'retrying', 'unknown', 'held'])[1 + h / 2 % 5]
      WHEN h < 600 THEN 'rejected' WHEN h < 800 THEN 'discarded' WHEN h < 1000 THEN 'reissued'
      WHEN h < 2200 THEN 'superseded' WHEN h < 2300 THEN 'parked' WHEN h < 2320 THEN 'quarantined'
      WHEN h < 2500 THEN 'held' ELSE 'delivered' END AS state
  FROM (SELECT i, i % :dossiers AS d, abs(hashint8(i * 31)) % 100000 AS h,
    (:now)::timestamptz - interval '{DAYS} days' * (1 - (i + 1) / (:count)::float8) AS at
    FROM generate_series(0::bigint, :count - 1) i) numbered
) each ORDER BY i
"""
_DOSSIERS = f"""
INSERT INTO dossiers (code, agency, next_sequence, acknowledged, at_portal, fence)
SELECT 'H29.' || lpad(d::text, 9, '0'), {_AGENCY.format(_OF_DOSSIER)}, 4, true, true, 1
FROM generate_series(0::bigint, :dossiers - 1) d
"""
# One in five thousand dossiers is of the same company.
_PERSONS = f"""
INSERT INTO person_index (digest, message_id)
SELECT {_FAKE_DIGEST.format("person")}, id FROM (
  SELECT id,
    CASE WHEN hashint8(d) % 5000 = 0 THEN 0 ELSE d % greatest(:dossiers / 2, 1) END AS person
  FROM (SELECT id, substr(dossier_code, 5)::bigint AS d FROM messages WHERE item = 0) of_dossier
) each ORDER BY 1
"""
_CODE = f"1 + abs(hashtext(id)) % {len(CODES)}"
_PROBLEMS = f"""
INSERT INTO message_problems (code, message_id, field, severity)
SELECT (ARRAY{list(CODES)!r})[{_CODE}], id, 'NgayNop',
  CASE WHEN state IN ('parked', 'rejected', 'quarantined') THEN 'error' ELSE 'warning' END
FROM messages WHERE state IN ('parked', 'rejected', 'quarantined') OR abs(hashtext(id)) % 100 < 3
"""
_GROUPS = """
INSERT INTO problem_groups (id, agency, direction, code, field, answer, first_at, state, version)
SELECT id, agency, direction, code, '', '', (:now)::timestamptz - interval '365 days', 'open', 0
FROM causes
"""
_FAILURES = f"""
INSERT INTO failures (message_id, cause, last_at, is_open)
SELECT m.id, causes.id, m.updated_at, m.state IN ('parked', 'rejected', 'quarantined', 'held')
FROM (SELECT *, {_CODE} - 1 AS c FROM messages
  WHERE state IN ('parked', 'rejected', 'quarantined', 'superseded', 'reissued', 'retrying')
    OR abs(hashtext(id)) % 100 < 2) m
JOIN causes ON causes.agency = m.agency AND causes.c = m.c
  AND causes.direction = CASE WHEN m.packet = 'inbound' THEN 'down' ELSE 'up' END
"""
_ATTEMPTS = """
INSERT INTO attempts (message_id, kind, number, is_updating, started_at, ended_at, outcome,
  http_status, detail, answer_size)
SELECT id, 'send', 1, was_update, created_at, updated_at, 'delivered', 200, '', 800
FROM messages WHERE state = 'delivered' AND created_at > (:now)::timestamptz - interval '150 days'
"""
_AUDIT = """
INSERT INTO audit (at, actor, action, subject, detail, digest, seal_id)
SELECT created_at + interval '1 second' * n, 'worker',
  (ARRAY['message.ready', 'message.delivered'])[n], id, '{}', sha256(id::bytea), 1
FROM messages, generate_series(1, 2) n WHERE created_at > (:now)::timestamptz - interval '60 days'
"""

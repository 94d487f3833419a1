"""What was in use is in the log when it changes, and only then."""

import json

from sqlalchemy import select

from lienthong.flows.used import note_used
from lienthong.store.audit import Entry
from lienthong.store.database import reading
from lienthong.store.tables import audit


def mapping(name, version):
    return Entry(action="mapping.used", subject=name, detail={"version": version})


def noted(store):
    query = select(audit).where(audit.c.action == "mapping.used").order_by(audit.c.id)
    with reading(store) as connection:
        rows = connection.execute(query).all()
    return [(row.subject, json.loads(row.detail)["version"]) for row in rows]


def test_it_is_written_down_when_it_changes_and_when_it_changes_back(store, clock):
    for versions in ({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 1}):
        entries = [mapping(name, version) for name, version in versions.items()]
        note_used(store, entries, clock=clock)

    assert noted(store) == [("a", 1), ("b", 1), ("a", 2), ("a", 1)]


def test_another_event_of_the_same_subject_does_not_matter(store, clock):
    note_used(store, [mapping("a", 1)], clock=clock)
    note_used(store, [Entry(action="key.installed", subject="a", detail={"x": 1})], clock=clock)

    assert note_used(store, [mapping("a", 1)], clock=clock) == 0

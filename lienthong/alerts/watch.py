"""The role `alerts`: looks at everything every minute, and has somebody told what needs them."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from lienthong.alert_settings import MAIL
from lienthong.alerting import Found, Severity, judge
from lienthong.alerts.away import StoreAway
from lienthong.alerts.finding import Facts
from lienthong.alerts.rules import RULES
from lienthong.alerts.ways import NotSent
from lienthong.ids import make_id
from lienthong.key_checks import ENDS_SOON, keys_in_trouble
from lienthong.store.alerts import (
    LOOKING,
    forget,
    lend,
    read_known,
    settle,
    take_turn,
    write_judged,
    write_notices,
)
from lienthong.store.database import reading
from lienthong.store.replay_jobs import stopped_jobs
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from lienthong.alert_settings import AlertSettings
    from lienthong.alerting import Key, Notice
    from lienthong.alerts.ways import Way
    from lienthong.metrics.watch import Look
    from lienthong.wiring import Installation

log = structlog.get_logger()

GAP_LOOKS = 5
"""After so many looks that did not take place, what nobody was told of begins anew."""


class AlertWatch:
    """
    The role `alerts`; one instance per thread, in as many processes as there are.

    Args:
        installation: What is looked at.
        ways: How somebody is told, by channel.
        look: Looks at store and keys.
        exchange: Tells whether the exchange answers.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        ways: Mapping[str, Way],
        look: Callable[[], Look],
        exchange: Callable[[], bool],
    ) -> None:
        self._of = installation
        self._settings = installation.settings.alerts
        self._ways = ways
        self._look = look
        self._exchange = exchange
        self._away = StoreAway(installation.settings.data_dir, remind=self._remind)
        self._unsent: dict[str, list[Notice]] = {}
        """Of the store's absence, by channel."""

    def step(self) -> None:
        """
        Look once, and tell what is to be told.

        Raises:
            DBAPIError: the store fails; trying again helps.
        """
        look = self._look()
        if not look.is_up:
            self._tell_away(self._of.clock())
            return
        self._unsent.clear()
        ended = self._away.is_back(now=self._of.clock())
        if ended is not None:
            with begin(self._of.store, at=self._of.clock) as work:
                write_notices(work, [ended], channels=self._settings.channels)
        self._judge(look)
        for channel in self._settings.channels:
            self._send(channel)

    @property
    def _remind(self) -> timedelta:
        return timedelta(hours=self._settings.remind_hours)

    def _judge(self, look: Look) -> None:
        every = timedelta(seconds=self._settings.every_seconds)
        found = find(self._settings, self._facts(look))
        with begin(self._of.store, at=self._of.clock) as work:
            # A little early: who looks every minute must not find every second minute taken.
            if not take_turn(work, LOOKING, every=every / 2):
                return
            judged = judge(
                read_known(work.connection),
                found,
                now=work.at,
                gap=GAP_LOOKS * every,
                remind=self._remind,
            )
            write_judged(work, judged, channels=self._settings.channels, tells=self._tells)
            dropped = forget(work, channels=self._settings.channels)
        for one in judged.notices:
            log.warning("alerts.told", kind=one.kind.value, alert=one.rule, subject=one.subject)
        if dropped:
            log.error("alerts.never_sent", notices=dropped)

    def _tells(self, notice: Notice) -> bool:
        return self._settings.least == "warning" or notice.severity is Severity.CRITICAL

    def _facts(self, look: Look) -> Facts:
        assert look.measures is not None
        with reading(self._of.store) as connection:
            jobs = stopped_jobs(connection)
        return Facts(
            now=look.measures.at,
            measures=look.measures,
            ends=look.ends,
            exchange=self._exchange(),
            keys={
                one.holder: one.code
                for one in keys_in_trouble(self._of.keyring, now=self._of.clock())
                if one.code != ENDS_SOON
            },
            stopped_jobs=jobs,
            disk_free_percent=self._disk_free(),
            disk_least_percent=self._settings.disk_percent,
        )

    def _disk_free(self) -> int:
        try:
            usage = shutil.disk_usage(self._of.settings.data_dir)
        except OSError:
            return 0
        return usage.free * 100 // max(usage.total, 1)

    def _send(self, channel: str) -> None:
        per_hour = self._settings.mails_per_hour if channel == MAIL else None
        with begin(self._of.store, at=self._of.clock) as work:
            lent = lend(work, channel, per_hour=per_hour)
            now = work.at
        if lent is None:
            return
        is_sent = self._try(channel, lent.notices, id_=lent.ids[0], at=now)
        with begin(self._of.store, at=self._of.clock) as work:
            if not settle(work, lent, is_sent=is_sent):
                log.warning("alerts.sent_late", channel=channel)

    def _try(self, channel: str, notices: tuple[Notice, ...], *, id_: str, at: datetime) -> bool:
        try:
            self._ways[channel].send(notices, id_=id_, at=at)
        except NotSent as error:
            log.warning("alerts.not_sent", channel=channel, notices=len(notices), cause=error.cause)
            return False
        log.info("alerts.sent", channel=channel, notices=len(notices))
        return True

    def _tell_away(self, now: datetime) -> None:
        notice = self._away.look(now=now)
        if notice is not None:
            log.warning("alerts.told", kind=notice.kind.value, alert=notice.rule, subject="")
            for channel in self._settings.channels:
                self._unsent.setdefault(channel, []).append(notice)
        for channel, notices in list(self._unsent.items()):
            if self._try(channel, tuple(notices), id_=make_id(now), at=now):
                del self._unsent[channel]


def find(settings: AlertSettings, facts: Facts) -> dict[Key, Found]:
    """Return what the rules that are on find."""
    return {
        (rule.name, case.subject): Found(
            severity=rule.severity,
            hold=rule.hold,
            words=rule.say(case),
            step=rule.advise(case),
        )
        for rule in RULES
        if rule.name not in settings.off
        for case in rule.find(facts)
    }

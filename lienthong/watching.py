"""The parts of one installation that watch it for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.alerts.watch import AlertWatch
from lienthong.alerts.ways import open_way
from lienthong.health import HealthCheck
from lienthong.metrics.watch import Watch
from lienthong.proving import Proving

if TYPE_CHECKING:
    from lienthong.alerts.ways import Way
    from lienthong.wiring import Installation


class Watching:
    """Puts them together."""

    def __init__(self, installation: Installation) -> None:
        """Remember whose; parts are made when they are asked for."""
        self._of = installation

    def open_ways(self) -> dict[str, Way]:
        """
        Return the ways by which somebody is told of alerts, by channel.

        Raises:
            ConfigError: a file of TLS cannot be used.
        """
        settings = self._of.settings.alerts
        return {channel: open_way(settings, channel) for channel in settings.channels}

    def make_alert_watch(self) -> AlertWatch:
        """Put the role together that tells of alerts. Raises as `open_ways`."""
        health = HealthCheck(self._of)
        return AlertWatch(
            self._of,
            ways=self.open_ways(),
            look=Watch(self._of, stamps=Proving(self._of).stamp_rules).look,
            exchange=health.is_exchange_there,
        )

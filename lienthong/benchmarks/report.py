"""Everything one run of the whole way found, as values for machines and against the targets."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.agreement import Agreement
    from lienthong.benchmarks.measuring import Primitive, Stage
    from lienthong.benchmarks.scenarios import CaughtUp, Poisoned, Steady, Sustained

LEAST_PER_SECOND = 800
LONGEST_P99_SECONDS = 0.5
LONGEST_CATCH_UP_SECONDS = 300
CATCH_UP_HELD = 50_000
LONGEST_FRESH_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One figure beside what is asked of it."""

    name: Text
    found: str
    asked: str
    share: float
    """Of the allowance that is used: 1 is just good enough, less is better."""

    @property
    def is_met(self) -> bool:
        """Whether the figure is good enough."""
        return self.share <= 1


@dataclass(slots=True, kw_only=True)
class WayReport:
    """What one run found; what was not run is None."""

    way: str
    key: str
    slots: int
    primitives: tuple[Primitive, ...]
    stages: list[Stage]
    sustained: Sustained | None = None
    steady: Steady | None = None
    caught_up: CaughtUp | None = None
    poisoned: Poisoned | None = None
    agreement: Agreement | None = None

    @property
    def holds(self) -> bool:
        """Whether portal and store agree and only the poisonous dossier was held up."""
        is_narrow = self.poisoned is None or self.poisoned.delivered == self.poisoned.dossiers - 1
        return is_narrow and (self.agreement is None or self.agreement.holds)

    @property
    def targets(self) -> list[Target]:
        """The figures that something is asked of (design of the product, section 11)."""
        found = []
        if self.sustained is not None:
            rate = self.sustained.per_second
            found.append(
                Target(
                    name=Text(vi="Tốc độ bền vững", en="Sustained"),
                    found=f"{rate:.0f}/s",
                    asked=f"≥ {LEAST_PER_SECOND}/s",
                    share=LEAST_PER_SECOND / rate,
                )
            )
        if self.steady is not None:
            found.append(_of_steady(self.steady))
        if self.caught_up is not None:
            found += _of_catching_up(self.caught_up)
        if self.poisoned is not None:
            found.append(_of_poison(self.poisoned))
        return found

    def values(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "way": self.way,
            "key": self.key,
            "slots": self.slots,
            "machine": machine(),
            "primitives_microseconds": {one.key: asdict(one.cost) for one in self.primitives},
            "stages": {
                stage.key: {
                    "cost_microseconds": asdict(stage.cost),
                    "limit_microseconds": asdict(stage.limit),
                    "primitives": [primitive.key for primitive in stage.primitives],
                    "ratio": stage.ratio,
                }
                for stage in self.stages
            },
            "sustained": None
            if self.sustained is None
            else asdict(self.sustained) | {"per_second": self.sustained.per_second},
            "steady": None if self.steady is None else asdict(self.steady),
            "catch_up": None if self.caught_up is None else asdict(self.caught_up),
            "poison": None if self.poisoned is None else asdict(self.poisoned),
            "agreement": None if self.agreement is None else agreement_values(self.agreement),
            "targets": [
                {
                    "name": target.name.en,
                    "found": target.found,
                    "asked": target.asked,
                    "met": target.is_met,
                }
                for target in self.targets
            ],
        }


def agreement_values(agreement: Agreement) -> dict[str, int]:
    """Return how many of each fault a comparison found."""
    return {
        "dossiers": agreement.dossiers,
        "missing": len(agreement.missing),
        "unannounced": len(agreement.unannounced),
        "doubled": len(agreement.doubled),
        "differing": len(agreement.differing),
        "disordered": len(agreement.disordered),
    }


def machine() -> dict[str, str | int | None]:
    """Say on what was measured."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _of_steady(steady: Steady) -> Target:
    pace = f"{steady.per_second:g}/s"
    return Target(
        name=Text(
            vi=f"p99 từ lúc gửi đến biên nhận, {pace}", en=f"p99 from publish to receipt at {pace}"
        ),
        found=f"{steady.receipt.p99 * 1000:.0f} ms",
        asked=f"< {LONGEST_P99_SECONDS * 1000:.0f} ms",
        share=steady.receipt.p99 / LONGEST_P99_SECONDS,
    )


def _of_catching_up(caught_up: CaughtUp) -> list[Target]:
    # A shorter run is held to its share of the time.
    allowed = LONGEST_CATCH_UP_SECONDS * caught_up.held / CATCH_UP_HELD
    targets = [
        Target(
            name=Text(
                vi=f"Gửi bù {caught_up.held} thông điệp",
                en=f"{caught_up.held} held messages drained",
            ),
            found=f"{caught_up.seconds:.0f} s",
            asked=f"< {allowed:.0f} s",
            share=caught_up.seconds / allowed,
        )
    ]
    if caught_up.fresh.count:
        targets.append(
            Target(
                name=Text(vi="Hồ sơ mới trong lúc gửi bù", en="Fresh ones meanwhile, the slowest"),
                found=f"{caught_up.fresh.longest:.1f} s",
                asked=f"< {LONGEST_FRESH_SECONDS:g} s",
                share=caught_up.fresh.longest / LONGEST_FRESH_SECONDS,
            )
        )
    return targets


def _of_poison(poisoned: Poisoned) -> Target:
    return Target(
        name=Text(
            vi=f"p99 bên cạnh 1 hồ sơ hỏng trong {poisoned.dossiers}",
            en=f"p99 beside 1 poison dossier in {poisoned.dossiers}",
        ),
        found=f"{poisoned.beside.p99 * 1000:.0f} ms",
        asked=f"< {LONGEST_P99_SECONDS * 1000:.0f} ms",
        share=poisoned.beside.p99 / LONGEST_P99_SECONDS,
    )

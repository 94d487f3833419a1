"""
What a problem is told in, and finding problems by these words.

Words are those of the product: the sentence and remedy of a cause, in both languages, values
masked, with its code, its field and the other side's code. What an agency or the portal wrote is
sealed, and is not looked through.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lienthong.delivery_causes import BY_CODE
from lienthong.failures import DOWN
from lienthong.operations.masking import masked
from lienthong.owners import Owner, owner_of_finding, steps_of_finding
from lienthong.store.problem_groups import last_findings, load_groups
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from lienthong.owners import Step
    from lienthong.problem_groups import Group
    from lienthong.store.selection import Selection
    from lienthong.store.vault import Vault
    from schemas.problem import Problem


class Told(NamedTuple):
    """What is said of a problem, and to whom."""

    title: Text
    remedy: Text | None
    for_integrator: Text | None
    owner: Owner
    steps: tuple[Step, ...]

    def says(self, group: Group, wanted: Sequence[str]) -> bool:
        """Tell whether each of the words, as `words_in` gives them, stands in it."""
        texts = [text for text in (self.title, self.remedy, self.for_integrator) if text]
        cause = group.cause
        said = [part for text in texts for part in text]
        whole = _composed("\n".join([*said, cause.code, cause.field, cause.answer]))
        bare = _bare(whole)
        return all(word in (bare if word == _bare(word) else whole) for word in wanted)


def words_in(typed: str) -> list[str]:
    """Return what is looked for, word by word; marks of Vietnamese count where they are typed."""
    return _composed(typed).split()


def tell_groups(
    connection: Connection, groups: Sequence[Group], *, vault: Vault
) -> dict[str, Told]:
    """Return, by id, what is said of groups; no value stands in it."""
    findings = last_findings(connection, groups, vault=vault)
    return {group.id: _tell(group, findings) for group in groups}


def with_causes(connection: Connection, selection: Selection, *, vault: Vault) -> Selection:
    """
    Return a selection with what its text means: the groups that are told in these words, of its
    agencies and of the target, which messages of any agency may be in.
    """
    if selection.text is None:
        return selection
    groups = load_groups(connection, agencies=selection.agencies, with_target=True)
    told, wanted = tell_groups(connection, groups, vault=vault), words_in(selection.text)
    said = frozenset(group.id for group in groups if told[group.id].says(group, wanted))
    return replace(selection, causes=said)


def _tell(group: Group, findings: Mapping[str, Problem]) -> Told:
    cause = group.cause
    is_down = cause.direction == DOWN
    about = BY_CODE.get(cause.code)
    if about is not None:
        title = about.message if about.to_agency is None or not is_down else about.to_agency
        # What an agency does not take, or cannot be reached for, is with that agency.
        owner = Owner.AGENCY if is_down and about.owner is Owner.PORTAL else about.owner
        return Told(_with_answer(title, cause.answer), about.remedy, None, owner, about.steps)
    owner = owner_of_finding(cause.code, is_down=is_down)
    found = findings.get(group.id)
    if found is None:
        at = f" ({cause.field})" if cause.field else ""
        title = Text(vi=f"Lỗi {cause.code}{at}", en=f"Error {cause.code}{at}")
        return Told(title, None, None, owner, steps_of_finding(owner, by_mapping=False))
    shown = masked(found)
    steps = steps_of_finding(owner, by_mapping=shown.for_integrator is not None)
    return Told(shown.message, shown.suggestion, shown.for_integrator, owner, steps)


def _with_answer(title: Text, answer: str) -> Text:
    return (
        Text(vi=f"{title.vi} (mã {answer})", en=f"{title.en} (code {answer})") if answer else title
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _bare(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))

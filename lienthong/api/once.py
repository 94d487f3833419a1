"""Doing once what a caller may ask for again: `Idempotency-Key`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from lienthong.operations.views import View
from lienthong.store.api_requests import claim_request, forget_request, keep_answer
from lienthong.store.work import begin
from lienthong.web.refusal import refuse
from schemas.errors import InputError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lienthong.access.rights import Principal
    from lienthong.api.asking import Site
    from lienthong.store.api_requests import KnownRequest
    from lienthong.web.refusal import Refused

V = TypeVar("V", bound=View)


def once(
    site: Site,
    principal: Principal,
    key: str | None,
    *,
    asked: Mapping[str, str],
    answer: type[V],
    do: Callable[[], V],
) -> V:
    """
    Do something, or answer as the first time where it was asked for under the same key.

    Args:
        site: What is asked.
        principal: Who asks: keys of others do not matter.
        key: The caller's; None: it is done each time.
        asked: What is asked for, whole.
        answer: What it is answered with; holds no personal data.
        do: Does it; raises InputError only where nothing was done.

    Raises:
        Refused: the key was used for something else, or what was begun under it never ended.
        InputError: as `do`.
    """
    if key is None:
        return do()
    installation = site.installation
    written = json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        known = claim_request(work, principal.name, key, asked=written)
    if known is not None:
        return answer.model_validate_json(_first_answer(known))
    try:
        done = do()
    except InputError:
        with begin(installation.store, at=installation.clock, actor=principal.name) as work:
            forget_request(work, principal.name, key)
        raise
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        keep_answer(work, principal.name, key, answer=done.model_dump_json())
    return done


def _first_answer(known: KnownRequest) -> str:
    if not known.is_same:
        raise _other_request()
    if known.answer is None:
        raise _not_ended()
    return known.answer


def _other_request() -> Refused:
    return refuse(
        409,
        "api.key_conflict",
        Text(
            vi="Idempotency-Key này đã dùng cho một yêu cầu khác",
            en="This Idempotency-Key was used for another request",
        ),
        Text(vi="Dùng một khóa mới cho yêu cầu mới", en="Use a new key for a new request"),
    )


def _not_ended() -> Refused:
    return refuse(
        409,
        "api.not_ended",
        Text(
            vi="Yêu cầu đầu tiên với khóa này đang chạy, hoặc đã đứt quãng: chưa rõ đã làm chưa",
            en="The first request with this key is under way, or broke off: whether it was carried "
            "out is not known",
        ),
        Text(
            vi="Xem trạng thái và nhật ký của thông điệp; nếu chưa làm, gửi lại với khóa mới",
            en="Look at the message's state and history; if it was not done, ask with a new key",
        ),
    )

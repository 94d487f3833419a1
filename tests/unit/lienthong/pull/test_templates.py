"""Requests with holes."""

import pytest

from lienthong.pull.marked import WrongPull
from lienthong.pull.templates import MISSING, check_holes, fill, fill_address, holes_in

VALUES = {"page": 2, "since": None, "token": "a b", "user": "lt"}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{page}", 2),
        ("p{page}", "p2"),
        ("{user}:{page}", "lt:2"),
        ("{since}", MISSING),
        ("từ {since}", MISSING),
        ("{cursor}", MISSING),
        ("no {hole here}", "no {hole here}"),
        (
            {"a": ["{page}", "{since}"], "b": {"c": "{since}", "d": True}, "e": None},
            {"a": [2], "b": {"d": True}, "e": None},
        ),
    ],
    ids=lambda one: "missing" if one is MISSING else str(one),
)
def test_a_template_is_filled(template, filled):
    assert fill(template, VALUES) == filled


def test_what_fills_an_address_is_quoted():
    filled = fill_address("https://a/{ma}?x={y}", {"ma": "../b?c#d/é", "y": "1&z=2"})

    assert filled == "https://a/..%2Fb%3Fc%23d%2F%C3%A9?x=1%26z%3D2"


def test_holes_are_found_at_any_depth_and_unknown_ones_told():
    template = {"a": [{"b": "{page}{sinse}"}]}

    assert holes_in(template) == {"page", "sinse"}
    with pytest.raises(WrongPull, match=r"did you mean \{since\}\?"):
        check_holes(template, where="body", known=("page", "since"))

"""Moments as requests write them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def _no_number(given: Any) -> Any:
    # A number would be read as seconds since 1970, or as milliseconds where it is large.
    is_number = isinstance(given, int | float)
    if isinstance(given, str):
        is_number = not given.strip().strip("+-").translate({ord("."): None}).strip("0123456789")
    if is_number:
        raise PydanticCustomError("datetime_number", "a moment is written as RFC 3339 says")
    return given


Moment = Annotated[datetime, BeforeValidator(_no_number)]
"""As RFC 3339 writes it; without a zone: Việt Nam's."""

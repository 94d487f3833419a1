from __future__ import annotations

import os

from hypothesis import settings

# The same examples in every run: a failure belongs to the change that is being tested. A longer
# search is asked for by name.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

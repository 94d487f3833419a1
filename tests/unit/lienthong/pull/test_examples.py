"""Every example of docs/pulling.md is a profile as it stands there."""

import re
from pathlib import Path

import pytest

from lienthong.settings import load_settings

GUIDE = Path(__file__).parents[4] / "docs" / "pulling.md"
EXAMPLES = re.findall(r"(?ms)^```toml\n(.*?)^```", GUIDE.read_text("utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("]")[0].strip("["))
def test_an_example_of_the_guide_is_a_profile(example, tmp_path):
    file = tmp_path / "lienthong.toml"
    file.write_text(example, encoding="utf-8")

    assert len(load_settings(file=file).pull) == 1

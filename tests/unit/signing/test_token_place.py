"""The file that stands for a key in a token: what is wrong in it is told, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from signing import KeyUnusable
from signing.token_place import LARGEST_BYTES, TokenPlace, check_module, read_place

GOOD = 'module = "/usr/lib/module.so"\ntoken_label = "city"\nkey_id = "01aF"\n'


def written(folder, text):
    file = folder / "agency.pkcs11.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refusal_of(work):
    with pytest.raises(KeyUnusable) as refused:
        work()
    return refused.value


def test_a_place_is_read(tmp_path):
    assert read_place(written(tmp_path, GOOD)) == TokenPlace(
        module=Path("/usr/lib/module.so"), token_label="city", key_id=b"\x01\xaf"
    )


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    file = written(tmp_path, 'module = "module.so"\nkey_id = "xyz"\npin = "1234"\n')

    refused = refusal_of(lambda: read_place(file))

    assert refused.code == "key.token_file"
    for words in ("unknown: pin", "absolute path", "needs token_label", "key_id must be hex"):
        assert words in refused.en
    assert "đường dẫn tuyệt đối" in refused.vi
    assert "1234" not in refused.en + refused.vi


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("module = ", id="broken"),
        pytest.param(b"module = '\xff'", id="not UTF-8"),
        pytest.param(GOOD + "token_serial = 7\n", id="a number"),
        pytest.param(GOOD + "[module2]\n", id="a table"),
        pytest.param("x = " + "[" * 60_000, id="deep"),
        pytest.param(GOOD + "#" * LARGEST_BYTES, id="large"),
        pytest.param(GOOD.replace("city", ""), id="no token"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused(tmp_path, text):
    file = written(tmp_path, text)

    assert refusal_of(lambda: read_place(file)).code == "key.token_file"


def test_a_file_that_is_not_there_is_told(tmp_path):
    refused = refusal_of(lambda: read_place(tmp_path / "agency.pkcs11.toml"))

    assert refused.code == "key.missing"


def test_a_file_that_everybody_may_write_is_not_believed(tmp_path):
    file = written(tmp_path, GOOD)
    file.chmod(0o646)

    refused = refusal_of(lambda: read_place(file))

    assert refused.code == "key.token_file"
    assert "chmod o-w" in refused.vi


def test_a_module_that_everybody_may_write_is_not_loaded(tmp_path):
    module = tmp_path / "module.so"
    module.write_bytes(b"")
    module.chmod(0o757)
    link = tmp_path / "link.so"
    link.symlink_to(module)

    assert refusal_of(lambda: check_module(module)).code == "key.module_unsafe"
    assert refusal_of(lambda: check_module(link)).code == "key.module_unsafe"

    module.chmod(0o755)
    assert check_module(link) == module
    tmp_path.chmod(0o777)
    assert refusal_of(lambda: check_module(module)).code == "key.module_unsafe"
    tmp_path.chmod(0o1777)
    assert check_module(module) == module


def test_a_module_that_is_not_there_or_leads_round_in_a_circle_is_told(tmp_path):
    circle = tmp_path / "circle.so"
    circle.symlink_to(circle)

    assert refusal_of(lambda: check_module(tmp_path / "none.so")).code == "key.module"
    assert refusal_of(lambda: check_module(circle)).code == "key.module"

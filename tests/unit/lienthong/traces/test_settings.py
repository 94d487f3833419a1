"""The settings of traces: off by default, and no secret on an open line."""

import pytest
from pydantic import ValidationError

from lienthong.settings import load_settings
from lienthong.traces.profile import TraceSettings
from lienthong.traces.recording import NO_SPAN, TRACES, current, outgoing, within
from lienthong.traces.switching import recording
from schemas.errors import ConfigError


def test_traces_are_off_unless_somebody_gets_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with recording(load_settings(file=None).traces):
        assert not TRACES.is_on
        assert TRACES.begin("step") is NO_SPAN
        with within(NO_SPAN.context):
            assert outgoing(current()) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "collector:4318"},
        {"endpoint": "ftp://collector/v1/traces"},
        {"endpoint": "http://collector/v1/traces", "headers": {"Authorization": "x"}},
        {"endpoint": "https://collector/v1/traces", "headers": {"A b": "x"}},
        {"ratio": 1.1},
        {"queue_spans": 100, "batch_spans": 101},
        {"ratios": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        TraceSettings(**wrong)


@pytest.mark.parametrize("text", ["Bearer s3cret", "a b: s3cret"])
def test_a_file_of_headers_that_is_wrong_is_told_without_its_secret(tmp_path, text):
    file = tmp_path / "headers"
    file.write_text(f"X-One: 1\n{text}\n")
    settings = TraceSettings(endpoint="https://collector/v1/traces", headers_file=file)

    with pytest.raises(ConfigError) as caught, recording(settings):
        pass

    assert caught.value.code == "traces.headers_file"
    assert "s3cret" not in str(caught.value)


def test_a_file_of_headers_that_is_not_there_is_told(tmp_path):
    settings = TraceSettings(endpoint="https://collector/v1/traces", headers_file=tmp_path / "none")

    with pytest.raises(ConfigError):
        settings.read_headers()

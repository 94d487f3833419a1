"""The samples as most tests look at them: written once with the default arguments."""

from __future__ import annotations

import pytest

from lienthong.samples import write_profiles, write_samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session")
def profiles(tmp_path_factory):
    return write_profiles(tmp_path_factory.mktemp("profiles"))


@pytest.fixture(scope="session")
def every(samples, profiles):
    """The files of all fourteen formats by their agencies' names."""
    return {file.agency: file for file in (*samples.files, *profiles.files)}

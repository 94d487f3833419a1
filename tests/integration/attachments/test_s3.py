"""A bucket as file store, on a real server of the protocol."""

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import boto3
import pytest
from pydantic import SecretStr

from lienthong.attachments.blobs import opened_parts, sealed_parts
from lienthong.attachments.profile import AttachmentSettings, S3Settings
from lienthong.attachments.s3 import UPLOAD_BYTES, S3Blobs
from lienthong.store.database import make_tables, open_sqlite, open_store
from schemas.errors import ConfigError


@pytest.fixture(scope="module")
def server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_S3_CUSTOM_ENDPOINTS": f"http://127.0.0.1:{port}"},
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def client(server):
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{server}",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="ho-so")
    yield client
    for each in client.list_objects_v2(Bucket="ho-so").get("Contents", ()):
        client.delete_object(Bucket="ho-so", Key=each["Key"])
    client.delete_bucket(Bucket="ho-so")
    client.close()


def make(server, bucket="ho-so/files"):
    return S3Blobs(
        AttachmentSettings(
            store=f"s3+http://{server}/{bucket}",
            s3=S3Settings(access_key="k", secret_key=SecretStr("s")),
        )
    )


@pytest.fixture
def vault(tmp_path):
    engine = open_sqlite(tmp_path / "store.sqlite")
    make_tables(engine)
    yield open_store(
        engine, key_file=tmp_path / "store.keys", now=datetime(2026, 3, 2, tzinfo=UTC)
    ).vault
    engine.dispose()


def test_a_large_file_goes_up_in_parts_sealed_and_comes_back(server, client, vault):
    blobs = make(server)
    content = os.urandom(2 * UPLOAD_BYTES + 12_345)
    parts = [content[i : i + 100_000] for i in range(0, len(content), 100_000)]

    blobs.write("ab12", sealed_parts(parts, name="ab12", vault=vault))

    [kept] = client.list_objects_v2(Bucket="ho-so")["Contents"]
    assert kept["Key"] == "files/ab12"
    opened = opened_parts(blobs, name="ab12", size=len(content), vault=vault)
    assert b"".join(opened) == content


def test_of_an_upload_that_fails_nothing_is_there(server, client):
    def broken():
        yield bytes(UPLOAD_BYTES)
        raise ValueError("wrong file")

    with pytest.raises(ValueError, match="wrong file"):
        make(server).write("ab12", broken())

    assert "Contents" not in client.list_objects_v2(Bucket="ho-so")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="ho-so")


def test_files_are_listed_by_age_and_removed(server, client):
    blobs = make(server)
    blobs.write("ab12", [b"x"])
    client.put_object(Bucket="ho-so", Key="others", Body=b"x")

    assert list(blobs.names(before=time.time() - 60)) == []
    assert list(blobs.names(before=time.time() + 60)) == ["ab12"]
    blobs.remove("ab12")
    blobs.remove("ab12")
    assert list(blobs.names(before=time.time() + 60)) == []


def test_a_store_that_works_says_nothing_and_leaves_nothing(server, client):
    make(server).check()

    assert "Contents" not in client.list_objects_v2(Bucket="ho-so")


@pytest.mark.parametrize(("host", "bucket"), [(None, "not-there"), ("127.0.0.1:1", "hs")])
def test_a_store_that_cannot_be_used_is_told_without_keys(server, host, bucket):
    blobs = make(host or server, bucket)

    with pytest.raises(ConfigError) as caught:
        blobs.check()

    assert caught.value.code == "attachments.store"
    assert bucket in caught.value.text.en
    assert "k:s" not in caught.value.text.en


def test_what_is_not_there_cannot_be_read(server, client):
    with pytest.raises(FileNotFoundError, match="NoSuchKey"):
        list(make(server).read("gone"))

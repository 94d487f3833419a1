"""
A bucket of an S3-compatible store as file store.

A file goes up in parts of a few MiB, one after the other; until the last step there is nothing of
it under its name. What an upload that was killed leaves behind is not among the names of a bucket:
it is for a rule of the bucket's (AbortIncompleteMultipartUpload).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from errno import ENOENT
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from lienthong.attachments.blobs import check_blobs, unusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lienthong.attachments.profile import AttachmentSettings

UPLOAD_BYTES = 8 * 1024 * 1024
"""Of one part that goes up; a bucket takes 10,000 of them."""
READ_BYTES = 256 * 1024


class S3Blobs:
    """Objects of one bucket, under a prefix. Thread-safe."""

    def __init__(self, settings: AttachmentSettings) -> None:
        assert settings.store is not None
        parts = urlsplit(settings.store)
        bucket, _, prefix = unquote(parts.path).strip("/").partition("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._shown = f"{parts.hostname}/{bucket}"
        s3 = settings.s3
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=f"{parts.scheme.removeprefix('s3+')}://{parts.netloc}",
            aws_access_key_id=s3.access_key,
            aws_secret_access_key=s3.secret_key.get_secret_value(),
            region_name=s3.region,
            verify=None if s3.ca_file is None else str(s3.ca_file),
            config=Config(
                # Stores that only speak the protocol of old do not know newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
                retries={"max_attempts": 3, "mode": "standard"},
                connect_timeout=10,
                read_timeout=60,
                # None of the environment's, as everywhere.
                proxies={},
            ),
        )

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """Keep a file."""
        key = {"Bucket": self._bucket, "Key": self._prefix + name}
        with _translating():
            upload = {**key, "UploadId": self._client.create_multipart_upload(**key)["UploadId"]}
        try:
            done = []
            for number, body in enumerate(_in_uploads(parts), start=1):
                with _translating():
                    sent = self._client.upload_part(**upload, PartNumber=number, Body=body)
                done.append({"PartNumber": number, "ETag": sent["ETag"]})
            with _translating():
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
        except BaseException:
            with suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**upload)
            raise

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a file."""
        with _translating():
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
            try:
                yield from body.iter_chunks(READ_BYTES)
            finally:
                body.close()

    def remove(self, name: str) -> None:
        """Remove a file."""
        with _translating():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self, *, before: float) -> Iterator[str]:
        """Yield what was written before."""
        pages = self._client.get_paginator("list_objects_v2")
        with _translating():
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for each in page.get("Contents", ()):
                    name = each["Key"].removeprefix(self._prefix)
                    # What lies deeper is somebody else's.
                    if each["LastModified"].timestamp() < before and "/" not in name:
                        yield name

    def check(self) -> None:
        """Write, read and remove a small file."""
        try:
            check_blobs(self)
        except OSError as error:
            raise unusable(self._shown, str(error)) from error


def _in_uploads(parts: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= UPLOAD_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        # Its code only: the words may name keys and addresses.
        code = error.response.get("Error", {}).get("Code", "?")
        if code in ("NoSuchKey", "404"):
            raise FileNotFoundError(ENOENT, f"the file store answers {code}") from error
        raise OSError(f"the file store answers {code}") from error
    except (BotoCoreError, HTTPClientError) as error:
        raise OSError(f"the file store cannot be reached: {type(error).__name__}") from error

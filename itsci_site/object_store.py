"""Uploaded files in an S3-compatible store, as decision 31 has it. Loaded only where MEDIA_S3 is set.

Whatever the store says other than yes becomes an OSError, so that what holds for a full disk holds for a store that is away.
"""

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from botocore.loaders import Loader
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage

from itsci_site.lib.uploads import Away

CONNECT, READ, TRIES = 2, 5, 2
"""Seconds that a connection and each answer may take, and how often it is asked: a worker's thread waits for it."""
LONGEST = 15.0
"""Seconds that it can take to find out that it does not answer."""
REST = 5.0
"""Seconds that a store which did not answer is not asked again: one that hangs would hold every thread, one after the other."""
WHOLE = 32 * 2**20
"""Bytes. What is smaller, and so every upload, is sent in one request: it is there whole or not at all."""
MISSING = ("404", "NoSuchKey", "NotFound")
NO_KEYS, NO_BUCKET = "NoCredentials", "NoSuchBucket"
BAD_KEYS = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "Forbidden", "403")
UNKNOWN = ("NotImplemented", "MethodNotAllowed", "UnsupportedOperation")
"""Of a store that has no such thing as versions."""
SERVICES = ("s3", "sts")
"""What is asked: files, and for the keys of a machine that has a role."""
OTHER_REGION = ("301", "400", "AuthorizationHeaderMalformed")
"""A name is looked for by HEAD, whose refusals have a number alone."""
log = logging.getLogger(__name__)


class Descriptions(Loader):
    """boto's own of what Amazon offers, without where each of its four hundred services stands: 5 MB of a worker."""

    def load_data_with_path(self, name: str) -> Any:
        data, path = super().load_data_with_path(name)
        if name == "endpoints":
            for part in data["partitions"]:
                part["services"] = {one: where for one, where in part["services"].items() if one in SERVICES}
        return data, path


class ObjectStore(S3Storage):
    """Raises FileNotFoundError for a name that is not there, and Away for all else."""

    def __init__(self, **options: Any) -> None:
        style = "path" if options.get("endpoint_url") else "auto"  # a store of one's own has no name for each bucket
        client = Config(
            connect_timeout=CONNECT, read_timeout=READ, retries={"total_max_attempts": TRIES, "mode": "standard"},
            signature_version="s3v4", s3={"addressing_style": style},
            # Checksums in a trailer are Amazon's own: others refuse them.
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        )  # fmt: skip
        transfer = TransferConfig(multipart_threshold=WHOLE, use_threads=False)
        fixed = {"file_overwrite": False, "default_acl": None, "client_config": client, "transfer_config": transfer}
        super().__init__(**options | fixed)
        # One for all threads: a client may be shared, and each weighs some MB.
        self._connections = SimpleNamespace()
        self._rests_until = 0.0
        self._sizes: dict[str, int] = {}

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    def _create_session(self) -> Any:
        inner = botocore.session.get_session()
        inner.register_component("data_loader", Descriptions())
        keys = (self.access_key, self.secret_key, self.security_token)
        return boto3.Session(*keys, botocore_session=inner, profile_name=self.session_profile or None)

    @contextmanager
    def asked(self, name: str = "", expected: tuple[str, ...] = ()) -> Iterator[None]:
        """Around whatever asks the store. Raises OSError in the place of its errors, and logs what is not `expected`."""
        was_silent, now = self._rests_until, time.monotonic()
        if now < was_silent:
            raise Away("The store of files did not answer a moment ago")
        if was_silent:
            self._rests_until = now + LONGEST  # this one finds out, and the others do not wait with it
        try:
            yield
        except ClientError as error:
            self._answers(was_silent)
            code = str(error.response["Error"].get("Code", "?"))
            if code in MISSING:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
            if code not in expected:
                log.warning("The store of files refuses: %s", code)
            raise Away(f"The store of files refuses ({code})", code) from error
        except (BotoCoreError, Boto3Error) as error:
            self._rests_until = time.monotonic() + REST
            if not was_silent:
                log.warning("The store of files does not answer: %s", type(error).__name__)
            code = NO_KEYS if isinstance(error, NoCredentialsError | PartialCredentialsError) else ""
            raise Away(f"The store of files does not answer ({type(error).__name__})", code) from error
        else:
            self._answers(was_silent)

    def _answers(self, was_silent: float) -> None:
        self._rests_until = 0.0
        if was_silent:
            log.warning("The store of files answers again")

    def _open(self, name: str, mode: str = "rb") -> ContentFile:
        """Its whole content, 10 MB at most: what breaks off does so before an answer has begun."""
        with self.asked(name):
            key = self._normalize_name(name)
            return ContentFile(self.client.get_object(Bucket=self.bucket_name, Key=key)["Body"].read(), name)

    def _save(self, name: str, content: Any) -> str:
        with self.asked(name):
            return super()._save(name, content)

    def delete(self, name: str) -> None:
        with self.asked(name):
            super().delete(name)
        self._sizes.pop(name, None)

    def exists(self, name: str) -> bool:
        with self.asked(name):
            return super().exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with self.asked(path):
            return super().listdir(path)

    def size(self, name: str) -> int:
        """Bytes. Asked once: names are random, and the content of a name never changes."""
        if name not in self._sizes:
            with self.asked(name):
                head = self.client.head_object(Bucket=self.bucket_name, Key=self._normalize_name(name))
                self._sizes[name] = head["ContentLength"]
        return self._sizes[name]

    def get_modified_time(self, name: str) -> Any:
        with self.asked(name):
            return super().get_modified_time(name)

    def url(self, name: str, *_given: Any, **_named: Any) -> str:
        """As a folder without an address of its own has it: to a file lead the views alone, and no signed link."""
        return f"/{name}"


def wrong(store: ObjectStore) -> Iterator[tuple[str, str]]:
    """What is wrong with the store, and what to do: an object is written, read, listed and deleted."""
    name = f"probe-{token_hex(8)}"
    acts = {
        "written": lambda: store.save(name, ContentFile(b"probe")), "read": lambda: store.open(name),
        "listed": lambda: store.listdir(""), "": lambda: _private(store, name), "deleted": lambda: store.delete(name),
    }  # fmt: skip
    for act, ask in acts.items():
        try:
            ask()
        except NotPrivate:
            yield (
                f"Everybody can read what is in the bucket {store.bucket_name}: what is withdrawn, too, by its address.",
                "Take public access from the bucket. The site hands files out itself.",
            )
        except OSError as error:
            yield _in_words(store, act, error)
            if act == "written":
                return
    yield from _versions(store)


class NotPrivate(Exception):
    """Somebody without keys could read an object."""


def _private(store: ObjectStore, name: str) -> None:
    try:
        store.unsigned_connection.meta.client.get_object(Bucket=store.bucket_name, Key=store._normalize_name(name))
    except (ClientError, BotoCoreError):  # as it should be: nothing to log
        return
    raise NotPrivate


def _in_words(store: ObjectStore, act: str, error: OSError) -> tuple[str, str]:
    code, names = getattr(error, "code", ""), "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if code == NO_BUCKET:
        return (
            f"The bucket {store.bucket_name} of MEDIA_S3 is not there.",
            "Make it, private and without versions, or correct MEDIA_S3.",
        )
    if code == NO_KEYS:
        return "There are no keys for the store of MEDIA_S3.", f"Set {names}, or give the machine a role."
    if code in BAD_KEYS:
        may = f"list {store.bucket_name}, and read, write and delete objects in it"
        return (
            f"The store of MEDIA_S3 refuses the keys ({code}): no file can be {act}.",
            f"Correct {names}: they have to {may}.",
        )
    if code in OTHER_REGION:
        return (
            f"The store of MEDIA_S3 answers {code}: no file can be {act}.",
            "Is its region in MEDIA_S3 right? Then look at the store's own log.",
        )
    if code:
        return f"The store of MEDIA_S3 answers {code}: no file can be {act}.", "Look at MEDIA_S3, and at the store's own log."
    return (
        f"{error}: no file can be {act}.",
        "Is it running, are endpoint and region in MEDIA_S3 right, and can this machine reach it?",
    )


def _versions(store: ObjectStore) -> Iterator[tuple[str, str]]:
    where = {"Bucket": store.bucket_name}
    try:
        with store.asked(expected=UNKNOWN):
            if store.client.get_bucket_versioning(**where).get("Status") == "Enabled":
                yield (
                    f"The bucket {store.bucket_name} keeps versions: what is withdrawn or erased stays there.",
                    "Suspend versioning, then delete the versions there are; have no rule that keeps deleted objects.",
                )
                return
            there = store.client.list_object_versions(**where, Prefix=store.location)
    except OSError as error:
        if getattr(error, "code", "") not in UNKNOWN:
            yield (
                f"Whether the bucket {store.bucket_name} keeps versions cannot be asked. {error}.",
                "Allow the keys s3:GetBucketVersioning and s3:ListBucketVersions, or see to it that it keeps none.",
            )
        return
    if there.get("DeleteMarkers") or not all(one["IsLatest"] for one in there.get("Versions", ())):
        yield (
            f"The bucket {store.bucket_name} still has versions of files that were deleted or replaced.",
            "Delete all versions but the last, and the marks of deletion.",
        )

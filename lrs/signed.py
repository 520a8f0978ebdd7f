"""Addresses under which a browser may fetch one object from the S3 server itself.

Only where `ROLLCALL_S3_MEDIA_URL` names the address at which browsers reach that
server. Signature version 4 in the query, so the host is part of what is signed and the
address is good for one object, one type and some hours.
"""

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lrs.config import Config
from lrs.storage import check_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# a browser goes on with the address it was given, through pauses too
SECONDS = 6 * 60 * 60


class Signer:
    """Makes addresses of objects of one bucket under a prefix."""

    def __init__(self, *, bucket: str, prefix: str, url: str) -> None:
        """Sign for the server at `url`."""
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.origin = url
        self._lock = threading.Lock()
        self._client: S3Client | None = None

    def address(self, key: str, *, content_type: str) -> str:
        """The signed address of what is stored under `key`, sent as this type."""
        client = self._client or self._make()
        return client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.bucket,
                "Key": self.prefix + check_key(key),
                "ResponseContentType": content_type,
                "ResponseCacheControl": "private, max-age=21600",
            },
            ExpiresIn=SECONDS,
        )

    def _make(self) -> "S3Client":
        # half a second that only those wait for who need it
        import boto3
        from botocore.config import Config as ClientConfig

        with self._lock:
            if self._client is None:
                self._client = boto3.session.Session().client(
                    "s3",
                    endpoint_url=self.origin,
                    config=ClientConfig(
                        signature_version="s3v4", s3={"addressing_style": "path"}
                    ),
                )
            return self._client


def make_signer(config: Config) -> Signer | None:
    """What signs for the storage that the settings name; None where nothing is to be."""
    url = urlsplit(config.storage_url)
    if url.scheme != "s3" or not config.s3_media_url:
        return None
    return Signer(
        bucket=url.netloc, prefix=url.path.strip("/"), url=config.s3_media_url
    )

"""Files named by their URL. The gateway may reach more than its clients can, so it must be allowed to fetch them."""

from __future__ import annotations

import aiohttp
from yarl import URL

from ocr_gateway.refusals import BodyTooLarge, NotUnderstood

TIMEOUT_S = 30.0
MAX_REDIRECTS = 5
_CHUNK = 1 << 16


async def fetched(url: str, max_bytes: int) -> bytes:
    """Return the file at an http or https URL; no proxy is asked, and no cookie kept.

    Raises:
        NotUnderstood: it cannot be fetched, or not in time.
        BodyTooLarge: it has more bytes.
    """
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},  # what is packed might be unpacked to any size
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.get(_address(url), max_redirects=MAX_REDIRECTS) as answer,
        ):
            if answer.status != 200:
                raise NotUnderstood(f"file: its URL was answered with HTTP {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                content += chunk
                if len(content) > max_bytes:
                    raise BodyTooLarge(f"file: at its URL are more than {max_bytes:,} bytes, which is the limit")
            return bytes(content)
    except TimeoutError as error:
        raise NotUnderstood(f"file: its URL was not answered within {TIMEOUT_S:g} s, which is the limit") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotUnderstood(f"file: its URL cannot be fetched ({type(error).__name__})") from error


def _address(url: str) -> URL:
    """A URL as it is, since some are signed letter by letter; letters that no URL may have are quoted."""
    return URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)

"""One file over HTTP or from a ``file:`` URL, continued where an earlier transfer stopped."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener, url2pathname

from ..errors import WeightsError
from .cache import by_hand, size_of
from .model import ALLOWED, Download, report, url_fault

CHUNK = 1 << 18
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""

PAUSES = (0.5, 2.0)
"""Seconds to wait before the second and the third try, where the one before brought nothing new."""

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may be another one in a moment."""

UNSATISFIABLE = 416


class _Broken(Exception):
    """A transfer stopped for a reason that may pass."""


@dataclass(frozen=True)
class Job:
    """One transfer.

    Attributes:
        download: what to fetch.
        part: file to complete; it need not exist.
        target: where the whole file belongs, for messages.
        label: what it is.
    """

    download: Download
    part: Path
    target: Path
    label: str


class _Redirects(HTTPRedirectHandler):
    """Follows redirections to where plic would fetch from anyway."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        if (fault := url_fault(newurl)) is not None:  # urllib itself refuses files
            raise WeightsError(
                f"{req.full_url} redirects to a place that nothing is fetched from",
                got=f"{newurl}: {fault}",
                expected=ALLOWED,
                hint="ask whoever wrote the catalogue's entry for another URL",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def transfer(job: Job) -> None:
    """Bring the partial file to the size of the download; what it holds already is kept where the server allows.

    A broken connection is taken up again as long as tries bring something new.

    Raises:
        WeightsError: the server refuses, has a file of another size, or cannot be reached.
        OSError: the partial file cannot be written.
    """
    size = job.download.size
    if size_of(job.part) > size:
        job.part.unlink()
    fruitless = 0
    while (before := size_of(job.part)) < size:
        try:
            with _opened(job, before) as (start, stream):
                _write(job, start, stream)
            reason = "the connection was closed too early"
        except _Broken as error:
            reason = str(error)
        if (done := size_of(job.part)) >= size:
            break
        fruitless = 0 if done > before else fruitless + 1
        if fruitless > len(PAUSES):
            raise _unreachable(job, done, reason)
        time.sleep(PAUSES[max(fruitless - 1, 0)])


def _write(job: Job, start: int, stream: Any) -> None:
    size = job.download.size
    with open(job.part, "r+b" if start else "wb") as file:
        file.seek(start)
        done = start
        report(job.label, done, size)
        while data := _read(stream):
            done += len(data)
            if done > size:
                raise _other_size(job, f"more than {size:,} bytes")
            file.write(data)
            report(job.label, done, size)


def _read(stream: Any) -> bytes:
    try:
        data: bytes = stream.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(str(error) or type(error).__name__) from error
    return data


@contextmanager
def _opened(job: Job, done: int) -> Iterator[tuple[int, Any]]:
    """The rest of the file, and from which byte on it is."""
    if urlsplit(job.download.url).scheme == "file":
        with _file(job) as stream:
            stream.seek(done)
            yield done, stream
        return
    try:
        response = _request(job.download.url, done)
    except HTTPError as error:
        with error:
            raise _answer(job, done, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(str(getattr(error, "reason", error)) or type(error).__name__) from error
    with response:
        yield _start(job, done, response), response


def _answer(job: Job, done: int, error: HTTPError) -> Exception:
    """What a server's refusal means."""
    reason = f"HTTP {error.code} {error.reason}"
    if done and error.code == UNSATISFIABLE:
        job.part.unlink(missing_ok=True)
        return _Broken("the server's file is shorter than what was left of an earlier transfer")
    if error.code in PASSING:
        return _Broken(reason)
    return WeightsError(
        f"the {job.label} cannot be fetched",
        got=f"{reason} from {job.download.url}",
        expected=f"{job.download.size:,} bytes",
        hint=f"ask whoever wrote the catalogue's entry for another URL, or {by_hand(job.download, job.target)}",
    )


def _file(job: Job) -> IO[bytes]:
    path = Path(url2pathname(urlsplit(job.download.url).path))
    try:
        stream = path.open("rb")
    except OSError as error:
        hint = "check the path, or mend the catalogue's entry"
        raise WeightsError(f"the {job.label} cannot be read", got=f"{path}: {error.strerror}", hint=hint) from error
    if (size := path.stat().st_size) != job.download.size:
        stream.close()
        raise _other_size(job, f"{size:,} bytes")
    return stream


def _request(url: str, done: int) -> Any:
    from ... import __version__

    headers = {"User-Agent": f"plic/{__version__}", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    return build_opener(_Redirects).open(Request(url, headers=headers), timeout=TIMEOUT)


def _start(job: Job, done: int, response: Any) -> int:
    """From which byte on a response holds the file: a server without ranges sends all of it again."""
    if response.status == http.client.PARTIAL_CONTENT:
        stated = response.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", stated)
        if found is None or int(found[1]) != done:
            raise _Broken(f"the server sent another range: {stated}")
        total = found[2]
    else:
        done, total = 0, response.headers.get("Content-Length", "")
    if total.isdigit() and int(total) != job.download.size:
        raise _other_size(job, f"{int(total):,} bytes")
    return done


def _other_size(job: Job, got: str) -> WeightsError:
    return WeightsError(
        f"the {job.label} at {job.download.url} are not of the size that the catalogue states",
        got=got,
        expected=f"{job.download.size:,} bytes, SHA-256 {job.download.sha256}",
        hint="do not use that file; ask whoever wrote the catalogue's entry which one is right",
    )


def _unreachable(job: Job, done: int, reason: str) -> WeightsError:
    return WeightsError(
        f"the {job.label} could not be fetched from {job.download.url}",
        got=f"{reason}; {done:,} bytes are there",
        expected=f"{job.download.size:,} bytes",
        hint="check the connection and try again, it goes on where it stopped; or " + by_hand(job.download, job.target),
    )

"""The part of the S3 protocol that reading needs, over objects in memory."""

import threading
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@contextmanager
def serving(bucket, objects):
    """Serve a bucket on a free port of 127.0.0.1; yields host:port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            url = urlsplit(self.path)
            key = unquote(url.path).removeprefix(f"/{bucket}").lstrip("/")
            if not key:
                asked = parse_qs(url.query, keep_blank_values=True)
                return self.answer(200, listing(asked.get("prefix", [""])[0]), "application/xml")
            if key not in objects:
                return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")
            body, wanted = objects[key], self.headers.get("Range")
            if wanted is None:
                return self.answer(200, body)
            first, last = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
            more = {"Content-Range": f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}"}
            return self.answer(206, body[first : last + 1], **more)

        def do_HEAD(self):
            self.do_GET()

        def answer(self, code, body, kind="application/octet-stream", **headers):
            self.send_response(code)
            every = {"Content-Type": kind, "Content-Length": len(body), "Last-Modified": formatdate(0, usegmt=True)}
            for name, value in {**every, "ETag": '"0"', **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    def listing(prefix):
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size>"
            "<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
            for key, body in sorted(objects.items())
            if key.startswith(prefix)
        )
        count = found.count("<Key>")
        head = f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated><KeyCount>{count}</KeyCount>"
        return f"<ListBucketResult>{head}{found}</ListBucketResult>".encode()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

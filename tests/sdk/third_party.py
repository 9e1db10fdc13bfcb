"""A live platform of a third party: the server that MetaStudio asks for products.

It checks signatures as the vendor documents them for CustomPlatformAuthConfig.key: HMAC-SHA256 over
host, path, the query sorted by name, and the time, seconds in hex, good for a minute.
"""

import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time
import urllib.parse

# The one example that the vendor works out.
EXAMPLE = {
    "key": "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly",
    "url": "https://api.example.com/v1/products?live_id=111&limit=10&offset=0",
    "time": "66df9308",
    "secret": "5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7",
}


def signature(key, url, at):
    parts = urllib.parse.urlsplit(url)
    query = "&".join(sorted(parts.query.split("&")))
    signed = parts.netloc + parts.path + ("?" + query if query else "") + at
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()


assert signature(EXAMPLE["key"], EXAMPLE["url"], EXAMPLE["time"]) == EXAMPLE["secret"]


class ThirdParty:
    """A server on a free port of this machine; over TLS if there is a certificate."""

    def __init__(self, tls, answer):
        """`answer` is given path and query and gives status and body."""
        self.calls, party = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            # Connections are kept, as servers of the wild do.
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
                party.calls.append({"method": self.command, "path": self.path, "headers": headers, "query": query})
                status, body = answer(parts.path, query)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.block_on_close = True, False
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def signed_by(self, call, key):
        """Refuses a call that the key did not sign within the last minute."""
        at = call["headers"].get("x-hw-mss-time", "")
        assert at and at == at.lower(), f"x-hw-mss-time is {at!r}"
        age = time.time() - int(at, 16)
        assert -5 <= age <= 60, f"the call is {age:.0f} s old"
        wanted = signature(key, self.url + call["path"], at)
        assert call["headers"].get("x-hw-mss-secret") == wanted, f"{call['path']} is signed otherwise"

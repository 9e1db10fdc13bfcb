"""What the checks share: the gateway, two tenants, and a record of what held.

A check is a function over the bench, named after an operation of the vendor's API. It holds if the
function returns, and what it raises is the reason why not.
"""

import json
import secrets
import time
import traceback


class Skip(Exception):
    """What a check needs is not here."""


class Answer:
    """What came of a call: a body, or the vendor's error."""

    def __init__(self, status, body=None, code=None, message="", request_id=None, model=None):
        self.status, self.body, self.code, self.message = status, body, code, message
        self.request_id, self.model = request_id, model

    def __repr__(self):
        return f"{self.status} {self.code or json.dumps(self.body)} {self.message}".strip()


class Tenant:
    """A tenant's credentials, by their names in the file."""

    NAMES = ("project_id", "access_key", "secret_key", "auth_token", "restful_id", "restful_secret", "app_id")

    def __init__(self, values):
        for name in self.NAMES:
            setattr(self, name, str(values[name]))


class Bench:
    """The gateway under test and what the checks made there."""

    def __init__(self, gateway, a, b, tls=None):
        self.gateway, self.a, self.b, self.tls = gateway.rstrip("/"), a, b, tls
        # Whatever is in here may be in no answer. Each is long enough not to come about by chance.
        self.hidden = {value for one in (a, b) for value in (one.secret_key, one.auth_token, one.restful_secret)}
        self.made = {}

    @property
    def host(self):
        return self.gateway.split("://", 1)[1]

    def secret(self, length=32):
        """A new secret that no answer may have."""
        assert length >= 16, "it would come about by chance"
        text = secrets.token_hex(length)[:length]
        self.hidden.add(text)
        return text

    def fresh(self, prefix="t"):
        """A name that nothing else has."""
        return f"{prefix}-{secrets.token_hex(6)}"

    def seen(self, text):
        """Refuses an answer with a secret in it."""
        shown = [secret for secret in self.hidden if secret in text]
        assert not shown, f"a secret is shown: {self.masked(text)[:400]}"

    def masked(self, text):
        for secret in self.hidden:
            text = text.replace(secret, "***")
        return text

    def once(self, name, make):
        """A thing that several checks use."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]


class Checks:
    """A module's checks, in the order in which they run."""

    def __init__(self):
        self.all = []

    def check(self, operation, name):
        def take(function):
            self.add(operation, name, function)
            return function
        return take

    def add(self, operation, name, function):
        self.all.append((operation, name, function))

    def run(self, bench, tell):
        """Runs them; says whether all held."""
        fine = True
        for operation, name, function in self.all:
            started = time.monotonic()
            line = {"operation": operation, "check": name}
            try:
                detail = function(bench)
                line |= {"ok": True, "detail": bench.masked(str(detail or ""))}
            except Skip as reason:
                line |= {"ok": None, "detail": f"skipped: {reason}"}
            except Exception as error:  # whatever it is, it is this check's
                fine = False
                line |= {"ok": False, "detail": bench.masked(reason_of(error))}
            line["ms"] = round((time.monotonic() - started) * 1000)
            tell(line)
        return fine


def reason_of(error):
    """What a failed check says: the assertion's text, or the error and where it comes from."""
    text = str(error).strip()
    if isinstance(error, AssertionError) and text:
        return text[:600]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text[:500]} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})"


def same(found, wanted, what="the answer"):
    assert found == wanted, f"{what} is {found!r}, not {wanted!r}"


def has(found, wanted, what="the answer"):
    """Whether all that is wanted is in what was found; lists are compared whole."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), f"{what} is {found!r}, not an object"
        for name, value in wanted.items():
            assert name in found, f"{what} has no {name}: {found!r}"
            has(found[name], value, f"{what}.{name}")
    else:
        same(found, wanted, what)


def until(look, wanted, seconds=10, what="it"):
    """Looks again until what is wanted is there."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if wanted(found):
            return found
        assert time.monotonic() < end, f"{what} did not come about in {seconds} s: {found!r}"
        time.sleep(0.1)

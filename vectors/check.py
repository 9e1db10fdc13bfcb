#!/usr/bin/env python3
"""Checks the vectors that were written by hand against a second opinion in Python.

What livegate should say of a call, an address, a body or a filter was written down from the
specifications. Here the same specifications are read once more, with Python's json, urllib,
ipaddress and datetime, so that a slip of the pen in a vector is found before the code learns it.
(The signatures of vectors/scheme and vectors/request are made by make_scheme.py and make_request.py,
vectors/layout by make_layout.py; their `--check` is theirs.)

    python3 vectors/check.py        # says how many of each file were judged; fails at a difference
"""

import datetime
import ipaddress
import json
import pathlib
import re
import sys
import urllib.parse

import check_control

HERE = pathlib.Path(__file__).resolve().parent


def strict(text):
    """JSON as RFC 8259 has it: Python takes NaN and Infinity, too, and a number has to fit."""
    def refuse(name):
        raise ValueError(name)

    def integer(digits):
        # Exact where 64 bits hold it, binary64 beyond.
        value = int(digits)
        return value if -2**63 <= value < 2**64 and digits != "-0" else float(digits)
    return json.loads(text, parse_constant=refuse, parse_int=integer)


def members(text):
    """An object's members as pairs, repeated ones included; None for anything else."""
    value = json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs))
    return value[1] if isinstance(value, tuple) else None


def read(name):
    return json.loads((HERE / name).read_text("utf-8"))


# --- Addresses -------------------------------------------------------------------------------

# Networks that Python's ipaddress takes for global (in this or an older release), and why they are
# none for callbacks: they lead to another network's inside, or are not in use.
NOT_CALLED = [ipaddress.ip_network(text) for text in (
    "192.88.99.0/24",   # 6to4 relays, withdrawn (RFC 7526)
    "192.0.0.0/24",     # protocol assignments: a few are global, none is a callback's receiver
    "224.0.0.0/4",      # multicast
    "::/96", "::ffff:0:0/96",  # IPv4 in IPv6's clothes (RFC 4291)
    "64:ff9b::/96", "64:ff9b:1::/48",  # translators (RFC 6052, RFC 8215)
    "100:0:0:1::/64",   # RFC 9780
    "2001::/23",        # protocol assignments, Teredo among them
    "2002::/16",        # 6to4 (RFC 3056)
    "3fff::/20",        # documentation (RFC 9637)
    "5f00::/16",        # SRv6 (RFC 9602)
    "fec0::/10",        # site-local (RFC 3879)
)]
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(address):
    inside = any(address.version == net.version and address in net for net in NOT_CALLED)
    unicast = address.version == 4 or address in GLOBAL_UNICAST
    return address.is_global and not address.is_multicast and not inside and unicast


def split_host(url):
    """Scheme, host and port as text, path and query; a code if there is no telling them."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        return "url.scheme"
    parts = urllib.parse.urlsplit(url if "[" not in url else url.replace("[", "").replace("]", ""))
    netloc = re.split("[/?#]", rest, maxsplit=1)[0]
    return scheme.lower(), netloc, parts.path, parts.query


def judge_url(url):
    if not url:
        return "url.empty"
    if len(url) > 2048:
        return "url.too_long"
    authority = re.search(r"//[^/?#]*", url)
    rest = url.replace(authority.group(), "", 1) if authority else url
    # RFC 3986: what stands in no production; brackets belong to IPv6 alone.
    if re.search(r'[^\x21-\x7e]|["<>\\^`{|}]', url) or re.search(r"[\[\]]", rest):
        return "url.forbidden_character"
    split = split_host(url)
    if isinstance(split, str):
        return split
    _, netloc, path, query = split
    if "@" in netloc:
        return "url.userinfo"
    if netloc.startswith("["):
        inside, closed, port = netloc[1:].partition("]")
        try:
            if not closed or "%" in inside or (port and not port.startswith(":")):
                return "url.host_ipv6"
            ipaddress.IPv6Address(inside)
        except ValueError:
            return "url.host_ipv6"
    else:
        host, colon, number = netloc.partition(":")
        port = colon + number
        labels = host.split(".")
        last = labels[-2] if labels[-1] == "" and len(labels) > 1 else labels[-1]
        if not host:
            return "url.host_missing"
        # The URL standard's "ends in a number": all of it is an IPv4 address, or refused.
        if re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", last):
            try:
                ipaddress.IPv4Address(host)
            except ValueError:
                return "url.host_number"
        elif len(host) > 253 or not all(
                re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", label) for label in labels):
            return "url.host_name"
    if port and not (re.fullmatch(r":[1-9][0-9]*", port) and int(port[1:]) < 65536):
        return "url.port"
    if "#" in url:
        return "url.fragment"
    if re.search(r"%(?![0-9a-fA-F]{2})", path + "?" + query):
        return "url.percent"
    if any(urllib.parse.unquote(part) in (".", "..") for part in path.split("/")):
        return "url.dot_segment"
    return "ok"


def check_url(vector):
    url = vector["url"]
    judged = judge_url(url)
    assert judged == vector["expect"], judged
    if judged != "ok":
        assert "host" not in vector and "public" not in vector
        return
    scheme, netloc, _, _ = split_host(url)
    host = urllib.parse.urlsplit(url).hostname
    try:
        address = ipaddress.ip_address(host)
        assert ipaddress.ip_address(vector["host"].strip("[]")) == address
        public = is_public(address)
        code = "url.address_not_public"
        # ::1 and 127.0.0.0/8, and not those in another's clothes.
        loopback = address.is_loopback and getattr(address, "ipv4_mapped", None) is None
    except ValueError:
        assert vector["host"] == host
        local = ("localhost", "local", "internal", "home.arpa")
        public = "." in host and not any(("." + host).endswith("." + name) for name in local)
        code = "url.name_not_public"
        loopback = host == "localhost"
    wanted = "url.not_https" if scheme == "http" else "ok" if public else code
    assert vector["public"] == wanted, wanted
    wanted = "ok" if public or loopback else code
    assert vector["development"] == wanted, wanted


# --- MetaStudio's bodies ---------------------------------------------------------------------

KINDS = {
    "RTMP_STREAM_STATE_CHANGE": "relay.state",
    "SHOOT_SCRIPT_SWITCH": "script.segment",
    "REPLY_COMMAND_FINISH": "reply.finished",
}


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def check_parse(vector):
    body = vector["body"]
    try:
        outer = strict(body)
    except ValueError:
        assert vector.get("code") == "dialect.not_json"
        return
    pairs = members(body)
    if pairs is None or any(name not in outer for name in ("event_type", "message")):
        assert vector["code"] == "dialect.wrong_shape"
        return
    names = [name for name, _ in pairs]
    kind, message = outer["event_type"], outer["message"]
    if not (isinstance(kind, str) and kind and isinstance(message, str)) or len(set(names)) < len(names):
        assert vector["code"] == "dialect.wrong_shape"
        return
    try:
        inner = strict(message)
    except ValueError:
        assert vector["code"] == "dialect.message_not_json"
        return
    if "event" not in vector:
        # Limits are livegate's own; for the rest some field has a type that is not documented.
        code = vector["code"]
        documented = {name: (str,) for name in (
            "room_id", "job_id", "output_url", "stream_key", "state", "reply_id")}
        documented["shoot_script_sequence_no"] = (str, int)
        wrong = not isinstance(inner, dict) or any(
            value is not None and (isinstance(value, bool) or not isinstance(value, documented[name]))
            for name, value in inner.items() if name in documented)
        twice = [name for name, _ in members(message) or []]
        if wrong or len(set(twice)) < len(twice):
            assert code == "dialect.wrong_shape", code
        elif code == "dialect.too_deep":
            assert depth(outer) > 64 or depth(inner) > 64, (depth(outer), depth(inner))
        else:
            assert code == "dialect.value_too_long", code
            assert len(kind) > 256 or len(inner["room_id"]) > 256
        return
    event = vector["event"]
    assert event["vendor_type"] == kind
    assert event["kind"] == KINDS.get(kind, "unknown")
    assert event["data"] == message.strip(" \t\r\n")
    room = inner.get("room_id")
    assert event.get("channel") == (room if isinstance(room, str) and room else None)


def said(value):
    """Every text and number of a body, as texts; JSON and forms in strings are looked into."""
    if isinstance(value, dict):
        return set(value).union(*map(said, value.values()))
    if isinstance(value, list):
        return set().union(*map(said, value))
    if isinstance(value, str):
        try:
            inner = strict(value)
        except ValueError:
            inner = urllib.parse.parse_qs(value, keep_blank_values=True) if "=" in value else None
        return {value, *(said(inner) if inner is not None and inner != value else ())}
    return {json.dumps(value)}


def times(texts):
    """Every time among them, in milliseconds."""
    for text in texts:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            number = float(text) if "." in text else int(text)
            yield int(number if number >= 10**11 else number * 1000)
        elif re.match(r"\d{4}-\d\d-\d\d[Tt ]", text):
            yield int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def check_vendor(vector):
    """Whatever a vendor's event is said to hold has to stand in its body."""
    outcomes = [member for member in ("events", "code", "written") if member in vector]
    assert len(outcomes) == 1, outcomes
    body = vector["from"]["body"] if "from" in vector else vector["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    for secret in vector.get("secrets", []):
        assert secret in text, secret
    if "events" not in vector:
        return
    texts = said(urllib.parse.unquote_plus(text) if text.startswith("%") else body)
    allowed = texts | {"", None}

    def stands(name):
        # What holds a push address is masked where it is a name.
        assert name in allowed or "***" in name, name
    for event in vector["events"]:
        for member in ("vendor_id", "user"):
            stands(event.get(member))
        assert event["kind"] in ALL_KINDS, event["kind"]
        channel = event.get("channel")
        parts = [channel] if channel in allowed else re.sub("^task:", "", channel).split("/", 1)
        for part in parts:
            stands(part)
        if "time_ms" in event:
            assert event["time_ms"] in set(times(texts)), event["time_ms"]
        if "entity" in event:
            family, *lines = event["entity"].split("\n")
            assert family == event["kind"].split(".")[0], family
            for line in lines:
                stands(line)
        relay = event.get("relay", {})
        assert relay.get("url", "") in allowed
        stands(relay.get("task"))
        assert (event["kind"] == "relay.state") == ("relay" in event)


def without_secrets(before, after, where=""):
    """Whether `after` is `before` but for masked texts; strings that hold JSON are looked into."""
    if isinstance(before, str) and isinstance(after, str) and before != after:
        try:
            inner = strict(before), strict(after)
            if all(isinstance(value, (dict, list)) for value in inner):
                return without_secrets(*inner, where)
        except ValueError:
            pass
        assert "***" in after, where
    elif isinstance(before, dict) and isinstance(after, dict):
        assert len(before) == len(after), where
        for (name, value), (shown_name, shown) in zip(before.items(), after.items()):
            assert name == shown_name or "***" in shown_name, where
            without_secrets(value, shown, f"{where}/{name}")
    elif isinstance(before, list) and isinstance(after, list):
        assert len(before) == len(after), where
        for at, (value, shown) in enumerate(zip(before, after)):
            without_secrets(value, shown, f"{where}/{at}")
    else:
        assert before == after or after == "***", where


def stream_keys(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.lower().replace("_", "").replace("-", "") == "streamkey" and isinstance(inner, str):
                yield inner.strip()
            yield from stream_keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from stream_keys(inner)
    elif isinstance(value, str):
        try:
            inner = strict(value)
        except ValueError:
            return
        if isinstance(inner, (dict, list)):
            yield from stream_keys(inner)


def check_redact(vector):
    shown = strict(vector["expect"])
    try:
        body = strict(vector["body"])
    except ValueError:
        assert vector["expect"] == '{"redacted":"***"}', "what cannot be read is not shown"
        return
    if vector["expect"] not in ('{"redacted":"***"}', "{}"):
        without_secrets(body, shown)
    for key in stream_keys(body):
        assert len(key) < 4 or key == "***" or key not in json.dumps(shown, ensure_ascii=False), key


# --- CloudEvents -----------------------------------------------------------------------------

def rfc3339(ms):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds") + "Z"


def attribute(text):
    """CloudEvents 1.0.2, Type System: no control characters, surrogates or noncharacters."""
    def allowed(char):
        code = ord(char)
        control = code < 0x20 or 0x7f <= code < 0xa0
        return not control and not 0xfdd0 <= code <= 0xfdef and code & 0xfffe != 0xfffe
    return "".join(char if allowed(char) else "\ufffd" for char in text)


def check_cloudevents(vector):
    event, made = vector["event"], {
        "specversion": "1.0",
        "id": vector["id"],
        "source": "/sources/" + vector["source"],
        "type": "dev.livegate." + vector["event"]["kind"],
        "time": rfc3339(vector["event"].get("time_ms", vector["accepted_ms"])),
        "recordedtime": rfc3339(vector["accepted_ms"]),
        "sequence": f"{vector['seq']:020d}",
        "dialect": vector["dialect"],
        "datacontenttype": "application/json",
    }
    named = {"subject": "channel", "vendortype": "vendor_type", "vendorid": "vendor_id", "user": "user",
             "relaystate": "relay_state"}
    for name, member in named.items():
        if event.get(member):
            made[name] = attribute(event[member])
    if vector.get("late"):
        made["late"] = True
    expect = dict(vector["expect"])
    without_secrets(strict(event["data"]), expect.pop("data"))
    assert made == expect, made


# --- Live configuration ----------------------------------------------------------------------

STOP = ("FORCE_EXIT", "SEGMENT_END", "SCENE_END", "SCRIPT_END")
AUTH = ("NONE", "MSS_A", "MSS_A_HEAD", "MEITUAN_DEFAULT")


def violations(body):
    try:
        whole = strict(body)
    except ValueError:
        return [("", "not_json")]
    if not isinstance(whole, dict):
        return [("", "wrong_type")]
    found = []

    def section(name):
        value = whole.get(name)
        if value is None or isinstance(value, dict):
            return {field: inner for field, inner in (value or {}).items() if inner is not None}
        found.append((name, "wrong_type"))
        return {}

    def field(path, value, kind, code):
        """`code` says what is wrong with a value of the right type, if anything."""
        right = isinstance(value, kind) and not isinstance(value, bool)
        code = code(value) if right else "wrong_type"
        if code:
            found.append((path, code))

    def one_of(names):
        return lambda value: None if value in names else "unknown_value"

    def at_most(limit):
        return lambda value: None if 0 <= value <= limit else "out_of_range"

    def address(value):
        if value == "" or judge_url(value) == "ok" and value.lower().startswith("https://"):
            return None
        code = judge_url(value)
        return ("too_long" if len(value) > 2048 else
                "not_https" if code == "url.scheme" or value.lower().startswith("http://") else code)

    exit_ = section("live_exit_config")
    for name, kind, code in (("max_live_duration", int, at_most(168)),
                             ("auto_stop_mode", str, one_of(STOP)),
                             ("max_exception_waiting_duration", int, at_most(60))):
        if name in exit_:
            field(f"live_exit_config.{name}", exit_[name], kind, code)

    call = section("live_event_callback_config")
    base = "live_event_callback_config"
    if "live_event_type_callback_url" in call:
        field(f"{base}.live_event_type_callback_url", call["live_event_type_callback_url"], str, address)
    if "auth_type" in call:
        field(f"{base}.auth_type", call["auth_type"], str, one_of(AUTH))
    if "key" in call:
        field(f"{base}.key", call["key"], str, lambda key: "too_long" if len(key) > 32 else None)
    if call.get("live_event_type_callback_url") and call.get("auth_type") in AUTH[1:3] and call.get("key", "") == "":
        found.append((f"{base}.key", "key_missing"))
    if "callback_event_type" in call:
        path = f"{base}.callback_event_type"
        field(path, call["callback_event_type"], list, lambda kinds: None if 1 <= len(kinds) <= 10 else "wrong_count")
        for at, kind in enumerate(call["callback_event_type"] if isinstance(call["callback_event_type"], list) else []):
            field(f"{path}[{at}]", kind, str, one_of(KINDS))

    notify = section("live_notify_config")
    base = "live_notify_config"
    if "action" in notify:
        field(f"{base}.action", notify["action"], str, one_of(("add", "del", "replace")))
    if "notify_events" in notify:
        events = notify["notify_events"]
        field(f"{base}.notify_events", events, list, lambda events: None)
        for at, event in enumerate(events if isinstance(events, list) else []):
            field(f"{base}.notify_events[{at}]", event, str, one_of(("AUTO_EXIT",)))
    for name, other in (("action", "notify_events"), ("notify_events", "action")):
        if name not in notify and other in notify:
            found.append((f"{base}.{name}", "missing"))
    return found


def check_config(vector):
    found = {(path, code if code.startswith("url.") else f"config.{code}")
             for path, code in violations(vector["body"])}
    wanted = {(one["path"], one["code"]) for one in vector.get("violations", [])}
    assert found == wanted, found


# --- Filters ---------------------------------------------------------------------------------

ABSENT = object()


def equal(a, b):
    """Deep equality that converts nothing; Python compares integers and floats exactly."""
    if isinstance(a, (list, dict)) and type(a) is type(b) and len(a) == len(b):
        if isinstance(a, list):
            return all(map(equal, a, b))
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    number = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (a, b)]
    return a == b if all(number) or type(a) is type(b) else False


def ordered(value, bound):
    number = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (value, bound)]
    return all(number) or (isinstance(value, str) and isinstance(bound, str))


def is_in(value, operand):
    """True or false, or None where it cannot be judged."""
    if isinstance(operand, list):
        return None if isinstance(value, (list, dict)) else any(equal(value, one) for one in operand)
    if isinstance(value, list):
        return any(equal(one, operand) for one in value)
    return operand in value if isinstance(value, str) and isinstance(operand, str) else None


def texts(operand):
    return tuple(operand) if isinstance(operand, list) else operand


OPERATORS = {
    "$eq": equal,
    "$neq": lambda value, operand: not equal(value, operand),
    "$gt": lambda value, operand: ordered(value, operand) and value > operand,
    "$gte": lambda value, operand: ordered(value, operand) and value >= operand,
    "$lt": lambda value, operand: ordered(value, operand) and value < operand,
    "$lte": lambda value, operand: ordered(value, operand) and value <= operand,
    "$in": lambda value, operand: is_in(value, operand) is True,
    "$nin": lambda value, operand: is_in(value, operand) is False,
    "$startsWith": lambda value, operand: isinstance(value, str) and value.startswith(texts(operand)),
    "$endsWith": lambda value, operand: isinstance(value, str) and value.endswith(texts(operand)),
}


def holds(condition, value, event):
    if isinstance(condition, list):
        return isinstance(value, list) and all(
            any(holds(one, element, event) for element in value) for one in condition)
    if not isinstance(condition, dict):
        return value is not ABSENT and (equal(value, condition) or isinstance(value, list) and any(
            holds(condition, element, event) for element in value))

    def entry(name, operand, value):
        if name == "$and":
            return all(holds(one, value, event) for one in operand)
        if name == "$or":
            return any(holds(one, value, event) for one in operand)
        if name == "$not":
            return not holds(operand, value, event)
        if name == "$event":
            return holds(operand, event, event)
        if name == "$exist":
            return (value is not ABSENT) == operand
        if name in OPERATORS:
            return value is not ABSENT and bool(OPERATORS[name](value, operand))
        name = name[1:] if name.startswith("$$") else name
        return holds(operand, value.get(name, ABSENT), event)

    def is_operator(name):
        return name.startswith("$") and not name.startswith("$$")

    def all_hold(value):
        return all(entry(name, operand, value) for name, operand in condition.items())

    if condition and all(map(is_operator, condition)):
        return all_hold(value)
    if isinstance(value, list):
        return any(holds(condition, element, event) for element in value)
    return isinstance(value, dict) and all_hold(value)


def named(kind, names):
    return any(name.startswith(kind[:-1]) for name in names) if kind.endswith("*") else kind in names


def check_filter(vector):
    given = {"kind": "relay.state", "type": "RTMP_STREAM_STATE_CHANGE", "channel": "room",
             "user": "anchor", **vector.get("event", {})}
    own = {name: given[name] for name in ("kind", "type", "channel", "user") if given[name] is not None}
    own["source"] = "src_000102030405060708090a0b0c0d0eff"
    usual = {"job_id": "j1", "state": "CONNECTED"}
    try:
        data = strict(vector["data_text"]) if "data_text" in vector else vector.get("data", given.get("data", usual))
    except ValueError:
        data = {}
    # Data that is no object has no fields.
    data = data if isinstance(data, dict) else {}
    rule = strict(vector["filter_text"]) if "filter_text" in vector else vector["filter"]
    admits = (
        (not rule.get("kinds") or any(named(kind, (own["kind"], own["type"])) for kind in rule["kinds"]))
        and (not rule.get("channels") or own.get("channel") in rule["channels"])
        and (not rule.get("users") or own.get("user") in rule["users"])
        and (rule.get("where") is None or holds(rule["where"], data, own)))
    assert admits == vector["expect"], admits


# --- The vendors' control planes: their rules are in a file of their own ----------------------

METASTUDIO = check_control.MetaStudio(judge_url, violations)


def control(check):
    return lambda vector: check(judge_url, vector)


# --- Vendors ---------------------------------------------------------------------------------

VENDORS = [
    "agora", "alibaba-live", "artc", "artc-mpu", "artc-recording", "dingrtc", "jocloud", "livegate-relay",
    "livekit", "trtc", "volcengine-rtc", "zego"]
ALL_KINDS = {
    "script.segment", "relay.state", "reply.finished", "channel.start", "channel.end", "user.join",
    "user.leave", "user.publish", "user.unpublish", "user.role", "video.start", "video.stop",
    "audio.start", "audio.stop", "screen.start", "screen.stop", "stream.start", "stream.end",
    "recording.state", "snapshot.taken", "live.auto_exit", "source.check", "unknown"}


# --- Files -----------------------------------------------------------------------------------

FILES = {
    "url/url.json": check_url,
    "metastudio/parse.json": check_parse,
    **{f"{vendor}/parse.json": check_vendor for vendor in VENDORS},
    "metastudio/redact.json": check_redact,
    "metastudio/written.json": check_vendor,
    "cloudevents/cloudevents.json": check_cloudevents,
    "config/alibaba.json": control(check_control.check_alibaba),
    "config/config.json": check_config,
    "config/metastudio.json": METASTUDIO.check,
    "relay/addresses.json": control(check_control.check_addresses),
    "relay/jocloud.json": control(check_control.check_jocloud),
    "relay/mpu.json": control(check_control.check_mpu),
    "filter/conditions.json": check_filter,
    "filter/texts.json": check_filter,
    "filter/events.json": check_filter,
}
# What is wrong with a filter, and in which words, nobody but livegate says.
UNCHECKED = {"filter/violations.json"}


def main():
    made = ("scheme", "request", "layout")
    found = {str(path.relative_to(HERE)) for path in HERE.glob("*/*.json") if path.parent.name not in made}
    failed = sorted(found ^ (FILES.keys() | UNCHECKED))
    for name in failed:
        print(f"{name}: neither checked nor known to be unchecked", file=sys.stderr)
    for name, check in FILES.items():
        vectors = read(name)
        names = [vector["name"] for vector in vectors]
        assert len(set(names)) == len(names), f"{name}: a name is there twice"
        for vector in vectors:
            assert vector["why"], vector["name"]
            try:
                check(vector)
            except Exception as error:  # whatever it is, it is this vector's
                failed.append(vector["name"])
                print(f"{name}: {vector['name']}: {type(error).__name__} {error}", file=sys.stderr)
        print(f"{name}: {len(vectors)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

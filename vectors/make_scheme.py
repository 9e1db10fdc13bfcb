#!/usr/bin/env python3
"""Makes vectors/scheme/*.json: signed calls and what a verifier has to say to each.

Every signature here is computed by Python's hmac and hashlib and once more by the openssl command
(Ed25519 by openssl alone); the two have to agree. Every signed string is written out by hand, so
that nothing here depends on how livegate puts one together. Run it from anywhere:

    python3 vectors/make_scheme.py          # writes the files
    python3 vectors/make_scheme.py --check  # fails if a file differs from what would be written
"""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "scheme"


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


def mac(name, key, message):
    """HMAC of `message` as bytes."""
    key = key if isinstance(key, bytes) else key.encode()
    message = message if isinstance(message, bytes) else message.encode()
    ours = hmac.new(key, message, name).digest()
    # The command takes no empty key; those are Python's alone.
    if key:
        theirs = openssl("dgst", f"-{name}", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}",
                         "-binary", data=message)
        assert ours == theirs
    return ours


def digest(name, message):
    """Hash of `message` as bytes."""
    message = message if isinstance(message, bytes) else message.encode()
    ours = hashlib.new(name, message).digest()
    assert ours == openssl("dgst", f"-{name}", "-binary", data=message)
    return ours


def ed25519(seed, message):
    """Ed25519 signature and public key, both as bytes."""
    # RFC 8410, section 7: the fixed beginning of a private key in DER.
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder, "key.der")
        text = pathlib.Path(folder, "message")
        key.write_bytes(der)
        text.write_bytes(message.encode())
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-keyform", "DER",
                            "-in", str(text))
        public = openssl("pkey", "-in", str(key), "-inform", "DER", "-pubout", "-outform", "DER")
    return signature, public[-32:]


def b64(data):
    return base64.b64encode(data).decode()


def vector(name, why, **fields):
    base = {"name": name, "why": why, "scheme": "NONE", "key": None, "url": "https://example.com/in",
            "method": "POST", "query": "", "headers": [], "body": "{}", "now_ms": 0, "expect": "verified"}
    unknown = set(fields) - set(base) - {
        "canonical_uri", "previous", "body_hex", "signed", "signed_at_ms", "id", "key_used",
        "freshness_s", "skew_s"}
    assert not unknown, unknown
    base.update(fields)
    if "body_hex" in fields:
        del base["body"]
    return base


# --- Huawei MetaStudio -----------------------------------------------------------------------

HW_KEY = "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly"
HW_URL = "https://api.example.com/v1/products?live_id=111&limit=10&offset=0"
HW_SIGNED = "api.example.com/v1/products?limit=10&live_id=111&offset=066df9308"
HW_TIME = "66df9308"
HW_MS = 1725928200000
assert int(HW_TIME, 16) * 1000 == HW_MS
# The example that Huawei publishes with CustomPlatformAuthConfig.key.
assert mac("sha256", HW_KEY, HW_SIGNED).hex() == \
    "5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7"
EVENT = ('{"event_type":"RTMP_STREAM_STATE_CHANGE","message":"{\\"room_id\\":\\"r1\\",'
         '\\"job_id\\":\\"j1\\",\\"output_url\\":\\"rtmp://h/a/b\\",\\"stream_key\\":\\"k\\",'
         '\\"state\\":\\"CONNECTED\\"}"}')


def hw(name, why, *, signed=HW_SIGNED, key=HW_KEY, time=HW_TIME, secret=None, headers=None, **fields):
    """A call as MSS_A_HEAD signs it."""
    if secret is None:
        secret = mac("sha256", key, signed).hex()
    if headers is None:
        headers = [["x-hw-mss-time", time], ["x-hw-mss-secret", secret]]
    base = {"scheme": "MSS_A_HEAD", "key": key, "url": HW_URL, "headers": headers, "body": EVENT,
            "now_ms": HW_MS + 2000}
    base.update(fields)
    if base.get("expect", "verified") == "verified":
        base.setdefault("signed", signed)
        base.setdefault("signed_at_ms", HW_MS)
        base.setdefault("key_used", "current")
    return vector(name, why, **base)


def huawei():
    secret = mac("sha256", HW_KEY, HW_SIGNED).hex()
    time, mac_header = ["x-hw-mss-time", HW_TIME], ["x-hw-mss-secret", secret]
    bad = "0" if secret[0] != "0" else "1"
    mss_a = {"scheme": "MSS_A", "headers": [], "url": "https://example.com/cb?b=2&a=1"}
    a_signed = "example.com/cb?a=1&b=2" + HW_TIME
    a_secret = mac("sha256", HW_KEY, a_signed).hex()

    def uri(name, why, url, signed, **fields):
        return hw(name, why, url=url, signed=signed + HW_TIME, **fields)

    return [
        hw("the published example", "Huawei's own worked example, byte for byte"),
        hw("header names in another case", "field names have no case (RFC 9110, 5.1)",
           headers=[["X-HW-MSS-TIME", HW_TIME], ["X-Hw-Mss-Secret", secret]]),
        hw("space around a header's value", "white space around a value is not part of it",
           headers=[["x-hw-mss-time", f" {HW_TIME} "], ["x-hw-mss-secret", f"\t{secret}"]]),
        hw("signature in upper case", "hex has no case; the bytes are the same",
           secret=secret.upper()),
        hw("time in upper case", "the time is signed as it travels, whatever its case",
           time="66DF9308", signed=HW_SIGNED.replace("66df9308", "66DF9308")),
        hw("time in upper case, signed in lower case", "what travels is what must have been signed",
           time="66DF9308", expect="sign.mismatch"),
        hw("another body", "this scheme does not sign the body, so any body verifies",
           body='{"event_type":"other"}'),
        hw("binary body", "a body need not be text", body_hex="00ff80"),
        hw("wrong key", "a signature by somebody else", secret=mac("sha256", "wrong", HW_SIGNED).hex(),
           expect="sign.mismatch"),
        hw("one digit changed", "a single wrong nibble", secret=bad + secret[1:], expect="sign.mismatch"),
        hw("signature of the unsorted query", "the query is signed in sorted order",
           signed="api.example.com/v1/products?live_id=111&limit=10&offset=066df9308",
           expect="sign.mismatch"),
        hw("signature with the scheme in front", "https:// is not signed in this variant",
           signed="https://" + HW_SIGNED, expect="sign.mismatch"),
        hw("signature over another time", "time and signature belong together",
           time="66df9309", expect="sign.mismatch"),
        hw("no time", "the time is needed", headers=[mac_header], expect="sign.missing_parameter"),
        hw("no signature", "the signature is needed", headers=[time], expect="sign.missing_parameter"),
        hw("nothing at all", "a call without any parameter", headers=[], expect="sign.missing_parameter"),
        hw("parameters in the query", "MSS_A_HEAD reads headers and nothing else", headers=[],
           query=f"hwTime={HW_TIME}&hwSecret={secret}", expect="sign.missing_parameter"),
        hw("time twice", "which of two would count is nobody's guess", headers=[time, time, mac_header],
           expect="sign.duplicate_parameter"),
        hw("time twice in two cases", "case does not hide a second one",
           headers=[time, ["X-HW-MSS-TIME", "66df9309"], mac_header], expect="sign.duplicate_parameter"),
        hw("signature twice", "even if both are equal", headers=[time, mac_header, mac_header],
           expect="sign.duplicate_parameter"),
        hw("empty time", "an empty value is no value", time="", expect="sign.malformed_parameter"),
        hw("time with a sign", "digits only", time="+66df9308", expect="sign.malformed_parameter"),
        hw("time with 0x", "digits only", time="0x66df9308", expect="sign.malformed_parameter"),
        hw("negative time", "digits only", time="-1", expect="sign.malformed_parameter"),
        hw("time that is not hex", "g is no hex digit", time="66df930g", expect="sign.malformed_parameter"),
        hw("time of 17 digits", "more than 64 bits", time="0" * 9 + HW_TIME,
           expect="sign.malformed_parameter"),
        hw("time of 16 digits", "leading zeros are fine if they were signed",
           time="0" * 8 + HW_TIME, signed=HW_SIGNED.replace(HW_TIME, "0" * 8 + HW_TIME)),
        hw("greatest time", "must not overflow into the past", time="f" * 16,
           signed=HW_SIGNED.replace(HW_TIME, "f" * 16), expect="sign.timestamp_future"),
        hw("greatest time that fits milliseconds", "2^64/1000 seconds", time="4189374bc6a7ef",
           signed=HW_SIGNED.replace(HW_TIME, "4189374bc6a7ef"), expect="sign.timestamp_future"),
        hw("time zero", "1970", time="0", signed=HW_SIGNED.replace(HW_TIME, "0"),
           expect="sign.timestamp_stale"),
        hw("empty signature", "an empty value is no value", secret="", expect="sign.malformed_parameter"),
        hw("signature cut short", "a part of a signature never counts", secret=secret[:62],
           expect="sign.malformed_parameter"),
        hw("signature with an odd digit count", "half a byte", secret=secret[:63],
           expect="sign.malformed_parameter"),
        hw("signature with more after it", "nor does one with something behind it", secret=secret + "00",
           expect="sign.malformed_parameter"),
        hw("signature in base64", "the encoding is hex", secret=b64(bytes.fromhex(secret)),
           expect="sign.malformed_parameter"),
        hw("two signatures in one value", "proxies join doubled headers with a comma",
           secret=f"{secret}, {secret}", expect="sign.malformed_parameter"),
        hw("exactly a minute old", "the edge of the window is inside", now_ms=HW_MS + 60000),
        hw("a minute and a millisecond old", "outside", now_ms=HW_MS + 60001,
           expect="sign.timestamp_stale"),
        hw("exactly a minute ahead", "the edge of the window is inside", now_ms=HW_MS - 60000),
        hw("a minute and a millisecond ahead", "outside", now_ms=HW_MS - 60001,
           expect="sign.timestamp_future"),
        hw("five minutes old where ten are allowed", "the receiver can widen the window",
           now_ms=HW_MS + 300000, freshness_s=600),
        hw("stale and forged", "age is looked at first", now_ms=HW_MS + 60001, secret="0" * 64,
           expect="sign.timestamp_stale"),
        hw("no key set", "a scheme that needs a key refuses without one", key=HW_KEY,
           expect="sign.key_missing") | {"key": None},
        hw("empty key", "an empty key would let everybody sign", key=HW_KEY,
           secret=mac("sha256", "", HW_SIGNED).hex(), expect="sign.key_empty") | {"key": ""},
        hw("key of one byte", "short keys are the vendor's business", key="k"),
        hw("key longer than a block", "RFC 2104 hashes keys of more than 64 bytes first", key="k" * 100),
        hw("key that is not ASCII", "the key's UTF-8 bytes count", key="直播间密钥"),
        # Rotation.
        hw("old key while it counts", "both keys count during a rotation", key="old key",
           key_used="previous") | {"key": HW_KEY, "previous": {"key": "old key", "until_ms": HW_MS + 2001}},
        hw("old key when it no longer counts", "the moment given is already too late", key="old key",
           expect="sign.mismatch") | {"key": HW_KEY, "previous": {"key": "old key", "until_ms": HW_MS + 2000}},
        hw("new key during a rotation", "the current key always counts",
           previous={"key": "old key", "until_ms": HW_MS + 86400000}),
        hw("neither key during a rotation", "two keys are not a third", key="third",
           expect="sign.mismatch") | {"key": HW_KEY, "previous": {"key": "old key", "until_ms": HW_MS + 86400000}},
        # What URI() stands for.
        uri("host and path alone", "the second reading of URI()", HW_URL,
            "api.example.com/v1/products", canonical_uri="host-path"),
        uri("the full URL", "the third reading of URI(): as configured, unsorted", HW_URL, HW_URL,
            canonical_uri="full-url"),
        uri("the full URL without its fragment", "a fragment never leaves the client", HW_URL + "#top",
            HW_URL, canonical_uri="full-url"),
        uri("signature of one variant under another", "variants are settings, not alternatives", HW_URL,
            "api.example.com/v1/products", expect="sign.mismatch"),
        uri("no query", "no question mark where there is no query", "https://api.example.com/cb",
            "api.example.com/cb"),
        uri("empty query", "a bare question mark is no query", "https://api.example.com/cb?",
            "api.example.com/cb"),
        uri("no path", "nothing is added", "https://api.example.com", "api.example.com"),
        uri("query and no path", "nothing is added", "https://api.example.com?a=1", "api.example.com?a=1"),
        uri("a port", "kept as it is configured", "https://api.example.com:8443/cb",
            "api.example.com:8443/cb"),
        uri("the default port, written out", "kept as it is configured", "https://api.example.com:443/cb",
            "api.example.com:443/cb"),
        uri("an IPv6 host", "brackets belong to the host", "https://[2001:db8::1]/cb", "[2001:db8::1]/cb"),
        uri("an IPv6 host with a port", "brackets end before the port", "https://[2001:db8::1]:8443/cb?a=1",
            "[2001:db8::1]:8443/cb?a=1"),
        uri("upper case in the host", "nothing is normalised", "HTTPS://API.Example.com/cb",
            "API.Example.com/cb"),
        uri("percent-encoding", "neither decoded nor changed in case",
            "https://api.example.com/a%2fb/%E7%9B%B4?k=%20%2B&j=%7e", "api.example.com/a%2fb/%E7%9B%B4?j=%7e&k=%20%2B"),
        uri("plus in the query", "not a space", "https://api.example.com/cb?q=a+b", "api.example.com/cb?q=a+b"),
        uri("a name twice", "pairs of one name keep their order",
            "https://api.example.com/cb?b=2&a=9&b=1&a=3", "api.example.com/cb?a=9&a=3&b=2&b=1"),
        uri("names of one beginning", "a name that ends sorts first",
            "https://api.example.com/cb?ab=1&a=2&a1=3", "api.example.com/cb?a=2&a1=3&ab=1"),
        uri("upper case before lower case", "names sort by their bytes",
            "https://api.example.com/cb?a=1&B=2", "api.example.com/cb?B=2&a=1"),
        uri("names without values", "with and without an equals sign, as written",
            "https://api.example.com/cb?z&y=&x", "api.example.com/cb?x&y=&z"),
        uri("empty pairs", "they carry nothing", "https://api.example.com/cb?&&b=1&&a=2&",
            "api.example.com/cb?a=2&b=1"),
        uri("a question mark in the query", "the first one begins it", "https://api.example.com/cb?a=?&b=/",
            "api.example.com/cb?a=?&b=/"),
        uri("the observed query differs", "only the configured URL is signed", "https://api.example.com/cb?a=1",
            "api.example.com/cb?a=1", query="a=2&utm=3"),
        hw("a URL with a user name", "nobody signs over credentials in a URL", url="https://u:p@h/cb",
           expect="sign.url_userinfo"),
        hw("a URL that is none", "the configured URL has to be absolute", url="/cb",
           expect="sign.url_malformed"),
        # MSS_A.
        hw("MSS_A", "time and signature in the query", signed=a_signed,
           query=f"b=2&a=1&hwSecret={a_secret}&hwTime={HW_TIME}", **mss_a),
        hw("MSS_A in another order", "where in the query they stand is all the same", signed=a_signed,
           query=f"hwTime={HW_TIME}&b=2&hwSecret={a_secret}&a=1", **mss_a),
        hw("MSS_A with percent-encoded digits", "a parameter's value is decoded", signed=a_signed,
           query=f"hwSecret=%{ord(a_secret[0]):02x}{a_secret[1:]}&hwTime=%36" + HW_TIME[1:], **mss_a),
        hw("MSS_A configured with old parameters", "its own parameters are never part of the signed query",
           signed=a_signed, query=f"hwSecret={a_secret}&hwTime={HW_TIME}",
           **(mss_a | {"url": "https://example.com/cb?hwTime=1&b=2&hwSecret=old&a=1"})),
        hw("MSS_A, full URL, configured with old parameters", "nor of the whole URL",
           signed="https://example.com/cb?b=2" + HW_TIME, canonical_uri="full-url",
           query="hwSecret=" + mac("sha256", HW_KEY, "https://example.com/cb?b=2" + HW_TIME).hex()
           + f"&hwTime={HW_TIME}", **(mss_a | {"url": "https://example.com/cb?hwTime=1&b=2"})),
        hw("MSS_A with the time twice", "which of two would count is nobody's guess",
           query=f"hwSecret={a_secret}&hwTime={HW_TIME}&hwTime={HW_TIME}",
           expect="sign.duplicate_parameter", **mss_a),
        hw("MSS_A with a disguised second time", "percent-encoding does not hide a second one",
           query=f"hwSecret={a_secret}&hwTime={HW_TIME}&hw%54ime=1",
           expect="sign.duplicate_parameter", **mss_a),
        hw("MSS_A with the signature twice", "even if both are equal",
           query=f"hwSecret={a_secret}&hwTime={HW_TIME}&hwSecret={a_secret}",
           expect="sign.duplicate_parameter", **mss_a),
        hw("MSS_A with names in another case", "parameters' names have a case",
           query=f"hwsecret={a_secret}&hwtime={HW_TIME}", expect="sign.missing_parameter", **mss_a),
        hw("MSS_A with broken percent-encoding", "a percent sign needs two digits",
           query=f"hwSecret={a_secret}&hwTime=%6", expect="sign.malformed_parameter", **mss_a),
        hw("MSS_A without its time", "the time is needed", query=f"hwSecret={a_secret}",
           expect="sign.missing_parameter", **mss_a),
        hw("MSS_A with parameters in headers", "MSS_A reads the query and nothing else",
           **(mss_a | {"headers": [time, mac_header]}), expect="sign.missing_parameter"),
        # The two that sign nothing.
        vector("NONE", "nothing is signed, so everything verifies", body=EVENT, now_ms=HW_MS),
        vector("NONE with a key", "a key that is set changes nothing", key="k", body=EVENT, now_ms=HW_MS),
        vector("MEITUAN_DEFAULT", "its algorithm is not public: it refuses until it is completed",
               scheme="MEITUAN_DEFAULT", key="k", body=EVENT, now_ms=HW_MS, expect="sign.scheme_incomplete"),
    ]


# --- Standard Webhooks -----------------------------------------------------------------------

SW_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SW_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SW_TIME = "1614265330"
SW_MS = 1614265330000
SW_BODY = '{"test": 2432232314}'


def sw_sign(key=SW_KEY, id=SW_ID, time=SW_TIME, body=SW_BODY):
    raw = base64.b64decode(key.removeprefix("whsec_"))
    return "v1," + b64(mac("sha256", raw, f"{id}.{time}.{body}"))


# The example of the specification's reference libraries.
assert sw_sign() == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def sw(name, why, *, id=SW_ID, time=SW_TIME, body=SW_BODY, signature=None, **fields):
    headers = [["webhook-id", id], ["webhook-timestamp", time],
               ["webhook-signature", sw_sign() if signature is None else signature]]
    base = {"scheme": "standard-webhooks", "key": SW_KEY, "headers": [h for h in headers if h[1] is not None],
            "body": body, "now_ms": SW_MS + 1000}
    base.update(fields)
    if base.get("expect", "verified") == "verified":
        base.setdefault("signed", f"{id}.{time}.{body}")
        base.setdefault("id", id)
        base.setdefault("signed_at_ms", int(time) * 1000)
        base.setdefault("key_used", "current")
    return vector(name, why, **base)


def without(headers, name):
    return [h for h in headers if h[0] != name]


def standard_webhooks():
    good = sw_sign()
    head = [["webhook-id", SW_ID], ["webhook-timestamp", SW_TIME], ["webhook-signature", good]]
    other_key = "whsec_" + b64(bytes(range(32)))
    old = sw_sign(key=other_key)
    forged = "v1," + b64(b"\0" * 32)
    return [
        sw("the reference example", "what the specification's libraries test with"),
        sw("key without its prefix", "whsec_ may be left out", key=SW_KEY.removeprefix("whsec_")),
        sw("key of 64 bytes", "the longest", key="whsec_" + b64(b"k" * 64),
           signature=sw_sign(key="whsec_" + b64(b"k" * 64))),
        sw("key of 65 bytes", "too long", key="whsec_" + b64(b"k" * 65), expect="sign.key_size"),
        sw("key of 23 bytes", "too short", key="whsec_" + b64(b"k" * 23), expect="sign.key_size"),
        sw("empty key", "an empty key would let everybody sign", key="", expect="sign.key_empty"),
        sw("prefix alone as key", "that is an empty key too", key="whsec_", expect="sign.key_empty"),
        sw("key that is not base64", "keys are base64", key="whsec_!!!", expect="sign.key_malformed"),
        sw("no id", "the id is needed", headers=without(head, "webhook-id"), expect="sign.missing_parameter"),
        sw("no time", "the time is needed", headers=without(head, "webhook-timestamp"),
           expect="sign.missing_parameter"),
        sw("no signature", "the signature is needed", headers=without(head, "webhook-signature"),
           expect="sign.missing_parameter"),
        sw("empty id", "an empty id is none", id="", signature=sw_sign(id=""), expect="sign.malformed_parameter"),
        sw("id of 257 bytes", "ids have an end", id="m" * 257, signature=sw_sign(id="m" * 257),
           expect="sign.malformed_parameter"),
        sw("another id", "the id is signed", id="msg_other", expect="sign.mismatch"),
        sw("an id with a full stop", "id a.1614265330 and time 1 would be id a and time 1614265330 with "
           "another body: one message, two meanings", id="msg.1614265330",
           signature=sw_sign(id="msg.1614265330"), expect="sign.malformed_parameter"),
        sw("id twice", "which of two would count is nobody's guess", headers=head + [["Webhook-Id", "msg_2"]],
           expect="sign.duplicate_parameter"),
        sw("time that is no number", "seconds in decimal", time="hello", expect="sign.malformed_parameter"),
        sw("time with a fraction", "whole seconds", time="1614265330.5", expect="sign.malformed_parameter"),
        sw("negative time", "digits only", time="-1614265330", expect="sign.malformed_parameter"),
        sw("time with a plus sign", "digits only", time="+1614265330", expect="sign.malformed_parameter"),
        sw("time in milliseconds", "seconds, so this is far in the future", time=SW_TIME + "000",
           signature=sw_sign(time=SW_TIME + "000"), expect="sign.timestamp_future"),
        sw("time beyond 64 bits", "must not overflow into the past", time="9" * 20,
           signature=sw_sign(time="9" * 20), expect="sign.timestamp_future"),
        sw("five minutes old", "the edge of the window is inside", now_ms=SW_MS + 300000),
        sw("older", "outside", now_ms=SW_MS + 300001, expect="sign.timestamp_stale"),
        sw("five minutes ahead", "the edge of the window is inside", now_ms=SW_MS - 300000),
        sw("further ahead", "outside", now_ms=SW_MS - 300001, expect="sign.timestamp_future"),
        sw("signature that is wrong", "thirty-two zero bytes", signature=forged, expect="sign.mismatch"),
        sw("body with one more space", "the raw body is signed", body='{"test":  2432232314}',
           expect="sign.mismatch"),
        sw("empty body", "nothing after the last full stop", body="", signature=sw_sign(body="")),
        sw("body that is not ASCII", "bytes are signed", body='{"名":"直播"}', signature=sw_sign(body='{"名":"直播"}')),
        sw("part of a signature", "the first half never counts", signature=good[: len(good) // 2],
           expect="sign.malformed_parameter"),
        sw("signature without padding", "base64 has its padding", signature=good.rstrip("="),
           expect="sign.malformed_parameter"),
        sw("signature with spare bits set", "one signature has one spelling", signature=good[:-2] + "F=",
           expect="sign.malformed_parameter"),
        sw("v1, alone", "an empty signature", signature="v1,", expect="sign.malformed_parameter"),
        sw("v1 without a comma", "a version needs its comma", signature="v1", expect="sign.unsupported_version"),
        sw("no version", "a bare signature", signature=good[3:], expect="sign.unsupported_version"),
        sw("empty signature header", "no signature in it", signature="", expect="sign.malformed_parameter"),
        sw("v2 alone", "a version that is not known", signature="v2," + good[3:], expect="sign.unsupported_version"),
        sw("v1a alone", "the other algorithm's signature is not this one's", signature="v1a," + good[3:],
           expect="sign.unsupported_version"),
        sw("among others", "any one of a list may fit",
           signature=f"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,{good[3:]} {good} {forged}"),
        sw("among others, two spaces", "an empty element is nothing", signature=f"{forged}  {good}"),
        sw("list without the right one", "wrong ones do not add up", signature=f"{forged} v2,{good[3:]}",
           expect="sign.mismatch"),
        sw("list with a broken one", "a broken one does not spoil the list", signature=f"v1,AAAA {good}"),
        sw("list separated by commas", "spaces separate", signature=f"{good},{good}",
           expect="sign.malformed_parameter"),
        sw("eight signatures", "as many as are looked at", signature=" ".join([forged] * 7 + [good])),
        sw("nine signatures", "no more than eight are looked at", signature=" ".join([forged] * 8 + [good]),
           expect="sign.too_many_signatures"),
        sw("old key while it counts", "rotation at the sender's side is slower than ours", signature=old,
           previous={"key": other_key, "until_ms": SW_MS + 86400000}, key_used="previous"),
        sw("both keys' signatures", "what a sender sends during its rotation", signature=f"{good} {old}",
           previous={"key": other_key, "until_ms": SW_MS + 86400000}),
        sw("old key afterwards", "it has an end", signature=old, previous={"key": other_key, "until_ms": SW_MS},
           expect="sign.mismatch"),
    ]


# The private key of the svix server's documentation (seed, then public key) and what its tests
# sign with it.
V1A_PRIVATE = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
V1A_SEED, V1A_PUBLIC = base64.b64decode(V1A_PRIVATE)[:32], base64.b64decode(V1A_PRIVATE)[32:]


def v1a_sign(id=SW_ID, time=SW_TIME, body=SW_BODY, seed=V1A_SEED):
    signature, _ = ed25519(seed, f"{id}.{time}.{body}")
    return "v1a," + b64(signature)


assert ed25519(V1A_SEED, "x")[1] == V1A_PUBLIC
assert v1a_sign() == ("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM"
                      "+m7TBAg==")


def v1a():
    private, public = "whsk_" + V1A_PRIVATE, "whpk_" + b64(V1A_PUBLIC)
    good = v1a_sign()
    row = {"scheme": "standard-webhooks-v1a", "key": public}
    old_seed = bytes(range(32))
    old_public = "whpk_" + b64(ed25519(old_seed, "x")[1])
    raw = base64.b64decode(good[4:])
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = raw[:32] + ((int.from_bytes(raw[32:], "little") + order) % 2**256).to_bytes(32, "little")
    identity = bytes([1] + [0] * 31)
    # R the neutral point and S = H(R, A, M) a: the equation of RFC 8032, 5.1.7 holds, though R
    # hides nothing. Whoever holds the key can make such a signature fit further messages.
    scalar = int.from_bytes(hashlib.sha512(V1A_SEED).digest()[:32], "little")
    scalar = scalar & ((1 << 254) - 8) | (1 << 254)
    text = f"{SW_ID}.{SW_TIME}.{SW_BODY}".encode()
    challenge = int.from_bytes(hashlib.sha512(identity + V1A_PUBLIC + text).digest(), "little")
    degenerate = identity + (challenge * scalar % order).to_bytes(32, "little")

    def case(name, why, signature=good, **fields):
        return sw(name, why, signature=signature, **(row | fields))

    return [
        case("v1a with the public key", "the published vector"),
        case("v1a with the private key", "whoever can sign can verify", key=private),
        case("v1a with the seed alone", "thirty-two bytes are enough", key="whsk_" + b64(V1A_SEED)),
        case("v1a, one bit of the signature changed", "a wrong signature", expect="sign.mismatch",
             signature="v1a," + b64(bytes([raw[0] ^ 1]) + raw[1:])),
        case("v1a, another body", "the body is signed", body=SW_BODY + " ", expect="sign.mismatch"),
        case("v1a, another id", "the id is signed", id="msg_other", expect="sign.mismatch"),
        case("v1a, somebody else's signature", "another key", signature=v1a_sign(seed=old_seed),
             expect="sign.mismatch"),
        case("v1a, S not reduced", "RFC 8032, 5.1.7: a second spelling of a signature is refused",
             signature="v1a," + b64(malleable), expect="sign.mismatch"),
        case("v1a, R of small order", "a signature that only a lenient verifier takes",
             signature="v1a," + b64(degenerate), expect="sign.mismatch"),
        case("v1a, too short", "thirty-two bytes are no signature", signature="v1a," + b64(raw[:32]),
             expect="sign.malformed_parameter"),
        case("v1 where v1a is asked for", "one scheme has one algorithm", signature=sw_sign(),
             expect="sign.unsupported_version"),
        case("v1a beside v1", "a sender may send both", signature=f"{sw_sign()} {good}"),
        case("v1a, old key while it counts", "both keys count during a rotation",
             signature=v1a_sign(seed=old_seed), previous={"key": old_public, "until_ms": SW_MS + 86400000},
             key_used="previous"),
        case("v1a, stale", "as with v1", now_ms=SW_MS + 300001, expect="sign.timestamp_stale"),
        case("v1a with an HMAC key", "keys say what they are", key=SW_KEY, expect="sign.key_malformed"),
        case("v1a with halves that differ", "seed and public key have to belong together",
             key="whsk_" + b64(V1A_SEED + V1A_SEED), expect="sign.key_malformed"),
        case("v1a with a public key of small order", "it would verify what nobody signed",
             key="whpk_" + b64(identity), expect="sign.key_malformed"),
    ]


# --- Other vendors, as a tenant would write them down ----------------------------------------


def custom():
    hdr = lambda name, **more: {"header": name} | more
    agora = {"name": "agora", "algorithm": "hmac-sha256", "message": ["body"],
             "signature": hdr("Agora-Signature-V2")}
    agora1 = agora | {"algorithm": "hmac-sha1", "signature": hdr("Agora-Signature")}
    agora_body = ('{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f",'
                  '"notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}')
    agora256, agora160 = mac("sha256", "secret", agora_body).hex(), mac("sha1", "secret", agora_body).hex()
    # Agora's own example.
    assert agora256 == "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99"
    assert agora160 == "033c62f40f687675f17f0f41f91a40c71c0f134c"

    trtc = {"name": "trtc", "algorithm": "hmac-sha256", "encoding": "base64", "message": ["body"],
            "signature": hdr("Sign")}
    trtc_body = ('{\n\t"EventGroupId":\t2,\n\t"EventType":\t204,\n\t"CallbackTs":\t1664209748188,\n\t"EventInfo":'
                 '\t{\n\t\t"RoomId":\t8489,\n\t\t"EventTs":\t1664209748,\n\t\t"EventMsTs":\t1664209748180,\n\t\t'
                 '"UserId":\t"user_85034614",\n\t\t"Reason":\t0\n\t}\n}')
    trtc_sign = b64(mac("sha256", "123654", trtc_body))
    assert trtc_sign == "kkoFeO3Oh2ZHnjtg8tEAQhtXK16/KI05W3BQff8IvGA="  # Tencent's own example

    zego = {"name": "zego", "algorithm": "sha1",
            "message": [{"sorted": {"values": ["key", "time", "id"]}}],
            "signature": {"body": "/signature"}, "time": {"at": {"body": "/timestamp"}, "format": "seconds"},
            "id": {"at": {"body": "/nonce"}, "kind": "call"}}
    zego_signature = digest("sha1", "1234121470820198secret").hex()
    assert zego_signature == "5bd59fd62953a8059fb7eaba95720f66d19e4517"  # ZEGO's own example
    zego_ms = 1470820198000

    def zego_body(**changed):
        fields = {"event": "mix_start", "timestamp": "1470820198", "nonce": "123412", "signature": zego_signature}
        return json.dumps(fields | changed)

    zego_request = {"name": "zego-request", "algorithm": "md5",
                    "message": [{"value": {"query": "AppId"}}, "id", "key", "time"],
                    "signature": {"query": "Signature"},
                    "time": {"at": {"query": "Timestamp"}, "format": "seconds"},
                    "id": {"at": {"query": "SignatureNonce"}, "kind": "call"}, "freshness_s": 600, "skew_s": 600}
    zego_md5 = digest("md5", "123454fd24687296dd9f39193cc662a4c0ec135ec71fb57194b381615186943").hex()
    assert zego_md5 == "43e5cfcca828314675f91b001390566a"  # ZEGO's own example

    live = {"name": "alibaba-live", "algorithm": "md5",
            "message": ["host-without-port", {"literal": "|"}, "time", {"literal": "|"}, "key"],
            "signature": hdr("ALI-LIVE-SIGNATURE"),
            "time": {"at": hdr("ALI-LIVE-TIMESTAMP"), "format": "seconds"}, "freshness_s": 300, "skew_s": 300}
    live_signed = "learn.aliyundoc.com|1519375990|yourkey"
    recording = live | {"name": "artc-recording", "message": ["time", {"literal": "|"}, "key"]}

    ding_place = lambda index: hdr("DingRTC-Signature", separator=".", index=index)
    ding = {"name": "dingrtc", "algorithm": "hmac-sha256", "message": ["body", "time"],
            "signature": ding_place(2), "time": {"at": ding_place(1), "format": "seconds"}}

    volc_names = ["EventType", "EventData", "EventTime", "EventId", "Version", "AppId", "Nonce"]
    volc = {"name": "volcengine", "algorithm": "sha256",
            "message": [{"sorted": {"values": [{"value": {"body": "/EventType"}}, {"value": {"body": "/EventData"}},
                                               "time", {"value": {"body": "/EventId"}},
                                               {"value": {"body": "/Version"}}, {"value": {"body": "/AppId"}},
                                               "id", "key"]}}],
            "signature": {"body": "/Signature"},
            "time": {"at": {"body": "/EventTime"}, "format": "rfc3339"},
            "id": {"at": {"body": "/Nonce"}, "kind": "call"}}
    volc_values = {"EventType": "TranscodeStarted", "EventData": '{"RoomId":"r"}',
                   "EventTime": "2024-09-10T08:30:00+08:00", "EventId": "e-1", "Version": "2020-12-01",
                   "AppId": "app", "Nonce": "Zx"}
    # Sorted by hand: 2020…, 2024…, TranscodeStarted, Zx, app, e-1, sKey, {…
    volc_signed = '2020-12-012024-09-10T08:30:00+08:00TranscodeStartedZxappe-1sKey{"RoomId":"r"}'
    assert volc_signed == "".join(sorted([*volc_values.values(), "sKey"]))
    volc_body = json.dumps(volc_values | {"Signature": digest("sha256", volc_signed).hex()})
    assert set(volc_names) == set(volc_values)

    spark = {"name": "sparkrtc", "algorithm": "hmac-sha256",
             "message": [{"value": hdr("X-Rtc-Rand")}, "time", "body"],
             "signature": hdr("X-Rtc-Signature"),
             "time": {"at": hdr("X-Rtc-Timestamp"), "format": "millis"}}
    rong = {"name": "rongcloud", "algorithm": "sha1", "message": ["key", "id", "time"],
            "signature": hdr("signature"), "time": {"at": hdr("timestamp"), "format": "millis"},
            "id": {"at": hdr("nonce"), "kind": "call"}}
    old_huawei = {"name": "video-job", "algorithm": "hmac-sha256",
                  "message": ["host", "path", "sorted-query", "time"], "signature": {"query": "secret"},
                  "time": {"at": {"query": "time_stamp"}, "format": "hex-seconds"}}
    github = {"name": "github", "algorithm": "hmac-sha256", "message": ["body"],
              "signature": hdr("X-Hub-Signature-256", prefix="sha256=")}
    # GitHub's own example.
    github_signature = mac("sha256", "It's a Secret to Everybody", "Hello, World!").hex()
    assert github_signature == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    stripe_place = lambda prefix: hdr("Stripe-Signature", separator=",", prefix=prefix)
    stripe = {"name": "stripe", "algorithm": "hmac-sha256", "message": ["time", {"literal": "."}, "body"],
              "signature": stripe_place("v1="), "time": {"at": stripe_place("t="), "format": "seconds"},
              "freshness_s": 300, "skew_s": 300}
    stripe_v1 = mac("sha256", "whsec_x", '1614265330.{"a":1}').hex()
    bearer = {"name": "jwt-piece", "algorithm": "hmac-sha256", "encoding": "base64url",
              "message": [{"value": hdr("Authorization", separator=".", index=0)}, {"literal": "."},
                          {"value": hdr("Authorization", separator=".", index=1)}],
              "signature": hdr("Authorization", separator=".", index=2)}
    # RFC 7515, A.1: header and payload as printed there, key as bytes.
    jwt_key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==")
    jwt_signed = ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
                  "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ")
    jwt_mac = base64.urlsafe_b64encode(mac("sha256", jwt_key, jwt_signed)).decode().rstrip("=")
    assert jwt_mac == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    received = {"name": "product-query", "algorithm": "hmac-sha256",
                "message": ["method", {"literal": " "}, "host", "path", "received-query", "time"],
                "signature": hdr("x-hw-mss-secret"),
                "time": {"at": hdr("x-hw-mss-time"), "format": "hex-seconds"}}
    received_signed = "GET api.example.com/v1/products?limit=10&live_id=111&offset=066df9308"
    received_mac = mac("sha256", HW_KEY, received_signed).hex()
    hexkey = agora | {"key": "hex", "encoding": "hex-upper"}

    def case(name, why, scheme, key, **fields):
        if fields.get("expect", "verified") == "verified":
            fields.setdefault("key_used", "current")
        return vector(name, why, scheme=scheme, key=key, **fields)

    def zegos(name, why, **fields):
        fields = {"body": zego_body(), "now_ms": zego_ms} | fields
        return case(name, why, zego, "secret", **fields)

    zego_found = {"id": "123412", "signed_at_ms": zego_ms}
    zego_encoded = zego | {"body": "percent-encoded-json"}
    ding_signed = '{"eventId":"e"}1718877424'
    ding_value = "z5jbvxxx.1718877424." + mac("sha256", "ding", ding_signed).hex()
    spark_signed = 'r4nd1725928200000{"x":1}'
    rong_signed = "secretn0nce1725928200000"
    old_signed = "example.com/cb?a=166df9308"
    return [
        case("Agora, HMAC-SHA256", "the vendor's example", agora, "secret", body=agora_body, signed=agora_body,
             headers=[["Agora-Signature-V2", agora256]]),
        case("Agora, HMAC-SHA1", "the vendor's example", agora1, "secret", body=agora_body, signed=agora_body,
             headers=[["Agora-Signature", agora160]]),
        case("Agora, a field removed", "the raw body is signed", agora, "secret",
             body=agora_body.replace('"eventMs":1560408533119,', ""), headers=[["Agora-Signature-V2", agora256]],
             expect="sign.mismatch"),
        case("Agora, the other algorithm's signature", "its size tells", agora, "secret", body=agora_body,
             headers=[["Agora-Signature-V2", agora160]], expect="sign.malformed_parameter"),
        case("upper-case hex and a key in hex", "both are settings", hexkey, b"secret".hex(), body=agora_body,
             signed=agora_body, headers=[["Agora-Signature-V2", agora256.upper()]]),
        case("a key that should be hex", "keys have a form", hexkey, "secret", body=agora_body,
             headers=[["Agora-Signature-V2", agora256]], expect="sign.key_malformed"),
        case("Tencent TRTC", "the vendor's example: tabs and line ends count", trtc, "123654", body=trtc_body,
             headers=[["Sign", trtc_sign]]),
        case("Tencent TRTC, line ends changed", "no byte of the body may change", trtc, "123654",
             body=trtc_body.replace("\n", "\r\n"), headers=[["Sign", trtc_sign]], expect="sign.mismatch"),
        zegos("ZEGO", "the vendor's example: sorted, joined, SHA-1, all in the body", **zego_found,
              signed="sorted(<key>,123412,1470820198)"),
        zegos("ZEGO, time as a number", "older bodies have numbers", **zego_found,
              body=zego_body(timestamp=1470820198)),
        zegos("ZEGO, another event", "the body beyond the three is not signed", **zego_found,
              body=zego_body(event="mix_stop")),
        zegos("ZEGO, another nonce", "the nonce is signed", body=zego_body(nonce="123413"), expect="sign.mismatch"),
        zegos("ZEGO, nonce twice in the body", "which of two would count is nobody's guess",
              body=zego_body()[:-1] + ', "nonce": "1"}', expect="sign.duplicate_parameter"),
        zegos("ZEGO, no nonce", "the nonce is needed", body='{"timestamp":"1470820198","signature":"%s"}' % zego_signature,
              expect="sign.missing_parameter"),
        zegos("ZEGO, nonce that is an object", "a string or a number", body=zego_body(nonce={}),
              expect="sign.malformed_parameter"),
        zegos("ZEGO, not JSON", "the fields cannot be found", body="timestamp=1470820198", expect="sign.body_unreadable"),
        zegos("ZEGO, stale", "as everywhere", now_ms=zego_ms + 60001, expect="sign.timestamp_stale"),
        case("ZEGO, percent-encoded body", "decoded before its fields are read", zego_encoded, "secret",
             now_ms=zego_ms, **zego_found,
             body="".join(c if c.isalnum() else f"%{ord(c):02X}" for c in zego_body())),
        case("ZEGO, request to its API", "the vendor's example: MD5 over query values", zego_request,
             "9193cc662a4c0ec135ec71fb57194b38", now_ms=1615186943000, signed_at_ms=1615186943000,
             id="4fd24687296dd9f3", signed="123454fd24687296dd9f3<key>1615186943",
             query="Action=StartMix&AppId=12345&SignatureNonce=4fd24687296dd9f3&Timestamp=1615186943"
                   f"&Signature={zego_md5}&SignatureVersion=2.0"),
        case("Alibaba Live", "the documented string; host of the callback URL, without its port", live, "yourkey",
             url="https://learn.aliyundoc.com:8443/cb", now_ms=1519375990000, signed_at_ms=1519375990000,
             headers=[["ALI-LIVE-TIMESTAMP", "1519375990"], ["ALI-LIVE-SIGNATURE", digest("md5", live_signed).hex()]],
             signed="learn.aliyundoc.com|1519375990|<key>"),
        case("Alibaba Live, another host", "the configured host is signed", live, "yourkey",
             url="https://example.com/cb", now_ms=1519375990000, expect="sign.mismatch",
             headers=[["ALI-LIVE-TIMESTAMP", "1519375990"], ["ALI-LIVE-SIGNATURE", digest("md5", live_signed).hex()]]),
        case("Alibaba ARTC recording", "the same without the host", recording, "yourkey",
             now_ms=1519375990000, signed_at_ms=1519375990000, signed="1519375990|<key>",
             headers=[["ALI-LIVE-TIMESTAMP", "1519375990"],
                      ["ALI-LIVE-SIGNATURE", digest("md5", "1519375990|yourkey").hex()]]),
        case("DingRTC", "three pieces in one header", ding, "ding", body='{"eventId":"e"}', now_ms=1718877424000,
             signed_at_ms=1718877424000, headers=[["DingRTC-Signature", ding_value]], signed=ding_signed),
        case("DingRTC, a piece missing", "there is no third piece", ding, "ding", body='{"eventId":"e"}',
             now_ms=1718877424000, headers=[["DingRTC-Signature", ding_value.rsplit(".", 1)[0]]],
             expect="sign.malformed_parameter"),
        case("Volcengine", "eight values sorted, a date among them", volc, "sKey", body=volc_body, now_ms=HW_MS,
             signed_at_ms=HW_MS, id="Zx"),
        case("Volcengine, event data changed", "the field is signed, the body as a whole is not", volc, "sKey",
             body=volc_body.replace('\\"r\\"', '\\"s\\"'), now_ms=HW_MS, expect="sign.mismatch"),
        case("Huawei SparkRTC", "two headers and the body", spark, "k", body='{"x":1}', now_ms=HW_MS, signed_at_ms=HW_MS,
             headers=[["X-Rtc-Rand", "r4nd"], ["X-Rtc-Timestamp", "1725928200000"],
                      ["X-Rtc-Signature", mac("sha256", "k", spark_signed).hex()]], signed=spark_signed),
        case("RongCloud", "the key first, milliseconds last", rong, "secret", now_ms=HW_MS, signed_at_ms=HW_MS, id="n0nce",
             headers=[["nonce", "n0nce"], ["timestamp", "1725928200000"],
                      ["signature", digest("sha1", rong_signed).hex()]], signed="<key>n0nce1725928200000"),
        case("Huawei video jobs", "an older pair of names", old_huawei, "k", url="https://example.com/cb?a=1",
             now_ms=HW_MS, signed_at_ms=HW_MS, signed=old_signed,
             query=f"a=1&secret={mac('sha256', 'k', old_signed).hex()}&time_stamp=66df9308"),
        case("GitHub", "the vendor's example: a prefix before the hex", github, "It's a Secret to Everybody",
             body="Hello, World!", signed="Hello, World!",
             headers=[["X-Hub-Signature-256", "sha256=" + github_signature]]),
        case("GitHub, another prefix", "it has to be there as written", github, "It's a Secret to Everybody",
             body="Hello, World!", headers=[["X-Hub-Signature-256", "sha1=" + github_signature]],
             expect="sign.malformed_parameter"),
        case("Stripe", "labelled pieces in any order, one of several fits", stripe, "whsec_x", body='{"a":1}',
             now_ms=SW_MS, signed_at_ms=SW_MS, signed='1614265330.{"a":1}',
             headers=[["Stripe-Signature", f"v1={'0' * 64},t=1614265330,v0=x,v1={stripe_v1}"]]),
        case("Stripe, two times", "which of two would count is nobody's guess", stripe, "whsec_x", body='{"a":1}',
             now_ms=SW_MS, headers=[["Stripe-Signature", f"t=1614265330,t=1,v1={stripe_v1}"]],
             expect="sign.duplicate_parameter"),
        case("Stripe, no time", "the time is needed", stripe, "whsec_x", body='{"a":1}', now_ms=SW_MS,
             headers=[["Stripe-Signature", f"v1={stripe_v1}"]], expect="sign.missing_parameter"),
        case("Stripe, time is infinity", "digits only", stripe, "whsec_x", body='{"a":1}', now_ms=SW_MS,
             headers=[["Stripe-Signature", f"t=Infinity,v1={stripe_v1}"]], expect="sign.malformed_parameter"),
        case("pieces of a JSON Web Token", "RFC 7515, A.1", bearer | {"key": "base64"}, b64(jwt_key),
             headers=[["Authorization", f"{jwt_signed}.{jwt_mac}"]], signed=jwt_signed),
        case("the query that came in", "for callers that add parameters of their own", received, HW_KEY,
             method="GET", url="https://api.example.com/v1/products", query="live_id=111&limit=10&offset=0",
             now_ms=HW_MS, signed_at_ms=HW_MS, body="", signed=received_signed,
             headers=[["x-hw-mss-time", HW_TIME], ["x-hw-mss-secret", received_mac]]),
        case("the query that came in, changed", "it is signed", received, HW_KEY,
             method="GET", url="https://api.example.com/v1/products", query="live_id=112&limit=10&offset=0",
             now_ms=HW_MS, body="", headers=[["x-hw-mss-time", HW_TIME], ["x-hw-mss-secret", received_mac]],
             expect="sign.mismatch"),
        case("another method", "it is signed too", received, HW_KEY,
             method="POST", url="https://api.example.com/v1/products", query="live_id=111&limit=10&offset=0",
             now_ms=HW_MS, body="", headers=[["x-hw-mss-time", HW_TIME], ["x-hw-mss-secret", received_mac]],
             expect="sign.mismatch"),
        case("a query of 65 parameters", "sorting has an end", received, HW_KEY, method="GET",
             url="https://api.example.com/v1/products", query="&".join(f"a{i}=1" for i in range(65)),
             now_ms=HW_MS, body="", headers=[["x-hw-mss-time", HW_TIME], ["x-hw-mss-secret", received_mac]],
             expect="sign.malformed_parameter"),
    ]


# --- The built-in rows of other vendors ---------------------------------------------------------


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(claims, key, body=None, header=None, payload=None):
    """A JSON Web Token (RFC 7515, compact); `body`'s SHA-256 is claimed as LiveKit does."""
    if body is not None:
        claims = claims | {"sha256": b64(digest("sha256", body))}
    payload = json.dumps(claims, separators=(",", ":")) if payload is None else payload
    header = b64url(json.dumps(header or {"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    signed = f"{header}.{b64url(payload.encode())}"
    return signed, f"{signed}.{b64url(mac('sha256', key, signed))}"


def vendors():
    def case(name, why, scheme, key, **fields):
        if fields.get("expect", "verified") == "verified":
            fields.setdefault("key_used", "current")
        return vector(name, why, scheme=scheme, key=key, **fields)

    agora_body = '{"noticeId":"n-1","productId":5,"eventType":3,"notifyMs":1560408533119,"payload":{"lts":1}}'
    trtc_body = '{"EventGroupId":4,"EventType":401,"CallbackTs":1664209748188,"EventInfo":{}}'
    ding_body = '{"eventId":"e-1"}'
    ding_value = "z5jbvxxx.1718877424." + mac("sha256", "ding", ding_body + "1718877424").hex()
    live_headers = lambda signed: [["ALI-LIVE-TIMESTAMP", "1519375990"],
                                   ["ALI-LIVE-SIGNATURE", digest("md5", signed).hex()]]
    live_ms = 1519375990000
    zego_body = json.dumps({"event": "mix_start", "timestamp": "1470820198", "nonce": "123412",
                            "signature": digest("sha1", "1234121470820198secret").hex()})
    zego_ms = 1470820198000
    volc = {"EventType": "TranscodeStarted", "EventData": '{"RoomId":"r"}', "EventTime": "2024-09-10T08:30:00+08:00",
            "EventId": "e-1", "Version": "2020-12-01", "AppId": "app", "Nonce": "Zx"}
    # Sorted by hand: 2020…, 2024…, TranscodeStarted, Zx, app, e-1, sKey, {…
    volc_signed = '2020-12-012024-09-10T08:30:00+08:00TranscodeStartedZxappe-1sKey{"RoomId":"r"}'
    volc_body = json.dumps(volc | {"Signature": digest("sha256", volc_signed).hex()})

    key, body = "a-livekit-secret-of-some-length", '{"event":"room_started","id":"EV_1","createdAt":"1725928200"}'
    claims = {"iss": "APIkey", "nbf": HW_MS // 1000, "exp": HW_MS // 1000 + 300}
    signed, token = jwt(claims, key, body)
    # Signed at the earliest five minutes before it expires.
    livekit = lambda name, why, value, **fields: case(
        name, why, "LIVEKIT", key, **({"body": body, "now_ms": HW_MS, "headers": [["Authorization", value]]} | fields))
    fine = {"signed_at_ms": HW_MS, "signed": signed}
    refused = lambda code, **fields: {"expect": code} | fields
    return [
        case("Agora", "the raw body, HMAC-SHA256", "AGORA_NCS", "secret", body=agora_body, signed=agora_body,
             headers=[["Agora-Signature-V2", mac("sha256", "secret", agora_body).hex()]]),
        case("Agora, version 1", "the raw body, HMAC-SHA1", "AGORA_NCS_V1", "secret", body=agora_body,
             headers=[["Agora-Signature", mac("sha1", "secret", agora_body).hex()],
                      ["Agora-Signature-V2", "0" * 64]]),
        case("Agora, version 1 under version 2", "the header that the row reads has to be there", "AGORA_NCS", "secret",
             body=agora_body, headers=[["Agora-Signature", mac("sha1", "secret", agora_body).hex()]],
             expect="sign.missing_parameter"),
        case("Tencent TRTC", "the raw body in base64", "TRTC", "123654", body=trtc_body, signed=trtc_body,
             headers=[["SdkAppId", "1400000000"], ["Sign", b64(mac("sha256", "123654", trtc_body))]]),
        case("Tencent TRTC without a key at the vendor", "it sends no Sign then; the operator chooses NONE", "TRTC",
             "123654", body=trtc_body, headers=[["SdkAppId", "1400000000"]], expect="sign.missing_parameter"),
        case("DingRTC", "body, then the seconds; app, seconds and signature in one header", "DINGRTC", "ding",
             body=ding_body, now_ms=1718877424000, signed_at_ms=1718877424000, signed=ding_body + "1718877424",
             headers=[["DingRTC-Signature", ding_value]]),
        case("DingRTC, stale", "five minutes", "DINGRTC", "ding", body=ding_body, now_ms=1718877724001,
             headers=[["DingRTC-Signature", ding_value]], expect="sign.timestamp_stale"),
        case("Alibaba Live", "the documented string: host of the configured URL, seconds, key", "ALIBABA_LIVE", "yourkey",
             url="https://learn.aliyundoc.com/cb", now_ms=live_ms, signed_at_ms=live_ms,
             headers=live_headers("learn.aliyundoc.com|1519375990|yourkey"), signed="learn.aliyundoc.com|1519375990|<key>"),
        case("Alibaba Live, an ingest callback", "a GET; signed over the ingest domain, so that is the configured host",
             "ALIBABA_LIVE", "yourkey", url="https://ingest.example.com/in", method="GET", body="", now_ms=live_ms,
             signed_at_ms=live_ms, query="action=publish&app=live&id=room",
             headers=live_headers("ingest.example.com|1519375990|yourkey")),
        case("ARTC recording", "the same without the host", "ALIBABA_RTC_RECORDING", "yourkey-of-16-chars",
             now_ms=live_ms, signed_at_ms=live_ms, headers=live_headers("1519375990|yourkey-of-16-chars"),
             signed="1519375990|<key>"),
        case("ARTC mixed relay", "its algorithm is not public", "ALIBABA_RTC_MPU", None, expect="sign.scheme_incomplete",
             headers=[["Ali-Rtc-Timestamp", "1712656430476"], ["Ali-Rtc-Signature", "00"]]),
        case("ZEGO", "key, timestamp and nonce sorted, SHA-1", "ZEGO", "secret", body=zego_body, now_ms=zego_ms,
             signed_at_ms=zego_ms, id="123412", signed="sorted(<key>,123412,1470820198)"),
        case("ZEGO, percent-encoded", "as the vendor's reference has it", "ZEGO", "secret", now_ms=zego_ms,
             signed_at_ms=zego_ms, id="123412",
             body="".join(c if c.isalnum() else f"%{ord(c):02X}" for c in zego_body)),
        case("Volcengine", "seven fields and the key, sorted", "VOLCENGINE_RTC", "sKey", body=volc_body, now_ms=HW_MS,
             signed_at_ms=HW_MS, id="e-1"),
        case("Volcengine, another nonce", "it is signed", "VOLCENGINE_RTC", "sKey", now_ms=HW_MS,
             body=volc_body.replace('"Zx"', '"Zy"'), expect="sign.mismatch"),
        livekit("LiveKit", "a token whose claim is the body's digest", token, **fine),
        livekit("LiveKit, at its last moment", "until it expires", token, now_ms=HW_MS + 300_000, **fine),
        livekit("LiveKit, expired", "not a moment longer", token, **refused("sign.timestamp_stale", now_ms=HW_MS + 300_001)),
        livekit("LiveKit, valid for too long", "five minutes, and a minute between the clocks",
                jwt(claims | {"exp": HW_MS // 1000 + 361}, key, body)[1], **refused("sign.timestamp_future")),
        livekit("LiveKit, another body", "its digest is not the claimed one", token,
                **refused("sign.body_changed", body=body.replace("EV_1", "EV_2"))),
        livekit("LiveKit, another key", "the signature is checked before the digest",
                jwt(claims, "another", body)[1], **refused("sign.mismatch")),
        livekit("LiveKit, no digest", "a token for something else is none for this body", jwt(claims, key)[1],
                **refused("sign.missing_parameter")),
        livekit("LiveKit, digest twice", "which of two would count is nobody's guess",
                jwt({}, key, payload='{"exp":%d,"sha256":"","sha256":"%s"}' % (
                    HW_MS // 1000 + 300, b64(digest("sha256", body))))[1], **refused("sign.duplicate_parameter")),
        livekit("LiveKit, digest in hex", "it is base64", jwt(claims | {"sha256": digest("sha256", body).hex()}, key)[1],
                **refused("sign.malformed_parameter")),
        livekit("LiveKit, no expiry", "it would count for ever",
                jwt({"iss": "APIkey"}, key, body)[1], **refused("sign.missing_parameter")),
        livekit("LiveKit, unsigned token", "an algorithm that the token names itself counts for nothing",
                jwt(claims, key, body, header={"alg": "none"})[1].rsplit(".", 1)[0] + ".",
                **refused("sign.malformed_parameter")),
        livekit("LiveKit, payload is no JSON", "it cannot be read", jwt({}, key, payload="exp=1")[1],
                **refused("sign.malformed_parameter")),
        livekit("LiveKit, payload is no base64", "it cannot be read", "e30.***.AAAA",
                **refused("sign.malformed_parameter")),
        livekit("LiveKit, two pieces", "a token has three", signed, **refused("sign.malformed_parameter")),
        livekit("LiveKit, the key with another use of it",
                "a token for a participant, signed with the same key, has no digest",
                jwt(claims | {"video": {"roomJoin": True}, "sub": "u"}, key)[1], **refused("sign.missing_parameter")),
    ]


# --- What is sent ----------------------------------------------------------------------------


def signing():
    other_key = "whsec_" + b64(bytes(range(32)))
    a_secret = mac("sha256", HW_KEY, "example.com/cb?a=1&b=2" + HW_TIME).hex()
    stripe_place = lambda prefix: {"header": "S", "separator": ",", "prefix": prefix}
    stripe = {"algorithm": "hmac-sha256", "message": ["time", {"literal": "."}, "body"],
              "signature": stripe_place("v1="), "time": {"at": stripe_place("t="), "format": "seconds"}}
    ding_place = lambda index: {"header": "D", "separator": ".", "index": index}
    ding = {"algorithm": "hmac-sha256", "message": ["body", "time"], "signature": ding_place(2),
            "time": {"at": ding_place(1), "format": "seconds"}}
    zego = {"algorithm": "sha1", "message": [{"sorted": {"values": ["key", "time", "id"]}}],
            "signature": {"body": "/signature"}, "time": {"at": {"body": "/timestamp"}, "format": "seconds"},
            "id": {"at": {"body": "/nonce"}, "kind": "call"}}
    query64 = {"algorithm": "hmac-sha256", "encoding": "base64", "message": ["body"], "signature": {"query": "s"}}
    q = b64(mac("sha256", "k", "{}"))

    def case(name, why, **fields):
        base = {"name": name, "why": why, "scheme": "NONE", "key": None, "url": "https://example.com/hook",
                "method": "POST", "headers": [], "body": "{}", "id": "", "now_ms": 0, "expect": "signed",
                "set_headers": [], "set_query": [], "set_body_fields": []}
        unknown = set(fields) - set(base) - {"canonical_uri", "previous", "signed_url"}
        assert not unknown, unknown
        base.update(fields)
        return base

    swf = {"scheme": "standard-webhooks", "key": SW_KEY, "id": SW_ID, "body": SW_BODY, "now_ms": SW_MS}

    def sw_headers(signature):
        return [["webhook-id", SW_ID], ["webhook-timestamp", SW_TIME], ["webhook-signature", signature]]

    mss_a = {"scheme": "MSS_A", "key": HW_KEY, "now_ms": HW_MS}
    return [
        case("NONE", "nothing is added"),
        case("MEITUAN_DEFAULT", "refuses until it is completed", scheme="MEITUAN_DEFAULT", key="k",
             expect="sign.scheme_incomplete"),
        case("MSS_A_HEAD", "Huawei's own example", scheme="MSS_A_HEAD", key=HW_KEY, url=HW_URL, now_ms=HW_MS + 999,
             set_headers=[["x-hw-mss-time", HW_TIME], ["x-hw-mss-secret", mac("sha256", HW_KEY, HW_SIGNED).hex()]]),
        case("MSS_A", "appended to the query", url="https://example.com/cb?b=2&a=1", **mss_a,
             set_query=[["hwTime", HW_TIME], ["hwSecret", a_secret]],
             signed_url=f"https://example.com/cb?b=2&a=1&hwTime={HW_TIME}&hwSecret={a_secret}"),
        case("MSS_A to a URL that has its parameters", "the receiver would find them twice",
             url="https://example.com/cb?hwTime=1", expect="sign.url_has_parameter", **mss_a),
        case("MSS_A without a key", "nothing to sign with", **(mss_a | {"key": None}), expect="sign.key_missing"),
        case("base64 in the query", "percent-encoded in the URL, not in the value", scheme=query64, key="k",
             url="https://example.com/cb#top", set_query=[["s", q]],
             signed_url="https://example.com/cb?s=" + q.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")),
        case("Standard Webhooks", "the reference example", **swf, set_headers=sw_headers(sw_sign())),
        case("Standard Webhooks during a rotation", "both signatures, the current one first", **swf,
             previous={"key": other_key, "until_ms": SW_MS + 1},
             set_headers=sw_headers(f"{sw_sign()} {sw_sign(key=other_key)}")),
        case("Standard Webhooks after a rotation", "the old key no longer signs", **swf,
             previous={"key": other_key, "until_ms": SW_MS}, set_headers=sw_headers(sw_sign())),
        case("Standard Webhooks without an id", "every message has one", **(swf | {"id": ""}), expect="sign.id"),
        case("Standard Webhooks, id with a line end", "an id must not become a header", **(swf | {"id": "a\r\nb"}),
             expect="sign.id"),
        case("Standard Webhooks, id with a full stop", "one message has one meaning", **(swf | {"id": "a.1"}),
             expect="sign.parameter"),
        case("v1a", "the published vector", **(swf | {"scheme": "standard-webhooks-v1a", "key": "whsk_" + V1A_PRIVATE}),
             set_headers=sw_headers(v1a_sign())),
        case("v1a with a public key", "it cannot sign",
             **(swf | {"scheme": "standard-webhooks-v1a", "key": "whpk_" + b64(V1A_PUBLIC)}),
             expect="sign.key_cannot_sign"),
        case("labelled pieces of one header", "time and signature share it", scheme=stripe, key="whsec_x",
             body='{"a":1}', now_ms=SW_MS,
             set_headers=[["S", "t=1614265330,v1=" + mac("sha256", "whsec_x", '1614265330.{"a":1}').hex()]]),
        case("numbered pieces of one header", "a piece that the scheme does not make is taken from the call",
             scheme=ding, key="k", headers=[["d", "app"]], now_ms=SW_MS,
             set_headers=[["D", "app.1614265330." + mac("sha256", "k", "{}1614265330").hex()]]),
        case("numbered pieces of a header with space around it", "the space is not part of the last piece",
             scheme=ding, key="k", headers=[["D", " app "]], now_ms=SW_MS,
             set_headers=[["D", "app.1614265330." + mac("sha256", "k", "{}1614265330").hex()]]),
        case("numbered pieces, one behind the signature", "it stays, since the scheme may read it",
             scheme=ding, key="k", headers=[["D", "app.0.old.more"]], now_ms=SW_MS,
             set_headers=[["D", "app.1614265330." + mac("sha256", "k", "{}1614265330").hex() + ".more"]]),
        case("numbered pieces, one missing", "nobody says what piece 0 is", scheme=ding, key="k", now_ms=SW_MS,
             expect="sign.parameter"),
        case("signature in the body", "time and nonce are read from it", scheme=zego, key="secret",
             body='{"timestamp":1470820198,"nonce":"123412"}', now_ms=1470820198000,
             set_body_fields=[["/signature", "5bd59fd62953a8059fb7eaba95720f66d19e4517"]]),
        case("signature in a body without its time", "it cannot be signed", scheme=zego, key="secret",
             body='{"nonce":"123412"}', expect="sign.parameter"),
    ]


# --- Files -----------------------------------------------------------------------------------

FILES = {
    "huawei.json": ("Huawei MetaStudio: NONE, MSS_A, MSS_A_HEAD, MEITUAN_DEFAULT", huawei),
    "standard_webhooks.json": ("Standard Webhooks 1.0.0, v1 (HMAC-SHA256)", standard_webhooks),
    "standard_webhooks_v1a.json": ("Standard Webhooks 1.0.0, v1a (Ed25519)", v1a),
    "vendors.json": ("Rows of the table for other vendors", vendors),
    "custom.json": ("Schemes that a tenant writes down", custom),
    "sign.json": ("Calls that are signed, and what is added to them", signing),
}


def main():
    check = "--check" in sys.argv[1:]
    differ = []
    for name, (about, make) in FILES.items():
        vectors = make()
        names = [v["name"] for v in vectors]
        assert len(names) == len(set(names)), f"{name}: a name is there twice"
        text = json.dumps({"about": about, "vectors": vectors}, indent=1, ensure_ascii=False) + "\n"
        path = HERE / name
        if not check:
            HERE.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{name}: {len(vectors)}")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differ.append(name)
    if differ:
        sys.exit(f"differ from what make_scheme.py writes: {', '.join(differ)}")


if __name__ == "__main__":
    main()

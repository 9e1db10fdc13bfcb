#!/usr/bin/env python3
"""Makes vectors/request/*.json: requests of the vendors' own clients and what has to be said to each.

Every canonical request and string to sign is spelled out by hand after the vendors' documentation,
and signed with Python's hmac and hashlib. Where the vendors' packages are there (LIVEGATE_PYTHON_PATH,
set by tools/setup), their signers sign the same request and have to agree, and so does the URL that
they send; without them that part is left out and said so.

    python3 vectors/make_request.py          # writes the files; wants the vendors' packages
    python3 vectors/make_request.py --check  # fails if a file differs from what would be written
"""

import base64
import copy
import hashlib
import hmac
import json
import os
import pathlib
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent / "request"
sys.path[:0] = [path for path in [os.environ.get("LIVEGATE_PYTHON_PATH")] if path]
try:
    import aliyunsdkcore.auth.composer.rpc_signature_composer as composer
    import alibabacloud_tea_openapi.utils as acs_utils
    from alibabacloud_live20161101 import models as live
    from darabonba.core import DaraCore
    from darabonba.request import DaraRequest
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer
except ImportError as error:
    composer = None
    print(f"without the vendors' signers, for there is no {error.name}", file=sys.stderr)

# 2024-09-10T00:30:00Z
AT = 1725928200000
WINDOW = 15 * 60 * 1000
AK, SK = "AKIDEXAMPLE0001", "s3cret/Key+of=Tenant-A"
PROJECT = "0123456789abcdef0123456789abcdef"


def sha(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def mac(text, key=SK):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def vector(name, why, request, *, secret=SK, now_ms=AT, expect="authentic", **fields):
    return {"name": name, "why": why, "request": request, "secret": secret, "now_ms": now_ms,
            "expect": expect, **fields}


class Cases:
    """Vectors that differ from a good one in one thing."""

    def __init__(self, good, told):
        self.good, self.told, self.all = good, told, []

    def fine(self, name, why, request=None, **fields):
        self.all.append(vector(name, why, request or copy.deepcopy(self.good), **self.told, **fields))

    def bad(self, name, why, code, change=lambda request: None, **fields):
        request = copy.deepcopy(fields.pop("of", self.good))
        change(request)
        self.all.append(vector(name, why, request, expect=code, **fields))


def put(**members):
    return lambda request: request.update(members)


def header(name, value):
    """Sets one header; None takes it away."""
    def change(request):
        kept = [pair for pair in request["headers"] if pair[0].lower() != name]
        request["headers"] = kept + ([[name, value]] if value is not None else [])
    return change


def also(name, value):
    return lambda request: request["headers"].append([name, value])


def authorization(change):
    """Writes the Authorization header anew."""
    def apply(request):
        value = next(value for name, value in request["headers"] if name == "Authorization")
        changed = change(value)
        assert changed != value
        header("authorization", None)(request)
        request["headers"].append(["Authorization", changed])
    return apply


# --- Huawei: SDK-HMAC-SHA256 -----------------------------------------------------------------

HW_DATE = "20240910T003000Z"
HW_TOLD = {"scheme": "SDK-HMAC-SHA256", "access_key": AK, "time_ms": AT}


def huawei_request(method, path, query, canonical, *, headers, body="", sdk_path=None, sdk_query=(),
                   key=SK, extra=()):
    """A request whose canonical form (path and query) is given, with the vendor's signer asked, too."""
    headers = sorted(headers.items())
    lines = [method, canonical[0], canonical[1], *(f"{name}:{value}" for name, value in headers), "",
             ";".join(name for name, _ in headers), sha(body)]
    signature = mac(f"SDK-HMAC-SHA256\n{HW_DATE}\n{sha(chr(10).join(lines))}", key)
    names = ";".join(name for name, _ in headers)
    value = f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders={names}, Signature={signature}"
    if composer and sdk_path:
        theirs = SdkRequest(method=method, schema="http", host=dict(headers)["host"], resource_path=sdk_path,
                            query_params=list(sdk_query), body=body,
                            header_params={"Host" if name == "host" else name: text for name, text in headers})
        Signer(BasicCredentials(AK, key, PROJECT)).sign(theirs)
        assert theirs.header_params["Authorization"] == value, (theirs.header_params, value)
        assert theirs.uri == path + ("?" + query if query else ""), theirs.uri
    return {"method": method, "path": path, "query": query, "body": body,
            "headers": [[name, text] for name, text in headers] + [["Authorization", value], *extra]}


def huawei():
    usual = {"content-type": "application/json", "host": "127.0.0.1:8787", "user-agent": "sdk/3.0; os/Linux#x",
             "x-project-id": PROJECT, "x-sdk-date": HW_DATE}
    config = f"/v1/{PROJECT}/smart-live-configs/user-config"
    body = '{"live_notify_config": {"action": "add", "notify_events": ["AUTO_EXIT"]}}'
    update = huawei_request("PUT", config, "", (config + "/", ""), headers=usual, body=body, sdk_path=config)
    cases = Cases(update, HW_TOLD)
    cases.fine("a change with a body", "the body's digest is the last line of what is signed")
    cases.fine("a request without a body", "the digest is that of nothing", huawei_request(
        "GET", config, "", (config + "/", ""), headers=usual, sdk_path=config))
    products = f"/v1/{PROJECT}/live-platforms/products"
    query = "limit=10&live_id=l%2A1&offset=0&platform_id=a%20b%2F%2B%C3%A9~"
    listed = huawei_request(
        "GET", products, query, (products + "/", query), headers=usual, sdk_path=products,
        sdk_query=[("platform_id", "a b/+é~"), ("live_id", "l*1"), ("offset", 0), ("limit", 10)])
    cases.fine("a query", "sorted by name, all but the unreserved characters encoded", listed)
    moved = "platform_id=a%20b%2f%2b%c3%a9%7E&offset=0&limit=10&live_id=l*1"
    cases.fine("a query in another order and encoded otherwise", "it is signed in its canonical form",
               listed | {"query": moved})
    cases.fine("a space written as plus", "clients that mean a plus write %2B",
               listed | {"query": query.replace("%20", "+")})
    cases.fine("a list in the query", "values of one name are sorted, too", huawei_request(
        "GET", products, "tag=a&tag=b", (products + "/", "tag=a&tag=b"), headers=usual, sdk_path=products,
        sdk_query=[("tag", ["b", "a"])]) | {"query": "tag=b&tag=a"})
    cases.fine("a parameter without a value", "it is signed with its equals sign", huawei_request(
        "GET", products, "limit=", (products + "/", "limit="), headers=usual, sdk_path=products,
        sdk_query=[("limit", "")]) | {"query": "&limit"})
    strange = f"/v1/{PROJECT}/live-platforms/platforms/a%20b%2F%2B%C3%A9~%2A"
    cases.fine("an encoded path", "decoded once, and each segment encoded anew", huawei_request(
        "DELETE", strange, "", (f"/v1/{PROJECT}/live-platforms/platforms/a%20b/%2B%C3%A9~%2A/", ""),
        headers=usual, sdk_path=strange))
    cases.fine("a path that ends in a slash", "a second one is not added", huawei_request(
        "GET", config + "/", "", (config + "/", ""), headers=usual, sdk_path=config + "/"))
    cases.fine("the root", "its canonical form is itself", huawei_request(
        "GET", "/", "", ("/", ""), headers=usual, sdk_path="/"))
    least = {"host": "127.0.0.1:8787", "x-sdk-date": HW_DATE}
    cases.fine("host and date alone", "nothing else has to be signed", huawei_request(
        "PUT", config, "", (config + "/", ""), headers=least, body=body, sdk_path=config,
        extra=[["user-agent", "any"], ["x-project-id", PROJECT]]))
    digest = {**least, "x-sdk-content-sha256": sha(body)}
    with_digest = huawei_request("PUT", config, "", (config + "/", ""), headers=digest, body=body, sdk_path=config)
    cases.fine("a header with the body's digest", "it is the body's", with_digest)
    cases.fine("white space around a header", "it is not part of the value", cases.good | {
        "headers": [[name, f" {text}\t"] for name, text in cases.good["headers"]]})
    cases.fine("headers' names in other case", "names have no case", cases.good | {
        "headers": [[name.title(), text] for name, text in cases.good["headers"]]})
    cases.fine("fifteen minutes late", "the window's end counts", now_ms=AT + WINDOW)
    cases.fine("fifteen minutes early", "the window's end counts", now_ms=AT - WINDOW)

    cases.bad("later than fifteen minutes", "one millisecond", "auth.request_stale", now_ms=AT + WINDOW + 1)
    cases.bad("earlier than fifteen minutes", "one millisecond", "auth.request_future", now_ms=AT - WINDOW - 1)
    cases.bad("another secret", "it is not that of this access key", "auth.request_mismatch", secret=SK + "x")
    cases.bad("no secret", "an empty key signs nothing", "auth.request_mismatch", secret="", of=huawei_request(
        "GET", config, "", (config + "/", ""), headers=usual, key=""))
    cases.bad("another body", "its digest is signed", "auth.request_mismatch", put(body=body + " "))
    cases.bad("another method", "it is signed", "auth.request_mismatch", put(method="POST"))
    cases.bad("another path", "it is signed", "auth.request_mismatch", put(path=config + "s"))
    cases.bad("a parameter more", "the query is signed", "auth.request_mismatch", put(query="a=1"))
    cases.bad("a parameter changed", "the query is signed", "auth.request_mismatch",
              put(query=query.replace("limit=10", "limit=11")), of=listed)
    cases.bad("a plus that is meant", "it would be a space", "auth.request_mismatch",
              put(query=query.replace("%2B", "+")), of=listed)
    cases.bad("another host", "a request to one gateway is none to another", "auth.request_mismatch",
              header("host", "127.0.0.1:8788"))
    cases.bad("another project in the header", "it is signed here", "auth.request_mismatch",
              header("x-project-id", "f" * 32))
    cases.bad("a date that was moved", "it is signed", "auth.request_mismatch",
              header("x-sdk-date", "20240910T003001Z"))
    cases.bad("a host that is not signed", "the request could be sent anywhere", "auth.request_header_unsigned",
              of=huawei_request("GET", config, "", (config + "/", ""), headers={"x-sdk-date": HW_DATE},
                                extra=[["host", "127.0.0.1:8787"]]))
    cases.bad("a date that is not signed", "the request would be fresh for ever", "auth.request_header_unsigned",
              of=huawei_request("GET", config, "", (config + "/", ""), headers={"host": "h"},
                                extra=[["x-sdk-date", HW_DATE]]))
    cases.bad("a signed header that did not come", "what was signed is not here", "auth.request_signed_header",
              header("user-agent", None))
    cases.bad("a signed header twice", "nobody knows which one counts", "auth.request_signed_header",
              also("User-Agent", "other"))
    cases.bad("two dates", "nobody knows which one counts", "auth.request_duplicate", also("X-Sdk-Date", HW_DATE))
    cases.bad("two signatures", "nobody knows which one counts", "auth.request_duplicate",
              also("authorization", "SDK-HMAC-SHA256 x"))
    cases.bad("no date", "it could be any time's", "auth.request_missing", header("x-sdk-date", None))
    for name, date in {"extended": "2024-09-10T00:30:00Z", "no zone": "20240910T003000", "a 13th month":
                       "20241310T003000Z", "other letters": "20240910 003000Z"}.items():
        cases.bad(f"a date: {name}", "YYYYMMDD'T'HHMMSS'Z'", "auth.request_malformed", header("x-sdk-date", date))
    cases.bad("no signature", "anybody could send it", "auth.request_unsigned", header("authorization", None))
    for name, algorithm in {"SM3": "SDK-HMAC-SM3", "derived keys": "V11-HMAC-SHA256", "a bearer": "Bearer"}.items():
        cases.bad(f"another algorithm: {name}", "it is not taken", "auth.request_algorithm",
                  authorization(lambda value: value.replace("SDK-HMAC-SHA256", algorithm)))
    for name, change in {
        "a piece without a value": lambda value: value + ", x",
        "a piece that is not known": lambda value: value + ", Region=x",
        "the other vendor's name for the key": lambda value: value.replace("Access=", "Credential="),
        "no access key": lambda value: value.replace(AK, ""),
        "a space in the access key": lambda value: value.replace(AK, "A K"),
        "a digit less": lambda value: value[:-1],
        "a byte less": lambda value: value[:-2],
        "no digits": lambda value: value[:-1] + "g",
        "names in another order": lambda value: value.replace("content-type;host", "host;content-type"),
        "a name twice": lambda value: value.replace("content-type;host", "content-type;host;host"),
        "a name in upper case": lambda value: value.replace("content-type", "Content-Type"),
        "an empty name": lambda value: value.replace("content-type;", ";"),
    }.items():
        cases.bad(f"a header that is written otherwise: {name}", "one request has one meaning",
                  "auth.request_malformed", authorization(change))
    cases.bad("a piece twice", "nobody knows which one counts", "auth.request_duplicate",
              authorization(lambda value: value + ", Access=" + AK))
    cases.bad("a path that is not encoded", "% wants two digits", "auth.request_malformed", put(path="/v1/%2"))
    cases.bad("a query that is not encoded", "% wants two digits", "rpc.malformed", put(query="a=%zz"))
    cases.bad("a body that is left open", "the vendor's clients write so for other types than JSON: any body "
              "would fit", "auth.request_body_unsigned",
              of=huawei_request("PUT", config, "", (config + "/", ""), body=body,
                                headers={**least, "x-sdk-content-sha256": "UNSIGNED-PAYLOAD"}))
    cases.bad("another body behind a signed digest", "the digest is the other one's", "auth.request_body_changed",
              put(body=body + " "), of=with_digest)
    return cases.all


# --- Alibaba: ACS3-HMAC-SHA256 ---------------------------------------------------------------

ACS_DATE = "2024-09-10T00:30:00Z"
NONCE = "3156853299f313e23d1673dc12e1703d"
ACS_TOLD = {"scheme": "ACS3-HMAC-SHA256", "access_key": AK, "time_ms": AT, "nonce": NONCE}


def acs_headers(action, body="", **more):
    return {"accept": "application/json", "host": "live.aliyuncs.com", "user-agent": "AlibabaCloud (Linux) x",
            "x-acs-action": action, "x-acs-content-sha256": sha(body), "x-acs-date": ACS_DATE,
            "x-acs-signature-nonce": NONCE, "x-acs-version": "2016-11-01", **more}


def acs_request(method, query, canonical_query, *, headers, path="/", body="", params=None, extra=(), key=SK):
    headers = sorted(headers.items())
    lines = [method, path, canonical_query, *(f"{name}:{value}" for name, value in headers), "",
             ";".join(name for name, _ in headers), sha(body)]
    signature = mac(f"ACS3-HMAC-SHA256\n{sha(chr(10).join(lines))}", key)
    names = ";".join(name for name, _ in headers)
    value = f"ACS3-HMAC-SHA256 Credential={AK},SignedHeaders={names},Signature={signature}"
    if composer and params is not None:
        theirs = DaraRequest()
        theirs.method, theirs.pathname, theirs.query, theirs.headers = method, path, params, dict(headers)
        theirs.protocol = "https"
        assert acs_utils.Utils.get_authorization(theirs, "ACS3-HMAC-SHA256", sha(body), AK, key) == value
        url = DaraCore.compose_url(theirs)
        assert urllib.parse.urlsplit(url).query == query, url
    return {"method": method, "path": path, "query": query, "body": body,
            "headers": [[name, text] for name, text in headers] + [["Authorization", value], *extra]}


def acs3():
    # The client writes a space as plus on the wire, and signs it as %20.
    query = ("AppId=a+b%2B%2A~%2F%C3%A9&CallbackUrl=https%3A%2F%2Fx.example%2F%3Fa%3Db%26c%3Dd"
             "&ChannelId=&Events.1=UserEvent&Users.1=u1&Users.2=u2")
    canonical = query.replace("+", "%20")
    params = {"AppId": "a b+*~/é", "CallbackUrl": "https://x.example/?a=b&c=d", "ChannelId": "",
              "Events.1": "UserEvent", "Users.1": "u1", "Users.2": "u2"}
    good = acs_request("POST", query, canonical, headers=acs_headers("CreateEventSub"), params=params)
    told = ACS_TOLD | {"action": "CreateEventSub", "version": "2016-11-01"}
    cases = Cases(good, told)
    cases.fine("parameters in the query", "the client sends all of them there", params=params)
    cases.fine("the query in another order", "it is signed sorted", good | {
        "query": "&".join(reversed(query.split("&")))}, params=params)
    cases.fine("no path", "it is /", good | {"path": ""})
    cases.fine("a GET", "lists are asked for so", acs_request(
        "GET", "AppId=a", "AppId=a", headers=acs_headers("CreateEventSub"), params={"AppId": "a"}), params={"AppId": "a"})
    # Names that begin with others': a sort of whole pairs would put A.1 before A.
    cases.fine("names that begin alike", "names are sorted, not pairs", acs_request(
        "POST", "A=1&A.1=2&A-=3", "A=1&A-=3&A.1=2", headers=acs_headers("CreateEventSub"),
        params={"A": "1", "A.1": "2", "A-": "3"}), params={"A": "1", "A.1": "2", "A-": "3"})
    form = "AppId=a+b&CustomSei=%7B%22k%22%3A%22%C3%A9%22%7D"
    formed = acs_request("POST", "", "", body=form, params={}, headers=acs_headers(
        "CreateEventSub", form, **{"content-type": "application/x-www-form-urlencoded"}))
    cases.fine("parameters in a form", "the body's digest is signed", formed,
               params={"AppId": "a b", "CustomSei": '{"k":"é"}'})
    cases.fine("a form's type with a parameter", "it is a form still", acs_request(
        "POST", "", "", body="AppId=a", headers=acs_headers(
            "CreateEventSub", "AppId=a", **{"content-type": "application/x-www-form-urlencoded; charset=utf-8"})),
        params={"AppId": "a"})
    cases.fine("a body of another type", "it is signed and not read for parameters", acs_request(
        "POST", "", "", body='{"AppId":"a"}', params={}, headers=acs_headers(
            "CreateEventSub", '{"AppId":"a"}', **{"content-type": "application/json; charset=utf-8"})), params={})
    cases.fine("the same six headers and no other", "no more has to be signed", acs_request(
        "POST", query, canonical, params=params, extra=[["accept", "*/*"]],
        headers={name: text for name, text in acs_headers("CreateEventSub").items()
                 if name.startswith("x-acs-") or name == "host"}), params=params)
    cases.fine("fifteen minutes late", "the window's end counts", now_ms=AT + WINDOW)

    cases.bad("later than fifteen minutes", "one millisecond", "auth.request_stale", now_ms=AT + WINDOW + 1)
    cases.bad("earlier than fifteen minutes", "one millisecond", "auth.request_future", now_ms=AT - WINDOW - 1)
    cases.bad("another secret", "it is not that of this access key", "auth.request_mismatch", secret="x")
    cases.bad("another method", "it is signed", "auth.request_mismatch", put(method="PUT"))
    cases.bad("another path", "it is signed", "auth.request_mismatch", put(path="/x"))
    cases.bad("a parameter changed", "the query is signed", "auth.request_mismatch",
              put(query=query.replace("u2", "u3")))
    cases.bad("a parameter more", "the query is signed", "auth.request_mismatch", put(query=query + "&Users.3=u3"))
    cases.bad("another operation", "it is signed", "auth.request_mismatch", header("x-acs-action", "DeleteEventSub"))
    cases.bad("another nonce", "it is signed", "auth.request_mismatch", header("x-acs-signature-nonce", "n"))
    cases.bad("another host", "it is signed", "auth.request_mismatch", header("host", "live.example"))
    cases.bad("another body", "the digest is the first one's", "auth.request_body_changed",
              put(body=form + "&a=1"), of=formed)
    cases.bad("another body and its digest", "the digest is signed", "auth.request_mismatch",
              lambda request: (put(body="AppId=c")(request), header("x-acs-content-sha256", sha("AppId=c"))(request)),
              of=formed)
    for name in ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"):
        headers = acs_headers("CreateEventSub")
        cases.bad(f"{name} is not signed", "it decides about the request", "auth.request_header_unsigned",
                  of=acs_request("POST", query, canonical, extra=[[name, headers.pop(name)]], headers=headers))
    cases.bad("another header of the vendor's that is not signed", "it could be anybody's",
              "auth.request_header_unsigned", also("X-Acs-Security-Token", "t"))
    cases.bad("a body's type that is not signed", "it says whether the body is read", "auth.request_header_unsigned",
              of=acs_request("POST", "", "", body=form, headers=acs_headers("CreateEventSub", form),
                             extra=[["content-type", "application/x-www-form-urlencoded"]]))
    cases.bad("a signed type that did not come", "the body would not be read", "auth.request_signed_header",
              header("content-type", None), of=formed)
    cases.bad("two operations", "nobody knows which one counts", "auth.request_signed_header",
              also("x-acs-action", "DeleteEventSub"))
    cases.bad("no nonce", "it could be sent again", "auth.request_missing", header("x-acs-signature-nonce", None))
    cases.bad("an empty nonce", "it could be sent again", "auth.request_malformed", header("x-acs-signature-nonce", ""))
    cases.bad("a nonce of 257 bytes", "it has to be kept", "auth.request_malformed",
              header("x-acs-signature-nonce", "n" * 257))
    cases.bad("no date", "it could be any time's", "auth.request_missing", header("x-acs-date", None))
    cases.bad("a date in the other vendor's form", "ISO 8601 with its marks", "auth.request_malformed",
              header("x-acs-date", HW_DATE))
    cases.bad("another algorithm", "it is not taken", "auth.request_algorithm",
              authorization(lambda value: value.replace("HMAC-SHA256", "HMAC-SM3", 1)))
    cases.bad("the other vendor's header", "each has its own", "auth.request_malformed",
              authorization(lambda value: value.replace("Credential=", "Access=")))
    return cases.all


# --- Alibaba: RPC, HMAC-SHA1 -----------------------------------------------------------------

RPC_TOLD = {"scheme": "HMAC-SHA1", "access_key": AK, "time_ms": AT, "nonce": NONCE,
            "action": "CreateEventSub", "version": "2016-11-01"}
COMMON = {"Action": "CreateEventSub", "Version": "2016-11-01", "Format": "JSON", "RegionId": "cn-shanghai",
          "AccessKeyId": AK, "SignatureMethod": "HMAC-SHA1", "SignatureType": "", "SignatureVersion": "1.0",
          "SignatureNonce": NONCE, "Timestamp": ACS_DATE}


def rpc_sign(method, text, secret=SK):
    digest = hmac.new((secret + "&").encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def rpc_request(method, params, *, body=None, secret=SK):
    """A request signed after the documentation: encoded pairs, sorted, encoded once more."""
    def encode(text):
        return urllib.parse.quote(text, safe="-_.~")
    every = {**params, **(body or {})}
    pairs = "&".join(f"{encode(name)}={encode(every[name])}" for name in sorted(every))
    signature = rpc_sign(method, f"{method}&%2F&{encode(pairs)}", secret)
    query = "&".join(f"{encode(name)}={encode(value)}" for name, value in params.items())
    query += "&Signature=" + encode(signature)
    usual = {"SignatureMethod": "HMAC-SHA1", "SignatureType": "", "SignatureVersion": "1.0"}
    if composer and secret and params.keys() >= COMMON.keys() and usual.items() <= params.items():
        helper = composer.helper
        kept = helper.get_iso_8061_date, helper.get_uuid
        helper.get_iso_8061_date, helper.get_uuid = lambda: params["Timestamp"], lambda: params["SignatureNonce"]
        url, _ = composer.get_signed_url(
            dict(params), params["AccessKeyId"], secret, params["Format"], method, body or {})
        helper.get_iso_8061_date, helper.get_uuid = kept
        sent = dict(urllib.parse.parse_qsl(url[2:], keep_blank_values=True))
        assert sent == {**params, "Signature": signature}, (url, signature)
        # The other package of the vendor knows this scheme, too.
        assert acs_utils.Utils.get_rpcsignature(every, method, secret) == signature
    headers = [["host", "live.aliyuncs.com"], ["x-acs-action", params.get("Action", "x")]]
    form = ""
    if body is not None:
        form = urllib.parse.urlencode(body)
        headers.append(["Content-Type", "application/x-www-form-urlencoded"])
    return {"method": method, "path": "/", "query": query, "headers": headers, "body": form}


def hmac_sha1():
    # The vendor's published example: DescribeRegions of ECS, key id "testid", secret "testsecret".
    example = "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML%26SignatureMethod%3DHMAC-SHA1" \
        "%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0%26Timestamp" \
        "%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26"
    published = "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
    assert rpc_sign("GET", example, "testsecret") == published
    params = {"AppId": "a b+*~/é", "ChannelId": "", "Users.1": "u1", "CallbackUrl": "https://x.example/?a=b&c=d"}
    good = rpc_request("POST", {**params, **COMMON})
    cases = Cases(good, RPC_TOLD)
    cases.all.append(vector(
        "the published example", "Alibaba's documentation of the RPC signature", {
            "method": "GET", "path": "/", "headers": [], "body": "",
            "query": "SignatureVersion=1.0&Action=DescribeRegions&Format=XML&SignatureNonce="
                     "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26&AccessKeyId=testid&Signature="
                     "OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D&SignatureMethod=HMAC-SHA1&Timestamp=2016-02-23T12%3A46%3A24Z"},
        secret="testsecret", now_ms=1456231584000, scheme="HMAC-SHA1", access_key="testid", time_ms=1456231584000,
        nonce="3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", action="DescribeRegions", version="2014-05-26"))
    every = {**params, **COMMON}
    told = {name: value for name, value in every.items()}
    cases.fine("parameters in the query", "the client sends all of them there",
               params=told | {"Signature": urllib.parse.unquote(good["query"].rsplit("=", 1)[1])})
    cases.fine("a GET", "lists are asked for so", rpc_request("GET", every))
    cases.fine("parameters in a form", "they are signed with those of the query", rpc_request("POST", COMMON, body=params))
    everything = rpc_request("POST", COMMON, body=params)
    everything["body"], everything["query"] = everything["body"] + "&" + everything["query"], ""
    cases.fine("everything in a form", "where a parameter stands is not signed", everything)
    cases.fine("the query in another order and encoded otherwise", "it is signed in its canonical form", good | {
        "query": "&".join(reversed(good["query"].replace("~", "%7e").replace("%20", "+").split("&")))})
    cases.fine("another path that is none", "/ is signed in any case", good | {"path": ""})
    cases.fine("a header that names another operation", "headers are not signed, so they do not count", good | {
        "headers": [["host", "h"], ["x-acs-action", "DeleteEventSub"]]})
    cases.fine("fifteen minutes early", "the window's end counts", now_ms=AT - WINDOW)
    cases.fine("fifteen minutes late", "the window's end counts", now_ms=AT + WINDOW)

    cases.bad("later than fifteen minutes", "one millisecond", "auth.request_stale", now_ms=AT + WINDOW + 1)
    cases.bad("earlier than fifteen minutes", "one millisecond", "auth.request_future", now_ms=AT - WINDOW - 1)
    cases.bad("another secret", "it is not that of this access key", "auth.request_mismatch", secret="x")
    cases.bad("no secret", "an empty key signs nothing", "auth.request_mismatch", secret="",
              of=rpc_request("POST", every, secret=""))
    cases.bad("another method", "it is signed", "auth.request_mismatch", put(method="GET"))
    cases.bad("a parameter changed", "it is signed", "auth.request_mismatch",
              put(query=good["query"].replace("Users.1=u1", "Users.1=u2")))
    cases.bad("a parameter more", "it is signed", "auth.request_mismatch", put(query=good["query"] + "&Users.2=u2"))
    cases.bad("a parameter less", "it is signed", "auth.request_mismatch",
              put(query=good["query"].replace("ChannelId=&", "")))
    cases.bad("a parameter of the form changed", "it is signed", "auth.request_mismatch",
              lambda request: put(body=request["body"].replace("u1", "u2"))(request),
              of=rpc_request("POST", COMMON, body=params))
    cases.bad("a parameter in the query and in the form", "nobody knows which one counts", "rpc.duplicate",
              lambda request: put(query=request["query"] + "&AppId=b")(request),
              of=rpc_request("POST", COMMON, body=params))
    cases.bad("another path", "the scheme signs / for any", "auth.request_malformed", put(path="/v1/x"))
    cases.bad("a body that is no form", "the scheme does not sign it", "auth.request_body_unsigned", put(body="{}"))
    cases.bad("a form that is not said to be one", "the scheme does not sign it", "auth.request_body_unsigned",
              header("content-type", None), of=rpc_request("POST", COMMON, body=params))
    cases.bad("no signature", "anybody could send it", "auth.request_unsigned",
              lambda request: put(query=request["query"].rsplit("&", 1)[0])(request))
    for name in ("AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"):
        cases.bad(f"no {name}", "it belongs to the scheme", "auth.request_missing",
                  of=rpc_request("POST", {own: value for own, value in every.items() if own != name}))
    for name, value in {"SignatureMethod": "HMAC-SHA256", "SignatureVersion": "2.0", "SignatureType": "BEARERTOKEN"}.items():
        cases.bad(f"another {name}", "it is not taken", "auth.request_algorithm",
                  of=rpc_request("POST", every | {name: value}))
    for name, value in {"Timestamp": "1725928200", "SignatureNonce": "", "AccessKeyId": "a b"}.items():
        cases.bad(f"a bad {name}", "it is not written so", "auth.request_malformed",
                  of=rpc_request("POST", every | {name: value}))
    for name, value in {"no base64": "%21", "a byte less": urllib.parse.quote(base64.b64encode(b"x" * 19)),
                        "a byte more": urllib.parse.quote(base64.b64encode(b"x" * 21))}.items():
        cases.bad(f"a signature of another form: {name}", "it has 20 bytes", "auth.request_malformed",
                  lambda request: put(query=request["query"].rsplit("=", 1)[0] + "=" + value)(request))
    return cases.all


# --- Parameters ------------------------------------------------------------------------------

STRUCTS = ["MultiStreamURL", "SeiParams", "SingleSubParams", "TranscodeParams"]


def flattened(value, name, out):
    """The vendor's flattened form, written again."""
    inner = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else None
    if inner is None:
        out[name] = value if isinstance(value, str) else json.dumps(value)
    elif not value:
        out[name] = ""
    else:
        for own, below in inner:
            if below is not None:
                flattened(below, f"{name}.{own}" if name else own, out)
    return out


def params():
    def case(name, why, query, expect, **fields):
        return {"name": name, "why": why, "query": query, "flatten": STRUCTS, "expect": expect, **fields}

    task = {
        "AppId": "app", "ChannelId": "c1", "MaxIdleTime": "30", "MixMode": "1", "TaskId": "t1",
        "MultiStreamURL": [{"IsAliCdn": True, "URL": "rtmp://a.example/x?k=1&l=2"}, {"IsAliCdn": False, "URL": "rtmp://b"}],
        "SeiParams": {"LayoutVolume": {}, "PassThrough": {"Interval": "1000", "PayloadContent": "é \"x\""}},
        "TranscodeParams": {
            "Background": {"RenderMode": "0", "URL": "https://x.example/b.png"},
            "EncodeParams": {"VideoWidth": "1280", "EnhancedParam": '{"profile":"high"}'},
            "Layout": {"UserPanes": [
                {"X": "0.0", "Y": "0.25", "ZOrder": "0", "UserInfo": {"UserId": "u1"}}, {"X": "0.5", "UserInfo": {"UserId": "u2"}}]},
            "UserInfos": [{"UserId": "u1"}, {"UserId": "u2", "ChannelId": "c2"}]},
    }
    expect = flattened(task, "", {})
    sent = {name: json.dumps(value, ensure_ascii=False, separators=(",", ":")) if name in STRUCTS else value
            for name, value in task.items()}
    if composer:
        request = live.StartLiveMPUTaskRequest().from_map(copy.deepcopy(task))
        # As the vendor's own flattening has it, which writes True for true and leaves out what is empty.
        theirs = acs_utils.Utils.query(request.to_map())
        ours = {name: value.title() if name.endswith("IsAliCdn") else value for name, value in expect.items()}
        assert {name: value for name, value in ours.items() if value} == theirs, theirs
    as_json = urllib.parse.urlencode(sent)
    as_names = urllib.parse.urlencode(expect)
    last = "TranscodeParams"
    mixed = urllib.parse.urlencode({
        **{name: value for name, value in sent.items() if name != last},
        **{name: value for name, value in expect.items() if name.startswith(last)}})
    numbers = {"SeiParams": {"LayoutVolume": {"Interval": 1000, "FollowIdr": False, "None": None}, "PayloadType": 1.50e2}}
    cases = [
        case("structures as JSON", "so the vendor's packages send them", as_json, expect),
        case("structures as flattened names", "so other clients send them", as_names, expect),
        case("some so and some so", "they mean the same", mixed, expect),
        case("numbers and truth in JSON", "their text counts; null is not there",
             "SeiParams=" + urllib.parse.quote('{"LayoutVolume":{"Interval":1000,"FollowIdr":false,"None":null},"PayloadType":1.50e2}'),
             {"SeiParams.LayoutVolume.Interval": "1000", "SeiParams.LayoutVolume.FollowIdr": "false", "SeiParams.PayloadType": "1.50e2"}),
        case("an empty object and an empty list", "that they are there may mean something",
             "SeiParams=%7B%7D&MultiStreamURL=%5B%5D&TranscodeParams=%7B%22UserInfos%22%3A%5B%5D%7D",
             {"SeiParams": "", "MultiStreamURL": "", "TranscodeParams.UserInfos": ""}),
        case("an object of nothing but null", "it is as good as empty", "SeiParams=%7B%22a%22%3Anull%7D", {"SeiParams": ""}),
        case("nothing", "it stays so", "SeiParams=", {"SeiParams": ""}),
        case("lists in lists", "each has its numbers", "MultiStreamURL=%5B%5B1%2C2%5D%2C%5B3%5D%5D",
             {"MultiStreamURL.1.1": "1", "MultiStreamURL.1.2": "2", "MultiStreamURL.2.1": "3"}),
        case("JSON under another name", "it is a text like any", "CustomSei=%7B%22a%22%3A1%7D", {"CustomSei": '{"a":1}'}),
        case("the same both ways", "nobody knows which one counts", "SeiParams=%7B%22a%22%3A1%7D&SeiParams.a=1", None,
             code="rpc.duplicate"),
        case("a member twice", "nobody knows which one counts", "SeiParams=%7B%22a%22%3A1%2C%22a%22%3A1%7D", None,
             code="rpc.duplicate"),
        case("a name twice", "nobody knows which one counts", "a=1&%61=1", None, code="rpc.duplicate"),
        case("a thousand parameters", "no more are read", "&".join(f"a{n}" for n in range(1000)),
             {f"a{n}": "" for n in range(1000)}),
        case("a thousand and one", "no more are read", "&".join(f"a{n}" for n in range(1001)), None, code="rpc.too_many"),
        case("a thousand and one in JSON", "no more are read", "SeiParams=" + urllib.parse.quote(str([1] * 1001)), None,
             code="rpc.too_many"),
        case("long names over many members", "each member would have the whole name",
             "SeiParams=" + urllib.parse.quote(json.dumps({"n" * 3000: {str(n): 1 for n in range(100)}})), None,
             code="rpc.too_large"),
        case("a percent sign alone", "it wants two digits", "a=%", None, code="rpc.malformed"),
        case("what is not UTF-8", "parameters are text", "a=%ff", None, code="rpc.malformed"),
    ]
    assert flattened(numbers["SeiParams"]["LayoutVolume"], "x", {}) == {"x.Interval": "1000", "x.FollowIdr": "false"}
    for name, value in {"a word": "x", "a number": "1", "null": "null", "a text": '"{}"', "half an object": "{",
                        "something behind it": "{}x", "65 levels": "[" * 65 + "]" * 65}.items():
        cases.append(case(f"no structure: {name}", "it cannot be read", "SeiParams=" + urllib.parse.quote(value), None,
                          code="rpc.not_json"))
    return cases


# --- Files -----------------------------------------------------------------------------------

FILES = {
    "huawei.json": ("Huawei: SDK-HMAC-SHA256", huawei),
    "acs3.json": ("Alibaba: ACS3-HMAC-SHA256", acs3),
    "hmac_sha1.json": ("Alibaba: RPC with HMAC-SHA1", hmac_sha1),
    "params.json": ("Alibaba: parameters, flattened and in JSON", params),
}


def main():
    check = "--check" in sys.argv[1:]
    if not check and not composer:
        sys.exit("the files are written with the vendors' signers only")
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
        sys.exit(f"differ from what make_request.py writes: {', '.join(differ)}")


if __name__ == "__main__":
    main()

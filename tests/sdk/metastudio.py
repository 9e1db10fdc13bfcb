"""MetaStudio: live configuration, live platforms, rooms and jobs, by Huawei's own client.

Limits are those of the vendor's API reference. Where it is silent, docs/spec/control-plane.md says
what the gateway does, and the check says so.
"""

import random
import urllib.error
import urllib.request

import huawei
from bench import Checks, Skip, has, same
from huawei import Huawei, invalid, refused
from third_party import EXAMPLE, ThirdParty

checks = Checks()
check = checks.check

CALLBACK = "https://hooks.example.com/live?room=1"


def client(bench):
    return bench.once("huawei", lambda: Huawei(bench, bench.a))


def nested(path, value):
    """{a: {b: value}} of a.b."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def each_refused(operation, prepare, table):
    """Adds a check for each row (parameter that is named, body, title). `prepare` gives the other
    parameters of the call."""
    for naming, body, title in table:
        def one(bench, naming=naming, body=body):
            return invalid(client(bench).call(operation, body(bench) if callable(body) else body,
                                              **prepare(bench)), naming)
        checks.add(operation, f"refuses {title}", one)


# ---- who calls ------------------------------------------------------------------------------

SHOW = "ShowSmartLiveUserConfig"


@check(SHOW, "an access key signs")
def _(bench):
    same(Huawei(bench, bench.a).ok(SHOW).status, 200)


@check(SHOW, "an X-Auth-Token is taken")
def _(bench):
    same(Huawei(bench, bench.a, token=bench.a.auth_token).ok(SHOW).status, 200)


@check(SHOW, "both ways see the same tenant")
def _(bench):
    hours = 1 + random.randrange(168)
    client(bench).ok("UpdateSmartLiveUserConfig", {"live_exit_config": {"max_live_duration": hours}})
    shown = Huawei(bench, bench.a, token=bench.a.auth_token).ok(SHOW)
    has(shown.body, {"live_exit_config": {"max_live_duration": hours}})


@check(SHOW, "every answer has a request id of its own")
def _(bench):
    ids = {client(bench).ok(SHOW).request_id for _ in range(3)}
    same(len(ids), 3, "the number of ids")


for title, change in {
    "the secret of another tenant": lambda a, b: {"secret_key": b.secret_key},
    "an access key that nobody has": lambda a, b: {"access_key": "LG" + "0" * 18},
    "a token that nobody has": lambda a, b: {"token": "lgx_" + "0" * 32},
    "an empty token": lambda a, b: {"token": ""},
    "the secret key as a token": lambda a, b: {"token": a.secret_key},
}.items():
    def unauthorized(bench, change=change):
        answer = Huawei(bench, bench.a, **change(bench.a, bench.b)).call(SHOW)
        return refused(answer, 401, "MSS.00000001")
    checks.add(SHOW, f"refuses {title}", unauthorized)

for title, date in {"long ago": "20200101T000000Z", "far ahead": "20990101T000000Z"}.items():
    def stale(bench, date=date):
        return refused(client(bench).call(SHOW, headers={"X-Sdk-Date": date}), 401, "MSS.00000001")
    checks.add(SHOW, f"refuses what was signed {title}", stale)


@check(SHOW, "refuses a call without any signature")
def _(bench):
    url = f"{bench.gateway}/v1/{bench.a.project_id}/smart-live-configs/user-config"
    try:
        urllib.request.urlopen(url, timeout=30)
    except urllib.error.HTTPError as error:
        same(error.code, 401, "the status")
        text = error.read().decode()
        assert "MSS.00000001" in text and error.headers["X-Request-Id"], text
        return text
    raise AssertionError("it is let in")


# ---- user-config ----------------------------------------------------------------------------

UPDATE = "UpdateSmartLiveUserConfig"


@check(UPDATE, "keeps what is sent, and shows it")
def _(bench):
    config = {
        "live_exit_config": {"max_live_duration": 168, "auto_stop_mode": "SCENE_END",
                             "max_exception_waiting_duration": 60},
        "live_event_callback_config": {
            "live_event_type_callback_url": CALLBACK, "auth_type": "MSS_A_HEAD",
            "callback_event_type": ["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH"]},
    }
    key = {"key": bench.secret(32)}
    sent = {**config, "live_event_callback_config": {**config["live_event_callback_config"], **key}}
    client(bench).ok(UPDATE, sent)
    shown = client(bench).ok(SHOW)
    has(shown.body, config)
    # The client's own models read it.
    same(shown.model.live_exit_config.auto_stop_mode, "SCENE_END")
    same(shown.model.live_event_callback_config.live_event_type_callback_url, CALLBACK)


@check(UPDATE, "leaves what is not sent")
def _(bench):
    client(bench).ok(UPDATE, {"live_exit_config": {"max_live_duration": 5}})
    client(bench).ok(UPDATE, {"live_notify_config": {"action": "replace", "notify_events": []}})
    has(client(bench).ok(SHOW).body, {"live_exit_config": {"max_live_duration": 5}})


@check(UPDATE, "does not change anything if something is wrong")
def _(bench):
    client(bench).ok(UPDATE, {"live_exit_config": {"max_live_duration": 6}})
    invalid(client(bench).call(UPDATE, {
        "live_exit_config": {"max_live_duration": 7}, "live_notify_config": {"action": "no"}}), "action")
    has(client(bench).ok(SHOW).body, {"live_exit_config": {"max_live_duration": 6}})


for before, action, sent, after in [
    ([], "add", ["AUTO_EXIT"], ["AUTO_EXIT"]),
    (["AUTO_EXIT"], "add", ["AUTO_EXIT"], ["AUTO_EXIT"]),
    (["AUTO_EXIT"], "del", ["AUTO_EXIT"], []),
    ([], "del", ["AUTO_EXIT"], []),
    ([], "replace", ["AUTO_EXIT"], ["AUTO_EXIT"]),
    (["AUTO_EXIT"], "replace", [], []),
]:
    def notify(bench, before=before, action=action, sent=sent, after=after):
        for events, how in ((before, "replace"), (sent, action)):
            client(bench).ok(UPDATE, {"live_notify_config": {"action": how, "notify_events": events}})
        shown = client(bench).ok(SHOW).body
        same(shown.get("live_notify_config", {}).get("notify_events", []), after, "notify_events")
    checks.add(UPDATE, f"notify_events {before} {action} {sent} is {after}", notify)

for path, values in {
    "live_exit_config.max_live_duration": [0, 1, 168],
    "live_exit_config.max_exception_waiting_duration": [0, 60],
    "live_exit_config.auto_stop_mode": ["FORCE_EXIT", "SEGMENT_END", "SCENE_END", "SCRIPT_END"],
    "live_event_callback_config.live_event_type_callback_url": ["https://h.example/" + "a" * 2030],
    "live_event_callback_config.auth_type": ["NONE"],
    "live_event_callback_config.callback_event_type": [["SHOOT_SCRIPT_SWITCH"]],
}.items():
    for value in values:
        def taken(bench, path=path, value=value):
            client(bench).ok(UPDATE, nested(path, value))
            has(client(bench).ok(SHOW).body, nested(path, value))
        checks.add(UPDATE, f"takes {path} {str(value)[:40]}", taken)

BAD_CALLBACKS = [
    ("live_event_type_callback_url", "http://hooks.example.com/", "an address without TLS"),
    ("live_event_type_callback_url", "hooks", "no address"),
    ("live_event_type_callback_url", "https://h.example/" + "a" * 2031, "an address of 2049 characters"),
    ("live_event_type_callback_url", 1, "a number for an address"),
    ("auth_type", "MSS_B", "an auth_type that is none"),
    ("auth_type", "mss_a", "an auth_type in lower case"),
    ("auth_type", "N" * 33, "an auth_type of 33 characters"),
    ("key", "k" * 33, "a key of 33 characters"),
    ("key", 5, "a number for a key"),
    ("callback_event_type", [], "no type of event"),
    ("callback_event_type", ["SHOOT_SCRIPT_SWITCH"] * 11, "eleven types of event"),
    ("callback_event_type", ["LIVE_PROGRESS"], "another channel's type of event"),
    ("callback_event_type", "SHOOT_SCRIPT_SWITCH", "a type of event that is no list"),
    ("callback_event_type", [1], "a number for a type of event"),
]
ONE = {"live_event_type_callback_url": CALLBACK, "auth_type": "NONE"}
each_refused(UPDATE, lambda bench: {}, [
    (name, {"live_event_callback_config": {**ONE, name: value}}, title) for name, value, title in BAD_CALLBACKS
] + [
    (path.rsplit(".", 1)[-1], nested(path, value), f"{path} {value!r}")
    for path, values in {
        "live_exit_config": [1, []],
        "live_exit_config.max_live_duration": [-1, 169, 1.5, "1", True],
        "live_exit_config.auto_stop_mode": ["NEVER", "force_exit", "", 1],
        "live_exit_config.max_exception_waiting_duration": [-1, 61, "3"],
        "live_event_callback_config": ["x"],
        "live_notify_config": ["x"],
        "live_notify_config.action": ["set", "ADD", 1],
    }.items() for value in values
] + [
    ("action", {"live_notify_config": {"notify_events": ["AUTO_EXIT"]}}, "a notification without action"),
    ("notify_events", {"live_notify_config": {"action": "add", "notify_events": ["OTHER"]}}, "another notification"),
    ("notify_events", {"live_notify_config": {"action": "add", "notify_events": "AUTO_EXIT"}},
     "a notification that is no list"),
])


@check(UPDATE, "a key is kept where none is sent, and needed where there is none")
def _(bench):
    signed = {"live_event_type_callback_url": CALLBACK, "auth_type": "MSS_A"}
    client(bench).ok(UPDATE, {"live_event_callback_config": {**signed, "key": bench.secret(16)}})
    client(bench).ok(UPDATE, {"live_event_callback_config": signed})
    invalid(client(bench).call("CreateSmartLiveRoom", {
        "room_name": bench.fresh("room"), "live_event_callback_config": signed}), "key")


for title, body in {"a list": b"[]", "a text": b'"x"', "no JSON": b"{", "nothing": b""}.items():
    def no_object(bench, body=body):
        request = urllib.request.Request(
            f"{bench.gateway}/v1/{bench.a.project_id}/smart-live-configs/user-config", data=body, method="PUT",
            headers={"X-Auth-Token": bench.a.auth_token, "Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            same(error.code, 400, "the status")
            assert "MSS." in text, text
            return text
        raise AssertionError("it is taken")
    checks.add(UPDATE, f"refuses a body that is {title}", no_object)

# ---- platforms ------------------------------------------------------------------------------

QUERY = "https://shop.example.com/v1/products"


def platform(bench, **changes):
    return {
        "name": bench.fresh("platform"), "auth_config": {"key": bench.secret(32)},
        "callback_config": [{"api_type": "PRODUCT_QUERY", "url": QUERY},
                            {"api_type": "LIVE_EVENT_CALLBACK", "url": CALLBACK}], **changes}


def made_platform(bench, **changes):
    return client(bench).ok("CreateLivePlatform", platform(bench, **changes)).body["platform_id"]


@check("CreateLivePlatform", "is shown without its key")
def _(bench):
    sent = platform(bench)
    made = client(bench).ok("CreateLivePlatform", sent)
    assert made.model.platform_id == made.body["platform_id"] != "", made
    shown = client(bench).ok("ShowLivePlatform", platform_id=made.body["platform_id"])
    has(shown.body, {"platform_id": made.body["platform_id"], "access_type": "MSS_STANDARD", "name": sent["name"],
                     "authorization_info": {"authorize_state": "AUTHORIZED"}})
    by_type = {one["api_type"]: one["url"] for one in shown.body["callback_config"]}
    same(by_type, {"PRODUCT_QUERY": QUERY, "LIVE_EVENT_CALLBACK": CALLBACK}, "callback_config")
    same({one.api_type: one.url for one in shown.model.callback_config}, by_type, "the client's model")


for api_type in ("PRODUCT_QUERY", "LIVE_EVENT_CALLBACK"):
    def one_address(bench, api_type=api_type):
        made_platform(bench, callback_config=[{"api_type": api_type, "url": QUERY}])
    checks.add("CreateLivePlatform", f"takes {api_type} alone", one_address)

BAD_PLATFORMS = [
    ("name", {"name": None}, "no name"), ("name", {"name": ""}, "an empty name"), ("name", {"name": 1}, "a number for a name"),
    ("callback_config", {"callback_config": None}, "no address"),
    ("callback_config", {"callback_config": []}, "no address in a list"),
    ("api_type", {"callback_config": [{"api_type": "OTHER", "url": QUERY}]}, "an api_type that is none"),
    ("api_type", {"callback_config": [{"url": QUERY}]}, "no api_type"),
    ("url", {"callback_config": [{"api_type": "PRODUCT_QUERY"}]}, "no url"),
    ("url", {"callback_config": [{"api_type": "PRODUCT_QUERY", "url": "http://shop.example.com/"}]}, "a url without TLS"),
    ("url", {"callback_config": [{"api_type": "PRODUCT_QUERY", "url": "shop"}]}, "a url that is none"),
    # The vendor keeps one of them by chance.
    ("callback_config", {"callback_config": [{"api_type": "PRODUCT_QUERY", "url": QUERY}] * 2}, "one api_type twice"),
]


def changed(bench, changes):
    return {name: value for name, value in platform(bench, **changes).items() if value is not None}


each_refused("CreateLivePlatform", lambda bench: {}, [
    (naming, lambda bench, changes=changes: changed(bench, changes), title)
    for naming, changes, title in [
        *BAD_PLATFORMS, ("auth_config", {"auth_config": None}, "no auth_config"),
        ("key", {"auth_config": {}}, "no key"), ("key", {"auth_config": {"key": ""}}, "an empty key")]])
each_refused(
    "UpdateLivePlatform",
    lambda bench: {"platform_id": bench.once("platform", lambda: made_platform(bench))},
    [(naming, lambda bench, changes=changes: changed(bench, changes), title)
     for naming, changes, title in BAD_PLATFORMS])


@check("UpdateLivePlatform", "takes name and addresses; without a key the former stays")
def _(bench):
    id = made_platform(bench)
    renamed = {"name": bench.fresh("renamed"), "callback_config": [{"api_type": "LIVE_EVENT_CALLBACK", "url": CALLBACK}]}
    client(bench).ok("UpdateLivePlatform", renamed, platform_id=id)
    shown = client(bench).ok("ShowLivePlatform", platform_id=id).body
    has(shown, renamed)


@check("ListLivePlatforms", "has what was made, page by page")
def _(bench):
    ids = {made_platform(bench) for _ in range(3)}
    found, offset = [], 0
    while page := client(bench).ok("ListLivePlatforms", offset=offset, limit=2).body["live_platforms"]:
        assert len(page) <= 2, f"{len(page)} on a page"
        found += [one["platform_id"] for one in page]
        offset += 2
    same(len(found), len(set(found)), "the number of platforms")
    assert ids <= set(found), f"{ids - set(found)} are missing"
    only = client(bench).ok("ListLivePlatforms", access_type="MSS_STANDARD", limit=100).body["live_platforms"]
    assert only and {one["access_type"] for one in only} == {"MSS_STANDARD"}, only
    same(client(bench).ok("ListLivePlatforms", access_type="MEITUAN_OFFICIAL").body["live_platforms"], [])


LISTS = {"ListLivePlatforms": {}, "ListSmartLiveRooms": {}, "ListSmartLiveJobs": {},
         "ListLivePlatformProducts": {"platform_id": "p", "live_id": "l"}}
for operation, also in LISTS.items():
    for name, value in [("limit", 0), ("limit", 101), ("limit", "x"), ("offset", -1), ("offset", 2147483648)]:
        def bad_page(bench, operation=operation, also=also, name=name, value=value):
            return invalid(client(bench).call(operation, **also, **{name: value}), name)
        checks.add(operation, f"refuses {name} {value}", bad_page)


@check("DeleteLivePlatform", "is gone afterwards")
def _(bench):
    id = made_platform(bench)
    client(bench).ok("DeleteLivePlatform", platform_id=id)
    refused(client(bench).call("ShowLivePlatform", platform_id=id), 404, "MSS.00000003", "platform_id")
    refused(client(bench).call("DeleteLivePlatform", platform_id=id), 404, "MSS.00000003", "platform_id")
    refused(client(bench).call("UpdateLivePlatform", platform(bench), platform_id=id), 404, "MSS.00000003", "platform_id")


@check("ShowLivePlatformAccessType", "knows the standard interface")
def _(bench):
    made_platform(bench)
    assert "MSS_STANDARD" in client(bench).ok("ShowLivePlatformAccessType").body["access_types"]


# ---- products -------------------------------------------------------------------------------

PRODUCTS = "ListLivePlatformProducts"


def third_party(bench, answer):
    """The vendor takes addresses with TLS alone, so the server needs a certificate that counts."""
    if not bench.tls:
        raise Skip("no --certificate and --key")
    return ThirdParty(bench.tls, answer)


def of_party(bench, party, path="/v1/products"):
    return made_platform(bench, auth_config={"key": EXAMPLE["key"]},
                         callback_config=[{"api_type": "PRODUCT_QUERY", "url": party.url + path}])


@check(PRODUCTS, "asks the platform, signed as the vendor documents it")
def _(bench):
    many = [{"product_id": f"p{n}", "product_title": f"Product {n} é"} for n in range(25)]

    def answer(_, query):
        offset, limit = int(query["offset"]), int(query["limit"])
        return 200, {"count": len(many), "products": many[offset:offset + limit]}

    with third_party(bench, answer) as party:
        id = of_party(bench, party)
        first = client(bench).ok(PRODUCTS, platform_id=id, live_id="111")
        has(first.body, {"count": 25, "products": many[:10]})
        same(first.model.products[3].product_title, "Product 3 é")
        second = client(bench).ok(PRODUCTS, platform_id=id, live_id="111", offset=20, limit=100)
        same(second.body["products"], many[20:])
        # The vendor returns it on the first page only.
        assert "count" not in second.body, second
        same([(call["method"], call["query"]) for call in party.calls], [
            ("GET", {"live_id": "111", "limit": "10", "offset": "0"}),
            ("GET", {"live_id": "111", "limit": "100", "offset": "20"})], "the calls")
        for call in party.calls:
            party.signed_by(call, EXAMPLE["key"])


@check(PRODUCTS, "signs the query of the platform's own address, too")
def _(bench):
    with third_party(bench, lambda *_: (200, {"count": 0, "products": []})) as party:
        client(bench).ok(PRODUCTS, platform_id=of_party(bench, party, "/p?z=1&a=2"), live_id="x_-1")
        (call,) = party.calls
        same(call["query"], {"z": "1", "a": "2", "live_id": "x_-1", "limit": "10", "offset": "0"})
        party.signed_by(call, EXAMPLE["key"])


for title, status, body in [("answers 500", 500, {}), ("answers no JSON", 200, b"<html>"),
                            ("redirects", 302, {}), ("answers another shape", 200, {"items": []})]:
    def failing(bench, status=status, body=body):
        with third_party(bench, lambda *_: (status, body)) as party:
            answer = client(bench).call(PRODUCTS, platform_id=of_party(bench, party), live_id="1")
            assert answer.status >= 500 and answer.code == "MSS.00000004", answer
            return str(answer)
    checks.add(PRODUCTS, f"says so if the platform {title}", failing)

for naming, parameters in [("platform_id", {"live_id": "1"}), ("live_id", {"platform_id": "p"}),
                           ("live_id", {"platform_id": "p", "live_id": "a b"})]:
    def lacking(bench, naming=naming, parameters=parameters):
        return invalid(client(bench).call(PRODUCTS, **parameters), naming)
    checks.add(PRODUCTS, f"refuses {parameters}", lacking)


@check(PRODUCTS, "refuses a platform that has no such address, and one that is none")
def _(bench):
    id = made_platform(bench, callback_config=[{"api_type": "LIVE_EVENT_CALLBACK", "url": CALLBACK}])
    invalid(client(bench).call(PRODUCTS, platform_id=id, live_id="1"), "platform_id")
    refused(client(bench).call(PRODUCTS, platform_id="0" * 32, live_id="1"), 404, "MSS.00000003", "platform_id")


@check("MetaStudioClient", "has every operation that is checked here")
def _(_):
    missing = {operation for operation, _, _ in checks.all} - set(huawei.operations()) - {"MetaStudioClient"}
    assert not missing, missing

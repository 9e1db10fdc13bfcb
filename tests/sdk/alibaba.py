"""ApsaraVideo Live's subscriptions, by Alibaba's own clients: the new one signs with
ACS3-HMAC-SHA256, the older one with HMAC-SHA1.

Limits are those of the vendor's API reference. Where it is silent, docs/spec/control-plane.md says
what the gateway does, and the check says so.
"""

import datetime
import re
import secrets
import time

from darabonba.runtime import ExtendsParameters, RuntimeOptions

import aliyun
from aliyun import New, Old, invalid
from bench import Checks, has, same

checks = Checks()
check = checks.check

CALLBACK = "https://hooks.example.com/artc"
BOTH = (New, Old)


def client(bench, kind=New):
    return bench.once(kind, lambda: kind(bench, bench.a))


def by_both(operation, name, into=checks):
    """Adds a check for each client."""
    def take(function):
        for kind in BOTH:
            into.add(operation, f"{name} ({kind.name})",
                       lambda bench, kind=kind: function(bench, client(bench, kind)))
        return function
    return take


def app(bench):
    return {"AppId": bench.a.app_id}


def each_refused(operation, base, table):
    """Adds a check for each row (parameter that is named, changes, title); None takes one away."""
    for naming, changes, title in table:
        def one(bench, naming=naming, changes=changes):
            parameters = {**base(bench), **changes}
            return invalid(client(bench).call(operation, **{
                name: value for name, value in parameters.items() if value is not None}), naming)
        checks.add(operation, f"refuses {title}", one)


# One more than there may be: the vendor's pages have both, and do not say which it is.
DENIED = {(400, "InvalidParam"), (403, "OperationDenied")}

# What an application's id may not be. Somebody else's is cross_tenant's.
BAD_APPS = [
    ("AppId", {"AppId": None}, "no AppId"), ("AppId", {"AppId": ""}, "an empty AppId"),
    ("AppId", {"AppId": "a" * 65}, "an AppId of 65 characters"), ("AppId", {"AppId": "a b"}, "an AppId with a space"),
    ("AppId", {"AppId": "nobodys"}, "an AppId that is none"),
]

# ---- who calls ------------------------------------------------------------------------------

LIST = "ListEventSub"


@by_both(LIST, "an access key signs")
def _(bench, one):
    assert isinstance(one.ok(LIST, **app(bench)).body.get("Subscribers"), list)


@by_both(LIST, "every answer has a request id of its own")
def _(bench, one):
    same(len({one.ok(LIST, **app(bench)).request_id for _ in range(3)}), 3, "the number of ids")


# As the vendor's gateway has them for all its products.
NOT_LET_IN = {"SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound", "IncompleteSignature"}

for kind in BOTH:
    for title, change in {
        "the secret of another tenant": lambda a, b: {"secret_key": b.secret_key},
        "an access key that nobody has": lambda a, b: {"access_key": "LG" + "0" * 18},
    }.items():
        def stranger(bench, kind=kind, change=change):
            answer = kind(bench, bench.a, **change(bench.a, bench.b)).call(LIST, **app(bench))
            assert 400 <= answer.status < 500 and answer.code in NOT_LET_IN, answer
            return str(answer)
        checks.add(LIST, f"refuses {title} ({kind.name})", stranger)


def with_headers(bench, **headers):
    """A call with headers of our own, which the client then signs."""
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(headers=own))
    request = aliyun.kind_of(LIST)().from_map(app(bench))
    return client(bench).client.list_event_sub_with_options(request, runtime)


@check(LIST, "a nonce counts once")
def _(bench):
    nonce = secrets.token_hex(16)
    same(with_headers(bench, x_acs_signature_nonce=nonce).status_code, 200)
    try:
        with_headers(bench, x_acs_signature_nonce=nonce)
    except aliyun.AlibabaCloudException as error:
        same((error.status_code, error.code), (400, "SignatureNonceUsed"), "the error")
        return error.message
    raise AssertionError("it counts twice")


for title, date in {"long ago": "2020-01-01T00:00:00Z", "far ahead": "2099-01-01T00:00:00Z"}.items():
    def stale(bench, date=date):
        try:
            with_headers(bench, x_acs_date=date)
        except aliyun.AlibabaCloudException as error:
            assert 400 <= error.status_code < 500 and error.code.startswith("InvalidTimeStamp"), (
                f"it is {error.status_code} {error.code}")
            return error.message
        raise AssertionError("it is let in")
    checks.add(LIST, f"refuses what was signed {title}", stale)

# ---- channel and user events ----------------------------------------------------------------


def clean(bench):
    """Takes every subscription of the application away."""
    for one in client(bench).ok(LIST, **app(bench)).body["Subscribers"]:
        client(bench).ok("DeleteEventSub", **app(bench), SubscribeId=one["SubId"])


def channel_sub(bench, **changes):
    return {**app(bench), "ChannelId": bench.fresh("c"), "Events": ["UserEvent"], "CallbackUrl": CALLBACK, **changes}


def subscribed(bench, id):
    found = [one for one in client(bench).ok(LIST, **app(bench)).body["Subscribers"] if one["SubId"] == id]
    assert len(found) == 1, f"{id} is there {len(found)} times"
    return found[0]


@by_both("CreateEventSub", "is listed as it was made")
def _(bench, one):
    clean(bench)
    url = CALLBACK + "?a=b&c=d%20e"
    sent = channel_sub(bench, Users=["anna", "b-2_c"], Events=["ChannelEvent", "UserEvent"], CallbackUrl=url)
    id = one.ok("CreateEventSub", **sent).body["SubscribeId"]
    shown = subscribed(bench, id)
    has(shown, {"ChannelId": sent["ChannelId"], "Events": sent["Events"], "Users": sent["Users"], "CallbackUrl": url})
    # yyyy-MM-dd hh:mm:ss, UTC+8.
    china = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).replace(tzinfo=None)
    for name in ("CreateTime", "ModifyTime"):
        ago = china - datetime.datetime.strptime(shown[name], "%Y-%m-%d %H:%M:%S")
        assert abs(ago.total_seconds()) < 60, f"{name} is {shown[name]}"
    one.ok("DeleteEventSub", **app(bench), SubscribeId=id)


for channel in ("*", "", None):
    def all_channels(bench, channel=channel):
        clean(bench)
        sent = {name: value for name, value in channel_sub(bench, ChannelId=channel).items() if value is not None}
        client(bench).ok("CreateEventSub", **sent)
        # One subscription for all channels.
        answer = client(bench).call("CreateEventSub", **channel_sub(bench, ChannelId="*"))
        assert (answer.status, answer.code) in DENIED, f"there are two: {answer}"
        client(bench).ok("CreateEventSub", **channel_sub(bench))
        clean(bench)
    checks.add("CreateEventSub", f"ChannelId {channel!r} is all channels, of which there is one", all_channels)


@check("CreateEventSub", "an application has twenty")
def _(bench):
    clean(bench)
    for _ in range(20):
        client(bench).ok("CreateEventSub", **channel_sub(bench))
    answer = client(bench).call("CreateEventSub", **channel_sub(bench))
    assert (answer.status, answer.code) in DENIED, answer
    same(len(client(bench).ok(LIST, **app(bench)).body["Subscribers"]), 20, "the number of subscriptions")
    clean(bench)
    return str(answer)


@check("CreateEventSub", "takes thirty users")
def _(bench):
    clean(bench)
    users = [f"u{n}" for n in range(30)]
    id = client(bench).ok("CreateEventSub", **channel_sub(bench, Users=users)).body["SubscribeId"]
    same(subscribed(bench, id)["Users"], users, "Users")
    clean(bench)


BAD_SUBS = [
    *BAD_APPS,
    ("CallbackUrl", {"CallbackUrl": None}, "no CallbackUrl"),
    ("CallbackUrl", {"CallbackUrl": "hooks"}, "a CallbackUrl that is none"),
    ("CallbackUrl", {"CallbackUrl": "ftp://hooks.example.com/"}, "a CallbackUrl of another scheme"),
    ("Events", {"Events": None}, "no Events"),
    ("Events", {"Events": ["OtherEvent"]}, "Events that are none"),
    ("Events", {"Events": ["UserEvent"] * 6}, "six Events"),
    ("Users", {"Users": ["u"] * 31}, "31 Users"),
    ("ChannelId", {"ChannelId": None, "Users": ["u"]}, "Users without a ChannelId"),
    ("ChannelId", {"ChannelId": "a b"}, "a ChannelId with a space"),
    ("ChannelId", {"ChannelId": "c" * 65}, "a ChannelId of 65 characters"),
]
each_refused("CreateEventSub", channel_sub, BAD_SUBS)


def a_sub(bench):
    """A subscription that is there whenever it is asked for."""
    clean(bench)
    return client(bench).ok("CreateEventSub", **channel_sub(bench)).body["SubscribeId"]


def an_update(bench):
    return channel_sub(bench, SubscribeId=a_sub(bench))


each_refused("UpdateEventSub", an_update, [*BAD_SUBS, ("SubscribeId", {"SubscribeId": None}, "no SubscribeId"),
                                           ("SubscribeId", {"SubscribeId": "nobodys"}, "a SubscribeId that is none")])


@by_both("UpdateEventSub", "replaces all of it")
def _(bench, one):
    clean(bench)
    id = one.ok("CreateEventSub", **channel_sub(bench, Users=["u1"])).body["SubscribeId"]
    new = channel_sub(bench, Events=["ChannelEvent"], CallbackUrl=CALLBACK + "/new")
    one.ok("UpdateEventSub", **new, SubscribeId=id)
    shown = subscribed(bench, id)
    has(shown, {"ChannelId": new["ChannelId"], "Events": ["ChannelEvent"], "CallbackUrl": CALLBACK + "/new"})
    assert not shown.get("Users"), shown
    clean(bench)


@by_both("DeleteEventSub", "is gone afterwards")
def _(bench, one):
    id = a_sub(bench)
    one.ok("DeleteEventSub", **app(bench), SubscribeId=id)
    same(one.ok(LIST, **app(bench)).body["Subscribers"], [], "the subscriptions")
    invalid(one.call("DeleteEventSub", **app(bench), SubscribeId=id), "SubscribeId")


each_refused("DeleteEventSub", lambda bench: {**app(bench), "SubscribeId": a_sub(bench)}, [
    *BAD_APPS, ("SubscribeId", {"SubscribeId": None}, "no SubscribeId")])
each_refused(LIST, app, BAD_APPS)

# ---- what was sent --------------------------------------------------------------------------


def page(bench, **changes):
    now = int(time.time())
    return {**app(bench), "StartTime": now - 3600, "EndTime": now, "PageNo": 1, "PageSize": 10, **changes}


@by_both("ListEventSubEvent", "answers a page")
def _(bench, one):
    body = one.ok("ListEventSubEvent", **page(bench)).body
    assert isinstance(body["Logs"], list) and body["HasMore"] in (True, False) and body["Count"] >= 0, body


BAD_PAGES = [(name, {name: value}, f"{name} {value}") for name, values in {
    "PageNo": (None, 0, -1), "PageSize": (None, 0, 101), "StartTime": (None,), "EndTime": (None,)}.items()
    for value in values]
each_refused("ListEventSubEvent", page, [
    *BAD_APPS, *BAD_PAGES, ("Time", {"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "an end before its start")])

# ---- events of mixed relays -----------------------------------------------------------------


def mpu_sub(bench, **changes):
    return {**app(bench), "CallbackUrl": CALLBACK, "ChannelIds": "c1,c2", **changes}


def no_mpu_sub(bench):
    client(bench).call("DeleteRtcMPUEventSub", **app(bench))


@by_both("CreateRtcMPUEventSub", "is described as it was made; there is one of an application")
def _(bench, one):
    no_mpu_sub(bench)
    id = one.ok("CreateRtcMPUEventSub", **mpu_sub(bench)).body["SubId"]
    assert id.startswith("Sub-"), id
    shown = one.ok("DescribeRtcMPUEventSub", **app(bench)).body["SubInfo"]
    has(shown, {"AppId": bench.a.app_id, "SubId": id, "CallbackUrl": CALLBACK, "ChannelIds": "c1,c2"})
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["CreateTime"]), shown
    answer = one.call("CreateRtcMPUEventSub", **mpu_sub(bench))
    assert (answer.status, answer.code) in DENIED, f"there are two: {answer}"
    one.ok("DeleteRtcMPUEventSub", **app(bench))


@by_both("UpdateRtcMPUEventSub", "replaces address and channels")
def _(bench, one):
    no_mpu_sub(bench)
    id = one.ok("CreateRtcMPUEventSub", **mpu_sub(bench)).body["SubId"]
    one.ok("UpdateRtcMPUEventSub", **mpu_sub(bench, CallbackUrl=CALLBACK + "/2", ChannelIds="c3"))
    has(one.ok("DescribeRtcMPUEventSub", **app(bench)).body["SubInfo"], {
        "SubId": id, "CallbackUrl": CALLBACK + "/2", "ChannelIds": "c3"})
    no_mpu_sub(bench)


@by_both("DeleteRtcMPUEventSub", "is gone afterwards")
def _(bench, one):
    no_mpu_sub(bench)
    one.ok("CreateRtcMPUEventSub", **mpu_sub(bench))
    one.ok("DeleteRtcMPUEventSub", **app(bench))
    answer = one.call("DescribeRtcMPUEventSub", **app(bench))
    assert answer.status >= 400 or not (answer.body or {}).get("SubInfo"), answer
    answer = one.call("UpdateRtcMPUEventSub", **mpu_sub(bench))
    assert 400 <= answer.status < 500, answer


@check("CreateRtcMPUEventSub", "no channels are all channels")
def _(bench):
    no_mpu_sub(bench)
    client(bench).ok("CreateRtcMPUEventSub", **{
        name: value for name, value in mpu_sub(bench).items() if name != "ChannelIds"})
    assert not client(bench).ok("DescribeRtcMPUEventSub", **app(bench)).body["SubInfo"].get("ChannelIds")
    no_mpu_sub(bench)


for title, channels in {"twenty": ",".join(f"c{n}" for n in range(20)), "one of 64 characters": "c" * 64}.items():
    def takes(bench, channels=channels):
        no_mpu_sub(bench)
        client(bench).ok("CreateRtcMPUEventSub", **mpu_sub(bench, ChannelIds=channels))
        has(client(bench).ok("DescribeRtcMPUEventSub", **app(bench)).body["SubInfo"], {"ChannelIds": channels})
        no_mpu_sub(bench)
    checks.add("CreateRtcMPUEventSub", f"takes {title} of ChannelIds", takes)

BAD_MPU_SUBS = [
    *BAD_APPS,
    ("CallbackUrl", {"CallbackUrl": None}, "no CallbackUrl"),
    ("CallbackUrl", {"CallbackUrl": "rtmp://a.example/"}, "a CallbackUrl of another scheme"),
    ("CallbackUrl", {"CallbackUrl": "https://h.example/" + "a" * 2066}, "a CallbackUrl of 2084 characters"),
    ("ChannelIds", {"ChannelIds": ",".join(f"c{n}" for n in range(21))}, "21 ChannelIds"),
    ("ChannelIds", {"ChannelIds": "c" * 65}, "a ChannelId of 65 characters"),
    ("ChannelIds", {"ChannelIds": "c1,c2,c1"}, "a ChannelId twice"),
    ("ChannelIds", {"ChannelIds": "c1,,c2"}, "an empty ChannelId"),
    ("ChannelIds", {"ChannelIds": "a b"}, "a ChannelId with a space"),
]


def there_is_none(bench):
    no_mpu_sub(bench)
    return mpu_sub(bench)


def there_is_one(bench):
    no_mpu_sub(bench)
    client(bench).ok("CreateRtcMPUEventSub", **mpu_sub(bench))
    return mpu_sub(bench)


each_refused("CreateRtcMPUEventSub", there_is_none, BAD_MPU_SUBS)
each_refused("UpdateRtcMPUEventSub", there_is_one, BAD_MPU_SUBS)
each_refused("DescribeRtcMPUEventSub", app, BAD_APPS)
each_refused("DeleteRtcMPUEventSub", app, BAD_APPS)


def utc(ago=0):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def records(bench, **changes):
    # A second of its own, since the clocks may differ by one.
    return {**app(bench), "StartTime": utc(3600), "EndTime": utc(1), "PageNo": 1, "PageSize": 10, **changes}


@by_both("ListRtcMPUEventSubRecord", "answers a page")
def _(bench, one):
    body = one.ok("ListRtcMPUEventSubRecord", **records(bench)).body
    assert isinstance(body["Logs"], list) and body["HasMore"] in (True, False) and body["Count"] >= 0, body


each_refused("ListRtcMPUEventSubRecord", records, [
    *BAD_APPS, *BAD_PAGES,
    ("StartTime", {"StartTime": utc(8 * 86400)}, "a start eight days ago"),
    ("Time", {"StartTime": utc(60), "EndTime": utc(3600)}, "an end before its start"),
    ("StartTime", {"StartTime": "yesterday"}, "a start that is no time")])

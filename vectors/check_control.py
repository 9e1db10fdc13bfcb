"""The rules of the vendors' control planes, read again: what `check.py` holds the vectors of
MetaStudio's platforms, rooms and jobs, of Alibaba's subscriptions and applications, and of relay
tasks against."""

import json
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import quote

WORD = re.compile(r"[A-Za-z0-9_-]*\Z")
MISSING = object()


class Found(list):
    def add(self, path, code):
        self.append((path, code if code.startswith("url.") else f"config.{code}"))

    def at(self, path):
        return any(place == path or place.startswith((path + ".", path + "[")) for place, _ in self)


def there(fields, name):
    value = fields.get(name)
    return value is not None and not (isinstance(value, str) and value == "")


# --- Addresses -------------------------------------------------------------------------------

def http(judge_url, url, *, https):
    code = judge_url(url)
    if code == "ok":
        return "not_https" if https and not url.lower().startswith("https://") else None
    return "not_https" if https and code == "url.scheme" else code


def push(judge_url, url):
    """What is wrong with a push address, and what two of one stream have in common."""
    found = re.match(r"(rtmps?)://(.*)\Z", url, re.IGNORECASE | re.DOTALL)
    if not found:
        return "not_rtmp", None
    secure = found[1].lower() == "rtmps"
    code = judge_url(("https://" if secure else "http://") + found[2])
    if code != "ok":
        return code, None
    authority, path, _, query = re.match(r"([^/?]*)([^?]*)(\?(.*))?\Z", found[2], re.DOTALL).groups()
    if not path.strip("/"):
        return "no_application", None
    host, _, port = authority.partition(":") if not authority.startswith("[") else authority.rpartition("]:")
    stream = path.lstrip("/").partition("/")[2]
    pairs = [pair.partition("=")[::2] for pair in (query or "").split("&")]
    vhosts = [value for name, value in pairs if name == "vhost"]
    own = {"user": "main", "source": "camera"} | {name: value for name, value in pairs if name in ("user", "source")}
    named = (query or "") if not stream else (tuple(vhosts[:1]), own["user"], own["source"])
    return None, (host.lower(), port or ("443" if secure else "1935"), path, named)


def joined(url, key):
    return url if not key else url + ("" if url.endswith("/") else "/") + key


# --- MetaStudio ------------------------------------------------------------------------------

class MetaStudio:
    def __init__(self, judge_url, callback):
        self.judge_url, self.callback = judge_url, callback

    def text(self, found, path, value, most, *, needed=False, word=False):
        if value is None or needed and value == "":
            if needed:
                found.add(path, "missing")
        elif not isinstance(value, str):
            found.add(path, "wrong_type")
        elif len(value) > most:
            found.add(path, "too_long")
        elif word and not WORD.match(value):
            found.add(path, "characters")

    def name(self, found, path, value, names):
        if value is not None and not isinstance(value, str):
            found.add(path, "wrong_type")
        elif value is not None and value not in names:
            found.add(path, "unknown_value")

    def address(self, found, path, value, *, https):
        if value in (None, ""):
            return
        code = ("wrong_type" if not isinstance(value, str) else
                "too_long" if len(value) > 2048 else http(self.judge_url, value, https=https))
        if code:
            found.add(path, code)

    def truth(self, found, path, value):
        if value is not None and not isinstance(value, bool):
            found.add(path, "wrong_type")

    def items(self, found, path, value, least, most):
        if value is None:
            return []
        if not isinstance(value, list):
            found.add(path, "wrong_type")
            return []
        if not least <= len(value) <= most:
            found.add(path, "wrong_count")
        return value

    def kept(self, found, path, value, kind, most):
        if value is None:
            return
        if not isinstance(value, kind):
            found.add(path, "wrong_type")
        elif len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) > most:
            found.add(path, "too_large")

    def settings(self, found, fields):
        """What tenants have as well: exit and callback settings."""
        inner = {}
        policy = fields.get("play_policy")
        if isinstance(policy, dict) and policy.get("live_exit_config") is not None:
            inner["live_exit_config"] = policy["live_exit_config"]
        for path, code in self.callback(json.dumps(inner)):
            found.add(f"play_policy.{path}", code)
        config = fields.get("live_event_callback_config")
        for path, code in self.callback(json.dumps({"live_event_callback_config": config})):
            found.add(path, code)

    def outputs(self, found, fields):
        urls = self.items(found, "output_urls", fields.get("output_urls"), 0, 5)
        keys = self.items(found, "stream_keys", fields.get("stream_keys"), 0, 5)
        seen = set()
        if keys and len(keys) != len(urls):
            found.add("stream_keys", "unmatched")
            keys = None
        for at, url in enumerate(urls):
            code, identity = push(self.judge_url, url)
            if code:
                found.add(f"output_urls[{at}]", code)
            elif keys is not None:
                code, identity = push(self.judge_url, joined(url, keys[at] if keys else ""))
                if code:
                    found.add(f"stream_keys[{at}]", code)
                elif identity in seen:
                    found.add(f"output_urls[{at}]", "duplicate")
                seen.add(identity)

    def platform(self, found, fields, change):
        self.text(found, "name", fields.get("name"), 256, needed=True)
        auth = fields.get("auth_config")
        if auth is None:
            if not change:
                found.add("auth_config", "missing")
        elif not isinstance(auth, dict):
            found.add("auth_config", "wrong_type")
        else:
            self.text(found, "auth_config.key", auth.get("key"), 256, needed=not change)
        if fields.get("callback_config") is None:
            found.add("callback_config", "missing")
        types = []
        for at, entry in enumerate(self.items(found, "callback_config", fields.get("callback_config"), 1, 2)):
            path = f"callback_config[{at}]"
            if not isinstance(entry, dict):
                found.add(path, "wrong_type")
                continue
            for name in ("api_type", "url"):
                if not there(entry, name):
                    found.add(f"{path}.{name}", "missing")
            self.name(found, f"{path}.api_type", entry.get("api_type"), ("PRODUCT_QUERY", "LIVE_EVENT_CALLBACK"))
            self.address(found, f"{path}.url", entry.get("url"), https=True)
            if entry.get("api_type") in types:
                found.add(f"{path}.api_type", "duplicate")
            types.append(entry.get("api_type"))

    def room(self, found, fields):
        self.text(found, "room_name", fields.get("room_name"), 256, needed=True)
        self.text(found, "room_description", fields.get("room_description"), 1024)
        self.text(found, "priv_data", fields.get("priv_data"), 8192)
        self.name(found, "room_type", fields.get("room_type"), ("NORMAL", "TEMP", "TEMPLATE"))
        for name in ("scene_scripts", "interaction_rules"):
            self.kept(found, name, fields.get(name), list, 192 * 1024)
        for name in ("interaction_config", "review_config", "shared_config"):
            self.kept(found, name, fields.get(name), dict, 16 * 1024)
        models = self.items(found, "backup_model_asset_ids", fields.get("backup_model_asset_ids"), 0, 5)
        for at, model in enumerate(models):
            self.text(found, f"backup_model_asset_ids[{at}]", model, 64)
        live = fields.get("relation_live_platform_info")
        if live is not None:
            self.text(found, "relation_live_platform_info.platform_id", live.get("platform_id"), 128, needed=True)
            self.text(found, "relation_live_platform_info.live_id", live.get("live_id"), 128, needed=True, word=True)
        config = fields.get("live_event_callback_config") or {}
        path = "live_event_callback_config.is_inheritance_platform_callback"
        self.truth(found, path, config.get("is_inheritance_platform_callback"))

    def both(self, found, fields):
        for name in ("video_config", "rtc_callback_config", "co_streamer_config"):
            self.kept(found, name, fields.get(name), dict, 16 * 1024)
        self.name(found, "view_mode", fields.get("view_mode"), ("LANDSCAPE", "VERTICAL"))
        self.settings(found, fields)
        self.outputs(found, fields)

    def job(self, found, fields):
        self.address(found, "interaction_callback_url", fields.get("interaction_callback_url"), https=False)
        config = fields.get("job_run_config") or {}
        names = ("PERIOD", "ONDEMAND", "UNLIMITED", "ONE_TIME")
        self.name(found, "job_run_config.allow_resource_type", config.get("allow_resource_type"), names)
        self.truth(found, "job_run_config.single_job_in_room", config.get("single_job_in_room"))

    def check(self, vector):
        found = Found()
        before = json.loads(vector["before"]) if "before" in vector else None
        try:
            fields = json.loads(vector["body"])
        except ValueError:
            found.add("", "not_json")
            fields = None
        if fields is not None and not isinstance(fields, dict):
            found.add("", "wrong_type")
        elif fields is not None:
            if vector["of"] == "platform":
                self.platform(found, fields, before is not None)
            else:
                if before is not None and vector.get("absent") != "clears":
                    fields = {**before, "room_name": None, **fields}
                (self.room if vector["of"] == "room" else self.job)(found, fields)
                self.both(found, fields)
        expect(vector, found)
        if not found:
            shown = vector["shown"]
            if vector["of"] == "platform":
                fields = {**(before or {}), **fields}
                fields["callback_config"].sort(key=lambda entry: entry["api_type"], reverse=True)
            flag = "is_inheritance_platform_callback"
            if vector["of"] == "job" and flag in fields.get("live_event_callback_config", {}):
                del fields["live_event_callback_config"][flag]
            own = {name: value for name, value in fields.items()
                   if value is not None and name not in ("room_id", "create_time")}
            assert shown == own, own


# --- Parameters of RPC calls -----------------------------------------------------------------

CONTAINERS = ("Users", "Events", "MultiStreamURL", "SingleSubParams", "TranscodeParams", "SeiParams", "EnhancedParam")


def nested(params):
    """The parameters as an object; lists have places from "1"."""
    def spread(value):
        if isinstance(value, dict):
            return {name: unfold(name, one) for name, one in value.items()}
        if isinstance(value, list):
            return {str(at + 1): spread(one) for at, one in enumerate(value)}
        return value if isinstance(value, str) else json.dumps(value)

    def unfold(name, value):
        if name in CONTAINERS + ("LayoutVolume",) and isinstance(value, str):
            if value == "":
                return {}
            try:
                value = json.loads(value)
            except ValueError:
                return MISSING
            if isinstance(value, list) != (name in ("Users", "Events", "MultiStreamURL")):
                return MISSING
        return spread(value)

    whole = {}
    for path, value in params.items():
        place = whole
        *above, name = path.split(".")
        for step in above:
            place = place.setdefault(step, {})
        place[name] = unfold(name, value)
    return whole


class Rpc:
    def __init__(self, params):
        self.whole, self.found = nested(params), Found()

    def get(self, path):
        place = self.whole
        for step in path.split("."):
            place = place.get(step) if isinstance(place, dict) else None
        return place

    def text(self, path, most, *, needed=True, word=True):
        value = self.get(path)
        if value in (None, ""):
            if needed:
                self.found.add(path, "missing")
        elif len(value) > most:
            self.found.add(path, "too_long")
        elif word and not WORD.match(value):
            self.found.add(path, "characters")

    def number(self, path, least, most, *, needed=False):
        value = self.get(path)
        if value in (None, ""):
            if needed:
                self.found.add(path, "missing")
        elif not re.fullmatch("[0-9]+", value):
            self.found.add(path, "wrong_type")
        elif not least <= int(value) <= most:
            self.found.add(path, "out_of_range")

    def name(self, path, names, *, needed=False):
        value = self.get(path)
        if value in (None, ""):
            if needed:
                self.found.add(path, "missing")
        elif value not in names:
            self.found.add(path, "unknown_value")

    def address(self, judge_url, path, most, *, needed=False):
        value = self.get(path)
        if value in (None, ""):
            if needed:
                self.found.add(path, "missing")
            return
        code = "too_long" if len(value) > most else http(judge_url, value, https=False)
        if code:
            self.found.add(path, code)

    def items(self, path, least, most, *, needed=False):
        value = self.get(path)
        if value is MISSING:
            self.found.add(path, "wrong_type")
            return []
        if value is None:
            if needed:
                self.found.add(path, "missing")
            return []
        if not least <= len(value) <= most:
            self.found.add(path, "wrong_count")
        return list(value)


def expect(vector, found):
    wanted = {(one["path"], one["code"]) for one in vector.get("violations", [])}
    assert set(found) == wanted and len(found) == len(set(found)), found


# --- Alibaba's subscriptions and applications ------------------------------------------------

def check_alibaba(judge_url, vector):
    if vector["of"] == "application":
        return check_application(judge_url, vector)
    rpc = Rpc(vector["params"])
    found = rpc.found
    rpc.text("AppId", 64)
    if vector["of"].startswith("event_sub"):
        if vector["of"] == "event_sub_update":
            rpc.text("SubscribeId", 128, word=False)
        channel = rpc.get("ChannelId") or "*"
        if channel != "*":
            rpc.text("ChannelId", 64)
        users = rpc.items("Users", 0, vector.get("max_users", 30))
        if users and not rpc.get("ChannelId"):
            found.add("ChannelId", "missing")
        for at in rpc.items("Events", 1, 5, needed=True):
            rpc.name(f"Events.{at}", ("ChannelEvent", "UserEvent"))
        rpc.address(judge_url, "CallbackUrl", 2083, needed=True)
        shown = {"channel": None if channel == "*" else channel,
                 "users": [rpc.get(f"Users.{at}") for at in users],
                 "events": list(dict.fromkeys((rpc.get("Events") or {}).values())),
                 "callback_url": rpc.get("CallbackUrl")}
        if vector["of"] == "event_sub_update":
            shown["id"] = rpc.get("SubscribeId")
    elif vector["of"] == "mpu_sub":
        rpc.address(judge_url, "CallbackUrl", 2083, needed=True)
        if vector.get("characters"):
            scheme, _, rest = (rpc.get("CallbackUrl") or "").partition("://")
            host, path = re.match(r"([^/?]*)(.*)\Z", rest).groups()
            if not re.fullmatch(r"[a-zA-Z0-9_?%=#./+-]*", scheme + host.replace(":", "") + path):
                found.add("CallbackUrl", "characters")
        channels = rpc.get("ChannelIds").split(",") if rpc.get("ChannelIds") else []
        if len(channels) > 20:
            found.add("ChannelIds", "wrong_count")
        for at, channel in enumerate(channels[:20]):
            code = ("missing" if not channel else "too_long" if len(channel) > 64 else
                    "characters" if not WORD.match(channel) else
                    "duplicate" if channel in channels[:at] else None)
            if code:
                found.add(f"ChannelIds.{at + 1}", code)
        shown = {"callback_url": rpc.get("CallbackUrl"), "channels": channels}
    else:
        times = []
        for name in ("StartTime", "EndTime"):
            if vector["of"] == "event_query":
                rpc.number(name, 0, 253402300799, needed=True)
                if not found.at(name):
                    times.append(int(rpc.get(name)) * 1000)
            else:
                rpc.text(name, 32, word=False)
                try:
                    times.append(int(datetime.fromisoformat(rpc.get(name)).timestamp()) * 1000)
                except ValueError:
                    found.add(name, "wrong_type")
        if vector["of"] == "record_query" and not found:
            if times[0] < vector["now"] - 7 * 24 * 3600 * 1000:
                found.add("StartTime", "too_early")
            if times[1] > vector["now"]:
                found.add("EndTime", "to_come")
        if len(times) == 2 and times[0] > times[1]:
            found.add("EndTime", "unmatched")
        rpc.number("PageNo", 1, 2**31 - 1, needed=True)
        rpc.number("PageSize", 1, 100, needed=True)
        if not found:
            page = [int(rpc.get("PageNo")), int(rpc.get("PageSize"))]
            shown = {"subscription": rpc.get("SubscribeId") or rpc.get("SubId"), "start": times[0],
                     "end": times[1], "page": page, "offset": (page[0] - 1) * page[1]}
    expect(vector, found)
    if not found:
        assert vector["shown"] == {"app_id": rpc.get("AppId"), **shown}, shown


def check_application(judge_url, vector):
    found, fields = Found(), json.loads(vector["body"])
    limits = {"id": (64, r"[A-Za-z0-9_-]*"), "name": (128, r"(?s:.*)"), "app_name": (255, r"[A-Za-z0-9_=-]*")}
    for name, (most, pattern) in limits.items():
        value = fields.get(name, "")
        if name != "app_name" and not value:
            found.add(name, "missing")
        elif len(value) > most:
            found.add(name, "too_long")
        elif not re.fullmatch(pattern, value):
            found.add(name, "characters")
    relay, domain = fields.get("relay", "off"), fields.get("domain", "")
    if relay != "off" and not domain:
        found.add("domain", "missing")
    elif domain:
        code = judge_url(f"https://{domain}")
        if code != "ok":
            found.add("domain", code)
        elif quote(domain, safe=".-") != domain:
            found.add("domain", "characters")
    pattern = fields.get("stream_name", "{channel}_{user}")
    names = re.findall(r"\{([^}]*)\}", pattern)
    if set(names) - {"app", "channel", "user", "task"}:
        found.add("stream_name", "unknown_value")
    elif not re.fullmatch(r"[A-Za-z0-9_=-]*", re.sub(r"\{[^}]*\}", "", pattern)):
        found.add("stream_name", "characters")
    elif not ("task" in names or "channel" in names and (relay != "single" or "user" in names)):
        found.add("stream_name", "ambiguous")
    interval = fields.get("sei_interval_ms")
    if interval is not None and not 1000 <= interval <= 5000:
        found.add("sei_interval_ms", "out_of_range")
    if (interval is None) == (fields.get("sei") == "interval"):
        found.add("sei_interval_ms", "missing" if interval is None else "unmatched")
    expect(vector, found)
    assert found or vector["shown"] == fields


# --- Relay tasks -----------------------------------------------------------------------------

def share(text):
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    plain = re.fullmatch(r"[0-9]+(\.[0-9]+)?", text)
    return int(value * 10**9) if plain and 0 <= value <= 1 else None


def listed(place):
    return [place[at] for at in sorted(place, key=int)] if place else []


ENCODING = {
    "VideoWidth": ("width", 0, 1920), "VideoHeight": ("height", 0, 1920), "VideoFramerate": ("fps", 1, 60),
    "VideoBitrate": ("video_kbps", 1, 10000), "VideoGop": ("gop", 1, 60), "AudioBitrate": ("audio_kbps", 8, 500),
    "AudioSampleRate": ("sample_rate", ("8000", "16000", "32000", "44100", "48000")),
    "AudioChannels": ("audio_channels", ("1", "2")),
}
PRESETS = "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo".split()


def subscription(user, typed=True):
    kind = user.get("StreamType") or "0"
    shared = user.get("SourceType") == "shareScreen" and (kind == "2" or not typed)
    own = {"user": user["UserId"], "media": {"0": "both", "1": "audio", "2": "video"}[kind],
           "picture": "screen" if shared else "camera"}
    return {**own, "channel": user["ChannelId"]} if user.get("ChannelId") else own


def check_user(rpc, path):
    rpc.text(f"{path}.UserId", 128, word=False)
    rpc.text(f"{path}.ChannelId", 64, needed=False)
    rpc.name(f"{path}.StreamType", ("0", "1", "2"))
    rpc.name(f"{path}.SourceType", ("camera", "shareScreen"))


def check_mix(judge_url, rpc):
    found, base = rpc.found, "TranscodeParams"
    for at in rpc.items(f"{base}.UserInfos", 0, 64):
        check_user(rpc, f"{base}.UserInfos.{at}")
    users = {(one.get("UserId"), one.get("ChannelId") or rpc.get("ChannelId"))
             for one in listed(rpc.get(f"{base}.UserInfos"))}
    encode = rpc.get(f"{base}.EncodeParams")
    silent = (encode or {}).get("AudioOnly")
    if silent not in (None, "true", "false"):
        found.add(f"{base}.EncodeParams.AudioOnly", "wrong_type")
    if rpc.get(f"{base}.Layout") is None and silent != "true":
        found.add(f"{base}.Layout", "missing")
    for at in rpc.items(f"{base}.Layout.UserPanes", 1, 64):
        path = f"{base}.Layout.UserPanes.{at}"
        for name in ("X", "Y", "Width", "Height"):
            value = rpc.get(f"{path}.{name}")
            if value is None or share(value) is None:
                found.add(f"{path}.{name}", "missing" if value is None else "out_of_range")
        rpc.number(f"{path}.ZOrder", 0, 99, needed=True)
        rpc.name(f"{path}.RenderMode", ("0", "1"))
        rpc.address(judge_url, f"{path}.BackgroundImageUrl", 2048)
        user = rpc.get(f"{path}.UserInfo")
        if user is not None:
            check_user(rpc, f"{path}.UserInfo")
            if users and (user.get("UserId"), user.get("ChannelId") or rpc.get("ChannelId")) not in users:
                found.add(f"{path}.UserInfo.UserId", "unmatched")
    if encode is None:
        found.add(f"{base}.EncodeParams", "missing")
    else:
        for name, rule in ENCODING.items():
            path = f"{base}.EncodeParams.{name}"
            needed = name.startswith("Audio") or silent != "true"
            if len(rule) == 3:
                # A minus is no digit, so what is below 0 is no number.
                rpc.number(path, *rule[1:], needed=needed)
            else:
                rpc.name(path, rule[1], needed=needed)
        rpc.name(f"{base}.EncodeParams.VideoCodec", ("H.264", "H.265"))
        profiles = ("main",) if encode.get("VideoCodec") == "H.265" else ("baseline", "main", "high")
        rpc.name(f"{base}.EncodeParams.EnhancedParam.profile", profiles)
        rpc.name(f"{base}.EncodeParams.EnhancedParam.preset", PRESETS)
    if rpc.get(f"{base}.Background") is not None:
        rpc.address(judge_url, f"{base}.Background.URL", 2048, needed=True)
        rpc.name(f"{base}.Background.RenderMode", ("0", "1"))


def check_sei(rpc):
    for name in ("LayoutVolume", "PassThrough"):
        rpc.number(f"SeiParams.{name}.Interval", 1000, 5000)
        rpc.name(f"SeiParams.{name}.FollowIdr", ("0", "1"))
    if rpc.get("SeiParams.PassThrough") is not None:
        rpc.text("SeiParams.PassThrough.PayloadContent", 4096, word=False)
    rpc.number("SeiParams.PayloadType", 100, 254)


def mpu_task(rpc):
    """The task of parameters within the rules."""
    sei = {"payload_type": int(rpc.get("SeiParams.PayloadType") or 5)}
    for name, own in (("LayoutVolume", "layout_volume"), ("PassThrough", "pass_through")):
        part = rpc.get(f"SeiParams.{name}")
        if part is not None:
            sei[own] = {"follow_idr": part.get("FollowIdr") == "1"}
            if part.get("Interval"):
                sei[own]["interval_ms"] = int(part["Interval"])
            if name == "PassThrough":
                sei[own] |= {"key": part.get("PayloadContentKey") or "udd", "content": part["PayloadContent"]}
    targets = [rpc.get("StreamURL")] if rpc.get("StreamURL") else [
        target["URL"] for target in listed(rpc.get("MultiStreamURL"))]
    task = {"origin": "alibaba", "id": rpc.get("TaskId"), "app_id": rpc.get("AppId"),
            "channel": rpc.get("ChannelId"), "targets": targets, "sei": sei, "exit": {}}
    if rpc.get("MaxIdleTime"):
        task["max_idle_ms"] = int(rpc.get("MaxIdleTime")) * 1000
    if rpc.get("Region"):
        task["region"] = rpc.get("Region")
    if rpc.get("MixMode") == "0":
        return {**task, "single": subscription(rpc.get("SingleSubParams"))}
    params = rpc.get("TranscodeParams")
    encode = params["EncodeParams"]
    enhanced = encode.get("EnhancedParam") or {}
    encoding = {rule[0]: int(encode[name]) for name, rule in ENCODING.items() if name in encode}
    encoding |= {name: enhanced[name] for name in ("profile", "preset") if name in enhanced}
    if "VideoCodec" in encode:
        encoding["codec"] = encode["VideoCodec"]
    mix = {"users": [subscription(user) for user in listed(params.get("UserInfos"))], "encoding": encoding}

    def fit(part):
        return "inside" if part.get("RenderMode") == "0" else "crop"

    if encode.get("AudioOnly") != "true":
        mix["panes"] = []
        for pane in listed(params["Layout"]["UserPanes"]):
            own = {"shares": [share(pane[name]) for name in ("X", "Y", "Width", "Height")],
                   "z": int(pane["ZOrder"]), "fit": fit(pane), "alpha": 10**9}
            if "UserInfo" in pane:
                own["user"] = subscription(pane["UserInfo"], typed=False)
            if "BackgroundImageUrl" in pane:
                own["image"] = pane["BackgroundImageUrl"]
            mix["panes"].append(own)
    if "Background" in params:
        mix["background"] = {"url": params["Background"]["URL"], "fit": fit(params["Background"])}
    return {**task, "mix": mix}


def check_mpu(judge_url, vector):
    rpc, call = Rpc(vector["params"]), vector["call"]
    found = rpc.found
    rpc.text("AppId", 64)
    rpc.text("TaskId", 55, needed=call != "list")
    if call in ("start", "update"):
        if call == "update":
            before = Rpc(vector["before"])
            for name in ("AppId", "ChannelId", "TaskId"):
                if rpc.get(name) not in (None, before.get(name)):
                    found.add(name, "unmatched")
            for name in ("Region", "MaxIdleTime"):
                rpc.whole[name] = before.get(name)
            rpc.whole.setdefault("MixMode", "1")
            rpc.whole.setdefault("SeiParams", {})["PayloadType"] = before.get("SeiParams.PayloadType")
        rpc.text("ChannelId", 64)
        rpc.name("MixMode", ("0", "1"), needed=True)
        rpc.number("MaxIdleTime", 10, 86400)
        rpc.name("Region", ("CN-Shanghai", "AP-Singapore", "EMAA-Saudi"))
        targets = [f"MultiStreamURL.{at}.URL" for at in rpc.items("MultiStreamURL", 1, 20)]
        if rpc.get("StreamURL") and targets:
            found.add("MultiStreamURL", "excluded")
        if not rpc.get("StreamURL") and rpc.get("MultiStreamURL") is None:
            found.add("StreamURL", "missing")
        seen = set()
        for path in (["StreamURL"] if rpc.get("StreamURL") else []) + targets:
            code, identity = push(judge_url, rpc.get(path)) if rpc.get(path) else ("missing", None)
            if code or identity in seen:
                found.add(path, code or "duplicate")
            seen.add(identity)
        for mode, name in (("0", "SingleSubParams"), ("1", "TranscodeParams")):
            given = rpc.get(name)
            if given is MISSING:
                found.add(name, "wrong_type")
            elif rpc.get("MixMode") == mode and given is None:
                found.add(name, "missing")
            elif rpc.get("MixMode") == {"0": "1", "1": "0"}[mode] and given is not None:
                found.add(name, "excluded")
        if isinstance(rpc.get("SingleSubParams"), dict):
            check_user(rpc, "SingleSubParams")
        if isinstance(rpc.get("TranscodeParams"), dict):
            check_mix(judge_url, rpc)
        check_sei(rpc)
    elif call == "sei":
        rpc.text("CustomSei", 4096, word=False)
        if not found.at("CustomSei"):
            try:
                json.loads(rpc.get("CustomSei"))
            except ValueError:
                found.add("CustomSei", "not_json")
        shown = [rpc.get("AppId"), rpc.get("TaskId"), rpc.get("CustomSei")]
    elif call == "list":
        rpc.number("PageNo", 1, 2**31 - 1, needed=not rpc.get("TaskId"))
        rpc.number("PageSize", 1, 100, needed=not rpc.get("TaskId"))
        if not found:
            shown = [rpc.get("AppId")] + ([rpc.get("TaskId")] if rpc.get("TaskId") else
                                          [int(rpc.get("PageNo")), int(rpc.get("PageSize"))])
    else:
        shown = [rpc.get("AppId"), rpc.get("TaskId")]
    expect(vector, found)
    if found:
        return
    if call in ("start", "update"):
        task = mpu_task(rpc)
        assert vector["task"] == task, task
        if "detail" in vector:
            detail = vector["detail"]
            again = Rpc({name: json.dumps(value) if isinstance(value, (dict, list)) else value
                         for name, value in detail.items()})
            assert mpu_task(again) == task, "what is shown is the same task"
            assert_texts(detail)
    else:
        assert vector["shown"] == shown, shown


def assert_texts(value, name=""):
    if isinstance(value, dict):
        for name, one in value.items():
            assert_texts(one, name)
    elif isinstance(value, list):
        for one in value:
            assert_texts(one)
    else:
        assert isinstance(value, bool if name == "IsAliCdn" else str), (name, value)


def check_jocloud(judge_url, vector):
    found = Found()

    def renamed(value):
        names = dict(map(tuple, vector.get("names", [])))
        if isinstance(value, list):
            return [renamed(one) for one in value]
        return {names.get(name, name): renamed(one) for name, one in value.items()} if isinstance(value, dict) else value

    def number(fields, path, name, least, most, *, needed=False):
        value = fields.get(name)
        if value is None:
            if needed:
                found.add(path + name, "missing")
        elif not isinstance(value, int) or isinstance(value, bool):
            found.add(path + name, "wrong_type")
        elif not least <= value <= most:
            found.add(path + name, "out_of_range")

    try:
        fields = renamed(json.loads(vector["body"]))
    except ValueError:
        found.add("", "not_json")
        return expect(vector, found)
    number(fields, "", "appid", 0, 2**63 - 2, needed=True)
    room, uid, task = fields.get("roomid"), fields.get("uid"), fields.get("taskid")
    own = task or (f"{room.replace('%', '%25').replace('/', '%2F')}/{uid}" if room and uid else None)
    if vector["call"] == "stop":
        if not own:
            found.add("taskid", "missing")
        expect(vector, found)
        assert found or vector["shown"] == [str(fields["appid"]), own]
        return
    for name in ("roomid", "rtmpurl"):
        if not fields.get(name):
            found.add(name, "missing")
    number(fields, "", "streamtype", 1, 2, needed=True)
    urls = fields["rtmpurl"].split(",") if fields.get("rtmpurl") else []
    if len(urls) > 5:
        found.add("rtmpurl", "wrong_count")
    seen = set()
    for at, url in enumerate(urls[:5]):
        code, identity = push(judge_url, url)
        if code or identity in seen:
            found.add(f"rtmpurl[{at}]", code or "duplicate")
        seen.add(identity)
    mixed, config = fields.get("streamtype") == 1, fields.get("mixconfig")
    if mixed and not task:
        found.add("taskid", "missing")
    if fields.get("streamtype") == 2 and not uid:
        found.add("uid", "missing")
    if mixed and config is None:
        found.add("mixconfig", "missing")
    inputs = (config or {}).get("input") or []
    if mixed and config is not None:
        if "output" not in config:
            found.add("mixconfig.output", "missing")
        number(config, "mixconfig.", "templateid", 1, 4)
        if "templateid" not in config and not inputs:
            found.add("mixconfig.input", "missing")
        for at, one in enumerate(inputs):
            path = f"mixconfig.input[{at}]."
            for name in ("layoutX", "layoutY", "layoutW", "layoutH"):
                number(one, path, name, 0, 8192, needed="templateid" not in config)
            number(one, path, "zOrder", 0, 100)
            if "bCrop" in one and not isinstance(one["bCrop"], bool):
                found.add(path + "bCrop", "wrong_type")
            if "alpha" in one and not 0 <= one["alpha"] <= 1:
                found.add(path + "alpha", "out_of_range")
            if "templateid" in config and one.get("roomId") not in (None, room):
                found.add(path + "roomId", "unmatched")
    expect(vector, found)
    if found:
        return

    def user(one):
        named = {"user": one["uid"], "media": "both", "picture": "camera"}
        return {**named, "channel": one["roomId"]} if one.get("roomId") else named

    shown = {"origin": "jocloud", "id": own, "app_id": str(fields["appid"]), "channel": room, "targets": urls,
             "sei": {"payload_type": 5}, "exit": {}}
    if not mixed:
        shown["single"] = user({"uid": uid})
    else:
        output = config["output"]
        names = {"width": "width", "height": "height", "fps": "fps", "bitrate": "video_kbps"}
        mix = {"users": [user(one) for one in inputs],
               "encoding": {names[name]: value for name, value in output.items() if name in names}}
        if "templateid" in config:
            mix["template"] = ("horizontal", "vertical", "tiled", "corner")[config["templateid"] - 1]
        else:
            mix["panes"] = [{
                "pixels": [one[f"layout{side}"] for side in "XYWH"], "z": one.get("zOrder", 0),
                "fit": "crop" if one.get("bCrop", True) else "inside", "user": user(one),
                "alpha": int(Decimal(str(one.get("alpha", 1))) * 10**9),
                **({"cut": [one[f"crop{side}"] for side in "XYWH"]} if "cropX" in one else {}),
            } for one in inputs]
        shown["mix"] = mix
    assert vector["task"] == shown, shown


def check_addresses(judge_url, vector):
    found = [push(judge_url, url) for url in vector["urls"]]
    if "code" in vector:
        code = found[0][0]
        assert (code if code.startswith("url.") else f"config.{code}") == vector["code"], code
    else:
        assert all(code is None for code, _ in found), found
        assert (found[0][1] == found[1][1]) is vector["same"]

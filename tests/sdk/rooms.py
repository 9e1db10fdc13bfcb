"""MetaStudio's rooms and jobs, by Huawei's own client."""

from bench import Checks, has, same, until
from huawei import invalid, refused
from metastudio import BAD_CALLBACKS, CALLBACK, client, made_platform

checks = Checks()
check = checks.check


def room(bench, **changes):
    return {"room_name": bench.fresh("room"), **changes}


def made_room(bench, **changes):
    return client(bench).ok("CreateSmartLiveRoom", room(bench, **changes)).body["room_id"]


def shown_room(bench, id):
    return client(bench).ok("ShowSmartLiveRoom", room_id=id)


def push(bench):
    """An address that nothing else is pushed to, and its key."""
    return f"rtmp://127.0.0.1:1935/live/{bench.fresh('s')}", bench.secret(24)


# ---- rooms ----------------------------------------------------------------------------------

@check("CreateSmartLiveRoom", "keeps what is sent, and shows it without keys")
def _(bench):
    url, key = push(bench)
    callback = {"live_event_type_callback_url": CALLBACK, "auth_type": "MSS_A",
                "callback_event_type": ["RTMP_STREAM_STATE_CHANGE"], "is_inheritance_platform_callback": False}
    kept = {
        "room_name": bench.fresh("room") + " é", "room_description": "d" * 1024, "room_type": "NORMAL",
        "priv_data": "p" * 8192, "view_mode": "LANDSCAPE",
        "backup_model_asset_ids": ["a" * 32] * 1,
        "scene_scripts": [{"script_name": "one", "shoot_scripts": [{"sequence_no": 1, "title": "t"}]}],
        "play_policy": {"repeat_count": 1, "live_exit_config": {"max_live_duration": 3}},
        "video_config": {"codec": "H264", "width": 1280, "height": 720},
    }
    sent = {**kept, "output_urls": [url], "stream_keys": [key],
            "live_event_callback_config": {**callback, "key": bench.secret(32)}}
    made = client(bench).ok("CreateSmartLiveRoom", sent)
    shown = shown_room(bench, made.model.room_id)
    has(shown.body, {**kept, "room_id": made.body["room_id"], "room_state": "ENABLE",
                     "live_event_callback_config": callback})
    same(shown.model.room_name, kept["room_name"])
    same(len(shown.body["stream_keys"]), 1, "the number of stream keys")


@check("CreateSmartLiveRoom", "is NORMAL unless said otherwise")
def _(bench):
    has(shown_room(bench, made_room(bench)).body, {"room_type": "NORMAL"})


for room_type in ("TEMP", "TEMPLATE"):
    def of_type(bench, room_type=room_type):
        has(shown_room(bench, made_room(bench, room_type=room_type)).body, {"room_type": room_type})
    checks.add("CreateSmartLiveRoom", f"takes the type {room_type}", of_type)

for inherits in (True, False, None):
    def inherit(bench, inherits=inherits):
        config = {"live_event_type_callback_url": CALLBACK, "auth_type": "NONE"}
        flag = {} if inherits is None else {"is_inheritance_platform_callback": inherits}
        live = {"platform_id": made_platform(bench), "live_id": "live_1-A"}
        id = made_room(bench, live_event_callback_config={**config, **flag}, relation_live_platform_info=live)
        shown = shown_room(bench, id)
        has(shown.body, {"live_event_callback_config": {**config, **flag}, "relation_live_platform_info": live})
        same(shown.model.relation_live_platform_info.live_id, "live_1-A")
    checks.add("CreateSmartLiveRoom", f"belongs to a platform; inherits its callback: {inherits}", inherit)

BAD_ROOMS = [
    ("room_name", {"room_name": ""}, "an empty name"),
    ("room_name", {"room_name": "n" * 257}, "a name of 257 characters"),
    ("room_name", {"room_name": 1}, "a number for a name"),
    ("room_description", {"room_description": "d" * 1025}, "a description of 1025 characters"),
    ("room_type", {"room_type": "OTHER"}, "a type that is none"),
    ("priv_data", {"priv_data": "p" * 8193}, "private data of 8193 characters"),
    ("backup_model_asset_ids", {"backup_model_asset_ids": ["a"] * 6}, "six backup models"),
    ("backup_model_asset_ids", {"backup_model_asset_ids": ["a" * 65]}, "a backup model's id of 65 characters"),
    ("view_mode", {"view_mode": "SQUARE"}, "a view mode that is none"),
    ("output_urls", {"output_urls": ["http://a.example/x"]}, "an output that is not RTMP"),
    ("output_urls", {"output_urls": "rtmp://a.example/x/y"}, "an output that is no list"),
    ("stream_keys", {"output_urls": ["rtmp://a.example/x"], "stream_keys": ["1", "2"]}, "more keys than outputs"),
    ("max_live_duration", {"play_policy": {"live_exit_config": {"max_live_duration": 169}}}, "169 hours"),
    ("platform_id", {"relation_live_platform_info": {"platform_id": "0" * 32, "live_id": "1"}},
     "a platform that is none"),
    ("platform_id", {"relation_live_platform_info": {"live_id": "1"}}, "a live without its platform"),
    ("live_id", {"relation_live_platform_info": {"platform_id": "0" * 32}}, "a platform without its live"),
    ("live_id", {"relation_live_platform_info": {"platform_id": "0" * 32, "live_id": "a b"}}, "a live with a space"),
    ("live_id", {"relation_live_platform_info": {"platform_id": "0" * 32, "live_id": "é"}}, "a live with an accent"),
    ("is_inheritance_platform_callback",
     {"live_event_callback_config": {"is_inheritance_platform_callback": "yes"}}, "an inheritance that is no truth"),
] + [
    (name, {"live_event_callback_config": {"live_event_type_callback_url": CALLBACK, name: value}}, title)
    for name, value, title in BAD_CALLBACKS
]


def a_room(bench):
    return {"room_id": bench.once("room", lambda: made_room(bench))}


for operation, prepare in (("CreateSmartLiveRoom", lambda bench: {}), ("UpdateSmartLiveRoom", a_room)):
    def refusals(operation=operation, prepare=prepare):
        for naming, changes, title in BAD_ROOMS:
            def one(bench, naming=naming, changes=changes):
                return invalid(client(bench).call(operation, room(bench, **changes), **prepare(bench)), naming)
            checks.add(operation, f"refuses {title}", one)
    refusals()


@check("CreateSmartLiveRoom", "refuses a room without a name")
def _(bench):
    invalid(client(bench).call("CreateSmartLiveRoom", {"room_description": "d"}), "room_name")


@check("UpdateSmartLiveRoom", "takes what is sent; what was masked comes back as it was")
def _(bench):
    url, key = push(bench)
    id = made_room(bench, output_urls=[url], stream_keys=[key], room_description="first")
    shown = shown_room(bench, id).body
    sent = {"room_name": bench.fresh("renamed"), "output_urls": shown["output_urls"], "stream_keys": shown["stream_keys"]}
    client(bench).ok("UpdateSmartLiveRoom", sent, room_id=id)
    has(shown_room(bench, id).body, {"room_name": sent["room_name"], "output_urls": shown["output_urls"]})
    # A job can still be started with it, so the address is whole.
    job = client(bench).ok("StartSmartLive", {}, room_id=id).body["job_id"]
    client(bench).ok("StopSmartLive", room_id=id, job_id=job)


@check("ListSmartLiveRooms", "has what was made, and looks for names and types")
def _(bench):
    word = bench.fresh("word")
    ids = [made_room(bench, room_name=f"a {word} {n}") for n in range(3)]
    page = client(bench).ok("ListSmartLiveRooms", room_name=word, limit=2).body
    same((page["count"], len(page["smart_live_rooms"])), (3, 2), "count and page")
    rest = client(bench).ok("ListSmartLiveRooms", room_name=word, limit=2, offset=2).body
    found = [one["room_id"] for one in page["smart_live_rooms"] + rest["smart_live_rooms"]]
    same(sorted(found), sorted(ids), "the rooms")
    same(client(bench).ok("ListSmartLiveRooms", room_name=word, room_type="TEMP").body["count"], 0)


@check("DeleteSmartLiveRoom", "is gone afterwards")
def _(bench):
    id = made_room(bench)
    client(bench).ok("DeleteSmartLiveRoom", room_id=id)
    for operation, body in (("ShowSmartLiveRoom", None), ("DeleteSmartLiveRoom", None),
                            ("UpdateSmartLiveRoom", room(bench)), ("StartSmartLive", {})):
        refused(client(bench).call(operation, body, room_id=id), 404, "MSS.00000003", "room_id")


@check("DeleteLivePlatform", "is refused while a room belongs to it")
def _(bench):
    platform = made_platform(bench)
    id = made_room(bench, relation_live_platform_info={"platform_id": platform, "live_id": "1"})
    answer = client(bench).call("DeleteLivePlatform", platform_id=platform)
    assert 400 <= answer.status < 500 and "platform_id" in answer.message, answer
    client(bench).ok("DeleteSmartLiveRoom", room_id=id)
    client(bench).ok("DeleteLivePlatform", platform_id=platform)


# ---- jobs -----------------------------------------------------------------------------------

@check("StartSmartLive", "starts a job, which is listed, shown and stopped")
def _(bench):
    url, key = push(bench)
    name = bench.fresh("room")
    id = made_room(bench, room_name=name, output_urls=[url], stream_keys=[key])
    callback = {"live_event_type_callback_url": CALLBACK, "auth_type": "MSS_A_HEAD"}
    started = client(bench).ok("StartSmartLive", {
        "live_event_callback_config": {**callback, "key": bench.secret(32)},
        "play_policy": {"live_exit_config": {"max_live_duration": 2}}}, room_id=id)
    has(started.body, {"live_event_callback_config": callback, "limit_duration": 2})
    job = started.model.job_id
    shown = client(bench).ok("ShowSmartLive", room_id=id, job_id=job)
    has(shown.body, {"job_id": job, "room_id": id, "room_name": name, "live_event_callback_config": callback})
    assert shown.model.state in ("WAITING", "PROCESSING"), shown.model.state
    for operation, more in (("ListSmartLiveJobs", {"room_name": name}), ("ListSmartLive", {"room_id": id})):
        page = client(bench).ok(operation, **more).body
        same([one["job_id"] for one in page["smart_live_jobs"]], [job], operation)
        same(client(bench).ok(operation, state="FAILED", **more).body["count"], 0, operation)
    has(shown_room(bench, id).body, {"room_state": "ENABLE"})
    client(bench).ok("StopSmartLive", room_id=id, job_id=job)
    ended = until(lambda: client(bench).ok("ShowSmartLive", room_id=id, job_id=job).body,
                  lambda body: body["state"] not in ("WAITING", "PROCESSING"), what="the end")
    assert ended["end_time"].endswith("Z"), ended
    refused(client(bench).call("StopSmartLive", room_id=id, job_id=job), 409, "MSS.00000003", "job_id")


@check("StartSmartLive", "takes its outputs from the call before the room's")
def _(bench):
    id = made_room(bench)
    invalid_link(client(bench).call("StartSmartLive", {}, room_id=id))
    url, key = push(bench)
    job = client(bench).ok("StartSmartLive", {"output_urls": [url], "stream_keys": [key]}, room_id=id).body["job_id"]
    client(bench).ok("StopSmartLive", room_id=id, job_id=job)


def invalid_link(answer):
    return refused(answer, 400, "MSS.45000009")


@check("StartSmartLive", "refuses an address that another job is pushed to")
def _(bench):
    url, key = push(bench)
    first, second = made_room(bench), made_room(bench)
    outputs = {"output_urls": [url], "stream_keys": [key]}
    job = client(bench).ok("StartSmartLive", outputs, room_id=first).body["job_id"]
    invalid_link(client(bench).call("StartSmartLive", outputs, room_id=second))
    client(bench).ok("StopSmartLive", room_id=first, job_id=job)


@check("StartSmartLive", "one job in a room, where that is asked for")
def _(bench):
    id = made_room(bench)

    def start(alone):
        url, key = push(bench)
        return client(bench).call("StartSmartLive", {
            "output_urls": [url], "stream_keys": [key], "job_run_config": {"single_job_in_room": alone}}, room_id=id)
    first = start(True)
    same(first.status, 200, "the status")
    refused(start(True), 409, "MSS.00000003", "single_job_in_room")
    second = start(False)
    same(second.status, 200, "the status")
    answer = client(bench).call("DeleteSmartLiveRoom", room_id=id)
    assert 400 <= answer.status < 500, f"a live room is deleted: {answer}"
    for one in (first, second):
        client(bench).ok("StopSmartLive", room_id=id, job_id=one.body["job_id"])


def refresh(url, key):
    """The command that gives a live job another address; its parameters the vendor does not document."""
    return {"command": "REFRESH_OUTPUT_URL", "params": {"output_urls": [url], "stream_keys": [key]}}


@check("ExecuteSmartLiveCommand", "gives a live job another address, and the one before is free again")
def _(bench):
    (url, key), other = push(bench), push(bench)
    first, second = made_room(bench), made_room(bench)
    job = client(bench).ok("StartSmartLive", {"output_urls": [url], "stream_keys": [key]}, room_id=first).body["job_id"]
    answer = client(bench).ok("ExecuteSmartLiveCommand", refresh(*other), room_id=first, job_id=job)
    same(answer.model.command, "REFRESH_OUTPUT_URL", "the command")
    assert answer.model.command_id, answer
    taken = {"output_urls": [other[0]], "stream_keys": [other[1]]}
    invalid_link(client(bench).call("StartSmartLive", taken, room_id=second))
    client(bench).ok("StopSmartLive", room_id=first, job_id=job)
    refused(client(bench).call("ExecuteSmartLiveCommand", refresh(*other), room_id=first, job_id=job),
            409, "MSS.00000003", "job_id")


@check("ExecuteSmartLiveCommand", "names what is wrong with it")
def _(bench):
    url, key = push(bench)
    room = made_room(bench)
    job = client(bench).ok("StartSmartLive", {"output_urls": [url], "stream_keys": [key]}, room_id=room).body["job_id"]
    for body, at in (
        ({"command": "REFRESH_OUTPUT_URL", "params": {"output_urls": ["http://a/b"]}}, "params.output_urls[0]"),
        ({"command": "REFRESH_OUTPUT_URL", "params": {}}, "params.output_urls"),
        ({"command": "RESET_EXIT_CONFIG", "params": {"max_live_duration": 169}}, "params.max_live_duration"),
        ({"command": "SHOW_LAYER", "params": {}}, "command"),
    ):
        answer = client(bench).call("ExecuteSmartLiveCommand", body, room_id=room, job_id=job)
        refused(answer, 400, "MSS.00000003", at)
    reset = {"command": "RESET_EXIT_CONFIG", "params": {"max_live_duration": 168, "auto_stop_mode": "FORCE_EXIT"}}
    client(bench).ok("ExecuteSmartLiveCommand", reset, room_id=room, job_id=job)
    client(bench).ok("StopSmartLive", room_id=room, job_id=job)


@check("ShowSmartLive", "refuses a job of another room")
def _(bench):
    url, key = push(bench)
    id, other = made_room(bench), made_room(bench)
    job = client(bench).ok("StartSmartLive", {"output_urls": [url], "stream_keys": [key]}, room_id=id).body["job_id"]
    for operation in ("ShowSmartLive", "StopSmartLive"):
        refused(client(bench).call(operation, room_id=other, job_id=job), 404, "MSS.00000003", "job_id")
    client(bench).ok("StopSmartLive", room_id=id, job_id=job)


each = [
    ("output_urls", {"output_urls": ["https://a.example/x"]}, "an output that is not RTMP"),
    ("stream_keys", {"output_urls": ["rtmp://a.example/x/y"], "stream_keys": ["a", "b"]}, "more keys than outputs"),
    ("interaction_callback_url", {"interaction_callback_url": "https://h.example/" + "a" * 2031}, "2049 characters"),
    ("view_mode", {"view_mode": "SQUARE"}, "a view mode that is none"),
    ("allow_resource_type", {"job_run_config": {"allow_resource_type": "FREE"}}, "a resource that is none"),
    ("single_job_in_room", {"job_run_config": {"single_job_in_room": "yes"}}, "a condition that is no truth"),
    ("max_live_duration", {"play_policy": {"live_exit_config": {"max_live_duration": 169}}}, "169 hours"),
] + [
    (name, {"live_event_callback_config": {"live_event_type_callback_url": CALLBACK, name: value}}, title)
    for name, value, title in BAD_CALLBACKS
]
for naming, body, title in each:
    def bad_start(bench, naming=naming, body=body):
        # An output that cannot be pushed to has a code of its own.
        answer = client(bench).call("StartSmartLive", body, **a_room(bench))
        assert answer.status == 400 and answer.code in ("MSS.00000003", "MSS.45000009"), answer
        assert naming in answer.message, f"it does not name {naming}: {answer.message}"
        return answer.message
    checks.add("StartSmartLive", f"refuses {title}", bad_start)

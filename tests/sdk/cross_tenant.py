"""Every supported operation that names a thing of tenant A, called with tenant B's valid
credentials: it is refused, and the thing is as it was."""

import alibaba
import jocloud
import metastudio
import mpu
import rooms
import supported
from aliyun import New, Old
from bench import Checks, same
from huawei import Huawei

checks = Checks()

# ---- MetaStudio -----------------------------------------------------------------------------

# Each operation: which things of A's it names, and a body that would be taken.
METASTUDIO = {
    "ShowSmartLiveUserConfig": ((), None),
    "UpdateSmartLiveUserConfig": ((), lambda bench: {"live_exit_config": {"max_live_duration": 1}}),
    "CreateLivePlatform": ((), metastudio.platform),
    "ListLivePlatforms": ((), None),
    "ShowLivePlatform": (("platform_id",), None),
    "UpdateLivePlatform": (("platform_id",), metastudio.platform),
    "DeleteLivePlatform": (("platform_id",), None),
    "ShowLivePlatformAccessType": ((), None),
    "ListLivePlatformProducts": (("platform_id", "live_id"), None),
    "CreateSmartLiveRoom": ((), rooms.room),
    "ListSmartLiveRooms": ((), None),
    "ShowSmartLiveRoom": (("room_id",), None),
    "UpdateSmartLiveRoom": (("room_id",), rooms.room),
    "DeleteSmartLiveRoom": (("room_id",), None),
    "ListSmartLiveJobs": ((), None),
    "ListSmartLive": (("room_id",), None),
    "ShowSmartLive": (("room_id", "job_id"), None),
    "StartSmartLive": (("room_id",), lambda bench: {}),
    "StopSmartLive": (("room_id", "job_id"), None),
    "ExecuteSmartLiveCommand": (("room_id", "job_id"), lambda bench: rooms.refresh(*rooms.push(bench))),
}


def things(bench):
    """A platform, a room of it and its job, all tenant A's."""
    def make():
        a = metastudio.client(bench)
        platform = metastudio.made_platform(bench)
        url, key = rooms.push(bench)
        room = rooms.made_room(bench, output_urls=[url], stream_keys=[key], relation_live_platform_info={
            "platform_id": platform, "live_id": "live1"})
        job = a.ok("StartSmartLive", {}, room_id=room).body["job_id"]
        return {"platform_id": platform, "live_id": "live1", "room_id": room, "job_id": job}
    return bench.once("things", make)


def state(bench):
    """What A sees of them."""
    a, its = metastudio.client(bench), things(bench)
    return [
        a.ok("ShowSmartLiveUserConfig").body,
        a.ok("ShowLivePlatform", platform_id=its["platform_id"]).body,
        a.ok("ShowSmartLiveRoom", room_id=its["room_id"]).body,
        a.ok("ShowSmartLive", room_id=its["room_id"], job_id=its["job_id"]).body,
        a.ok("ListLivePlatforms", limit=1).body.get("count"), a.ok("ListSmartLiveRooms", limit=1).body["count"],
        a.ok("ListSmartLiveJobs", limit=1).body["count"],
    ]


def in_the_project_of_a(operation, names, body, token):
    def check(bench):
        its, before = things(bench), state(bench)
        b = Huawei(bench, bench.b, project=bench.a.project_id, token=bench.b.auth_token if token else None)
        answer = b.call(operation, body and body(bench), **{name: its[name] for name in names})
        assert answer.status in (401, 403), f"it is {answer}"
        same(state(bench), before, "what A sees")
        return str(answer)
    return check


def in_its_own_project(operation, names, body):
    def check(bench):
        its, before = things(bench), state(bench)
        answer = Huawei(bench, bench.b).call(operation, body and body(bench), **{name: its[name] for name in names})
        assert answer.status == 404, f"it is {answer}"
        # Nor does it say that there is such a thing.
        unknown = Huawei(bench, bench.b).call(operation, body and body(bench), **{
            name: "live1" if name == "live_id" else "0" * 32 for name in names})
        same((answer.status, answer.code, answer.message), (unknown.status, unknown.code, unknown.message), "the answer")
        same(state(bench), before, "what A sees")
        return str(answer)
    return check


for operation, (names, body) in METASTUDIO.items():
    checks.add(operation, "B's access key does not open A's project", in_the_project_of_a(operation, names, body, False))
    checks.add(operation, "B's token does not open A's project", in_the_project_of_a(operation, names, body, True))
    if names:
        checks.add(operation, "A's things are not in B's project", in_its_own_project(operation, names, body))


@checks.check("CreateSmartLiveRoom", "B's room cannot belong to A's platform")
def _(bench):
    answer = Huawei(bench, bench.b).call("CreateSmartLiveRoom", rooms.room(bench, relation_live_platform_info={
        "platform_id": things(bench)["platform_id"], "live_id": "1"}))
    assert answer.status == 400 and "platform_id" in answer.message, answer
    return str(answer)


# ---- Alibaba --------------------------------------------------------------------------------

def subscription(bench):
    """A's subscription of channel events."""
    return bench.once("subscription", lambda: alibaba.a_sub(bench))


def task(bench):
    return bench.once("task of a", lambda: mpu.started(bench))


# Each operation: its parameters, all A's.
ALIBABA = {
    "CreateEventSub": alibaba.channel_sub,
    "UpdateEventSub": lambda bench: alibaba.channel_sub(bench, SubscribeId=subscription(bench)),
    "DeleteEventSub": lambda bench: {**alibaba.app(bench), "SubscribeId": subscription(bench)},
    "ListEventSub": alibaba.app,
    "ListEventSubEvent": lambda bench: alibaba.page(bench, SubscribeId=subscription(bench)),
    "CreateRtcMPUEventSub": alibaba.mpu_sub,
    "UpdateRtcMPUEventSub": alibaba.mpu_sub,
    "DeleteRtcMPUEventSub": alibaba.app,
    "DescribeRtcMPUEventSub": alibaba.app,
    "ListRtcMPUEventSubRecord": alibaba.records,
    "StartLiveMPUTask": mpu.mixed,
    "UpdateLiveMPUTask": lambda bench: mpu.changed(task(bench), "SeiParams.PayloadType", None),
    "StopLiveMPUTask": lambda bench: {**alibaba.app(bench), "TaskId": task(bench)["TaskId"]},
    "SetLiveMpuTaskSei": lambda bench: {**alibaba.app(bench), "TaskId": task(bench)["TaskId"], "CustomSei": "{}"},
    "ListRtcMPUTaskDetail": lambda bench: {**alibaba.app(bench), "TaskId": task(bench)["TaskId"], "PageNo": 1, "PageSize": 10},
}
# Those that name more than the application.
NAMED = {"UpdateEventSub", "DeleteEventSub", "UpdateLiveMPUTask", "StopLiveMPUTask", "SetLiveMpuTaskSei"}


def seen_by_a(bench):
    a = alibaba.client(bench)
    subscription(bench)
    return [a.ok("ListEventSub", **alibaba.app(bench)).body["Subscribers"],
            mpu.detail(a, bench, task(bench)["TaskId"])]


def refused(answer):
    assert 400 <= answer.status < 500, f"it is {answer}"
    return str(answer)


def application_of_a(operation, kind):
    def check(bench):
        parameters, before = ALIBABA[operation](bench), seen_by_a(bench)
        said = refused(kind(bench, bench.b).call(operation, **parameters))
        same(seen_by_a(bench), before, "what A sees")
        return said
    return check


def own_application(operation):
    def check(bench):
        parameters, before = ALIBABA[operation](bench), seen_by_a(bench)
        said = refused(New(bench, bench.b).call(operation, **{**parameters, "AppId": bench.b.app_id}))
        same(seen_by_a(bench), before, "what A sees")
        return said
    return check


for operation in ALIBABA:
    for kind in (New, Old):
        checks.add(operation, f"B's access key does not open A's application ({kind.name})",
                   application_of_a(operation, kind))
    if operation in NAMED:
        checks.add(operation, "A's things are not in B's application", own_application(operation))


@checks.check("ListRtcMPUTaskDetail", "A's task is not in B's application")
def _(bench):
    answer = New(bench, bench.b).call("ListRtcMPUTaskDetail", AppId=bench.b.app_id, TaskId=task(bench)["TaskId"],
                                      PageNo=1, PageSize=10)
    assert answer.status >= 400 or answer.body["MPUTasks"] == [], answer


# ---- Jocloud --------------------------------------------------------------------------------

for operation in (jocloud.START, jocloud.STOP):
    @checks.check(operation, "B's token does not open A's application")
    def _(bench, operation=operation):
        body = jocloud.source(bench)
        jocloud.fine(jocloud.ours(bench, jocloud.START, body))
        said = jocloud.refused(jocloud.call(bench, operation, body, header=jocloud.token(bench.b)))
        # It runs still.
        jocloud.fine(jocloud.stop(bench, body))
        return said

# ---- nothing is left out --------------------------------------------------------------------


@checks.check("all", "every supported operation is here")
def _(_):
    same(set(METASTUDIO), set(supported.METASTUDIO), "MetaStudio's")
    same(set(ALIBABA), set(supported.ALIBABA), "Alibaba's")

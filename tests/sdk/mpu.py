"""ApsaraVideo Live's relay tasks (MPU), by Alibaba's own clients."""

import copy
import json

from alibaba import BAD_APPS, app, client
from alibaba import by_both as of_both
from aliyun import invalid
from bench import Checks, has, same

checks = Checks()
check = checks.check

START, UPDATE, STOP = "StartLiveMPUTask", "UpdateLiveMPUTask", "StopLiveMPUTask"
SEI, DETAIL = "SetLiveMpuTaskSei", "ListRtcMPUTaskDetail"


def by_both(operation, name):
    return of_both(operation, name, checks)


def address(bench):
    """A push address that nothing else has, with a token in it."""
    return f"rtmp://127.0.0.1:1935/live/{bench.fresh('s')}?auth_key={bench.secret(24)}"


def mixed(bench):
    return {
        **app(bench), "ChannelId": bench.fresh("c"), "TaskId": bench.fresh("t"), "MixMode": "1",
        "StreamURL": address(bench),
        "TranscodeParams": {
            "EncodeParams": {"VideoWidth": "1280", "VideoHeight": "720", "VideoFramerate": "25", "VideoBitrate": "1500",
                             "VideoGop": "50", "VideoCodec": "H.264", "AudioBitrate": "128",
                             "AudioSampleRate": "48000", "AudioChannels": "2"},
            "Background": {"RenderMode": "1", "URL": "https://img.example.com/b.png"},
            "Layout": {"UserPanes": [
                {"X": "0", "Y": "0.25", "Width": "0.5", "Height": "0.5", "ZOrder": "0", "RenderMode": "0",
                 "UserInfo": {"UserId": "u1"}},
                {"X": "0.5", "Y": "0.25", "Width": "0.5", "Height": "0.5", "ZOrder": "1",
                 "UserInfo": {"UserId": "u2", "ChannelId": "other", "SourceType": "shareScreen"}}]},
            "UserInfos": [{"UserId": "u1", "StreamType": "0"},
                          {"UserId": "u2", "ChannelId": "other", "SourceType": "shareScreen", "StreamType": "2"}]},
        "SeiParams": {"LayoutVolume": {"Interval": "1000", "FollowIdr": "1"}, "PayloadType": "100",
                      "PassThrough": {"Interval": "5000", "FollowIdr": "0", "PayloadContent": "x", "PayloadContentKey": "k"}},
    }


def single(bench):
    return {**app(bench), "ChannelId": bench.fresh("c"), "TaskId": bench.fresh("t"), "MixMode": "0",
            "StreamURL": address(bench), "SingleSubParams": {"UserId": "u1", "StreamType": "2", "SourceType": "camera"}}


def changed(parameters, path, value):
    """The parameters with one of them set; None takes it away. A number in the path is a list's place."""
    parameters = copy.deepcopy(parameters)
    at, *rest = path.split(".")
    inside, name = parameters, at
    for step in rest:
        inside = inside[int(name) if isinstance(inside, list) else name]
        name = step
    if value is None:
        del inside[name]
    else:
        inside[int(name) if isinstance(inside, list) else name] = value
    return parameters


def stopped(bench, task):
    client(bench).ok(STOP, **app(bench), TaskId=task)


def started(bench, make=mixed):
    parameters = make(bench)
    client(bench).ok(START, **parameters)
    return parameters


def detail(one, bench, task):
    tasks = one.ok(DETAIL, **app(bench), TaskId=task, PageNo=1, PageSize=10).body["MPUTasks"]
    same(len(tasks), 1, "the number of tasks")
    return tasks[0]


def without_addresses(parameters):
    """Addresses hold tokens, which are not shown whole."""
    return {name: value for name, value in parameters.items() if name not in ("StreamURL", "MultiStreamURL")}


# ---- start and stop -------------------------------------------------------------------------

for kind, make in (("mixed", mixed), ("single", single)):
    @by_both(START, f"starts a {kind} relay, which is shown as it was started, and stopped")
    def _(bench, one, make=make):
        parameters = make(bench)
        one.ok(START, **parameters)
        shown = detail(one, bench, parameters["TaskId"])
        has(shown, without_addresses(parameters))
        assert shown["StreamURL"] == "rtmp://127.0.0.1:1935/live/***?auth_key=***", shown["StreamURL"]
        one.ok(STOP, **app(bench), TaskId=parameters["TaskId"])
        invalid(one.call(STOP, **app(bench), TaskId=parameters["TaskId"]), "TaskId")


@check(START, "pushes to several addresses")
def _(bench):
    parameters = changed(mixed(bench), "StreamURL", None)
    parameters["MultiStreamURL"] = [{"URL": address(bench), "IsAliCdn": False}, {"URL": address(bench), "IsAliCdn": True}]
    client(bench).ok(START, **parameters)
    shown = detail(client(bench), bench, parameters["TaskId"])["MultiStreamURL"]
    same([one["IsAliCdn"] for one in shown], [False, True], "IsAliCdn")
    stopped(bench, parameters["TaskId"])


@check(START, "mixes everybody, in the order of joining, where nobody is named")
def _(bench):
    parameters = changed(mixed(bench), "TranscodeParams.UserInfos", None)
    for pane in parameters["TranscodeParams"]["Layout"]["UserPanes"]:
        del pane["UserInfo"]
    client(bench).ok(START, **parameters)
    has(detail(client(bench), bench, parameters["TaskId"]), without_addresses(parameters))
    stopped(bench, parameters["TaskId"])


@check(START, "an empty LayoutVolume is the default SEI")
def _(bench):
    parameters = changed(mixed(bench), "SeiParams", {"LayoutVolume": {}})
    client(bench).ok(START, **parameters)
    assert "LayoutVolume" in (detail(client(bench), bench, parameters["TaskId"]).get("SeiParams") or {})
    stopped(bench, parameters["TaskId"])


TAKEN = {
    "TaskId": ["t" * 55], "MaxIdleTime": ["10", "86400"], "Region": ["CN-Shanghai", "AP-Singapore", "EMAA-Saudi"],
    "TranscodeParams.EncodeParams.VideoWidth": ["1920"], "TranscodeParams.EncodeParams.VideoFramerate": ["1", "60"],
    "TranscodeParams.EncodeParams.VideoBitrate": ["1", "10000"], "TranscodeParams.EncodeParams.VideoGop": ["1", "60"],
    "TranscodeParams.EncodeParams.VideoCodec": ["H.265"], "TranscodeParams.EncodeParams.AudioBitrate": ["8", "500"],
    "TranscodeParams.EncodeParams.AudioSampleRate": ["8000", "16000", "32000", "44100"],
    "TranscodeParams.EncodeParams.AudioChannels": ["1"], "TranscodeParams.EncodeParams.AudioOnly": ["true"],
    "TranscodeParams.EncodeParams.EnhancedParam": ['{"preset":"veryfast","profile":"high"}'],
    "TranscodeParams.Layout.UserPanes.0.BackgroundImageUrl": ["https://img.example.com/p.png"],
    "SeiParams.PayloadType": ["254"], "SeiParams.LayoutVolume.Interval": ["5000"],
    "SeiParams.PassThrough.PayloadContentKey": ["udd"],
}
for path, values in TAKEN.items():
    for value in values:
        def takes(bench, path=path, value=value):
            parameters = changed(mixed(bench), path, value)
            answer = client(bench).call(START, **parameters)
            # The longest TaskId is the same each time, so it may be there from before.
            if path == "TaskId" and answer.status != 200:
                stopped(bench, value)
                answer = client(bench).call(START, **parameters)
            same(answer.status, 200, f"the answer {answer}")
            has(detail(client(bench), bench, parameters["TaskId"]), without_addresses(parameters))
            stopped(bench, parameters["TaskId"])
        checks.add(START, f"takes {path} {value[:30]}", takes)

LONG_URL = "https://h.example/" + "a" * 2031
REFUSED = {
    "AppId": [], "ChannelId": [None, "", "c" * 65, "a b", "é"], "TaskId": [None, "", "t" * 56, "a b"],
    "MixMode": ["2", "x"], "MaxIdleTime": ["9", "86401", "x"], "Region": ["Mars"],
    "StreamURL": [None, "http://a.example/x", "a", "rtmp://a.example/" + "a" * 2032],
    "TranscodeParams.UserInfos.0.UserId": [None], "TranscodeParams.UserInfos.0.StreamType": ["3"],
    "TranscodeParams.UserInfos.1.SourceType": ["screen"],
    "TranscodeParams.Layout.UserPanes.0.X": ["-0.1", "1.1", "left"],
    "TranscodeParams.Layout.UserPanes.0.Y": ["1.1"], "TranscodeParams.Layout.UserPanes.0.Width": ["1.1", "-1"],
    "TranscodeParams.Layout.UserPanes.0.Height": ["2"], "TranscodeParams.Layout.UserPanes.0.ZOrder": ["-1", "x"],
    "TranscodeParams.Layout.UserPanes.0.RenderMode": ["2"],
    "TranscodeParams.Layout.UserPanes.0.BackgroundImageUrl": [LONG_URL],
    # Somebody who is not mixed.
    "TranscodeParams.Layout.UserPanes.0.UserInfo.UserId": ["u9"],
    "TranscodeParams.EncodeParams.VideoWidth": ["-1", "1921", "x"], "TranscodeParams.EncodeParams.VideoHeight": ["1921"],
    "TranscodeParams.EncodeParams.VideoFramerate": ["0", "61"], "TranscodeParams.EncodeParams.VideoBitrate": ["0", "10001"],
    "TranscodeParams.EncodeParams.VideoGop": ["0", "61"], "TranscodeParams.EncodeParams.VideoCodec": ["VP8"],
    "TranscodeParams.EncodeParams.AudioBitrate": ["7", "501"], "TranscodeParams.EncodeParams.AudioSampleRate": ["22050"],
    "TranscodeParams.EncodeParams.AudioChannels": ["0", "3"], "TranscodeParams.EncodeParams.AudioOnly": ["maybe"],
    "TranscodeParams.EncodeParams.EnhancedParam": ["{"],
    "TranscodeParams.Background.URL": [LONG_URL], "TranscodeParams.Background.RenderMode": ["2"],
    "SeiParams.LayoutVolume.Interval": ["999", "5001"], "SeiParams.LayoutVolume.FollowIdr": ["2"],
    "SeiParams.PassThrough.FollowIdr": ["2"], "SeiParams.PayloadType": ["99", "255"],
}


def refuses(operation, make, table):
    for path, values in table.items():
        for value in values:
            def one(bench, path=path, value=value):
                return invalid(client(bench).call(operation, **changed(make(bench), path, value)), path.rsplit(".", 1)[-1])
            checks.add(operation, f"refuses {path} {str(value)[:30]}", one)


def refuses_apps(operation, make):
    for naming, changes, title in BAD_APPS:
        def one(bench, naming=naming, changes=changes):
            return invalid(client(bench).call(operation, **changed(make(bench), "AppId", changes["AppId"])), naming)
        checks.add(operation, f"refuses {title}", one)


refuses_apps(START, mixed)
refuses(START, mixed, REFUSED)
refuses(START, single, {"SingleSubParams": [None], "SingleSubParams.UserId": [None, ""],
                        "SingleSubParams.StreamType": ["3"], "SingleSubParams.SourceType": ["screen"]})


@check(START, "refuses one address and several at once")
def _(bench):
    parameters = {**mixed(bench), "MultiStreamURL": [{"URL": address(bench), "IsAliCdn": True}]}
    return invalid(client(bench).call(START, **parameters), "StreamURL")


@check(START, "refuses a TaskId that is there")
def _(bench):
    parameters = started(bench)
    again = {**mixed(bench), "TaskId": parameters["TaskId"]}
    message = invalid(client(bench).call(START, **again), "TaskId")
    stopped(bench, parameters["TaskId"])
    return message


@check(START, "refuses an address of another task, and for ten seconds after its end")
def _(bench):
    parameters = started(bench)
    other = {**mixed(bench), "StreamURL": parameters["StreamURL"]}
    invalid(client(bench).call(START, **other), "StreamURL")
    stopped(bench, parameters["TaskId"])
    return invalid(client(bench).call(START, **other), "StreamURL")


# ---- changes --------------------------------------------------------------------------------

def updatable(bench):
    """What a task may be changed to: it has no Region and no MaxIdleTime, and keeps its SEI's type."""
    parameters = started(bench)
    return changed(parameters, "SeiParams.PayloadType", None)


@by_both(UPDATE, "changes layout and encoding")
def _(bench, one):
    parameters = updatable(bench)
    parameters = changed(parameters, "TranscodeParams.Layout.UserPanes.0.X", "0.125")
    parameters = changed(parameters, "TranscodeParams.EncodeParams.VideoBitrate", "900")
    one.ok(UPDATE, **parameters)
    has(detail(one, bench, parameters["TaskId"]), without_addresses(parameters))
    stopped(bench, parameters["TaskId"])


def one_task(bench):
    return copy.deepcopy(bench.once("task", lambda: updatable(bench)))


refuses_apps(UPDATE, one_task)
refuses(UPDATE, one_task, {path: values for path, values in REFUSED.items()
                           if path not in ("Region", "MaxIdleTime", "SeiParams.PayloadType", "AppId", "TaskId")})
refuses(UPDATE, one_task, {"TaskId": [None, "nobodys"]})
refuses_apps(STOP, lambda bench: {**app(bench), "TaskId": one_task(bench)["TaskId"]})
refuses(STOP, lambda bench: {**app(bench), "TaskId": "t"}, {"TaskId": [None, "nobodys"]})

# ---- SEI ------------------------------------------------------------------------------------


def sei(bench):
    return {**app(bench), "TaskId": one_task(bench)["TaskId"], "CustomSei": '{"question":"é"}'}


@by_both(SEI, "takes a JSON text")
def _(bench, one):
    one.ok(SEI, **sei(bench))


@check(SEI, "takes 4096 bytes")
def _(bench):
    client(bench).ok(SEI, **{**sei(bench), "CustomSei": json.dumps({"k": "v" * (4096 - 9)})})


refuses_apps(SEI, sei)
refuses(SEI, sei, {"TaskId": [None, "nobodys"],
                   "CustomSei": [None, "", "{", json.dumps({"k": "v" * (4097 - 9)})]})
assert len(json.dumps({"k": "v" * (4096 - 9)})) == 4096

# ---- lists ----------------------------------------------------------------------------------


@by_both(DETAIL, "has the tasks that run, page by page")
def _(bench, one):
    made = [started(bench)["TaskId"] for _ in range(3)]
    found, number = [], 1
    while tasks := one.ok(DETAIL, **app(bench), PageNo=number, PageSize=2).body["MPUTasks"]:
        assert len(tasks) <= 2, f"{len(tasks)} on a page"
        found += [task["TaskId"] for task in tasks]
        number += 1
    assert set(made) <= set(found) and len(found) == len(set(found)), found
    for task in made:
        stopped(bench, task)


refuses_apps(DETAIL, lambda bench: {**app(bench), "PageNo": 1, "PageSize": 10})
refuses(DETAIL, lambda bench: {**app(bench), "PageNo": 1, "PageSize": 10}, {"PageNo": [0, -1], "PageSize": [0, 101]})

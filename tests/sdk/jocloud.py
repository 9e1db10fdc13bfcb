"""Jocloud's relayed live broadcasting. The vendor has no package for it, so the calls are made here,
with Python's urllib, after docs.jocloud.com's description of startrtmp.

What the vendor does not document (stoprtmp's body, answers, the members of mixconfig) is checked as
docs/spec/control-plane.md has it.
"""

import base64
import json
import urllib.error
import urllib.request

from bench import Answer, Checks, has

checks = Checks()
check = checks.check

START, STOP = "startrtmp", "stoprtmp"


def token(tenant, word="Basic", id=None, secret=None):
    pair = f"{id or tenant.restful_id}:{secret or tenant.restful_secret}"
    return f"{word} {base64.b64encode(pair.encode()).decode()}"


def call(bench, operation, body, *, app=None, header=None, method="POST", prefix="v2/rtmpforward"):
    """One call; `header` is the token, or None for none."""
    app = bench.a.app_id if app is None else app
    url = f"{bench.gateway}/app/{app}/{prefix}/{operation}?traceId={bench.fresh('trace')}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json;charset=utf-8"}
    if header:
        headers["token"] = header
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as made:
            status, text = made.status, made.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    bench.seen(text)
    body = json.loads(text) if text.startswith("{") else {}
    return Answer(status, body, body.get("code"), str(body.get("message", "")))


def ours(bench, operation, body, **more):
    return call(bench, operation, body, header=token(bench.a), **more)


def fine(answer):
    """As the answers of the vendor's sibling service: 200, and `code` 0."""
    assert answer.status == 200, answer
    has(answer.body, {"code": 0})
    return answer


def refused(answer, naming=None):
    assert answer.status != 200 or answer.code not in (0, None), f"it is taken: {answer}"
    assert answer.status < 500, f"it failed: {answer}"
    assert naming is None or naming in json.dumps(answer.body), f"it does not name {naming}: {answer.body}"
    return str(answer)


def not_let_in(answer):
    assert answer.status in (401, 403), f"it is {answer}"
    return refused(answer)


def address(bench):
    return f"rtmp://127.0.0.1:1935/live/{bench.fresh('s')}?key={bench.secret(24)}"


def source(bench, **changes):
    return {"appid": int(bench.a.app_id), "roomid": bench.fresh("room"), "uid": "u1", "streamtype": 2,
            "rtmpurl": address(bench), **changes}


def mixed(bench, **changes):
    return {"appid": int(bench.a.app_id), "roomid": bench.fresh("room"), "taskid": bench.fresh("t"), "streamtype": 1,
            "rtmpurl": address(bench),
            "mixconfig": {"output": {"width": 1280, "height": 720, "fps": 25, "bitrate": 1500}, "templateid": 1}, **changes}


def stop(bench, body):
    return ours(bench, STOP, {name: body[name] for name in ("appid", "roomid", "taskid", "uid") if name in body})


for title, make in {"source": source, "mixed": mixed}.items():
    def runs(bench, make=make):
        body = make(bench)
        fine(ours(bench, START, body))
        fine(stop(bench, body))
        refused(stop(bench, body))
    checks.add(START, f"starts a {title} relay, which is stopped once", runs)

for template in (1, 2, 3, 4):
    def of_template(bench, template=template):
        body = mixed(bench)
        body["mixconfig"]["templateid"] = template
        fine(ours(bench, START, body))
        fine(stop(bench, body))
    checks.add(START, f"takes template {template}", of_template)


@check(START, "takes a layout of its own, and users of other rooms")
def _(bench):
    body = mixed(bench)
    body["mixconfig"] = {"output": {"width": 1280, "height": 720}, "input": [
        {"uid": "u1", "layoutX": 0, "layoutY": 0, "layoutW": 640, "layoutH": 720, "zOrder": 0},
        {"uid": "u2", "roomId": "other", "layoutX": 640, "layoutY": 0, "layoutW": 640, "layoutH": 720, "zOrder": 1}]}
    fine(ours(bench, START, body))
    fine(stop(bench, body))


@check(START, "called again it changes layout and addresses")
def _(bench):
    body = mixed(bench)
    fine(ours(bench, START, body))
    body["mixconfig"]["templateid"], body["rtmpurl"] = 3, f"{body['rtmpurl']},{address(bench)}"
    fine(ours(bench, START, body))
    fine(stop(bench, body))


@check(START, "pushes to five addresses")
def _(bench):
    body = mixed(bench, rtmpurl=",".join(address(bench) for _ in range(5)))
    fine(ours(bench, START, body))
    fine(stop(bench, body))


@check(START, "refuses an address of another task")
def _(bench):
    body = mixed(bench)
    fine(ours(bench, START, body))
    said = refused(ours(bench, START, mixed(bench, rtmpurl=body["rtmpurl"])))
    fine(stop(bench, body))
    return said


for naming, make, changes, title in [
    ("rtmpurl", mixed, {"rtmpurl": ",".join(f"rtmp://127.0.0.1/a/{n}" for n in range(6))}, "six addresses"),
    ("rtmpurl", mixed, {"rtmpurl": None}, "no address"), ("rtmpurl", mixed, {"rtmpurl": ""}, "an empty address"),
    ("rtmpurl", mixed, {"rtmpurl": "http://127.0.0.1/a/b"}, "an address that is not RTMP"),
    ("rtmpurl", mixed, {"rtmpurl": "rtmp://127.0.0.1/a/b,rtmp://127.0.0.1/a/b"}, "an address twice"),
    ("roomid", mixed, {"roomid": None}, "no room"), ("roomid", source, {"roomid": ""}, "an empty room"),
    ("streamtype", mixed, {"streamtype": None}, "no streamtype"), ("streamtype", mixed, {"streamtype": 3}, "streamtype 3"),
    ("taskid", mixed, {"taskid": None}, "a mix without a task"),
    ("mixconfig", mixed, {"mixconfig": None}, "a mix without mixconfig"),
    ("output", mixed, {"mixconfig": {"templateid": 1}}, "a mixconfig without output"),
    ("templateid", mixed, {"mixconfig": {"output": {}, "templateid": 5}}, "template 5"),
    ("uid", source, {"uid": None}, "a source without a user"),
    ("appid", mixed, {"appid": None}, "no appid"), ("appid", mixed, {"appid": 1}, "another appid than the path's"),
]:
    def bad(bench, naming=naming, make=make, changes=changes):
        body = {name: value for name, value in make(bench, **changes).items() if value is not None}
        return refused(ours(bench, START, body), naming)
    checks.add(START, f"refuses {title}", bad)

for title, body in {"no JSON": b"{", "a list": b"[]", "nothing": b""}.items():
    checks.add(START, f"refuses a body that is {title}", lambda bench, body=body: refused(ours(bench, START, body)))

checks.add(STOP, "refuses a task that is none",
           lambda bench: refused(ours(bench, STOP, {"appid": int(bench.a.app_id), "taskid": "nobodys"})))

# ---- who calls ------------------------------------------------------------------------------


@check(START, "the token's first word may be Base")
def _(bench):
    body = source(bench)
    fine(call(bench, START, body, header=token(bench.a, "Base")))
    fine(stop(bench, body))


for title, header in {
    "no token": lambda bench: None,
    "another first word": lambda bench: token(bench.a, "Bearer"),
    "another tenant's secret": lambda bench: token(bench.a, secret=bench.b.restful_secret),
    "an id that nobody has": lambda bench: token(bench.a, id="0" * 32),
    "no base64": lambda bench: "Basic ***",
}.items():
    def stranger(bench, header=header):
        return not_let_in(call(bench, START, source(bench), header=header(bench)))
    checks.add(START, f"refuses {title}", stranger)

for title, more in {"a GET": {"method": "GET"}, "another operation": {"prefix": "v2/other"}}.items():
    checks.add(START, f"refuses {title}", lambda bench, more=more: refused(ours(bench, START, source(bench), **more)))

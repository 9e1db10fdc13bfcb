#!/usr/bin/env python3
"""Makes the vectors of layouts and their payloads from docs/spec/layout.md and docs/spec/sei.md §6.

Where panes are is computed here once more, with fractions: every edge as a part of the canvas, and
at the end the nearest even pixel. Payloads are the vendors' own examples, and what senders were seen
to make of them; what they say is written down by hand.

    python3 vectors/make_layout.py            # writes vectors/layout
    python3 vectors/make_layout.py --check    # fails if that would change anything
"""

import json
import pathlib
import sys
from fractions import Fraction as F
from math import ceil, floor

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "layout"


def even(number):
    """The nearest even number, a tie upwards."""
    return 2 * floor(number / 2 + F(1, 2))


def placed(canvas, left, top, right, bottom):
    """Parts of the canvas as even pixels; what is beyond is cut off."""
    width, height = canvas
    x, y = min(even(left * width), width), min(even(top * height), height)
    x2, y2 = min(even(right * width), width), min(even(bottom * height), height)
    return [x, y, x2 - x, y2 - y]


# --- Templates (docs/spec/layout.md §4) -------------------------------------------------------

def grid(canvas, rows):
    cells = []
    for row, columns in enumerate(rows):
        for column in range(columns):
            cells.append(placed(canvas, F(column, columns), F(row, len(rows)),
                                F(column + 1, columns), F(row + 1, len(rows))))
    return cells


def best_fit(canvas, count):
    def lengths(rows):
        return [count // rows + (row < count % rows) for row in range(rows)]

    def shown(rows):
        shapes = [F(canvas[0], columns) / F(canvas[1], rows) / F(16, 9) for columns in lengths(rows)]
        return min(min(shape, 1 / shape) for shape in shapes)
    best = max(range(1, count + 1), key=lambda rows: (shown(rows), -rows))
    return grid(canvas, lengths(best))


def square(canvas, count):
    side = next(side for side in range(1, 5) if side * side >= count)
    return grid(canvas, [side] if count == 2 else [side] * side)[:count]


def small(canvas, index, corner):
    """Small panes of 0.235 with gaps of 0.012, four to a row or column."""
    size, step, gap = F(235, 1000), F(247, 1000), F(12, 1000)
    along, across = gap + step * (index % 4), gap + step * (index // 4)
    right_of, above = (1 - size - across, along) if corner else (along, across)
    bottom = 1 - above
    return placed(canvas, right_of, bottom - size, right_of + size, bottom)


def screen(canvas, count):
    others = count - 1
    rows = min(max(others, 4), 8)
    columns = ceil(F(others, rows))
    width, height = canvas

    def x(column):
        return width - even(F(width * (columns - column), rows))
    panes = [[0, 0, x(0), height]]
    for index in range(others):
        column, row = divmod(index, rows)
        top, bottom = even(F(height * row, rows)), even(F(height * (row + 1), rows))
        panes.append([x(column), top, x(column + 1) - x(column), bottom - top])
    return panes


def floating(canvas, count, corner):
    return [[0, 0, *canvas]] + [small(canvas, index, corner) for index in range(count - 1)]


TEMPLATES = {
    "horizontal": lambda canvas, count: grid(canvas, [count]),
    "vertical": lambda canvas, count: grid(canvas, [1] * count),
    "tiled": best_fit,
    "corner": lambda canvas, count: floating(canvas, count, True),
    "float": lambda canvas, count: floating(canvas, count, False),
    "screen": screen,
    "grid": square,
    "best-fit": best_fit,
}
WITH_MAIN = ("corner", "float", "screen")


def by_template(document):
    name, main = document["template"], document.get("main")
    canvas = (document["canvas"]["width"], document["canvas"]["height"])
    there = [(user, "camera") for user in document.get("users", [])]
    there += [(user, "screen") for user in document.get("screens", [])]
    there = list(dict.fromkeys(there))
    shown = list(there)
    if name in WITH_MAIN:
        candidates = [one for one in there if main in (None, one[0])]
        if name == "screen":
            candidates.sort(key=lambda one: one[1] != "screen")
        if candidates or main is not None:
            first = candidates[0] if candidates else None
            shown = [first] + [one for one in there if one != first]
    shown = shown[:16]
    if not shown:
        return []
    rows = []
    for index, (user, rect) in enumerate(zip(shown, TEMPLATES[name](canvas, len(shown)))):
        z = int(name in ("corner", "float") and index > 0)
        fit = "inside" if name == "screen" and index == 0 else "crop"
        rows.append([index, user and user[0], user and user[1], *rect, z, fit])
    return sorted(rows, key=lambda row: (row[7], row[0]))


# --- Panes (§2, §3, §5) -----------------------------------------------------------------------

def by_panes(document):
    canvas = (document["canvas"]["width"], document["canvas"]["height"])
    there = [(user, "camera") for user in document.get("users", [])]
    there += [(user, "screen") for user in document.get("screens", [])]
    there = list(dict.fromkeys(there))

    def named(pane):
        return "user" in pane and (pane["user"], pane.get("picture", "camera"))
    taken = [named(pane) for pane in document["panes"]]
    waiting = [one for one in there if one not in taken]
    rows = []
    for index, pane in enumerate(document["panes"]):
        user = named(pane)
        if user is False:
            user = waiting.pop(0) if waiting else None
        elif user not in there:
            user = None
        if "x_px" in pane:
            x, y, w, h = [F(pane[name]) for name in ("x_px", "y_px", "width_px", "height_px")]
            x, w = x / canvas[0], w / canvas[0]
            y, h = y / canvas[1], h / canvas[1]
        else:
            # Nine digits are kept.
            x, y, w, h = [F(floor(F(str(pane[name])) * 10**9), 10**9)
                          for name in ("x", "y", "width", "height")]
        rect = placed(canvas, x, y, x + w, y + h)
        rows.append([index, user and user[0], user and user[1], *rect, pane.get("z", 0),
                     pane.get("fit", "crop")])
    return sorted(rows, key=lambda row: (row[7], row[0]))


def users(count):
    return [f"u{index + 1}" for index in range(count)]


def sized(width, height, **members):
    return {"canvas": {"width": width, "height": height}, **members}


def resolve_vectors():
    vectors = []

    def add(name, why, document, violations=None):
        outcome = {"violations": [{"path": path, "code": code} for path, code in violations]} \
            if violations else {"panes": (by_template if "template" in document else by_panes)(document)}
        vectors.append({"name": name, "why": why, "document": document, **outcome})

    for template in TEMPLATES:
        for count in (1, 2, 3, 5, 8, 12, 16):
            add(f"{template} of {count} on 1280x720", f"{template}, layout.md §4",
                sized(1280, 720, template=template, users=users(count)))
        for width, height, count in ((720, 1280, 3), (854, 482, 7), (1918, 1078, 11), (64, 64, 16)):
            add(f"{template} of {count} on {width}x{height}",
                "sides that divide into no even parts: every edge is the nearest even pixel",
                sized(width, height, template=template, users=users(count)))
        add(f"{template} of 17", "a template has 16 panes; who joins later is not shown",
            sized(1280, 720, template=template, users=users(17)))
        add(f"{template} of nobody", "nobody has no pane", sized(640, 360, template=template))
        add(f"{template} with somebody twice", "who is there twice counts once",
            sized(640, 360, template=template, users=["anna", "ben", "anna"]))
    for template in WITH_MAIN:
        add(f"{template} with a main user", "the one who is named is in the large pane",
            sized(1280, 720, template=template, main="u3", users=users(4)))
        add(f"{template} with an absent main user", "the large pane waits, black",
            sized(1280, 720, template=template, main="dora", users=users(2)))
    add("grid with a main user", "the template has no large pane: nothing changes",
        sized(1280, 720, template="grid", main="u3", users=users(4)))
    add("screen with a shared screen", "who shares a screen goes before who joined first",
        sized(1280, 720, template="screen", users=["anna", "ben"], screens=["ben"]))
    add("screen with a main user who shares", "of the main user's pictures the screen",
        sized(1280, 720, template="screen", main="ben", users=["anna", "ben"], screens=["anna", "ben"]))
    add("float with a main user who shares", "elsewhere the camera, which joined first",
        sized(1280, 720, template="float", main="ben", users=["anna", "ben"], screens=["ben"]))

    half = {"y": 0.25, "width": 0.5, "height": 0.5}
    add("two in parts of the canvas", "as ARTC sends them: strings or numbers",
        sized(1280, 720, panes=[{"x": "0", **half}, {"x": "0.5", **half}], users=["111", "222"]))
    add("a part that reaches a little beyond", "Alibaba's own example: 0.5018382 + 0.5 of the width",
        sized(1280, 720, panes=[{"x": 0, **half}, {"x": 0.5018382, **half}], users=["111", "222"]))
    add("thirds", "edges are rounded, not sizes: 0.333333333 of 1280 is 426.67, nearest even 426",
        sized(1280, 720, users=users(3), panes=[
            {"x": "0", "y": "0", "width": "0.333333333", "height": "1"},
            {"x": "0.333333333", "y": "0", "width": "0.333333333", "height": "1"},
            {"x": "0.666666666", "y": "0", "width": "0.333333334", "height": "1"}]))
    add("in pixels", "as Thunder, Agora and TRTC send them; odd ones go to the nearest even pixel",
        sized(1280, 720, users=users(2), panes=[
            {"x_px": 0, "y_px": 0, "width_px": 1280, "height_px": 720},
            {"x_px": 901, "y_px": 471, "width_px": 359, "height_px": 229, "z": 1, "fit": "inside"}]))
    add("filled in the order of joining", "named panes are kept for whom they name",
        sized(1280, 720, users=["anna", "ben", "cleo"], panes=[
            {"x": 0, "y": 0, "width": 0.5, "height": 0.5},
            {"x": 0.5, "y": 0, "width": 0.5, "height": 0.5, "user": "anna"},
            {"x": 0, "y": 0.5, "width": 0.5, "height": 0.5},
            {"x": 0.5, "y": 0.5, "width": 0.5, "height": 0.5}]))
    add("a pane of somebody who is not there", "it stays, black, and nobody else takes it",
        sized(1280, 720, users=["ben"], panes=[
            {"x": 0, "y": 0, "width": 0.5, "height": 1, "user": "anna"},
            {"x": 0.5, "y": 0, "width": 0.5, "height": 1}]))
    add("a pane of somebody's screen", "a user's camera is another picture",
        sized(1280, 720, users=["anna"], screens=["anna"], panes=[
            {"x": 0, "y": 0, "width": 0.75, "height": 1, "user": "anna", "picture": "screen"},
            {"x": 0.75, "y": 0, "width": 0.25, "height": 0.25}]))
    add("one user in two panes", "both show the same picture",
        sized(1280, 720, users=["anna"], panes=[
            {"x": 0, "y": 0, "width": 1, "height": 1, "user": "anna"},
            {"x": 0.75, "y": 0.75, "width": 0.25, "height": 0.25, "z": 1, "user": "anna"}]))
    add("one above the other", "the larger z lies above; of equal ones the later pane",
        sized(1280, 720, users=users(4), panes=[
            {"x": 0, "y": 0, "width": 0.5, "height": 0.5, "z": 100},
            {"x": 0, "y": 0, "width": 0.5, "height": 0.5, "z": 1},
            {"x": 0, "y": 0, "width": 0.5, "height": 0.5, "z": 0},
            {"x": 0, "y": 0, "width": 0.5, "height": 0.5, "z": 1}]))

    pane = {"x": 0, "y": 0, "width": 1, "height": 1}
    add("an odd canvas", "colour has half the resolution: no side may be odd",
        sized(1281, 721, panes=[pane]),
        [("canvas.width", "layout.odd_side"), ("canvas.height", "layout.odd_side")])
    add("a canvas beyond its bounds", "64 to 8192", sized(62, 8194, panes=[pane]),
        [("canvas.width", "config.out_of_range"), ("canvas.height", "config.out_of_range")])
    add("nothing at all", "a canvas and panes or a template are needed", {},
        [("canvas", "config.missing"), ("panes", "config.missing")])
    add("panes and a template", "only one of them can say where the panes are",
        sized(1280, 720, template="grid", panes=[pane]), [("panes", "config.excluded")])
    add("a main user of panes", "only templates have a large pane",
        sized(1280, 720, main="anna", panes=[pane]), [("main", "config.unmatched")])
    add("misspelt members", "a person wrote the document: each is told",
        {"canvas": {"width": 1280, "height": 720, "backgroud": "#000000"}, "tempate": "grid",
         "panes": [{**pane, "zorder": 1}]},
        [("canvas.backgroud", "config.unknown_field"), ("panes[0].zorder", "config.unknown_field"),
         ("tempate", "config.unknown_field")])
    add("panes beyond the canvas", "more than a hundredth beyond in parts, anything in pixels",
        sized(1280, 720, panes=[
            {"x": 0.6, "y": 0, "width": 0.5, "height": 1},
            {"x": 0.51, "y": 0, "width": 0.5, "height": 1},
            {"x": 0.510000001, "y": 0, "width": 0.5, "height": 1},
            {"x_px": 1, "y_px": 0, "width_px": 1280, "height_px": 720},
            {"x_px": 0, "y_px": 720, "width_px": 10, "height_px": 10}]),
        [("panes[0]", "layout.outside_canvas"), ("panes[2]", "layout.outside_canvas"),
         ("panes[3]", "layout.outside_canvas"), ("panes[4]", "layout.outside_canvas")])
    add("panes of nothing", "less than an even pixel is left",
        sized(1280, 720, panes=[
            {"x": 0.5, "y": 0, "width": 0, "height": 1},
            {"x_px": 0, "y_px": 0, "width_px": 100, "height_px": 0},
            {"x_px": 2, "y_px": 0, "width_px": 0, "height_px": 2}]),
        [(f"panes[{index}]", "layout.too_small") for index in range(3)])
    add("places in two units", "parts and pixels do not mix, and none may be missing",
        sized(1280, 720, panes=[{"x": 0, "y_px": 0, "width_px": 2, "height_px": 2},
                                {"x": 0, "y": 0, "height": 1}]),
        [("panes[0].x", "config.excluded"), ("panes[0].x_px", "config.missing"),
         ("panes[1].width", "config.missing")])
    add("a picture of nobody", "which picture it is says nothing without a user",
        sized(1280, 720, panes=[{**pane, "picture": "screen"}]),
        [("panes[0].picture", "config.unmatched")])
    add("values beyond their ranges", "each with its path",
        sized(1280, 720, panes=[{**pane, "z": 256, "fit": "stretch", "alpha": 1.5, "cut": [1, 2]}],
              users=[1]),
        [("panes[0].z", "config.out_of_range"), ("panes[0].fit", "config.unknown_value"),
         ("panes[0].cut", "config.wrong_count"), ("panes[0].alpha", "config.out_of_range"),
         ("users[0]", "config.wrong_type")])
    add("a cut of nothing", "no pixel of the picture would be left",
        sized(1280, 720, panes=[{**pane, "cut": [4, 4, 0, 100]}, {**pane, "cut": [0, 0, 2, 0]}]),
        [("panes[0].cut", "layout.too_small"), ("panes[1].cut", "layout.too_small")])
    add("the uppermost pane of all", "z goes up to 255, as payloads' do",
        sized(1280, 720, users=["anna"], panes=[{**pane, "z": 255}, {**pane, "z": 254}]))
    add("no panes", "nobody is shown", sized(1280, 720, panes=[], users=["anna"]))
    long = "\u4e3b" * 256
    add("the longest name", "256 characters, however many bytes",
        sized(1280, 720, panes=[{**pane, "user": long}], users=[long]))
    add("a name that is too long", "it is told once, and its picture has a user all the same",
        sized(1280, 720, panes=[{**pane, "user": long + "x", "picture": "camera"}]),
        [("panes[0].user", "config.too_long")])
    add("a name of nothing", "it is no user",
        sized(1280, 720, panes=[{**pane, "user": "", "picture": "screen"}], users=["anna", ""],
              screens=[""]),
        [("panes[0].user", "config.missing"), ("users[1]", "config.missing"),
         ("screens[0]", "config.missing")])
    add("a main user of no name", "the same",
        sized(1280, 720, template="corner", main=""), [("main", "config.missing")])
    add("pixels that are refused", "they are told, and parts are not missed as well",
        sized(1280, 720, panes=[dict.fromkeys(("x_px", "y_px", "width_px", "height_px"), -1)]),
        [(f"panes[0].{name}_px", "config.out_of_range") for name in ("x", "y", "width", "height")])
    add("a main user of an unknown template", "it may have a large pane",
        sized(1280, 720, template="mosaic", main="anna"), [("template", "config.unknown_value")])
    add("a background that is none", "#RRGGBB",
        {"canvas": {"width": 1280, "height": 720, "background": "black"}, "template": "grid"},
        [("canvas.background", "config.characters")])
    add("an unknown template", "it is told once, and panes are not missed as well",
        sized(1280, 720, template="mosaic"), [("template", "config.unknown_value")])
    return vectors


# --- In a player's box (§6) -------------------------------------------------------------------

def nearest(number):
    return floor(number + F(1, 2))


def in_box(canvas, box, object_fit, rect):
    """A rectangle in 64ths of the box's pixels."""
    scale = [F(box[0] * 64, canvas[0]), F(box[1] * 64, canvas[1])]
    if object_fit != "fill":
        scale = [(min if object_fit == "contain" else max)(scale)] * 2
    out = []
    for axis in (0, 1):
        shown = nearest(canvas[axis] * scale[axis])
        start = floor(F(box[axis] * 64 - shown, 2))
        first = start + nearest(F(rect[axis] * shown, canvas[axis]))
        last = start + nearest(F((rect[axis] + rect[axis + 2]) * shown, canvas[axis]))
        out.append((first, last - first))
    (x, width), (y, height) = out
    return [x, y, width, height]


def box_vectors():
    vectors = []
    for canvas in ((1280, 720), (720, 1280), (854, 480)):
        width, height = canvas
        rects = ([0, 0, width, height], [even(F(width, 3)), 2, 100, 50], [width - 2, height - 2, 2, 2])
        for box in ((1280, 720), (640, 640), (333, 777), (1, 1000)):
            for object_fit in ("contain", "cover", "fill"):
                vectors.append({
                    "name": f"{width}x{height} in {box[0]}x{box[1]}, {object_fit}",
                    "why": "CSS Images 3 §5.5, with edges to the nearest 64th: layout.md §6",
                    "canvas": list(canvas), "box": list(box), "object_fit": object_fit,
                    "rects": [{"canvas": rect, "box": in_box(canvas, box, object_fit, rect)}
                              for rect in rects],
                })
    return vectors


# --- Payloads (docs/spec/sei.md §6) -----------------------------------------------------------

def stream(user, pane=None, place=None, z=0, volume=0, voice=0, alpha="1"):
    """`place`: four strings are parts of the canvas, four numbers pixels."""
    return {"user": user, "pane": pane, "place": place, "z": z, "volume": volume, "voice": voice,
            "alpha": alpha}


ALIBABA = ('{"stream":[{"uid":"111","paneid":0,"zorder":1,"x":0,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,'
           '"vol":1,"vad":119},{"uid":"222","paneid":1,"zorder":1,"x":0.5018382,"y":0.25,"w":0.5,"h":0.5,'
           '"type":0,"ms":0,"vol":60,"vad":123}]}')
ALIBABA_STREAMS = [stream("111", 0, ["0", "0.25", "0.5", "0.5"], 1, 1, 119),
                   stream("222", 1, ["0.5018382", "0.25", "0.5", "0.5"], 1, 60, 123)]
ALONE = ('{"stream":[{"uid":"111","paneid":-1,"zorder":0,"x":0,"y":0,"w":0,"h":0,"type":0,"ms":0,"vol":0,'
         '"vad":0}]}')
REGION = '{"uid":%d,"alpha":1.0,"zorder":1,"volume":%d,"x":%d,"y":0,"w":320,"h":360}'
AGORA = ('{"canvas":{"w":640,"h":360,"bgnd":"#000000"},"regions":[' + REGION % (1, 50, 0) + ","
         + REGION % (2, 89, 320) + '],"ver":"20190611","ts":1535385600000,"app_data":""}')
AGORA_STREAMS = [stream("1", None, [0, 0, 320, 360], 1, 50), stream("2", None, [320, 0, 320, 360], 1, 89)]


def one(**changes):
    """A stream of Alibaba's as JSON text; values are texts, None leaves the member out."""
    members = {"uid": '"a"', "paneid": "0", "zorder": "0", "x": "0", "y": "0", "w": "0.5", "h": "1",
               "vol": "0", "vad": "0", **changes}
    inner = ",".join(f'"{name}":{text}' for name, text in members.items() if text is not None)
    return '{"stream":[{' + inner + "}]}"


def payload_vectors():
    vectors = []
    half = ["0", "0", "0.5", "1"]

    def add(name, why, payload, form, streams=(), remarks=(), **more):
        vectors.append({"name": name, "why": why, "payload": payload, "form": form,
                        "streams": list(streams), "remarks": [list(remark) for remark in remarks],
                        **more})

    add("Alibaba's example", "ApsaraVideo Live, SEI format, word for word", ALIBABA, "alibaba",
        ALIBABA_STREAMS, written={"alibaba": ALIBABA})
    add("Alibaba's example of one streamer", "paneid -1, and no place", ALONE, "alibaba",
        [stream("111")], written={"alibaba": ALONE})
    add("Agora's example", "Agora, SEI information; one of its zorder is spelt zOrder",
        AGORA.replace('"zorder":1,"volume":89', '"zOrder":1,"volume":89'), "agora", AGORA_STREAMS,
        canvas=[640, 360, "#000000"], sent_at=1535385600000, written={"agora": AGORA})
    add("a passed message beside the streams", "PassThrough with the default key",
        ALIBABA[:-1] + ',"udd":"hello"}', "alibaba", ALIBABA_STREAMS, extras={"udd": "hello"},
        written={"alibaba": ALIBABA[:-1] + ',"udd":"hello"}'})
    add("a passed message alone", "there is no stream", '{"udd":"{\\"scene\\":\\"quiz\\"}"}', "other",
        extras={"udd": '{"scene":"quiz"}'}, written={"alibaba": '{"udd":"{\\"scene\\":\\"quiz\\"}"}'})
    add("numbers as strings and a user as a number", "what loosely typed senders write",
        one(uid="7", zorder='"3"', x='"0"', w='"0.50"', vol='"12"'), "alibaba",
        [stream("7", 0, half, 3, 12)])
    add("members in another case", "zOrder, paneId, UID",
        one(uid=None, UID='"a"', paneid=None, paneId="2", zorder=None, zOrder="9"), "alibaba",
        [stream("a", 2, half, 9)])
    add("integers as floating point", "1.0, 1e1 and -0.0 are integers",
        one(zorder="1e1", paneid="1.0", x="-0.0"), "alibaba", [stream("a", 1, half, 10)])
    add("a float's tail", "0.1 of 32 bits, printed with 64; nine digits are kept",
        one(x="0.10000000149011612"), "alibaba", [stream("a", 0, ["0.100000001", "0", "0.5", "1"])])
    add("members missing", "the rest is read; without a number a place is none",
        one(vol=None, vad=None, zorder=None, h=None), "alibaba", [stream("a", 0)],
        [(0, "x", "payload.missing")])
    add("a stream of nobody", "it is left out", one(uid=None), "alibaba", [],
        [(0, "uid", "payload.missing")])
    add("a user of no name", "nobody, too", one(uid='""'), "alibaba", [],
        [(0, "uid", "payload.missing")])
    add("a number without a name at Agora's", "an empty suid is no name",
        '{"regions":[{"uid":9,"suid":"","x":0,"y":0,"w":320,"h":360}]}', "agora",
        [stream("9", None, [0, 0, 320, 360])])
    add("neither number nor name at Agora's", "both are empty",
        '{"regions":[{"uid":"","suid":"","x":0,"y":0,"w":320,"h":360}]}', "agora", [],
        [(0, "uid", "payload.missing")])
    long = "\u4e3b" * 256
    add("the longest name", "256 characters", one(uid=f'"{long}"'), "alibaba", [stream(long, 0, half)])
    add("a name that is too long", "it is left out, not cut: two users could become one",
        one(uid=f'"{long}x"'), "alibaba", [],
        [(0, "uid", "payload.too_large"), (0, "uid", "payload.missing")])
    add("null in place of numbers", "as though it were not there", one(vol="null", zorder="null"),
        "alibaba", [stream("a", 0, half)])
    add("nan in place of a number", "C prints it where a canvas had no width; it is no JSON",
        one(x="nan", y="-NaN", vol="Infinity"), "alibaba", [stream("a", 0)],
        [(0, "x", "payload.missing"), (None, "", "payload.not_a_number")])
    add("nan in a name", "what is in a string stays", one(uid='"nan\\"inf"', vol="inf"), "alibaba",
        [stream('nan"inf', 0, half)], [(None, "", "payload.not_a_number")])
    add("numbers beyond their ranges", "the nearest within counts",
        one(paneid="12", zorder="-5", x="-0.25", w="1e400", vol="300", vad="151"), "alibaba",
        [stream("a", 8, ["0", "0", "1", "1"], 0, 255, 150)],
        [(0, name, "payload.out_of_range") for name in ("paneid", "zorder", "x", "w", "vol", "vad")])
    add("a pane of nothing", "several streamers have places", one(w="0"), "alibaba", [stream("a", 0)],
        [(0, "w", "payload.out_of_range")])
    add("wrong types", "each is passed over",
        one(uid='"a"', zorder="[1]", x="true", vol='"loud"')[:-2] + ",5,null]}", "alibaba",
        [stream("a", 0)],
        [(0, "zorder", "payload.wrong_type"), (0, "x", "payload.wrong_type"),
         (0, "vol", "payload.wrong_type"), (0, "x", "payload.missing"), (1, "", "payload.wrong_type"),
         (2, "", "payload.wrong_type")])
    add("a stream that is no list", "nobody is in it", '{"stream":{"uid":"a"}}', "alibaba", [],
        [(None, "stream", "payload.wrong_type")])
    add("a user with a name at Agora's", "suid goes before uid",
        '{"canvas":{"w":640,"h":360},"regions":[{"uid":9,"suid":"anna","alpha":0.5,"zorder":1,'
        '"volume":1,"x":0,"y":0,"w":320,"h":360}],"ts":1}', "agora",
        [stream("anna", None, [0, 0, 320, 360], 1, 1, alpha="0.5")],
        canvas=[640, 360, "#000000"], sent_at=1,
        written={"agora": '{"canvas":{"w":640,"h":360,"bgnd":"#000000"},"regions":[{"uid":9,'
                 '"suid":"anna","alpha":0.5,"zorder":1,"volume":1,"x":0,"y":0,"w":320,"h":360}],'
                 '"ver":"20190611","ts":1,"app_data":""}'})
    add("an odd canvas at Agora's", "somebody rounded: its last column is not in the picture",
        '{"canvas":{"w":641,"h":360,"bgnd":"#00ff00"},"regions":[],"app_data":"x"}', "agora", [],
        [(None, "canvas", "payload.out_of_range")], canvas=[640, 360, "#00FF00"],
        extras={"app_data": "x"})
    add("a canvas of no size", "there is none", '{"canvas":{"w":0,"h":0},"regions":[]}', "agora", [],
        [(None, "canvas", "payload.out_of_range")])
    add("bytes around the object", "a UUID before it, a NUL and a stop bit behind it",
        "livega{te!sei-1}" + ALONE + "\u0000\u0080", "alibaba", [stream("111")])
    add("no JSON", "x264's banner", "x264 - core 164 r3095", None, [], [(None, "", "payload.not_json")])
    add("a list", "no object", "[1,2]", None, [], [(None, "", "payload.not_json")])
    deep = "[" * 80 + '"]{"' + "]" * 80
    add("a passed member of 80 levels", "it is passed over, and the layout is read",
        ALIBABA[:-1] + ',"udd":' + deep + ',"x":"y"}', "alibaba", ALIBABA_STREAMS,
        [(None, "", "payload.too_deep")], extras={"x": "y"})
    add("a passed member of 80 levels in front", "the same",
        '{"udd":' + deep + "," + ALIBABA[1:], "alibaba", ALIBABA_STREAMS,
        [(None, "", "payload.too_deep")])
    add("80 levels within a stream", "they are passed over",
        one(udd=deep, zorder=deep), "alibaba", [stream("a", 0, half)],
        [(0, "", "payload.too_deep"), (0, "", "payload.too_deep")])
    add("levels that do not end", "the message was cut short",
        ALIBABA[:-1] + ',"udd":' + "[" * 80 + "}", None, [], [(None, "", "payload.not_json")])
    add("an object that breaks off", "the message was cut short", ALIBABA[:60], None, [],
        [(None, "", "payload.not_json")])
    add("nothing", "an empty message", "", None, [], [(None, "", "payload.not_json")])
    ten = '{"stream":[' + ",".join(
        f'{{"uid":"u{index}","paneid":{min(index, 8)},"x":0,"y":0,"w":1,"h":1}}' for index in range(10)
    ) + "]}"
    add("ten streams", "Alibaba's format has nine panes", ten, "alibaba",
        [stream(f"u{index}", min(index, 8), ["0", "0", "1", "1"]) for index in range(10)],
        written={"alibaba": "payload.too_many_panes", "agora": "payload.canvas_missing"})
    add("layers beyond Alibaba's", "zorder is 0 to 99", one(zorder="100"), "alibaba",
        [stream("a", 0, half, 100)], written={"alibaba": "payload.out_of_range"})
    add("Agora's as Alibaba's", "its streams have no panes", AGORA, "agora", AGORA_STREAMS,
        canvas=[640, 360, "#000000"], sent_at=1535385600000,
        written={"alibaba": "payload.pane_missing"})
    return vectors


FILES = {"resolve.json": resolve_vectors, "box.json": box_vectors, "payload.json": payload_vectors}


def text(vectors):
    """A list with one vector to a line."""
    lines = [json.dumps(vector, ensure_ascii=False) for vector in vectors]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    failed = False
    FOLDER.mkdir(exist_ok=True)
    for name, make in FILES.items():
        vectors = make()
        names = [vector["name"] for vector in vectors]
        assert len(set(names)) == len(names), f"{name}: a name is there twice"
        made, path = text(vectors), FOLDER / name
        if "--check" in sys.argv[1:]:
            same = path.exists() and path.read_text("utf-8") == made
            failed |= not same
            print(f"layout/{name}: {len(vectors)}{'' if same else ': differs from what is made'}")
        else:
            path.write_text(made, "utf-8")
            print(f"layout/{name}: {len(vectors)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

"""Prints every user_data_unregistered message that GStreamer's h264parse attaches to a stream's pictures.

    gst.py FILE...
    gst.py --check      says by its exit status whether it can

A line of JSON for each: {"file", "buffer", "pts_ns", "uuid", "data"}. FLV goes through flvdemux first.
H.264 only: h265parse of 1.22 has no such message. Called through ctypes, so that neither
development packages nor bindings are wanted: the libraries and the plugins will do. Exit status 3
says that one of them is missing here.
"""

import ctypes
import json
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint64, c_void_p

MISSING = 3
NONE = 2**64 - 1  # GST_CLOCK_TIME_NONE

try:
    gst = ctypes.CDLL("libgstreamer-1.0.so.0")
    app = ctypes.CDLL("libgstapp-1.0.so.0")
    video = ctypes.CDLL("libgstvideo-1.0.so.0")
except OSError as error:
    print(error, file=sys.stderr)
    sys.exit(MISSING)


class MetaInfo(Structure):
    """GstMetaInfo, as far as it is read."""

    _fields_ = [("api", c_size_t), ("type", c_size_t), ("size", c_size_t)]


class UnregisteredMeta(Structure):
    """GstVideoSEIUserDataUnregisteredMeta, since 1.22."""

    _fields_ = [
        ("flags", c_int),
        ("info", POINTER(MetaInfo)),
        ("uuid", c_uint8 * 16),
        ("data", c_void_p),
        ("size", c_size_t),
    ]


class MiniObject(Structure):
    """GstMiniObject, the head of a GstBuffer."""

    _fields_ = [
        ("type", c_size_t),
        ("refcount", c_int),
        ("lockstate", c_int),
        ("flags", ctypes.c_uint),
        ("copy", c_void_p),
        ("dispose", c_void_p),
        ("free", c_void_p),
        ("priv_uint", ctypes.c_uint),
        ("priv_pointer", c_void_p),
    ]


class Buffer(Structure):
    """GstBuffer, as far as it is read."""

    _fields_ = [("mini", MiniObject), ("pool", c_void_p), ("pts", c_uint64), ("dts", c_uint64)]


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


parse_launch = function(gst, "gst_parse_launch", c_void_p, c_char_p, POINTER(c_void_p))
by_name = function(gst, "gst_bin_get_by_name", c_void_p, c_void_p, c_char_p)
set_state = function(gst, "gst_element_set_state", c_int, c_void_p, c_int)
unref = function(gst, "gst_object_unref", None, c_void_p)
pull_sample = function(app, "gst_app_sink_pull_sample", c_void_p, c_void_p)
sample_buffer = function(gst, "gst_sample_get_buffer", c_void_p, c_void_p)
mini_unref = function(gst, "gst_mini_object_unref", None, c_void_p)
iterate_meta = function(gst, "gst_buffer_iterate_meta", POINTER(UnregisteredMeta), c_void_p, POINTER(c_void_p))
element_bus = function(gst, "gst_element_get_bus", c_void_p, c_void_p)
pop_filtered = function(gst, "gst_bus_pop_filtered", c_void_p, c_void_p, c_int)
PLAYING, NULL, ERROR = 4, 1, 2


def pipeline(path):
    demuxer = "! flvdemux" if path.endswith(".flv") else ""
    return f'filesrc location="{path}" {demuxer} ! h264parse ! appsink name=out sync=false'


def messages(path):
    error = c_void_p()
    line = parse_launch(pipeline(path).encode(), byref(error))
    if not line or error:
        print(f"no pipeline: {pipeline(path)}", file=sys.stderr)
        sys.exit(MISSING)
    wanted = function(video, "gst_video_sei_user_data_unregistered_meta_api_get_type", c_size_t)()
    sink, bus = by_name(line, b"out"), element_bus(line)
    set_state(line, PLAYING)
    number = 0
    while sample := pull_sample(sink):
        buffer = sample_buffer(sample)
        pts = Buffer.from_address(buffer).pts
        state = c_void_p()
        while meta := iterate_meta(buffer, byref(state)):
            if meta.contents.info.contents.api != wanted:
                continue
            yield {
                "file": path,
                "buffer": number,
                "pts_ns": None if pts == NONE else pts,
                "uuid": bytes(meta.contents.uuid).hex(),
                "data": ctypes.string_at(meta.contents.data, meta.contents.size).hex(),
            }
        number += 1
        mini_unref(sample)
    # An error ends the stream as its end does.
    failed = pop_filtered(bus, ERROR)
    set_state(line, NULL)
    for thing in (sink, bus, line):
        unref(thing)
    if failed or not number:
        sys.exit(f"{path}: GStreamer failed after {number} buffers")


def main():
    gst.gst_init(None, None)
    if sys.argv[1:] == ["--check"]:
        error = c_void_p()
        line = parse_launch(b"fakesrc ! flvdemux ! h264parse ! appsink", byref(error))
        sys.exit(0 if line and not error else MISSING)
    for path in sys.argv[1:]:
        for message in messages(path):
            print(json.dumps(message))


main()

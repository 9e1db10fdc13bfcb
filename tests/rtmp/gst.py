"""Runs a pipeline of GStreamer to its end, through ctypes, so that neither its tools nor bindings are wanted.

    gst.py SECONDS PIPELINE     exit status 0 at its end, 1 at an error or after SECONDS
    gst.py --check              says by its exit status whether it can; 3 where something is missing
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_uint64, c_void_p

MISSING = 3
PLAYING, NULL = 4, 1
EOS, ERROR = 1, 2  # GstMessageType
ELEMENTS = ["rtmp2src", "rtmp2sink", "flvdemux", "flvmux", "h264parse", "aacparse", "filesrc", "filesink", "queue"]

try:
    gst = ctypes.CDLL("libgstreamer-1.0.so.0")
except OSError as error:
    print(error, file=sys.stderr)
    sys.exit(MISSING)


class Error(ctypes.Structure):
    """GError."""

    _fields_ = [("domain", ctypes.c_uint32), ("code", c_int), ("message", c_char_p)]


def function(name, result, *arguments):
    found = getattr(gst, name)
    found.restype, found.argtypes = result, arguments
    return found


function("gst_init", None, c_void_p, c_void_p)(None, None)
find = function("gst_element_factory_find", c_void_p, c_char_p)
launch = function("gst_parse_launch", c_void_p, c_char_p, POINTER(POINTER(Error)))
set_state = function("gst_element_set_state", c_int, c_void_p, c_int)
bus_of = function("gst_element_get_bus", c_void_p, c_void_p)
pop = function("gst_bus_timed_pop_filtered", c_void_p, c_void_p, c_uint64, c_int)
parse_error = function("gst_message_parse_error", None, c_void_p, POINTER(POINTER(Error)), POINTER(c_char_p))


def main():
    missing = [name for name in ELEMENTS if not find(name.encode())]
    if missing:
        print("GStreamer lacks", *missing, file=sys.stderr)
        sys.exit(MISSING)
    if sys.argv[1] == "--check":
        return 0
    error = POINTER(Error)()
    pipeline = launch(sys.argv[2].encode(), byref(error))
    if error or not pipeline:
        print(error.contents.message.decode() if error else "no pipeline", file=sys.stderr)
        return 1
    set_state(pipeline, PLAYING)
    message = pop(bus_of(pipeline), int(float(sys.argv[1]) * 1e9), EOS | ERROR)
    status = 0
    if not message:
        print("it took too long", file=sys.stderr)
        status = 1
    else:
        # An error has a text; at the end there is none, and GStreamer leaves it as it was.
        error, debug = POINTER(Error)(), c_char_p()
        kind = ctypes.cast(message + 64, POINTER(c_int)).contents.value
        if kind == ERROR:
            parse_error(message, byref(error), byref(debug))
            print(error.contents.message.decode(), debug.value, file=sys.stderr)
            status = 1
    set_state(pipeline, NULL)
    return status


sys.exit(main())

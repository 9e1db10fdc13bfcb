#!/usr/bin/env python3
"""Makes vectors/sei: messages written and read, and streams with messages put in.

    python3 vectors/make_sei.py             # writes them; streams that are there are kept
    python3 vectors/make_sei.py --check     # says whether they are what is made
    python3 vectors/make_sei.py --encode    # encodes the streams anew (ffmpeg with libx264 and libx265)

The model is docs/spec/sei.md and the standards' syntax, written out plainly: emulation prevention by
one pass over the bytes, messages by hand. Where a stream's pictures begin, ffprobe says (its parser's
packets: position and key flag); that is kept beside the stream, and asked again where there is ffprobe.
What h264_metadata writes is compared with `written.json` where there is ffmpeg.
"""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

FOLDER = pathlib.Path(__file__).resolve().parent / "sei"
OURS = "6c697665-6761-8074-a565-2d7365692d31"
X264 = "dc45e9bd-e6d9-48b7-962c-d820d923eeef"
HEADERS = {"h264": 1, "h265": 2}


# --- The model. ---

def escaped(rbsp):
    out, zeros = bytearray(), 0
    for byte in rbsp:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    if rbsp and rbsp[-1] == 0:
        out.append(3)
    return bytes(out)


def number(value):
    return b"\xff" * (value // 255) + bytes([value % 255])


def message(payload_type, payload):
    return number(payload_type) + number(len(payload)) + payload


def header(codec, temporal_id_plus1=1):
    return b"\x06" if codec == "h264" else bytes([39 << 1, temporal_id_plus1])


def nal(codec, messages, temporal_id_plus1=1, tail=b"\x80"):
    return header(codec, temporal_id_plus1) + escaped(b"".join(messages) + tail)


def ours(content):
    return message(5, uuid.UUID(OURS).bytes + content)


# --- Messages that are written. ---

def written():
    vectors = []

    def add(name, why, codec, content, own=OURS, payload_type=None, temporal_id_plus1=1, code=None):
        vector = {"name": name, "why": why, "codec": codec, "temporal_id_plus1": temporal_id_plus1}
        if payload_type is None:
            vector["uuid"] = own
            payload = message(5, uuid.UUID(own).bytes + content)
        else:
            vector["payload_type"] = payload_type
            payload = message(payload_type, content)
        vector["content_hex"] = content.hex()
        if code:
            vector["code"] = code
        else:
            vector["nal_hex"] = nal(codec, [payload], temporal_id_plus1).hex()
        vectors.append(vector)

    text = b'{"scene":"quiz"}'
    add("a text", "header 06, type 5, size, UUID, content, stop bit", "h264", text)
    add("a text in H.265", "header 4E 01: type 39, layer 0, temporal sub-layer 0", "h265", text)
    add("a higher sub-layer", "nuh_temporal_id_plus1 is that of the picture (H.265 7.4.2.2)", "h265", text,
        temporal_id_plus1=3)
    add("nothing to say", "a UUID alone", "h264", b"")
    add("a NUL at the end", "as ffmpeg writes any text", "h264", text + b"\0")
    add("a longer text with a NUL", "size 16 + 300 = 255 + 61", "h264", b'{"t":"' + b"n" * 291 + b'"}\0')
    add("type 100", "no UUID", "h264", text, payload_type=100)
    add("type 254", "the last one", "h265", text, payload_type=254)
    add("type 99", "below what users may take", "h264", text, payload_type=99, code="sei.payload_type")
    add("type 255", "it would take a byte more", "h264", text, payload_type=255, code="sei.payload_type")
    add("a start code", "00 00 01 must not occur in a NAL unit (7.4.1)", "h264", b"a\0\0\1b")
    add("every byte that is escaped", "00 00 00, 00 00 01, 00 00 02, 00 00 03; 00 00 04 is not", "h264",
        b"a\0\0\0b\0\0\1c\0\0\2d\0\0\3e\0\0\4f")
    add("nothing but zeros", "each third byte follows two zeros", "h265", bytes(11), payload_type=100)
    add("zeros before the stop bit", "80 is not escaped", "h264", b"a\0\0", payload_type=100)
    add("a UUID of zeros", "emulation prevention covers it as well", "h264", b"hi\0", own=str(uuid.UUID(int=0)))
    add("zeros across the UUID's end", "00 of the UUID, 00 01 of the content", "h264", b"\0\1",
        own="dc45e9bd-e6d9-48b7-962c-d820d923ee00")
    for length in (238, 239, 240, 494):
        size = 16 + length
        add(f"size {size}", "255 is FF 00; 254 is the last of one byte", "h264", b"x" * length)
    add("the longest content", "4,096 bytes and the UUID: 16 times FF, then 4112 - 4080 = 32", "h264", b"y" * 4096)
    add("the longest content of type 100", "the UUID does not count", "h265", b"y" * 4096, payload_type=100)
    add("one byte more", "4,096 is the most", "h264", b"y" * 4097, code="sei.content_too_long")
    return vectors


# --- Messages that are read. ---

def read():
    vectors = []

    def add(name, why, codec, raw, messages, without):
        rows = [[kind, size, payload.hex(), cut] for kind, size, payload, cut in messages]
        vectors.append({
            "name": name, "why": why, "codec": codec, "nal_hex": raw.hex(), "messages": rows,
            "without": without if isinstance(without, str) else without.hex(),
        })

    whole = lambda kind, payload: (kind, len(payload), payload, False)
    own, banner = ours(b"{}"), message(5, uuid.UUID(X264).bytes + b"x264 - core 164")
    own_row = whole(5, uuid.UUID(OURS).bytes + b"{}")
    banner_row = whole(5, uuid.UUID(X264).bytes + b"x264 - core 164")
    recovery, recovery_row = message(6, b"\xc4"), whole(6, b"\xc4")
    for codec in HEADERS:
        add(f"ours alone, {codec}", "the NAL unit goes", codec, nal(codec, [own]), [own_row], "nothing")
        add(f"an encoder's banner, {codec}", "it stays", codec, nal(codec, [banner]), [banner_row], "same")
        add(f"ours behind a banner, {codec}", "ffmpeg merges into the first SEI NAL unit", codec,
            nal(codec, [banner, own]), [banner_row, own_row], nal(codec, [banner]))
        add(f"ours between others, {codec}", "the others keep their order", codec,
            nal(codec, [recovery, own, banner]), [recovery_row, own_row, banner_row],
            nal(codec, [recovery, banner]))
    suffix = b"\x50\x01" + escaped(own + b"\x80")
    add("a suffix SEI", "type 40, behind the picture", "h265", suffix, [own_row], "nothing")
    head, body = nal("h264", [own])[:-1], nal("h264", [own])
    for name, raw in [("no stop bit", head), ("a NUL instead of the stop bit", head + b"\0"),
                      ("NULs behind the stop bit", body + b"\0\0\0"),
                      ("cabac_zero_words behind the stop bit", body + b"\0\0\3\0\0\3")]:
        add(name, "tolerated", "h264", raw, [own_row], "nothing")
    payload = uuid.UUID(OURS).bytes + b"{}"
    add("cut behind the UUID", "ours, with what there is", "h264", head[:-1],
        [(5, 18, payload[:-1], True)], "nothing")
    add("cut within the UUID", "nobody's", "h264", head[:10], [(5, 18, payload[:7], True)], "same")
    add("cut within the size", "it says nothing", "h264", b"\x06\x05\xff", [], "same")
    add("no message", "a stop bit alone", "h264", b"\x06\x80", [], "same")
    add("nothing but a header", "", "h265", b"\x4e\x01", [], "same")
    add("another's cut short behind ours", "it stays as it is, without a stop bit", "h264",
        b"\x06" + own + b"\x01\x09\x12", [own_row, (1, 9, b"\x12", True)], b"\x06\x01\x09\x12")
    add("type 128 of one byte", "80 is no stop bit where something follows", "h264",
        b"\x06\x80\x01\x09\x80", [whole(128, b"\x09")], "same")
    add("a type and a size beyond 255", "255 + 255 + 0 and 255 + 1", "h264",
        b"\x06\xff\xff\0\xff\1" + b"z" * 256 + b"\x80", [whole(510, b"z" * 256)], "same")
    zeros = b"a\0\0\1\0\0\0\0b"
    add("a payload with inserted bytes", "the size counts bytes before emulation prevention", "h264",
        nal("h264", [message(100, zeros), recovery]), [whole(100, zeros), recovery_row], "same")
    two = message(4, b"a\0\0") + own + message(0, b"b")
    add("zeros that meet once ours is out", "what follows them becomes 00 00 03 00", "h264",
        b"\x06" + escaped(two + b"\x80"), [whole(4, b"a\0\0"), own_row, whole(0, b"b")],
        b"\x06" + escaped(message(4, b"a\0\0") + message(0, b"b") + b"\x80"))
    add("a 3 that nobody had to insert", "decoders leave it out whatever follows", "h264",
        b"\x06\x64\x04a\0\0\x03\x7f\x80", [whole(100, b"a\0\0\x7f")], "same")
    return vectors


# --- Streams. ---

SOURCE = ["-f", "lavfi", "-i"]
X264_BARE = ["-bsf:v", "filter_units=remove_types=6"]
STREAMS = [
    # name, why, codec, size, frames, encoder's options, further options
    ("slices, B-frames, delimiters, open GOP", "recovery points begin key frames; delimiters are not VCL", "h264",
     "32x48", 7, "slices=3:bframes=2:open-gop=1:keyint=4:min-keyint=1:scenecut=0:aud=1", []),
    ("no SEI, nothing but slices", "pictures are told by their slice headers alone", "h264",
     "32x48", 6, "slices=3:bframes=2:keyint=9:threads=1", X264_BARE),
    ("interlaced frames", "MBAFF: frames, not fields", "h264",
     "32x64", 4, "tff=1:slices=2:bframes=1", X264_BARE),
    ("IDR pictures alone", "idr_pic_id tells them apart", "h264", "32x32", 5, "keyint=1", X264_BARE),
    ("gradual refresh", "a recovery point before a P picture", "h264",
     "64x32", 12, "intra-refresh=1:keyint=5:bframes=0", []),
    ("H.265, slices and B-frames", "temporal sub-layers, delimiters, parameter sets in band", "h265",
     "64x64", 7, "slices=2:bframes=3:keyint=5:min-keyint=1:aud=1:repeat-headers=1:temporal-layers=1", []),
    ("H.265 with hashes behind the pictures", "suffix SEI belongs to the picture before it", "h265",
     "64x64", 4, "hash=1:keyint=2:bframes=0", []),
]


def encode(codec, size, frames, options, further):
    encoder = "libx264" if codec == "h264" else "libx265"
    flag = "-x264-params" if codec == "h264" else "-x265-params"
    if codec == "h265":
        options += ":info=0:log-level=none"
    demuxer = "h264" if codec == "h264" else "hevc"
    command = ["ffmpeg", "-v", "error", *SOURCE, f"testsrc2=size={size}:rate=25", "-frames:v", str(frames),
               "-pix_fmt", "yuv420p", "-c:v", encoder, "-preset", "fast", flag, options, *further, "-f", demuxer, "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def probed(codec, stream):
    """Where each access unit begins, and whether it is a key frame, as ffprobe has it."""
    with tempfile.NamedTemporaryFile(suffix="." + codec) as file:
        file.write(stream)
        file.flush()
        command = ["ffprobe", "-v", "error", "-show_packets", "-show_entries", "packet=pos,flags", "-of", "json",
                   "-f", "h264" if codec == "h264" else "hevc", file.name]
        said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [[int(packet["pos"]), "K" in packet["flags"]] for packet in said["packets"]]


def nals(stream):
    """Start of the start code, and of the NAL unit."""
    return [(match.start(), match.end()) for match in re.finditer(rb"\x00?\x00\x00\x01", stream)]


def edited(codec, stream, frames):
    """The number of each frame before its first VCL NAL unit."""
    inserts = []
    for index, (begins, _) in enumerate(frames):
        for code, at in nals(stream):
            unit = stream[at] & 31 if codec == "h264" else stream[at] >> 1
            if code >= begins - 1 and (1 <= unit <= 5 if codec == "h264" else unit < 32):
                temporal = 1 if codec == "h264" else stream[at + 1] & 7
                inserts.append((code, b"\0\0\0\1" + nal(codec, [ours(str(index).encode())], temporal)))
                break
    out, done = b"", 0
    for code, piece in inserts:
        out, done = out + stream[done:code] + piece, code
    return out + stream[done:]


def streams():
    kept = {}
    path = FOLDER / "streams.json"
    if path.exists() and "--encode" not in sys.argv[1:]:
        kept = {vector["name"]: vector for vector in json.loads(path.read_text("utf-8"))}
    vectors = []
    for name, why, codec, size, count, options, further in STREAMS:
        if name in kept:
            stream, frames = bytes.fromhex(kept[name]["stream_hex"]), kept[name]["frames"]
        else:
            stream = encode(codec, size, count, options, further)
            frames = None
        if frames is None or shutil.which("ffprobe"):
            frames = probed(codec, stream)
        assert len(frames) == count, f"{name}: {len(frames)} access units"
        vectors.append({
            "name": name, "why": why, "codec": codec, "frames": frames, "stream_hex": stream.hex(),
            "edited_sha256": hashlib.sha256(edited(codec, stream, frames)).hexdigest(),
        })
    return vectors


def compare_with_ffmpeg(vectors):
    """What h264_metadata writes is a NAL unit of written.json, with a NUL behind the text."""
    compared = 0
    base = encode("h264", "32x32", 1, "keyint=1", X264_BARE)
    for vector in vectors:
        content = bytes.fromhex(vector["content_hex"])
        text = content[:-1]
        if not content.endswith(b"\0") or "uuid" not in vector or vector["codec"] != "h264":
            continue
        option = vector["uuid"] + "+" + re.sub(r"([\\':=,])", r"\\\1", text.decode())
        option = re.sub(r"([\\',])", r"\\\1", option)
        command = ["ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-c", "copy", "-bsf:v",
                   "h264_metadata=sei_user_data=" + option, "-f", "h264", "-"]
        out = subprocess.run(command, check=True, capture_output=True, input=base).stdout
        assert bytes.fromhex(vector["nal_hex"]) in out, f"{vector['name']}: ffmpeg writes it otherwise"
        compared += 1
    assert compared
    return compared


FILES = {"written.json": written, "read.json": read, "streams.json": streams}


def text(vectors):
    """A list with one vector to a line."""
    return "[\n" + ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors) + "\n]\n"


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
            print(f"sei/{name}: {len(vectors)}{'' if same else ': differs from what is made'}")
        else:
            path.write_text(made, "utf-8")
            print(f"sei/{name}: {len(vectors)}")
        if name == "written.json" and shutil.which("ffmpeg"):
            print(f"sei/{name}: {compare_with_ffmpeg(vectors)} compared with ffmpeg's")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

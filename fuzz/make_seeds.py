#!/usr/bin/env python3
"""Writes each fuzz target's first inputs: every vector, in the form that the target reads.

    python3 fuzz/make_seeds.py [FOLDER]     # FOLDER/TARGET/SHA1, by default fuzz/corpus

What fuzzing found worth keeping stands in fuzz/seeds/TARGET and is copied beside them.
"""

import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"


def raw_members(text):
    """The objects of a JSON list as {name: (value, text as written)}: numbers keep their digits."""
    decoder = json.JSONDecoder()

    def space(at):
        while text[at] in " \t\r\n,:":
            at += 1
        return at

    at = space(text.index("[") + 1)
    while text[at] == "{":
        members, at = {}, space(at + 1)
        while text[at] != "}":
            name, at = decoder.raw_decode(text, at)
            at = space(at)
            value, end = decoder.raw_decode(text, at)
            members[name], at = (value, text[at:end]), space(end)
        yield members
        at = space(at + 1)


def scheme():
    for path in sorted((VECTORS / "scheme").glob("*.json")):
        for vector in json.loads(path.read_text("utf-8"))["vectors"]:
            row = vector["scheme"]
            if not isinstance(row, str):
                row = json.dumps(row, ensure_ascii=False)
            elif "canonical_uri" in vector:
                row += "/" + vector["canonical_uri"]
            headers = "\n".join(f"{name}: {value}" for name, value in vector["headers"])
            fields = [row, vector["key"] or "", vector["url"], vector.get("query", ""), headers,
                      vector.get("id", "")]
            body = bytes.fromhex(vector["body_hex"]) if "body_hex" in vector else vector["body"].encode()
            yield b"\0".join([field.encode() for field in fields] + [body])


def member(folder, name):
    for path in sorted((VECTORS / folder).glob("*.json")):
        for vector in json.loads(path.read_text("utf-8")):
            yield vector[name].encode()


def dialects():
    """Bodies are texts, or objects that stand as they are sent."""
    for path in sorted(VECTORS.glob("*/parse.json")):
        for vector in json.loads(path.read_text("utf-8")):
            if "body" in vector:
                body = vector["body"]
                yield (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
    for path in sorted(VECTORS.glob("*/redact.json")):
        for vector in json.loads(path.read_text("utf-8")):
            yield vector["body"].encode()


def config():
    for folder in ("config", "relay"):
        for path in sorted((VECTORS / folder).glob("*.json")):
            for vector in json.loads(path.read_text("utf-8")):
                if "body" in vector:
                    yield vector["body"].encode()
                elif "params" in vector:
                    yield json.dumps(vector["params"], ensure_ascii=False).encode()


def filters():
    for path in sorted((VECTORS / "filter").glob("*.json")):
        for vector in raw_members(path.read_text("utf-8")):
            def part(name):
                return vector[name + "_text"][0] if name + "_text" in vector else vector.get(name, ("", ""))[1]
            yield f"{part('filter')}\n{part('data')}".encode()


def layouts():
    for vector in json.loads((VECTORS / "layout/resolve.json").read_text("utf-8")):
        yield json.dumps(vector["document"]).encode()
    for vector in json.loads((VECTORS / "layout/payload.json").read_text("utf-8")):
        yield vector["payload"].encode()


def messages():
    """A byte for the codec and chunks of 16 bytes, then a stream, a NAL unit or a message."""
    for path in sorted((VECTORS / "sei").glob("*.json")):
        for vector in json.loads(path.read_text("utf-8")):
            data = vector.get("stream_hex") or vector.get("nal_hex") or vector["content_hex"]
            yield bytes([15 << 1 | (vector["codec"] == "h265")]) + bytes.fromhex(data)


TARGETS = {
    "scheme": scheme,
    "dialect": dialects,
    "config": config,
    "url": lambda: member("url", "url"),
    "filter": filters,
    "layout": layouts,
    "sei": messages,
    # The kept ones are whole streams.
    "flv": lambda: (),
    "player": messages,
    # Here too: RTMP 1.0 §5 and §7, put together by hand.
    "rtmp_amf0": lambda: (),
    "rtmp_chunks": lambda: (),
    "rtmp_handshake": lambda: (),
    "rtmp_session": lambda: (),
}


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"
    for target, make in TARGETS.items():
        folder = root / target
        folder.mkdir(parents=True, exist_ok=True)
        kept = [path.read_bytes() for path in sorted((HERE / "seeds" / target).glob("*"))]
        seeds = {hashlib.sha1(seed).hexdigest(): seed for seed in [*make(), *kept]}
        assert seeds, target
        for name, seed in seeds.items():
            (folder / name).write_bytes(seed)
        print(f"{target}: {len(seeds)}")


if __name__ == "__main__":
    main()

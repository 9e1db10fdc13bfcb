#!/usr/bin/env python3
"""Drives a gateway with the vendors' own clients, nothing changed but the endpoint.

    python3 tests/sdk/run.py --gateway http://127.0.0.1:8787 --credentials FILE.json

prints one JSON line a check, {"operation", "check", "ok", "detail", "ms"}, and ends with 1 if one
failed. `ok` is null where a check was skipped; the detail says why. FILE.json holds the credentials of
two tenants: {"a": {"project_id", "access_key", "secret_key", "auth_token", "restful_id",
"restful_secret", "app_id"}, "b": {…}}.

The packages are those that tools/setup installs; LIVEGATE_PYTHON_PATH says where.
"""

import argparse
import importlib
import json
import os
import pathlib
import sys

# What --only takes, and the modules behind it: each vendor first, then what goes across.
MODULES = {
    "metastudio": ("metastudio", "rooms"),
    "alibaba": ("alibaba", "mpu"),
    "jocloud": ("jocloud",),
    "cross_tenant": ("cross_tenant",),
    "unsupported": ("unsupported",),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", required=True, help="e.g. http://127.0.0.1:8787")
    parser.add_argument("--credentials", required=True, help="file with two tenants' credentials")
    parser.add_argument("--only", action="append", choices=MODULES, help="these alone (may be repeated)")
    parser.add_argument("--match", default="", help="operations and checks with this text in their name")
    parser.add_argument("--certificate", help="PEM of 127.0.0.1 that the gateway trusts, for the third party")
    parser.add_argument("--key", help="PEM of its private key")
    parser.add_argument("--strict", action="store_true", help="fail if a check is skipped")
    return parser.parse_args()


def main():
    asked = arguments()
    here = pathlib.Path(__file__).resolve().parent
    packages = os.environ.get("LIVEGATE_PYTHON_PATH")
    sys.path[:0] = [str(here)] + ([packages] if packages else [])
    try:
        bench = importlib.import_module("bench")
        wanted = [name for only, names in MODULES.items() if not asked.only or only in asked.only for name in names]
        modules = [importlib.import_module(name) for name in wanted]
    except ImportError as error:
        sys.exit(f"{error}: run tools/setup, and this with eval \"$(tools/setup --env)\"")
    # What keeps the vendors' clients from the gateway, or has them ask elsewhere.
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("ALIBABA_CLOUD_", "HUAWEICLOUD_")):
            del os.environ[name]
    with open(asked.credentials, encoding="utf-8") as file:
        both = json.load(file)
    tls = (asked.certificate, asked.key) if asked.certificate and asked.key else None
    world = bench.Bench(asked.gateway, bench.Tenant(both["a"]), bench.Tenant(both["b"]), tls)
    counted = {True: 0, False: 0, None: 0}

    def tell(line):
        counted[line["ok"]] += 1
        print(json.dumps(line, ensure_ascii=False), flush=True)

    for module in modules:
        found = bench.Checks()
        found.all = [one for one in module.checks.all if asked.match in f"{one[0]} {one[1]}"]
        found.run(world, tell)
    print(f"{counted[True]} held, {counted[False]} failed, {counted[None]} skipped", file=sys.stderr)
    none_ran = not any(counted.values())
    sys.exit(1 if none_ran or counted[False] or (asked.strict and counted[None]) else 0)


if __name__ == "__main__":
    main()

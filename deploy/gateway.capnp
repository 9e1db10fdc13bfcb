# What every configuration of the gateway on standalone workerd has in common. It is no
# configuration by itself: workerd.capnp (production) and workerd-development.capnp import it, and
# each of them holds the single Config that workerd looks for in a file.
#
# Names, compatibility date and flags are those of wrangler.toml; keep the two alike.

using Workerd = import "/workerd/workerd.capnp";

# The address is given on the command line; this one is what workerd takes without it.
const http :Workerd.Socket = (
  name = "http",
  address = "127.0.0.1:8787",
  http = (),
  service = "gateway",
);

# What a callback leaves behind is garbage at once. Of a young generation of V8's own size a good
# 80 MB stay resident that make nothing faster.
const v8Flags :List(Text) = ["--max-semi-space-size=4"];

const objects :Workerd.Service = (
  name = "objects",
  disk = (path = "/var/lib/livegate/objects", writable = true),
);

const gateway :Workerd.Service = (name = "gateway", worker = .worker);

const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "../build/worker.js"),
    (name = "index.js", esModule = embed "../build/index.js"),
    (name = "./index_bg.wasm", wasm = embed "../build/index_bg.wasm"),
  ],
  compatibilityDate = "2026-04-01",

  bindings = [
    (name = "TENANT", durableObjectNamespace = "Tenant"),
    (name = "CHANNEL", durableObjectNamespace = "Channel"),
    (name = "ENDPOINT", durableObjectNamespace = "Endpoint"),
    (name = "RECORDS", durableObjectNamespace = "Records"),
    (name = "DIRECTORY", durableObjectNamespace = "Directory"),
    (name = "NONCES", durableObjectNamespace = "Nonces"),
    (name = "FLEET", durableObjectNamespace = "Fleet"),

    # wrangler.toml says what each of these is.
    (name = "ADMIN_TOKEN", fromEnvironment = "ADMIN_TOKEN"),
    (name = "SEAL_KEY", fromEnvironment = "SEAL_KEY"),
    (name = "PUBLIC_URL", fromEnvironment = "PUBLIC_URL"),
    (name = "EGRESS", fromEnvironment = "EGRESS"),
    (name = "JOCLOUD_PREFIX", fromEnvironment = "JOCLOUD_PREFIX"),
  ],

  # A unique key names the folder of a class's objects below the disk service, and takes part in
  # the ids: changing one abandons what is stored under it.
  durableObjectNamespaces = [
    (className = "Tenant", uniqueKey = "livegate-tenant", enableSql = true),
    (className = "Channel", uniqueKey = "livegate-channel", enableSql = true),
    (className = "Endpoint", uniqueKey = "livegate-endpoint", enableSql = true),
    (className = "Records", uniqueKey = "livegate-records", enableSql = true),
    (className = "Directory", uniqueKey = "livegate-directory", enableSql = true),
    (className = "Nonces", uniqueKey = "livegate-nonces", enableSql = true),
    (className = "Fleet", uniqueKey = "livegate-fleet", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "objects"),
);

# Addresses that are nobody's on the internet, from IANA's registries of special-purpose IPv4 and IPv6
# addresses (RFC 6890) and RFC 6598. workerd's "public" leaves some of them out: those that carry an
# IPv4 address inside (64:ff9b::/96, 2002::/16, ::/96) would reach this machine through a gateway.
# The more specific of two rules decides, and the one that denies where they are alike: the loopback is
# not in this list, so that a configuration may allow it; "public" does not.
const reserved :List(Text) = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

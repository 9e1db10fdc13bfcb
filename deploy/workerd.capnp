# The gateway on standalone workerd, for production: the same built Worker that Cloudflare runs, with
# its Durable Objects in SQLite files on this machine's disk.
#
#   ADMIN_TOKEN=… SEAL_KEY=… PUBLIC_URL=https://gate.example EGRESS=public \
#   workerd serve --socket-addr=http=127.0.0.1:8787 \
#     --directory-path=objects=/var/lib/livegate/objects deploy/workerd.capnp
#
# Put a reverse proxy that ends TLS in front of it.

using Workerd = import "/workerd/workerd.capnp";
using Gateway = import "gateway.capnp";

const config :Workerd.Config = (
  services = [
    Gateway.gateway,
    Gateway.objects,

    # Callbacks go to public addresses only. workerd applies this to each address that a host name
    # resolves to, so a name that points inside is refused too.
    (name = "internet", network = (
      allow = ["public"],
      deny = Gateway.reserved,
      tlsOptions = (trustBrowserCas = true),
    )),
  ],
  sockets = [ Gateway.http ],
  v8Flags = Gateway.v8Flags,
);

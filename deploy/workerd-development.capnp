# The gateway on standalone workerd, for development: as workerd.capnp, but callbacks may also go to
# this machine's loopback. `tools/run` serves this one.

using Workerd = import "/workerd/workerd.capnp";
using Gateway = import "gateway.capnp";

const config :Workerd.Config = (
  services = [
    Gateway.gateway,
    Gateway.objects,
    (name = "internet", network = (
      # Nothing that is private but the loopback: no "local", which would hold Unix sockets too.
      allow = ["public", "127.0.0.0/8", "::1/128"],
      deny = Gateway.reserved,
      tlsOptions = (trustBrowserCas = true),
    )),
  ],
  sockets = [ Gateway.http ],
  v8Flags = Gateway.v8Flags,
);

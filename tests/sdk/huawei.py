"""Huawei's own client for MetaStudio, with nothing changed but the endpoint."""

import json
import re

import huaweicloudsdkmetastudio.v1 as sdk
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler

from bench import Answer


class Huawei:
    """A client of one tenant. `token` makes it send an X-Auth-Token; the client signs in any case, so
    its access key is one that nobody has then."""

    def __init__(self, bench, tenant, *, project=None, token=None, access_key=None, secret_key=None):
        self.bench, self.token = bench, token
        access_key = access_key or ("NOBODY" if token else tenant.access_key)
        secret_key = secret_key or ("nothing" if token else tenant.secret_key)
        config = HttpConfig.get_default_config()
        config.timeout = (5, 30)
        self.raw = None
        self.client = (
            sdk.MetaStudioClient.new_builder()
            .with_credentials(BasicCredentials(access_key, secret_key, project or tenant.project_id))
            .with_endpoint(bench.gateway)
            .with_http_config(config)
            .with_http_handler(HttpHandler().add_response_handler(self.keep))
            .build())

    def keep(self, response, **_):
        self.raw = response

    def call(self, operation, body=None, headers=None, **parameters):
        """Calls an operation by its name; parameters and body by those of the vendor's API."""
        kind = getattr(sdk, operation + "Request")
        if body is not None:
            parameters["body"] = model(kind.openapi_types["body"], body)
        return self.send(operation, kind(**parameters), headers)

    def send(self, operation, request, headers=None):
        """Calls an operation with a request that is made already."""
        self.raw = None
        invoker = getattr(self.client, snake(operation) + "_invoker")(request)
        for name, value in (headers or {}).items():
            invoker.add_header(name, value)
        if self.token is not None:
            invoker.add_header("X-Auth-Token", self.token)
        try:
            made = invoker.invoke()
        except ServiceResponseException as error:
            answer = Answer(error.status_code, code=error.error_code, message=error.error_msg or "",
                            request_id=error.request_id)
        else:
            body = json.loads(self.raw.text) if self.raw.text else {}
            answer = Answer(made.status_code, body, model=made, request_id=getattr(made, "x_request_id", None))
        self.bench.seen(self.raw.text + str(dict(self.raw.headers)))
        assert self.raw.headers.get("X-Request-Id"), f"{operation}: no X-Request-Id"
        return answer

    def ok(self, operation, body=None, **parameters):
        """A call that has to succeed."""
        answer = self.call(operation, body, **parameters)
        assert 200 <= answer.status < 300, f"{operation}: {answer}"
        return answer


def refused(answer, status, code, naming=None):
    """An error of the vendor's, whose message has the parameter's name in it."""
    assert (answer.status, answer.code) == (status, code), f"it is {answer}, not {status} {code}"
    assert naming is None or naming in answer.message, f"it does not name {naming}: {answer.message}"
    assert answer.message, "it says nothing"
    return answer.message


def invalid(answer, naming):
    return refused(answer, 400, "MSS.00000003", naming)


def snake(operation):
    """The client's method of an operation, found by its name, since the rules for abbreviations vary."""
    flat = operation.lower()
    for name in dir(sdk.MetaStudioClient):
        if name.endswith("_invoker") and name.removesuffix("_invoker").replace("_", "") == flat:
            return name.removesuffix("_invoker")
    raise LookupError(operation)


def operations():
    """Every operation that the client has."""
    names = (name.removesuffix("_invoker") for name in dir(sdk.MetaStudioClient) if name.endswith("_invoker"))
    kinds = {name.removesuffix("Request").lower(): name.removesuffix("Request")
             for name in dir(sdk) if name.endswith("Request")}
    return sorted(kinds[name.replace("_", "")] for name in names)


def model(kind, value):
    """A value as the client's own models; what these cannot hold stays as it is."""
    listed = re.fullmatch(r"list\[(.*)\]", kind)
    if listed and isinstance(value, list):
        return [model(listed[1], item) for item in value]
    known = getattr(sdk, kind, None)
    if known is None or not isinstance(value, dict):
        return value
    names = {wire: own for own, wire in known.attribute_map.items()}
    if not value.keys() <= names.keys():
        return value
    return known(**{names[name]: model(known.openapi_types[names[name]], item) for name, item in value.items()})


def dummy(kind, depth=0):
    """Something of a type: what the API would take, as far as its types tell."""
    listed = re.fullmatch(r"list\[(.*)\]", kind)
    plain = {"str": "a" * 32, "int": 1, "float": 1.0, "bool": True, "object": {}}
    if listed:
        return [dummy(listed[1], depth)] if depth < 3 else []
    if kind in plain:
        return plain[kind]
    known = getattr(sdk, kind, None)
    if known is None or not known.openapi_types:
        return "a" * 32
    if depth >= 3:
        return {}
    return known(**{name: dummy(of, depth + 1) for name, of in known.openapi_types.items()})


def dummy_request(operation):
    kind = getattr(sdk, operation + "Request")
    return kind(**{name: dummy(of) for name, of in kind.openapi_types.items()})

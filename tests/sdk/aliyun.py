"""Alibaba's own clients for ApsaraVideo Live: the new one (ACS3-HMAC-SHA256) and the older one
(HMAC-SHA1), with nothing changed but the endpoint."""

import importlib
import inspect
import json
import re

from alibabacloud_live20161101 import models
from alibabacloud_live20161101.client import Client
from alibabacloud_tea_openapi import models as settings
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from darabonba.runtime import RuntimeOptions

from bench import Answer


class New:
    """alibabacloud_live20161101."""

    name = "ACS3"

    def __init__(self, bench, tenant, *, access_key=None, secret_key=None):
        self.bench = bench
        self.client = Client(settings.Config(
            access_key_id=access_key or tenant.access_key, access_key_secret=secret_key or tenant.secret_key,
            endpoint=bench.host, protocol=bench.gateway.split("://", 1)[0].upper(), region_id="cn-shanghai",
            connect_timeout=5000, read_timeout=30000))

    def call(self, operation, **parameters):
        """Calls an operation with parameters by their names on the wire."""
        return self.send(operation, request_of(operation, parameters))

    def send(self, operation, request):
        method = getattr(self.client, methods()[operation] + "_with_options")
        try:
            made = method(request, RuntimeOptions(autoretry=False))
        except AlibabaCloudException as error:
            answer = Answer(error.status_code, error.data, error.code, error.message, error.request_id)
        else:
            body = made.body.to_map() if hasattr(made.body, "to_map") else made.body
            answer = Answer(made.status_code, body, model=made.body, request_id=(body or {}).get("RequestId"))
        return settled(self.bench, operation, answer)

    def ok(self, operation, **parameters):
        return fine(operation, self.call(operation, **parameters))


class Old:
    """aliyun-python-sdk-live."""

    name = "HMAC-SHA1"

    def __init__(self, bench, tenant, *, access_key=None, secret_key=None):
        self.bench = bench
        self.client = AcsClient(access_key or tenant.access_key, secret_key or tenant.secret_key, "cn-shanghai",
                                auto_retry=False, timeout=30)

    def call(self, operation, **parameters):
        module = importlib.import_module(f"aliyunsdklive.request.v20161101.{operation}Request")
        request = getattr(module, operation + "Request")()
        request.set_endpoint(self.bench.host)
        request.set_protocol_type(self.bench.gateway.split("://", 1)[0])
        for name, value in parameters.items():
            # Lists of texts are set by a name with an s more.
            setter = getattr(request, f"set_{name}s", None) if isinstance(value, list) else None
            (setter or getattr(request, f"set_{name}"))(value)
        try:
            body = json.loads(self.client.do_action_with_exception(request))
            answer = Answer(200, body, request_id=body.get("RequestId"))
        except ServerException as error:
            answer = Answer(error.http_status, {}, error.error_code, error.message or "", error.request_id)
        return settled(self.bench, operation, answer)

    def ok(self, operation, **parameters):
        return fine(operation, self.call(operation, **parameters))


def settled(bench, operation, answer):
    bench.seen(json.dumps(answer.body) + answer.message)
    assert answer.request_id, f"{operation}: no RequestId: {answer}"
    return answer


def fine(operation, answer):
    assert answer.status == 200, f"{operation}: {answer}"
    return answer


# A parameter that is wrong, or whose application is not there. Which of the two, and with which
# status, the vendor's pages do not say for each; these are the common ones.
INVALID = {(400, "InvalidParam"), (400, "InvalidAppId"), (404, "MissingParam"), (400, "MissingParam")}


def invalid(answer, naming=None):
    """An error about a parameter, whose name is in the message."""
    assert (answer.status, answer.code) in INVALID, f"it is {answer}, not an invalid parameter"
    assert naming is None or naming in answer.message, f"it does not name {naming}: {answer.message}"
    return f"{answer.code}: {answer.message}"


def refused(answer, status, code):
    assert (answer.status, answer.code) == (status, code), f"it is {answer}, not {status} {code}"
    return answer.message


def methods():
    """Every operation, and the client's method for it."""
    found = {}
    for name, function in inspect.getmembers(Client, inspect.isfunction):
        if name.endswith("_with_options"):
            request = list(inspect.signature(function).parameters.values())[1]
            operation = str(request.annotation).strip("'").rsplit(".", 1)[-1].removesuffix("Request")
            found[operation] = name.removesuffix("_with_options")
    return found


def kind_of(operation):
    return getattr(models, operation + "Request")


def request_of(operation, parameters):
    """A request with these parameters, as its constructor would make it: from_map gives lists that
    nobody named, and the client would send them."""
    return named(kind_of(operation)().from_map(parameters), parameters)


def named(model, given):
    names = {name.lower(): value for name, value in given.items()}
    for attribute, value in list(vars(model).items()):
        sent = names.get(attribute.replace("_", ""))
        if value == [] and sent is None:
            setattr(model, attribute, None)
        elif hasattr(value, "to_map") and isinstance(sent, dict):
            named(value, sent)
        elif isinstance(value, list):
            for one, of in zip(value, sent):
                if hasattr(one, "to_map"):
                    named(one, of)
    return model


def dummy(annotation):
    """Something of a type: what the API would take, as far as its types tell."""
    listed = re.fullmatch(r"List\[(.*)\]", annotation)
    if listed:
        return [dummy(listed[1])]
    if "models." in annotation:
        return dummy_of(getattr(models, annotation.rsplit(".", 1)[-1]))
    return {"int": 1, "float": 1.0, "bool": True, "dict": {}}.get(annotation, "a")


def dummy_of(kind):
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return kind(**{one.name: dummy(str(one.annotation)) for one in parameters})


def dummy_request(operation):
    return dummy_of(kind_of(operation))

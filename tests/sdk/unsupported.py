"""Every operation of the vendors' clients that the gateway does not have: a valid signature and
whatever its types ask for, and the answer is the vendor's for what does not exist."""

import aliyun
import huawei
import supported
from bench import Checks

checks = Checks()


def metastudio(operation):
    def check(bench):
        client = bench.once("huawei", lambda: huawei.Huawei(bench, bench.a))
        answer = client.send(operation, huawei.dummy_request(operation))
        return huawei.refused(answer, 404, "MSS.00010003")
    return check


def alibaba(operation):
    def check(bench):
        client = bench.once("aliyun", lambda: aliyun.New(bench, bench.a))
        answer = client.send(operation, aliyun.dummy_request(operation))
        return aliyun.refused(answer, 404, "InvalidAction.NotFound")
    return check


def all_known(operations, has, least):
    """The lists that this rests on: the client has what the gateway has, and much more."""
    def check(_):
        unknown = has - set(operations)
        assert not unknown, f"the client has no {sorted(unknown)}"
        assert len(operations) >= least, f"the client has {len(operations)} operations only"
        return f"{len(operations)} operations, {len(has)} of them supported"
    return check


METASTUDIO, ALIBABA = huawei.operations(), sorted(aliyun.methods())
# How many the pinned clients have.
checks.add("metastudio", "every supported operation is one of the client's",
           all_known(METASTUDIO, supported.METASTUDIO, 290))
checks.add("alibaba", "every supported operation is one of the client's",
           all_known(ALIBABA, supported.ALIBABA, 430))
for name in METASTUDIO:
    if name not in supported.METASTUDIO:
        checks.add(name, "metastudio: is not supported, and says so", metastudio(name))
for name in ALIBABA:
    if name not in supported.ALIBABA:
        checks.add(name, "alibaba: is not supported, and says so", alibaba(name))

"""Calls what it is told on standard input, one JSON object a line, with boto3 as it is.

{"service": "opensearch", "operation": "CreatePackage", "input": {...}} is answered by a line
{"output": {...}} or {"error": {"code": ..., "message": ..., "status": ...}}.
"""
import json
import sys

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

clients = {name: boto3.client(name) for name in ("opensearch", "es")}


def plain(value):
    """Times are numbers for whoever reads the lines."""
    return value.timestamp()


for line in sys.stdin:
    call = json.loads(line)
    method = getattr(clients[call["service"]], xform_name(call["operation"]))
    try:
        output = method(**call["input"])
        output.pop("ResponseMetadata")
        answer = {"output": output}
    except ClientError as e:
        r = e.response
        answer = {"error": {"code": r["Error"]["Code"], "message": r["Error"]["Message"],
                            "status": r["ResponseMetadata"]["HTTPStatusCode"]}}
    print(json.dumps(answer, default=plain), flush=True)

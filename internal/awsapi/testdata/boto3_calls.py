"""Calls every served operation with boto3 and prints what came back, one JSON object per line.

usage: boto3_calls.py URL    (region and credentials come from the environment)
"""

import datetime
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def client(**credentials):
    return boto3.client("opensearch", endpoint_url=sys.argv[1], config=Config(retries={"max_attempts": 1}), **credentials)


def show(name, call, **kwargs):
    try:
        out = call(**kwargs)
        meta = out.pop("ResponseMetadata")
        line = {"status": meta["HTTPStatusCode"], "request_id": bool(meta["RequestId"]), "out": out}
    except ClientError as e:
        line = {"status": e.response["ResponseMetadata"]["HTTPStatusCode"], "code": e.response["Error"]["Code"],
                "message": e.response["Error"]["Message"]}
    print(json.dumps({"name": name, **line}, default=datetime.datetime.isoformat))


c = client()
source = {"S3BucketName": "bucket", "S3Key": "k/é b"}
pair = {"PackageID": "F135140295", "DomainName": "my-dom"}
show("CreatePackage", c.create_package, PackageName="my-synonyms", PackageType="TXT-DICTIONARY", PackageSource=source,
     PackageDescription="café  b")
show("DescribePackages", c.describe_packages, Filters=[{"Name": "PackageID", "Value": ["F135140295"]}], MaxResults=0)
show("UpdatePackage", c.update_package, PackageID="F135140295", PackageSource=source, CommitMessage="m")
show("AssociatePackage", c.associate_package, **pair)
show("ListPackagesForDomain", c.list_packages_for_domain, DomainName="my-dom", MaxResults=2)
show("ListDomainsForPackage", c.list_domains_for_package, PackageID="F135140295")
show("DissociatePackage", c.dissociate_package, **pair)
show("DeletePackage", c.delete_package, PackageID="F135140295")
show("CreateDomain", c.create_domain, DomainName="my-dom", ClusterConfig={"InstanceCount": 2})
show("DescribeDomain", c.describe_domain, DomainName="my-dom")
show("DescribeDomains", c.describe_domains, DomainNames=["my-dom"])
show("ListDomainNames", c.list_domain_names)
show("DeleteDomain", c.delete_domain, DomainName="my-dom")
# What goes wrong must come back as an error with a code, never as a failure to read the answer.
show("slash in an id", c.delete_package, PackageID="a/b c")
show("foreign token", c.list_packages_for_domain, DomainName="my-dom", NextToken="a b+/=")
show("tags", c.list_tags, ARN="arn:aws:es:us-east-1:000000000000:domain/my-dom")
show("empty id", c.associate_package, PackageID="", DomainName="my-dom")
show("wrong secret", client(aws_access_key_id="test", aws_secret_access_key="no").list_domain_names)
show("unknown key", client(aws_access_key_id="nobody", aws_secret_access_key="no").list_domain_names)
show("legacy API", boto3.client("es", endpoint_url=sys.argv[1]).list_domain_names)

"""Calls every served operation with boto3 and prints what came back, one JSON object per line.

usage: boto3_calls.py URL    (region and credentials come from the environment)
"""

import datetime
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def client(service="opensearch", **credentials):
    return boto3.client(service, endpoint_url=sys.argv[1], config=Config(retries={"max_attempts": 1}), **credentials)


def show(name, call, **kwargs):
    try:
        out = call(**kwargs)
        meta = out.pop("ResponseMetadata")
        line = {"status": meta["HTTPStatusCode"], "request_id": bool(meta["RequestId"]), "out": out}
    except ClientError as e:
        line = {"status": e.response["ResponseMetadata"]["HTTPStatusCode"], "code": e.response["Error"]["Code"],
                "message": e.response["Error"]["Message"]}
    print(json.dumps({"name": name, **line}, default=datetime.datetime.isoformat))


source = {"S3BucketName": "bucket", "S3Key": "k/é b"}
pair = {"PackageID": "F135140295", "DomainName": "my-dom"}
domain = {"DomainName": "my-dom"}
arn = "arn:aws:es:us-east-1:000000000000:domain/my-dom"


def packages(version, c):
    """The operations that both versions have under one name."""
    show(version + "CreatePackage", c.create_package, PackageName="my-synonyms", PackageType="TXT-DICTIONARY",
         PackageSource=source, PackageDescription="café  b")
    show(version + "DescribePackages", c.describe_packages, Filters=[{"Name": "PackageID", "Value": ["F135140295"]}], MaxResults=0)
    show(version + "UpdatePackage", c.update_package, PackageID="F135140295", PackageSource=source, CommitMessage="m")
    show(version + "GetPackageVersionHistory", c.get_package_version_history, PackageID="F135140295")
    show(version + "AssociatePackage", c.associate_package, **pair)
    show(version + "ListPackagesForDomain", c.list_packages_for_domain, DomainName="my-dom", MaxResults=2)
    show(version + "ListDomainsForPackage", c.list_domains_for_package, PackageID="F135140295")
    show(version + "DissociatePackage", c.dissociate_package, **pair)
    show(version + "DeletePackage", c.delete_package, PackageID="F135140295")
    show(version + "ListDomainNames", c.list_domain_names)
    show(version + "DescribeDomainChangeProgress", c.describe_domain_change_progress, **domain)
    show(version + "GetUpgradeStatus", c.get_upgrade_status, **domain)
    show(version + "GetUpgradeHistory", c.get_upgrade_history, **domain, MaxResults=1)
    show(version + "AddTags", c.add_tags, ARN=arn, TagList=[{"Key": "a b", "Value": ""}])
    show(version + "ListTags", c.list_tags, ARN=arn)
    show(version + "RemoveTags", c.remove_tags, ARN=arn, TagKeys=["a b"])


c, es = client(), client("es")
packages("", c)
packages("es ", es)
show("UpdatePackageScope", c.update_package_scope, PackageID="F135140295", Operation="ADD", PackageUserList=["GLOBAL"])
show("AssociatePackages", c.associate_packages, DomainName="my-dom", PackageList=[{"PackageID": "F135140295", "PrerequisitePackageIDList": ["F2"]}])
show("DissociatePackages", c.dissociate_packages, DomainName="my-dom", PackageList=["F135140295"])
show("CreateDomain", c.create_domain, **domain, ClusterConfig={"InstanceCount": 2}, TagList=[{"Key": "a", "Value": "b"}])
show("DescribeDomain", c.describe_domain, **domain)
show("DescribeDomains", c.describe_domains, DomainNames=["my-dom"])
show("DescribeDomainConfig", c.describe_domain_config, **domain)
show("UpdateDomainConfig", c.update_domain_config, **domain, ClusterConfig={"InstanceCount": 3}, DryRun=True)
show("DeleteDomain", c.delete_domain, **domain)
show("ListVersions", c.list_versions, MaxResults=1)
show("GetCompatibleVersions", c.get_compatible_versions, **domain)
show("UpgradeDomain", c.upgrade_domain, **domain, TargetVersion="OpenSearch_3.8")
show("es CreateElasticsearchDomain", es.create_elasticsearch_domain, **domain, ElasticsearchVersion="7.10",
     ElasticsearchClusterConfig={"InstanceCount": 2, "InstanceType": "m5.large.elasticsearch"})
show("es DescribeElasticsearchDomain", es.describe_elasticsearch_domain, **domain)
show("es DescribeElasticsearchDomains", es.describe_elasticsearch_domains, DomainNames=["my-dom"])
show("es DescribeElasticsearchDomainConfig", es.describe_elasticsearch_domain_config, **domain)
show("es UpdateElasticsearchDomainConfig", es.update_elasticsearch_domain_config, **domain, ElasticsearchClusterConfig={"InstanceCount": 3})
show("es DeleteElasticsearchDomain", es.delete_elasticsearch_domain, **domain)
show("es ListElasticsearchVersions", es.list_elasticsearch_versions)
show("es GetCompatibleElasticsearchVersions", es.get_compatible_elasticsearch_versions, **domain)
show("es UpgradeElasticsearchDomain", es.upgrade_elasticsearch_domain, **domain, TargetVersion="OpenSearch_3.8")
# What goes wrong must come back as an error with a code, never as a failure to read the answer.
show("slash in an id", c.delete_package, PackageID="a/b c")
show("foreign token", c.list_packages_for_domain, DomainName="my-dom", NextToken="a b+/=")
show("not offered", c.describe_domain_health, **domain)
show("not offered in 2015", es.list_vpc_endpoints)
show("empty id", c.associate_package, PackageID="", DomainName="my-dom")
show("wrong secret", client(aws_access_key_id="test", aws_secret_access_key="no").list_domain_names)
show("unknown key", client(aws_access_key_id="nobody", aws_secret_access_key="no").list_domain_names)

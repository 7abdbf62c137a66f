"""The whole life of a package with boto3 as it is. Argument: stack.json of a files-only stack."""
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

stack = json.load(open(sys.argv[1]))
nodes = stack["domains"][0]["nodes"]
es, s3, sts = boto3.client("opensearch"), boto3.client("s3"), boto3.client("sts")


def eventually(what, f):
    end = time.time() + 60
    while True:
        got = f()
        if got:
            return got
        if time.time() > end:
            sys.exit("never: " + what)
        time.sleep(0.05)


def refused(code, f, **kwargs):
    try:
        f(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        assert e.response["Error"]["Message"], e.response
        return e.response["Error"]["Message"]
    sys.exit(f"{f.__name__} was not refused with {code}")


def describe(package):
    found = es.describe_packages(Filters=[{"Name": "PackageID", "Value": [package]}])["PackageDetailsList"]
    assert len(found) == 1, found
    return found[0]


def imported(package, version=None):
    def done():
        d = describe(package)
        if d["PackageStatus"].endswith("_FAILED"):
            return d
        return d["PackageStatus"] == "AVAILABLE" and d["AvailablePackageVersion"] != version and d
    return eventually("import of " + package, done)


def association(package):
    rows = es.list_packages_for_domain(DomainName="demo")["DomainPackageDetailsList"]
    rows = [r for r in rows if r["PackageID"] == package]
    return rows[0] if rows else None


def settled(package):
    def done():
        a = association(package)
        return ("gone",) if a is None else a["DomainPackageStatus"] not in ("ASSOCIATING", "DISSOCIATING") and (a,)
    got = eventually("association of " + package, done)[0]
    return None if got == "gone" else got


def on_disk(package):
    digests = set()
    for n in nodes:
        path = os.path.join(n["config"], "analyzers", package)
        digests.add(hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.exists(path) else None)
    return digests


def sha(text):
    return {hashlib.sha256(text.encode()).hexdigest()}


# STS
who = sts.get_caller_identity()
assert who["Account"] == stack["account"] and who["Arn"].startswith("arn:aws:iam::"), who
refused("InvalidClientTokenId", boto3.client("sts", aws_access_key_id="nobody", aws_secret_access_key="x").get_caller_identity)

# S3: a large body, a presigned URL of either style
s3.create_bucket(Bucket="dictionaries")
big = os.urandom(12 << 20)
s3.put_object(Bucket="dictionaries", Key="big file/ü+1.bin", Body=big)
assert s3.get_object(Bucket="dictionaries", Key="big file/ü+1.bin")["Body"].read() == big
for version in ("s3v4", "s3"):
    signer = boto3.client("s3", config=boto3.session.Config(signature_version=version))
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "dictionaries", "Key": "big file/ü+1.bin"})
    try:
        assert urllib.request.urlopen(url).read() == big, version
    except urllib.error.HTTPError as e:
        # Version 2 is routed to S3, whose answer it is: this S3 speaks version 4 only.
        assert version == "s3" and e.headers["Content-Type"] == "application/xml", (version, e, e.read())
refused("NoSuchKey", s3.get_object, Bucket="dictionaries", Key="none")

# Domain
d = es.describe_domain(DomainName="demo")["DomainStatus"]
assert d["Created"] and not d["Processing"] and d["Endpoint"] == "demo.es.files-only.invalid", d
assert "demo" in [n["DomainName"] for n in es.list_domain_names()["DomainNames"]]

# Create, describe
v1, v2 = "laptop, notebook\n", "laptop, notebook\ncouch, sofa\n"
s3.put_object(Bucket="dictionaries", Key="synonyms.txt", Body=v1.encode())
source = {"S3BucketName": "dictionaries", "S3Key": "synonyms.txt"}
made = es.create_package(PackageName="synonyms", PackageType="TXT-DICTIONARY", PackageSource=source)["PackageDetails"]
package = made["PackageID"]
assert made["PackageStatus"] == "COPYING", made
assert imported(package)["AvailablePackageVersion"] == "v1"
refused("ResourceAlreadyExistsException", es.create_package, PackageName="synonyms", PackageType="TXT-DICTIONARY", PackageSource=source)

# Associate, list
a = es.associate_package(PackageID=package, DomainName="demo")["DomainPackageDetails"]
assert a["DomainPackageStatus"] == "ASSOCIATING", a
assert association(package)["DomainPackageStatus"] in ("ASSOCIATING", "ACTIVE")
a = settled(package)
assert a["DomainPackageStatus"] == "ACTIVE" and a["PackageVersion"] == "v1" and a["ReferencePath"] == "analyzers/" + package, a
assert on_disk(package) == sha(v1), on_disk(package)
assert [x["DomainName"] for x in es.list_domains_for_package(PackageID=package)["DomainPackageDetailsList"]] == ["demo"]
refused("ConflictException", es.associate_package, PackageID=package, DomainName="demo")
refused("ConflictException", es.delete_package, PackageID=package)

# Update: a good one, then one that fails
s3.put_object(Bucket="dictionaries", Key="synonyms.txt", Body=v2.encode())
es.update_package(PackageID=package, PackageSource=source, CommitMessage="couches")
assert imported(package, "v1")["AvailablePackageVersion"] == "v2"
assert association(package)["PackageVersion"] == "v1"
es.associate_package(PackageID=package, DomainName="demo")
a = settled(package)
assert a["DomainPackageStatus"] == "ACTIVE" and a["PackageVersion"] == "v2", a
assert on_disk(package) == sha(v2)
s3.put_object(Bucket="dictionaries", Key="synonyms.txt", Body=b"laptop, notebook\na => b => c\n")
es.update_package(PackageID=package, PackageSource=source)
bad = imported(package, "v2")
assert bad["PackageStatus"] == "VALIDATION_FAILED" and "ine 2" in bad["ErrorDetails"]["ErrorMessage"], bad
assert bad["AvailablePackageVersion"] == "v2" and on_disk(package) == sha(v2)

# A source that is not there
gone = es.create_package(PackageName="missing", PackageType="TXT-DICTIONARY",
                         PackageSource={"S3BucketName": "dictionaries", "S3Key": "none"})["PackageDetails"]["PackageID"]
assert imported(gone)["PackageStatus"] == "COPY_FAILED"
es.delete_package(PackageID=gone)

# A second domain comes and goes with its files
es.create_domain(DomainName="second", ClusterConfig={"InstanceCount": 2})
eventually("domain second", lambda: not es.describe_domain(DomainName="second")["DomainStatus"]["Processing"])
es.associate_package(PackageID=package, DomainName="second")
eventually("ACTIVE on second", lambda: {x["DomainName"]: x["DomainPackageStatus"] for x in es.list_domains_for_package(
    PackageID=package)["DomainPackageDetailsList"]}.get("second") == "ACTIVE")
assert os.path.exists(os.path.join(os.path.dirname(sys.argv[1]), "domains", "second", "n2", "config", "analyzers", package))
assert "max-nodes" in refused("LimitExceededException", es.create_domain, DomainName="third", ClusterConfig={"InstanceCount": 6})
es.delete_domain(DomainName="second")
eventually("files of second gone", lambda: not os.path.exists(os.path.join(os.path.dirname(sys.argv[1]), "domains", "second")))
refused("ResourceNotFoundException", es.describe_domain, DomainName="second")

# Dissociate, delete
a = es.dissociate_package(PackageID=package, DomainName="demo")["DomainPackageDetails"]
assert a["DomainPackageStatus"] == "DISSOCIATING", a
assert settled(package) is None
assert on_disk(package) == {None}, on_disk(package)
es.delete_package(PackageID=package)
assert es.describe_packages(Filters=[{"Name": "PackageID", "Value": [package]}])["PackageDetailsList"] == []
refused("ResourceNotFoundException", es.delete_package, PackageID=package)
print("create, describe, update, associate, list, dissociate, delete: as AWS")

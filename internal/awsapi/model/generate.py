"""Makes api.json, the table of the AWS API, from botocore's service models.

    python3 generate.py >api.json          (with the botocore that is installed)

Kept: every operation's method, URI and declared errors; the input and output shapes of the
operations that Searchpack serves, for each version of the API, with their constraints. Added,
because the model says less than a server needs (SERVED, REQUIRED, BOUNDS, REFUSED below). Left out:
documentation, instance type lists (AWS accepts types that are not in the model), and patterns that
constrain nothing.
"""

import gzip
import json
import pathlib
import sys

import botocore

MODELS = [("opensearch", "2021-01-01"), ("es", "2015-01-01")]

# Operations whose shapes are kept: those served, of each version of the API.
PACKAGES = """CreatePackage DescribePackages UpdatePackage DeletePackage GetPackageVersionHistory
ListDomainsForPackage ListPackagesForDomain AssociatePackage DissociatePackage""".split()
DOMAINS = """ListDomainNames DescribeDomainChangeProgress GetUpgradeStatus GetUpgradeHistory
AddTags ListTags RemoveTags""".split()
SERVED = {
    "2021-01-01": PACKAGES
    + DOMAINS
    + """UpdatePackageScope AssociatePackages DissociatePackages CreateDomain DescribeDomain
    DescribeDomains DescribeDomainConfig UpdateDomainConfig DeleteDomain ListVersions
    GetCompatibleVersions UpgradeDomain""".split(),
    "2015-01-01": PACKAGES
    + DOMAINS
    + """CreateElasticsearchDomain DescribeElasticsearchDomain DescribeElasticsearchDomains
    DescribeElasticsearchDomainConfig UpdateElasticsearchDomainConfig DeleteElasticsearchDomain
    ListElasticsearchVersions GetCompatibleElasticsearchVersions UpgradeElasticsearchDomain""".split(),
}

# Members without which a request means nothing, though the model does not mark them.
REQUIRED = {"PackageSource": ["S3BucketName", "S3Key"], "DescribePackagesFilter": ["Name", "Value"]}

# Bounds that the model leaves open: a negative page size or node count has no meaning.
BOUNDS = {
    ("ClusterConfig", "InstanceCount"): {"min": 1},
    ("ElasticsearchClusterConfig", "InstanceCount"): {"min": 1},
}
MAX_RESULTS = {"min": 0}

# Members that are valid but not offered: refused by name when "present", "true" or "nonempty".
REFUSED = {
    ("PackageEncryptionOptions", "EncryptionEnabled"): "true",
    ("PackageEncryptionOptions", "KmsKeyIdentifier"): "present",
    ("CreateDomainRequest", "VPCOptions"): "present",
    ("UpdateDomainConfigRequest", "VPCOptions"): "present",
    ("CreateElasticsearchDomainRequest", "VPCOptions"): "present",
    ("UpdateElasticsearchDomainConfigRequest", "VPCOptions"): "present",
    ("AdvancedSecurityOptionsInput", "MasterUserOptions"): "present",
}

# Patterns that Go's regexp has not (lookahead, \p{XDigit}): what to match, and what must not occur.
# The message to the client keeps the model's own pattern.
RE2 = {
    "DomainNameFqdn": {
        "re2": r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]",
    },
    "GUID": {"re2": r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"},
    "LicenseFilepath": {"re2": r"[a-zA-Z0-9_.-]+(?:\/[a-zA-Z0-9_.-]+)*", "without": r"\.\."},
    "JwksUrl": {
        "re2": r"|https://[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
        r"(\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.[a-zA-Z]{2,}(?::[0-9]{1,5})?"
        r"(?:/[a-zA-Z0-9\-._~%!$&'()*+,;=:'@/]*)?(?:\?[a-zA-Z0-9\-._~%!$&'()*+,;=:'/@?]+)?",
        "without": r"^https://(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))\.",
    },
}

# What CreateDomain asks for and DomainStatus returns: the options. The rest has rules of its own.
RETURNED = ("Options", "ClusterConfig", "AccessPolicies", "IPAddressType", "UseCase", "EngineMode")

LOCATIONS = {"uri": "path", "querystring": "query"}


def load(service, version):
    root = pathlib.Path(botocore.__file__).parent / "data" / service / version
    return json.loads(gzip.decompress((root / "service-2.json.gz").read_bytes()))


def operations(model, version):
    for name, op in sorted(model["operations"].items()):
        out = {
            "name": name,
            "version": version,
            "method": op["http"]["method"],
            "uri": op["http"]["requestUri"],
            "errors": sorted(e["shape"] for e in op.get("errors", [])),
        }
        if name in SERVED[version]:
            out["served"] = True
            for key in ("input", "output"):
                if key in op:
                    out[key] = op[key]["shape"]
        yield out


def member(owner, name, spec):
    out = {"shape": spec["shape"]}
    if "location" in spec:
        out["in"] = LOCATIONS[spec["location"]]
        out["as"] = spec["locationName"]
    if name == "MaxResults":
        out.update(MAX_RESULTS)
    out.update(BOUNDS.get((owner, name), {}))
    if (owner, name) in REFUSED:
        out["refuse"] = REFUSED[owner, name]
    return out


def shape(model, name):
    src = model["shapes"][name]
    out = {"type": src["type"]}
    for key in ("min", "max", "sensitive"):
        if key in src:
            out[key] = src[key]
    if src.get("pattern", ".*") != ".*":
        out["pattern"] = src["pattern"]
    out.update(RE2.get(name, {}))
    if "enum" in src and not name.endswith("InstanceType"):
        out["enum"] = src["enum"]
    required = src.get("required", []) + REQUIRED.get(name, [])
    if required:
        out["required"] = required
    if "members" in src:
        out["members"] = {m: member(name, m, s) for m, s in src["members"].items()}
    for key in ("member", "key", "value"):
        if key in src:
            out[key] = src[key]["shape"]
    return out


def reachable(model, roots):
    seen, todo = {}, list(roots)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen[name] = out = shape(model, name)
        todo += [m["shape"] for m in out.get("members", {}).values()]
        todo += [out[k] for k in ("member", "key", "value") if k in out]
    return seen


def statuses(model):
    for name, s in sorted(model["shapes"].items()):
        if s.get("exception"):
            # BaseException has no status in the model; the API reference says 400.
            yield name, s.get("error", {}).get("httpStatusCode", 400)


def main():
    models = {version: load(service, version) for service, version in MODELS}
    ops = [op for version, model in models.items() for op in operations(model, version)]
    shapes = {}
    for version, model in models.items():
        roots = [op[key] for op in ops for key in ("input", "output") if op["version"] == version and key in op]
        shapes[version] = dict(sorted(reachable(model, roots).items()))
    current = models["2021-01-01"]
    asked = current["shapes"]["CreateDomainRequest"]["members"]
    status = current["shapes"]["DomainStatus"]["members"]
    write(
        {
            "source": "botocore " + botocore.__version__ + ", data/{opensearch,es}; made by generate.py",
            "operations": ops,
            "errors": dict(statuses(current)),
            "returned": sorted(name for name in asked if name.endswith(RETURNED) and name in status and name != "VPCOptions"),
            "shapes": shapes,
        }
    )


def write(table):
    """One line per operation and shape: a difference between two versions can be read."""
    out = ["{", '"source": ' + json.dumps(table["source"]) + ",", '"operations": [']
    out.append(",\n".join(json.dumps(op) for op in table["operations"]))
    out.append("],")
    out += ['"%s": %s,' % (key, json.dumps(table[key])) for key in ("errors", "returned")]
    versions = []
    for version, shapes in table["shapes"].items():
        lines = ",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in shapes.items())
        versions.append(json.dumps(version) + ": {\n" + lines + "\n}")
    out += ['"shapes": {', ",\n".join(versions), "}"]
    sys.stdout.write("\n".join(out + ["}"]) + "\n")


if __name__ == "__main__":
    main()

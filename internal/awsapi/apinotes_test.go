package awsapi

import "strings"

// notes are what the types do not say, by operation and member. Those of an operation of 2021-01-01
// hold for its twin in 2015-01-01 too.
var notes = map[string]string{
	"CreatePackage EngineVersion":                                              "served: of plugins. A dictionary fits every version: it is ignored and never shown",
	"UpdatePackage PackageEncryptionOptions":                                   "accepted: it can only say what is so",
	"UpdatePackage PackageEncryptionOptions.EncryptionEnabled":                 "refused if true",
	"CreatePackage PackageVendingOptions.VendingEnabled":                       "served: UpdatePackageScope needs it",
	"DescribePackages Filters[].Value[]":                                       "served: each value means itself, also * and ?. Values of one filter are alternatives, all filters go together. PackageOwner is an account",
	"CreateDomain EngineVersion":                                               "served. AWS takes its newest version (2015-01-01: Elasticsearch 1.5) if none is given; Searchpack takes the first that it offers",
	"CreateDomain ClusterConfig.InstanceCount":                                 "served: how many nodes make the domain ready",
	"UpdateDomainConfig ClusterConfig.InstanceCount":                           "served by `searchpack-dev`: nodes come and go",
	"UpdateDomainConfig DryRun":                                                "served",
	"UpdateDomainConfig DryRunMode":                                            "served: with Verbose the answer has DryRunProgressStatus, which is of a run that has ended; there is no DescribeDryRunProgress",
	"CreateDomain AutoTuneOptions.DesiredState":                                "given back: DomainStatus shows it as State",
	"CreateDomain AdvancedSecurityOptions.SAMLOptions.MasterUserName":          "ignored",
	"CreateDomain AdvancedSecurityOptions.SAMLOptions.MasterBackendRole":       "ignored",
	"UpdateDomainConfig AdvancedSecurityOptions.SAMLOptions.MasterUserName":    "ignored",
	"UpdateDomainConfig AdvancedSecurityOptions.SAMLOptions.MasterBackendRole": "ignored",
	"UpdateDomainConfig AutoTuneOptions.DesiredState":                          "given back: DomainStatus shows it as State",
	"AssociatePackage AssociationConfiguration":                                "served: who gives a role needs iam:PassRole for it",
	"UpgradeDomain AdvancedOptions":                                            "given back in the answer",
	"DescribeDomainChangeProgress ChangeId":                                    "served: without it, the newest change",
}

// noteOf finds the note for a member of an operation of either version.
func noteOf(op *operation, path string) string {
	name := strings.Replace(op.Name, "Elasticsearch", "", 1)
	parts := strings.Split(path, ".")
	for i, p := range parts {
		parts[i] = modernName(p)
	}
	return notes[name+" "+strings.Join(parts, ".")]
}

// answerNotes are what differs in members that are sent, or needs a word.
var answerNotes = map[string]string{
	"PackageDetails.EngineVersion":                   "of plugins only, as AWS does in spite of its documentation",
	"PackageDetails.PackageOwner":                    "the account of 12 digits; AWS's form is not known",
	"PackageDetails.AllowListedUserList":             "to the owner only",
	"PackageDetails.ErrorDetails":                    "with a failed status only: to Terraform an empty object is a failure",
	"PackageDetails.PackageStatus":                   "DELETED in the answer to DeletePackage; afterwards the package is gone",
	"DomainPackageDetails.ReferencePath":             "of dictionaries only; of an [adopted](packages.md#files-that-are-already-there) one, where it lies",
	"DomainPackageDetails.PackageVersion":            "the version that serves; the one wanted while none has ever served",
	"DomainPackageDetails.ErrorDetails":              "with a failed status only",
	"DomainStatus.ChangeProgressDetails":             "of the newest change; AWS counts the creation as a change, Searchpack does not",
	"DomainConfig.ChangeProgressDetails":             "of the newest change; AWS counts the creation as a change, Searchpack does not",
	"DomainStatus.Endpoint":                          "host and port of the first node; left out until the domain is ready",
	"DomainStatus.ServiceSoftwareOptions":            "always that there is no update",
	"ChangeProgressDetails.ConfigChangeStatus":       "a change that failed was set back: Cancelled, or ValidationFailed if its check failed",
	"ChangeProgressStage.Name":                       "an upgrade has three stages, any other change one; AWS's names are not known",
	"DryRunResults.DeploymentType":                   "DynamicUpdate, None or Undetermined, never Blue/Green",
	"UpgradeHistory.UpgradeName":                     "Upgrade from OpenSearch_2.19 to OpenSearch_3.1; AWS's text is not known",
	"ClusterConfig.InstanceCount":                    "as asked for; where nobody asked, how many nodes there are",
	"ModifyingProperties.Name":                       "2015-01-01 in its own words",
	"CompatibleVersionsMap.TargetVersions":           "none where somebody else runs the cluster",
	"PackageVersionHistory.CreatedAt":                "when the version was asked for",
	"AIMLOptionsOutput.ServerlessVectorAcceleration": "as asked for",
}

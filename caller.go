package searchpack

// Caller is who asked, as authentication found out.
type Caller struct {
	Account   string
	Region    string // of the credential scope
	AccessKey string
	ARN       string // "arn:aws:iam::000000000000:user/admin"
	SourceIP  string
}

// Key names the caller's domain of that name.
func (c Caller) Key(domain string) DomainKey {
	return DomainKey{Account: c.Account, Region: c.Region, Name: domain}
}

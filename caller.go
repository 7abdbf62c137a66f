package searchpack

// Caller is who asked, as authentication found out.
type Caller struct {
	Account   string
	Region    string // of the credential scope
	AccessKey string
	User      string // "admin"
	ARN       string // "arn:aws:iam::000000000000:user/admin"
	SourceIP  string
	Secure    bool   // came over TLS
	RequestID string // of the call, for the audit log
	// Policies are the identity policies of the credential, JSON documents in IAM's language. They
	// alone say what the caller may do; none = nothing.
	Policies []string
	// Operator may manage the credentials of every account.
	Operator bool
}

// Authorizer decides whether a caller may do something: nil, or an *Error with ErrDenied and AWS's
// text. action is "es:CreatePackage", resource an ARN or "*". conditions are keys beside those
// that follow from the caller ("iam:PassedToService"); nil if there are none.
type Authorizer func(who Caller, action, resource string, conditions map[string]string) error

// MayRead decides whether the caller may read the source: it is read with their rights, as AWS does. The
// zero value lets everybody.
func (a Authorizer) MayRead(who Caller, s Source) error {
	if a == nil {
		return nil
	}
	for _, key := range s.keys() {
		if err := a(who, "s3:GetObject", "arn:aws:s3:::"+s.Bucket+"/"+key, nil); err != nil {
			return err
		}
	}
	return nil
}

// Key names the caller's domain of that name.
func (c Caller) Key(domain string) DomainKey {
	return DomainKey{Account: c.Account, Region: c.Region, Name: domain}
}

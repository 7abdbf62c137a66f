package iam

import (
	"strings"
	"testing"
)

// allow is a policy of one statement.
func allow(rest string) string { return policy(`"Effect":"Allow",` + rest) }
func deny(rest string) string  { return policy(`"Effect":"Deny",` + rest) }

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[{` + strings.Join(statements, "},{") + `}]}`
}

func mustParse(t interface{ Fatalf(string, ...any) }, documents ...string) []*Policy {
	out := make([]*Policy, len(documents))
	for i, d := range documents {
		p, err := Parse(d)
		if err != nil {
			t.Fatalf("%s: %v", d, err)
		}
		out[i] = p
	}
	return out
}

const (
	shop  = "arn:aws:es:us-east-1:111122223333:domain/shop"
	wiki  = "arn:aws:es:us-east-1:111122223333:domain/wiki"
	every = `"Resource":"*"`
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	kim := map[string]string{
		"aws:SourceIp": "203.0.113.7", "aws:SecureTransport": "true", "aws:username": "kim", "aws:PrincipalAccount": "111122223333",
		"aws:PrincipalArn": "arn:aws:iam::111122223333:user/kim", "aws:RequestedRegion": "us-east-1", "aws:PrincipalType": "User",
	}
	under := func(condition string) string {
		return allow(`"Action":"*",` + every + `,"Condition":{` + condition + `}`)
	}
	for name, tt := range map[string]struct {
		policies         []string
		action, resource string
		want             Decision
	}{
		"no policy":             {nil, "es:CreatePackage", "*", ImplicitDeny},
		"everything":            {[]string{AdminPolicy}, "es:CreatePackage", "*", Allowed},
		"a statement, no list":  {[]string{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}, "x:Y", "*", Allowed},
		"exact":                 {[]string{allow(`"Action":"es:DescribeDomain","Resource":"` + shop + `"`)}, "es:DescribeDomain", shop, Allowed},
		"letter case of action": {[]string{allow(`"Action":"ES:describedomain","Resource":"` + shop + `"`)}, "es:DescribeDomain", shop, Allowed},
		"ARN of other case":     {[]string{allow(`"Action":"*","Resource":"arn:aws:es:us-east-1:111122223333:domain/Shop"`)}, "es:DescribeDomain", shop, ImplicitDeny},
		"other action":          {[]string{allow(`"Action":"es:DescribeDomain",` + every)}, "es:DescribeDomains", shop, ImplicitDeny},
		"star in action":        {[]string{allow(`"Action":"es:Describe*",` + every)}, "es:DescribeDomains", "*", Allowed},
		"mark in action":        {[]string{allow(`"Action":"es:DescribeDomain?",` + every)}, "es:DescribeDomains", "*", Allowed},
		"mark is one":           {[]string{allow(`"Action":"es:DescribeDomain?",` + every)}, "es:DescribeDomain", "*", ImplicitDeny},
		"star in ARN":           {[]string{allow(`"Action":"*","Resource":"arn:aws:es:*:111122223333:domain/s*p"`)}, "es:DescribeDomain", shop, Allowed},
		"star spans colons":     {[]string{allow(`"Action":"*","Resource":"arn:aws:es:*/shop"`)}, "es:DescribeDomain", shop, Allowed},
		"other account":         {[]string{allow(`"Action":"*","Resource":"arn:aws:es:*:999988887777:domain/*"`)}, "es:DescribeDomain", shop, ImplicitDeny},
		"ARN for no resource":   {[]string{allow(`"Action":"*","Resource":"arn:aws:es:*:*:domain/*"`)}, "es:CreatePackage", "*", ImplicitDeny},
		"deny wins":             {[]string{AdminPolicy, deny(`"Action":"es:Delete*",` + every)}, "es:DeleteDomain", shop, ExplicitDeny},
		"deny wins, first":      {[]string{deny(`"Action":"es:Delete*",` + every), AdminPolicy}, "es:DeleteDomain", shop, ExplicitDeny},
		"deny of another":       {[]string{AdminPolicy, deny(`"Action":"*","Resource":"` + wiki + `"`)}, "es:DeleteDomain", shop, Allowed},
		"NotAction":             {[]string{allow(`"NotAction":"iam:*",` + every)}, "es:DeleteDomain", shop, Allowed},
		"NotAction named":       {[]string{allow(`"NotAction":["iam:*","es:Delete*"],` + every)}, "es:DeleteDomain", shop, ImplicitDeny},
		"NotResource":           {[]string{allow(`"Action":"es:*","NotResource":"` + wiki + `"`)}, "es:DeleteDomain", shop, Allowed},
		"NotResource named":     {[]string{allow(`"Action":"es:*","NotResource":["` + wiki + `"]`)}, "es:DeleteDomain", wiki, ImplicitDeny},
		"deny but own":          {[]string{AdminPolicy, deny(`"Action":"es:*","NotResource":"` + shop + `"`)}, "es:CreatePackage", "*", ExplicitDeny},

		"variable":             {[]string{allow(`"Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}"`)}, "iam:ListAccessKeys", "arn:aws:iam::111122223333:user/kim", Allowed},
		"variable of another":  {[]string{allow(`"Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:UserName}"`)}, "iam:ListAccessKeys", "arn:aws:iam::111122223333:user/lee", ImplicitDeny},
		"escaped star":         {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/${*}x"`)}, "s3:GetObject", "arn:aws:s3:::b/*x", Allowed},
		"escaped star is one":  {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/${*}x"`)}, "s3:GetObject", "arn:aws:s3:::b/ax", ImplicitDeny},
		"escaped mark":         {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/${?}${$}$"`)}, "s3:GetObject", "arn:aws:s3:::b/?$$", Allowed},
		"star sent":            {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/a"`)}, "s3:GetObject", "arn:aws:s3:::b/*", ImplicitDeny},
		"mark and characters":  {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/?/?"`)}, "s3:GetObject", "arn:aws:s3:::b/漢/é", Allowed},
		"the last piece again": {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/*ab"`)}, "s3:GetObject", "arn:aws:s3:::b/abab", Allowed},
		"mark after star":      {[]string{allow(`"Action":"s3:*","Resource":"arn:aws:s3:::b/*?x"`)}, "s3:GetObject", "arn:aws:s3:::b/x", ImplicitDeny},

		"address in block":      {[]string{under(`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`)}, "es:X", "*", Allowed},
		"address out of it":     {[]string{under(`"IpAddress":{"AWS:sourceIP":["198.51.100.0/24","2001:db8::/32"]}`)}, "es:X", "*", ImplicitDeny},
		"one address":           {[]string{under(`"IpAddress":{"aws:SourceIp":["198.51.100.0/24","203.0.113.7"]}`)}, "es:X", "*", Allowed},
		"host bits":             {[]string{under(`"IpAddress":{"aws:SourceIp":"203.0.113.99/24"}`)}, "es:X", "*", Allowed},
		"not address":           {[]string{under(`"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24","203.0.113.0/24"]}`)}, "es:X", "*", ImplicitDeny},
		"not address, out":      {[]string{under(`"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24"]}`)}, "es:X", "*", Allowed},
		"TLS":                   {[]string{under(`"Bool":{"aws:SecureTransport":"true"}`)}, "es:X", "*", Allowed},
		"TLS unquoted":          {[]string{under(`"Bool":{"aws:SecureTransport":false}`)}, "es:X", "*", ImplicitDeny},
		"equals":                {[]string{under(`"StringEquals":{"aws:username":["lee","kim"]}`)}, "es:X", "*", Allowed},
		"equals has no star":    {[]string{under(`"StringEquals":{"aws:username":"k*"}`)}, "es:X", "*", ImplicitDeny},
		"equals, letter case":   {[]string{under(`"StringEquals":{"aws:username":"Kim"}`)}, "es:X", "*", ImplicitDeny},
		"ignoring case":         {[]string{under(`"StringEqualsIgnoreCase":{"aws:username":"KIM"}`)}, "es:X", "*", Allowed},
		"ignoring case, not":    {[]string{under(`"StringNotEqualsIgnoreCase":{"aws:username":["x","KIM"]}`)}, "es:X", "*", ImplicitDeny},
		"ignoring case, var":    {[]string{under(`"StringEqualsIgnoreCase":{"aws:PrincipalArn":"ARN:aws:iam::${aws:PrincipalAccount}:user/${aws:username}"}`)}, "es:X", "*", Allowed},
		"not equals":            {[]string{under(`"StringNotEquals":{"aws:username":["lee","kim"]}`)}, "es:X", "*", ImplicitDeny},
		"like":                  {[]string{under(`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/k?m"}`)}, "es:X", "*", Allowed},
		"not like":              {[]string{under(`"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/k?m"}`)}, "es:X", "*", ImplicitDeny},
		"region":                {[]string{under(`"StringEquals":{"aws:RequestedRegion":["eu-central-1","us-east-1"]}`)}, "es:X", "*", Allowed},
		"all operators":         {[]string{under(`"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:username":"lee"}`)}, "es:X", "*", ImplicitDeny},
		"all keys":              {[]string{under(`"StringEquals":{"aws:username":"kim","aws:RequestedRegion":"eu-west-1"}`)}, "es:X", "*", ImplicitDeny},
		"absent key":            {[]string{under(`"StringEquals":{"iam:PassedToService":"es.amazonaws.com"}`)}, "es:X", "*", ImplicitDeny},
		"absent key, negated":   {[]string{under(`"StringNotEquals":{"iam:PassedToService":"es.amazonaws.com"}`)}, "es:X", "*", Allowed},
		"absent key, if exists": {[]string{under(`"StringLikeIfExists":{"iam:PassedToService":"es.*"}`)}, "es:X", "*", Allowed},
		"null, absent":          {[]string{under(`"Null":{"iam:PassedToService":"true"}`)}, "es:X", "*", Allowed},
		"null, present":         {[]string{under(`"Null":{"aws:username":true}`)}, "es:X", "*", ImplicitDeny},
		"not null":              {[]string{under(`"Null":{"aws:username":"false"}`)}, "es:X", "*", Allowed},
		"no conditions":         {[]string{under(``)}, "es:X", "*", Allowed},
	} {
		got := Evaluate(mustParse(t, tt.policies...), Request{Action: tt.action, Resource: tt.resource, Context: kim})
		if got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// A policy as AWS's developer guide gives it for the service, and one as a careful team writes it.
func TestDocumentedPolicies(t *testing.T) {
	t.Parallel()
	deploy := `{
	  "Version": "2012-10-17",
	  "Id": "deploy",
	  "Statement": [
	    {"Sid": "Packages", "Effect": "Allow", "Action": ["es:CreatePackage", "es:UpdatePackage", "es:Describe*", "es:List*"], "Resource": "*"},
	    {"Sid": "Staging", "Effect": "Allow", "Action": ["es:AssociatePackage*", "es:DissociatePackage*", "es:ListPackagesForDomain"],
	     "Resource": "arn:aws:es:eu-central-1:111122223333:domain/staging-*"},
	    {"Sid": "Source", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::dictionaries/search/*"},
	    {"Sid": "KeyStore", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/key-store",
	     "Condition": {"StringEquals": {"iam:PassedToService": "es.amazonaws.com"}}},
	    {"Sid": "OfficeOnly", "Effect": "Deny", "NotAction": "es:Describe*", "Resource": "*",
	     "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}},
	    {"Sid": "TLSOnly", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
	  ]
	}`
	policies := mustParse(t, deploy)
	in := func(name string) string { return "arn:aws:es:eu-central-1:111122223333:domain/" + name }
	for _, tt := range []struct {
		action, resource string
		office, tls      bool
		passed           string
		want             Decision
	}{
		{"es:CreatePackage", "*", true, true, "", Allowed},
		{"es:CreatePackage", "*", false, true, "", ExplicitDeny},
		{"es:CreatePackage", "*", true, false, "", ExplicitDeny},
		{"es:DescribePackages", "*", false, true, "", Allowed},
		{"es:DeletePackage", "*", true, true, "", ImplicitDeny},
		{"es:DeletePackage", "*", false, true, "", ExplicitDeny},
		{"es:AssociatePackages", in("staging-eu"), true, true, "", Allowed},
		{"es:AssociatePackage", in("live"), true, true, "", ImplicitDeny},
		{"s3:GetObject", "arn:aws:s3:::dictionaries/search/a.txt", true, true, "", Allowed},
		{"s3:GetObject", "arn:aws:s3:::dictionaries/secret/a.txt", true, true, "", ImplicitDeny},
		{"iam:PassRole", "arn:aws:iam::111122223333:role/key-store", true, true, "es.amazonaws.com", Allowed},
		{"iam:PassRole", "arn:aws:iam::111122223333:role/key-store", true, true, "ec2.amazonaws.com", ImplicitDeny},
		{"iam:PassRole", "arn:aws:iam::111122223333:role/key-store", true, true, "", ImplicitDeny},
	} {
		context := map[string]string{"aws:SourceIp": "198.51.100.1", "aws:SecureTransport": "false"}
		if tt.office {
			context["aws:SourceIp"] = "203.0.113.40"
		}
		if tt.tls {
			context["aws:SecureTransport"] = "true"
		}
		if tt.passed != "" {
			context["iam:PassedToService"] = tt.passed
		}
		if got := Evaluate(policies, Request{Action: tt.action, Resource: tt.resource, Context: context}); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// A source address written as IPv6 is the IPv4 address that it stands for; what is none is in no
// block.
func TestAddressForms(t *testing.T) {
	t.Parallel()
	in := mustParse(t, allow(`"Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}`))
	for value, want := range map[string]Decision{
		"::ffff:203.0.113.9": Allowed, "203.0.113.9": Allowed, "2001:db8::1": Allowed, "2001:db8::1%eth0": Allowed,
		"2001:db9::1": ImplicitDeny, "nonsense": ImplicitDeny, "": ImplicitDeny,
	} {
		if got := Evaluate(in, Request{Action: "a:b", Resource: "*", Context: map[string]string{"aws:SourceIp": value}}); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// A hostile pattern costs the product of two bounded lengths, not an exponential.
func TestNoBlowUp(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"*a", "*?", "*a?", "?*", "*aa?a"} {
		p := mustParse(t, allow(`"Action":"*","Resource":"arn:aws:s3:::`+strings.Repeat(piece, 4000/len(piece))+`b"`))
		if got := Evaluate(p, Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + strings.Repeat("a", 20_000)}); got != ImplicitDeny {
			t.Errorf("%s: %v", piece, got)
		}
	}
}

package iam

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// accessPage is docs/access.md.
func accessPage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "access.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// examples are the policies of the page by their headings.
func examples(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)\n### ([^\n]+)\n[^#]*?```json\n(.*?)```").FindAllStringSubmatch(accessPage(t), -1) {
		out[m[1]] = m[2]
	}
	if want := strings.Count(accessPage(t), "```json"); len(out) != want || want < 5 {
		t.Fatalf("%d of %d examples have a heading", len(out), want)
	}
	return out
}

// Every example of the page is a policy, and allows what the page says and no more.
func TestExamplesOfThePage(t *testing.T) {
	t.Parallel()
	policies := examples(t)
	for heading, document := range policies {
		if _, err := Parse(document); err != nil {
			t.Errorf("%s: %v", heading, err)
		}
	}
	user := kim
	user.Region, user.Secure, user.SourceIP = "us-east-1", true, "203.0.113.9"
	const kims = "arn:aws:es:us-east-1:111122223333:domain/kim-notes"
	const object = "arn:aws:s3:::dictionaries/search/synonyms.txt"
	for _, tt := range []struct {
		heading string
		change  func(*searchpack.Caller)
		allowed string // "action resource", one a line
		denied  string
	}{
		{
			"Read-only", nil,
			"es:DescribePackages *\nes:ListPackagesForDomain " + shop + "\nes:GetPackageVersionHistory *\nsearchpack:ListNodes " + shop + "\nsearchpack:ListEvents *",
			"es:CreatePackage *\nes:DeleteDomain " + shop + "\nsearchpack:CreateJoinToken " + shop + "\nsearchpack:ListCredentials *\nsearchpack:GetCredential *\ns3:GetObject " + object,
		},
		{
			"One domain only", nil,
			"es:AssociatePackage " + shop + "\nes:DeleteDomain " + shop + "\nsearchpack:RetireNode " + shop + "\nes:DescribePackages *",
			"es:AssociatePackage " + wiki + "\nes:DescribeDomain " + wiki + "\nsearchpack:ListNodes " + wiki + "\nes:CreatePackage *\nsearchpack:CreateCredential *",
		},
		{
			"Package author", nil,
			"es:CreatePackage *\nes:UpdatePackage *\nsearchpack:ListFindings *\ns3:GetObject " + object,
			"es:AssociatePackage " + shop + "\nes:AssociatePackages " + shop + "\nes:DeletePackage *\ns3:GetObject arn:aws:s3:::dictionaries/other\ns3:PutObject " + object,
		},
		{"From the office, with TLS", nil, "es:CreatePackage *", ""},
		{"From the office, with TLS", func(c *searchpack.Caller) { c.SourceIP = "192.0.2.1" }, "", "es:CreatePackage *"},
		{"From the office, with TLS", func(c *searchpack.Caller) { c.SourceIP = "2001:db8:1::1" }, "es:CreatePackage *", ""},
		{"From the office, with TLS", func(c *searchpack.Caller) { c.Secure = false }, "", "es:CreatePackage *"},
		{"A domain per user", nil, "es:CreateDomain " + kims, "es:CreateDomain " + shop + "\nes:CreateDomain " + strings.Replace(kims, "111122223333", "999988887777", 1)},
	} {
		who := with(user, policies[tt.heading])
		if strings.HasPrefix(tt.heading, "From") {
			who.Policies = append(who.Policies, AdminPolicy)
		}
		if tt.change != nil {
			tt.change(&who)
		}
		for lines, want := range map[string]bool{tt.allowed: true, tt.denied: false} {
			for _, line := range strings.FieldsFunc(lines, func(c rune) bool { return c == '\n' }) {
				action, resource, _ := strings.Cut(line, " ")
				if err := NewAuthorizer()(who, action, resource, nil); (err == nil) != want {
					t.Errorf("%s, from %s: %s: %v", tt.heading, who.SourceIP, line, err)
				}
			}
		}
	}
}

// The page names every operator, condition key and variable that there is, and the limits.
func TestThePageIsComplete(t *testing.T) {
	t.Parallel()
	page := accessPage(t)
	var names []string
	for name := range operators {
		names = append(names, "`"+name+"`")
	}
	for name := range keys {
		names = append(names, "`"+name+"`")
	}
	for _, name := range variables {
		names = append(names, "`${"+name+"}`")
	}
	for _, name := range append(names, "`Null`", "6,144 characters") {
		if !strings.Contains(page, name) {
			t.Errorf("docs/access.md does not name %s", name)
		}
	}
	// What it quotes of refusals is what is said.
	for document, quoted := range map[string]string{
		allow(`"Action":"*","Resource":"*","Principal":"*"`):                                            "an identity policy names no principal, it holds for the user that it is given to",
		allow(`"Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:username":"x"}}`):          `there is no operator "DateLessThan" here; these`,
		allow(`"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:userid":"x"}}`):            `there is no condition key "aws:userid" here; these are: `,
		strings.Replace(allow(`"Action":"*","Resource":"*"`), `"Version"`, `"Version":"","Version"`, 1): "The policy document is",
	} {
		_, err := Parse(document)
		if err == nil || !strings.Contains(err.Error(), quoted) || !strings.Contains(page, quoted) {
			t.Errorf("the page says %q, Parse says %v", quoted, err)
		}
	}
}

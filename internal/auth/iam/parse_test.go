package iam

import (
	"errors"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	const good = `"Effect":"Allow","Action":"*","Resource":"*"`
	under := func(condition string) string { return policy(good + `,"Condition":` + condition) }
	for name, tt := range map[string]struct{ document, says string }{
		"empty":             {``, "it ends too early"},
		"no JSON":           {`{"Version" "x"}`, "no JSON document"},
		"cut off":           {`{"Statement":[`, "ends too early"},
		"two documents":     {AdminPolicy + `{}`, "follows after"},
		"list":              {`[]`, "it is a list, not an object"},
		"null":              {`null`, "it is null"},
		"bad UTF-8":         {"{\"Id\":\"\xff\"}", "UTF-8"},
		"too large":         {allow(`"Action":"*","Resource":"arn:aws:s3:::` + strings.Repeat("x", 6144) + `"`), "characters without white space; a policy has up to 6144"},
		"too much space":    {AdminPolicy + strings.Repeat(" ", maxBytes), "longer than 32768 bytes"},
		"too deep":          {strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested deeper"},
		"member twice":      {policy(`"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"`), `"Effect" stands there twice`},
		"condition twice":   {under(`{"Bool":{},"Bool":{}}`), `"Bool" stands there twice`},
		"unknown element":   {`{"Statements":[]}`, `no element "Statements"`},
		"element's case":    {`{"statement":{` + good + `}}`, `no element "statement"`},
		"no statement":      {`{"Version":"2012-10-17"}`, "no Statement"},
		"empty statement":   {`{"Statement":[]}`, "no Statement"},
		"statement a text":  {`{"Statement":["x"]}`, "Statement[0] is a text"},
		"version":           {`{"Version":"2012-10-18","Statement":{` + good + `}}`, "its Version must be"},
		"version a number":  {`{"Version":2012,"Statement":{` + good + `}}`, "its Version must be"},
		"id":                {`{"Id":1,"Statement":{` + good + `}}`, "Id is a number"},
		"effect":            {policy(`"Effect":"allow","Action":"*","Resource":"*"`), `Statement[0].Effect must be "Allow" or "Deny"`},
		"no effect":         {policy(`"Action":"*","Resource":"*"`), "Statement[0] has no Effect"},
		"no action":         {policy(good, `"Effect":"Allow","Resource":"*"`), "Statement[1] has neither Action nor NotAction"},
		"no resource":       {policy(`"Effect":"Allow","Action":"*"`), "neither Resource nor NotResource"},
		"both actions":      {policy(good + `,"NotAction":"es:X"`), "both Action and NotAction"},
		"both resources":    {policy(good + `,"NotResource":"*"`), "both Resource and NotResource"},
		"empty actions":     {allow(`"Action":[],"Resource":"*"`), "Statement[0].Action is an empty list"},
		"action a number":   {allow(`"Action":[1],"Resource":"*"`), "Statement[0].Action is a number"},
		"action null":       {allow(`"Action":null,"Resource":"*"`), "Statement[0].Action is null"},
		"action's form":     {allow(`"Action":"CreatePackage","Resource":"*"`), `"CreatePackage" is no action`},
		"wild service":      {allow(`"Action":"e*:CreatePackage","Resource":"*"`), "is no action"},
		"action with blank": {allow(`"Action":"es:Create Package","Resource":"*"`), "is no action"},
		"action, newline":   {allow(`"Action":"es:CreatePackage\n","Resource":"*"`), "is no action"},
		"action's variable": {allow(`"Action":"es:${aws:username}","Resource":"*"`), "is no action"},
		"resource's form":   {allow(`"Action":"*","Resource":"shop"`), `"shop" is no resource`},
		"resource short":    {allow(`"Action":"*","Resource":"arn:aws:es"`), "is no resource"},
		"resource empty":    {allow(`"Action":"*","Resource":""`), "is no resource"},
		"wild ARN":          {allow(`"Action":"*","Resource":"*:domain/shop"`), "is no resource"},
		"principal":         {policy(good + `,"Principal":"*"`), "an identity policy names no principal"},
		"not principal":     {policy(good + `,"NotPrincipal":"*"`), "names no principal"},
		"unknown in it":     {policy(good + `,"Resources":"*"`), `Statement[0] has no element "Resources"`},
		"sid":               {policy(good + `,"Sid":"a b"`), "letters and digits only"},
		"sid a number":      {policy(good + `,"Sid":1`), "Statement[0].Sid is a number"},
		"sid twice":         {policy(good+`,"Sid":"a"`, good+`,"Sid":"a"`), `Statement[1].Sid "a" stands in two statements`},
		"variable":          {allow(`"Action":"*","Resource":"arn:aws:s3:::b/${s3:prefix}"`), "${s3:prefix} is not supported; these are: ${aws:username}"},
		"variable default":  {allow(`"Action":"*","Resource":"arn:aws:s3:::b/${aws:username, 'x'}"`), "is not supported"},
		"variable open":     {allow(`"Action":"*","Resource":"arn:aws:s3:::b/${aws:username"`), "does not end"},
		"variable of old":   {`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"}}`, `need "Version": "2012-10-17"`},
		"variable, no vers": {`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${*}"}}`, `need "Version": "2012-10-17"`},

		"condition a list":  {under(`[]`), "Statement[0].Condition is a list"},
		"operator":          {under(`{"DateLessThan":{"aws:SourceIp":"x"}}`), `Statement[0].Condition.DateLessThan.aws:SourceIp: there is no operator "DateLessThan"`},
		"operator's case":   {under(`{"stringequals":{"aws:username":"x"}}`), `there is no operator "stringequals"`},
		"set operator":      {under(`{"ForAllValues:StringEquals":{"aws:username":"x"}}`), "there is no operator"},
		"ARN operator":      {under(`{"ArnLike":{"aws:PrincipalArn":"x"}}`), `there is no operator "ArnLike"`},
		"NullIfExists":      {under(`{"NullIfExists":{"aws:username":"true"}}`), "there is no operator"},
		"no keys":           {under(`{"StringEquals":{}}`), "with a condition key in it"},
		"operator a text":   {under(`{"StringEquals":"x"}`), "with a condition key in it"},
		"key":               {under(`{"StringEquals":{"aws:userid":"x"}}`), `there is no condition key "aws:userid"`},
		"key's type":        {under(`{"StringEquals":{"aws:SourceIp":"1.2.3.4"}}`), "StringEquals does not fit aws:SourceIp, whose value is an IP address"},
		"key's type too":    {under(`{"Bool":{"aws:username":"true"}}`), "whose value is a text"},
		"no values":         {under(`{"StringEquals":{"aws:username":[]}}`), "empty list"},
		"value a number":    {under(`{"StringEquals":{"aws:username":1}}`), "Condition.StringEquals.aws:username is a number"},
		"value an object":   {under(`{"StringEquals":{"aws:username":{}}}`), "is an object"},
		"no boolean":        {under(`{"Bool":{"aws:SecureTransport":"yes"}}`), `"yes" is neither true nor false`},
		"no address":        {under(`{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}`), `"10.0.0.0/33" is no IP address`},
		"address with zone": {under(`{"IpAddress":{"aws:SourceIp":"fe80::1%eth0"}}`), "is no IP address"},
		"mapped address":    {under(`{"IpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}}`), "write an IPv4 address as such"},
		"null of a text":    {under(`{"Null":{"aws:username":"kim"}}`), "Null takes true"},
		"null of two":       {under(`{"Null":{"aws:username":["true","false"]}}`), "Null takes true"},
		"value's variable":  {under(`{"StringEquals":{"aws:username":"${aws:PrincipalTag/x}"}}`), "is not supported"},
		"folded variable":   {under(`{"StringEqualsIgnoreCase":{"aws:username":"${nix}"}}`), "is not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(tt.document)
			var e *searchpack.Error
			if !errors.As(err, &e) || e.Code != searchpack.ErrInvalid || p != nil {
				t.Fatalf("got %v, %v", p, err)
			}
			if !strings.Contains(e.Message, tt.says) || !strings.HasPrefix(e.Message, "The policy document is refused: ") || len(e.Message) > 600 {
				t.Errorf("%q lacks %q", e.Message, tt.says)
			}
		})
	}
}

// White space does not count, and what is at the limit is taken.
func TestSizeOfADocument(t *testing.T) {
	t.Parallel()
	frame := allow(`"Action":"*","Resource":"arn:aws:s3:::"`)
	fill := strings.Replace(frame, ":::", ":::"+strings.Repeat("x", maxCharacters-len(frame)), 1)
	if _, err := Parse(fill); err != nil {
		t.Error(err)
	}
	if _, err := Parse(strings.Repeat(" \n", 5000) + fill); err != nil {
		t.Error(err)
	}
	if _, err := Parse(strings.Replace(fill, ":::", ":::x", 1)); err == nil {
		t.Error("one character more is taken")
	}
}

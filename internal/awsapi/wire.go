package awsapi

import (
	"fmt"
	"time"

	"github.com/searchpack/searchpack"
)

// errorBody is the body of every error: one member, lower case.
type errorBody struct {
	Message string `json:"message"`
}

// timestamp is written as SDKs demand it: a number, seconds since 1970 with milliseconds.
type timestamp time.Time

// MarshalJSON writes for example 1704164645.123.
func (t timestamp) MarshalJSON() ([]byte, error) {
	ms := time.Time(t).UnixMilli()
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}

// stamp is nil for the zero time, so that the member is left out.
func stamp(t time.Time) *timestamp {
	if t.IsZero() || t.UnixMilli() < 0 {
		return nil
	}
	ts := timestamp(t)
	return &ts
}

// errorDetails is left out unless something failed: to Terraform an empty object is a failure.
type errorDetails struct {
	ErrorType    string
	ErrorMessage string
}

// details returns nil unless the status is a failed one.
func details(failed bool, e *searchpack.ErrorDetails) *errorDetails {
	if !failed || e == nil {
		return nil
	}
	return &errorDetails{e.Type, e.Message}
}

// versionName is "v1" for 1, and "" (left out) for 0.
func versionName(number int) string {
	if number <= 0 {
		return ""
	}
	return fmt.Sprintf("v%d", number)
}

// views maps a list; an empty one is [], never null.
func views[T, V any](list []*T, view func(*T) V) []V {
	out := make([]V, 0, len(list))
	for _, each := range list {
		out = append(out, view(each))
	}
	return out
}

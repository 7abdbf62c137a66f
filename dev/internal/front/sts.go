package front

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
)

// stsBodyLimit bounds a request to STS; GetCallerIdentity has 43 bytes.
const stsBodyLimit = 64 << 10

// sts answers sts:GetCallerIdentity, which Terraform and scripts ask first.
type sts struct {
	identify func(r *http.Request, body []byte) (searchpack.Caller, error)
	log      *slog.Logger
}

type identity struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Result  struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	} `xml:"GetCallerIdentityResult"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

func (s *sts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := uuid.NewString()
	w.Header().Set("X-Amzn-Requestid", id)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, stsBodyLimit))
	if err != nil {
		var limit *http.MaxBytesError
		if errors.As(err, &limit) {
			writeXMLError(w, http.StatusRequestEntityTooLarge, id, "Sender", "RequestEntityTooLarge", "The request's body is over 65536 bytes.")
		}
		return // or the client has gone
	}
	caller, err := s.identify(r, body)
	if err != nil {
		s.refuse(w, id, err)
		return
	}
	switch action := actionOf(r, body); action {
	case "GetCallerIdentity":
		answer := identity{RequestID: id}
		answer.Result.Arn, answer.Result.UserID, answer.Result.Account = caller.ARN, caller.AccessKey, caller.Account
		var b bytes.Buffer
		b.WriteString(xml.Header)
		if err := xml.NewEncoder(&b).Encode(answer); err != nil {
			s.refuse(w, id, err)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(b.Bytes())
	case "":
		writeXMLError(w, http.StatusBadRequest, id, "Sender", "MissingAction", "The request names no Action.")
	default:
		writeXMLError(w, http.StatusBadRequest, id, "Sender", "InvalidAction", "Could not find operation "+cut(action)+" for version 2011-06-15: searchpack-dev offers GetCallerIdentity.")
	}
}

// stsCodes are STS's names for refusals that other services call otherwise.
var stsCodes = map[string]string{
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"IncompleteSignatureException":        "IncompleteSignature",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
}

// refuse writes a failed identification; the text of an unforeseen error stays in the log.
func (s *sts) refuse(w http.ResponseWriter, id string, err error) {
	var refusal *sigv4.Error
	if !errors.As(err, &refusal) {
		s.log.Error("sts", "error", err)
		writeXMLError(w, http.StatusInternalServerError, id, "Receiver", "InternalFailure", "An internal error has occurred. The log says more.")
		return
	}
	code, ok := stsCodes[refusal.Code]
	if !ok {
		code = refusal.Code
	}
	writeXMLError(w, refusal.Status, id, "Sender", code, refusal.Message)
}

// actionOf returns the Action of a query-protocol request: in the form body, or in the query.
func actionOf(r *http.Request, body []byte) string {
	if r.Method == http.MethodPost {
		if v, err := url.ParseQuery(string(body)); err == nil && v.Get("Action") != "" {
			return v.Get("Action")
		}
	}
	return r.URL.Query().Get("Action")
}

// cut shortens what a client sent before it goes back into a text.
func cut(s string) string {
	const most = 128 // characters; no action of AWS is as long
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

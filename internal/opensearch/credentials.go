package opensearch

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/searchpack/searchpack"
)

// credentials of a user of OpenSearch. They are never printed.
type credentials struct{ name, password string }

// String hides what it holds, in case it is ever formatted.
func (credentials) String() string { return "(hidden)" }

// GoString hides what it holds.
func (credentials) GoString() string { return "(hidden)" }

// readCredentials reads "user:password" or {"username":...,"password":...}. Others must not be able
// to read the file; a group may, because container platforms mount secrets that way.
func readCredentials(file string) (credentials, error) {
	bad := func(format string, args ...any) (credentials, error) {
		return credentials{}, searchpack.Errorf(searchpack.ErrInvalid, format, args...)
	}
	info, err := os.Stat(file)
	if err != nil {
		return bad("cannot read OpenSearch's credentials: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return bad("%s can be read by others or written by its group (mode %04o); type: chmod 600 %s", file, mode, file)
	}
	b, err := readFile(file, 64<<10)
	if err != nil {
		return bad("cannot read OpenSearch's credentials: %w", err)
	}
	b = bytes.TrimSpace(b)
	var c credentials
	if bytes.HasPrefix(b, []byte("{")) {
		var doc struct {
			Username string `json:"username"`
			Password string `json:"password"`
		}
		if json.Unmarshal(b, &doc) != nil { // its error could repeat a piece of the secret
			return bad(`%s is not JSON of the form {"username":"...","password":"..."}`, file)
		}
		c = credentials{doc.Username, doc.Password}
	} else {
		c.name, c.password, _ = strings.Cut(string(b), ":")
	}
	if c.name == "" || c.password == "" || strings.ContainsAny(c.name+c.password, "\r\n") {
		return bad("%s holds no user:password and no JSON with username and password", file)
	}
	return c, nil
}

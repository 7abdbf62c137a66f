package sqlstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// micros is how a time is stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// microTime reads a stored time.
type microTime struct{ t *time.Time }

// Scan implements sql.Scanner.
func (m microTime) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T, not as microseconds", v)
	}
	*m.t = fromMicros(us)
	return nil
}

// jsonDoc reads a nested value; an empty text leaves the target as it is.
type jsonDoc struct{ v any }

// Scan implements sql.Scanner.
func (d jsonDoc) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("JSON is stored as %T, not as text", v)
	}
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), d.v)
}

// jsonText writes a nested value, a nil pointer as an empty text.
func jsonText[T any](v *T) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// jsonTexts writes nested values, nil pointers as empty texts.
func jsonTexts(out []string, values ...any) error {
	for i, v := range values {
		if reflect.ValueOf(v).IsNil() {
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		out[i] = string(b)
	}
	return nil
}

// sealedText reads and writes bytes as base64.
type sealedText struct{ b *[]byte }

// Scan implements sql.Scanner.
func (s sealedText) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("sealed bytes are stored as %T, not as text", v)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	*s.b = b
	return err
}

func sealed(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// flagOf reads a flag.
type flagOf struct{ b *bool }

// Scan implements sql.Scanner.
func (f flagOf) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a flag is stored as %T, not as a number", v)
	}
	*f.b = n != 0
	return nil
}

// atMost is the LIMIT for limit: 0 or less means all. It stands in the text: SQLite compiles a
// statement anew each time another value is bound to its LIMIT.
func atMost(limit int) string {
	if limit <= 0 {
		limit = math.MaxInt
	}
	return " LIMIT " + strconv.Itoa(limit)
}

// upsert is an INSERT of keys and rest, in this order, that replaces rest where the keys exist.
func upsert(table, keys, rest string) string {
	return "INSERT INTO " + table + " (" + keys + ", " + rest + ") VALUES (" + params(1, columns(keys)+columns(rest)) +
		") ON CONFLICT (" + keys + ") DO UPDATE SET " + replace(rest)
}

// upsertSeq is upsert for tables whose rows get a seq when they are new.
func (d dialect) upsertSeq(table, keys, rest string) string {
	return "INSERT INTO " + table + " (seq, " + keys + ", " + rest + ") VALUES (" + d.nextSeq(table) + ", " +
		params(1, columns(keys)+columns(rest)) + ") ON CONFLICT (" + keys + ") DO UPDATE SET " + replace(rest)
}

func columns(list string) int { return strings.Count(list, ",") + 1 }

func replace(list string) string {
	names := strings.Split(list, ", ")
	for i, n := range names {
		names[i] = n + " = excluded." + n
	}
	return strings.Join(names, ", ")
}

// params is n placeholders beginning with $first.
func params(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}

// where collects conditions and their arguments.
type where struct {
	conds []string
	args  []any
}

// add adds a condition whose %s is the argument's placeholder.
func (w *where) add(cond string, arg any) {
	w.args = append(w.args, arg)
	w.conds = append(w.conds, fmt.Sprintf(cond, fmt.Sprintf("$%d", len(w.args))))
}

// in restricts the column to the values; none do not restrict.
func in[S ~string](w *where, column string, values []S) {
	switch len(values) {
	case 0:
		return
	case 1: // so that an index keeps its order
		w.add(column+" = %s", string(values[0]))
		return
	}
	w.conds = append(w.conds, column+" IN ("+params(len(w.args)+1, len(values))+")")
	for _, v := range values {
		w.args = append(w.args, string(v))
	}
}

// String is the WHERE clause, "" without conditions.
func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// ofDomain are the columns and the condition of rows that hang on a domain.
const ofDomain = " WHERE account = $1 AND region = $2 AND domain = $3"

func domainColumns(k *searchpack.DomainKey) []any { return []any{&k.Account, &k.Region, &k.Name} }

package agentcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// DoctorCmd checks an installation.
type DoctorCmd struct {
	Place
	Beside
	Plugins
	Restart

	Unit string `name:"opensearch-unit" default:"opensearch.service" placeholder:"UNIT" help:"The systemd unit that starts OpenSearch here."`

	unitDirs []string // where units lie; nil = where systemd looks
}

// Help stands below the flags.
func (*DoctorCmd) Help() string {
	return `Give it the flags, or the file, of "agent run", and run it as the same user. It prints a line for each check: ok,
warning or error, and what to type. It changes nothing, here, at the server and in OpenSearch. The exit status is 1 if
there is an error. --output json prints one document.

Example:
  sudo -u opensearch \
    searchpack agent doctor --config-file /etc/searchpack/agent.yml`
}

// Run looks and judges.
func (c *DoctorCmd) Run(ctx context.Context, s *Streams) error {
	checks := doctor.Judge(c.look(ctx))
	if err := show(s, checks); err != nil {
		return err
	}
	if n := doctor.Failed(checks); n > 0 {
		return fmt.Errorf("%d of %d checks found an error", n, len(checks))
	}
	return nil
}

// show prints the checks.
func show(s *Streams, checks []doctor.Check) error {
	if s.JSON {
		enc := json.NewEncoder(s.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"schema": 1, "checks": checks, "errors": doctor.Failed(checks)})
	}
	var b strings.Builder
	for _, c := range checks {
		// One line each, whatever other programs' words hold.
		line := fmt.Sprintf("%-7s  %s: %s", c.Level, c.Name, c.Says)
		if c.Type != "" {
			line += "  ->  " + c.Type
		}
		b.WriteString(strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }), " ") + "\n")
	}
	_, err := io.WriteString(s.Out, b.String())
	return err
}

package server

import (
	"testing"
	"time"
)

// The work queue goes by the server's own clock on SQLite: one that compared due times with another clock
// would find nothing due for as long as the two are apart.
func TestStoreHasTheServersClock(t *testing.T) {
	t.Parallel()
	c := testConfig(t.TempDir())
	c.Now = func() time.Time { return time.Now().Add(time.Hour) }
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now, err := s.Store().Now(t.Context())
	if err != nil || now.Sub(c.Now()).Abs() > time.Minute {
		t.Errorf("the store says %v, the server %v (%v)", now, c.Now(), err)
	}
}

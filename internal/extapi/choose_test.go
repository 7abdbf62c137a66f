package extapi

import "testing"

func TestChooseRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"version":"latest"}`, `{"version":"v0"}`, `{"version":"-1"}`, `{"version":"v99999999999"}`, `{"track":"never"}`, `{"pin":true}`, `[]`} {
		s := newSite(t)
		if w := s.ask("PUT /domains/shop/associations/F1/version", body); w.Code != 400 || s.catalog.asked != nil {
			t.Errorf("%s: status %d, the catalog was asked %v", body, w.Code, s.catalog.asked)
		}
	}
}

func TestAdoptRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"path":"a.txt","version":"former"}`, `{"path":"a.txt","version":"v0"}`, `{"path":1}`, `{"file":"a"}`, `[]`} {
		s := newSite(t)
		if w := s.ask("POST /domains/shop/packages/F1/adopt", body); w.Code != 400 || s.catalog.asked != nil {
			t.Errorf("%s: status %d, the catalog was asked %v", body, w.Code, s.catalog.asked)
		}
	}
}

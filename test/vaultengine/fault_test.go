package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const faultsPath = "/_engine/faults"

func (s *site) calls() Calls {
	s.Helper()
	resp, err := http.Get(s.url + "/_engine/calls")
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	var calls Calls
	if err := json.NewDecoder(resp.Body).Decode(&calls); err != nil {
		s.Fatal(err)
	}
	return calls
}

func TestFaultAnswers(t *testing.T) {
	for kind, want := range map[string]int{
		faultThrottle: 429, faultError: 500, faultSealed: 503, faultDenied: 403,
	} {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t, Options{})
			s.want(200, s.call("POST", faultsPath, `{"kind":"`+kind+`","path":"secret/data/app/*","method":"POST","count":2,"retry_after":3}`))
			for range 2 {
				got := s.want(want, s.call("POST", "/v1/secret/data/app/x/y", `{"data":{}}`))
				if errs, _ := got.at("errors").([]any); len(errs) != 1 {
					t.Errorf("got %v", got.body)
				}
				if after := got.header.Get("Retry-After"); (after == "3") != (kind == faultThrottle) {
					t.Errorf("Retry-After %q", after)
				}
			}
			s.want(404, s.call("GET", "/v1/secret/data/app/x/y", ""))
			s.want(200, s.call("POST", "/v1/secret/data/app/x/y", `{"data":{}}`))
		})
	}
	t.Run("PathSpared", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", faultsPath, `[{"kind":"denied","path":"secret/*/one"}]`))
		s.want(403, s.call("GET", "/v1/secret/metadata/one", ""))
		s.want(200, s.call("PUT", "/v1/secret/data/other", `{"data":{}}`))
	})
	t.Run("SealedHealth", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", faultsPath, `{"kind":"sealed"}`))
		if got := s.want(503, s.call("GET", "/v1/sys/health", "")); got.at("sealed") != true {
			t.Errorf("got %v", got.body)
		}
	})
}

func TestLostAnswers(t *testing.T) {
	for _, test := range []struct {
		kind  string
		acted bool
	}{
		{faultTimeoutBefore, false}, {faultTimeoutAfter, true}, {faultReset, false}, {faultResetAfter, true},
	} {
		t.Run(test.kind, func(t *testing.T) {
			s := newSite(t, Options{})
			s.want(200, s.call("POST", faultsPath, `{"kind":"`+test.kind+`","count":1,"delay_ms":20}`))
			if got, err := s.try("POST", "/v1/secret/data/a", `{"data":{"a":"1"}}`); err == nil {
				t.Fatalf("an answer came: %v", got)
			}
			status, lost := 404, 0
			if test.acted {
				status, lost = 200, 200
			}
			s.want(status, s.call("GET", "/v1/secret/data/a", ""))
			want := Calls{Total: 2, Counts: map[string]int{"POST": 1, "GET": 1}, Calls: []Call{
				{Method: "POST", Path: "secret/data/a", Fault: test.kind, Status: lost},
				{Method: "GET", Path: "secret/data/a", Status: status},
			}}
			if diff := cmp.Diff(want, s.calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSlow(t *testing.T) {
	s := newSite(t, Options{})
	s.want(200, s.call("POST", faultsPath, `{"kind":"slow","delay_ms":50,"count":1}`))
	begin := time.Now()
	s.want(200, s.call("POST", "/v1/secret/data/a", `{"data":{}}`))
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

func TestSkipAndShare(t *testing.T) {
	t.Run("Skip", func(t *testing.T) {
		s := newSite(t, Options{})
		s.want(200, s.call("POST", faultsPath, `{"kind":"error","skip":2,"count":1}`))
		for _, want := range []int{404, 404, 500, 404} {
			s.want(want, s.call("GET", "/v1/secret/data/a", ""))
		}
	})
	t.Run("Share", func(t *testing.T) {
		hits := func(seed uint64) (list []bool, total int) {
			faults := newFaults(seed)
			faults.add([]Fault{{Kind: faultError, Share: 0.25}})
			for range 1000 {
				_, hit := faults.match("GET", "secret/data/a")
				list = append(list, hit)
				if hit {
					total++
				}
			}
			return list, total
		}
		first, total := hits(7)
		again, _ := hits(7)
		if total < 200 || total > 300 {
			t.Errorf("%d of 1000 hit, want about 250", total)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error("the same seed gave other hits")
		}
	})
}

func TestFaultsRefused(t *testing.T) {
	s := newSite(t, Options{})
	for _, body := range []string{
		``, `{}`, `{"kind":"flood"}`, `{"kind":"error","share":1.5}`, `{"kind":"error","count":-1}`,
		`{"kind":"error","pth":"x"}`, `{"kind":"error","method":"PUT"}`, `[{"kind":"error"},{"kind":"no"}]`,
	} {
		s.want(400, s.call("POST", faultsPath, body))
	}
	s.want(404, s.call("GET", "/v1/secret/data/a", ""))
}

func TestReset(t *testing.T) {
	s := newSite(t, Options{})
	s.want(200, s.call("POST", "/v1/secret/data/a", `{"data":{}}`, "X-Vault-Namespace", "team/"))
	if calls := s.calls(); len(calls.Calls) != 1 || calls.Calls[0].Namespace != "team" {
		t.Errorf("got %+v", calls)
	}
	s.want(200, s.call("POST", faultsPath, `{"kind":"error"}`))
	s.want(204, s.call("POST", "/_engine/reset", ""))
	if calls := s.calls(); calls.Total != 0 || len(calls.Calls) != 0 {
		t.Errorf("got %+v", calls)
	}
	s.want(200, s.call("GET", "/v1/secret/data/a", ""))
	s.want(204, s.call("POST", "/_engine/reset?data=true", ""))
	s.want(404, s.call("GET", "/v1/secret/data/a", ""))
	s.want(200, s.call("POST", "/v1/secret/data/a", `{"data":{}}`))
}

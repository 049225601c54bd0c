package standin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const adminPath = "/_standin/"

func isAdmin(path string) bool { return strings.HasPrefix(path, adminPath) }

// serveAdmin answers the endpoint by which tests and people steer the server. README.md describes it.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request) {
	answer, err := s.admin(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) admin(r *http.Request) (any, error) {
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, adminPath) {
	case "GET health":
		return map[string]string{"status": "ok"}, nil
	case "GET calls":
		return s.Calls(), nil
	case "GET faults":
		return s.Faults(), nil
	case "POST faults":
		return s.adminInject(r)
	case "DELETE faults":
		s.ClearFaults()
		return s.Faults(), nil
	case "GET quotas":
		return s.Quotas(), nil
	case "POST quotas":
		return s.adminQuotas(r)
	case "POST clock":
		return s.adminClock(r)
	case "POST reset":
		return s.adminReset(r)
	}
	return nil, errors.New("the admin endpoint has no " + r.Method + " " + r.URL.Path)
}

// decodeAdmin reads an optional JSON body, and refuses fields that it does not know.
func decodeAdmin(r *http.Request, into any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (s *Server) adminInject(r *http.Request) (any, error) {
	var f Fault
	if err := decodeAdmin(r, &f); err != nil {
		return nil, err
	}
	if err := s.Inject(f); err != nil {
		return nil, err
	}
	return s.Faults(), nil
}

// adminQuotas sets requests per second by family: {"kms:Cryptography": 500}. 0 is no limit.
func (s *Server) adminQuotas(r *http.Request) (any, error) {
	var in map[string]float64
	if err := decodeAdmin(r, &in); err != nil {
		return nil, err
	}
	for family, perSecond := range in {
		if err := s.SetQuota(family, perSecond); err != nil {
			return nil, err
		}
	}
	return s.Quotas(), nil
}

// adminClock moves the clocks by Go durations: {"advance": "168h"} and {"skew": "10m"}.
func (s *Server) adminClock(r *http.Request) (any, error) {
	var in struct {
		Advance string `json:"advance"`
		Skew    string `json:"skew"`
	}
	if err := decodeAdmin(r, &in); err != nil {
		return nil, err
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, err
		}
		s.Advance(d)
	}
	if in.Skew != "" {
		d, err := time.ParseDuration(in.Skew)
		if err != nil {
			return nil, err
		}
		s.SetSkew(d)
	}
	return map[string]time.Time{"now": s.Now().UTC(), "signing": s.clock.signing().UTC()}, nil
}

// adminReset forgets what "what" names, or everything: calls, faults, clock, state.
func (s *Server) adminReset(r *http.Request) (any, error) {
	var in struct {
		What []string `json:"what"`
	}
	if err := decodeAdmin(r, &in); err != nil {
		return nil, err
	}
	resets := map[string]func(){"calls": s.ResetCalls, "faults": s.ClearFaults, "clock": s.ResetClock, "state": s.ResetState}
	for _, what := range in.What {
		if resets[what] == nil {
			return nil, errors.New("nothing to reset is called " + what)
		}
	}
	if len(in.What) == 0 {
		s.Reset()
	}
	for _, what := range in.What {
		resets[what]()
	}
	return map[string]string{"status": "ok"}, nil
}

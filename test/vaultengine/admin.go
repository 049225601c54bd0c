package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// addFaults takes one fault or a list of them; it takes all or none.
func (e *Engine) addFaults(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		respondError(w, http.StatusBadRequest, err)
		return
	}
	rules, err := parseFaults(body)
	if err != nil {
		respondError(w, http.StatusBadRequest, err)
		return
	}
	e.faults.add(rules)
	respondJSON(w, http.StatusOK, e.faults.list())
}

// parseFaults refuses a field that it does not know: a fault that never hits would let a test pass for nothing.
func parseFaults(body []byte) ([]Fault, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	rules := make([]Fault, 1)
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		err = decoder.Decode(&rules)
	} else {
		err = decoder.Decode(&rules[0])
	}
	if err != nil {
		return nil, fmt.Errorf("a fault or a list of faults: %w", err)
	}
	for i := range rules {
		if err := rules[i].validate(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i, err)
		}
	}
	return rules, nil
}

func (e *Engine) listFaults(w http.ResponseWriter, _ *http.Request) {
	respondJSON(w, http.StatusOK, e.faults.list())
}

func (e *Engine) clearFaults(w http.ResponseWriter, _ *http.Request) {
	e.faults.clear()
	w.WriteHeader(http.StatusNoContent)
}

func (e *Engine) listCalls(w http.ResponseWriter, _ *http.Request) {
	respondJSON(w, http.StatusOK, e.calls.snapshot())
}

func (e *Engine) clearCalls(w http.ResponseWriter, _ *http.Request) {
	e.calls.clear()
	w.WriteHeader(http.StatusNoContent)
}

// reset removes faults and calls, and with ?data=true also all that the mounts hold.
func (e *Engine) reset(w http.ResponseWriter, r *http.Request) {
	data := false
	if asked := r.URL.Query().Get("data"); asked != "" {
		var err error
		if data, err = strconv.ParseBool(asked); err != nil {
			respondError(w, http.StatusBadRequest, errors.New("data is true or false"))
			return
		}
	}
	e.faults.clear()
	if data {
		if err := e.renewMounts(r.Context()); err != nil {
			respondError(w, http.StatusInternalServerError, err)
			return
		}
	}
	e.calls.clear()
	w.WriteHeader(http.StatusNoContent)
}

package main

import (
	"net/http"
	"strings"
	"sync"
)

// maxCalls bounds the list of calls; the counts go on.
const maxCalls = 20_000

// Call is one request below /v1/ as it was seen. It holds no value and no token.
type Call struct {
	Method    string `json:"method"` // GET, LIST, POST (also for PUT), PATCH, DELETE, …
	Path      string `json:"path"`   // below /v1/
	Namespace string `json:"namespace,omitempty"`
	Fault     string `json:"fault,omitempty"` // the kind of fault that hit it
	Status    int    `json:"status"`          // what was answered, or would have been had the answer not been lost; 0: none (yet)
}

// Calls is the answer of /_engine/calls.
type Calls struct {
	Total  int            `json:"total"`
	Counts map[string]int `json:"counts"` // by method
	Calls  []Call         `json:"calls"`  // in order of arrival; the first 20,000
}

type callLog struct {
	mu     sync.Mutex
	total  int
	counts map[string]int
	calls  []*Call
}

func (l *callLog) begin(r *http.Request) *Call {
	call := &Call{
		Method:    method(r),
		Path:      vaultPath(r),
		Namespace: strings.Trim(r.Header.Get("X-Vault-Namespace"), "/"),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.total++
	l.counts[call.Method]++
	if len(l.calls) < maxCalls {
		l.calls = append(l.calls, call)
	}
	return call
}

func (l *callLog) mark(call *Call, fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	call.Fault = fault
}

func (l *callLog) answered(call *Call, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	call.Status = status
}

func (l *callLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.counts, l.calls = 0, nil, nil
}

func (l *callLog) snapshot() Calls {
	l.mu.Lock()
	defer l.mu.Unlock()
	snapshot := Calls{Total: l.total, Counts: map[string]int{}, Calls: make([]Call, 0, len(l.calls))}
	for method, count := range l.counts {
		snapshot.Counts[method] = count
	}
	for _, call := range l.calls {
		snapshot.Calls = append(snapshot.Calls, *call)
	}
	return snapshot
}

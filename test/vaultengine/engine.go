package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-cleanhttp"
)

// maxRequestSize is Vault's default limit of a request's body, in bytes.
const maxRequestSize = 32 << 20

// Options say what an Engine serves.
type Options struct {
	Token    string
	TokenTTL time.Duration // 0: the token never ends
	Mounts   []string      // paths with or without the slash at the end
	Seed     uint64
}

// Engine answers Vault's HTTP API for KV v2 mounts that run the real secrets engine on in-memory storage.
type Engine struct {
	token  *token
	faults *faults
	calls  *callLog
	paths  []string

	mu     sync.RWMutex
	mounts mountTable

	released    chan struct{}
	releaseOnce sync.Once
}

// New starts the mounts; each takes writes when it returns.
func New(ctx context.Context, options Options) (*Engine, error) {
	mounts, err := newMountTable(ctx, options.Mounts)
	if err != nil {
		return nil, err
	}
	return &Engine{
		token:    newToken(options.Token, options.TokenTTL, time.Now),
		faults:   newFaults(options.Seed),
		calls:    &callLog{},
		paths:    options.Mounts,
		mounts:   mounts,
		released: make(chan struct{}),
	}, nil
}

// Handler serves Vault's API below /v1/ and the engine's own below /_engine/.
func (e *Engine) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/", e.serveVault)
	mux.HandleFunc("GET /_engine/faults", e.listFaults)
	mux.HandleFunc("POST /_engine/faults", e.addFaults)
	mux.HandleFunc("DELETE /_engine/faults", e.clearFaults)
	mux.HandleFunc("GET /_engine/calls", e.listCalls)
	mux.HandleFunc("DELETE /_engine/calls", e.clearCalls)
	mux.HandleFunc("POST /_engine/reset", e.reset)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		respondError(w, http.StatusNotFound, nil)
	})
	return cleanhttp.PrintablePathCheckHandler(mux, nil)
}

// Release ends every call that a fault holds open, now and later.
func (e *Engine) Release() {
	e.releaseOnce.Do(func() { close(e.released) })
}

// Close releases held calls and ends the mounts.
func (e *Engine) Close() {
	e.Release()
	e.mountTable().close()
}

func (e *Engine) mountTable() mountTable {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.mounts
}

// renewMounts replaces all mounts by empty ones.
func (e *Engine) renewMounts(ctx context.Context) error {
	mounts, err := newMountTable(ctx, e.paths)
	if err != nil {
		return err
	}
	e.mu.Lock()
	old := e.mounts
	e.mounts = mounts
	e.mu.Unlock()
	old.close()
	return nil
}

func (e *Engine) serveVault(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxRequestSize)
	call := e.calls.begin(r)
	kept := &statusWriter{ResponseWriter: w, record: func(status int) { e.calls.answered(call, status) }}

	fault, hit := e.faults.match(call.Method, call.Path)
	if !hit {
		e.answer(kept, r)
		return
	}
	e.calls.mark(call, fault.Kind)
	e.inject(fault, kept, r)
}

// answer does what Vault does when nothing goes wrong.
func (e *Engine) answer(w http.ResponseWriter, r *http.Request) {
	path := vaultPath(r)
	if serveOpen(w, r, path) {
		return
	}
	if !e.token.accepts(requestToken(r)) {
		respondError(w, http.StatusForbidden, errDenied)
		return
	}
	if e.serveToken(w, r, path) || e.serveSystem(w, r, path) {
		return
	}
	e.serveMount(w, r)
}

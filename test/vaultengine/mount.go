package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-uuid"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/sdk/logical"
)

const (
	readyTimeout = 10 * time.Second
	readyProbe   = "keeper-engine-ready"

	defaultLease = 768 * time.Hour
)

// mount is one KV v2 secrets engine at a path, which ends in a slash.
type mount struct {
	path, uuid, accessor string
	backend              logical.Backend
	storage              logical.Storage
}

// mountTable is ordered by path, longest first, so that the first match is the right one.
type mountTable []*mount

func newMountTable(ctx context.Context, paths []string) (mountTable, error) {
	var table mountTable
	for _, path := range paths {
		path = strings.Trim(path, "/") + "/"
		if path == "/" || strings.HasPrefix(path, "sys/") || strings.HasPrefix(path, "auth/") {
			return nil, fmt.Errorf("mount %q: not a path for a secrets engine", path)
		}
		if slices.ContainsFunc(table, func(m *mount) bool { return m.path == path }) {
			return nil, fmt.Errorf("mount %q: named twice", path)
		}
		m, err := newMount(ctx, path)
		if err != nil {
			table.close()
			return nil, fmt.Errorf("mount %q: %w", path, err)
		}
		table = append(table, m)
	}
	slices.SortFunc(table, func(a, b *mount) int { return len(b.path) - len(a.path) })
	return table, nil
}

// find returns the mount that owns path; the path of a mount itself may lack its slash.
func (t mountTable) find(path string) *mount {
	for _, m := range t {
		if strings.HasPrefix(path, m.path) || path+"/" == m.path {
			return m
		}
	}
	return nil
}

func (t mountTable) close() {
	for _, m := range t {
		m.backend.Cleanup(context.Background())
	}
}

func newMount(ctx context.Context, path string) (*mount, error) {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return nil, err
	}
	storage := logical.NewStorageView(&logical.InmemStorage{}, "logical/"+id+"/")
	config := &logical.BackendConfig{
		StorageView: storage,
		Logger:      hclog.NewNullLogger(),
		System:      &logical.StaticSystemView{DefaultLeaseTTLVal: defaultLease, MaxLeaseTTLVal: defaultLease},
		BackendUUID: id,
		Config:      map[string]string{"version": "2"},
	}
	// The engine checks for an upgrade under this context, after Factory returned.
	backend, err := kv.Factory(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, err
	}
	m := &mount{path: path, uuid: id, accessor: "kv_" + id[:8], backend: backend, storage: storage}
	if err := backend.Initialize(ctx, &logical.InitializationRequest{Storage: storage}); err != nil {
		return nil, err
	}
	return m, m.waitReady(ctx)
}

// waitReady returns when a write works: a new KV v2 engine refuses calls until its upgrade check is over.
func (m *mount) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := m.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
}

// probe writes a name and removes every trace of it.
func (m *mount) probe(ctx context.Context) error {
	write := &logical.Request{
		Operation: logical.UpdateOperation,
		Path:      m.path + "data/" + readyProbe,
		Data:      map[string]any{"data": map[string]any{"ready": "yes"}},
	}
	remove := &logical.Request{Operation: logical.DeleteOperation, Path: m.path + "metadata/" + readyProbe}
	for _, req := range []*logical.Request{write, remove} {
		resp, err := m.handle(ctx, req)
		if err := errors.Join(err, resp.Error()); err != nil {
			return err
		}
	}
	return nil
}

// handle routes a request as Vault's core does: the engine sees the path below the mount, and learns by its own
// existence check whether a write creates or updates.
func (m *mount) handle(ctx context.Context, req *logical.Request) (*logical.Response, error) {
	writes := req.Operation == logical.UpdateOperation || req.Operation == logical.PatchOperation
	if writes && strings.HasSuffix(req.Path, "/") {
		return logical.ErrorResponse("cannot write to a path ending in '/'"), nil
	}
	if req.Path+"/" == m.path {
		req.Path = m.path
	}
	req.Path = strings.TrimPrefix(req.Path, m.path)
	req.MountPoint, req.MountType, req.Storage = m.path, "kv", m.storage
	if req.Operation == logical.UpdateOperation {
		checked, exists, err := m.backend.HandleExistenceCheck(ctx, req)
		if err != nil && !errors.Is(err, logical.ErrUnsupportedPath) {
			return logical.ErrorResponse("internal error"), nil // as Vault says it; err may quote a value
		}
		if checked && !exists {
			req.Operation = logical.CreateOperation
		}
	}
	return m.backend.HandleRequest(ctx, req)
}

func (e *Engine) serveMount(w http.ResponseWriter, r *http.Request) {
	req, status, err := logicalRequest(r)
	if status != 0 {
		respondError(w, status, err)
		return
	}
	m := e.mountTable().find(req.Path)
	if m == nil {
		respondError(w, http.StatusNotFound, fmt.Errorf("no handler for route %q. route entry not found.", req.Path)) //nolint:staticcheck // Vault's own words
		return
	}
	resp, err := m.handle(r.Context(), req)
	respondLogical(w, req, resp, err)
}

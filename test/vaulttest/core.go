//go:build vaultcore

package vaulttest

import (
	"cmp"
	"testing"
	"time"
)

// The storages of Vault's core.
const (
	Inmem = "inmem"
	File  = "file"
	Raft  = "raft"
)

// CoreOptions say how the core starts; the zero value is one in memory.
type CoreOptions struct {
	Addr       string        // host:port; empty: a free port on 127.0.0.1
	Storage    string        // Inmem, File or Raft; empty: Inmem
	Dir        string        // File and Raft: where the data is, to start again on it; empty: a folder of the test's own
	AppRole    bool          // make a role that may use the mounts only
	AppRoleTTL time.Duration // how long a token of that role lives between renewals; 0: an hour
}

// StartCore runs Vault's real core, unsealed, for as long as the test lasts.
func StartCore(t testing.TB, options CoreOptions) *Server {
	t.Helper()
	storage := cmp.Or(options.Storage, Inmem)
	args := []string{"-addr", cmp.Or(options.Addr, "127.0.0.1:0"), "-storage", storage}
	dir := options.Dir
	if storage != Inmem {
		if dir == "" {
			dir = t.TempDir()
		}
		args = append(args, "-dir", dir)
	}
	if options.AppRole {
		args = append(args, "-approle")
	}
	if options.AppRoleTTL > 0 {
		args = append(args, "-approle-ttl", options.AppRoleTTL.String())
	}
	server := start(t, "vaultcore", args...)
	server.Dir = dir
	return server
}

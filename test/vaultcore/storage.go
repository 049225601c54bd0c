package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/physical/raft"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
)

const (
	storageInmem = "inmem"
	storageFile  = "file"
	storageRaft  = "raft"
)

func checkStorage(kind, dir string) error {
	switch kind {
	case storageInmem:
		if dir != "" {
			return errors.New("-dir is for -storage file and raft")
		}
	case storageFile, storageRaft:
		if dir == "" {
			return fmt.Errorf("-storage %s needs -dir", kind)
		}
	default:
		return fmt.Errorf("-storage is inmem, file or raft, not %q", kind)
	}
	return nil
}

// openStorage opens the storage with Vault's default settings, except that a raft node alone does not wait long before
// it elects itself. Durability is Vault's own: raft syncs each entry to the disk.
func openStorage(kind, dir string, logger hclog.Logger) (physical.Backend, error) {
	switch kind {
	case storageFile:
		path := filepath.Join(dir, "file")
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		return file.NewFileBackend(map[string]string{"path": path}, logger)
	case storageRaft:
		path := filepath.Join(dir, "raft")
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		config := map[string]string{"path": path, "node_id": "vaultcore", "performance_multiplier": "1"}
		return raft.NewRaftBackend(config, logger)
	default:
		return inmem.NewInmem(nil, logger)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// keys open a Vault. They are kept beside its data, which is right for a test and for nothing else.
type keys struct {
	UnsealKey []byte `json:"unseal_key"`
	RootToken string `json:"root_token"`
}

func keysPath(dir string) string { return filepath.Join(dir, "keys.json") }

// save keeps the keys in dir; without dir they live in memory only, as the data does.
func (k keys) save(dir string) error {
	if dir == "" {
		return nil
	}
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return os.WriteFile(keysPath(dir), text, 0o600)
}

func loadKeys(dir string) (keys, error) {
	text, err := os.ReadFile(keysPath(dir))
	if err != nil {
		return keys{}, fmt.Errorf("the storage is initialised, but its keys are missing: %w", err)
	}
	var k keys
	if err := json.Unmarshal(text, &k); err != nil {
		return keys{}, fmt.Errorf("%s is not readable as keys", keysPath(dir))
	}
	return k, nil
}

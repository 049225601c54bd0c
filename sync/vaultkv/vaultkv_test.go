package vaultkv_test

import (
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/test/vaulttest"
)

func engine(t *testing.T) vault {
	t.Helper()
	s := vaulttest.StartEngine(t, vaulttest.EngineOptions{})
	return vault{s.URL, s.Token, s.Mount}
}

func TestConformance(t *testing.T) {
	v := engine(t)
	drivertest.Run(t, func(t *testing.T) drivertest.Counterpart { return start(t, v, nil) })
}

// A mount may refuse every write that does not say which version it replaces.
func TestConformanceCASRequired(t *testing.T) {
	v := engine(t)
	client, err := api.NewClient(&api.Config{Address: v.url})
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(v.token)
	if _, err := client.Logical().Write(v.mount+"/config", map[string]any{"cas_required": true}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Logical().Write(v.mount+"/data/blind", map[string]any{"data": map[string]any{"value": "v"}}); err == nil {
		t.Fatal("the mount takes blind writes")
	}
	drivertest.Run(t, func(t *testing.T) drivertest.Counterpart { return start(t, v, nil) })
}

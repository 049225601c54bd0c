package vaultkv_test

import (
	"testing"

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

package awssm_test

import (
	"testing"

	"github.com/your-org/keeper/sync/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Counterpart { return start(t) })
}

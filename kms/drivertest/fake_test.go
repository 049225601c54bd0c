package drivertest_test

import (
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

func TestFake(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Harness {
		fake := drivertest.NewFake(models.RecipientKMS, "fake-a", "fake-b")
		denied := fault.New(fault.Unavailable, "The key fake-a refuses.")
		return drivertest.Harness{
			Wrapper: fake, Foreign: drivertest.NewFake(models.RecipientKMS, "fake-c"),
			DefaultKey: "fake-a", OtherKey: "fake-b", OtherKeyID: "fake-b", UnknownKey: "fake-z",
			Outages: map[string]drivertest.Outage{
				"cut off": {Says: "away", Begin: func(*testing.T) func() { fake.CutOff(); return fake.Mend }},
				"denied": {Says: "refuses", Begin: func(*testing.T) func() {
					for _, op := range []drivertest.Op{drivertest.OpGenerate, drivertest.OpUnwrap, drivertest.OpRewrap} {
						fake.Fail(op, denied)
					}
					return fake.Mend
				}},
			},
		}
	})
}

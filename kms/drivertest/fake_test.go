package drivertest_test

import (
	"testing"

	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

func TestFake(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Harness {
		fake := drivertest.NewFake(models.RecipientKMS, "fake-a", "fake-b")
		return drivertest.Harness{
			Wrapper: fake, Foreign: drivertest.NewFake(models.RecipientKMS, "fake-c"),
			DefaultKey: "fake-a", OtherKey: "fake-b", OtherKeyID: "fake-b", UnknownKey: "fake-z",
			Outages: map[string]drivertest.Outage{
				"cut off":     {Says: "away", Silent: true, Begin: func(*testing.T) func() { fake.CutOff(); return fake.Mend }},
				"key cut off": {Says: "away", Silent: true, Begin: func(*testing.T) func() { fake.CutOffKey("fake-a"); return fake.Mend }},
				"denied":      {Says: "disabled", Begin: func(*testing.T) func() { fake.Refuse(); return fake.Mend }},
				"key denied":  {Says: "disabled", Begin: func(*testing.T) func() { fake.RefuseKey("fake-a"); return fake.Mend }},
			},
		}
	})
}

package models_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestDestinationBesideValues(t *testing.T) {
	many := map[string]string{}
	for i := range 41 {
		many["t"+strings.Repeat("x", i)] = "v"
	}
	for name, c := range map[string]struct {
		config models.DestinationConfig
		ok     bool
	}{
		"Nothing":     {models.DestinationConfig{}, true},
		"Tags":        {models.DestinationConfig{Tags: map[string]string{"cost center": "a/b_c@d", "empty": ""}}, true},
		"Replicas":    {models.DestinationConfig{ReplicaRegions: []string{"us-east-1", "eu-west-1"}}, true},
		"KeepersTag":  {models.DestinationConfig{Tags: map[string]string{"Keeper:owner": "x"}}, false},
		"AWSsTag":     {models.DestinationConfig{Tags: map[string]string{"aws:x": "x"}}, false},
		"NoKey":       {models.DestinationConfig{Tags: map[string]string{"": "x"}}, false},
		"LongValue":   {models.DestinationConfig{Tags: map[string]string{"k": strings.Repeat("x", 257)}}, false},
		"Character":   {models.DestinationConfig{Tags: map[string]string{"k": "a&b"}}, false},
		"ManyTags":    {models.DestinationConfig{Tags: many}, false},
		"OwnRegion":   {models.DestinationConfig{ReplicaRegions: []string{"eu-central-1"}}, false},
		"Twice":       {models.DestinationConfig{ReplicaRegions: []string{"us-east-1", "us-east-1"}}, false},
		"NotARegion":  {models.DestinationConfig{ReplicaRegions: []string{"us east"}}, false},
		"EmptyRegion": {models.DestinationConfig{ReplicaRegions: []string{""}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.Region = "eu-central-1"
			d := models.Destination{Name: "d", Kind: models.DestinationAWS, Config: c.config}
			if err := d.Validate(); (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, want ok %t", err, c.ok)
			}
		})
	}
}

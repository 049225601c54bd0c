package models_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/models"
)

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		shape               models.Shape
		secret, folder, key string
	}{
		{models.ShapeFolder, "db/main/user", "db/main", "user"},
		{models.ShapeFolder, "db/user", "db", "user"},
		{models.ShapeFolder, "user", "root", "user"},
		{models.ShapeFolder, "root/user", "root", "user"},
		{models.ShapeBundle, "db/main/user", "all", "db/main/user"},
		{models.ShapeBundle, "user", "all", "user"},
	} {
		config := models.DestinationConfig{Shape: c.shape, BundleName: "all"}
		if folder, key := config.Place(c.secret); folder != c.folder || key != c.key {
			t.Errorf("%s %s stands in %s under %s", c.shape, c.secret, folder, key)
		}
	}
}

func TestGroupIDs(t *testing.T) {
	if id, grouped := models.GroupOf(models.SyncGroupID(7).SecretID()); id != 7 || !grouped {
		t.Errorf("group 7 is %d, %v", id, grouped)
	}
	if _, grouped := models.GroupOf(7); grouped {
		t.Error("a secret passes for a group")
	}
}

func TestGroupsAndStrategies(t *testing.T) {
	for _, shape := range models.Shapes {
		for _, strategy := range models.Strategies {
			d := models.Destination{Name: "one", Kind: models.DestinationMemory, Config: models.DestinationConfig{Shape: shape, Strategy: strategy}}
			if shape == models.ShapeBundle {
				d.Config.BundleName = "all"
			}
			err := d.Validate()
			refused := err != nil && strings.Contains(err.Error(), "config.strategy")
			if want := shape.Grouped() && strategy == models.NewestWins; refused != want {
				t.Errorf("%s with %s: %v", shape, strategy, err)
			}
		}
	}
}

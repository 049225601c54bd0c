package destinations_test

import (
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// TestConnectingAProtectedEnvironment holds that saying who gets the values of a protected
// environment takes what seeing one takes: else whoever must not reveal would just have them
// written to a place of its own.
func TestConnectingAProtectedEnvironment(t *testing.T) {
	h := sqlite(t)
	on := true
	if _, err := h.secrets.UpdateEnvironment(t.Context(), admin, h.env.ID, secrets.EnvironmentChange{Protected: &on}, 0); err != nil {
		t.Fatal(err)
	}
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", UserID: "usr_m", Name: "mo", Role: models.RoleUser, ProvenAt: time.Now(),
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	stale, token, named := manager, manager, manager
	stale.ProvenAt = time.Now().Add(-time.Hour)
	token.Kind, token.ProvenAt, token.Scope = models.ActorToken, time.Time{}, &models.TokenScope{}
	named.Kind, named.ProvenAt = models.ActorToken, time.Time{}
	named.Scope = &models.TokenScope{Actions: []string{"secret.reveal", "destination.manage"}}
	for name, c := range map[string]struct {
		actor models.Actor
		kind  fault.Kind // Internal: it may
	}{"Fresh": {manager, fault.Internal}, "Stale": {stale, fault.Unproven}, "Token": {token, fault.Forbidden}, "NamedToken": {named, fault.Internal}} {
		t.Run(name, func(t *testing.T) {
			refused := func(what string, err error) {
				t.Helper()
				if c.kind == fault.Internal && err != nil || c.kind != fault.Internal && !fault.Is(err, c.kind) {
					t.Errorf("%s: %v", what, err)
				}
			}
			own := models.DestinationCredentials{AccessKeyID: models.NewPlaintext([]byte("a")), SecretAccessKey: models.NewPlaintext([]byte("b"))}
			draft := destinations.Draft{
				Environment: h.env.ID, Name: "aws-" + strings.ToLower(name), Kind: models.DestinationAWS, Credentials: own, SkipCheck: true,
				Config: overlapping(models.DestinationConfig{Region: "eu-central-1"}),
			}
			_, err := h.Create(t.Context(), c.actor, draft)
			refused("connecting", err)
			draft.Name = "made-" + strings.ToLower(name)
			made, err := h.Create(t.Context(), manager, draft)
			if err != nil {
				t.Fatal(err)
			}
			change := func(edit func(*models.DestinationConfig)) destinations.Change {
				config := made.Config
				edit(&config)
				return destinations.Change{Config: &config, SkipCheck: true}
			}
			for what, one := range map[string]destinations.Change{
				"other credentials": {Credentials: &own, SkipCheck: true},
				"another key":       change(func(c *models.DestinationConfig) { c.KMSKeyID = "alias/" + strings.ToLower(name) }),
				"a replica":         change(func(c *models.DestinationConfig) { c.ReplicaRegions = []string{"eu-west-1"} }),
			} {
				_, err := h.Update(t.Context(), c.actor, made.ID, one, 0)
				refused(what, err)
			}
			// What changes nothing of who gets them goes on as ever.
			paused := true
			for what, one := range map[string]destinations.Change{
				"pausing": {Paused: &paused}, "a strategy": change(func(c *models.DestinationConfig) { c.Strategy = models.ManualWins }),
			} {
				if what == "a strategy" { // of what stands by now
					now, _, err := h.Get(t.Context(), manager, made.ID)
					if err != nil {
						t.Fatal(err)
					}
					now.Config.Strategy = models.ManualWins
					one.Config = &now.Config
				}
				if _, err := h.Update(t.Context(), c.actor, made.ID, one, 0); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

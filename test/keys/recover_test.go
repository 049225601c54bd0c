package keystest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// TestKMSKeyLost loses the KMS keys for ever: what is left is a copy of the database and the
// offline recipient's identity. Every value comes back, under another KMS key or a local one.
func TestKMSKeyLost(t *testing.T) {
	s := &siege{ledger: new(ledger), identity: newIdentity(t)}
	s.world = newWorld(t, store.SQLite, standin.Options{}, onKMS("KEEPER_DATA_KEY_MAX_USES=8")...)
	s.start(t)
	s.alpha, s.beta = s.environment(t, "alpha"), s.environment(t, "beta")
	for _, e := range []api.Environment{s.alpha, s.beta} {
		s.recipient(t, e, models.RecipientRecovery, s.identity.Recipient().String())
	}
	s.ledger.fill(t, s.client, 30, 4, s.alpha, s.beta)
	s.syncedDestination(t)

	for name, settings := range map[string][]string{
		"OntoAnotherKMSKey": onKMS(),
		"OntoALocalKey":     {"KEY_MANAGEMENT_BACKEND=local", "KMS_KEY_ALIAS="},
	} {
		t.Run(name, func(t *testing.T) {
			// A stand-in of its own: none of the keys of before is in it.
			n := newWorld(t, store.SQLite, standin.Options{}, settings...)
			s.copyDatabase(t, n.store.Path)
			n.token = s.token
			identity := filepath.Join(n.keeper.Dir, "identity.txt")
			if err := os.WriteFile(identity, []byte(s.identity.String()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out := n.command(t, "", "kms", "recover", "--identity", identity)
			if strings.Contains(out, "AGE-SECRET-KEY") {
				t.Error("the command prints the identity")
			}
			if err := os.Remove(identity); err != nil {
				t.Fatal(err)
			}
			n.start(t)
			for _, e := range s.ledger.entries {
				for number := range e.values {
					if err := e.check(t.Context(), s.ledger, n.client, number+1); err != nil {
						t.Errorf("%v\nKeeper said:\n%s", err, n.log)
					}
				}
			}
			n.goesOn(t, s)
		})
	}
}

func environmentPath(e api.Environment) string {
	return "/api/environments/" + api.EnvironmentByID(e.ID).String()
}

// syncedDestination has credentials sealed, too.
func (s *siege) syncedDestination(t *testing.T) {
	t.Helper()
	_, err := s.client.CreateDestination(t.Context(), api.NewDestination{
		EnvironmentID: api.EnvironmentByID(s.alpha.ID), Name: "aws", Kind: "aws_secrets_manager", SkipCheck: true,
		Config:      api.DestinationConfig{Region: abroad, Endpoint: s.aws.URL},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// copyDatabase makes the copy that a backup is, beside the running server.
func (s *siege) copyDatabase(t *testing.T, to string) {
	t.Helper()
	db := s.sqlite(t)
	if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", to); err != nil {
		t.Fatal(err)
	}
}

// goesOn holds that the Keeper which came back works as any other: it writes, and its
// destination's credentials open.
func (w *world) goesOn(t *testing.T, s *siege) {
	t.Helper()
	made, err := w.client.CreateSecret(t.Context(), api.NewSecret{
		EnvironmentID: api.EnvironmentByID(s.beta.ID), Name: "after/the/loss", SecretType: "TEXT", Value: api.NewValue("written after the loss"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.client.RevealSecret(t.Context(), made.ID)
	if err != nil || got.Value.Reveal() != "written after the loss" {
		t.Errorf("what was written after the loss is not read: %v", err)
	}
	list, err := w.client.ListDestinations(t.Context(), api.ListDestinationsParams{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d destinations, %v", len(list.Items), err)
	}
	if _, err := w.client.TestDestination(t.Context(), list.Items[0].ID); err != nil {
		t.Errorf("the destination's credentials: %v", err)
	}
	keys, err := w.client.ListKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys.Items {
		for _, usage := range key.Usages {
			if usage.Missing != 0 {
				t.Errorf("%s: %d data keys of %s are not wrapped under it", key.Name, usage.Missing, usage.Environment)
			}
		}
		if key.Problem != "" {
			t.Errorf("%s: %s", key.Name, key.Problem)
		}
	}
}

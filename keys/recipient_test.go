package keys_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
)

func withRecovery(t *testing.T) (h *house, identity *age.X25519Identity) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	h = newHouse(t, setup{others: []kms.Wrapper{recovery.New()}})
	h.write(t, 10)
	return h, identity
}

func (h *house) add(t *testing.T, kind models.RecipientKind, key string) {
	t.Helper()
	p, err := h.AddRecipient(t.Context(), admin, models.Recipient{EnvironmentID: h.env.ID, Kind: kind, Key: key, Label: "safe"})
	if err != nil {
		t.Fatal(err)
	}
	if p = h.finish(t, p.ID); p.Status != models.KeyRunSucceeded {
		t.Fatalf("the re-wrap ended as %+v", p.KeyRun)
	}
}

func TestRecipients(t *testing.T) {
	h, identity := withRecovery(t)
	recipient := identity.Recipient().String()
	h.add(t, models.RecipientKMS, "b/three")
	h.add(t, models.RecipientRecovery, recipient)
	u := h.under(t)
	if u["a/one"] != u[""] || u["b/three"] != u[""] || u[recipient] != u[""] {
		t.Errorf("what stands under what: %v", u)
	}
	h.write(t, 5)
	if u := h.under(t); u[recipient] != u[""] {
		t.Errorf("new data keys are not wrapped for all: %v", u)
	}
	refused := map[string]models.Recipient{
		"one that stands":         {Kind: models.RecipientKMS, Key: "b/three"},
		"its own key":             {Kind: models.RecipientKMS, Key: "a/one"},
		"a key that is not there": {Kind: models.RecipientKMS, Key: "a/none"},
		"no age recipient":        {Kind: models.RecipientRecovery, Key: "age1nothing"},
		"the master key":          {Kind: models.RecipientLocal, Key: "x"},
	}
	fields := map[string]models.Recipient{
		"no age recipient at all": {Kind: models.RecipientRecovery, Key: "keeper"},
		"half an age recipient":   {Kind: models.RecipientRecovery, Key: recipient[:40]},
		"no key":                  {Kind: models.RecipientKMS},
		"a KMS key by a bad ARN":  {Kind: models.RecipientKMS, Key: "arn:aws:kms:eu-central-1:nobody:key/1"},
		"an ARN of S3":            {Kind: models.RecipientKMS, Key: "arn:aws:s3:::bucket"},
		"a key that is not there": {Kind: models.RecipientKMS, Key: "a/none"},
	}
	for name, r := range fields {
		r.EnvironmentID = h.env.ID
		_, err := h.AddRecipient(t.Context(), admin, r)
		if wrong := fault.Public(err); wrong.Kind != fault.Invalid || len(wrong.Fields) != 1 || wrong.Fields[0].Name != "key" {
			t.Errorf("%s: got %+v, want Invalid for the field key", name, wrong)
		}
	}
	for name, r := range refused {
		r.EnvironmentID = h.env.ID
		if _, err := h.AddRecipient(t.Context(), admin, r); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	t.Run("none is removed that alone opens", func(t *testing.T) {
		h.kms.CutOff()
		defer h.kms.Mend()
		if _, err := h.RemoveRecipient(t.Context(), admin, h.env.ID, models.RecipientRecovery, recipient); err == nil {
			t.Error("the only recipient that could open was removed")
		}
	})
	p, err := h.RemoveRecipient(t.Context(), admin, h.env.ID, models.RecipientKMS, "b/three")
	if err != nil {
		t.Fatal(err)
	}
	if p = h.finish(t, p.ID); p.Status != models.KeyRunSucceeded || !strings.Contains(p.Hint, "b/three any more; it may be disabled") {
		t.Errorf("the removal ended as %s: %q", p.Status, p.Hint)
	}
	if u := h.under(t); u["b/three"] != 0 || u["a/one"] != u[""] {
		t.Errorf("what stands under what: %v", u)
	}
	if _, err := h.RemoveRecipient(t.Context(), admin, h.env.ID, models.RecipientKMS, "b/three"); !fault.Is(err, fault.NotFound) {
		t.Errorf("removing it again: %v, want NotFound", err)
	}
	h.readAll(t)
	t.Run("the report", func(t *testing.T) {
		all, err := h.Report(t.Context(), auditor)
		if err != nil {
			t.Fatal(err)
		}
		roles := map[string]string{}
		for _, k := range all {
			role := ""
			for _, usage := range k.Usages {
				role += string(usage.Role)
				if usage.Missing != 0 || usage.Versions != 15 {
					t.Errorf("%s: %d are missing, %d versions", k.ID, usage.Missing, usage.Versions)
				}
			}
			if k.CanClose {
				role += "may be closed"
			}
			roles[k.ID] = role
		}
		if len(roles) != 3 || roles["a/one"] != "primary" || roles[recipient] != "recovery" || roles["b/three"] != "may be closed" {
			t.Errorf("the roles are %v", roles)
		}
	})
}

func TestDrill(t *testing.T) {
	h, identity := withRecovery(t)
	recipient := identity.Recipient().String()
	h.add(t, models.RecipientRecovery, recipient)
	drill := func(t *testing.T) (online, offline keys.DrillResult) {
		t.Helper()
		all, err := h.Drill(t.Context(), admin, h.env.ID)
		if err != nil || len(all) != 2 || all[1].Challenge == nil {
			t.Fatalf("the drill: %+v, %v", all, err)
		}
		return all[0], all[1]
	}
	answer := func(t *testing.T, by *age.X25519Identity, c *keys.Challenge) []byte {
		t.Helper()
		text, err := recovery.Answer(strings.NewReader(by.String()), c.Blob, c.Recipient, c.Context, c.Nonce)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	online, offline := drill(t)
	if !online.OK || offline.OK || online.Sample == "" {
		t.Errorf("the drill: %+v and %+v", online, offline)
	}
	c := offline.Challenge
	r, err := h.Prove(t.Context(), admin, h.env.ID, *c, answer(t, identity, c))
	if err != nil || !r.OK || r.Label != "safe" {
		t.Errorf("the right answer: %+v, %v", r, err)
	}
	all, err := h.Environment(t.Context(), auditor, h.env.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if d := k.Usages[0].Drill; d == nil || d.ProvedAt == nil {
			t.Errorf("%s was not proved: %+v", k.ID, d)
		}
	}
	t.Run("a wrong answer", func(t *testing.T) {
		r, err := h.Prove(t.Context(), admin, h.env.ID, *c, bytes.Repeat([]byte{7}, 32))
		if err != nil || r.OK || r.Error == "" {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	t.Run("a nonce of another challenge", func(t *testing.T) {
		other := *c
		other.Nonce = bytes.Clone(c.Nonce)
		other.Nonce[3] ^= 1
		if _, err := h.Prove(t.Context(), admin, h.env.ID, other, answer(t, identity, &other)); !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v, want Invalid", err)
		}
	})
	t.Run("too late", func(t *testing.T) {
		right := answer(t, identity, c)
		h.clock.move(2 * time.Hour)
		if _, err := h.Prove(t.Context(), admin, h.env.ID, *c, right); !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want Conflict", err)
		}
	})
	t.Run("KMS is away", func(t *testing.T) {
		h.kms.CutOff()
		defer h.kms.Mend()
		if online, _ := drill(t); online.OK || online.Error == "" {
			t.Errorf("the drill of a key that is away: %+v", online)
		}
	})
}

// TestRecover loses the KMS key: with the rows and the offline identity alone every value
// comes back.
func TestRecover(t *testing.T) {
	h, identity := withRecovery(t)
	h.add(t, models.RecipientRecovery, identity.Recipient().String())
	h.destination(t)
	h.kms = drivertest.NewFake(models.RecipientKMS, "c/new") // a/one is gone for good
	h.backends[0] = h.kms
	h.serve(t)
	for id := range h.wrote {
		if _, err := h.secrets.Reveal(t.Context(), admin, id, 1); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("a value without its key: %v, want Unavailable", err)
		}
		break
	}
	backend, err := recovery.WithIdentities(strings.NewReader(identity.String()))
	if err != nil {
		t.Fatal(err)
	}
	before := h.under(t)
	stranger, _ := age.GenerateX25519Identity()
	wrong, err := recovery.WithIdentities(strings.NewReader(stranger.String()))
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Recover(t.Context(), admin, keys.RecoverOptions{Backend: wrong})
	if err != nil || r.DataKeys != 0 || len(r.Findings) != before[""] || h.under(t)["a/one"] != before["a/one"] {
		t.Errorf("another identity recovered %+v, %v", r, err)
	}
	r, err = h.Recover(t.Context(), admin, keys.RecoverOptions{Backend: backend, ToKey: "c/new"})
	if err != nil || r.DataKeys != int64(before[""]) || r.Versions != 11 || r.Removed != int64(before[""]) || len(r.Findings) != 0 {
		t.Errorf("the recovery did %+v, %v", r, err)
	}
	if u := h.under(t); u["a/one"] != 0 || u["c/new"] != u[""] {
		t.Errorf("what stands under what: %v", u)
	}
	h.readAll(t)
	h.write(t, 3)
	h.readAll(t)
	if again, err := h.Recover(t.Context(), admin, keys.RecoverOptions{Backend: backend}); err != nil || again.DataKeys != 0 || again.Removed != 0 {
		t.Errorf("a second recovery did %+v, %v", again, err)
	}
}

// TestAccess: managing takes an administrator, looking an auditor, and a manager sees the keys
// of the own environment alone.
func TestAccess(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 2)
	other := h.environment(t, "other")
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", UserID: "usr_m", Name: "mo", Role: models.RoleUser, Via: "test",
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	run := h.start(t, keys.Order{Kind: models.KeyScrub})
	manages := map[string]func(models.Actor) error{
		"Start": func(a models.Actor) error {
			_, err := h.Start(t.Context(), a, keys.Order{Kind: models.KeyScrub})
			return err
		},
		"Test":  func(a models.Actor) error { _, err := h.Test(t.Context(), a, 0); return err },
		"Drill": func(a models.Actor) error { _, err := h.Drill(t.Context(), a, h.env.ID); return err },
		"AddRecipient": func(a models.Actor) error {
			_, err := h.AddRecipient(t.Context(), a, models.Recipient{EnvironmentID: h.env.ID, Kind: models.RecipientKMS, Key: "b/three"})
			return err
		},
		"PlanMigration": func(a models.Actor) error { _, err := h.PlanMigration(t.Context(), a, 0); return err },
		"Cancel":        func(a models.Actor) error { _, err := h.Cancel(t.Context(), a, run.ID); return err },
	}
	views := map[string]func(models.Actor) error{
		"Report":    func(a models.Actor) error { _, err := h.Report(t.Context(), a); return err },
		"Run":       func(a models.Actor) error { _, err := h.Run(t.Context(), a, run.ID); return err },
		"Runs":      func(a models.Actor) error { _, _, err := h.Runs(t.Context(), a, keys.RunQuery{}); return err },
		"Findings":  func(a models.Actor) error { _, err := h.Findings(t.Context(), a, run.ID, 0, 0); return err },
		"LastScrub": func(a models.Actor) error { _, err := h.LastScrub(t.Context(), a); return err },
	}
	for name, call := range manages {
		for _, a := range []models.Actor{auditor, manager} {
			if err := call(a); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s by %s: %v, want Forbidden", name, a.Name, err)
			}
		}
		if err := call(admin); err != nil {
			t.Errorf("%s by an administrator: %v", name, err)
		}
	}
	for name, call := range views {
		if err := call(manager); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s by a manager: %v, want Forbidden", name, err)
		}
		if err := call(auditor); err != nil {
			t.Errorf("%s by an auditor: %v", name, err)
		}
	}
	if _, err := h.Environment(t.Context(), manager, h.env.ID); err != nil {
		t.Errorf("the own environment's keys: %v", err)
	}
	if _, err := h.Environment(t.Context(), manager, other.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("another environment's keys: %v, want NotFound", err)
	}
}

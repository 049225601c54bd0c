package keys_test

import (
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/keys"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// destination stores a destination with sealed credentials, and returns how to open them.
func (h *house) destination(t *testing.T) func(t *testing.T) string {
	t.Helper()
	d := models.Destination{
		ID: models.NewDestinationID(), EnvironmentID: h.env.ID, Name: "there", Kind: models.DestinationVault,
		Config: models.DestinationConfig{Address: "https://vault.example", Mount: "secret"}, Revision: 1,
	}
	sealer, err := h.envelope.Sealer(t.Context(), h.env)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Seal(kms.CredentialsLabel(d), models.NewPlaintext([]byte("a token")))
	if err != nil {
		t.Fatal(err)
	}
	d.Credentials, d.CredentialsKeyID = sealed.Ciphertext, sealed.DataKeyID
	h.change(t, func(tx *store.Tx) error { return tx.CreateDestination(&d) })
	return func(t *testing.T) string {
		t.Helper()
		var now models.Destination
		err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
			now, err = tx.Destination(d.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := h.envelope.Open(t.Context(), h.env, kms.CredentialsLabel(now), kms.Sealed{
			DataKeyID: now.CredentialsKeyID, Format: kms.Format, Ciphertext: now.Credentials,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(plain.Reveal())
	}
}

// channel stores a channel with a sealed secret, and returns how to open it.
func (h *house) channel(t *testing.T) func(t *testing.T) string {
	t.Helper()
	c := models.AlertChannel{
		ID: models.NewChannelID(), EnvironmentID: h.env.ID, Name: "ops", Kind: models.ChannelWebhook, Address: "https://hooks.example",
	}
	sealer, err := h.envelope.Sealer(t.Context(), h.env)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Seal(kms.ChannelLabel(c), models.NewPlaintext([]byte("a signing key")))
	if err != nil {
		t.Fatal(err)
	}
	c.Secret, c.SecretKeyID = sealed.Ciphertext, sealed.DataKeyID
	h.change(t, func(tx *store.Tx) error { return tx.CreateAlertChannel(&c) })
	return func(t *testing.T) string {
		t.Helper()
		var now models.AlertChannel
		h.change(t, func(tx *store.Tx) (err error) {
			now, err = tx.AlertChannel(c.ID)
			return err
		})
		plain, err := h.envelope.Open(t.Context(), h.env, kms.ChannelLabel(now), kms.Sealed{
			DataKeyID: now.SecretKeyID, Format: kms.Format, Ciphertext: now.Secret,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(plain.Reveal())
	}
}

func (h *house) seals(t *testing.T) map[models.DataKeyID]bool {
	t.Helper()
	ids := map[models.DataKeyID]bool{}
	for _, row := range h.dataKeys(t) {
		if row.Key.Purpose == models.PurposeSeal {
			ids[row.Key.ID] = true
		}
	}
	return ids
}

func TestReencrypt(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, setup{dialect: dialect})
			h.write(t, 30)
			credentials, signing := h.destination(t), h.channel(t)
			old := h.seals(t)
			h.clock.move(time.Second)
			p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyReencrypt, Environment: h.env.ID}).ID)
			if p.Status != models.KeyRunSucceeded || p.Done != 32 || p.Total != 32 || p.KeyRun.Remaining != 0 {
				t.Errorf("the run ended as %+v", p.KeyRun)
			}
			for id := range h.seals(t) {
				if old[id] {
					t.Errorf("the old data key %s still stands", id)
				}
			}
			h.readAll(t)
			if got := credentials(t); got != "a token" {
				t.Error("the destination's credentials are not what they were")
			}
			if got := signing(t); got != "a signing key" {
				t.Error("the channel's secret is not what it was")
			}
		})
	}
}

// TestReencryptIsResumed ends the work at random points while others write, read and hold uses
// of old data keys.
func TestReencryptIsResumed(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := newHouse(t, setup{dialect: dialect, uses: 2})
			h.write(t, 120)
			old := h.seals(t)
			writer := *h
			writer.wrote = map[models.SecretID][]string{}
			writer.serve(t) // another replica, with a block of an old data key
			if err := writer.writeOne(t.Context(), h.env, "before"); err != nil {
				t.Fatal(err)
			}
			h.clock.move(time.Second)
			run := h.start(t, keys.Order{Kind: models.KeyReencrypt, Environment: h.env.ID})
			h.killed(t, run.ID, 12, 40, &writer)
			for id := range h.seals(t) {
				if old[id] {
					t.Errorf("the old data key %s still stands", id)
				}
			}
			for id, values := range writer.wrote {
				h.wrote[id] = values
			}
			h.readAll(t)
		})
	}
}

func TestReencryptLeavesWhatIsDamaged(t *testing.T) {
	h := newHouse(t, setup{})
	h.write(t, 10)
	rows := h.versions(t)
	h.damage(t, rows[2], func(v *models.SecretVersion) { v.Ciphertext[20] ^= 1 })
	h.damageHash(t, rows[5])
	rows = h.versions(t)
	h.clock.move(time.Second)
	p := h.finish(t, h.start(t, keys.Order{Kind: models.KeyReencrypt, Environment: h.env.ID}).ID)
	if p.Status != models.KeyRunPartial || p.Failed != 2 || p.KeyRun.Remaining != 2 {
		t.Errorf("the run ended as %+v", p.KeyRun)
	}
	var names []string
	for _, f := range h.findings(t, p.ID) {
		names = append(names, f.Object)
	}
	if got, want := strings.Join(names, "; "), "team/secret-2, version 1; team/secret-5, version 1"; got != want {
		t.Errorf("the findings name %q, want %q", got, want)
	}
	after := h.versions(t)
	for _, i := range []int{2, 5} {
		if after[i].DataKeyID != rows[i].DataKeyID {
			t.Errorf("what is damaged was sealed anew: %s", after[i].SecretName)
		}
	}
}

func (h *house) versions(t *testing.T) (rows []store.VersionRow) {
	t.Helper()
	err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.VersionsPage(store.VersionQuery{}, 0, 0, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// damage changes a stored version as one would who has got into the database.
func (h *house) damage(t *testing.T, row store.VersionRow, change func(*models.SecretVersion)) {
	t.Helper()
	old := row.SecretVersion
	bad := old
	bad.Ciphertext = append([]byte{}, old.Ciphertext...)
	change(&bad)
	h.change(t, func(tx *store.Tx) error {
		done, err := tx.ResealVersion(&bad, old.DataKeyID, old.Ciphertext)
		if err == nil && !done {
			t.Error("the version was not changed")
		}
		return err
	})
}

// damageHash puts another value of the same size in the version's place, sealed as it should
// be: only its hash tells.
func (h *house) damageHash(t *testing.T, row store.VersionRow) {
	t.Helper()
	sealer, err := h.envelope.Sealer(t.Context(), h.env)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Seal(kms.VersionLabel(row.EnvironmentID, row.SecretID, row.Number), models.NewPlaintext(make([]byte, row.Size)))
	if err != nil {
		t.Fatal(err)
	}
	h.damage(t, row, func(v *models.SecretVersion) { v.DataKeyID, v.Ciphertext = sealed.DataKeyID, sealed.Ciphertext })
}

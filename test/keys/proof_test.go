package keystest

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/kms/local"
	"github.com/your-org/keeper/kms/recovery"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// rows is the database's data keys as an envelope asks for them.
type rows struct{ store.Keys }

// Recipients implements kms.Keys.
func (r rows) Recipients(ctx context.Context, env models.EnvironmentID) (kms.Recipients, error) {
	generation, primary, others, err := r.Keys.Recipients(ctx, env)
	return kms.Recipients{Generation: generation, Primary: primary, Others: others}, err
}

// witness opens what is in the database with backends of its own: what it cannot open is
// lost, whatever Keeper says.
type witness struct {
	store    *store.Store
	envelope *kms.Envelope
}

// witness makes one that holds every key that there is: KMS, the local key, and the identity
// of the offline recipient.
func (w *world) witness(t *testing.T, primary models.RecipientKind, identity *age.X25519Identity) *witness {
	t.Helper()
	cfg := aws.Config{Region: home, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	inKMS, err := awskms.New(cfg, awskms.Options{KeyAlias: "alias/keeper", Endpoint: w.aws.URL})
	if err != nil {
		t.Fatal(err)
	}
	backends := []kms.Wrapper{inKMS}
	if key, err := local.Open(filepath.Join(w.keeper.Dir, "keeper.key"), false); err == nil {
		backends = append(backends, key)
	}
	if identity != nil {
		backends = append(backends, offline(t, identity))
	}
	i := slices.IndexFunc(backends, func(b kms.Wrapper) bool { return b.Kind() == primary })
	backends[0], backends[i] = backends[i], backends[0]
	s := w.beside(t)
	e, err := kms.NewEnvelope(rows{store.Keys{Store: s}}, backends[0], kms.Options{Others: backends[1:], Context: kms.Context{"team": "platform"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return &witness{store: s, envelope: e}
}

func offline(t *testing.T, identity *age.X25519Identity) kms.Wrapper {
	t.Helper()
	b, err := recovery.WithIdentities(strings.NewReader(identity.String() + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// prove opens every version of the database by every recipient alone, each past all caches,
// and holds it against the ledger. Every data key must stand under exactly the targets.
func (w *witness) prove(t *testing.T, l *ledger, environments ...models.EnvironmentID) {
	t.Helper()
	found := 0
	for _, id := range environments {
		found += w.environment(t, l, id)
	}
	if want := l.versions(0); found != want {
		t.Errorf("%d versions stand in the database, %d were acknowledged", found, want)
	}
}

// environment proves one environment and returns how many versions it has.
func (w *witness) environment(t *testing.T, l *ledger, id models.EnvironmentID) int {
	t.Helper()
	var e models.Environment
	err := w.store.Read(t.Context(), func(tx *store.Tx) (err error) {
		e, err = tx.Environment(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.envelope.Targets(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	keys := w.dataKeys(t, e, want)
	values := map[models.SecretID][]string{}
	for _, one := range l.entries {
		values[models.SecretID(one.id)] = one.values
	}
	found := 0
	w.versions(t, id, func(row store.VersionRow) {
		found++
		number := int(row.Number)
		if number > len(values[row.SecretID]) {
			t.Errorf("%s, version %d stands, and nobody was told of it", row.SecretName, number)
			return
		}
		wanted := values[row.SecretID][number-1]
		opened := keys[row.DataKeyID]
		if len(opened) == 0 {
			t.Errorf("%s, version %d: its data key %s is not there", row.SecretName, number, row.DataKeyID)
		}
		for recipient, key := range opened {
			got, err := key.Open(kms.VersionLabel(id, row.SecretID, row.Number), kms.Sealed{DataKeyID: row.DataKeyID, Format: row.Format, Ciphertext: row.Ciphertext})
			if err != nil {
				t.Errorf("%s, version %d, does not open by %s alone: %v", row.SecretName, number, recipient, err)
			} else if !bytes.Equal(got.Reveal(), []byte(wanted)) {
				t.Errorf("%s, version %d, opened by %s: %v", row.SecretName, number, recipient, errWrong)
			}
		}
	})
	return found
}

// dataKeys opens every data key of an environment by each of its rows.
func (w *witness) dataKeys(t *testing.T, e models.Environment, want kms.Targets) map[models.DataKeyID]map[string]*kms.OpenedKey {
	t.Helper()
	targets := []string{want.Primary.ID}
	for _, other := range want.Others {
		targets = append(targets, other.ID)
	}
	slices.Sort(targets)
	opened := map[models.DataKeyID]map[string]*kms.OpenedKey{}
	for after := models.DataKeyID(""); ; {
		var page []store.DataKeyRow
		err := w.store.Read(t.Context(), func(tx *store.Tx) (err error) {
			page, err = tx.DataKeysPage(store.DataKeyQuery{Environment: e.ID}, after, 200)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return opened
		}
		for _, row := range page {
			after = row.Key.ID
			var under []string
			opened[after] = map[string]*kms.OpenedKey{}
			for _, wrapped := range row.Wrapped {
				under = append(under, wrapped.RecipientID)
				key, err := w.envelope.OpenDataKey(t.Context(), e, row.Key, wrapped)
				if err != nil {
					t.Errorf("data key %s of %s does not open by %s alone: %v", after, e.Name, wrapped.RecipientID, err)
					continue
				}
				opened[after][wrapped.RecipientID] = key
			}
			slices.Sort(under)
			if !slices.Equal(under, targets) {
				t.Errorf("data key %s of %s is wrapped for %v, want %v", after, e.Name, under, targets)
			}
		}
	}
}

func (w *witness) versions(t *testing.T, environment models.EnvironmentID, each func(store.VersionRow)) {
	t.Helper()
	var secret models.SecretID
	var number models.VersionNumber
	for {
		var page []store.VersionRow
		err := w.store.Read(t.Context(), func(tx *store.Tx) (err error) {
			page, err = tx.VersionsPage(store.VersionQuery{Environment: environment}, secret, number, 500)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return
		}
		for _, row := range page {
			secret, number = row.SecretID, row.Number
			each(row)
		}
	}
}

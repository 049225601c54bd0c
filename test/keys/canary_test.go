package keystest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// leaks is what must be nowhere but where it belongs, by what it is.
type leaks map[string][]byte

// add takes a secret in the forms in which it could leak.
func (l leaks) add(name string, secret []byte) {
	l[name] = secret
	l[name+" in hexadecimal"] = []byte(hex.EncodeToString(secret))
	l[name+" in base64"] = []byte(base64.RawStdEncoding.EncodeToString(secret))
	l[name+" in base64 for URLs"] = []byte(base64.RawURLEncoding.EncodeToString(secret))
	l[name+" as a list of numbers"] = []byte(strings.Trim(fmt.Sprint(secret), "[]"))
}

func (l leaks) search(t *testing.T, where string, text []byte) {
	t.Helper()
	for name, secret := range l {
		if bytes.Contains(text, secret) {
			t.Errorf("%s holds %s", where, name)
		}
	}
}

// dataKeys adds the plaintext of every data key that stands now, which KMS opens for us.
func (l leaks) dataKeys(t *testing.T, w *world) {
	t.Helper()
	cfg := aws.Config{Region: home, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	backend, err := awskms.New(cfg, awskms.Options{KeyAlias: "alias/keeper", Endpoint: w.aws.URL})
	if err != nil {
		t.Fatal(err)
	}
	var page []store.DataKeyRow
	names := map[models.EnvironmentID]string{}
	err = w.beside(t).Read(t.Context(), func(tx *store.Tx) error {
		if page, err = tx.DataKeysPage(store.DataKeyQuery{}, "", 200); err != nil {
			return err
		}
		for _, row := range page {
			e, err := tx.Environment(row.Key.EnvironmentID)
			if err != nil {
				return err
			}
			names[e.ID] = e.Name
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, row := range page {
		for _, wrapped := range row.Wrapped {
			if wrapped.RecipientKind != models.RecipientKMS {
				continue
			}
			ec := kms.Context{"team": "platform", kms.ContextEnvironment: names[row.Key.EnvironmentID]}
			plain, err := backend.Unwrap(t.Context(), kms.Wrapped{RecipientID: wrapped.RecipientID, Blob: wrapped.Blob}, ec)
			if err != nil {
				t.Fatal(err)
			}
			l.add("data key "+string(row.Key.ID), plain)
			opened++
		}
	}
	if opened == 0 {
		t.Fatal("no data key was opened: the search would find nothing")
	}
}

// TestKeysLeakNothing does everything that can be done with keys, and looks for plaintexts in
// everything that was said, answered and written.
func TestKeysLeakNothing(t *testing.T) {
	const canary = "canary-4b82f0"
	s := &siege{ledger: new(ledger), identity: newIdentity(t)}
	s.world = newWorld(t, store.SQLite, standin.Options{}, "KEEPER_LOG_LEVEL=debug", "KEEPER_DATA_KEY_MAX_USES=4")
	s.start(t)
	s.alpha = s.environment(t, "alpha")
	s.beta = s.alpha
	for i := range 6 {
		_, err := s.client.CreateSecret(t.Context(), api.NewSecret{
			EnvironmentID: api.EnvironmentByID(s.alpha.ID), Name: fmt.Sprintf("good/%d", i), SecretType: "TEXT", Value: api.NewValue(canary),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	forbidden := leaks{}
	forbidden.add("a value", []byte(canary))
	forbidden.add("the identity", []byte(s.identity.String()))
	master, err := os.ReadFile(filepath.Join(s.keeper.Dir, "keeper.key"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(master)) {
		if fields := strings.Fields(line); len(fields) > 0 && len(fields[len(fields)-1]) > 30 {
			forbidden["the master key"] = []byte(fields[len(fields)-1])
		}
	}
	identity := filepath.Join(t.TempDir(), "identity.txt") // beside Keeper's own files, which are searched
	if err := os.WriteFile(identity, []byte(s.identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.toKMS()
	s.start(t)

	said := map[string][]byte{}
	run := func(args ...string) {
		t.Helper()
		out, err := s.keeper.Command(t.Context(), "", args...)
		said["keeper "+strings.Join(args, " ")] = []byte(fmt.Sprintf("%s %v", out, err))
		if err != nil {
			t.Errorf("keeper %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	get := func(path string) {
		t.Helper()
		_, body, err := s.call(t.Context(), http.MethodGet, path, nil, nil)
		if err != nil {
			t.Error(err)
		}
		said["GET "+path] = body
	}
	rollback := filepath.Join(s.keeper.Dir, "rollback.jsonl")
	migrate := []string{"migrate", "to-kms", "--no-dry-run", "--rollback-file", rollback}
	run(migrate...)
	forbidden.dataKeys(t, s.world)
	s.recipients(t)
	run("kms", "test-connection")
	run("kms", "key-info")
	run("kms", "drill", "--environment", "alpha", "--identity", identity)
	run("kms", "rotate", "--environment", "alpha", "--to", "alias/next")
	run("kms", "reencrypt", "--environment", "alpha", "--detach")
	s.sealedAnew(t)
	forbidden.dataKeys(t, s.world)
	run("scrub")
	for _, path := range []string{"/api/keys", environmentPath(s.alpha) + "/keys", "/api/key-runs", "/readyz", "/metrics"} {
		get(path)
	}
	s.refusals(t, said)
	s.stop()
	run("kms", "recover", "--identity", identity)
	forbidden.dataKeys(t, s.world)

	said["what the server said"] = []byte(s.log.all())
	for where, text := range said {
		forbidden.search(t, where, text)
	}
	searchFiles(t, forbidden, s.keeper.Dir)
}

// sealedAnew waits until the re-encryption has sealed everything anew.
func (s *siege) sealedAnew(t *testing.T) {
	t.Helper()
	list, err := s.client.ListKeyRuns(t.Context(), api.ListKeyRunsParams{Kind: api.KeyRunKind(models.KeyReencrypt)})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d re-encryptions, %v", len(list.Items), err)
	}
	s.runs = []string{list.Items[0].ID}
	s.finish(t)
}

// refusals provokes errors that could quote what they were given.
func (s *siege) refusals(t *testing.T, said map[string][]byte) {
	t.Helper()
	for i, one := range []api.NewRecipient{
		{Kind: api.RecipientKind(models.RecipientRecovery), Key: s.identity.String()}, // the identity for the recipient
		{Kind: api.RecipientKind(models.RecipientKMS), Key: s.identity.String()},
	} {
		status, body, err := s.call(t.Context(), http.MethodPost, environmentPath(s.alpha)+"/recipients", one, nil)
		if err == nil || status >= 500 && status != http.StatusServiceUnavailable {
			t.Errorf("an identity was taken as a recipient: status %d", status)
		}
		said[fmt.Sprintf("refusal %d", i)] = append(body, fmt.Sprint(err)...)
	}
}

// searchFiles looks through Keeper's folder, the key file aside.
func searchFiles(t *testing.T, forbidden leaks, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range files {
		if f.IsDir() || f.Name() == "keeper.key" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(text, []byte("good/1"))
		forbidden.search(t, f.Name(), text)
	}
	if !found {
		t.Error("the search does not even find a secret's name: it looks in the wrong place")
	}
}

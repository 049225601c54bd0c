package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/scenario"
	"github.com/your-org/keeper/test/vaulttest"
)

const region = "eu-central-1"

// signedIn starts a Keeper with more settings and returns a client of its API.
func signedIn(t *testing.T, k *scenario.Keeper, more ...string) *client.Client {
	t.Helper()
	k.Env = append(k.Env, more...)
	if err := k.Start(t.Context()); err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, k.Log)
	}
	t.Cleanup(k.Stop)
	token, err := k.NewToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(k.URL, token, client.WithTries(1))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func environment(t *testing.T, c *client.Client, name string) api.Environment {
	t.Helper()
	e, err := c.CreateEnvironment(t.Context(), api.NewEnvironment{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// refused holds an error against the status and the words that a person needs.
func refused(t *testing.T, err error, status int, words ...string) {
	t.Helper()
	var problem *api.Problem
	if !errors.As(err, &problem) {
		t.Fatalf("got %v, want a problem of status %d", err, status)
	}
	if problem.Status != status {
		t.Errorf("status %d (%s), want %d", problem.Status, problem.Error(), status)
	}
	for _, word := range words {
		if !strings.Contains(problem.Error(), word) {
			t.Errorf("%q does not say %q", problem.Error(), word)
		}
	}
}

// TestDestinationsThatCannotBeReached is about connections that do not work: nothing is
// saved, and the answer names what to mend.
func TestDestinationsThatCannotBeReached(t *testing.T) {
	aws := standin.Start(t, standin.Options{})
	c := signedIn(t, newKeeper(t, store.SQLite))
	e := environment(t, c, "production")

	vaultAt := func(address, token string) api.NewDestination {
		return api.NewDestination{
			EnvironmentID: api.EnvironmentByID(e.ID), Name: "vault", Kind: "vault_kv_v2",
			Config:      api.DestinationConfig{Address: address, Mount: "secret"},
			Credentials: api.DestinationCredentials{VaultToken: api.NewValue(token)},
		}
	}
	awsAt := api.NewDestination{
		EnvironmentID: api.EnvironmentByID(e.ID), Name: "aws", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: region, Endpoint: aws.URL},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	}

	t.Run("VaultUnreachable", func(t *testing.T) {
		nobody := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
		_, err := c.CreateDestination(t.Context(), vaultAt(nobody, "t"))
		refused(t, err, 503, "could not be reached", "address")
	})
	t.Run("VaultWrongToken", func(t *testing.T) {
		engine := vaulttest.StartEngine(t, vaulttest.EngineOptions{})
		_, err := c.CreateDestination(t.Context(), vaultAt(engine.URL, "wrong"))
		refused(t, err, 403)
	})
	t.Run("AWSDenied", func(t *testing.T) {
		if err := aws.Inject(standin.Fault{Service: "secretsmanager", Operation: "ListSecrets", Kind: standin.FaultDenied}); err != nil {
			t.Fatal(err)
		}
		defer aws.ClearFaults()
		_, err := c.CreateDestination(t.Context(), awsAt)
		refused(t, err, 403, "secretsmanager:ListSecrets")
	})
	list, err := c.ListDestinations(t.Context(), api.ListDestinationsParams{})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("%d destinations were saved, %v; want none", len(list.Items), err)
	}
}

// TestKMS runs Keeper on AWS KMS, switches the key off under it, and on again.
func TestKMS(t *testing.T) {
	aws := standin.Start(t, standin.Options{KMSAliases: []string{"alias/keeper"}})
	k := newKeeper(t, store.SQLite)
	c := signedIn(t, k, "KEY_MANAGEMENT_BACKEND=kms", "KMS_KEY_ALIAS=alias/keeper", "AWS_REGION="+region, "AWS_ENDPOINT_URL="+aws.URL,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "KMS_DEK_CACHE_TTL=0", "KEEPER_DATA_KEY_MAX_USES=1", `KMS_ENCRYPTION_CONTEXT={"team":"platform"}`)
	e := environment(t, c, "production")
	write := func(name string) (api.Secret, error) {
		return c.CreateSecret(t.Context(), api.NewSecret{
			EnvironmentID: api.EnvironmentByID(e.ID), Name: name, SecretType: "TEXT", Value: api.NewValue("kept by KMS"),
		})
	}
	secret, err := write("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []standin.Fault{
		{Service: "kms", Operation: "*", Kind: standin.FaultError503},
		{Service: "kms", Operation: "*", Kind: standin.FaultDenied},
	} {
		t.Run(string(fault.Kind), func(t *testing.T) {
			if err := aws.Inject(fault); err != nil {
				t.Fatal(err)
			}
			defer aws.ClearFaults()
			_, err := write("b")
			refused(t, err, 503, "key")
			_, err = c.RevealSecret(t.Context(), secret.ID)
			refused(t, err, 503, "key")
		})
	}
	t.Run("disabled", func(t *testing.T) {
		callKMS(t, aws.URL, "DisableKey")
		defer callKMS(t, aws.URL, "EnableKey")
		_, err := write("b")
		refused(t, err, 503, "disabled", "enable-key")
	})
	revealed, err := c.RevealSecret(t.Context(), secret.ID)
	if err != nil || revealed.Value.Reveal() != "kept by KMS" {
		t.Errorf("after KMS came back the value is not read: %v", err)
	}
	list, err := c.ListSecrets(t.Context(), api.ListSecretsParams{})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("%d secrets stand, %v; want the one that was acknowledged", len(list.Items), err)
	}
}

// callKMS does something to the key alias/keeper, as its owner would at AWS.
func callKMS(t *testing.T, url, operation string) {
	t.Helper()
	cmd := exec.Command("/usr/bin/aws", "--endpoint-url", url, "--region", region, "kms", "describe-key", "--key-id", "alias/keeper", "--query", "KeyMetadata.KeyId", "--output", "text")
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	id, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	does := map[string]string{"DisableKey": "disable-key", "EnableKey": "enable-key"}[operation]
	change := exec.Command("/usr/bin/aws", "--endpoint-url", url, "--region", region, "kms", does, "--key-id", strings.TrimSpace(string(id)))
	change.Env = cmd.Env
	if out, err := change.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestCanary plants values everywhere that one can be given, and looks for them everywhere
// that they must not be: in what the server says, in its files, in every answer that is not
// a reveal.
func TestCanary(t *testing.T) {
	const canary = "canary-7d41c9"
	aws := standin.Start(t, standin.Options{})
	engine := vaulttest.StartEngine(t, vaulttest.EngineOptions{})
	k := newKeeper(t, store.SQLite)
	c := signedIn(t, k)
	e := environment(t, c, "production")
	ctx := t.Context()

	for _, kind := range []string{"TEXT", "PASSWORD", "API_KEY"} {
		if _, err := c.CreateSecret(ctx, api.NewSecret{
			EnvironmentID: api.EnvironmentByID(e.ID), Name: "good/" + kind, SecretType: kind, Value: api.NewValue(canary + "-" + kind),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{"JSON", "YAML", "CERTIFICATE", "SSH_KEY", "NONSENSE"} {
		_, err := c.CreateSecret(ctx, api.NewSecret{
			EnvironmentID: api.EnvironmentByID(e.ID), Name: "bad/" + kind, SecretType: kind, Value: api.NewValue(`{"` + canary + `": [` + canary),
		})
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
			t.Errorf("a bad %s: %v", kind, err)
		}
	}
	for _, destination := range []api.NewDestination{
		{
			Name: "aws", Kind: "aws_secrets_manager", Config: api.DestinationConfig{Region: region, Endpoint: aws.URL},
			Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("AKIA" + canary), SecretAccessKey: api.NewValue(canary + "-aws")},
		},
		{
			Name: "vault", Kind: "vault_kv_v2", Config: api.DestinationConfig{Address: engine.URL, Mount: engine.Mount}, SkipCheck: true,
			Credentials: api.DestinationCredentials{VaultToken: api.NewValue(canary + "-wrong-token")},
		},
	} {
		destination.EnvironmentID = api.EnvironmentByID(e.ID)
		if _, err := c.CreateDestination(ctx, destination); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Sync(ctx, api.SyncRequest{}); err != nil {
		t.Fatal(err)
	}
	for run, err := range c.Runs(ctx, api.ListRunsParams{}) {
		if err != nil || strings.Contains(fmt.Sprintf("%+v", run), canary) {
			t.Errorf("a run tells of a value, or %v", err)
		}
	}
	list, err := k.Command(ctx, "", "version")
	if err != nil {
		t.Fatal(err)
	}
	k.Stop()
	for what, text := range map[string]string{"what the server said": fmt.Sprint(k.Log), "the version": list} {
		if strings.Contains(text, canary) {
			t.Errorf("%s holds a value", what)
		}
	}
	searchFiles(t, k.Dir, canary)
}

// searchFiles looks through every file of a folder: the database and its journal above all.
func searchFiles(t *testing.T, dir, canary string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(string(text), "good/TEXT")
		if strings.Contains(string(text), canary) {
			t.Errorf("%s holds a value", f.Name())
		}
	}
	if !found {
		t.Error("the search does not even find a secret's name: it looks in the wrong place")
	}
}

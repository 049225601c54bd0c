package destinations_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/sync/vaultkv"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/vaulttest"
)

// elsewhere is a real counterpart that groups are synced to, and a stranger's hand there.
type elsewhere interface {
	driver() (keepersync.Driver, error)
	read(t *testing.T, name string) kv   // nil: nothing, or deleted
	before(t *testing.T, name string) kv // the version before the current one
	edit(t *testing.T, name string, values kv)
}

// TestGroupsElsewhere has groups come, change, drift and go at Vault's engine and in AWS.
func TestGroupsElsewhere(t *testing.T) {
	for what, start := range map[string]func(*testing.T) elsewhere{"vault": startVault, "aws": startAWS} {
		t.Run(what, func(t *testing.T) {
			place := start(t)
			h := sqlite(t)
			h.Open = func(context.Context, models.Destination, models.DestinationCredentials) (keepersync.Driver, error) {
				return place.driver()
			}
			d := h.grouped(t, models.ShapeFolder, models.KeeperWins)
			want := func(name string, want kv) {
				t.Helper()
				if diff := cmp.Diff(want, place.read(t, name)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			user := h.put(t, "db/user", "ada \"quoted\"\n")
			password := h.put(t, "db/password", "<&>\u2028é")
			h.work(t, d)
			want("production/db", kv{"user": "ada \"quoted\"\n", "password": "<&>\u2028é"})

			h.update(t, user, "grace")
			h.work(t, d)
			ours := kv{"user": "grace", "password": "<&>\u2028é"}
			want("production/db", ours)
			if run := h.full(t, d); run.Counts.InSync != 1 || run.Status != models.RunSucceeded {
				t.Errorf("not at rest: %+v", run)
			}

			theirs := kv{"user": "grace", "password": "theirs", "added": "by hand"}
			place.edit(t, "production/db", theirs)
			if run := h.full(t, d); run.Counts.Repaired != 1 {
				t.Errorf("run %+v", run)
			}
			want("production/db", ours)
			if diff := cmp.Diff(theirs, place.before(t, "production/db")); diff != "" {
				t.Errorf("what somebody wrote there is lost: %s", diff)
			}

			h.delete(t, user)
			h.delete(t, password)
			h.work(t, d)
			want("production/db", nil)
			if _, err := h.secrets.Undelete(t.Context(), admin, password.ID); err != nil {
				t.Fatal(err)
			}
			h.work(t, d)
			want("production/db", kv{"password": "<&>\u2028é"})
			if run := h.full(t, d); run.Counts.InSync != 1 || run.Status != models.RunSucceeded {
				t.Errorf("not at rest: %+v", run)
			}
		})
	}
}

type atVault struct{ *vaulttest.Server }

func startVault(t *testing.T) elsewhere {
	return atVault{vaulttest.StartEngine(t, vaulttest.EngineOptions{})}
}

func (v atVault) driver() (keepersync.Driver, error) {
	d, err := vaultkv.New(vaultkv.Options{Address: v.URL, Mount: v.Mount, Prefix: "production/", Whole: true, Token: plain(v.Token)})
	if err != nil {
		return nil, err
	}
	return keepersync.Retry(d), nil
}

func (v atVault) call(t *testing.T, method, path string, body, answer any) bool {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, v.URL+"/v1/"+v.Mount+"/"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Vault-Token", v.Token)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode == http.StatusNotFound {
		return false
	}
	all, err := io.ReadAll(got.Body)
	if err == nil && answer != nil {
		err = json.Unmarshal(all, answer)
	}
	if err != nil || got.StatusCode >= 300 {
		t.Fatal(got.Status, err)
	}
	return true
}

type vaultVersion struct {
	Data struct {
		Data     kv
		Metadata struct{ Version int }
	}
}

func (v atVault) at(t *testing.T, name, query string) (answer vaultVersion) {
	t.Helper()
	v.call(t, http.MethodGet, "data/"+name+query, nil, &answer)
	return answer
}

func (v atVault) read(t *testing.T, name string) kv { return v.at(t, name, "").Data.Data }

func (v atVault) before(t *testing.T, name string) kv {
	current := v.at(t, name, "").Data.Metadata.Version
	return v.at(t, name, "?version="+string(rune('0'+current-1))).Data.Data
}

func (v atVault) edit(t *testing.T, name string, values kv) {
	v.call(t, http.MethodPost, "data/"+name, map[string]any{"data": values}, nil)
}

type atAWS struct {
	*standin.Server
	client *secretsmanager.Client
	config aws.Config
}

const region = "eu-central-1"

func startAWS(t *testing.T) elsewhere {
	server := standin.Start(t, standin.Options{})
	config := aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAKEEPER", "secret", ""),
	}
	return atAWS{server, secretsmanager.NewFromConfig(config), config}
}

func (a atAWS) driver() (keepersync.Driver, error) {
	return keepersync.Retry(awssm.New(awssm.Options{Config: a.config, Prefix: "production/", WriteBurst: -1})), nil
}

func (a atAWS) version(t *testing.T, name, stage string) (values kv) {
	t.Helper()
	if s, ok := a.Secret(region, name); !ok || !s.Deleted.IsZero() {
		return nil
	}
	got, err := a.client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(name), VersionStage: aws.String(stage)})
	if err == nil {
		err = json.Unmarshal([]byte(*got.SecretString), &values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func (a atAWS) read(t *testing.T, name string) kv   { return a.version(t, name, "AWSCURRENT") }
func (a atAWS) before(t *testing.T, name string) kv { return a.version(t, name, "AWSPREVIOUS") }

func (a atAWS) edit(t *testing.T, name string, values kv) {
	text, err := json.Marshal(values)
	if err == nil {
		_, err = a.client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String(name), SecretString: aws.String(string(text))})
	}
	if err != nil {
		t.Fatal(err)
	}
}

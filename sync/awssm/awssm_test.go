package awssm_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Counterpart { return start(t) })
}

func write(name, value string, version models.VersionNumber, replaces keepersync.Remote) keepersync.Write {
	return keepersync.Write{
		Name: prefix + name, Value: models.NewPlaintext([]byte(value)), Version: version, Replaces: replaces,
		Mark: keepersync.Mark{Owner: "ins_1", Destination: "dst_1", Secret: 7}, Description: "of the test",
	}
}

func (c *counterpart) put(w keepersync.Write) keepersync.Remote {
	c.t.Helper()
	r, err := c.driver.Put(c.t.Context(), w)
	c.must(err)
	return r
}

// wantStages checks the values under AWS's two labels.
func (c *counterpart) wantStages(name, current, previous string) {
	c.t.Helper()
	s, _ := c.server.Secret(region, prefix+name)
	byID := map[string]string{}
	for _, v := range s.Versions {
		byID[v.ID] = v.Text
	}
	if got := byID[s.Stages["AWSCURRENT"]]; got != current {
		c.t.Errorf("AWSCURRENT is %q, want %q", got, current)
	}
	if got := byID[s.Stages["AWSPREVIOUS"]]; got != previous {
		c.t.Errorf("AWSPREVIOUS is %q, want %q", got, previous)
	}
}

func wantKind(t *testing.T, err error, want fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Fatalf("got %v (%v), want %v", err, fault.KindOf(err), want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

// between serves a counterpart that calls back before or after it answers one operation.
func between(t *testing.T, operation string, before, after func(*counterpart)) *counterpart {
	server := standin.New(standin.Options{})
	t.Cleanup(server.Close)
	c := &counterpart{t: t, server: server}
	var done atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ours := strings.Contains(r.Header.Get("Authorization"), "AKIAKEEPER") && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation)
		first := ours && !done.Swap(true)
		if first && before != nil {
			before(c)
		}
		server.ServeHTTP(w, r)
		if first && after != nil {
			after(c)
		}
	}))
	t.Cleanup(front.Close)
	c.driver = awssm.New(awssm.Options{Config: config(front.URL, "AKIAKEEPER"), Prefix: prefix})
	c.stranger = secretsmanager.NewFromConfig(config(front.URL, "AKIASTRANGER"))
	return c
}

// A stranger writes between Keeper's look and Keeper's write: ours stands, theirs is kept
// and told of.
func TestOvertaken(t *testing.T) {
	c := between(t, "PutSecretValue", func(c *counterpart) { c.Edit(prefix+"x", []byte("theirs")) }, nil)
	first := c.put(write("x", "one", 1, keepersync.Remote{}))
	r, err := c.driver.Put(t.Context(), write("x", "two", 2, first))
	wantKind(t, err, fault.Conflict, prefix+"x", "AWSPREVIOUS")
	if r.Version == "" || r.Version == first.Version {
		t.Errorf("the write stands, but the Remote is %+v", r)
	}
	c.wantStages("x", "two", "theirs")
	// The same Write again says the same and writes nothing.
	again, err := c.driver.Put(t.Context(), write("x", "two", 2, first))
	wantKind(t, err, fault.Conflict, "AWSPREVIOUS")
	if again.Version != r.Version || c.Versions(prefix+"x") != 3 {
		t.Errorf("again: %+v, %d versions", again, c.Versions(prefix+"x"))
	}
}

func TestOvertakenAfterwards(t *testing.T) {
	c := between(t, "PutSecretValue", nil, func(c *counterpart) { c.Edit(prefix+"x", []byte("theirs")) })
	first := c.put(write("x", "one", 1, keepersync.Remote{}))
	_, err := c.driver.Put(t.Context(), write("x", "two", 2, first))
	wantKind(t, err, fault.Conflict, prefix+"x")
	c.wantStages("x", "theirs", "two")
}

// Whoever rolls back at AWS moves the label to an older version. Repairing that asks AWS
// for a write that it knows already.
func TestRolledBackByLabel(t *testing.T) {
	c := start(t)
	first := c.put(write("x", "one", 1, keepersync.Remote{}))
	second := c.put(write("x", "two", 2, first))
	_, err := c.stranger.UpdateSecretVersionStage(t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(prefix + "x"), VersionStage: aws.String("AWSCURRENT"),
		MoveToVersionId: aws.String(first.Version), RemoveFromVersionId: aws.String(second.Version),
	})
	c.must(err)
	there, err := c.driver.Describe(t.Context(), prefix+"x")
	c.must(err)
	r := c.put(write("x", "two", 2, there))
	if r.Version != second.Version || c.Versions(prefix+"x") != 2 {
		t.Errorf("the repair gave %+v and %d versions", r, c.Versions(prefix+"x"))
	}
	c.wantStages("x", "two", "one")
}

func TestSettings(t *testing.T) {
	c := start(t)
	key := c.server.CreateKey(region, "alias/payments")
	c.driver = awssm.New(awssm.Options{Config: config(c.server.URL, "AKIAKEEPER"), Prefix: prefix, KMSKeyID: key, RecoveryDays: 9})
	w := write("x", "one", 1, keepersync.Remote{})
	w.Description = strings.Repeat("ü", 3000)
	first := c.put(w)
	s, _ := c.server.Secret(region, prefix+"x")
	if s.KMSKeyID != key {
		t.Errorf("KMS key %q, want %q", s.KMSKeyID, key)
	}
	if len(s.Description) < 2000 || len(s.Tags) != 3 || s.Tags["keeper:owner"] != "ins_1" || s.Tags["keeper:destination"] != "dst_1" || s.Tags["keeper:secret"] != "7" {
		t.Errorf("description of %d bytes, tags %v", len(s.Description), s.Tags)
	}
	_, err := c.driver.Delete(t.Context(), first)
	c.must(err)
	s, _ = c.server.Secret(region, prefix+"x")
	if days := time.Until(s.Deleted).Hours() / 24; days < 8.9 || days > 9.1 {
		t.Errorf("removed for good in %.1f days, want 9", days)
	}

	unknown := awssm.New(awssm.Options{Config: config(c.server.URL, "AKIAKEEPER"), Prefix: prefix, KMSKeyID: "alias/no-such"})
	_, err = unknown.Put(t.Context(), write("y", "one", 1, keepersync.Remote{}))
	wantKind(t, err, fault.Invalid, prefix+"y", "KMS key")
}

// A pass over many names costs pages and batches, never a call for each name.
func TestCalls(t *testing.T) {
	c := start(t)
	var names []string
	for i := range 130 {
		names = append(names, prefix+strings.Repeat("n", i+1))
		c.Edit(names[i], []byte("v"))
	}
	c.server.ResetCalls()
	for _, err := range c.driver.List(t.Context()) {
		c.must(err)
	}
	for name, got := range c.driver.Fetch(t.Context(), names) {
		if got.Err != nil {
			t.Errorf("%s: %v", name, got.Err)
		}
	}
	counts := c.server.Calls()
	if len(counts) != 2 || counts["secretsmanager.ListSecrets"].Count != 2 || counts["secretsmanager.BatchGetSecretValue"].Count != 7 {
		t.Errorf("calls: %v", counts)
	}
}

func TestUndecryptable(t *testing.T) {
	c := start(t)
	c.Edit(prefix+"good", []byte("v"))
	c.Edit(prefix+"bad", []byte("v"))
	c.inject(standin.Fault{Operation: "GetSecretValue", Secret: prefix + "bad", Kind: standin.FaultUndecryptable})
	answers := c.driver.Fetch(t.Context(), []string{prefix + "good", prefix + "bad"})
	c.must(answers[prefix+"good"].Err)
	wantKind(t, answers[prefix+"bad"].Err, fault.Unavailable, prefix+"bad", "KMS key")
}

// What others keep as bytes is read as well, and said to be of another form than Keeper's.
func TestBinary(t *testing.T) {
	c := start(t)
	for name, v := range map[string][]byte{"text": []byte("text"), "bytes": {0xff, 0x00}} {
		_, err := c.stranger.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String(prefix + name), SecretBinary: v})
		c.must(err)
		got := c.driver.Fetch(t.Context(), []string{prefix + name})[prefix+name]
		c.must(got.Err)
		if !bytes.Equal(got.Value.Reveal(), v) || (got.Odd != "") != (name == "text") {
			t.Errorf("%s: %d bytes, odd %q", name, got.Value.Len(), got.Odd)
		}
	}
	c.Edit(prefix+"string", []byte("text"))
	if got := c.driver.Fetch(t.Context(), []string{prefix + "string"})[prefix+"string"]; got.Odd != "" {
		t.Errorf("a SecretString is odd: %s", got.Odd)
	}
}

func TestRole(t *testing.T) {
	const arn = "arn:aws:iam::210987654321:role/keeper"
	server := standin.Start(t, standin.Options{Roles: []standin.Role{{ARN: arn, ExternalID: "ours"}}})
	role := func(externalID string) *awssm.Driver {
		return awssm.New(awssm.Options{Config: config(server.URL, "AKIAKEEPER"), Prefix: prefix, RoleARN: arn, ExternalID: externalID})
	}
	t.Run("OK", func(t *testing.T) {
		d := role("ours")
		if _, err := d.Put(t.Context(), write("x", "one", 1, keepersync.Remote{})); err != nil {
			t.Fatal(err)
		}
		if there := server.Secrets("210987654321", region); len(there) != 1 {
			t.Errorf("the role's account holds %d secrets", len(there))
		}
		if got, want := d.Quota().Scope, "aws/"+server.URL+"/210987654321/"+region; got != want {
			t.Errorf("scope %q, want %q", got, want)
		}
	})
	t.Run("WrongExternalID", func(t *testing.T) {
		_, err := role("theirs").Describe(t.Context(), prefix+"x")
		wantKind(t, err, fault.Forbidden, prefix+"x", arn, "sts:AssumeRole", "external id")
	})
}

func TestCheck(t *testing.T) {
	for _, action := range []string{
		"ListSecrets", "DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage",
		"TagResource", "DeleteSecret", "RestoreSecret", "BatchGetSecretValue",
	} {
		t.Run(action, func(t *testing.T) {
			c := start(t)
			c.inject(standin.Fault{Operation: action, Kind: standin.FaultDenied})
			wantKind(t, c.driver.Check(t.Context()), fault.Forbidden, "secretsmanager:"+action)
			if there := c.server.Secrets(standin.DefaultAccount, region); len(there) != 0 {
				t.Errorf("the check left %v behind", there)
			}
		})
	}
	t.Run("Credentials", func(t *testing.T) {
		d := scripted(t, 400, `{"__type": "UnrecognizedClientException", "message": "?"}`)
		wantKind(t, d.Check(t.Context()), fault.Forbidden, "credentials", "access key")
	})
	t.Run("NotSecretsManager", func(t *testing.T) {
		wantKind(t, scripted(t, 200, `{}`).Check(t.Context()), fault.Unavailable, "endpoint")
	})
}

// scripted is an AWS that gives one answer to everything.
func scripted(t *testing.T, status int, body string) *awssm.Driver {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return awssm.New(awssm.Options{Config: config(server.URL, "AKIAKEEPER"), Prefix: prefix})
}

func TestAnswers(t *testing.T) {
	ctx := context.Background()
	t.Run("SilentAboutAName", func(t *testing.T) {
		d := scripted(t, 200, `{"SecretValues": [], "Errors": []}`)
		wantKind(t, d.Fetch(ctx, []string{prefix + "x"})[prefix+"x"].Err, fault.Unavailable, prefix+"x")
	})
	t.Run("ErrorByARN", func(t *testing.T) {
		d := scripted(t, 200, `{"SecretValues": [], "Errors": [{"SecretId": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keeper/test/x-AbC123", "ErrorCode": "AccessDeniedException"}]}`)
		answers := d.Fetch(ctx, []string{prefix + "x"})
		wantKind(t, answers[prefix+"x"].Err, fault.Forbidden, prefix+"x")
		if len(answers) != 1 {
			t.Errorf("%d answers for one name", len(answers))
		}
	})
	t.Run("FilterTooWide", func(t *testing.T) {
		d := scripted(t, 200, `{"SecretList": [{"Name": "Keeper/Test/x"}, {"Name": "keeper/test"}, {"Name": "keeper/test/x"}]}`)
		for r, err := range d.List(ctx) {
			if err != nil || r.Name != prefix+"x" {
				t.Errorf("listed %q (%v)", r.Name, err)
			}
		}
	})
	t.Run("UnknownCode", func(t *testing.T) {
		_, err := scripted(t, 400, `{"__type": "NobodyKnowsException", "message": "?"}`).Describe(ctx, prefix+"x")
		wantKind(t, err, fault.Unavailable, prefix+"x", "NobodyKnowsException")
	})
	t.Run("NotAWS", func(t *testing.T) {
		_, err := scripted(t, 404, `<html>not found</html>`).Describe(ctx, prefix+"x")
		wantKind(t, err, fault.Unavailable, prefix+"x")
	})
	t.Run("ValueQuoted", func(t *testing.T) {
		d := scripted(t, 400, `{"__type": "ValidationException", "message": "Value 'c4n4ry' at 'secretString' failed"}`)
		_, err := d.Put(ctx, write("x", "c4n4ry", 1, keepersync.Remote{}))
		wantKind(t, err, fault.Invalid, prefix+"x")
		for e := err; e != nil; {
			if strings.Contains(e.Error(), "c4n4ry") {
				t.Errorf("the value is in the chain: %v", e)
			}
			u, ok := e.(interface{ Unwrap() error })
			if !ok {
				break
			}
			e = u.Unwrap()
		}
	})
}

func TestQuotaScope(t *testing.T) {
	one, other := config("http://127.0.0.1:1", "AKIAONE"), config("http://127.0.0.1:1", "AKIAOTHER")
	a, b := awssm.New(awssm.Options{Config: one}).Quota(), awssm.New(awssm.Options{Config: other}).Quota()
	if a.Scope != "aws/http://127.0.0.1:1/AKIAONE/"+region || a.Scope == b.Scope {
		t.Errorf("scopes %q and %q", a.Scope, b.Scope)
	}
	one.Credentials = nil
	if got := awssm.New(awssm.Options{Config: one}).Quota().Scope; got != "aws/http://127.0.0.1:1/default/"+region {
		t.Errorf("scope %q", got)
	}
}

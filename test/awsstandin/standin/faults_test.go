package standin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestFaultsThatAnswer(t *testing.T) {
	tests := map[standin.FaultKind]struct {
		status            int
		secrets, kms, sts string
	}{
		standin.FaultThrottle: {400, "ThrottlingException", "ThrottlingException", "Throttling"},
		standin.FaultError500: {500, "InternalServiceError", "KMSInternalException", "InternalFailure"},
		standin.FaultError503: {503, "ServiceUnavailableException", "DependencyTimeoutException", "ServiceUnavailable"},
		standin.FaultDenied:   {400, "AccessDeniedException", "AccessDeniedException", "AccessDenied"},
	}
	for kind, want := range tests {
		t.Run(string(kind), func(t *testing.T) {
			c := startKMS(t)
			c.create("s", "v")
			blob := c.seal("x", nil)
			c.inject(standin.Fault{Kind: kind})
			_, err := c.get("s")
			wantCode(t, err, want.secrets)
			var answer *smithyhttp.ResponseError
			if !errors.As(err, &answer) || answer.HTTPStatusCode() != want.status {
				t.Errorf("got %v, want status %d", err, want.status)
			}
			_, err = c.open(blob, nil)
			wantCode(t, err, want.kms)
			_, err = c.sts.GetCallerIdentity(c.ctx, &sts.GetCallerIdentityInput{})
			wantCode(t, err, want.sts)
			c.server.ClearFaults()
			equal(t, "value without faults", c.value("s"), "v")
		})
	}
}

func TestFaultDeniedText(t *testing.T) {
	c := start(t, standin.Options{})
	arn := *c.create("s", "v").ARN
	c.inject(standin.Fault{Service: "secretsmanager", Operation: "GetSecretValue", Kind: standin.FaultDenied})
	_, err := c.get("s")
	want := "User: arn:aws:iam::123456789012:user/standin is not authorized to perform: secretsmanager:GetSecretValue on resource: " + arn
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
}

func TestFaultUndecryptable(t *testing.T) {
	c := startKMS(t)
	c.create("s", "v")
	blob := c.seal("x", nil)
	c.inject(standin.Fault{Kind: standin.FaultUndecryptable})
	_, err := c.get("s")
	wantCode(t, err, "DecryptionFailure")
	_, err = c.open(blob, nil)
	wantCode(t, err, "InvalidCiphertextException")
	_, errs := c.batch("s")
	if diff := cmp.Diff(map[string]string{"s": "DecryptionFailure"}, errs); diff != "" {
		t.Error(diff)
	}
	c.put("s", "v2")
}

func TestFaultOnOneAmongMany(t *testing.T) {
	for _, operation := range []string{"GetSecretValue", "*"} {
		t.Run(operation, func(t *testing.T) {
			c := start(t, standin.Options{})
			for _, name := range []string{"app/a", "app/b", "web/a"} {
				c.create(name, "v")
			}
			arn := *must(c.get("app/b"))(t).ARN
			c.inject(standin.Fault{Operation: operation, Secret: "app/?", Kind: standin.FaultDenied, Skip: 1})
			c.value("app/a")
			for _, id := range []string{"app/b", arn, arn[:len(arn)-7]} {
				_, err := c.get(id)
				wantCode(t, err, "AccessDeniedException")
			}
			c.value("web/a")
			values, errs := c.batch("app/a", "web/a", "app/b")
			if diff := cmp.Diff(map[string]string{"web/a": "v"}, values); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]string{"app/a": "AccessDeniedException", "app/b": "AccessDeniedException"}, errs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFaultByKey(t *testing.T) {
	c := startKMS(t)
	blob := c.seal("x", nil)
	c.inject(standin.Fault{Service: "kms", Secret: "alias/keeper", Kind: standin.FaultError503})
	_, err := c.open(blob, nil)
	wantCode(t, err, "DependencyTimeoutException")
	other := c.server.CreateKey(region, "alias/other")
	c.keyARN(other)
}

func TestFaultTimeouts(t *testing.T) {
	for kind, acted := range map[standin.FaultKind]bool{standin.FaultTimeoutBefore: false, standin.FaultTimeoutAfter: true} {
		for name, ms := range map[string]int{"until the client gives up": 0, "until the connection is closed": 20} {
			t.Run(fmt.Sprint(kind, " ", name), func(t *testing.T) {
				c := start(t, standin.Options{})
				c.inject(standin.Fault{Operation: "CreateSecret", Kind: kind, Count: 1, Millis: ms})
				ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
				if ms == 0 {
					ctx, cancel = context.WithTimeout(c.ctx, 400*time.Millisecond)
				}
				defer cancel()
				_, err := c.sm.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("v")})
				if err == nil || code(err) != "" {
					t.Fatalf("got %v, want no answer", err)
				}
				_, found := c.server.Secret(region, "s")
				equal(t, "created", found, acted)
			})
		}
	}
	t.Run("the SDK's retry finds its own write", func(t *testing.T) {
		server := standin.Start(t, standin.Options{})
		c := connect(t, server, retrying(config("AKIDTEST", region)))
		c.create("s", "v1")
		c.inject(standin.Fault{Operation: "PutSecretValue", Kind: standin.FaultTimeoutAfter, Count: 1, Millis: 1})
		c.put("s", "v2")
		equal(t, "puts", server.CallsOf("secretsmanager", "PutSecretValue"), 2)
		state, _ := server.Secret(region, "s")
		equal(t, "versions", len(state.Versions), 2)
	})
}

func TestFaultReset(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v1")
	c.inject(standin.Fault{Operation: "PutSecretValue", Kind: standin.FaultReset, Count: 1})
	_, err := c.sm.PutSecretValue(c.ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("v2")})
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v, want a connection reset", err)
	}
	equal(t, "value", c.value("s"), "v1")
}

func TestFaultSlow(t *testing.T) {
	c := start(t, standin.Options{})
	c.create("s", "v")
	c.inject(standin.Fault{Operation: "GetSecretValue", Kind: standin.FaultSlow, Millis: 60})
	c.inject(standin.Fault{Operation: "GetSecretValue", Kind: standin.FaultThrottle, Skip: 1})
	begun := time.Now()
	equal(t, "value", c.value("s"), "v")
	if took := time.Since(begun); took < 60*time.Millisecond {
		t.Errorf("took %s, want 60ms at least", took)
	}
	_, err := c.get("s")
	wantCode(t, err, "ThrottlingException")
}

func TestFaultTruncateList(t *testing.T) {
	c := startKMS(t)
	for i := range 5 {
		c.create(fmt.Sprint("s", i), "v")
	}
	c.inject(standin.Fault{Kind: standin.FaultTruncateList})
	in := &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(2)}
	p := secretsmanager.NewListSecretsPaginator(c.sm, in)
	must(p.NextPage(c.ctx))(t)
	_, err := p.NextPage(c.ctx)
	wantCode(t, err, "InvalidNextTokenException")
}

func TestFaultCountSkipAndShare(t *testing.T) {
	hits := func(c *clients, calls int) (struck []int) {
		for i := range calls {
			if _, err := c.get("s"); err != nil {
				struck = append(struck, i)
			}
		}
		return struck
	}
	t.Run("count and skip", func(t *testing.T) {
		c := start(t, standin.Options{})
		c.create("s", "v")
		c.inject(standin.Fault{Service: "secretsmanager", Operation: "GetSecretValue", Kind: standin.FaultError500, Skip: 2, Count: 3})
		if diff := cmp.Diff([]int{2, 3, 4}, hits(c, 8)); diff != "" {
			t.Error(diff)
		}
		equal(t, "hits told", c.server.Faults()[0].Hits, 3)
	})
	t.Run("share, the same for the same seed", func(t *testing.T) {
		var runs [2][]int
		for i := range runs {
			c := start(t, standin.Options{Seed: 7})
			c.create("s", "v")
			c.inject(standin.Fault{Operation: "GetSecretValue", Kind: standin.FaultError500, Share: 0.3})
			runs[i] = hits(c, 200)
		}
		if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
			t.Error(diff)
		}
		if n := len(runs[0]); n < 30 || n > 90 {
			t.Errorf("got %d hits of 200, want about 60", n)
		}
	})
	t.Run("region", func(t *testing.T) {
		c := start(t, standin.Options{})
		c.create("s", "v")
		c.inject(standin.Fault{Region: "us-east-1", Kind: standin.FaultError500})
		equal(t, "value", c.value("s"), "v")
		_, err := c.as("AKIDTEST", "us-east-1").get("s")
		wantCode(t, err, "InternalServiceError")
	})
}

func TestInjectRefusesNonsense(t *testing.T) {
	s := standin.New(standin.Options{})
	for name, f := range map[string]standin.Fault{
		"kind":     {Kind: "explode"},
		"share":    {Kind: standin.FaultReset, Share: 2},
		"service":  {Kind: standin.FaultReset, Service: "s3"},
		"no delay": {Kind: standin.FaultSlow},
		"negative": {Kind: standin.FaultReset, Skip: -1},
	} {
		if err := s.Inject(f); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	equal(t, "faults", len(s.Faults()), 0)
}

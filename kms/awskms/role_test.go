package awskms_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

const (
	roleARN = "arn:aws:iam::210987654321:role/keeper"
	keysOf  = "210987654321"
)

// newRole is an account whose role, which has keys of another account, asks for an external id.
func newRole(t *testing.T) account {
	t.Helper()
	a := newAccount(t)
	a.server = standin.Start(t, standin.Options{
		Roles: []standin.Role{{ARN: roleARN, ExternalID: "keeper-7"}}, KMSAliases: []string{alias},
	})
	a.cfg.BaseEndpoint = aws.String(a.server.URL)
	return a
}

func TestRole(t *testing.T) {
	role := awskms.Options{KeyAlias: alias, RoleARN: roleARN, ExternalID: "keeper-7"}
	t.Run("OK", func(t *testing.T) {
		a := newRole(t)
		w := a.wrapper(t, role)
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				_, wrapped, err := w.GenerateDataKey(t.Context(), "", nil)
				if err != nil || !strings.Contains(wrapped.RecipientID, ":"+keysOf+":") {
					t.Errorf("got %s, %v, want a key of the role's account", wrapped.RecipientID, err)
				}
			})
		}
		wait.Wait()
		if n := a.server.CallsOf("sts", "AssumeRole"); n != 1 {
			t.Errorf("got %d calls of AssumeRole, want 1 for all", n)
		}
	})
	t.Run("CustomEndpoint", func(t *testing.T) {
		a := newRole(t)
		a.cfg.BaseEndpoint = aws.String(closedPort(t)) // nobody answers there
		options := role
		options.Endpoint = a.server.URL
		if _, err := a.wrapper(t, options).Describe(t.Context(), ""); err != nil {
			t.Error(err)
		}
	})
	for name, test := range map[string]struct {
		change func(*account, *awskms.Options)
		away   bool
		says   []string
	}{
		"NoExternalID":    {func(_ *account, o *awskms.Options) { o.ExternalID = "" }, false, []string{"sts:AssumeRole", "KEEPER_KMS_EXTERNAL_ID"}},
		"WrongExternalID": {func(_ *account, o *awskms.Options) { o.ExternalID = "keeper-8" }, false, []string{"sts:AssumeRole", "KEEPER_KMS_EXTERNAL_ID"}},
		"NoRole":          {func(_ *account, o *awskms.Options) { o.RoleARN = "arn:aws:iam::nobody" }, false, []string{"ValidationError", "KEEPER_KMS_ROLE_ARN"}},
		"NotSigned":       {func(a *account, _ *awskms.Options) { a.cfg.Credentials = nil }, false, []string{"AWS_ACCESS_KEY_ID"}},
		"Throttled":       {fails(standin.FaultThrottle), true, []string{"STS"}},
		"Broken":          {fails(standin.FaultError500), true, []string{"STS"}},
		"Unreachable":     {fails(standin.FaultReset), true, []string{"STS", "AWS_ENDPOINT_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, options := newRole(t), role
			test.change(&a, &options)
			_, _, err := a.wrapper(t, options).GenerateDataKey(t.Context(), "", kms.Context{kms.ContextEnvironment: "production"})
			expect(t, err, fault.Unavailable, test.away, append(test.says, alias, "production")...)
			if name != "NotSigned" && !strings.Contains(err.Error(), options.RoleARN) {
				t.Errorf("got %q, want it to name the role", err)
			}
		})
	}
}

// fails has the role's credentials fail.
func fails(kind standin.FaultKind) func(*account, *awskms.Options) {
	return func(a *account, _ *awskms.Options) {
		if err := a.server.Inject(standin.Fault{Service: "sts", Kind: kind}); err != nil {
			panic(err) // only a kind that does not exist
		}
	}
}

// TestExpiredRole: credentials that ran out are fetched anew without being asked.
func TestExpiredRole(t *testing.T) {
	a := newRole(t)
	w := a.wrapper(t, awskms.Options{KeyAlias: alias, RoleARN: roleARN, ExternalID: "keeper-7"})
	if _, err := w.Describe(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	a.server.Advance(2 * time.Hour) // for the server they have expired; this process's clock does not know
	_, err := w.Describe(t.Context(), "")
	expect(t, err, fault.Unavailable, false, "have expired", "check the clock", alias)
}

// TestCancelled: a call returns at once when its context ends, and the SDK's retries with it.
func TestCancelled(t *testing.T) {
	a := newAccount(t)
	w := a.wrapper(t, awskms.Options{KeyID: a.first})
	for name, kind := range map[string]standin.FaultKind{"Hanging": standin.FaultTimeoutBefore, "Refusing": standin.FaultError500} {
		t.Run(name, func(t *testing.T) {
			defer a.inject(t, standin.Fault{Service: "kms", Kind: kind})()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			begun := time.Now()
			_, err := w.Unwrap(ctx, kms.Wrapped{RecipientID: a.first, Blob: []byte("x")}, kms.Context{kms.ContextEnvironment: "production"})
			expect(t, err, fault.Unavailable, true, a.first, "production")
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %s after a deadline of 50 ms", took)
			}
		})
	}
	t.Run("ByTheCaller", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.Describe(ctx, "")
		expect(t, err, fault.Unavailable, false, a.first)
	})
}

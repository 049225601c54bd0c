package awskms_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// expect asserts an error's kind, whether waiting may mend it, and what it says.
func expect(t *testing.T, err error, kind fault.Kind, away bool, parts ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("got %v of kind %v, want %v", err, fault.KindOf(err), kind)
	}
	if got := errors.Is(err, kms.ErrUnreachable); got != away {
		t.Errorf("%v: got unreachable %t, want %t", err, got, away)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want it to say %q", err, part)
		}
	}
}

// TestEveryCallExplains goes through every way in which a key is out of reach, with every call
// that uses one: the error names the key, the environment, and what mends it.
func TestEveryCallExplains(t *testing.T) {
	ec := kms.Context{kms.ContextEnvironment: "production", "team": "payments"}
	calls := map[string]struct {
		permission string
		do         func(*testing.T, *awskms.Wrapper, account, kms.Wrapped) error
	}{
		"Generate": {"kms:GenerateDataKey", func(t *testing.T, w *awskms.Wrapper, a account, _ kms.Wrapped) error {
			_, _, err := w.GenerateDataKey(t.Context(), a.first, ec)
			return err
		}},
		"Wrap": {"kms:Encrypt", func(t *testing.T, w *awskms.Wrapper, a account, _ kms.Wrapped) error {
			_, err := w.Wrap(t.Context(), a.first, make([]byte, kms.KeySize), ec)
			return err
		}},
		"Unwrap": {"kms:Decrypt", func(t *testing.T, w *awskms.Wrapper, _ account, wrapped kms.Wrapped) error {
			_, err := w.Unwrap(t.Context(), wrapped, ec)
			return err
		}},
		"RewrapFrom": {"kms:ReEncryptFrom", func(t *testing.T, w *awskms.Wrapper, a account, wrapped kms.Wrapped) error {
			_, err := w.Rewrap(t.Context(), wrapped, a.second, ec)
			return err
		}},
		"RewrapTo": {"kms:ReEncryptTo", func(t *testing.T, w *awskms.Wrapper, a account, wrapped kms.Wrapped) error {
			_, err := w.Rewrap(t.Context(), underSecond(t, w, a, ec), a.first, ec)
			return err
		}},
	}
	outages := map[string]struct {
		begin func(account, *testing.T) func()
		away  bool
		says  []string // {} is the permission
	}{
		"Disabled":        {account.disable, false, []string{"is disabled", "aws kms enable-key --key-id", "--region " + region}},
		"PendingDeletion": {account.scheduleDeletion, false, []string{"is pending deletion on 20", "cancel-key-deletion"}},
		"Denied": {onFirst(standin.FaultDenied), false, []string{
			"{}", `"Action":[`, `"Resource":["arn:aws:kms:`, `"Condition":{"StringEquals":{"kms:EncryptionContext:keeper:environment":"production"}}`,
		}},
		"Throttled":   {onFirst(standin.FaultThrottle), true, []string{"throttled", "{}", "KEEPER_KMS_RATE", "quota of region " + region}},
		"Broken":      {onFirst(standin.FaultError500), true, []string{"KMSInternalException", "{}", "Health Dashboard"}},
		"BrokenBelow": {onFirst(standin.FaultError503), true, []string{"DependencyTimeoutException", "{}"}},
		"Reset":       {onFirst(standin.FaultReset), true, []string{"cannot be reached", "AWS_ENDPOINT_URL"}},
	}
	for outageName, outage := range outages {
		for callName, call := range calls {
			t.Run(outageName+"/"+callName, func(t *testing.T) {
				a := newAccount(t)
				w := a.wrapper(t, awskms.Options{KeyID: a.second})
				_, wrapped, err := w.GenerateDataKey(t.Context(), a.first, ec)
				if err != nil {
					t.Fatal(err)
				}
				outage.begin(a, t)
				err = call.do(t, w, a, wrapped)
				expect(t, err, fault.Unavailable, outage.away, a.first, "production")
				for _, part := range outage.says {
					if part = strings.ReplaceAll(part, "{}", call.permission); !strings.Contains(err.Error(), part) {
						t.Errorf("got %q, want it to say %q", err, part)
					}
				}
			})
		}
	}
}

// onFirst has KMS fail for the first key alone.
func onFirst(kind standin.FaultKind) func(account, *testing.T) func() {
	return func(a account, t *testing.T) func() {
		return a.inject(t, standin.Fault{Service: "kms", Secret: a.first, Kind: kind})
	}
}

func underSecond(t *testing.T, w *awskms.Wrapper, a account, ec kms.Context) kms.Wrapped {
	t.Helper()
	_, wrapped, err := w.GenerateDataKey(t.Context(), a.second, ec)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// TestBlame: of a re-wrap's two keys the error names the one that is the matter.
func TestBlame(t *testing.T) {
	ec := kms.Context{kms.ContextEnvironment: "production"}
	for name, begin := range map[string]func(account, *testing.T) func(){"Disabled": account.disable, "PendingDeletion": account.scheduleDeletion} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			w := a.wrapper(t, awskms.Options{KeyID: a.second})
			wrapped := underSecond(t, w, a, ec)
			begin(a, t)
			_, err := w.Rewrap(t.Context(), wrapped, a.first, ec)
			expect(t, err, fault.Unavailable, false, a.first)
			if strings.Contains(err.Error(), a.second) {
				t.Errorf("got %q, want it not to name the key that is well", err)
			}
		})
	}
	t.Run("Missing", func(t *testing.T) {
		a := newAccount(t)
		w := a.wrapper(t, awskms.Options{KeyID: a.second})
		_, err := w.Rewrap(t.Context(), underSecond(t, w, a, ec), "alias/nobody", ec)
		expect(t, err, fault.Unavailable, false, "alias/nobody", "KMS_KEY_ALIAS", "production")
		if strings.Contains(err.Error(), a.second) {
			t.Errorf("got %q, want it not to name the key that is well", err)
		}
	})
	t.Run("Both", func(t *testing.T) {
		a := newAccount(t)
		w := a.wrapper(t, awskms.Options{KeyID: a.second})
		wrapped := underSecond(t, w, a, ec)
		a.inject(t, standin.Fault{Service: "kms", Operation: "ReEncrypt", Kind: standin.FaultDenied})
		_, err := w.Rewrap(t.Context(), wrapped, a.first, ec)
		expect(t, err, fault.Unavailable, false, a.first, a.second, `"Action":["kms:ReEncryptFrom","kms:ReEncryptTo"]`)
	})
}

// TestStateWithoutLooking: where DescribeKey is refused, the error still says what it can.
func TestStateWithoutLooking(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(account, *testing.T) func()
		says  string
	}{"Disabled": {account.disable, "is disabled"}, "PendingDeletion": {account.scheduleDeletion, "pending deletion"}} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			test.begin(a, t)
			a.inject(t, standin.Fault{Service: "kms", Operation: "DescribeKey", Kind: standin.FaultDenied})
			_, _, err := a.wrapper(t, awskms.Options{KeyID: a.first}).GenerateDataKey(t.Context(), "", nil)
			expect(t, err, fault.Unavailable, false, test.says, a.first, "aws kms")
		})
	}
}

// TestForeignAccount: KMS tells nobody whether another account has a key.
func TestForeignAccount(t *testing.T) {
	a := newAccount(t)
	foreign := strings.Replace(a.first, standin.DefaultAccount, "999999999999", 1)
	_, _, err := a.wrapper(t, awskms.Options{KeyID: foreign}).GenerateDataKey(t.Context(), "", kms.Context{kms.ContextEnvironment: "production"})
	expect(t, err, fault.Unavailable, false, foreign, "production", "no such key", "kms:GenerateDataKey", "key's policy")
}

// TestMissing: a name that leads nowhere is told with where it was looked for.
func TestMissing(t *testing.T) {
	a := newAccount(t)
	id := "00000000-0000-4000-8000-000000000000"
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	for name, test := range map[string]struct {
		key  string
		says []string
	}{
		"Alias": {"alias/nobody", []string{"KMS_KEY_ALIAS", "AWS_REGION", region, "by its ARN"}},
		"ID":    {id, []string{"KMS_KEY_ID", "AWS_REGION", region, "by its ARN"}},
		"ARN":   {"arn:aws:kms:" + elsewhere + ":" + standin.DefaultAccount + ":key/" + id, []string{"its region", elsewhere}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.GenerateDataKey(t.Context(), test.key, kms.Context{kms.ContextEnvironment: "production"})
			expect(t, err, fault.Unavailable, false, append(test.says, test.key, "production")...)
			_, err = w.Describe(t.Context(), test.key)
			expect(t, err, fault.NotFound, false, append(test.says, test.key)...)
		})
	}
}

func TestEnableRotation(t *testing.T) {
	a := newAccount(t)
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	t.Run("OK", func(t *testing.T) {
		for i, want := range []bool{true, false} { // off, and then on already
			if changed, err := w.EnableRotation(t.Context(), ""); err != nil || changed != want {
				t.Fatalf("call %d: got %t, %v, want %t", i+1, changed, err, want)
			}
		}
		if info, err := w.Describe(t.Context(), ""); err != nil || info.Rotation == nil || !*info.Rotation {
			t.Errorf("got %+v, %v, want it to rotate", info, err)
		}
	})
	primary, replica := a.multiRegion(t)
	for name, test := range map[string]struct {
		key  string
		says []string
	}{
		"Imported":     {a.server.CreateKeyFrom(region, "", "EXTERNAL"), []string{"imported", "keeper kms rotate"}},
		"CustomStore":  {a.server.CreateKeyFrom(region, "", "AWS_CLOUDHSM"), []string{"custom key store"}},
		"Replica":      {replica, []string{"managed at its primary", "--key-id " + primary, "--region " + region}},
		"ManagedByAWS": {"alias/aws/secretsmanager", []string{"belongs to AWS"}},
	} {
		t.Run(name, func(t *testing.T) {
			changed, err := w.EnableRotation(t.Context(), test.key)
			expect(t, err, fault.Conflict, false, test.says...)
			if changed {
				t.Error("got changed")
			}
			if strings.HasPrefix(test.key, "arn:") && !strings.Contains(err.Error(), test.key) {
				t.Errorf("got %q, want it to name the key", err)
			}
		})
	}
	t.Run("Primary", func(t *testing.T) {
		if changed, err := w.EnableRotation(t.Context(), primary); err != nil || !changed {
			t.Errorf("got %t, %v, want it switched on", changed, err)
		}
	})
	for _, operation := range []string{"DescribeKey", "GetKeyRotationStatus", "EnableKeyRotation"} {
		t.Run("Denied"+operation, func(t *testing.T) {
			defer a.inject(t, standin.Fault{Service: "kms", Operation: operation, Kind: standin.FaultDenied})()
			_, err := w.EnableRotation(t.Context(), a.second)
			expect(t, err, fault.Unavailable, false, a.second, `"Action":["kms:`+operation+`"]`)
		})
	}
	t.Run("Disabled", func(t *testing.T) {
		fresh := newAccount(t)
		fresh.disable(t)
		_, err := fresh.wrapper(t, awskms.Options{KeyID: fresh.first}).EnableRotation(t.Context(), "")
		expect(t, err, fault.Unavailable, false, fresh.first, "enable-key")
	})
}

func TestTry(t *testing.T) {
	ec := kms.Context{kms.ContextEnvironment: "production"}
	permissions := []string{
		"kms:DescribeKey", "kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo",
		"kms:GetKeyRotationStatus", "kms:ListAliases",
	}
	try := func(t *testing.T, a account, key string) (failed []string) {
		t.Helper()
		var names []string
		for _, tried := range a.wrapper(t, awskms.Options{KeyAlias: alias}).Try(t.Context(), key, ec) {
			names = append(names, tried.Permission)
			if tried.OK != (tried.Err == nil) {
				t.Errorf("%s: got OK %t with error %v", tried.Permission, tried.OK, tried.Err)
			}
			if optional := tried.Permission == "kms:GetKeyRotationStatus" || tried.Permission == "kms:ListAliases"; tried.Optional != optional {
				t.Errorf("%s: got optional %t", tried.Permission, tried.Optional)
			}
			if tried.Err != nil {
				failed = append(failed, tried.Permission)
				if !strings.Contains(tried.Err.Error(), "KMS key ") || !strings.Contains(tried.Err.Error(), tried.Permission) {
					t.Errorf("%s: got %q, want it to name the key and the permission", tried.Permission, tried.Err)
				}
			}
		}
		if diff := cmp.Diff(permissions, names); diff != "" {
			t.Error(diff)
		}
		return failed
	}
	for _, key := range []string{"", "alias/second"} {
		if failed := try(t, newAccount(t), key); failed != nil {
			t.Errorf("%q: got %q failed, want none", key, failed)
		}
	}
	for operation, want := range map[string][]string{
		"DescribeKey": permissions[:1], "GenerateDataKey": permissions[1:2], "Encrypt": permissions[2:3], "Decrypt": permissions[3:4],
		"ReEncrypt": permissions[4:6], "GetKeyRotationStatus": permissions[6:7], "ListAliases": permissions[7:],
	} {
		t.Run(operation, func(t *testing.T) {
			a := newAccount(t)
			a.inject(t, standin.Fault{Service: "kms", Operation: operation, Kind: standin.FaultDenied})
			if diff := cmp.Diff(want, try(t, a, "")); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("AllDenied", func(t *testing.T) {
		a := newAccount(t)
		a.inject(t, standin.Fault{Service: "kms", Kind: standin.FaultDenied})
		if diff := cmp.Diff(permissions, try(t, a, "")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("LeavesTheKeyAlone", func(t *testing.T) {
		a := newAccount(t)
		try(t, a, "")
		status, err := a.client().GetKeyRotationStatus(t.Context(), &sdk.GetKeyRotationStatusInput{KeyId: aws.String(a.first)})
		if err != nil || status.KeyRotationEnabled {
			t.Errorf("got rotation %t, %v, want it off still", status.KeyRotationEnabled, err)
		}
	})
}

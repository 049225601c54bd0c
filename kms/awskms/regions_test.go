package awskms_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/kms/awskms"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

const elsewhere = "us-east-1"

// TestRegions: a key is asked for where its ARN says, whatever the default region.
func TestRegions(t *testing.T) {
	a := newAccount(t)
	there := a.server.CreateKey(elsewhere, "alias/there")
	prefix, _, _ := strings.Cut(there, "key/")
	thereAlias := prefix + "alias/there"
	w := a.wrapper(t, awskms.Options{KeyAlias: alias})
	ec := kms.Context{kms.ContextEnvironment: "production"}

	t.Run("RoundTrip", func(t *testing.T) {
		for _, name := range []string{there, thereAlias} {
			plain, wrapped, err := w.GenerateDataKey(t.Context(), name, ec)
			if err != nil {
				t.Fatal(err)
			}
			if wrapped.RecipientID != there {
				t.Errorf("got recipient %s, want %s", wrapped.RecipientID, there)
			}
			if got, err := w.Unwrap(t.Context(), wrapped, ec); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: it does not open: %v", name, err)
			}
		}
	})
	t.Run("Describe", func(t *testing.T) {
		info, err := w.Describe(t.Context(), there)
		if err != nil || info.Region != elsewhere || !cmp.Equal(info.Aliases, []string{"alias/there"}) {
			t.Errorf("got %+v, %v, want region %s with its alias", info, err, elsewhere)
		}
	})
	t.Run("Place", func(t *testing.T) {
		for key, want := range map[string]string{
			"": region, alias: region, "keeper": region, a.first: region, there: elsewhere, thereAlias: elsewhere,
			"arn:aws:kms:evil.example/#:123456789012:key/x": region, "arn:aws:s3:us-east-1::bucket": region,
		} {
			if got := w.Place(key); got != want {
				t.Errorf("%q: got %s, want %s", key, got, want)
			}
		}
	})
	t.Run("RewrapAcross", func(t *testing.T) {
		plain, wrapped, err := w.GenerateDataKey(t.Context(), "", ec)
		if err != nil {
			t.Fatal(err)
		}
		a.server.ResetCalls()
		moved, err := w.Rewrap(t.Context(), wrapped, there, ec)
		if err != nil || moved.RecipientID != there {
			t.Fatalf("got %s, %v, want %s", moved.RecipientID, err, there)
		}
		if got, err := w.Unwrap(t.Context(), moved, ec); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("it does not open: %v", err)
		}
		if n := a.server.CallsOf("kms", "ReEncrypt"); n != 0 {
			t.Errorf("got %d calls of ReEncrypt, want none between regions", n)
		}
	})
	t.Run("CanRewrap", func(t *testing.T) {
		otherAccount := strings.Replace(a.first, standin.DefaultAccount, "999999999999", 1)
		for _, test := range []struct {
			from, to string
			want     bool
		}{{a.first, a.second, true}, {a.first, "", true}, {a.first, "alias/second", true}, {a.first, otherAccount, true}, {a.first, there, false}, {there, "", false}} {
			if got := w.CanRewrap(test.from, test.to); got != test.want {
				t.Errorf("%s to %s: got %t, want %t", test.from, test.to, got, test.want)
			}
		}
	})
	t.Run("OneRegionAway", func(t *testing.T) {
		defer a.inject(t, standin.Fault{Service: "kms", Region: region, Kind: standin.FaultError500})()
		if _, _, err := w.GenerateDataKey(t.Context(), there, ec); err != nil {
			t.Error(err)
		}
		if _, _, err := w.GenerateDataKey(t.Context(), "", ec); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), region) {
			t.Errorf("got %v, want Unavailable that names %s", err, region)
		}
	})
	t.Run("FirstCallsAtOnce", func(t *testing.T) {
		fresh := a.wrapper(t, awskms.Options{KeyAlias: alias})
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				if _, err := fresh.Describe(t.Context(), []string{a.first, there}[i%2]); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	})
}

// TestMultiRegion: what a multi-region key wrapped in one region opens in the other.
func TestMultiRegion(t *testing.T) {
	a := newAccount(t)
	primary, replica := a.multiRegion(t)
	w := a.wrapper(t, awskms.Options{KeyID: primary})
	ec := kms.Context{kms.ContextEnvironment: "production"}
	for here, there := range map[string]string{primary: replica, replica: primary} {
		info, err := w.Describe(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{there}, info.Replicas); diff != "" {
			t.Error(diff)
		}
		plain, wrapped, err := w.GenerateDataKey(t.Context(), here, ec)
		if err != nil {
			t.Fatal(err)
		}
		wrapped.RecipientID = there
		if got, err := w.Unwrap(t.Context(), wrapped, ec); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("what %s wrapped does not open under %s: %v", here, there, err)
		}
	}
	bare := primary[strings.LastIndex(primary, "/")+1:]
	if info, err := w.Describe(t.Context(), bare); err != nil || info.ID != primary {
		t.Errorf("got %s, %v, want %s by its id alone", info.ID, err, primary)
	}
}

// multiRegion makes a key with a replica, and returns the ARNs of both.
func (a account) multiRegion(t *testing.T) (primary, replica string) {
	t.Helper()
	made, err := a.client().CreateKey(t.Context(), &sdk.CreateKeyInput{MultiRegion: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.client().ReplicateKey(t.Context(), &sdk.ReplicateKeyInput{KeyId: made.KeyMetadata.KeyId, ReplicaRegion: aws.String(elsewhere)})
	if err != nil {
		t.Fatal(err)
	}
	return *made.KeyMetadata.Arn, *out.ReplicaKeyMetadata.Arn
}

package standin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/test/awsstandin/standin"
)

func TestKMSLatency(t *testing.T) {
	const latency = 40 * time.Millisecond
	c := start(t, standin.Options{KMSAliases: []string{"alias/keeper"}, KMSLatency: latency})
	begun := time.Now()
	c.seal("x", nil)
	if took := time.Since(begun); took < latency {
		t.Errorf("a call of KMS took %s, want %s at least", took, latency)
	}
	// The quickest of several, as any one can be held up by the machine.
	quickest := time.Hour
	for i := range 20 {
		begun := time.Now()
		c.create(fmt.Sprint("s", i), "v")
		quickest = min(quickest, time.Since(begun))
	}
	if quickest >= latency {
		t.Errorf("20 calls of Secrets Manager took %s at least, want none to wait for KMS's %s", quickest, latency)
	}
}

func TestSetQuota(t *testing.T) {
	c := startKMS(t)
	throttled := func() (n int) {
		for range 10 {
			_, err := c.kms.Encrypt(c.ctx, &kms.EncryptInput{KeyId: keeperKey, Plaintext: []byte("x")})
			if err != nil {
				wantCode(t, err, "ThrottlingException")
				n++
			}
		}
		return n
	}
	equal(t, "throttled without a quota", throttled(), 0)
	check(t, c.server.SetQuota(standin.QuotaKMSCryptography, 0.001))
	equal(t, "throttled under a quota that begins empty", throttled(), 10)
	equal(t, "throttled as counted", c.server.Calls()["kms.Encrypt"].Throttled, 10)
	c.keyARN("alias/keeper") // no cryptography, no quota
	check(t, c.server.SetQuota(standin.QuotaKMSCryptography, 0))
	equal(t, "throttled without a quota again", throttled(), 0)

	for family, rate := range map[string]float64{"kms:Nothing": 1, standin.QuotaKMSCryptography: -1} {
		if err := c.server.SetQuota(family, rate); err == nil {
			t.Errorf("%s, %v: got no error", family, rate)
		}
	}
	var told map[string]float64
	equal(t, "status", c.admin("POST", "quotas", `{"kms:Cryptography": 7}`, nil), 200)
	c.admin("GET", "quotas", "", &told)
	if diff := cmp.Diff(map[string]float64{standin.QuotaKMSCryptography: 7}, told); diff != "" {
		t.Error(diff)
	}
	equal(t, "status of an unknown family", c.admin("POST", "quotas", `{"kms:Nothing": 7}`, nil), 400)
}

// TestFaultByOperationAndKey: one permission on one key is refused, however the key is named.
func TestFaultByOperationAndKey(t *testing.T) {
	c := startKMS(t)
	arn := c.keyARN("alias/keeper")
	other := c.server.CreateKey(region, "alias/other")
	blob := c.seal("x", nil)
	c.inject(standin.Fault{Service: "kms", Operation: "Decrypt", Secret: arn, Region: region, Kind: standin.FaultDenied})
	for _, name := range []string{arn, "alias/keeper"} {
		_, err := c.kms.Decrypt(c.ctx, &kms.DecryptInput{KeyId: &name, CiphertextBlob: blob})
		wantCode(t, err, "AccessDeniedException")
	}
	_, err := c.open(blob, nil) // named by the ciphertext alone
	wantCode(t, err, "AccessDeniedException")
	c.seal("x", nil)
	moved := must(c.kms.ReEncrypt(c.ctx, &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyId: &other}))(t)
	equal(t, "opened under the other key", must(c.open(moved.CiphertextBlob, nil))(t), "x")
}

// TestRotationRefused: KMS takes no alias here, and rotates only material that it made.
func TestRotationRefused(t *testing.T) {
	c := startKMS(t)
	enable := func(id string) error {
		_, err := c.kms.EnableKeyRotation(c.ctx, &kms.EnableKeyRotationInput{KeyId: &id})
		return err
	}
	arn := c.keyARN("alias/keeper")
	prefix, _, _ := strings.Cut(arn, "key/")
	for _, name := range []string{"alias/keeper", prefix + "alias/keeper"} {
		wantCode(t, enable(name), "NotFoundException")
		_, err := c.kms.GetKeyRotationStatus(c.ctx, &kms.GetKeyRotationStatusInput{KeyId: aws.String(name)})
		wantCode(t, err, "NotFoundException")
	}
	for _, origin := range []string{"EXTERNAL", "AWS_CLOUDHSM"} {
		made := c.server.CreateKeyFrom(region, "", origin)
		wantCode(t, enable(made), "UnsupportedOperationException")
		out := must(c.kms.DescribeKey(c.ctx, &kms.DescribeKeyInput{KeyId: &made}))(t)
		equal(t, "origin", string(out.KeyMetadata.Origin), origin)
	}
	wantCode(t, enable(arn), "")
}

// BenchmarkDecrypt is the server's own share of a call, without a network.
func BenchmarkDecrypt(b *testing.B) {
	server := standin.New(standin.Options{KMSAliases: []string{"alias/keeper"}})
	defer server.Close()
	call := func(operation, body string) string {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		now := time.Now().UTC()
		r.Header.Set("X-Amz-Target", "TrentService."+operation)
		r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDTEST/"+now.Format("20060102")+"/"+region+"/kms/aws4_request, SignedHeaders=host, Signature=0")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body.String())
		}
		return w.Body.String()
	}
	sealed := call("Encrypt", `{"KeyId":"alias/keeper","Plaintext":"AAAA","EncryptionContext":{"keeper:environment":"production"}}`)
	blob := strings.Split(strings.Split(sealed, `"CiphertextBlob":"`)[1], `"`)[0]
	for b.Loop() {
		call("Decrypt", `{"CiphertextBlob":"`+blob+`","EncryptionContext":{"keeper:environment":"production"}}`)
	}
}

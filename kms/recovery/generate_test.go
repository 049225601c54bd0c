package recovery_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/kms/recovery"
)

func TestGenerate(t *testing.T) {
	identity, recipient, err := recovery.Generate(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil || recovery.Parse(recipient) != nil {
		t.Fatalf("got the recipient %q, %v", recipient, err)
	}
	text := string(identity.Reveal())
	if !strings.HasPrefix(text, "# created: 2027-01-02T03:04:05Z\n# public key: "+recipient+"\nAGE-SECRET-KEY-1") {
		t.Error("the identity is not as age-keygen writes one")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", identity, identity, identity), "AGE-SECRET-KEY") {
		t.Error("the identity prints itself")
	}
	w, err := recovery.WithIdentities(bytes.NewReader(identity.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	info, err := w.Describe(t.Context(), "")
	if err != nil || info.ID != recipient {
		t.Errorf("the identity opens for %q, %v; want %q", info.ID, err, recipient)
	}
	if _, other, _ := recovery.Generate(time.Now()); other == recipient {
		t.Error("two identities are the same")
	}
}

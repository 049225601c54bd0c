package saml_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func TestKeyPair(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	pair, err := saml.GenerateKeyPair("Keeper at keeper.example", now, 3*365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if c := pair.Certificate; c.Subject.CommonName != "Keeper at keeper.example" || c.NotAfter.Before(now.AddDate(2, 11, 0)) || pair.Key.N.BitLen() != 3072 {
		t.Errorf("%v %s", c.Subject, c.NotAfter)
	}
	key, err := pair.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ThereAndBack", func(t *testing.T) {
		again, err := saml.ParseKeyPair(pair.CertificatePEM(), key)
		if err != nil || !again.Key.Equal(pair.Key) || !again.Certificate.Equal(pair.Certificate) {
			t.Errorf("%v", err)
		}
	})
	t.Run("PrintsNoKey", func(t *testing.T) {
		encoded, err := json.Marshal(pair)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{fmt.Sprint(pair), fmt.Sprintf("%+v %#v %d %x", pair, pair, pair, pair), fmt.Sprintf("%+v", saml.Config{Keys: []saml.KeyPair{pair}}), string(encoded)} {
			if strings.Contains(text, pair.Key.D.String()) || strings.Contains(text, pair.Key.D.Text(16)) || strings.Contains(text, pair.Key.Primes[0].String()) {
				t.Errorf("the key is in %.80q", text)
			}
		}
	})
	other, err := ourKey().KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		certificate []byte
		key         models.Plaintext
	}{
		"KeyOfAnother":  {pair.CertificatePEM(), other},
		"NoKey":         {pair.CertificatePEM(), models.NewPlaintext([]byte("hello"))},
		"NoCertificate": {[]byte("hello"), key},
		"KeyTwice":      {key.Reveal(), key},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := saml.ParseKeyPair(c.certificate, c.key); fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
		})
	}
}

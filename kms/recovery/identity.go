package recovery

import (
	"context"
	"io"

	"filippo.io/age"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
)

// maxRecipient is how long a recipient id may be where it is stored. Post-quantum recipients
// have about 2,000 characters and do not fit; X25519 ones have 62.
const maxRecipient = 255

const whereRecipient = "A recipient begins with age1 and stands in the line \"# public key\" that age-keygen writes."

// Parse tells whether a text is a recipient that data keys can be wrapped for: an age X25519
// recipient in its one canonical spelling. It is Invalid otherwise, and an identity that was
// given by mistake is not quoted.
func Parse(recipient string) error {
	_, err := parse(recipient)
	return err
}

func parse(recipient string) (age.Recipient, error) {
	if len(recipient) > maxRecipient {
		return nil, fault.New(fault.Invalid, "The recovery recipient is longer than %d characters; post-quantum recipients cannot be stored yet.", maxRecipient).
			WithHint("Make an X25519 key with age-keygen.")
	}
	parsed, err := age.ParseX25519Recipient(recipient)
	if err != nil || parsed.String() != recipient {
		// No cause: age's error quotes the text, which may be an identity.
		return nil, fault.New(fault.Invalid, "The recovery recipient is not an age recipient.").
			WithHint("%s", whereRecipient)
	}
	return parsed, nil
}

// WithIdentities makes a backend that also opens, from the text of an identity file as
// age-keygen writes it. "" names the recipient of its first identity. No error quotes the text.
func WithIdentities(r io.Reader) (*Wrapper, error) {
	parsed, err := age.ParseIdentities(r)
	if err != nil {
		// No cause: age's error may quote the line that it does not understand.
		return nil, fault.New(fault.Invalid, "The identity file cannot be read as age identities.").
			WithHint("It must hold lines that begin with AGE-SECRET-KEY-1, as age-keygen writes them; decrypt a file with a passphrase by age -d first.")
	}
	w := &Wrapper{identities: make(map[string]age.Identity, len(parsed))}
	for _, identity := range parsed {
		own, ok := identity.(*age.X25519Identity)
		if !ok {
			continue // of a kind that nothing is wrapped for
		}
		recipient := own.Recipient().String()
		if w.first == "" {
			w.first = recipient
		}
		w.identities[recipient] = own
	}
	if w.first == "" {
		return nil, fault.New(fault.Invalid, "The identity file holds no X25519 identity.").
			WithHint("Give the file whose recipient was added to the environment: age1…")
	}
	return w, nil
}

// Answer opens a wrapped key with the identity of its recipient and answers a drill's nonce,
// which proves that the data key came out without showing it. It needs nothing of Keeper but
// the challenge.
func Answer(identities io.Reader, blob []byte, recipient string, ec kms.Context, nonce []byte) ([]byte, error) {
	w, err := WithIdentities(identities)
	if err != nil {
		return nil, err
	}
	plain, err := w.Unwrap(context.Background(), kms.Wrapped{RecipientID: recipient, Blob: blob}, ec) // nothing in it waits
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return kms.DrillAnswer(plain, nonce)
}

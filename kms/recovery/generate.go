package recovery

import (
	"fmt"
	"time"

	"filippo.io/age"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Generate makes an identity, as the text of an identity file that age reads too, and its
// recipient, which is public. The caller wipes the identity.
func Generate(now time.Time) (identity models.Plaintext, recipient string, err error) {
	made, err := age.GenerateX25519Identity()
	if err != nil {
		return identity, "", fault.Wrap(err, fault.Internal, "An identity could not be made.")
	}
	recipient = made.Recipient().String()
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", now.UTC().Format(time.RFC3339), recipient, made)
	return models.NewPlaintext([]byte(text)), recipient, nil
}

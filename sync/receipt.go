package sync

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// Receipt says what a run proved. As a text it is a signed note
// (golang.org/x/mod/sumdb/note): a first line that names the format, the receipt as JSON,
// and the signature. One receipt has one text.
//
// It says of the names that Proven counts as equal that each was equal when the run looked
// at it, between Started and Ended; by a listing, which may be ListingAge older. Of the names that are
// not in its Part it says nothing.
type Receipt struct {
	Engine       string             `json:"engine"` // Keeper's version
	Installation string             `json:"installation"`
	Environment  string             `json:"environment"`
	Destination  ReceiptDestination `json:"destination"`
	Run          models.RunID       `json:"run"`
	Plan         models.PlanID      `json:"plan,omitempty"` // that the run applied
	Started      time.Time          `json:"started"`
	Ended        time.Time          `json:"ended"`
	ListingAge   int                `json:"listing_age_seconds"`
	Proven
}

// ReceiptDestination names the destination of a receipt.
type ReceiptDestination struct {
	ID   models.DestinationID   `json:"id"`
	Name string                 `json:"name"`
	Kind models.DestinationKind `json:"kind"`
}

const receiptFormat = "keeper sync receipt v1\n"

// Sign makes the receipt's text. The name says whose key it is; see PublicKey.
func (r Receipt) Sign(name string, key crypto.Signer) (string, error) {
	public, err := PublicKey(name, key)
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The receipt cannot be signed.")
	}
	body, err := r.body()
	if err != nil {
		return "", err
	}
	text, err := note.Sign(&note.Note{Text: body}, signer{verifier, key})
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The receipt cannot be signed.")
	}
	return string(text), nil
}

// signer makes signatures that its verifier knows.
type signer struct {
	note.Verifier
	key crypto.Signer
}

// Sign signs as note's own Ed25519 signer does.
func (s signer) Sign(text []byte) ([]byte, error) { return s.key.Sign(nil, text, crypto.Hash(0)) }

// PublicKey is a key's public half as text, "name+hash+base64", to check receipts with.
func PublicKey(name string, key crypto.Signer) (string, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return "", fault.New(fault.Internal, "Receipts are signed by Ed25519 keys alone.")
	}
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The public key has no text.")
	}
	return text, nil
}

func (r Receipt) body() (string, error) {
	r.Started, r.Ended = r.Started.UTC().Truncate(time.Microsecond), r.Ended.UTC().Truncate(time.Microsecond)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The receipt cannot be encoded.")
	}
	return receiptFormat + string(text) + "\n", nil
}

// OpenReceipt reads a receipt's text, which is untrusted, and checks that the key's owner
// signed exactly this. Invalid where not. It needs nothing but its arguments.
func OpenReceipt(text, publicKey string) (Receipt, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(publicKey))
	if err != nil {
		return Receipt{}, fault.Wrap(err, fault.Invalid, "The public key is not one of Keeper's.").
			WithHint("It has the form name+hash+key.")
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return Receipt{}, fault.Wrap(err, fault.Invalid, "The receipt is not signed by the key %s, or was changed since.", verifier.Name())
	}
	return parseBody(opened.Text)
}

// ReadReceipt reads a receipt's text without the key: nothing of it may be believed but for
// finding the key that it claims.
func ReadReceipt(text string) (Receipt, error) {
	end := strings.LastIndex(text, "\n\n— ")
	if end < 0 {
		return Receipt{}, errNoReceipt
	}
	return parseBody(text[:end+1])
}

var errNoReceipt = fault.New(fault.Invalid, "That is not the text of a receipt.").WithHint("Give the whole text, signature included, as Keeper gave it.")

// parseBody takes only what body would have written, so that no two readers see two things.
func parseBody(text string) (Receipt, error) {
	var r Receipt
	encoded, ok := strings.CutPrefix(text, receiptFormat)
	if !ok {
		return r, errNoReceipt
	}
	read := json.NewDecoder(bytes.NewReader([]byte(encoded)))
	read.DisallowUnknownFields()
	if err := read.Decode(&r); err != nil {
		return r, fault.Wrap(err, fault.Invalid, "The receipt cannot be read.")
	}
	if again, err := r.body(); err != nil || again != text {
		return r, fault.New(fault.Invalid, "The receipt is not written as Keeper writes receipts.")
	}
	return r, r.Proven.check()
}

// check says whether the figures of a receipt can be true together.
func (p Proven) check() error {
	named := min(p.Exceptions, NamedExceptions)
	switch {
	case p.Equal < 0, p.Exceptions < 0, len(p.Named) != named,
		int64(p.Equal) > p.Source.Names, int64(p.Equal) > p.ReadBack.Names,
		int64(p.Evidence.Version+p.Evidence.Value+p.Evidence.Write) != p.ReadBack.Names,
		p.Source.Names > int64(p.Equal+p.Exceptions), p.ReadBack.Names > int64(p.Equal+p.Exceptions),
		p.Exceptions == 0 && p.Source != p.ReadBack,
		p.Part != nil && (p.Part.Names < max(1, p.Equal+p.Exceptions) || len(p.Part.First) != min(p.Part.Names, NamedPart)):
		return fault.New(fault.Invalid, "The receipt contradicts itself.")
	}
	return nil
}

// Whole reports whether everything that the proof is about was equal.
func (p Proven) Whole() bool { return p.Exceptions == 0 }

package auth_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

var party = virtualwebauthn.RelyingParty{ID: "localhost", Name: "Keeper", Origin: "http://localhost"}

// device is an authenticator with one passkey of ada's.
type device struct {
	virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
}

// wholeKey is a passkey whose public key is as long as the library encodes it: of one in 128 it
// drops a leading zero, and such a one is rightly refused.
func wholeKey() virtualwebauthn.Credential {
	for {
		key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(key.Key.AttestationData()) == 77 {
			return key
		}
	}
}

func newDevice(actor models.Actor) *device {
	d := &device{virtualwebauthn.NewAuthenticator(), wholeKey()}
	d.Options.UserHandle = []byte(actor.UserID)
	d.key.Counter = 1
	return d
}

func (d *device) answer(t *testing.T, options json.RawMessage, at virtualwebauthn.RelyingParty) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	d.key.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(at, d.Authenticator, d.key, *parsed))
}

func (d *device) register(t *testing.T, h *house, actor models.Actor, name string) models.Passkey {
	t.Helper()
	options, step, err := h.BeginPasskeyRegistration(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	reply := []byte(virtualwebauthn.CreateAttestationResponse(party, d.Authenticator, d.key, *parsed))
	key, err := h.FinishPasskeyRegistration(t.Context(), actor, step, name, reply)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.FinishPasskeyRegistration(t.Context(), actor, step, name, reply); !fault.Is(err, fault.Invalid) {
		t.Errorf("the same answer again: %v", err)
	}
	return key
}

// ask begins a sign-in without a user name.
func (h *house) ask(t *testing.T) (json.RawMessage, string) {
	t.Helper()
	options, step, err := h.BeginPasskey(t.Context(), "", origin)
	if err != nil {
		t.Fatal(err)
	}
	return options, step
}

func TestPasskeySignIn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *house) {
		_, actor := h.signIn(t)
		d := newDevice(actor)
		d.register(t, h, actor, " laptop ")
		options, step := h.ask(t)
		reply := d.answer(t, options, party)
		in, err := h.FinishPasskey(t.Context(), step, reply, origin)
		if err != nil || in.User.Username != "ada" {
			t.Fatalf("got %+v, %v", in, err)
		}
		if _, session, _, err := h.Session(t.Context(), in.SessionID, origin); err != nil || session.Method != models.ByPasskey {
			t.Errorf("session %+v, %v", session, err)
		}
		keys, err := h.Passkeys(t.Context(), actor)
		if err != nil || len(keys) != 1 || keys[0].Name != "laptop" || keys[0].LastUsedAt == nil {
			t.Errorf("keys %+v, %v", keys, err)
		}
		_, err = h.FinishPasskey(t.Context(), step, reply, origin) // replayed
		wantFault(t, err, fault.Unauthenticated)
		_, other := h.ask(t)
		_, err = h.FinishPasskey(t.Context(), other, reply, origin) // in another sign-in
		wantFault(t, err, fault.Unauthenticated)
	})
}

func TestPasskeyRefused(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	d := newDevice(actor)
	d.register(t, h, actor, "laptop")
	try := func(t *testing.T, reply func(options json.RawMessage) []byte) error {
		t.Helper()
		options, step := h.ask(t)
		in, err := h.FinishPasskey(t.Context(), step, reply(options), origin)
		if in.SessionID != "" {
			t.Error("it signed in")
		}
		return err
	}
	for name, reply := range map[string]func(json.RawMessage) []byte{
		"Empty":   func(json.RawMessage) []byte { return nil },
		"Garbage": func(json.RawMessage) []byte { return []byte(`{"id":"x"}`) },
		"Huge":    func(json.RawMessage) []byte { return []byte(strings.Repeat("x", 1<<20)) },
		"OtherSite": func(o json.RawMessage) []byte {
			return d.answer(t, o, virtualwebauthn.RelyingParty{ID: "localhost", Origin: "https://evil.example"})
		},
		"OtherParty": func(o json.RawMessage) []byte {
			return d.answer(t, o, virtualwebauthn.RelyingParty{ID: "evil.example", Origin: "http://localhost"})
		},
		"NobodysKey": func(o json.RawMessage) []byte { return newDevice(actor).answer(t, o, party) },
		"OthersHandle": func(o json.RawMessage) []byte {
			thief := *d
			thief.Options.UserHandle = []byte("usr_other")
			return thief.answer(t, o, party)
		},
		"NoHandle": func(o json.RawMessage) []byte {
			thief := *d
			thief.Options.UserHandle = nil
			return thief.answer(t, o, party)
		},
		// The device was there, but nobody proved to be its person: too little without a password.
		"NotVerified": func(o json.RawMessage) []byte {
			thief := *d
			thief.Options.UserNotVerified = true
			return thief.answer(t, o, party)
		},
	} {
		t.Run(name, func(t *testing.T) { wantFault(t, try(t, reply), fault.Unauthenticated) })
	}
	t.Run("NoPassword", func(t *testing.T) { // an account that only its provider may vouch for
		h.change(t, func(u *models.User) { u.PasswordHash = "" })
		wantFault(t, try(t, func(o json.RawMessage) []byte { return d.answer(t, o, party) }), fault.Unauthenticated)
	})
	t.Run("Disabled", func(t *testing.T) {
		h.change(t, func(u *models.User) { u.PasswordHash, u.Disabled = "x", true })
		wantFault(t, try(t, func(o json.RawMessage) []byte { return d.answer(t, o, party) }), fault.Unauthenticated)
	})
}

func TestPasskeyAsSecondFactor(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	d := newDevice(actor)
	d.Options.UserNotVerified = true // the password was the other factor
	key := d.register(t, h, actor, "stick")
	step := h.begin(t)
	if needs, err := h.StepNeeds(t.Context(), step); err != nil || !slices.Equal(needs, []models.SignInMethod{models.ByPasskey}) {
		t.Errorf("needs %v, %v", needs, err)
	}
	_, err := h.FinishPasskey(t.Context(), step, d.answer(t, json.RawMessage(`{"publicKey":{"challenge":"AAAA"}}`), party), origin)
	wantFault(t, err, fault.Unauthenticated) // nothing was asked yet
	options, same, err := h.BeginPasskey(t.Context(), step, origin)
	if err != nil || same != step {
		t.Fatal(err)
	}
	in, err := h.FinishPasskey(t.Context(), step, d.answer(t, options, party), origin)
	if err != nil || in.SessionID == "" {
		t.Fatalf("got %+v, %v", in, err)
	}
	t.Run("Rename", func(t *testing.T) {
		wantFault(t, h.RenamePasskey(t.Context(), actor, key.ID, " "), fault.Invalid)
		if err := h.RenamePasskey(t.Context(), actor, key.ID, "key ring"); err != nil {
			t.Error(err)
		}
	})
	t.Run("NotAnothers", func(t *testing.T) {
		bob := actor
		bob.UserID = "usr_bob"
		if err := h.store.Write(t.Context(), func(tx *store.Tx) error {
			return tx.CreateUser(&models.User{ID: "usr_bob", Kind: models.UserPerson, Username: "bob", Role: models.RoleUser})
		}); err != nil {
			t.Fatal(err)
		}
		wantFault(t, h.RenamePasskey(t.Context(), bob, key.ID, "mine"), fault.NotFound)
		wantFault(t, h.RemovePasskey(t.Context(), bob, key.ID), fault.NotFound)
		_, step, err := h.BeginPasskeyRegistration(t.Context(), actor)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.FinishPasskeyRegistration(t.Context(), bob, step, "x", []byte("{}"))
		wantFault(t, err, fault.Invalid)
	})
	t.Run("Remove", func(t *testing.T) {
		if err := h.RemovePasskey(t.Context(), actor, key.ID); err != nil {
			t.Fatal(err)
		}
		h.signIn(t) // the password is enough again
		for _, action := range []string{"passkey.create", "passkey.update", "passkey.delete"} {
			if h.count(t, action, models.OutcomeAllowed) != 1 {
				t.Errorf("%s is not on record once", action)
			}
		}
	})
}

// TestCopiedPasskey has the counter of a passkey go back.
func TestCopiedPasskey(t *testing.T) {
	var told []models.Signal
	h := openWith(t, auth.Deps{Alert: func(_ *store.Tx, signals ...models.Signal) error {
		told = append(told, signals...)
		return nil
	}})
	_, actor := h.signIn(t)
	d := newDevice(actor)
	d.register(t, h, actor, "laptop")
	use := func(counter uint32) error {
		options, step := h.ask(t)
		d.key.Counter = counter
		_, err := h.FinishPasskey(t.Context(), step, d.answer(t, options, party), origin)
		return err
	}
	if err := use(10); err != nil {
		t.Fatal(err)
	}
	wantFault(t, use(5), fault.Unauthenticated)
	wantFault(t, use(100), fault.Unauthenticated) // neither of the two serves any more
	keys, err := h.Passkeys(t.Context(), actor)
	if err != nil || len(keys) != 1 || !keys[0].CloneWarning {
		t.Errorf("keys %+v, %v", keys, err)
	}
	if h.count(t, "passkey.copied", models.OutcomeRefused) != 2 || len(told) != 4 || told[0].Kind != models.AlertPasskeyCopied || !told[0].Holds || told[1].Holds {
		t.Errorf("told %+v", told)
	}
}

func TestNoPasskeysForAnAddress(t *testing.T) {
	h := openWith(t, auth.Deps{PublicURL: "http://192.0.2.7:8989"})
	if h.HasPasskeys() {
		t.Error("an address has passkeys")
	}
	_, _, err := h.BeginPasskey(t.Context(), "", origin)
	wantFault(t, err, fault.Invalid)
	_, actor := h.signIn(t)
	_, _, err = h.BeginPasskeyRegistration(t.Context(), actor)
	wantFault(t, err, fault.Invalid)
}

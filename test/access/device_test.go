package access

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"github.com/your-org/keeper/models"
)

var party = virtualwebauthn.RelyingParty{ID: "localhost", Name: "Keeper", Origin: "http://localhost"}

// device is a person's authenticator, with one passkey in it.
type device struct {
	virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
	id  string // of the passkey at Keeper
}

// register gives a user a passkey. The virtual authenticator writes a coordinate of its key
// that begins with a zero byte too short, about one key in 128: then it takes another.
func (h *house) register(u models.User) *device {
	h.t.Helper()
	var err error
	for range 5 {
		var d *device
		if d, err = h.tryRegister(u); err == nil {
			return d
		}
	}
	h.t.Fatal(err)
	return nil
}

func (h *house) tryRegister(u models.User) (*device, error) {
	h.t.Helper()
	local, err := h.auth.Local(h.t.Context(), u.Username)
	must(h.t, err)
	d := &device{Authenticator: virtualwebauthn.NewAuthenticator(), key: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
	d.Options.UserHandle, d.key.Counter = []byte(u.ID), 1
	options, step, err := h.auth.BeginPasskeyRegistration(h.t.Context(), local)
	must(h.t, err)
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	must(h.t, err)
	reply := virtualwebauthn.CreateAttestationResponse(party, d.Authenticator, d.key, *parsed)
	key, err := h.auth.FinishPasskeyRegistration(h.t.Context(), local, step, "key", []byte(reply))
	d.id = key.ID
	return d, err
}

// answer is what the device says to a challenge.
func (d *device) answer(t *testing.T, options json.RawMessage) string {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	must(t, err)
	d.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(party, d.Authenticator, d.key, *parsed)
}

// enrol gives a user an authenticator app, and returns its secret.
func (h *house) enrol(u models.User) string {
	h.t.Helper()
	local, err := h.auth.Local(h.t.Context(), u.Username)
	must(h.t, err)
	app, err := h.auth.BeginTOTP(h.t.Context(), local)
	must(h.t, err)
	must(h.t, h.auth.ConfirmTOTP(h.t.Context(), local, h.code(h.t, app.Secret)))
	return app.Secret
}

// code is what an authenticator app shows.
func (h *house) code(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, h.now)
	must(t, err)
	return code
}

// begun begins a proof with a passkey, and answers it.
func (c *caller) begun(h *house, d *device) {
	h.t.Helper()
	w := world{house: h}
	out := w.send(h.t, http.MethodPost, "/prove/passkey/begin", "application/x-www-form-urlencoded", "", c)
	for _, cookie := range out.Result().Cookies() {
		if cookie.Name == "keeper-step" {
			c.ids["prove-step"] = cookie.Value
		}
	}
	c.ids["prove-response"] = d.answer(h.t, out.Body.Bytes())
}

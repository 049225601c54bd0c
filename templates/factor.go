package templates

import (
	"encoding/base64"
	"html/template"
	"net/url"
	"time"

	"github.com/your-org/keeper/models"
)

// WithQuery is a path with one parameter.
func WithQuery(path, name, value string) string {
	return path + "?" + url.Values{name: {value}}.Encode()
}

// Factors are those that a page takes.
type Factors struct {
	Password, Code, Passkey bool
}

// StepPage is GET /sign-in/step. Fields: code or recovery_code, next.
type StepPage struct {
	BasePage
	Form     Form
	Factors  Factors
	Recovery bool // there are recovery codes
	// WithRecovery asks for one of them in place of the rest: GET /sign-in/step?with=recovery.
	WithRecovery bool
}

func (*StepPage) template() string { return "people/step" }

// Frame stands around the page.
func (p *StepPage) Frame() Frame { return Frame{Title: "Second step", Plain: true} }

// ProvePage is GET /prove. Fields: password or code, next.
type ProvePage struct {
	BasePage
	Form    Form
	Factors Factors
	SAML    string // the provider that the session came from, which may vouch again; ""
}

func (*ProvePage) template() string { return "people/prove" }

// Frame stands around the page.
func (p *ProvePage) Frame() Frame { return Frame{Title: "Prove who you are", Plain: true} }

// FactorsPage is GET /profile/factors. Fields: name, of a passkey.
type FactorsPage struct {
	BasePage
	Form        Form
	App         *time.Time // since when an authenticator app is set up; nil: none
	Begun       bool       // one was begun and not confirmed
	Passkeys    []models.Passkey
	MayPasskeys bool // browsers make them for this installation's address
	CodesLeft   int
}

func (*FactorsPage) template() string { return "people/factors" }

// Frame stands around the page.
func (p *FactorsPage) Frame() Frame {
	return Frame{Title: "Sign-in", Nav: NavProfile, Crumbs: []Crumb{{"Profile", "/profile"}}}
}

// TOTPPage shows the secret of an authenticator app, once. Fields: code.
type TOTPPage struct {
	BasePage
	Form   Form
	Secret string // base32
	QR     []byte // PNG
}

func (*TOTPPage) template() string { return "people/totp" }

// Frame stands around the page.
func (p *TOTPPage) Frame() Frame {
	return Frame{Title: "Authenticator app", Nav: NavProfile, Crumbs: []Crumb{{"Profile", "/profile"}, {"Sign-in", "/profile/factors"}}}
}

// Picture is the QR code as an address of its own. It is Keeper's own PNG in base64.
func (p *TOTPPage) Picture() template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.QR)) //nolint:gosec // nothing of it was typed
}

// RecoveryCodesPage shows new recovery codes, once.
type RecoveryCodesPage struct {
	BasePage
	Codes []string
}

func (*RecoveryCodesPage) template() string { return "people/recovery-codes" }

// Frame stands around the page.
func (p *RecoveryCodesPage) Frame() Frame {
	return Frame{Title: "Recovery codes", Nav: NavProfile, Crumbs: []Crumb{{"Profile", "/profile"}, {"Sign-in", "/profile/factors"}}}
}

package saml

import "time"

// Identity is who somebody is according to an identity provider that was believed.
type Identity struct {
	Provider     string // Config.ID
	Issuer       string // the identity provider's entity id
	NameID       string
	NameIDFormat string
	SessionIndex string // "" when the identity provider keeps no sessions
	Username     string // never empty
	Email        string // "" when unknown
	DisplayName  string // "" when unknown
	Groups       []string
	AssertionID  string
	AuthnInstant time.Time // when the person last proved who they are
	NotOnOrAfter time.Time // when the assertion stops being valid
	SessionEnds  time.Time // SessionNotOnOrAfter; zero when the identity provider sets no end
}

// SignIn is a finished sign-in.
type SignIn struct {
	Identity  Identity
	ReturnTo  string // a path on this server, "/" when nobody asked for one
	Purpose   string // what Begin was told
	Solicited bool   // false when the identity provider began it
}

// BeginOptions say how a sign-in begins.
type BeginOptions struct {
	ReturnTo string // where to go afterwards; anything but a path on this server becomes "/"

	// Purpose comes back in SignIn.Purpose, so that a test sign-in or a re-authentication is told from a sign-in.
	Purpose string

	// Browser, when not empty, is a value that only this browser can give back (from a SameSite=None; Secure cookie, as
	// the answer is a cross-site POST). Finish then refuses a response that another browser brings, so that
	// nobody can be signed in to somebody else's account unawares.
	Browser string

	ForceAuthn bool // ask that the person proves who they are, whatever session the identity provider has
}

package web

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// visitor is who makes a request: the zero user and session for somebody not signed in.
type visitor struct {
	actor models.Actor
	user  models.User
	row   models.Session
}

const visitorKey = "visitor"

// mustChoosePassword reports whether nothing else can be done before: whoever a provider
// vouched for signed in with no password of Keeper's.
func (v visitor) mustChoosePassword() bool {
	return v.user.MustChangePassword && v.row.Method != models.BySAML
}

// sessionStore keeps gorilla's sessions in auth's rows. The cookie holds the identifier and
// nothing else; the row is found by its hash, and can be ended from elsewhere.
type sessionStore struct {
	auth   *auth.Service
	origin func(*http.Request) auth.Origin
	secure func(*http.Request) bool // whether cookies travel over TLS only
}

var _ sessions.Store = (*sessionStore)(nil)

// Get is the session of a request, looked up once.
func (s *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New looks the session up. One that has ended is a new one that belongs to nobody.
func (s *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	session.Options, session.IsNew = s.options(r), true
	session.Values[visitorKey] = visitor{actor: auth.Nobody(s.origin(r))}
	cookie, err := r.Cookie(name)
	if err != nil || cookie.Value == "" {
		return session, nil
	}
	find := s.auth.Session
	if isBackground(r) {
		find = s.auth.LookAtSession
	}
	actor, row, user, err := find(r.Context(), cookie.Value, s.origin(r))
	if fault.Is(err, fault.Unauthenticated) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = cookie.Value, false
	session.Values[visitorKey] = visitor{actor, user, row}
	for _, flash := range decodeFlashes(row.Data) {
		session.AddFlash(flash)
	}
	return session, nil
}

// Save writes what changed: the cookie of a new session or of one that ended, and the
// messages that are to be shown.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	if session.ID == "" {
		return nil
	}
	if session.IsNew {
		http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	}
	data := encodeFlashes(session)
	if who, _ := session.Values[visitorKey].(visitor); bytes.Equal(data, who.row.Data) {
		return nil
	}
	return s.auth.SaveSession(r.Context(), session.ID, data)
}

// options are the cookie's: it ends with the browser, and its session by itself before.
func (s *sessionStore) options(r *http.Request) *sessions.Options {
	return &sessions.Options{Path: "/", HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteLaxMode}
}

// cookieName gives the name of a cookie. The prefix makes browsers hold us to Secure, to
// this host and to the whole path, so that no neighbour's page can plant one.
func (w *Web) cookieName(r *http.Request, name string) string {
	if w.isSecure(r) {
		return "__Host-" + name
	}
	return name
}

// start gives the browser a new session.
func (r *request) start(id string) error {
	r.session.ID, r.session.IsNew = id, true
	r.dropVisit()
	return r.session.Save(r.Request, r.out)
}

// renew gives the session a new identifier where its user's rights have changed, when a page
// is opened: what the page fetches by itself is still under way with the old one.
func (r *request) renew() error {
	if r.session.ID == "" || r.Method != http.MethodGet || r.isPartial() || isBackground(r.Request) {
		return nil
	}
	id, err := r.web.Auth.Renew(r.Context(), r.session.ID, r.row, r.user)
	if err != nil || id == "" {
		return err
	}
	r.rotate(id)
	return nil
}

// rotate has the browser use the session's new identifier from now on.
func (r *request) rotate(id string) {
	r.session.ID = id
	http.SetCookie(r.out, sessions.NewCookie(r.session.Name(), id, r.session.Options))
}

// end takes the session's cookie from the browser.
func (r *request) end() error {
	r.session.Options.MaxAge = -1
	return r.session.Save(r.Request, r.out)
}

// visit identifies a browser that is not signed in, for the token of the sign-in form. It
// is made where there is none.
func (r *request) visit() string {
	name := r.web.cookieName(r.Request, "keeper-visit")
	if cookie, err := r.Cookie(name); err == nil && len(cookie.Value) >= 26 {
		return cookie.Value
	}
	value := rand.Text()
	options := r.web.sessions.options(r.Request)
	options.MaxAge = int(time.Hour.Seconds())
	http.SetCookie(r.out, sessions.NewCookie(name, value, options))
	return value
}

// setStep gives the browser the step that it has to finish; "" takes it away.
func (r *request) setStep(step string) {
	options := r.web.sessions.options(r.Request)
	options.SameSite, options.MaxAge = http.SameSiteStrictMode, int((5 * time.Minute).Seconds())
	if step == "" {
		if r.step() == "" {
			return
		}
		options.MaxAge = -1
	}
	http.SetCookie(r.out, sessions.NewCookie(r.web.cookieName(r.Request, "keeper-step"), step, options))
}

// step is the one that the browser has to finish; "" for none.
func (r *request) step() string {
	cookie, err := r.Cookie(r.web.cookieName(r.Request, "keeper-step"))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// withDevice has the origin of a request tell of the browser what it was given when its person
// signed in with it before.
func (w *Web) withDevice(origin func(*http.Request) auth.Origin) func(*http.Request) auth.Origin {
	return func(r *http.Request) auth.Origin {
		o := origin(r)
		if cookie, err := r.Cookie(w.cookieName(r, "keeper-device")); err == nil {
			o.Device = cookie.Value
		}
		return o
	}
}

// setDevice gives the browser what tells it from strangers'.
func (r *request) setDevice(device string) {
	options := r.web.sessions.options(r.Request)
	options.SameSite, options.MaxAge = http.SameSiteStrictMode, int(auth.DeviceLasts.Seconds())
	http.SetCookie(r.out, sessions.NewCookie(r.web.cookieName(r.Request, "keeper-device"), device, options))
}

// keepDevice renews that after a change of what it is bound to. Where it fails, the browser is
// a stranger's at the next sign-in, and no more than that.
func (r *request) keepDevice() {
	if device, err := r.web.Auth.NewDevice(r.Context(), r.actor); err == nil {
		r.setDevice(device)
	}
}

func (r *request) dropVisit() {
	options := r.web.sessions.options(r.Request)
	options.MaxAge = -1
	http.SetCookie(r.out, sessions.NewCookie(r.web.cookieName(r.Request, "keeper-visit"), "", options))
}

// csrfToken is the token that a form must bring back. It is derived from the session's
// identifier, which only this browser and nobody's page can know; the prefix keeps it apart
// from the hash under which the session is stored, so that neither tells the other.
func (r *request) csrfToken() string {
	seed := r.session.ID
	if seed == "" {
		seed = r.visit()
	}
	sum := sha256.Sum256([]byte("keeper form token 1\x00" + seed))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// errForged refuses a form that was not made for this session.
var errForged = fault.New(fault.Forbidden, "This form belongs to another sign-in or is too old; nothing was done.").
	WithHint("Check what stands in it and send it again.")

// checkToken holds a change to the token of the page that asked for it.
func (r *request) checkToken() error {
	given := r.Header.Get("X-CSRF-Token")
	if given == "" {
		given = r.PostForm.Get("csrf_token")
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(r.csrfToken())) != 1 {
		return errForged
	}
	return nil
}

package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/templates"
)

// samlLasts is how long a browser keeps by what it shows that it began a sign-in.
const samlLasts = 15 * time.Minute

// mark is what shows that this browser began a sign-in at a provider. The answer is another
// site's POST, so its cookie goes along with those; it serves for nothing else.
func (r *request) mark() string {
	cookie, err := r.Cookie(r.markName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (r *request) markName() string { return r.web.cookieName(r.Request, "keeper-saml") }

// setMark gives the browser a mark where it has none, and keeps one that it has: several tabs
// may sign in at once. Without TLS, which only this machine itself does without, browsers send
// no cookie along with another site's POST; there, the provider has to be on this machine too.
func (r *request) setMark() string {
	value := r.mark()
	if len(value) < 26 {
		value = rand.Text()
	}
	options := r.web.sessions.options(r.Request)
	options.MaxAge = int(samlLasts.Seconds())
	if options.Secure {
		options.SameSite = http.SameSiteNoneMode
	}
	http.SetCookie(r.out, sessions.NewCookie(r.markName(), value, options))
	return value
}

// beginSAML sends the browser to an identity provider: to sign in, or ?for=test, ?for=prove.
func (w *Web) beginSAML(r *request) error {
	query := r.URL.Query()
	at := auth.BeginAt{ReturnTo: localPath(query.Get("next")), For: query.Get("for"), Browser: r.setMark()}
	there, err := w.Auth.BeginSAML(r.Context(), r.actor, r.param("provider"), at, w.origin(r.Request))
	if err != nil {
		return err
	}
	if there.Form == nil {
		return r.redirect(there.URL)
	}
	return r.onward("Signing in", "Your browser goes to the identity provider.", there)
}

// takeSAML takes the answer that a provider's page had the browser send.
func (w *Web) takeSAML(r *request) error {
	name := r.param("provider")
	landed, err := w.Auth.FinishSAML(r.Context(), name, r.Request, r.mark(), w.origin(r.Request))
	if err != nil {
		return err
	}
	if landed.Test != nil {
		environments, err := w.Auth.EnvironmentNames(r.Context())
		if err != nil {
			return err
		}
		page := &templates.DoctorPage{Provider: name, Label: name, Found: doctorOf(*landed.Test, environments), Alone: true}
		return r.show(page, &page.BasePage)
	}
	id := landed.Proven
	if landed.SessionID != "" {
		id = landed.SessionID
		if r.session.ID != "" { // where the provider is on the same site
			if err := w.endSession(r); err != nil {
				return err
			}
		}
	}
	// What this page needs of a session it does without: it is an answer to another site.
	r.session.ID, r.visitor, r.environments = "", visitor{actor: auth.Nobody(w.origin(r.Request))}, nil
	http.SetCookie(r.out, sessions.NewCookie(r.session.Name(), id, r.session.Options))
	w.live.recheck()
	return r.onward("You are signed in", "Your browser goes on by itself.", auth.Redirect{URL: localPath(landed.ReturnTo)})
}

// onward answers with a page that goes on to another address. It is no redirect: browsers hold
// the form that led here to this site alone, and the next request is this site's own.
func (r *request) onward(title, text string, to auth.Redirect) error {
	page := &templates.OnwardPage{Title: title, Text: text, To: to.URL}
	if to.Form != nil {
		page.To = to.Form.Action
		for _, f := range to.Form.Fields {
			page.Fields = append(page.Fields, templates.OnwardField{Name: f.Name, Value: f.Value})
		}
		const header, alone = "Content-Security-Policy", "form-action 'self'"
		r.out.Header().Set(header, strings.Replace(r.out.Header().Get(header), alone, alone+" "+to.Origin(), 1))
	} else {
		r.out.Header().Set("Refresh", "0; url="+refreshURL(to.URL))
	}
	return r.show(page, &page.BasePage)
}

// refreshURL is an address as the header takes it: whatever could end it early is escaped.
func refreshURL(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return "/"
	}
	return strings.NewReplacer("'", "%27", `"`, "%22", ";", "%3B", ",", "%2C").Replace(u.String())
}

// showSAMLMetadata gives the identity provider what it has to know of Keeper.
func (w *Web) showSAMLMetadata(r *request) error {
	metadata, err := w.Auth.ProviderMetadata(r.Context(), r.param("provider"))
	if err != nil {
		return err
	}
	r.out.Header().Set("Content-Type", "application/samlmetadata+xml")
	r.out.WriteHeader(http.StatusOK)
	_, _ = r.out.Write(metadata)
	return nil
}

// showSAMLCertificate gives whoever sets the identity provider up Keeper's certificate as a file: the one of a fingerprint, or
// without one that of the key that signs.
func (w *Web) showSAMLCertificate(r *request) error {
	name := r.param("provider")
	certificate, err := w.Auth.ProviderCertificate(r.Context(), name, r.URL.Query().Get("fingerprint"))
	if err != nil {
		return err
	}
	r.out.Header().Set("Content-Type", "application/x-pem-file")
	r.out.Header().Set("Content-Disposition", `attachment; filename="keeper-`+name+`.pem"`)
	r.out.WriteHeader(http.StatusOK)
	_, _ = r.out.Write(certificate)
	return nil
}

// takeLogout takes what a provider has the browser bring: its wish to end sessions, or its
// answer to ours.
func (w *Web) takeLogout(r *request) error {
	out, err := w.Auth.TakeLogout(r.Context(), r.param("provider"), r.Request, w.origin(r.Request))
	if err != nil {
		return err
	}
	w.live.recheck()
	if out.Answer == nil {
		return r.redirect(localPath(out.ReturnTo))
	}
	if out.Answer.Form == nil && r.reads() {
		return r.redirect(out.Answer.URL)
	}
	return r.onward("You are signed out", "Your browser goes back to the identity provider.", *out.Answer)
}

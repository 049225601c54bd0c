package web_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// rivals is a house with a second provider, "rival", whose owner signs whatever it likes. Keeper believes it about its own
// people: it makes accounts, named by the display name, allows whatever can be allowed, and has the group staff, which gives
// nothing.
type rivals struct {
	*samlHouse
	rival *samltest.IDP
}

func newRivals(t *testing.T) *rivals {
	t.Helper()
	h := &rivals{samlHouse: newSAMLHouse(t, nil)}
	ctx, root := t.Context(), models.System()
	_, err := h.auth.CreateGroup(ctx, root, auth.NewGroup{Provider: "okta", Name: "keeper-admins", Role: models.RoleAdmin})
	must(t, err)
	h.rival, err = samltest.Start(samlAda)
	must(t, err)
	t.Cleanup(h.rival.Close)
	_, err = h.auth.CreateProvider(ctx, root, auth.NewProvider{Name: "rival", Config: models.ProviderConfig{
		MetadataURL: h.rival.MetadataURL(), CreateUsers: true, UsernameAttribute: samltest.AttributeName, EmailAttribute: samltest.AttributeEmail,
		AllowIDPInitiated: true, AllowResponseOnly: true,
	}})
	must(t, err)
	_, err = h.auth.CreateGroup(ctx, root, auth.NewGroup{Provider: "rival", Name: "staff"})
	must(t, err)
	_, err = h.auth.UpdateProvider(ctx, root, "rival", auth.ProviderChange{Enabled: new(true), Untested: true}, 0)
	must(t, err)
	for _, name := range []string{"okta", "rival"} { // it knows of both, which is no secret
		metadata, err := h.auth.ProviderMetadata(ctx, name)
		must(t, err)
		must(t, h.rival.Register(metadata))
	}
	return h
}

func (h *rivals) entityID(name string) string {
	h.t.Helper()
	p, err := h.auth.Provider(context.Background(), models.System(), name)
	must(h.t, err)
	return p.EntityID
}

func (h *rivals) rights(name string) models.Actor {
	h.t.Helper()
	actor, err := h.auth.Local(context.Background(), name)
	must(h.t, err)
	return actor
}

// refused fails unless an answer was refused for a reason.
func (h *rivals) refused(t *testing.T, p *page, want string) {
	t.Helper()
	p.want(http.StatusUnauthorized, "main", "The sign-in did not work")
	if got := h.refusal(); got != want {
		t.Errorf("refused for %s, want %s", got, want)
	}
}

// asOkta has a message of the rival's say that it is Okta's.
func (h *rivals) asOkta(finished func(*etree.Element)) samltest.Making {
	return samltest.Making{
		Assertion: func(a *crewjam.Assertion) { a.Issuer.Value = h.idp.EntityID() },
		Response:  func(r *crewjam.Response) { r.Issuer.Value = h.idp.EntityID() }, SignResponse: true, Finished: finished,
	}
}

// TestSAMLRival owns one of two identity providers, and tries to become somebody of the other's or to do them harm.
func TestSAMLRival(t *testing.T) {
	h := newRivals(t)
	ada := h.visitor()
	ada.samlSignIn().want(http.StatusOK, "main", "You are signed in")
	before := h.rights(samlAda.NameID)
	t.Run("NameOfAnother", func(t *testing.T) { h.takesTheName(t) })
	t.Run("AnswerForTheOther", func(t *testing.T) { h.answersForTheOther(t) })
	t.Run("AnswerOfTheOther", func(t *testing.T) { h.passesOn(t) })
	t.Run("WhatItMayIsItsOwn", func(t *testing.T) { h.widens(t) })
	t.Run("SignOut", func(t *testing.T) { h.signsOut(t) })
	t.Run("Linked", func(t *testing.T) { h.linked(t, ada) })
	t.Run("AnotherNameInItsMetadata", func(t *testing.T) { h.renames(t) })
	after := h.rights(samlAda.NameID)
	if after.Role != before.Role || len(after.Roles) != 1 || after.Roles[1] != models.RoleEditor {
		t.Errorf("ada may %v %v, and might %v %v", after.Role, after.Roles, before.Role, before.Roles)
	}
	ada.get("/profile").want(http.StatusOK, "main", samlAda.NameID)
}

// takesTheName has the rival send ada's NameID, ada's user name, and Okta's groups.
func (h *rivals) takesTheName(t *testing.T) {
	groups := []string{"staff", "keeper-admins", "keeper-devs"}
	h.rival.SetUser(samltest.User{NameID: samlAda.NameID, Email: samlAda.Email, Name: "mallory", Groups: groups})
	v := h.visitor()
	v.post("/saml/rival/acs", v.atProvider("/saml/rival/sign-in")).onwards()
	if got := v.get("/profile").text("main"); !strings.Contains(got, "mallory") {
		t.Errorf("who is signed in: %s", got)
	}
	if may := h.rights("mallory"); may.Role != models.RoleUser || len(may.Roles) != 0 || may.UserID == h.rights(samlAda.NameID).UserID {
		t.Errorf("mallory may %v %v", may.Role, may.Roles)
	}
	for _, name := range []string{samlAda.NameID, strings.ToUpper(samlAda.NameID), "root"} {
		h.rival.SetUser(samltest.User{NameID: "nobody-" + name, Email: "root@example.com", Name: name, Groups: groups})
		v := h.visitor()
		h.refused(t, v.post("/saml/rival/acs", v.atProvider("/saml/rival/sign-in")), auth.ReasonUsernameTaken)
	}
}

// answersForTheOther answers what was asked of Okta, in Okta's name.
func (h *rivals) answersForTheOther(t *testing.T) {
	h.rival.SetUser(samlAda)
	for want, finished := range map[saml.Reason]func(*etree.Element){
		saml.ReasonOtherKey: nil,
		saml.ReasonSignature: func(root *etree.Element) {
			for _, certificate := range root.FindElements("//X509Certificate") {
				certificate.SetText(samltest.Encode(h.idp.Keys()[0].Certificate.Raw))
			}
		},
	} {
		v := h.visitor()
		fields := v.atProvider("/saml/okta/sign-in")
		forged, err := h.rival.Respond(h.entityID("okta"), inResponseTo(t, fields), samlAda.NameID, h.asOkta(finished))
		must(t, err)
		fields.Set("SAMLResponse", samltest.Encode(forged))
		h.refused(t, v.post("/saml/okta/acs", fields), string(want))
	}
}

func inResponseTo(t *testing.T, fields url.Values) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(fields.Get("SAMLResponse"))
	must(t, err)
	doc := etree.NewDocument()
	must(t, doc.ReadFromBytes(text))
	return doc.Root().SelectAttrValue("InResponseTo", "")
}

// passesOn brings Okta's good answer to where the rival's are taken.
func (h *rivals) passesOn(t *testing.T) {
	v := h.visitor()
	okta, rival := v.atProvider("/saml/okta/sign-in"), v.atProvider("/saml/rival/sign-in")
	for _, state := range []string{"", okta.Get("RelayState"), rival.Get("RelayState")} {
		fields := url.Values{"SAMLResponse": okta["SAMLResponse"], "RelayState": {state}}
		h.refused(t, v.post("/saml/rival/acs", fields), string(saml.ReasonOtherKey))
	}
}

// widens holds that what the rival may do Okta may not.
func (h *rivals) widens(t *testing.T) {
	unasked, err := h.idp.Respond(h.entityID("okta"), "", samlAda.NameID, samltest.Making{})
	must(t, err)
	h.refused(t, h.visitor().post("/saml/okta/acs", url.Values{"SAMLResponse": {samltest.Encode(unasked)}}), string(saml.ReasonUnsolicited))
	h.idp.Make(samltest.Making{UnsignedAssertion: true, SignResponse: true})
	defer h.idp.Make(samltest.Making{})
	h.refused(t, h.visitor().samlSignIn(), string(saml.ReasonResponseOnly))
}

// signsOut asks for the end of ada's sessions: as itself, and as Okta.
func (h *rivals) signsOut(t *testing.T) {
	before := h.sessionsOf(samlAda.NameID)
	if len(before) == 0 || len(h.sessionsOf("mallory")) == 0 {
		t.Fatal("nobody is signed in")
	}
	own, err := h.rival.LogoutURL(h.entityID("rival"), samlAda.NameID, nil, nil)
	must(t, err)
	h.visitor().staying().get(own).want(http.StatusSeeOther, "", "")
	if len(h.sessionsOf("mallory")) != 0 {
		t.Error("the rival cannot end its own")
	}
	el, target, err := h.rival.LogoutElement(h.entityID("okta"), samlAda.NameID, nil, func(r *crewjam.LogoutRequest) { r.Issuer.Value = h.idp.EntityID() })
	must(t, err)
	forged, err := h.rival.Redirect(el, target, "SAMLRequest", "")
	must(t, err)
	h.visitor().staying().get(forged).want(http.StatusUnauthorized, "", "")
	posted, err := h.rival.SignedForm(el)
	must(t, err)
	h.visitor().post("/saml/okta/slo", url.Values{"SAMLRequest": {posted}}).want(http.StatusUnauthorized, "", "")
	var reasons []string
	for _, e := range h.entries("session.end")[:2] {
		reasons = append(reasons, string(e.Outcome)+" "+e.Detail["provider"]+" "+e.Detail["reason"])
	}
	if got := strings.Join(reasons, ", "); got != "refused okta signed_by_other_key, refused okta signature_invalid" {
		t.Errorf("the audit log says %s", got)
	}
	if after := h.sessionsOf(samlAda.NameID); len(after) != len(before) {
		t.Errorf("%d of %d sessions are left", len(after), len(before))
	}
}

// linked is an account that both providers know: neither takes from it what the other gave, or proves the other's session.
func (h *rivals) linked(t *testing.T, ada *visitor) {
	ctx := context.Background()
	must(t, h.auth.LinkIdentity(ctx, models.System(), "rival", samlAda.NameID, "ada-there"))
	there := samltest.User{NameID: "ada-there", Name: "Eve", Email: "eve@example.com", Groups: []string{"staff", "keeper-admins"}}
	h.rival.SetUser(there)
	proven := *h.sessionsOf(samlAda.NameID)[0].ProvenAt
	time.Sleep(5 * time.Millisecond)
	ada.post("/saml/rival/acs", ada.atProvider("/saml/rival/sign-in?for=prove&next=/profile")).want(http.StatusUnauthorized, "", "")
	if now := *h.sessionsOf(samlAda.NameID)[0].ProvenAt; !now.Equal(proven) {
		t.Errorf("the rival proved Okta's session, at %s", now)
	}
	if may := h.rights(samlAda.NameID); may.Role != models.RoleUser {
		t.Errorf("Okta's group counts though the rival named it: %v", may.Role)
	}
	there.Groups = nil
	h.rival.SetUser(there)
	v := h.visitor()
	h.refused(t, v.post("/saml/rival/acs", v.atProvider("/saml/rival/sign-in")), auth.ReasonNoMappedGroup)
}

// renames has metadata, where it is fetched from, say that it is Okta's.
func (h *rivals) renames(t *testing.T) {
	ctx, root := context.Background(), models.System()
	var served atomic.Value
	served.Store(h.rival.Metadata())
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(served.Load().([]byte)) }))
	defer source.Close()
	p, err := h.auth.Provider(ctx, root, "rival")
	must(t, err)
	p.Config.MetadataURL = source.URL
	_, err = h.auth.UpdateProvider(ctx, root, "rival", auth.ProviderChange{Config: &p.Config}, 0)
	must(t, err)
	served.Store([]byte(strings.ReplaceAll(string(h.rival.Metadata()), h.rival.EntityID(), h.idp.EntityID())))
	if _, err := h.auth.RefreshProvider(ctx, root, "rival"); !fault.Is(err, fault.Invalid) {
		t.Errorf("the rival became Okta: %v", err)
	}
	view, err := h.auth.Provider(ctx, root, "rival")
	must(t, err)
	if view.Status.EntityID != h.rival.EntityID() || view.LastError == "" {
		t.Errorf("the rival is %s now; %q", view.Status.EntityID, view.LastError)
	}
}

package saml_test

import (
	"html/template"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/samlidp"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
)

// loginForm posts to /sso: the library's own form posts to a handler that does not go on with the request.
var loginForm = template.Must(template.New("login").Parse(`<form method="post" action="/sso">` +
	`<input name="user" value=""><input name="password" value="">` +
	`<input name="SAMLRequest" value="{{.SAMLRequest}}"><input name="RelayState" value="{{.RelayState}}"></form>`))

// TestSamlidp signs in at the library's complete identity provider, with a password and an encrypted assertion.
func TestSamlidp(t *testing.T) {
	handler := http.NewServeMux()
	server := httptest.NewServer(handler)
	defer server.Close()
	idp, err := samlidp.New(samlidp.Options{
		URL: *mustURL(t, server.URL), Key: theirKey().Key, Certificate: theirKey().Certificate, Logger: log.New(io.Discard, "", 0),
		Store: &samlidp.MemoryStore{}, LoginFormTemplate: loginForm,
	})
	if err != nil {
		t.Fatal(err)
	}
	idp.IDP.SignatureMethod = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	handler.Handle("/", idp)

	b := newBrowser(t)
	put := func(path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if response, text := b.do(r); response.StatusCode >= http.StatusBadRequest {
			t.Fatalf("PUT %s: %d %s", path, response.StatusCode, text)
		}
	}
	memory := saml.NewMemory()
	provider, err := saml.New(saml.Config{
		ID: "samlidp", MetadataURL: server.URL + "/metadata", EntityID: entityID, ACSURL: acsURL, Keys: []saml.KeyPair{ourKey()},
		UsernameAttribute: "uid", GroupsAttribute: "eduPersonAffiliation", EncryptAssertions: true,
	}, saml.Deps{Requests: memory, Replays: memory})
	if err != nil {
		t.Fatal(err)
	}
	if err := provider.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	metadata, err := provider.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	put("/services/keeper", string(metadata))
	put("/users/grace", `{"name":"grace","password":"hopper!!","groups":["navy","keeper-users"],"email":"grace@example.com"}`)

	message, err := provider.Begin(t.Context(), saml.BeginOptions{ReturnTo: "/here"})
	if err != nil {
		t.Fatal(err)
	}
	_, page := b.send(message)
	action, fields := form(page)
	fields.Set("user", "grace")
	fields.Set("password", "hopper!!")
	_, page = b.do(postRequest(t, server.URL+action, fields))
	action, fields = form(page)
	if action != acsURL {
		t.Fatalf("the identity provider posts to %q:\n%s", action, page)
	}
	if encoded := fields.Get("SAMLResponse"); encoded == "" {
		t.Fatal("no response in the form")
	}
	in, err := saml.FromRequest(postRequest(t, action, fields))
	if err != nil {
		t.Fatal(err)
	}
	got, err := provider.Finish(t.Context(), in)
	if err != nil {
		t.Fatal(saml.ReasonOf(err))
	}
	if got.Identity.Username != "grace" || !slices.Equal(got.Identity.Groups, []string{"navy", "keeper-users"}) || got.ReturnTo != "/here" {
		t.Errorf("%+v", got)
	}
	if d, err := provider.Diagnose(t.Context(), []byte(in.SAMLResponse), got.Identity.AuthnInstant); err != nil || !d.Accepted || d.Encryption == "" {
		t.Errorf("the doctor disagrees: %+v, %v", d.Findings, err)
	}
}

// TestTheLibraryAgrees holds this package's reading to the library's: what is accepted here and is not more than the library
// knows, the library accepts too, for the same person.
func TestTheLibraryAgrees(t *testing.T) {
	for name, m := range map[string]samltest.Making{"Plain": {}, "BothSigned": {SignResponse: true}, "Encrypted": {Encrypt: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			metadata, err := samltest.ReadMetadata(w.idp.Metadata())
			if err != nil {
				t.Fatal(err)
			}
			library := crewjam.ServiceProvider{
				EntityID: entityID, Key: ourKey().Key, Certificate: ourKey().Certificate, IDPMetadata: metadata, AcsURL: *mustURL(t, acsURL),
			}
			relayState, requestID := w.ask(saml.BeginOptions{})
			response := w.answer(requestID, m)
			theirs, err := library.ParseXMLResponse(response, []string{requestID}, *mustURL(t, acsURL))
			if err != nil {
				t.Fatal(err.(*crewjam.InvalidResponseError).PrivateErr)
			}
			ours, err := w.finish(response, relayState)
			if err != nil {
				t.Fatal(saml.ReasonOf(err))
			}
			if theirs.Subject.NameID.Value != ours.Identity.NameID || theirs.ID != ours.Identity.AssertionID {
				t.Errorf("%+v and %+v", theirs, ours)
			}
		})
	}
}

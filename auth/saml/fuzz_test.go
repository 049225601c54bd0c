package saml_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
)

var fuzzNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fuzzWorld is an identity provider that signs nothing while the fuzzer runs, so that every acceptance is of something that
// was signed before.
func fuzzWorld(f *testing.F) (*samltest.IDP, saml.Config) {
	f.Helper()
	theirs, err := samltest.NewKeyPairValid("Identity provider", fuzzNow.Add(-time.Hour), fuzzNow.Add(time.Hour), 2048)
	if err != nil {
		f.Fatal(err)
	}
	idp := samltest.StartWith(theirs, ada)
	f.Cleanup(idp.Close)
	cfg := saml.Config{
		ID: "okta", Metadata: idp.Metadata(), EntityID: entityID, ACSURL: acsURL, SLOURL: sloURL, Keys: []saml.KeyPair{ourKey()},
		AllowIDPInitiated: true, AllowResponseOnlySigned: true, EncryptAssertions: true, GroupsAttribute: "groups",
	}
	p := fuzzProvider(f, cfg)
	metadata, err := p.Metadata()
	if err != nil {
		f.Fatal(err)
	}
	if err := idp.Register(metadata); err != nil {
		f.Fatal(err)
	}
	return idp, cfg
}

func fuzzProvider(tb testing.TB, cfg saml.Config) *saml.Provider {
	tb.Helper()
	memory := saml.NewMemory() // a new one for every input, or the second acceptance would be a replay
	p, err := saml.New(cfg, saml.Deps{Requests: memory, Replays: memory, Now: func() time.Time { return fuzzNow }})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// FuzzResponse edits good responses (kind says which; the last but one is edited and then encrypted, the last takes raw as it
// is). Nothing may panic, and whoever is signed in is who the identity provider signed. Edits are applied here and not by the
// fuzzer to the text, as every process of a fuzzing run has keys of its own.
func FuzzResponse(f *testing.F) {
	idp, cfg := fuzzWorld(f)
	makings := []samltest.Making{{}, {SignResponse: true}, {UnsignedAssertion: true, SignResponse: true}, {Encrypt: true}, {Encrypt: true, SignResponse: true}}
	var seeds [][]byte
	signed := map[string]bool{}
	for _, m := range makings {
		m.Now = fuzzNow
		response, err := idp.Respond(entityID, "", ada.NameID, m)
		if err != nil {
			f.Fatal(err)
		}
		got, err := fuzzProvider(f, cfg).Finish(f.Context(), saml.Incoming{SAMLResponse: samltest.Encode(response)})
		if err != nil {
			f.Fatal(saml.ReasonOf(err))
		}
		signed[got.Identity.AssertionID] = true
		seeds = append(seeds, response)
	}
	sealing, asItIs := len(makings), len(makings)+1
	for kind := range asItIs {
		for op := range byte(editKinds) {
			f.Add(uint8(kind), []byte{op, 3, 9}, []byte(nil), uint16(0))
			f.Add(uint8(kind), []byte{op, 9, 3, op, 12, 5}, []byte("<!---->"), uint16(1500))
		}
	}
	f.Add(uint8(sealing), []byte(nil), []byte(nil), uint16(0))
	f.Add(uint8(asItIs), []byte(nil), seeds[0], uint16(0))
	f.Fuzz(func(t *testing.T, kind uint8, edits, raw []byte, at uint16) {
		response := raw
		switch kind := int(kind) % (asItIs + 1); {
		case kind < sealing:
			response = splice(edit(t, seeds[kind], edits), int(at), raw)
		case kind == sealing:
			response = sealed(t, seeds[0], func(assertion []byte) []byte { return splice(edit(t, assertion, edits), int(at), raw) })
		}
		p := fuzzProvider(t, cfg)
		got, err := p.Finish(t.Context(), saml.Incoming{SAMLResponse: samltest.Encode(response)})
		d, _ := p.Diagnose(t.Context(), response, fuzzNow)
		if err != nil {
			reason, _ := saml.ReasonOf(err)
			if reason == "" || reason == saml.ReasonPanic {
				t.Fatalf("refused without a reason, or by a panic: %v %s", err, reason)
			}
			if d.Accepted && bytes.HasPrefix(bytes.TrimSpace(response), []byte("<")) && reason != saml.ReasonInResponseTo {
				t.Fatalf("Finish refuses for %s what the doctor accepts", reason)
			}
			return
		}
		if !signed[got.Identity.AssertionID] || got.Identity.NameID != ada.NameID || got.Identity.Username != ada.NameID || !slices.Equal(got.Identity.Groups, ada.Groups) {
			t.Fatalf("accepted what the identity provider did not sign: %+v", got)
		}
		if !d.Accepted {
			t.Fatalf("the doctor refuses what Finish accepts: %+v", d.Findings)
		}
	})
}

// sealed changes the signed assertion of a response, and encrypts it then, as anybody can who has our certificate.
func sealed(t *testing.T, response []byte, change func([]byte) []byte) []byte {
	t.Helper()
	root := parse(t, response)
	assertion := root.SelectElement("Assertion")
	data, err := xmlenc.OAEP().Encrypt(ourKey().Certificate, change(write(t, assertion)), nil)
	if err != nil {
		t.Fatal(err)
	}
	root.RemoveChild(assertion)
	encrypted := root.CreateElement("saml:EncryptedAssertion")
	encrypted.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	encrypted.AddChild(data)
	return write(t, root)
}

const editKinds = 9

// edit applies edits of three bytes each, what and to which two elements, as an attacker would move signed content about.
func edit(t *testing.T, response, edits []byte) []byte {
	root := parse(t, response)
	edits = edits[:min(len(edits), 24)] // a copy may double the document each time
	for ; len(edits) >= 3; edits = edits[3:] {
		elements := root.FindElements("//*")
		one, other := elements[int(edits[1])%len(elements)], elements[int(edits[2])%len(elements)]
		switch edits[0] % editKinds {
		case 0:
			if one.Parent() != nil && one != root {
				one.Parent().RemoveChild(one)
			}
		case 1:
			other.AddChild(one.Copy())
		case 2:
			other.InsertChildAt(0, one.Copy())
		case 3:
			other.AddChild(samltest.Evil(one, "id-evil"))
		case 4:
			one.CreateAttr("ID", other.SelectAttrValue("ID", "id-evil"))
		case 5:
			one.SetText("root@example.com")
		case 6:
			one.AddChild(etree.NewComment("x"))
		case 7:
			one.Space = "x"
			one.CreateAttr("xmlns:x", samltest.Foreign)
		case 8:
			one.Tag = other.Tag
		}
	}
	return write(t, root)
}

// splice puts something into a text at a place.
func splice(text []byte, at int, insert []byte) []byte {
	at %= len(text) + 1
	return slices.Concat(text[:at], insert, text[at:])
}

// FuzzLogout changes logout requests, as signed queries and as signed forms. Nobody is signed out but who the identity
// provider named.
func FuzzLogout(f *testing.F) {
	idp, cfg := fuzzWorld(f)
	sessions := []string{"session-1"}
	then := func(r *crewjam.LogoutRequest) { r.IssueInstant = fuzzNow }
	target, err := idp.LogoutURL(entityID, ada.NameID, sessions, then)
	if err != nil {
		f.Fatal(err)
	}
	el, _, err := idp.LogoutElement(entityID, ada.NameID, sessions, then)
	if err != nil {
		f.Fatal(err)
	}
	posted, err := idp.SignedForm(el)
	if err != nil {
		f.Fatal(err)
	}
	form, err := base64.StdEncoding.DecodeString(posted)
	if err != nil {
		f.Fatal(err)
	}
	_, query, _ := strings.Cut(target, "?")
	accepted := func(t testing.TB, in saml.Incoming) (saml.LogoutRequest, error) {
		return fuzzProvider(t, cfg).HandleLogoutRequest(t.Context(), in)
	}
	for _, r := range []*http.Request{queryRequest(query), formRequest(f, form)} {
		in, err := saml.FromRequest(r)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := accepted(f, in); err != nil {
			f.Fatal(saml.ReasonOf(err))
		}
	}
	f.Add(true, []byte(nil), []byte(nil), uint16(0))
	f.Add(true, []byte(nil), []byte("&SigAlg=x"), uint16(9))
	for op := range byte(editKinds) {
		f.Add(false, []byte{op, 2, 4}, []byte("x"), uint16(400))
	}
	f.Fuzz(func(t *testing.T, redirect bool, edits, insert []byte, at uint16) {
		r := queryRequest(string(splice([]byte(query), int(at), insert)))
		if !redirect {
			r = formRequest(t, splice(edit(t, form, edits), int(at), insert))
		}
		in, err := saml.FromRequest(r)
		if err != nil {
			return
		}
		if _, err := fuzzProvider(t, cfg).HandleLogoutResponse(t.Context(), in); err == nil {
			t.Fatal("an answer to nothing was accepted")
		}
		got, err := accepted(t, in)
		if err != nil {
			if reason, _ := saml.ReasonOf(err); reason == "" || reason == saml.ReasonPanic {
				t.Fatalf("refused without a reason, or by a panic: %v %s", err, reason)
			}
			return
		}
		if got.NameID != ada.NameID || !slices.Equal(got.SessionIndexes, sessions) {
			t.Fatalf("accepted what the identity provider did not sign: %+v", got)
		}
	})
}

func queryRequest(query string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "keeper.example", Path: "/slo", RawQuery: query}}
}

func formRequest(tb testing.TB, message []byte) *http.Request {
	tb.Helper()
	fields := url.Values{"SAMLRequest": {samltest.Encode(message)}}
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, sloURL, strings.NewReader(fields.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// FuzzMetadata reads metadata of strangers. What is read can be used: no request may go to anything but http and https.
func FuzzMetadata(f *testing.F) {
	idp, cfg := fuzzWorld(f)
	good := idp.Metadata()
	f.Add(good)
	f.Add([]byte(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` + string(good) + `</EntitiesDescriptor>`))
	f.Add(bytes.ReplaceAll(good, []byte("http://127"), []byte("javascript://127")))
	f.Fuzz(func(t *testing.T, metadata []byte) {
		changed := cfg
		changed.Metadata = metadata
		p, err := saml.New(changed, saml.Deps{Requests: saml.NewMemory(), Replays: saml.NewMemory(), Now: func() time.Time { return fuzzNow }})
		if err != nil {
			return
		}
		for _, address := range p.Status().SignOnURLs {
			if !strings.HasPrefix(address, "http") {
				t.Fatalf("a sign-on address %q", address)
			}
		}
		message, err := p.Begin(t.Context(), saml.BeginOptions{ReturnTo: "/"})
		if err != nil {
			t.Fatal(err)
		}
		if origin := message.Origin(); !strings.HasPrefix(origin, "http://") && !strings.HasPrefix(origin, "https://") {
			t.Fatalf("a request would go to %q", origin)
		}
		if _, err := p.Finish(t.Context(), saml.Incoming{SAMLResponse: "AAAA"}); err == nil {
			t.Fatal("nothing was accepted")
		}
		_ = fmt.Sprint(p.Certificates())
	})
}

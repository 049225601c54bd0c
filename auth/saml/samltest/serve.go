package samltest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

const userCookie = "samltest_user"

// routes are the pages: /metadata, /sso (a request by redirect or form), /start?sp=ENTITY&to=RELAYSTATE (the identity
// provider begins), /slo (single logout, both ways), /logout?sp=ENTITY&user=NAMEID (the identity provider ends sessions),
// and /login?user=NAMEID (choose who this browser is).
func (i *IDP) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metadata", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/samlmetadata+xml")
		_, _ = w.Write(i.Metadata())
	})
	mux.HandleFunc("/sso", i.serveSignOn)
	mux.HandleFunc("GET /start", i.serveStart)
	mux.HandleFunc("/slo", i.serveLogout)
	mux.HandleFunc("GET /logout", i.serveBeginLogout)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: userCookie, Value: url.QueryEscape(r.URL.Query().Get("user")), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		_, _ = io.WriteString(w, "You are "+html.EscapeString(r.URL.Query().Get("user"))+" now.")
	})
	return mux
}

// who is the user that this browser chose, or the current one.
func (i *IDP) who(r *http.Request) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if cookie, err := r.Cookie(userCookie); err == nil {
		if name, err := url.QueryUnescape(cookie.Value); err == nil {
			if _, ok := i.users[name]; ok {
				return name
			}
		}
	}
	return i.current
}

func (i *IDP) serveSignOn(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	provider, making := i.provider(), i.making
	i.mu.Unlock()
	request, err := crewjam.NewIdpAuthnRequest(provider, r)
	if err == nil {
		err = request.Validate()
	}
	if err == nil {
		err = verifyMessage(r, request.ServiceProviderMetadata, request.RequestBuffer)
	}
	if err != nil {
		http.Error(w, "The request is not good: "+err.Error(), http.StatusBadRequest)
		return
	}
	message, err := i.Respond(request.Request.Issuer.Value, request.Request.ID, i.who(r), making)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	post(w, request.ACSEndpoint.Location, "SAMLResponse", message, request.RelayState)
}

func (i *IDP) serveStart(w http.ResponseWriter, r *http.Request) {
	entityID := r.URL.Query().Get("sp")
	i.mu.Lock()
	sp, making := i.sps[entityID], i.making
	i.mu.Unlock()
	message, err := i.Respond(entityID, "", i.who(r), making)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	post(w, sp.SPSSODescriptors[0].AssertionConsumerServices[0].Location, "SAMLResponse", message, r.URL.Query().Get("to"))
}

// serveLogout takes a service provider's logout request and answers it by redirect, or takes its answer to ours.
func (i *IDP) serveLogout(w http.ResponseWriter, r *http.Request) {
	message, isRequest, err := received(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(message); err != nil || doc.Root() == nil {
		http.Error(w, "no XML", http.StatusBadRequest)
		return
	}
	root := doc.Root()
	sp, err := directory{i}.GetServiceProvider(r, childText(root, "Issuer"))
	if err == nil {
		err = verifyMessage(r, sp, message)
	}
	if err != nil {
		http.Error(w, "The message is not good: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !isRequest {
		i.end(r.FormValue("RelayState"))
		_, _ = io.WriteString(w, "You are signed out everywhere.")
		return
	}
	i.end(childText(root, "NameID"))
	target := sp.SPSSODescriptors[0].SingleLogoutServices[0].Location
	answer := crewjam.LogoutResponse{
		ID: "id-" + rand.Text(), InResponseTo: root.SelectAttrValue("ID", ""), Version: "2.0", IssueInstant: time.Now().UTC(),
		Destination: target, Issuer: &crewjam.Issuer{Value: i.EntityID()},
		Status: crewjam.Status{StatusCode: crewjam.StatusCode{Value: crewjam.StatusSuccess}},
	}
	location, err := i.Redirect(answer.Element(), target, "SAMLResponse", r.FormValue("RelayState"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, location, http.StatusFound)
}

func (i *IDP) serveBeginLogout(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	if user == "" {
		user = i.who(r)
	}
	location, err := i.LogoutURL(r.URL.Query().Get("sp"), user, i.Sessions(user), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	http.Redirect(w, r, location, http.StatusFound)
}

// LogoutElement is a logout request for a user's sessions, addressed to a service provider; change, if not nil, changes it
// before it becomes XML.
func (i *IDP) LogoutElement(entityID, nameID string, sessions []string, change func(*crewjam.LogoutRequest)) (*etree.Element, string, error) {
	i.mu.Lock()
	sp := i.sps[entityID]
	i.mu.Unlock()
	if sp == nil || len(sp.SPSSODescriptors[0].SingleLogoutServices) == 0 {
		return nil, "", errors.New("no such service provider, or none with single logout")
	}
	target := sp.SPSSODescriptors[0].SingleLogoutServices[0].Location
	request := crewjam.LogoutRequest{
		ID: "id-" + rand.Text(), Version: "2.0", IssueInstant: time.Now().UTC(), Destination: target,
		Issuer: &crewjam.Issuer{Value: i.EntityID()}, NameID: &crewjam.NameID{Value: nameID, Format: string(crewjam.EmailAddressNameIDFormat)},
	}
	if change != nil {
		change(&request)
	}
	el := request.Element()
	for _, index := range sessions {
		el.AddChild((&crewjam.SessionIndex{Value: index}).Element())
	}
	return el, target, nil
}

// LogoutURL is a logout request as a signed redirect to a service provider.
func (i *IDP) LogoutURL(entityID, nameID string, sessions []string, change func(*crewjam.LogoutRequest)) (string, error) {
	el, target, err := i.LogoutElement(entityID, nameID, sessions, change)
	if err != nil {
		return "", err
	}
	return i.Redirect(el, target, "SAMLRequest", nameID)
}

// SignedForm is an element signed by the identity provider, as a form carries it.
func (i *IDP) SignedForm(el *etree.Element) (string, error) {
	signed, err := sign(el, i.Keys()[0], "")
	if err != nil {
		return "", err
	}
	text, err := write(signed)
	return Encode(text), err
}

// Sessions are the session indexes of a user.
func (i *IDP) Sessions(nameID string) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var indexes []string
	for index, name := range i.sessions {
		if name == nameID {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

func (i *IDP) end(nameID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = append(i.ended, nameID)
	for index, name := range i.sessions {
		if name == nameID {
			delete(i.sessions, index)
		}
	}
}

// Redirect is an element as a redirect whose query the identity provider signs.
func (i *IDP) Redirect(el *etree.Element, target, param, relayState string) (string, error) {
	text, err := write(el)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return "", err
	}
	if _, err := deflate.Write(text); err != nil {
		return "", err
	}
	if err := deflate.Close(); err != nil {
		return "", err
	}
	query := param + "=" + url.QueryEscape(Encode(packed.Bytes()))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.Keys()[0].Key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return target + "?" + query + "&Signature=" + url.QueryEscape(Encode(signature)), nil
}

// received is the message in a request, inflated where it came by redirect.
func received(r *http.Request) (message []byte, isRequest bool, err error) {
	value := r.FormValue("SAMLRequest")
	if isRequest = value != ""; !isRequest {
		value = r.FormValue("SAMLResponse")
	}
	message, err = base64.StdEncoding.DecodeString(value)
	if err != nil || r.Method != http.MethodGet {
		return message, isRequest, err
	}
	message, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(message)), 1<<20))
	return message, isRequest, err
}

// verifyMessage demands that a service provider signed its message, as Okta does for logout and can for sign-in.
func verifyMessage(r *http.Request, sp *crewjam.EntityDescriptor, message []byte) error {
	certificate, err := certificateFor(sp, "signing")
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(message); err != nil {
			return err
		}
		_, err := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}).Validate(doc.Root())
		return err
	}
	signed, encoded, found := strings.Cut(r.URL.RawQuery, "&Signature=")
	if !found {
		return errors.New("the query is not signed")
	}
	if r.URL.Query().Get("SigAlg") != dsig.RSASHA256SignatureMethod {
		return errors.New("the query is not signed with RSA-SHA256")
	}
	encoded, err = url.QueryUnescape(encoded)
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(signed))
	return rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature)
}

func encryptionCertificate(sp *crewjam.EntityDescriptor) (*x509.Certificate, error) {
	return certificateFor(sp, "encryption")
}

func certificateFor(sp *crewjam.EntityDescriptor, use string) (*x509.Certificate, error) {
	for _, descriptor := range sp.SPSSODescriptors[0].KeyDescriptors {
		if descriptor.Use != use || len(descriptor.KeyInfo.X509Data.X509Certificates) == 0 {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(descriptor.KeyInfo.X509Data.X509Certificates[0].Data)
		if err != nil {
			return nil, err
		}
		return x509.ParseCertificate(der)
	}
	return nil, errNoCertificate
}

// post answers with a form that submits itself.
func post(w http.ResponseWriter, action, name string, message []byte, relayState string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><title>Test identity provider</title><form method="post" action="%s"><input type="hidden" name="%s" value="%s"><input type="hidden" name="RelayState" value="%s"><button>Continue</button></form><script>document.forms[0].submit()</script>`,
		html.EscapeString(action), name, Encode(message), html.EscapeString(relayState))
}

func childText(el *etree.Element, tag string) string {
	for _, child := range el.ChildElements() {
		if child.Tag == tag {
			return child.Text()
		}
	}
	return ""
}

// ReadMetadata reads a service provider's metadata, for tests that look into it.
func ReadMetadata(metadata []byte) (*crewjam.EntityDescriptor, error) {
	var sp crewjam.EntityDescriptor
	return &sp, xml.Unmarshal(metadata, &sp)
}

package saml

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
)

// Config describes one identity provider and Keeper's own side of the trust. One of MetadataURL and Metadata is
// required; with both, Metadata is the last that was known good, used until the URL answers.
type Config struct {
	ID   string // stands in our URLs and in request state
	Name string // for people: "Okta"

	MetadataURL string // https, or http to a loopback address
	Metadata    []byte // XML
	Issuer      string // the entity id that metadata must have; "" takes it from the first metadata and keeps to it

	EntityID string // ours: the "audience URI" in Okta
	ACSURL   string // ours: the "single sign-on URL" in Okta; responses must name it exactly
	SLOURL   string // ours: where single logout arrives; "" switches it off

	// Keys are our key pairs. The first signs; every one of them decrypts and is published, so that a new one can be
	// put first while the identity provider still knows the old one.
	Keys []KeyPair

	AllowResponseOnlySigned bool // accept a signed response around an unsigned assertion
	AllowIDPInitiated       bool // accept a response that nobody asked for
	EncryptAssertions       bool // publish our keys for encryption, so that the identity provider encrypts; what is encrypted is read either way
	PreferPost              bool // send requests by form even where the identity provider takes redirects

	NameIDFormat string // asked for in requests; "" asks for none

	UsernameAttribute string // "" takes the NameID
	EmailAttribute    string // "" takes the NameID where its format is emailAddress or it looks like an address
	NameAttribute     string // display name; "" for none
	GroupsAttribute   string // "" for none; Okta's is free text, often "groups"

	MaxClockSkew  time.Duration // how far clocks may be apart; 3 minutes when 0, 15 at most
	MaxIssueDelay time.Duration // how old a response may be when it arrives, besides the skew; 5 minutes when 0
}

func (c Config) withDefaults() Config {
	if c.MaxClockSkew == 0 {
		c.MaxClockSkew = clockSkew
	}
	if c.MaxIssueDelay == 0 {
		c.MaxIssueDelay = issueDelay
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	return c
}

// Validate lists everything that is wrong, as one Invalid error with fields. Metadata is read by New.
func (c Config) Validate() error {
	var fields []fault.Field
	wrong := func(name, format string, args ...any) {
		fields = append(fields, fault.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	}
	if c.ID == "" {
		wrong("id", "must not be empty")
	}
	if c.MetadataURL == "" && len(c.Metadata) == 0 {
		wrong("metadata", "needs a metadata URL or the metadata itself")
	}
	if c.MetadataURL != "" && !trustworthyURL(c.MetadataURL) {
		wrong("metadata_url", "must be an https address (http only to this machine)")
	}
	if c.EntityID == "" || len(c.EntityID) > maxValue {
		wrong("entity_id", "must have 1 to %d characters", maxValue)
	}
	if !absoluteURL(c.ACSURL) {
		wrong("acs_url", "must be an absolute http or https address")
	}
	if c.SLOURL != "" && !absoluteURL(c.SLOURL) {
		wrong("slo_url", "must be an absolute http or https address")
	}
	if len(c.Keys) == 0 {
		wrong("keys", "needs at least one key pair")
	}
	for i, pair := range c.Keys {
		if err := pair.validate(); err != nil {
			wrong(fmt.Sprintf("keys[%d]", i), "%s", err.Error())
		}
	}
	if c.MaxClockSkew < 0 || c.MaxClockSkew > maxClockSkew {
		wrong("max_clock_skew", "must be between 0 and %s", maxClockSkew)
	}
	if c.MaxIssueDelay < 0 || c.MaxIssueDelay > maxIssueDelay {
		wrong("max_issue_delay", "must be between 0 and %s", maxIssueDelay)
	}
	if len(fields) == 0 {
		return nil
	}
	first := fields[0]
	return &fault.Error{Kind: fault.Invalid, Message: "The identity provider's settings do not fit: " + first.Name + " " + first.Message + ".", Fields: fields}
}

// absoluteURL reports whether text is a web address. A host stands in the content policy of pages that go there, so that it
// may hold nothing that ends a directive.
func absoluteURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == "" &&
		!strings.ContainsAny(u.Host, ";,'\"*")
}

// trustworthyURL reports whether what is fetched from there can be believed: https, or this machine itself.
func trustworthyURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || !absoluteURL(text) {
		return false
	}
	return u.Scheme == "https" || isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

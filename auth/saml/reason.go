package saml

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/your-org/keeper/fault"
)

// Reason says why a message was refused. Reasons are stable: they stand in the audit log and in docs/okta.md.
type Reason string

// The reasons. Each has its way to mend it in mends.
const (
	ReasonMalformed         Reason = "malformed"             // no base64, no XML, or no SAML message of the expected kind
	ReasonTooLarge          Reason = "too_large"             // over the bounds of size, depth or number
	ReasonEntities          Reason = "entities"              // a document type or entity declaration
	ReasonComment           Reason = "comment"               // a comment or processing instruction anywhere but in a NameID
	ReasonCommentInNameID   Reason = "comment_in_name_id"    // a comment inside the NameID
	ReasonStatus            Reason = "status_not_success"    // the identity provider says that it did not sign the person in
	ReasonNoAssertion       Reason = "no_assertion"          // no assertion in the response
	ReasonSeveralAssertions Reason = "several_assertions"    // more than one assertion
	ReasonWrapped           Reason = "wrapped"               // signed content moved aside, or a signature that covers something else
	ReasonForeignNamespace  Reason = "foreign_namespace"     // an element that looks like SAML's and is not
	ReasonUnreadable        Reason = "encrypted_unreadable"  // an encrypted assertion that none of our keys opens
	ReasonUnsigned          Reason = "unsigned"              // no signature at all
	ReasonResponseOnly      Reason = "response_only_signed"  // only the response is signed, and the assertion must be
	ReasonWeakAlgorithm     Reason = "weak_algorithm"        // SHA-1, a short key, or an algorithm that is not on our list
	ReasonOtherKey          Reason = "signed_by_other_key"   // a good signature by a certificate that is not the identity provider's
	ReasonSignature         Reason = "signature_invalid"     // content and signature do not belong together
	ReasonCertificate       Reason = "certificate_expired"   // signed with a certificate that is not valid now
	ReasonIssuer            Reason = "wrong_issuer"          // from another identity provider
	ReasonDestination       Reason = "wrong_destination"     // addressed to another URL
	ReasonRecipient         Reason = "wrong_recipient"       // the assertion is for another URL
	ReasonAudience          Reason = "wrong_audience"        // the assertion is for another application
	ReasonInResponseTo      Reason = "wrong_in_response_to"  // an answer to something that this browser did not ask here
	ReasonUnsolicited       Reason = "unsolicited"           // nobody asked, and that is not allowed
	ReasonBrowser           Reason = "wrong_browser"         // another browser asked
	ReasonExpired           Reason = "expired"               // too late
	ReasonNotYetValid       Reason = "not_yet_valid"         // too early
	ReasonReplayed          Reason = "replayed"              // used before
	ReasonNoConditions      Reason = "no_conditions"         // an assertion without conditions
	ReasonCondition         Reason = "unknown_condition"     // an assertion that holds under a condition which nobody here understands
	ReasonNoSubject         Reason = "no_subject"            // an assertion about nobody
	ReasonNoConfirmation    Reason = "no_confirmation"       // no bearer confirmation with its data
	ReasonEmptyNameID       Reason = "empty_name_id"         // a NameID without text
	ReasonNoAuthnStatement  Reason = "no_authn_statement"    // nobody was authenticated
	ReasonNoUsername        Reason = "no_username"           // the attribute with the user name is missing or has several values
	ReasonAttribute         Reason = "attribute_unusable"    // an attribute that is used is too long or cannot be shown
	ReasonPanic             Reason = "library_failed"        // the XML library gave up on the message
	ReasonLogoutFailed      Reason = "logout_not_successful" // the identity provider says that a logout failed
)

// publicText is all that a browser is ever told of a refusal, whatever the reason.
const publicText = "Sign-in through the identity provider was refused."

// Refusal is a message that was not believed. Its text tells a browser nothing; Reason and Detail are for the audit log.
type Refusal struct {
	Reason Reason
	Detail string // what was expected and found; one line, bounded, without names of people or attribute values
}

// Error is the same for every refusal.
func (*Refusal) Error() string { return publicText }

// ReasonOf is the reason for which err refuses a message, with its detail; "" when err is no refusal.
func ReasonOf(err error) (Reason, string) {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason, r.Detail
	}
	return "", ""
}

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// public wraps a refusal as the fault that callers pass on.
func (r *Refusal) public() error {
	return fault.Wrap(r, fault.Unauthenticated, publicText).WithHint("Try again; if it stays, ask an administrator to look into the audit log.")
}

// printable reports whether a value can be shown on a line as what it is: no controls, nothing that turns text around.
func printable(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
}

// quote makes a foreign value fit to stand in a detail: short, on one line, in quotation marks.
func quote(value string) string {
	clean := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, value)
	if runes := []rune(clean); len(runes) > maxQuoted {
		clean = string(runes[:maxQuoted]) + "…"
	}
	return `"` + clean + `"`
}

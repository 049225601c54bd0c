package samltest

import (
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/your-org/keeper/auth/saml"
)

// badContent lack what a response and an assertion must have.
func badContent() []Bad {
	return []Bad{
		{Name: "StatusNotSuccess", Want: saml.ReasonStatus, Making: Making{Response: func(r *crewjam.Response) { r.Status.StatusCode.Value = crewjam.StatusResponder }}},
		{Name: "StatusMissing", Want: saml.ReasonStatus, Making: attack(Remove("./Status"))},
		{Name: "NoAssertion", Want: saml.ReasonNoAssertion, Making: attack(Remove("./Assertion"))},
		{Name: "NoConditions", Want: saml.ReasonNoConditions, Making: xmlChange(Remove("./Conditions"))},
		{Name: "NoSubject", Want: saml.ReasonNoSubject, Making: xmlChange(Remove("./Subject"))},
		{Name: "NoNameID", Want: saml.ReasonNoSubject, Making: xmlChange(Remove("./Subject/NameID"))},
		{Name: "TwoNameIDs", Want: saml.ReasonMalformed, Making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject").AddChild(el.FindElement("./Subject/NameID").Copy())
		})},
		{Name: "TwoSubjects", Want: saml.ReasonMalformed, Making: xmlChange(func(el *etree.Element) { el.AddChild(el.FindElement("./Subject").Copy()) })},
		{Name: "ElementsInNameID", Want: saml.ReasonMalformed, Making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject/NameID").CreateElement("saml:NameID").SetText("root@example.com")
		})},
		{Name: "EmptyNameID", Want: saml.ReasonEmptyNameID, Making: xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText("") })},
		{Name: "BlankNameID", Want: saml.ReasonEmptyNameID, Making: xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText(" \n ") })},
		{Name: "LongNameID", Want: saml.ReasonTooLarge, Making: xmlChange(func(el *etree.Element) { el.FindElement("./Subject/NameID").SetText(strings.Repeat("a", 2_000)) })},
		{Name: "NoConfirmation", Want: saml.ReasonNoConfirmation, Making: xmlChange(Remove("./Subject/SubjectConfirmation"))},
		{Name: "NoConfirmationData", Want: saml.ReasonNoConfirmation, Making: xmlChange(Remove("./Subject/SubjectConfirmation/SubjectConfirmationData"))},
		{Name: "ConfirmationWithoutEnd", Want: saml.ReasonNoConfirmation, Making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject/SubjectConfirmation/SubjectConfirmationData").RemoveAttr("NotOnOrAfter")
		})},
		{Name: "HolderOfKey", Want: saml.ReasonNoConfirmation, Making: assertionChange(func(a *crewjam.Assertion) {
			a.Subject.SubjectConfirmations[0].Method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
		})},
		{Name: "NoAuthnStatement", Want: saml.ReasonNoAuthnStatement, Making: xmlChange(Remove("./AuthnStatement"))},
		{Name: "AuthnStatementWithoutInstant", Want: saml.ReasonNoAuthnStatement, Making: xmlChange(func(el *etree.Element) { el.FindElement("./AuthnStatement").RemoveAttr("AuthnInstant") })},
	}
}

// badAddressees are from another, for another, or of another time.
func badAddressees() []Bad {
	const hour = time.Hour
	return []Bad{
		{Name: "OtherIssuer", Want: saml.ReasonIssuer, Making: assertionChange(func(a *crewjam.Assertion) { a.Issuer.Value = "https://other.example" })},
		{Name: "OtherIssuerOfTheResponse", Want: saml.ReasonIssuer, Making: Making{Response: func(r *crewjam.Response) { r.Issuer.Value = "https://other.example" }}},
		{Name: "NoIssuer", Want: saml.ReasonIssuer, Making: xmlChange(Remove("./Issuer"))},
		{Name: "OtherDestination", Want: saml.ReasonDestination, Making: Making{Response: func(r *crewjam.Response) { r.Destination = "https://other.example/acs" }}},
		{Name: "SignedWithoutDestination", Want: saml.ReasonDestination, Making: Making{SignResponse: true, Response: func(r *crewjam.Response) { r.Destination = "" }}},
		{Name: "OtherRecipient", Want: saml.ReasonRecipient, Making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).Recipient += "/" })},
		{Name: "NoRecipient", Want: saml.ReasonRecipient, Making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).Recipient = "" })},
		{Name: "OtherAudience", Want: saml.ReasonAudience, Making: assertionChange(func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example"
		})},
		{Name: "NoAudience", Want: saml.ReasonAudience, Making: assertionChange(func(a *crewjam.Assertion) { a.Conditions.AudienceRestrictions = nil })},
		{Name: "SecondRestrictionForAnother", Want: saml.ReasonAudience, Making: assertionChange(func(a *crewjam.Assertion) {
			a.Conditions.AudienceRestrictions = append(a.Conditions.AudienceRestrictions, crewjam.AudienceRestriction{Audience: crewjam.Audience{Value: "https://other.example"}})
		})},
		{Name: "OtherInResponseTo", Want: saml.ReasonInResponseTo, Making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).InResponseTo = "id-other" })},
		{Name: "NoInResponseToInTheSignedPart", Want: saml.ReasonInResponseTo, Making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).InResponseTo = "" })},
		{Name: "OtherInResponseToOfTheResponse", Want: saml.ReasonInResponseTo, Making: Making{Response: func(r *crewjam.Response) { r.InResponseTo = "id-other" }}},
		{Name: "OldResponse", Want: saml.ReasonExpired, Making: Making{Now: time.Now().Add(-hour)}},
		{Name: "OldAssertion", Want: saml.ReasonExpired, Making: assertionChange(func(a *crewjam.Assertion) { a.IssueInstant = a.IssueInstant.Add(-hour) })},
		{Name: "ConditionsEnded", Want: saml.ReasonExpired, Making: assertionChange(func(a *crewjam.Assertion) { a.Conditions.NotOnOrAfter = a.IssueInstant.Add(-hour) })},
		{Name: "ConfirmationEnded", Want: saml.ReasonExpired, Making: assertionChange(func(a *crewjam.Assertion) { confirmationData(a).NotOnOrAfter = a.IssueInstant.Add(-hour) })},
		{Name: "SessionEnded", Want: saml.ReasonExpired, Making: assertionChange(func(a *crewjam.Assertion) {
			ended := a.IssueInstant.Add(-hour)
			a.AuthnStatements[0].SessionNotOnOrAfter = &ended
		})},
		{Name: "FutureResponse", Want: saml.ReasonNotYetValid, Making: Making{Now: time.Now().Add(hour)}},
		{Name: "FutureAssertion", Want: saml.ReasonNotYetValid, Making: assertionChange(func(a *crewjam.Assertion) { a.IssueInstant = a.IssueInstant.Add(hour) })},
		{Name: "FutureConditions", Want: saml.ReasonNotYetValid, Making: assertionChange(func(a *crewjam.Assertion) { a.Conditions.NotBefore = a.IssueInstant.Add(hour) })},
		{Name: "FutureConfirmation", Want: saml.ReasonNotYetValid, Making: xmlChange(func(el *etree.Element) {
			el.FindElement("./Subject/SubjectConfirmation/SubjectConfirmationData").CreateAttr("NotBefore", time.Now().UTC().Add(hour).Format(time.RFC3339))
		})},
		{Name: "FutureAuthentication", Want: saml.ReasonNotYetValid, Making: assertionChange(func(a *crewjam.Assertion) { a.AuthnStatements[0].AuthnInstant = a.IssueInstant.Add(hour) })},
	}
}

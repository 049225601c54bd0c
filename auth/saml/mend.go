package saml

// mends says for every reason what an administrator does about it, in Okta's words. docs/okta.md has the same list with
// the screens around it.
var mends = map[Reason]string{
	ReasonMalformed:         "Paste the value of the form field SAMLResponse, whole. If it is whole, another product may be posting to Keeper's single sign-on URL.",
	ReasonTooLarge:          "Narrow the group attribute statement with a filter, so that it sends the groups that Keeper needs and not all.",
	ReasonEntities:          "Okta never sends this. Somebody may be trying to attack Keeper; look at the addresses in the audit log.",
	ReasonComment:           "Okta never sends this. Check what stands between Okta and Keeper and changes messages; if nothing does, treat it as an attack.",
	ReasonCommentInNameID:   "Okta never sends this. Somebody may be trying to sign in as another person; look at the name and the address in the audit log.",
	ReasonStatus:            "Okta refused the sign-in. Assign the person or a group of theirs to the application (Assignments), and look at Okta's system log.",
	ReasonNoAssertion:       "Look at Okta's system log for this sign-in; the application must be of the kind SAML 2.0.",
	ReasonSeveralAssertions: "Okta sends one assertion. Treat a response with several as an attack.",
	ReasonWrapped:           "Okta never sends this: signed content was moved. Treat it as an attack and look at the addresses in the audit log.",
	ReasonForeignNamespace:  "Okta never sends this: elements were added that only look like SAML's. Treat it as an attack.",
	ReasonUnreadable:        "Upload Keeper's present certificate in Okta under SAML Settings, Advanced, Encryption Certificate, or set Assertion Encryption to Unencrypted.",
	ReasonUnsigned:          "In Okta, SAML Settings, Advanced: set Assertion Signature to Signed.",
	ReasonResponseOnly:      "In Okta, SAML Settings, Advanced: set Assertion Signature to Signed. (Keeper can be set to accept a signed response alone.)",
	ReasonWeakAlgorithm:     "In Okta, SAML Settings, Advanced: set Signature Algorithm to RSA-SHA256 and Digest Algorithm to SHA256, Encryption Algorithm to AES256-GCM or AES256-CBC, Key Transport to RSA-OAEP.",
	ReasonOtherKey:          "The signing certificate is not in the metadata that Keeper has. Compare the fingerprint with Sign On, SAML Signing Certificates in Okta; if it is there, refresh the metadata in Keeper.",
	ReasonSignature:         "Refresh the metadata in Keeper and try again. If it stays, something between Okta and Keeper changes messages.",
	ReasonCertificate:       "Make a new certificate in Okta (Sign On, SAML Signing Certificates), activate it, and refresh the metadata in Keeper.",
	ReasonIssuer:            "The metadata in Keeper is of another application or another Okta organisation. Copy the metadata URL anew from Sign On, SAML Signing Certificates, View IdP metadata.",
	ReasonDestination:       "In Okta, SAML Settings: set Single sign-on URL to exactly the address that Keeper shows, and keep Use this for Recipient URL and Destination URL ticked. For a logout, set the Single Logout URL likewise.",
	ReasonRecipient:         "In Okta, SAML Settings: tick Use this for Recipient URL and Destination URL, or set the Recipient URL to exactly the address that Keeper shows.",
	ReasonAudience:          "In Okta, SAML Settings: set Audience URI (SP Entity ID) to exactly the entity id that Keeper shows.",
	ReasonInResponseTo:      "Begin anew from Keeper's sign-in page, within 15 minutes and in one window. The back button or an old window leads here too.",
	ReasonUnsolicited:       "Begin at Keeper's sign-in page, or allow sign-ins from Okta's dashboard in the provider's settings in Keeper. An embed link loses what Keeper asked: use the sign-on URL of the metadata.",
	ReasonBrowser:           "Begin and finish in one browser. If that was so, somebody else's response was used: treat it as an attack.",
	ReasonExpired:           "Compare the clocks of Keeper's host and of Okta (NTP). If people are slow and clocks are right, raise the longest age of a response in Keeper.",
	ReasonNotYetValid:       "The clock of Keeper's host is behind. Switch on time synchronisation (NTP), or raise the clock skew in Keeper, 15 minutes at most.",
	ReasonReplayed:          "Begin anew. A page that was loaded again sends its response twice; if nobody did that, treat it as an attack.",
	ReasonNoConditions:      "Okta always sends Conditions. Check that the response comes from a SAML 2.0 application and that nothing changes it on its way.",
	ReasonCondition:         "Okta sends no conditions but the audience. Remove the extension of the identity provider that adds this one; Keeper cannot tell whether it holds.",
	ReasonNoSubject:         "In Okta, SAML Settings: choose an Application username that every assigned person has.",
	ReasonNoConfirmation:    "Okta always sends a bearer confirmation. Check that the response comes from a SAML 2.0 application and that nothing changes it on its way.",
	ReasonEmptyNameID:       "In Okta, SAML Settings: choose an Application username that is not empty for this person.",
	ReasonNoAuthnStatement:  "Okta always sends an AuthnStatement. Check that the response comes from a SAML 2.0 application.",
	ReasonNoUsername:        "In Okta, SAML Settings, Attribute Statements: add the attribute that is set for the user name in Keeper, with one value; or clear that setting, so that the NameID is used.",
	ReasonAttribute:         "In Okta, look at the person's profile: an attribute that Keeper uses holds line ends or invisible characters, or is very long.",
	ReasonPanic:             "The message broke the XML library and was refused. Keep it and report it to the makers of Keeper.",
	ReasonLogoutFailed:      "Look at Okta's system log for this logout. The certificate uploaded under Single Logout, Signature Certificate must be Keeper's present one.",
}

// Mend says what an administrator does about a reason; "" for one that is not of this package.
func Mend(r Reason) string { return mends[r] }

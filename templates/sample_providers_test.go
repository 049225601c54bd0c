package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

func sampleProviders(b BasePage, all map[string]Page) {
	okta := ProviderView{
		Provider: models.Provider{
			ID: "idp_1", Name: "okta", Enabled: true, Config: models.ProviderConfig{DisplayName: "Okta", MetadataURL: "https://example.okta.com/metadata"},
			TestedAt: agoP(time.Hour), UpdatedAt: ago(time.Hour), LastError: "The metadata URL answered 503.", Revision: 4,
		},
		EntityID: "https://keeper.example.com/saml/okta/metadata", ACSURL: "https://keeper.example.com/saml/okta/acs", SLOURL: "https://keeper.example.com/saml/okta/slo",
		MetadataURL: "https://keeper.example.com/saml/okta/metadata", TheirEntityID: "http://www.okta.com/exk1", Logout: true, FetchedAt: agoP(time.Hour),
		Ours:   []CertificateView{{Fingerprint: "9f86d081884c7d659a2feaa0c55ad015", Subject: "CN=Keeper for okta", NotAfter: ago(-20 * sampleDay), Signs: true}, {Fingerprint: "b0f0", NotAfter: ago(-900 * sampleDay)}},
		Theirs: []CertificateView{{Fingerprint: "a1b2", Subject: "CN=example", NotAfter: ago(-400 * sampleDay), Signs: true}},
	}
	off := ProviderView{Provider: models.Provider{ID: "idp_2", Name: "other", UpdatedAt: ago(time.Hour)}, Problem: "A sealed secret does not open."}
	outlook := &OutlookView{Allowed: true, Username: "ada@example.com", Creates: true, Mapped: []string{"keeper-devs"}, Unmapped: []string{"everyone"}, Role: models.RoleUser, Roles: []GroupRoleView{{production, models.RoleEditor}}}
	all["providers"] = &ProviderListPage{BasePage: b, Providers: []ProviderView{okta, off}, MayManage: true}
	all["providers none"] = &ProviderListPage{BasePage: b}
	all["provider new"] = &ProviderFormPage{BasePage: b}
	all["provider edit"] = &ProviderFormPage{BasePage: b, Name: "okta", Form: NewForm(map[string]string{"create_users": "true"})}
	all["provider"] = &ProviderPage{
		BasePage: b, Provider: okta, MayManage: true, NeedProof: true,
		Groups:     []ProviderGroup{{Group: models.Group{ID: "grp_1", ProviderID: "idp_1", Name: "keeper-devs", Role: models.RoleUser}, Roles: []GroupRoleView{{production, models.RoleEditor}}}},
		Identities: []ProviderIdentity{{Identity: models.Identity{UserID: "usr_2", NameID: "ada@example.com", LastSignInAt: ago(time.Hour)}, Username: "ada@example.com", DisplayName: "Ada"}}, Query: "ada", Pager: Pager{Prev: "c0", Next: "c2", Total: -1},
	}
	all["provider nobody"] = &ProviderPage{BasePage: b, Provider: okta, Query: "zoe"}
	all["provider off"] = &ProviderPage{BasePage: b, Provider: off}
	all["provider delete"] = &ProviderDeletePage{BasePage: b, Confirmation: Confirmation{Name: "okta"}, Label: "Okta"}
	all["doctor"] = &DoctorPage{BasePage: b, Provider: "okta", Label: "Okta", Outlook: outlook}
	all["doctor refused"] = &DoctorPage{BasePage: b, Provider: "okta", Label: "Okta", Found: &Doctor{
		Findings: []DoctorFinding{{"unsigned", "no signature", "Sign assertions."}}, Notes: []string{"Not asked for."},
		Signatures: []DoctorSignature{{Of: "response"}, {Of: "assertion", Present: true, Algorithm: "rsa-sha256", Digest: "sha256", By: "CN=x 9f86"}},
		Facts:      []DoctorFact{{"NameID", "ada@example.com"}},
	}}
	all["doctor test"] = &DoctorPage{BasePage: BasePage{CSRFToken: "c5rf-t0ken", Now: sampleNow}, Provider: "okta", Label: "Okta", Alone: true, Found: &Doctor{
		Accepted: true, Live: true, Signatures: []DoctorSignature{{Of: "assertion", Present: true, Valid: true, Trusted: true}}, Outlook: &OutlookView{Reason: "no_mapped_group", Mend: "Map a group."},
	}}
	all["onward"] = &OnwardPage{BasePage: BasePage{CSRFToken: "c5rf-t0ken", Now: sampleNow}, Title: "Signing in", Text: "Your browser goes on.", To: "/"}
	all["onward form"] = &OnwardPage{BasePage: BasePage{CSRFToken: "c5rf-t0ken", Now: sampleNow}, Title: "Signing in", Text: "Your browser goes on.", To: "https://idp.example.com/sso", Fields: []OnwardField{{"SAMLRequest", "x"}}}
}

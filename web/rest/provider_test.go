package rest

import (
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/models"
)

func providerOperations(t *testing.T, h *house) {
	ctx, c := t.Context(), h.admin
	idp, err := samltest.Start(samltest.User{NameID: "lin", Groups: []string{"devs"}})
	must(t, err)
	defer idp.Close()
	_, err = c.CreateProvider(ctx, api.NewProvider{Name: "O k", Settings: api.ProviderSettings{MetadataURL: idp.MetadataURL()}})
	isKind(t, err, "invalid", "name")
	made, err := c.CreateProvider(ctx, api.NewProvider{Name: "okta", Settings: api.ProviderSettings{MetadataURL: idp.MetadataURL(), CreateUsers: true, MaxAgeSeconds: 60}})
	must(t, err)
	if made.Enabled || made.ProviderEntityID != idp.EntityID() || made.AcsURL != "http://127.0.0.1:1/saml/okta/acs" || !made.Settings.CreateUsers || made.Settings.MaxAgeSeconds != 60 || len(made.Certificates) != 2 {
		t.Errorf("made %+v", made)
	}
	on, off := true, false
	_, err = c.UpdateProvider(ctx, "okta", api.ProviderChange{Enabled: &on}, made.Revision)
	isKind(t, err, "conflict", "")
	changed, err := c.UpdateProvider(ctx, made.ID, api.ProviderChange{Enabled: &on, Untested: true}, made.Revision)
	must(t, err)
	_, err = c.UpdateProvider(ctx, "okta", api.ProviderChange{Enabled: &off}, made.Revision)
	isKind(t, err, "stale", "")
	list, err := c.ListProviders(ctx)
	if err != nil || len(list.Items) != 1 || !list.Items[0].Enabled || changed.Revision != 2 {
		t.Errorf("listed %+v, %v", list, err)
	}
	_, err = c.RefreshProvider(ctx, "okta")
	must(t, err)
	first := changed.Certificates[0].Fingerprint
	two, err := c.CreateProviderKey(ctx, "okta")
	must(t, err)
	second := two.Certificates[1].Fingerprint
	if !two.Certificates[1].Ours || two.Certificates[1].Signs || two.Certificates[0].Fingerprint != first {
		t.Errorf("a new key pair: %+v", two.Certificates)
	}
	_, err = c.RemoveProviderKey(ctx, "okta", first)
	isKind(t, err, "conflict", "")
	used, err := c.UseProviderKey(ctx, "okta", second)
	must(t, err)
	if used.Certificates[0].Fingerprint != second || !used.Certificates[0].Signs || used.Certificates[1].Fingerprint != first {
		t.Errorf("the new key pair signs: %+v", used.Certificates)
	}
	left, err := c.RemoveProviderKey(ctx, "okta", first)
	if err != nil || len(left.Certificates) != 2 {
		t.Errorf("left %+v, %v", left.Certificates, err)
	}
	providerPeople(t, h, idp)
	must(t, c.DeleteProvider(ctx, "okta", 0))
	_, err = c.GetProvider(ctx, "okta")
	isKind(t, err, "not_found", "")
}

func providerPeople(t *testing.T, h *house, idp *samltest.IDP) {
	ctx, c := t.Context(), h.admin
	g, err := c.CreateGroup(ctx, api.NewGroup{Provider: "okta", Name: "devs"})
	must(t, err)
	must(t, c.SetGroupRole(ctx, g.ID, "production", "editor"))
	found, err := c.CheckProvider(ctx, "okta", api.ProviderCheck{NameID: "lin", Groups: []string{"devs", "others"}})
	must(t, err)
	if o := found.Outlook; o == nil || !o.Allowed || !o.Creates || len(o.Roles) != 1 || o.Roles[0].Role != "editor" || o.UnknownGroups[0] != "others" {
		t.Errorf("the dry run says %+v", found.Outlook)
	}
	p, err := c.GetProvider(ctx, "okta")
	must(t, err)
	metadata, err := h.auth.ProviderMetadata(ctx, "okta")
	must(t, err)
	must(t, idp.Register(metadata))
	response, err := idp.Respond(p.EntityID, "", "lin", samltest.Making{UnsignedAssertion: true})
	must(t, err)
	found, err = c.CheckProvider(ctx, "okta", api.ProviderCheck{Response: samltest.Encode(response)})
	must(t, err)
	if found.Accepted || len(found.Findings) == 0 || found.Findings[0].Reason != "unsigned" || found.Findings[0].Mend == "" || found.Outlook != nil {
		t.Errorf("the doctor says %+v", found)
	}
	_, err = c.CheckProvider(ctx, "okta", api.ProviderCheck{})
	isKind(t, err, "invalid", "response")
	h.token("linus", models.RoleUser, nil)
	must(t, c.LinkProviderPerson(ctx, "okta", "linus", "linus@example.com"))
	isKind(t, c.LinkProviderPerson(ctx, "okta", "linus", "linus@example.com"), "conflict", "")
	people, err := client.Collect(c.ProviderPeople(ctx, "okta", api.ListProviderPeopleParams{}))
	if err != nil || len(people) != 1 || people[0].Username != "linus" || people[0].NameID != "linus@example.com" || !people[0].LastSignInAt.IsZero() {
		t.Errorf("people %+v, %v; linked, and not signed in yet", people, err)
	}
	for part, want := range map[string]int{"EXAMPLE.com": 1, "nobody": 0} {
		if found, err := client.Collect(c.ProviderPeople(ctx, "okta", api.ListProviderPeopleParams{Search: part})); err != nil || len(found) != want {
			t.Errorf("%q finds %+v, %v", part, found, err)
		}
	}
	must(t, c.UnlinkProviderPerson(ctx, "okta", "linus"))
	isKind(t, c.UnlinkProviderPerson(ctx, "okta", "linus"), "not_found", "")

	scoped, err := c.CreateToken(ctx, api.NewToken{Name: "narrow", Actions: []string{"users.manage"}})
	must(t, err)
	_, err = h.client(scoped.Text.Reveal()).UpdateProvider(ctx, "okta", api.ProviderChange{Metadata: "<x/>"}, 0)
	isKind(t, err, "forbidden", "")
}

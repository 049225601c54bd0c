package web

import (
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listProviders(r *request) error {
	all, err := w.Auth.Providers(r.Context(), r.actor)
	if err != nil {
		return err
	}
	page := &templates.ProviderListPage{MayManage: r.may(auth.ManageUsers, auth.Global)}
	for _, p := range all {
		page.Providers = append(page.Providers, providerView(p))
	}
	return r.show(page, &page.BasePage)
}

func providerView(p auth.ProviderView) templates.ProviderView {
	v := templates.ProviderView{
		Provider: p.Provider, EntityID: p.EntityID, ACSURL: p.ACSURL, SLOURL: p.SLOURL, MetadataURL: p.MetadataURL, SignInURL: p.SignInURL,
		TheirEntityID: p.Status.EntityID, Logout: p.Status.Logout, FetchedAt: p.Provider.FetchedAt, Problem: p.Problem,
	}
	for _, c := range p.Certificates {
		one := templates.CertificateView{Fingerprint: c.Fingerprint, Subject: c.Subject, NotAfter: c.NotAfter, Signs: c.Signs}
		if c.Ours {
			v.Ours = append(v.Ours, one)
		} else {
			v.Theirs = append(v.Theirs, one)
		}
	}
	return v
}

func (w *Web) showProvider(r *request) error { return w.providerPage(r, nil) }

// providerPage shows a provider, and one of its forms again that was refused.
func (w *Web) providerPage(r *request, refusal error) error {
	p, err := w.Auth.Provider(r.Context(), r.actor, r.param("provider"))
	if err != nil {
		return err
	}
	groups, err := w.Auth.GroupsOfProvider(r.Context(), r.actor, p.Name)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	query := strings.TrimSpace(q.Get("q"))
	people, around, err := w.Auth.Identities(r.Context(), r.actor, p.Name, query, q.Get("cursor"), pageSize)
	if err != nil {
		return err
	}
	environments, err := w.Auth.EnvironmentNames(r.Context())
	if err != nil {
		return err
	}
	page := &templates.ProviderPage{
		Provider: providerView(p), Query: query, Pager: pagerOf(around), MayManage: r.may(auth.ManageUsers, auth.Global), NeedProof: !w.Auth.Fresh(r.row),
	}
	for _, g := range groups {
		one := templates.ProviderGroup{Group: g.Group}
		for _, role := range g.Roles {
			one.Roles = append(one.Roles, templates.GroupRoleView{Environment: environments[role.EnvironmentID], Role: role.Role})
		}
		page.Groups = append(page.Groups, one)
	}
	for _, i := range people {
		page.Identities = append(page.Identities, templates.ProviderIdentity{Identity: i.Identity, Username: i.Username, DisplayName: i.DisplayName})
	}
	if refusal != nil {
		page.Form = r.refill(renameField(refusal, "name", "group"), 0, "group", "role", "user", "name_id")
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

func (w *Web) newProvider(r *request) error { return w.newProviderForm(r, nil) }

func (w *Web) newProviderForm(r *request, refusal error) error {
	if err := auth.Check(r.actor, auth.ManageUsers, auth.Global); err != nil {
		return err
	}
	page := &templates.ProviderFormPage{Form: templates.NewForm(map[string]string{"create_users": "true", "groups_attribute": "groups"})}
	if refusal != nil {
		page.Form = r.refill(refusal, 0, append(providerFields, "name", "metadata")...)
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

// providerFields are those of a provider's settings.
var providerFields = []string{
	"display_name", "metadata_url", "entity_id", "name_id_format", "username_attribute", "email_attribute", "name_attribute", "groups_attribute",
	"create_users", "encrypt_assertions", "allow_idp_initiated", "allow_response_only", "max_clock_skew_seconds", "max_age_seconds",
}

func providerConfig(f *form) models.ProviderConfig {
	on := func(name string) bool { return f.line(name) == "true" }
	return models.ProviderConfig{
		DisplayName: f.line("display_name"), MetadataURL: f.line("metadata_url"), EntityID: f.line("entity_id"), NameIDFormat: f.line("name_id_format"),
		UsernameAttribute: f.line("username_attribute"), EmailAttribute: f.line("email_attribute"), NameAttribute: f.line("name_attribute"),
		GroupsAttribute: f.line("groups_attribute"), CreateUsers: on("create_users"), EncryptAssertions: on("encrypt_assertions"),
		AllowIDPInitiated: on("allow_idp_initiated"), AllowResponseOnly: on("allow_response_only"),
		MaxClockSkew: f.number("max_clock_skew_seconds"), MaxAge: f.number("max_age_seconds"),
	}
}

func metadataOf(f *form) []byte {
	if text := strings.TrimSpace(f.r.PostForm.Get("metadata")); text != "" {
		return []byte(text)
	}
	return nil
}

func (w *Web) createProvider(r *request) error {
	f := r.form()
	n := auth.NewProvider{Name: f.line("name"), Config: providerConfig(f), Metadata: metadataOf(f)}
	if err := f.err(); err != nil {
		return err
	}
	p, err := w.Auth.CreateProvider(r.Context(), r.actor, n)
	if err != nil {
		return err
	}
	return r.done(providerPath(p.Name), "The provider is set up, and off. Give it what it is told below, map a group, and run a test sign-in.")
}

func providerPath(name string) string {
	return templates.MustPath("/admin/providers/{provider}", name)
}

func (w *Web) editProvider(r *request) error { return w.editProviderForm(r, nil) }

func (w *Web) editProviderForm(r *request, refusal error) error {
	if err := auth.Check(r.actor, auth.ManageUsers, auth.Global); err != nil {
		return err
	}
	p, err := w.Auth.Provider(r.Context(), r.actor, r.param("provider"))
	if err != nil {
		return err
	}
	page := &templates.ProviderFormPage{Name: p.Name, Form: templates.Form{Values: auth.SettingsOf(p.Provider), Revision: p.Revision}}
	if refusal != nil {
		page.Form = r.refill(refusal, p.Revision, append(providerFields, "metadata")...)
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

func (w *Web) updateProvider(r *request) error {
	f := r.form()
	config := providerConfig(f)
	if err := f.err(); err != nil {
		return err
	}
	return w.providerChanged(r, auth.ProviderChange{Config: &config, Metadata: metadataOf(f)}, f.revision(), "The provider is changed.")
}

func (w *Web) providerChanged(r *request, c auth.ProviderChange, revision int64, message string) error {
	p, err := w.Auth.UpdateProvider(r.Context(), r.actor, r.param("provider"), c, revision)
	if err != nil {
		return err
	}
	w.live.recheck()
	return r.done(providerPath(p.Name), message)
}

func (w *Web) switchProvider(r *request) error {
	on := r.form().line("enabled") == "true"
	message := "The provider is off. The sessions that it opened have ended."
	if on {
		message = "The provider is on: people may sign in with it."
	}
	return w.providerChanged(r, auth.ProviderChange{Enabled: &on}, 0, message)
}

func (w *Web) refreshProvider(r *request) error {
	return w.providerDone(r, "The metadata is fetched.")(w.Auth.RefreshProvider(r.Context(), r.actor, r.param("provider")))
}

func (w *Web) newProviderKey(r *request) error {
	return w.providerDone(r, "The key pair is made and stands in Keeper's metadata. Upload its certificate, then sign with it.")(
		w.Auth.NewProviderKey(r.Context(), r.actor, r.param("provider")))
}

func (w *Web) useProviderKey(r *request) error {
	return w.providerDone(r, "Requests are signed with this key pair from now on.")(
		w.Auth.UseProviderKey(r.Context(), r.actor, r.param("provider"), r.form().line("fingerprint")))
}

func (w *Web) removeProviderKey(r *request) error {
	return w.providerDone(r, "The key pair is removed.")(
		w.Auth.RemoveProviderKey(r.Context(), r.actor, r.param("provider"), r.form().line("fingerprint")))
}

func (w *Web) providerDone(r *request, message string) func(auth.ProviderView, error) error {
	return func(p auth.ProviderView, err error) error {
		if err != nil {
			return err
		}
		return r.done(providerPath(p.Name), message)
	}
}

func (w *Web) mapGroup(r *request) error {
	f := r.form()
	g, err := w.Auth.CreateGroup(r.Context(), r.actor, auth.NewGroup{
		Provider: r.param("provider"), Name: f.text("group"), Role: models.GlobalRole(f.line("role")),
	})
	if err != nil {
		return err
	}
	return r.done(templates.MustPath("/admin/groups/{group}", g.ID), "The group is mapped. Give it roles in environments here; they count from the next sign-in of its members on.")
}

func (w *Web) linkPerson(r *request) error {
	f := r.form()
	if err := w.Auth.LinkIdentity(r.Context(), r.actor, r.param("provider"), f.line("user"), f.text("name_id")); err != nil {
		return err
	}
	return r.done(providerPath(r.param("provider")), "The account is linked.")
}

func (w *Web) unlinkPerson(r *request) error {
	if err := w.Auth.UnlinkIdentity(r.Context(), r.actor, r.param("provider"), r.form().line("user")); err != nil {
		return err
	}
	w.live.recheck()
	return r.done(providerPath(r.param("provider")), "The account is unlinked.")
}

func (w *Web) askDeleteProvider(r *request) error { return w.deleteProviderForm(r, nil) }

func (w *Web) deleteProviderForm(r *request, refusal error) error {
	if err := auth.Check(r.actor, auth.ManageUsers, auth.Global); err != nil {
		return err
	}
	p, err := w.Auth.Provider(r.Context(), r.actor, r.param("provider"))
	if err != nil {
		return err
	}
	page := &templates.ProviderDeletePage{Confirmation: templates.Confirmation{Name: p.Name}, Label: p.Label()}
	if refusal != nil {
		page.Form = r.refill(refusal, 0, "confirm")
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

func (w *Web) deleteProvider(r *request) error {
	p, err := w.Auth.Provider(r.Context(), r.actor, r.param("provider"))
	if err != nil {
		return err
	}
	if r.form().line("confirm") != p.Name {
		return fault.InvalidField("confirm", "must be exactly %s", p.Name)
	}
	if err := w.Auth.DeleteProvider(r.Context(), r.actor, p.Name, 0); err != nil {
		return err
	}
	w.live.recheck()
	return r.done("/admin/providers", "The provider is deleted.")
}

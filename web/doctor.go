package web

import (
	"strings"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

type environmentsByID = map[models.EnvironmentID]models.Environment

func (w *Web) showDoctor(r *request) error { return w.doctorForm(r, nil) }

func (w *Web) doctorForm(r *request, refusal error) error {
	page, _, err := w.doctorPage(r)
	if err != nil {
		return err
	}
	if refusal != nil {
		page.Form = r.refill(refusal, 0, "name_id", "username", "groups")
	}
	return r.showRefused(refusal, page, &page.BasePage)
}

func (w *Web) doctorPage(r *request) (*templates.DoctorPage, environmentsByID, error) {
	p, err := w.Auth.Provider(r.Context(), r.actor, r.param("provider"))
	if err != nil {
		return nil, nil, err
	}
	environments, err := w.Auth.EnvironmentNames(r.Context())
	return &templates.DoctorPage{Provider: p.Name, Label: p.Label()}, environments, err
}

// examine says what is in a response. What was pasted is not shown again, and not kept.
func (w *Web) examine(r *request) error {
	page, environments, err := w.doctorPage(r)
	if err != nil {
		return err
	}
	found, err := w.Auth.Diagnose(r.Context(), r.actor, page.Provider, []byte(r.PostForm.Get("response")))
	if err != nil {
		return err
	}
	page.Found = doctorOf(found, environments)
	return r.show(page, &page.BasePage)
}

// dryRun says what a person would get.
func (w *Web) dryRun(r *request) error {
	page, environments, err := w.doctorPage(r)
	if err != nil {
		return err
	}
	f := r.form()
	person := auth.Person{NameID: f.line("name_id"), Username: f.line("username")}
	for line := range strings.Lines(f.text("groups")) {
		if name := strings.TrimRight(line, "\n"); name != "" {
			person.Groups = append(person.Groups, name)
		}
	}
	look, err := w.Auth.TryPerson(r.Context(), r.actor, page.Provider, person)
	if err != nil {
		return err
	}
	page.Outlook = outlookOf(look, environments)
	page.Form = r.refill(nil, 0, "name_id", "username", "groups")
	page.Form.Message, page.Form.Hint = "", ""
	return r.show(page, &page.BasePage)
}

func doctorOf(d auth.Diagnosed, environments environmentsByID) *templates.Doctor {
	found := &templates.Doctor{Accepted: d.Accepted, Live: d.Live, Notes: d.Notes, Encryption: d.Encryption}
	for _, f := range d.Findings {
		found.Findings = append(found.Findings, templates.DoctorFinding{Reason: string(f.Reason), Detail: f.Detail, Mend: f.Mend})
	}
	found.Signatures = []templates.DoctorSignature{signatureOf("response", d.Response), signatureOf("assertion", d.Assertion)}
	fact := func(name, value string) {
		if value != "" {
			found.Facts = append(found.Facts, templates.DoctorFact{Name: name, Value: value})
		}
	}
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	fact("Issuer", d.Issuer)
	fact("Status", d.Status)
	fact("Destination", d.Destination)
	fact("Recipient", d.Recipient)
	fact("Audience", strings.Join(d.Audiences, ", "))
	fact("In response to", d.InResponseTo)
	fact("Issued", moment(d.IssuedAt))
	fact("Not before", moment(d.NotBefore))
	fact("Not on or after", moment(d.NotOnOrAfter))
	fact("Person signed in there", moment(d.AuthnInstant))
	fact("NameID", d.NameID)
	fact("NameID format", d.NameIDFormat)
	fact("Session index", d.SessionIndex)
	fact("Attributes", strings.Join(d.AttributeNames, ", "))
	fact("User name", d.Identity.Username)
	fact("E-mail", d.Identity.Email)
	fact("Name", d.Identity.DisplayName)
	fact("Groups", strings.Join(d.Identity.Groups, ", "))
	if d.Outlook != nil {
		found.Outlook = outlookOf(*d.Outlook, environments)
	}
	return found
}

func signatureOf(of string, s saml.SignatureFacts) templates.DoctorSignature {
	view := templates.DoctorSignature{Of: of, Present: s.Present, Valid: s.Valid, Trusted: s.Trusted, Algorithm: s.Algorithm, Digest: s.Digest}
	if s.Certificate != nil {
		view.By = s.Certificate.Subject + " " + s.Certificate.Fingerprint
	}
	return view
}

func outlookOf(o auth.Outlook, environments environmentsByID) *templates.OutlookView {
	view := &templates.OutlookView{
		Allowed: o.Allowed, Reason: o.Reason, Mend: o.Mend, Username: o.Username, Creates: o.Creates, Unmapped: o.Unmapped, Role: o.Role,
		GivesEverything: o.Role == models.RoleAdmin,
	}
	for _, g := range o.Mapped {
		view.Mapped = append(view.Mapped, g.Name)
	}
	for id, role := range o.Roles {
		view.Roles = append(view.Roles, templates.GroupRoleView{Environment: environments[id], Role: role})
	}
	templates.SortRoles(view.Roles)
	return view
}

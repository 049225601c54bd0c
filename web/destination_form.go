package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// destinationFields are those that a form shows again. Credentials are typed again: no page
// ever holds them.
var destinationFields = []string{
	"name", "interval_seconds", "config.strategy", "config.brake_most", "config.brake_percent", "config.prefix", "config.region", "config.endpoint", "config.role_arn", "config.external_id",
	"config.kms_key_id", "config.recovery_days", "config.address", "config.namespace", "config.mount", "config.ca_cert",
	"config.value_key", "config.write_burst", "config.tags", "config.replica_regions", "config.replica_kms_key_id", "config.auth_method", "config.auth_path",
	"config.auth_role", "config.shape", "config.name_template", "config.bundle_name", "config.accept_overlap", "config.destroy_days", "credentials.clear", "skip_check",
}

// newDestination asks for the proof that connecting takes before the form is filled in: what is
// typed as credentials no page shows again.
func (w *Web) newDestination(r *request) error {
	e, err := w.environment(r)
	if err == nil && r.may(auth.ManageDestination, e.ID) {
		err = w.Destinations.MayConnect(r.Context(), r.actor, e)
	}
	if err != nil {
		return err
	}
	return w.newDestinationForm(r, nil)
}

func (w *Web) newDestinationForm(r *request, err error) error {
	page, findErr := w.destinationForm(r)
	if findErr != nil {
		return findErr
	}
	if err != nil {
		page.Form, page.MaySkip = r.refill(err, 0, destinationFields...), r.maySkip(err)
	}
	return r.showRefused(err, page, &page.BasePage)
}

// maySkip reports whether a form offers to save without the check: once that has failed.
func (r *request) maySkip(err error) bool {
	return destinations.Unusable(err) || r.form().skips()
}

func (f *form) skips() bool { return f.line("skip_check") == "true" }

// destinationForm is the form of a new destination with what Keeper knows already.
func (w *Web) destinationForm(r *request) (*templates.DestinationFormPage, error) {
	e, err := w.environment(r)
	if err == nil {
		err = auth.Check(r.actor, auth.ManageDestination, e.ID)
	}
	if err != nil {
		return nil, err
	}
	kind := models.DestinationKind(cmp.Or(r.form().line("kind"), r.URL.Query().Get("kind")))
	if !slices.Contains(models.DestinationKinds, kind) {
		kind = "" // the page asks for it
	}
	defaults := w.Destinations.Defaults
	return &templates.DestinationFormPage{Environment: e, Kind: kind, Form: templates.NewForm(map[string]string{
		"config.region": defaults.Region, "config.endpoint": defaults.Endpoint, "config.address": defaults.Address, "config.mount": defaults.Mount,
		"config.prefix": e.Name + "/", "config.strategy": string(models.KeeperWins),
		"config.shape": string(models.ShapeValue),
	})}, nil
}

func (w *Web) createDestination(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	draft, err := r.form().destination(e.ID)
	if err != nil {
		return err
	}
	d, err := w.Destinations.Create(r.Context(), r.actor, draft)
	if err != nil {
		return err
	}
	done := "The destination is connected. The first pass begins now."
	if draft.SkipCheck {
		done = "The destination is saved, without a look at whether the connection works. The first pass begins now."
	}
	return r.doneWithin(destinationURL(d.ID), templates.GuideSecret(e), done)
}

// destination reads the form of a new one.
func (f *form) destination(e models.EnvironmentID) (destinations.Draft, error) {
	credentials, _ := f.credentials()
	draft := destinations.Draft{
		Environment: e, Name: f.line("name"), Kind: models.DestinationKind(f.line("kind")),
		Config: f.config(models.DestinationConfig{}), Credentials: credentials, Interval: f.number("interval_seconds"),
		SkipCheck: f.skips(),
	}
	return draft, f.err()
}

// testNewDestination tries what stands in the form of a new destination, and tells it there;
// nothing is saved. A script gets that part of the page alone, so that the credentials stay
// in the fields: no page ever holds them.
func (w *Web) testNewDestination(r *request) error {
	page, err := w.destinationForm(r)
	if err != nil {
		return err
	}
	draft, refused := r.form().destination(page.Environment.ID)
	start := w.Now()
	if refused == nil {
		var tried []destinations.Tried
		if tried, refused = w.Destinations.TestDraft(r.Context(), r.actor, draft); refused == nil {
			page.Test = connectionTest(tried)
			page.Test.Took, page.Test.At = w.Now().Sub(start), start
		}
	}
	page.Form = r.refill(refused, 0, destinationFields...)
	if r.isPartial() || refused == nil {
		return r.showList(page, &page.BasePage, "connection-test")
	}
	return r.showRefused(refused, page, &page.BasePage)
}

func (w *Web) editDestination(r *request) error {
	_, e, err := w.destinationFor(r, auth.ManageDestination)
	if err == nil {
		err = w.Destinations.MayConnect(r.Context(), r.actor, e)
	}
	if err != nil {
		return err
	}
	return w.editDestinationForm(r, nil)
}

func (w *Web) editDestinationForm(r *request, err error) error {
	d, e, findErr := w.destinationFor(r, auth.ManageDestination)
	if findErr != nil {
		return findErr
	}
	page := &templates.DestinationFormPage{Environment: e, Destination: &d, Kind: d.Kind, HasCredentials: len(d.Credentials) > 0}
	page.Form = templates.Form{Revision: d.Revision, Values: destinationValues(d)}
	if err != nil {
		page.Form, page.MaySkip = r.refill(err, d.Revision, destinationFields...), r.maySkip(err)
	}
	return r.showRefused(err, page, &page.BasePage)
}

func destinationValues(d models.Destination) map[string]string {
	c := d.Config
	return map[string]string{
		"config.strategy": string(cmp.Or(c.Strategy, models.KeeperWins)), "config.brake_most": limit(c.BrakeMost), "config.brake_percent": limit(c.BrakePercent),
		"name": d.Name, "interval_seconds": decimal(d.Interval), "config.prefix": c.Prefix, "config.region": c.Region,
		"config.endpoint": c.Endpoint, "config.role_arn": c.RoleARN, "config.external_id": c.ExternalID, "config.kms_key_id": c.KMSKeyID,
		"config.recovery_days": decimal(c.RecoveryDays), "config.address": c.Address, "config.namespace": c.Namespace,
		"config.mount": c.Mount, "config.ca_cert": c.CACert, "config.value_key": c.ValueKey,
		"config.write_burst": decimal(c.WriteBurst), "config.tags": tagLines(c.Tags), "config.replica_regions": strings.Join(c.ReplicaRegions, "\n"),
		"config.replica_kms_key_id": c.ReplicaKMSKeyID, "config.auth_method": string(c.AuthMethod), "config.auth_path": c.AuthPath, "config.auth_role": c.AuthRole,
		"config.shape": string(c.Shape), "config.name_template": c.NameTemplate, "config.bundle_name": c.BundleName,
		"config.accept_overlap": strconv.FormatBool(c.AcceptOverlap), "config.destroy_days": decimal(c.DestroyDays),
	}
}

func (w *Web) updateDestination(r *request) error {
	d, _, err := w.destination(r)
	if err != nil {
		return err
	}
	f := r.form()
	if f.line("name") != d.Name {
		f.wrong("name", "cannot change")
	}
	config, interval := f.config(d.Config), f.number("interval_seconds")
	change := destinations.Change{Config: &config, Interval: &interval, SkipCheck: f.skips()}
	if credentials, given := f.credentials(); given {
		change.Credentials = &credentials
	}
	if err := f.err(); err != nil {
		return err
	}
	if _, err := w.Destinations.Update(r.Context(), r.actor, d.ID, change, f.revision()); err != nil {
		return err
	}
	if change.SkipCheck {
		return r.done(destinationURL(d.ID), "The changes are saved, without a look at whether the connection works.")
	}
	return r.done(destinationURL(d.ID), "The changes are saved and the connection works.")
}

// config reads the settings over those that stand.
func (f *form) config(c models.DestinationConfig) models.DestinationConfig {
	for name, field := range map[string]*string{
		"config.prefix": &c.Prefix, "config.region": &c.Region, "config.endpoint": &c.Endpoint, "config.role_arn": &c.RoleARN,
		"config.external_id": &c.ExternalID, "config.kms_key_id": &c.KMSKeyID, "config.address": &c.Address,
		"config.namespace": &c.Namespace, "config.mount": &c.Mount, "config.ca_cert": &c.CACert, "config.value_key": &c.ValueKey,
		"config.replica_kms_key_id": &c.ReplicaKMSKeyID, "config.auth_path": &c.AuthPath, "config.auth_role": &c.AuthRole,
		"config.name_template": &c.NameTemplate, "config.bundle_name": &c.BundleName,
	} {
		if f.r.PostForm.Has(name) { // the fields of the other kind are not on the page
			*field = f.line(name)
		}
	}
	c.RecoveryDays, c.WriteBurst, c.DestroyDays = f.number("config.recovery_days"), f.number("config.write_burst"), f.number("config.destroy_days")
	c.AcceptOverlap = c.AcceptOverlap || f.line("config.accept_overlap") == "true" // it is never taken back
	if f.r.PostForm.Has("config.tags") {
		c.Tags = f.tags("config.tags")
	}
	if f.r.PostForm.Has("config.replica_regions") {
		c.ReplicaRegions = strings.FieldsFunc(f.text("config.replica_regions"), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	}
	if f.r.PostForm.Has("config.auth_method") {
		c.AuthMethod = models.VaultAuth(f.line("config.auth_method"))
	}
	if f.r.PostForm.Has("config.shape") {
		c.Shape = models.Shape(f.line("config.shape"))
	}
	if f.r.PostForm.Has("config.strategy") {
		c.Strategy = models.Strategy(f.line("config.strategy"))
	}
	f.limit("config.brake_most", &c.BrakeMost)
	f.limit("config.brake_percent", &c.BrakePercent)
	return c
}

// credentials reads the credentials. They are one set: a new one replaces all of the old,
// none given leaves them, and the switch forgets them.
func (f *form) credentials() (c models.DestinationCredentials, given bool) {
	for name, field := range map[string]*models.Plaintext{
		"credentials.access_key_id": &c.AccessKeyID, "credentials.secret_access_key": &c.SecretAccessKey,
		"credentials.session_token": &c.SessionToken, "credentials.vault_token": &c.VaultToken,
		"credentials.role_id": &c.RoleID, "credentials.secret_id": &c.SecretID, "credentials.jwt": &c.JWT,
	} {
		if text := f.line(name); text != "" {
			*field, given = models.NewPlaintext([]byte(text)), true
		}
	}
	if forget := f.line("credentials.clear") == "true"; forget && given {
		f.wrong("credentials.clear", "goes with no new ones: leave the fields empty, or do not forget")
	} else if forget {
		return models.DestinationCredentials{}, true
	}
	return c, given
}

// limit reads a number that counts at 0, too: an empty field is nil, the default.
func (f *form) limit(name string, into **int) {
	if !f.r.PostForm.Has(name) {
		return
	}
	*into = nil
	if f.line(name) != "" {
		*into = new(f.number(name))
	}
}

// limit is a limit as a field shows it.
func limit(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// decimal is a number as a field shows it; 0 shows as nothing.
func decimal(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

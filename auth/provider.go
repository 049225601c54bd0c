package auth

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// keyLasts is how long a new certificate of Keeper's own is valid.
const keyLasts = 3 * 365 * 24 * time.Hour

// ProviderView is an identity provider with how it stands.
type ProviderView struct {
	models.Provider
	ProviderAddresses
	Status       saml.Status
	Certificates []saml.Certificate
	Problem      string // why it cannot work; ""
}

// SignInProvider is a provider that people may sign in with.
type SignInProvider struct{ Name, Label string }

// SignInProviders are those that are on, by name, for the sign-in page.
func (s *Service) SignInProviders(ctx context.Context) ([]SignInProvider, error) {
	all, err := s.allLive(ctx)
	if err != nil {
		return nil, err
	}
	var found []SignInProvider
	for _, one := range all {
		if one.row.Enabled && one.problem == nil {
			found = append(found, SignInProvider{one.row.Name, one.row.Label()})
		}
	}
	slices.SortFunc(found, func(a, b SignInProvider) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return found, nil
}

// Providers lists all identity providers by name.
func (s *Service) Providers(ctx context.Context, actor models.Actor) ([]ProviderView, error) {
	var rows []models.Provider
	err := s.look(ctx, actor, "provider.view", func(tx *store.Tx) (err error) {
		rows, err = tx.Providers()
		return err
	})
	views := make([]ProviderView, 0, len(rows))
	for _, row := range rows {
		views = append(views, s.providerView(row))
	}
	return views, err
}

// Provider finds one by its name or id.
func (s *Service) Provider(ctx context.Context, actor models.Actor, named string) (ProviderView, error) {
	var row models.Provider
	err := s.look(ctx, actor, "provider.view", func(tx *store.Tx) (err error) {
		row, err = findProvider(tx, named)
		return err
	})
	if err != nil {
		return ProviderView{}, err
	}
	return s.providerView(row), nil
}

func (s *Service) providerView(row models.Provider) ProviderView {
	view := ProviderView{Provider: row}
	view.ProviderAddresses, _ = s.providerAddresses(row) // openProvider says what is wrong with them
	p, err := s.openProvider(row)
	if err != nil {
		view.Problem = fault.Public(err).Error()
		return view
	}
	view.Status, view.Certificates = p.Status(), p.Certificates()
	view.Status.FetchError = row.LastError
	if row.FetchedAt != nil {
		view.Status.FetchedAt = *row.FetchedAt
	}
	return view
}

func findProvider(tx *store.Tx, named string) (models.Provider, error) {
	p, err := tx.ProviderByName(cut(named, 63))
	if fault.Is(err, fault.NotFound) {
		p, err = tx.Provider(models.ProviderID(cut(named, 40)))
	}
	if fault.Is(err, fault.NotFound) {
		err = noProvider()
	}
	return p, err
}

// wholeAdministrator may everything. Whoever sets up who vouches for people can become any
// of them, so a token that is narrower than that may not.
var wholeAdministrator = models.Actor{Kind: models.ActorUser, Role: models.RoleAdmin}

// mayProvide refuses who may not change identity providers, before anything costly is done.
func (s *Service) mayProvide(ctx context.Context, actor models.Actor, operation string) error {
	if err := Check(actor, ManageUsers, Global); err != nil {
		return s.refuse(ctx, actor, operation, err)
	}
	if err := holds(actor, wholeAdministrator); err != nil {
		return s.refuse(ctx, actor, operation, err)
	}
	return s.askProof(ctx, actor, operation)
}

// provide is gravely for a change of an identity provider, and has this replica look again.
func (s *Service) provide(ctx context.Context, actor models.Actor, operation string, do func(*store.Tx, models.Actor) error) error {
	err := s.gravely(ctx, actor, ManageUsers, Global, operation, func(tx *store.Tx, actor models.Actor) error {
		if err := holds(actor, wholeAdministrator); err != nil {
			return err
		}
		return do(tx, actor)
	})
	s.lookAgain()
	return err
}

// NewProvider is what an identity provider is made from.
type NewProvider struct {
	Name     string
	Config   models.ProviderConfig
	Metadata []byte // XML; nil: fetched from Config.MetadataURL
}

// CreateProvider adds an identity provider, switched off, with a key pair of Keeper's own.
// Nothing is kept where its metadata cannot be read.
func (s *Service) CreateProvider(ctx context.Context, actor models.Actor, n NewProvider) (ProviderView, error) {
	if err := s.mayProvide(ctx, actor, "provider.create"); err != nil {
		return ProviderView{}, err
	}
	row := models.Provider{ID: models.NewProviderID(), Name: n.Name, Config: n.Config, Metadata: n.Metadata}
	if err := row.Validate(); err != nil {
		return ProviderView{}, err
	}
	pair, err := saml.GenerateKeyPair("Keeper for "+row.Name, s.now(), keyLasts)
	if err != nil {
		return ProviderView{}, err
	}
	if err := s.sealKeys(&row, []saml.KeyPair{pair}); err != nil {
		return ProviderView{}, err
	}
	if err := s.readMetadata(ctx, &row, []saml.KeyPair{pair}, ""); err != nil {
		return ProviderView{}, err
	}
	err = s.provide(ctx, actor, "provider.create", func(tx *store.Tx, actor models.Actor) error {
		if err := tx.CreateProvider(&row); err != nil {
			return taken(err, "identity provider", row.Name)
		}
		return tx.AppendAudit(onProvider(actor, "provider.create", row, nil))
	})
	if err != nil {
		return ProviderView{}, err
	}
	return s.providerView(row), nil
}

// readMetadata checks a row as a whole, and fetches the metadata where it has none. issuer,
// where it is known, is the one that metadata must have.
func (s *Service) readMetadata(ctx context.Context, row *models.Provider, pairs []saml.KeyPair, issuer string) error {
	p, err := s.newSAML(*row, pairs, issuer)
	if err != nil {
		return err
	}
	if len(row.Metadata) > 0 {
		return nil
	}
	if err := p.Refresh(ctx); err != nil {
		return err
	}
	now := s.now()
	row.Metadata, row.FetchedAt, row.LastError = p.IDPMetadata(), &now, ""
	return nil
}

// ProviderChange is what is to be changed of a provider; nil leaves a part as it is.
type ProviderChange struct {
	Config   *models.ProviderConfig
	Metadata []byte // nil: as it is, or fetched where the address changes
	Enabled  *bool
	Untested bool // switch on though no test sign-in went well with these settings
}

// UpdateProvider changes a provider, where its revision still is the expected one (0:
// whichever it is). The identity provider behind it stays the same one: another could claim
// the accounts of those whom this one knows.
func (s *Service) UpdateProvider(ctx context.Context, actor models.Actor, named string, c ProviderChange, expected int64) (ProviderView, error) {
	const operation = "provider.update"
	if err := s.mayProvide(ctx, actor, operation); err != nil {
		return ProviderView{}, err
	}
	before, err := s.Provider(ctx, actor, named)
	if err != nil {
		return ProviderView{}, err
	}
	if expected != 0 && expected != before.Revision {
		return ProviderView{}, staleThing("identity provider")
	}
	next := before.Provider
	if err := s.applyChange(ctx, &next, c, before); err != nil {
		return ProviderView{}, err
	}
	err = s.provide(ctx, actor, operation, func(tx *store.Tx, actor models.Actor) error {
		standing, err := tx.LockProvider(next.ID)
		if err != nil {
			return err
		}
		if bytes.Equal(next.Metadata, before.Metadata) { // a fetch in between stays
			next.Metadata, next.FetchedAt, next.LastError = standing.Metadata, standing.FetchedAt, standing.LastError
		}
		if err := tx.UpdateProvider(&next, before.Revision); err != nil {
			return err
		}
		if standing.Enabled != next.Enabled {
			if err := s.switched(tx, next); err != nil {
				return err
			}
		}
		return tx.AppendAudit(onProvider(actor, operation, next, providerChanges(before.Provider, next, c.Untested)))
	})
	if err != nil {
		return ProviderView{}, err
	}
	return s.providerView(next), nil
}

// applyChange makes the row as it is to be, and checks it as a whole.
func (s *Service) applyChange(ctx context.Context, next *models.Provider, c ProviderChange, before ProviderView) error {
	set(&next.Config, c.Config)
	set(&next.Enabled, c.Enabled)
	if c.Metadata != nil {
		next.Metadata, next.FetchedAt, next.LastError = c.Metadata, nil, ""
	} else if next.Config.MetadataURL != before.Config.MetadataURL && next.Config.MetadataURL != "" {
		next.Metadata = nil
	}
	if err := next.Validate(); err != nil {
		return err
	}
	pairs, err := s.openKeys(*next)
	if err != nil {
		return err
	}
	if err := s.readMetadata(ctx, next, pairs, before.Status.EntityID); err != nil {
		return err
	}
	if !bytes.Equal(next.Metadata, before.Metadata) || trustOf(next.Config) != trustOf(before.Config) {
		next.TestedAt = nil
	}
	if next.Enabled && !before.Enabled && next.TestedAt == nil && !c.Untested {
		return fault.New(fault.Conflict, "No test sign-in went well with these settings yet; the provider stays off.").
			WithHint("Run a test sign-in from the provider's page first, or switch it on untested.")
	}
	return nil
}

// trustOf is what of the settings a test is worth nothing without.
func trustOf(c models.ProviderConfig) models.ProviderConfig {
	c.DisplayName, c.CreateUsers = "", false
	return c
}

// switched does what it brings with it that a provider goes on or off: what it says counts
// again, or no more, and nobody stays in on its word.
func (s *Service) switched(tx *store.Tx, p models.Provider) error {
	if err := tx.BumpRightsOfProvider(p.ID); err != nil {
		return err
	}
	if p.Enabled {
		return nil
	}
	if _, err := tx.DeleteSessionsOfProvider(p.ID, ""); err != nil {
		return err
	}
	return s.wayIn(tx)
}

// wayIn refuses to leave people no provider to sign in with, where they have no other way in.
func (s *Service) wayIn(tx *store.Tx) error {
	if !s.deps.LocalSignInOff {
		return nil
	}
	left, err := tx.CountEnabledProviders()
	if err == nil && left == 0 {
		err = fault.New(fault.Conflict, "Local sign-in is switched off, and this is the last identity provider that is on; nothing was changed.").
			WithHint("Start Keeper with KEEPER_LOCAL_SIGN_IN=on first.")
	}
	return err
}

// DeleteProvider removes a provider with its groups and with what it knows of people, where its
// revision still is the expected one (0: whichever it is). Accounts stay, without a way in
// through it.
func (s *Service) DeleteProvider(ctx context.Context, actor models.Actor, named string, expected int64) error {
	return s.provide(ctx, actor, "provider.delete", func(tx *store.Tx, actor models.Actor) error {
		p, err := findProvider(tx, named)
		if err != nil {
			return err
		}
		if expected != 0 && p.Revision != expected {
			return staleThing("identity provider")
		}
		if err := tx.BumpRightsOfProvider(p.ID); err != nil {
			return err
		}
		if err := tx.DeleteProvider(p.ID); err != nil {
			return err
		}
		if err := s.wayIn(tx); err != nil {
			return err
		}
		if err := s.deps.Alert(tx, certificateSignals(p, nil, s.now(), true)...); err != nil {
			return err
		}
		return tx.AppendAudit(onProvider(actor, "provider.delete", p, nil))
	})
}

// NewProviderKey gives a provider another key pair of Keeper's own. It is published and
// decrypts from now on; requests are signed with the one of before until UseProviderKey, so
// that the identity provider can be told its certificate first.
func (s *Service) NewProviderKey(ctx context.Context, actor models.Actor, named string) (ProviderView, error) {
	if err := s.mayProvide(ctx, actor, "provider.key_new"); err != nil {
		return ProviderView{}, err
	}
	fresh, err := saml.GenerateKeyPair("Keeper for "+cut(named, 63), s.now(), keyLasts)
	if err != nil {
		return ProviderView{}, err
	}
	return s.changeKeys(ctx, actor, named, "provider.key_new", fingerprint(fresh), func(pairs []saml.KeyPair, _ int) ([]saml.KeyPair, error) {
		if len(pairs) >= 4 {
			return nil, fault.New(fault.Conflict, "The provider has %d key pairs already; nothing was made.", len(pairs)).WithHint("Remove one that is not used any more.")
		}
		return append(pairs, fresh), nil
	})
}

// UseProviderKey signs requests with the key pair of a fingerprint from now on. The one of
// before still opens what is encrypted for it.
func (s *Service) UseProviderKey(ctx context.Context, actor models.Actor, named, of string) (ProviderView, error) {
	return s.changeKeys(ctx, actor, named, "provider.key_use", of, func(pairs []saml.KeyPair, at int) ([]saml.KeyPair, error) {
		if at < 0 {
			return nil, noKeyPair()
		}
		chosen := pairs[at]
		return append([]saml.KeyPair{chosen}, slices.Delete(pairs, at, at+1)...), nil
	})
}

// RemoveProviderKey forgets a key pair that does not sign.
func (s *Service) RemoveProviderKey(ctx context.Context, actor models.Actor, named, of string) (ProviderView, error) {
	return s.changeKeys(ctx, actor, named, "provider.key_remove", of, func(pairs []saml.KeyPair, at int) ([]saml.KeyPair, error) {
		switch {
		case at < 0:
			return nil, noKeyPair()
		case at == 0:
			return nil, fault.New(fault.Conflict, "Requests are signed with this key pair; it stays.").WithHint("Sign with another one first.")
		}
		return slices.Delete(pairs, at, at+1), nil
	})
}

func noKeyPair() error {
	return fault.New(fault.NotFound, "The provider has no key pair with this fingerprint.")
}

// changeKeys changes a provider's key pairs; at is where the one of a fingerprint stands, -1
// for none.
func (s *Service) changeKeys(
	ctx context.Context, actor models.Actor, named, operation, of string, change func(pairs []saml.KeyPair, at int) ([]saml.KeyPair, error),
) (ProviderView, error) {
	var row models.Provider
	err := s.provide(ctx, actor, operation, func(tx *store.Tx, actor models.Actor) error {
		p, err := findProvider(tx, named)
		if err != nil {
			return err
		}
		if row, err = tx.LockProvider(p.ID); err != nil {
			return err
		}
		pairs, err := s.openKeys(row)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(pairs, func(pair saml.KeyPair) bool { return fingerprint(pair) == of })
		if pairs, err = change(pairs, at); err != nil {
			return err
		}
		if err := s.sealKeys(&row, pairs); err != nil {
			return err
		}
		if err := tx.UpdateProvider(&row, 0); err != nil {
			return err
		}
		return tx.AppendAudit(onProvider(actor, operation, row, map[string]string{"fingerprint": of}))
	})
	if err != nil {
		return ProviderView{}, err
	}
	return s.providerView(row), nil
}

// RefreshProvider fetches a provider's metadata now.
func (s *Service) RefreshProvider(ctx context.Context, actor models.Actor, named string) (ProviderView, error) {
	if err := s.mayProvide(ctx, actor, "provider.refresh"); err != nil {
		return ProviderView{}, err
	}
	before, err := s.Provider(ctx, actor, named)
	if err != nil {
		return ProviderView{}, err
	}
	if before.Config.MetadataURL == "" {
		return ProviderView{}, fault.New(fault.Conflict, "The provider's metadata was given as a file; there is no address to fetch it from.").WithHint("Give the new file.")
	}
	fetched := s.fetch(ctx, before.Provider)
	err = s.provide(ctx, actor, "provider.refresh", func(tx *store.Tx, actor models.Actor) error {
		return tx.AppendAudit(audit.Ended(onProvider(actor, "provider.refresh", before.Provider, nil), fetched))
	})
	if err != nil || fetched != nil {
		return ProviderView{}, firstOf(err, fetched)
	}
	return s.Provider(ctx, actor, named)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func onProvider(actor models.Actor, action string, p models.Provider, detail map[string]string) models.AuditEntry {
	entry := audit.Entry(actor, action)
	entry.ObjectKind, entry.ObjectID, entry.ObjectName, entry.Detail = "provider", string(p.ID), p.Name, detail
	return entry
}

// providerChanges tells of a change what the audit log keeps: every setting that decides whom
// Keeper believes, with what it was.
func providerChanges(before, after models.Provider, untested bool) map[string]string {
	detail := map[string]string{}
	was, is := SettingsOf(before), SettingsOf(after)
	for name := range is {
		if was[name] != is[name] {
			detail[name] = was[name] + " → " + is[name]
		}
	}
	if !bytes.Equal(before.Metadata, after.Metadata) {
		detail["metadata"] = "replaced"
	}
	if untested && after.Enabled && !before.Enabled && after.TestedAt == nil {
		detail["untested"] = "true"
	}
	return detail
}

// SettingsOf are a provider's settings as text, by the names that the API has for them.
func SettingsOf(p models.Provider) map[string]string {
	c := p.Config
	return map[string]string{
		"enabled": strconv.FormatBool(p.Enabled), "display_name": c.DisplayName, "metadata_url": c.MetadataURL, "entity_id": c.EntityID,
		"name_id_format": c.NameIDFormat, "username_attribute": c.UsernameAttribute, "email_attribute": c.EmailAttribute,
		"name_attribute": c.NameAttribute, "groups_attribute": c.GroupsAttribute,
		"allow_idp_initiated": strconv.FormatBool(c.AllowIDPInitiated), "allow_response_only": strconv.FormatBool(c.AllowResponseOnly),
		"encrypt_assertions": strconv.FormatBool(c.EncryptAssertions), "create_users": strconv.FormatBool(c.CreateUsers),
		"max_clock_skew_seconds": optional(c.MaxClockSkew), "max_age_seconds": optional(c.MaxAge),
	}
}

func optional(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

package store

import (
	"slices"
	"time"

	"github.com/your-org/keeper/models"
)

// CreateProvider adds an identity provider at revision 1. Conflict where the name is taken.
func (tx *Tx) CreateProvider(p *models.Provider) error {
	first(&p.CreatedAt, tx.Now())
	p.UpdatedAt, p.Revision = p.CreatedAt, 1
	return tx.insert(p, "identity provider")
}

// UpdateProvider writes all but name, creation and what a fetch of metadata found. Stale where
// the revision is not the expected one (0: whichever it is); p bears the new one afterwards.
func (tx *Tx) UpdateProvider(p *models.Provider, expected int64) error {
	where := tx.locked().Model(&models.Provider{}).Where("id = ?", p.ID)
	return tx.revised(where, "identity provider", expected, func(next int64) error {
		p.Revision, p.UpdatedAt = next, tx.Now()
		return tx.replace(p, "identity provider", "name", "created_at")
	})
}

// Provider loads one by its ID.
func (tx *Tx) Provider(id models.ProviderID) (models.Provider, error) {
	return take[models.Provider](tx.db().Where("id = ?", id), "identity provider")
}

// LockProvider is Provider, and nobody else changes the row until the transaction ends.
func (tx *Tx) LockProvider(id models.ProviderID) (models.Provider, error) {
	return take[models.Provider](tx.locked().Where("id = ?", id), "identity provider")
}

// ProviderByName loads one by its name.
func (tx *Tx) ProviderByName(name string) (models.Provider, error) {
	return take[models.Provider](tx.db().Where("name = ?", name), "identity provider")
}

// Providers lists all by name.
func (tx *Tx) Providers() ([]models.Provider, error) {
	return all[models.Provider](tx.db().Order("name"), "identity provider")
}

// ProviderMark changes with everything that a provider works with.
type ProviderMark struct {
	ID        models.ProviderID
	Revision  int64
	FetchedAt *time.Time
}

// ProviderMarks lists them all: a look at whether something changed, without the metadata.
func (tx *Tx) ProviderMarks() ([]ProviderMark, error) {
	var marks []ProviderMark
	err := tx.db().Model(&models.Provider{}).Select("id, revision, fetched_at").Order("id").Scan(&marks).Error
	return marks, translate(err, "identity provider")
}

// KeepMetadata writes down a fetch: metadata that is good, or (nil) what was wrong. It is no
// change by a person, so the revision stays. Who fetched from an address that is not the
// provider's any more changes nothing.
func (tx *Tx) KeepMetadata(id models.ProviderID, revision int64, metadata []byte, at time.Time, problem string) error {
	set := map[string]any{"last_error": problem}
	if metadata != nil {
		set["metadata"], set["fetched_at"] = metadata, micro(at)
	}
	one := tx.db().Model(&models.Provider{}).Where("id = ? AND revision = ?", id, revision)
	return translate(one.UpdateColumns(set).Error, "identity provider")
}

// ProviderTested notes that a test sign-in went well with the settings of a revision.
func (tx *Tx) ProviderTested(id models.ProviderID, revision int64, at time.Time) error {
	one := tx.db().Model(&models.Provider{}).Where("id = ? AND revision = ?", id, revision)
	return translate(one.UpdateColumn("tested_at", micro(at)).Error, "identity provider")
}

// DeleteProvider removes one with the identities and groups that are its, and ends the
// sessions that it opened.
func (tx *Tx) DeleteProvider(id models.ProviderID) error {
	groups, err := tx.GroupsOfProvider(id)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := tx.DeleteGroup(g.ID); err != nil {
			return err
		}
	}
	for _, child := range []any{&models.Identity{}, &models.SAMLRequest{}, &models.Session{}} {
		if err := tx.db().Where("provider_id = ?", id).Delete(child).Error; err != nil {
			return translate(err, "identity provider")
		}
	}
	done := tx.db().Where("id = ?", id).Delete(&models.Provider{})
	return affected(done.RowsAffected, translate(done.Error, "identity provider"), "identity provider")
}

// CountEnabledProviders counts the identity providers that are switched on.
func (tx *Tx) CountEnabledProviders() (int, error) {
	var n int64
	err := tx.db().Model(&models.Provider{}).Where("enabled = ?", true).Count(&n).Error
	return int(n), translate(err, "provider")
}

// GroupsOfProvider lists a provider's groups by name.
func (tx *Tx) GroupsOfProvider(id models.ProviderID) ([]models.Group, error) {
	return all[models.Group](tx.db().Where("provider_id = ?", id).Order("name"), "group")
}

// NameGroups makes the groups of a provider that a user is in exactly these, until a time, and
// says whether what counts is another than before.
func (tx *Tx) NameGroups(user models.UserID, provider models.ProviderID, groups []models.GroupID, until time.Time) (changed bool, err error) {
	its := tx.db().Model(&models.Group{}).Select("id").Where("provider_id = ?", provider)
	before, err := all[models.GroupMember](tx.locked().Where("user_id = ? AND group_id IN (?)", user, its), "group")
	if err != nil {
		return false, err
	}
	counted, now := map[models.GroupID]bool{}, tx.Now()
	for _, m := range before {
		counted[m.GroupID] = m.EndsAt == nil || m.EndsAt.After(now)
		gone := tx.db().Where("user_id = ? AND group_id = ?", user, m.GroupID).Delete(&models.GroupMember{})
		if gone.Error != nil {
			return false, translate(gone.Error, "group")
		}
	}
	for _, g := range groups {
		ends := until
		if err := tx.insert(&models.GroupMember{GroupID: g, UserID: user, CreatedAt: now, EndsAt: &ends}, "member of the group"); err != nil {
			return false, err
		}
		changed = changed || !counted[g]
		delete(counted, g)
	}
	for _, did := range counted {
		changed = changed || did
	}
	return changed, nil
}

// BumpRightsOfProvider counts a change of what all may do whom a provider knows.
func (tx *Tx) BumpRightsOfProvider(id models.ProviderID) error {
	known := tx.db().Model(&models.Identity{}).Select("user_id").Where("provider_id = ?", id)
	return tx.bump(tx.db().Where("id IN (?)", known))
}

// CreateIdentity adds an identity. Conflict where the provider's subject belongs to somebody.
func (tx *Tx) CreateIdentity(i *models.Identity) error {
	first(&i.CreatedAt, tx.Now())
	return tx.insert(i, "identity")
}

// UpdateIdentity writes all but the creation.
func (tx *Tx) UpdateIdentity(i *models.Identity) error {
	return tx.replace(i, "identity", "created_at")
}

// Identity loads one by its subject.
func (tx *Tx) Identity(provider models.ProviderID, subject string) (models.Identity, error) {
	return take[models.Identity](tx.db().Where("provider_id = ? AND subject = ?", provider, subject), "identity")
}

// IdentitiesOf lists a user's, by provider.
func (tx *Tx) IdentitiesOf(user models.UserID) ([]models.Identity, error) {
	return all[models.Identity](tx.db().Where("user_id = ?", user).Order("provider_id, subject"), "identity")
}

// KnownUser is a user as a provider knows it.
type KnownUser struct {
	models.Identity
	Username    string
	DisplayName string
}

// IdentityPage is a page by user name of those whom a provider knows, whose user name, display
// name or NameID has a part, and the cursors of the pages around it.
func (tx *Tx) IdentityPage(provider models.ProviderID, part, at string, limit int) ([]KnownUser, Around, error) {
	join, plus := "JOIN", ""
	if tx.s.options.Dialect == SQLite { // which would read and sort all whom the provider knows: it goes through users, and looks whether each is known
		join, plus = "CROSS JOIN", "+"
	}
	known := tx.db().Table("users u").Joins(join+" identities i ON i.user_id = u.id").
		Select("i.*, u.username, u.display_name").Where(plus+"i.provider_id = ?", provider)
	order := named("known users", "u.username", "i.subject", func(k *KnownUser) (string, string) { return k.Username, k.Subject })
	return pageOf(tx.contains(known, part, "u.username", "u.display_name", "i.name_id"), order, at, limit, "identity")
}

// DeleteIdentity removes one.
func (tx *Tx) DeleteIdentity(provider models.ProviderID, subject string) error {
	done := tx.db().Where("provider_id = ? AND subject = ?", provider, subject).Delete(&models.Identity{})
	return affected(done.RowsAffected, translate(done.Error, "identity"), "identity")
}

// PutSAMLRequest keeps a request.
func (tx *Tx) PutSAMLRequest(r *models.SAMLRequest) error {
	first(&r.CreatedAt, tx.Now())
	return tx.insert(r, "request")
}

// SAMLRequest looks at one and leaves it.
func (tx *Tx) SAMLRequest(relayState string) (models.SAMLRequest, error) {
	return take[models.SAMLRequest](tx.db().Where("relay_state = ?", relayState), "request")
}

// TakeSAMLRequest removes one and returns it; NotFound where there is none. Of two who take it
// at once one gets it.
func (tx *Tx) TakeSAMLRequest(relayState string) (models.SAMLRequest, error) {
	r, err := take[models.SAMLRequest](tx.locked().Where("relay_state = ?", relayState), "request")
	if err != nil {
		return r, err
	}
	done := tx.db().Where("relay_state = ?", relayState).Delete(&models.SAMLRequest{})
	return r, affected(done.RowsAffected, translate(done.Error, "request"), "request")
}

// UseAssertion remembers the hash of a message until a time. Conflict where it was used: the
// unique key alone decides, since how many rows an insert that is passed over changes differs
// from database to database.
func (tx *Tx) UseAssertion(hash string, until time.Time) error {
	return tx.insert(&models.SAMLAssertion{Hash: hash, ExpiresAt: until}, "message")
}

// DeleteSAMLBefore removes requests and used messages that expired before a time.
func (tx *Tx) DeleteSAMLBefore(at time.Time) error {
	for _, row := range []any{&models.SAMLRequest{}, &models.SAMLAssertion{}} {
		if err := tx.db().Where("expires_at < ?", micro(at)).Delete(row).Error; err != nil {
			return translate(err, "request")
		}
	}
	return nil
}

// DeleteSessionsOfProvider ends those that a provider opened, and says how many. user "" is
// everybody's.
func (tx *Tx) DeleteSessionsOfProvider(provider models.ProviderID, user models.UserID) (int, error) {
	query := tx.db().Where("provider_id = ?", provider)
	if user != "" {
		query = query.Where("user_id = ?", user)
	}
	done := query.Delete(&models.Session{})
	return int(done.RowsAffected), translate(done.Error, "session")
}

// DeleteSessionsNamed ends the sessions that a provider opened for a NameID, those alone with
// one of the indexes where there are any, and says whose they were.
func (tx *Tx) DeleteSessionsNamed(provider models.ProviderID, nameID string, indexes []string) ([]models.Session, error) {
	query := tx.locked().Where("provider_id = ? AND name_id = ?", provider, nameID)
	if len(indexes) > 0 {
		query = query.Where("session_index IN ?", indexes)
	}
	rows, err := all[models.Session](query, "session")
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row models.Session) bool { // MySQL takes texts that differ in spaces at the end as one
		return row.NameID != nameID || len(indexes) > 0 && !slices.Contains(indexes, row.SessionIndex)
	})
	for _, row := range rows {
		if err := tx.DeleteSession(row.Hash); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

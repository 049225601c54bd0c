package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Why somebody whom a provider vouches for is not let in; besides the reasons of package saml,
// which are about messages. They are stable: docs/okta.md lists them.
const (
	ReasonNoMappedGroup       = "no_mapped_group"
	ReasonNoAccount           = "no_account"
	ReasonUsernameTaken       = "username_taken"
	ReasonUsernameUnusable    = "username_unusable"
	ReasonDisabled            = "user_disabled"
	ReasonService             = "service_account"
	ReasonProviderOff         = "provider_off"
	ReasonStaleAuthentication = "stale_authentication"
	ReasonOtherPerson         = "other_person"
)

// personMends say what to do about each.
var personMends = map[string]string{
	ReasonNoMappedGroup:       "Put the person into a group at the identity provider that stands in Keeper, or map one of the groups that it sends.",
	ReasonNoAccount:           "The provider makes no accounts here: let it (accounts at the first sign-in), or link an account to this name at the provider's page.",
	ReasonUsernameTaken:       "There is an account of this user name that the provider does not know. If it is the same person's, link the account at the provider's page.",
	ReasonUsernameUnusable:    "The user name does not fit the rules for account names. Send another attribute as the user name.",
	ReasonDisabled:            "The account is disabled. Enable it, if the person is to come in.",
	ReasonService:             "The account is a service account, which does not sign in. Unlink it.",
	ReasonProviderOff:         "The provider was switched off, or changed while the person signed in. Begin anew.",
	ReasonStaleAuthentication: "The identity provider answered without asking the person. In Okta, set Honor Force Authentication to Yes.",
	ReasonOtherPerson:         "The identity provider vouched for another person than the one who is signed in. Sign out of both and begin anew.",
}

// reservedNames are those under which the audit log speaks of nobody in particular.
var reservedNames = []string{"system", "nobody", "anonymous", "keeper"}

// refusedPerson is why somebody is not let in.
type refusedPerson struct{ Reason, Detail string }

// Error is the same for every refusal.
func (*refusedPerson) Error() string { return "the person was not let in" }

// Person is what a provider says of somebody.
type Person struct {
	NameID      string
	Username    string // "": the NameID
	Email       string
	DisplayName string
	Groups      []string
}

func personOf(id saml.Identity) Person {
	return Person{NameID: id.NameID, Username: id.Username, Email: id.Email, DisplayName: id.DisplayName, Groups: id.Groups}
}

// subjectOf is the form in which a NameID is looked up: exactly as it is, capital letters and
// all. Whoever folds it lets two people be one.
func subjectOf(nameID string) string {
	sum := sha256.Sum256([]byte(nameID))
	return hex.EncodeToString(sum[:])
}

// verdict is what comes of a person whom a provider vouches for.
type verdict struct {
	refused  *refusedPerson   // nil: let in
	identity *models.Identity // nil: the provider does not know the person yet
	user     models.User      // whom it is, or becomes
	mapped   []models.Group   // of the provider's, that the person is named in
	unmapped []string         // that it sent and Keeper does not know
}

// Mapped are the names of the groups that count.
func (v verdict) Mapped() []string {
	names := make([]string, len(v.mapped))
	for i, g := range v.mapped {
		names[i] = g.Name
	}
	return names
}

// weigh decides on a person, and changes nothing. An account belongs to a person alone where
// the provider made it or an administrator linked it: never because a name or an address is
// the same, since whoever can choose those at a provider could choose an administrator's.
func (s *Service) weigh(tx *store.Tx, p models.Provider, person Person) (v verdict, err error) {
	groups, err := tx.GroupsOfProvider(p.ID)
	if err != nil {
		return v, err
	}
	for _, name := range person.Groups {
		at := slices.IndexFunc(groups, func(g models.Group) bool { return g.Name == name })
		switch {
		case at < 0:
			v.unmapped = append(v.unmapped, name)
		case !slices.ContainsFunc(v.mapped, func(g models.Group) bool { return g.Name == name }):
			v.mapped = append(v.mapped, groups[at])
		}
	}
	known, err := tx.Identity(p.ID, subjectOf(person.NameID))
	switch {
	case err == nil:
		v.identity = &known
		if v.user, err = tx.User(known.UserID); err != nil {
			return v, err
		}
		v.refused = v.mayKnown()
		v.describe(person)
		return v, nil
	case !fault.Is(err, fault.NotFound):
		return v, err
	}
	err = s.weighNew(tx, p, person, &v)
	return v, err
}

func (v *verdict) mayKnown() *refusedPerson {
	switch {
	case v.user.Kind == models.UserService:
		return &refusedPerson{Reason: ReasonService}
	case len(v.mapped) == 0: // before disabled: what the provider takes away, a disabled account loses too
		return &refusedPerson{Reason: ReasonNoMappedGroup}
	case v.user.Disabled:
		return &refusedPerson{Reason: ReasonDisabled}
	}
	return nil
}

// weighNew decides on a person whom the provider vouches for the first time.
func (s *Service) weighNew(tx *store.Tx, p models.Provider, person Person, v *verdict) error {
	name := accountName(person.Username)
	if person.Username == "" {
		name = accountName(person.NameID)
	}
	v.user = models.User{ID: models.NewUserID(), Kind: models.UserPerson, Username: name, Role: models.RoleUser}
	v.describe(person)
	switch {
	case len(v.mapped) == 0:
		v.refused = &refusedPerson{Reason: ReasonNoMappedGroup}
		return nil
	case !p.Config.CreateUsers:
		v.refused = &refusedPerson{Reason: ReasonNoAccount}
		return nil
	case v.user.Validate() != nil || slices.Contains(reservedNames, name):
		v.refused = &refusedPerson{Reason: ReasonUsernameUnusable}
		return nil
	}
	_, err := tx.UserByName(name)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		v.refused = &refusedPerson{Reason: ReasonUsernameTaken}
	}
	return err
}

// describe takes over what a provider says of a person for people to recognise it by, where it
// can be kept. Of an account that also has a password its owner decides.
func (v *verdict) describe(person Person) {
	if v.user.PasswordHash != "" {
		return
	}
	next := v.user
	if next.DisplayName = person.DisplayName; next.Validate() == nil || onlyName(next.Validate()) {
		v.user = next
	}
	next = v.user
	if next.Email = person.Email; next.Validate() == nil || onlyName(next.Validate()) {
		v.user = next
	}
}

package auth

import (
	"context"

	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Outlook is what a person would get who signed in now.
type Outlook struct {
	Person  Person
	Allowed bool
	Reason  string // why not
	Mend    string // what to do about it

	Username string
	UserID   models.UserID // "": there is no account yet
	Creates  bool          // the account would be made
	Mapped   []models.Group
	Unmapped []string // groups that Keeper does not know, which give nothing

	Role  models.GlobalRole
	Roles map[models.EnvironmentID]models.EnvironmentRole
}

// Diagnosed is what the doctor says of a response: about the message, and about the person
// where it could be believed.
type Diagnosed struct {
	saml.Diagnosis
	Outlook *Outlook
	Live    bool // of a test sign-in, which was taken as a real one would be
}

// TryPerson says what somebody would get whom a provider vouched for now; it changes nothing.
func (s *Service) TryPerson(ctx context.Context, actor models.Actor, named string, person Person) (Outlook, error) {
	if err := Check(actor, ViewUsers, Global); err != nil {
		return Outlook{}, s.refuse(ctx, actor, "provider.try", err)
	}
	if person.Username == "" {
		person.Username = person.NameID
	}
	var look Outlook
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		p, err := findProvider(tx, named)
		if err != nil {
			return err
		}
		look, err = s.outlook(tx, p, person)
		return err
	})
	return look, err
}

func (s *Service) outlook(tx *store.Tx, p models.Provider, person Person) (Outlook, error) {
	v, err := s.weigh(tx, p, person)
	if err != nil {
		return Outlook{}, err
	}
	look := Outlook{
		Person: person, Allowed: v.refused == nil, Username: v.user.Username, Mapped: v.mapped, Unmapped: v.unmapped, Role: models.RoleUser,
	}
	if v.refused != nil {
		look.Reason, look.Mend = v.refused.Reason, personMends[v.refused.Reason]
		return look, nil
	}
	grants, err := s.grantsAfter(tx, p, v)
	if err != nil {
		return look, err
	}
	if look.Creates = v.identity == nil; !look.Creates {
		look.UserID = v.user.ID
	}
	actor := withRights(v.user, grants)
	look.Role, look.Roles = actor.Role, actor.Roles
	return look, nil
}

// grantsAfter is what gives a person rights once the groups count that a provider named.
func (s *Service) grantsAfter(tx *store.Tx, p models.Provider, v verdict) ([]Grant, error) {
	var grants []Grant
	if v.identity != nil {
		standing, err := tx.GrantsOf(v.user.ID)
		if err != nil {
			return nil, err
		}
		its, err := tx.GroupsOfProvider(p.ID)
		if err != nil {
			return nil, err
		}
		named := map[models.GroupID]bool{}
		for _, g := range its {
			named[g.ID] = true
		}
		for _, g := range standing {
			if !named[g.GroupID] {
				grants = append(grants, g)
			}
		}
	}
	for _, g := range v.mapped {
		grants = append(grants, Grant{GroupID: g.ID, GroupName: g.Name, GlobalRole: g.Role})
		roles, err := tx.GroupRoles(g.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			grants = append(grants, Grant{GroupID: g.ID, GroupName: g.Name, GlobalRole: g.Role, EnvironmentID: r.EnvironmentID, Role: r.Role})
		}
	}
	return grants, nil
}

// Diagnose says what is in a response that somebody pasted, what is wrong with it and how to
// mend that, and what the person would get. It stores nothing of it.
func (s *Service) Diagnose(ctx context.Context, actor models.Actor, named string, pasted []byte) (Diagnosed, error) {
	if err := Check(actor, ViewUsers, Global); err != nil {
		return Diagnosed{}, s.refuse(ctx, actor, "provider.diagnose", err)
	}
	view, err := s.Provider(ctx, actor, named)
	if err != nil {
		return Diagnosed{}, err
	}
	p, err := s.liveNamed(ctx, view.Name)
	if err != nil {
		return Diagnosed{}, err
	}
	if p.problem != nil {
		return Diagnosed{}, p.problem
	}
	return s.diagnose(ctx, p, pasted)
}

func (s *Service) diagnose(ctx context.Context, p *liveProvider, pasted []byte) (found Diagnosed, err error) {
	if found.Diagnosis, err = p.saml.Diagnose(ctx, pasted, s.now()); err != nil || !found.Accepted {
		return found, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		look, err := s.outlook(tx, p.row, personOf(found.Identity))
		found.Outlook = &look
		return err
	})
	return found, err
}

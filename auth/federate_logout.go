package auth

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// BeginLogout says where a browser goes that ends the provider's session too, after the
// session here has ended; nil where the session was not a provider's, or the two take no part
// in single logout.
func (s *Service) BeginLogout(ctx context.Context, session models.Session) (*Redirect, error) {
	name, err := s.ProviderOf(ctx, session)
	if err != nil || name == "" {
		return nil, err
	}
	p, err := s.liveNamed(ctx, name)
	if err != nil || p.problem != nil || !p.row.Enabled || !p.saml.Status().Logout {
		return nil, err
	}
	there, err := p.saml.Logout(ctx, saml.Session{NameID: session.NameID, NameIDFormat: session.NameIDFormat, SessionIndex: session.SessionIndex}, "/sign-in")
	if err != nil {
		return nil, err
	}
	return &there, nil
}

// LoggedOut is how a logout message was taken: an answer that goes back to the provider, or
// where the browser goes on here.
type LoggedOut struct {
	Answer   *Redirect
	ReturnTo string
}

// TakeLogout takes a logout message that a browser brought: a provider's wish to end sessions,
// or its answer to ours.
func (s *Service) TakeLogout(ctx context.Context, name string, r *http.Request, o Origin) (LoggedOut, error) {
	p, err := s.liveNamed(ctx, name)
	if err != nil {
		return LoggedOut{}, err
	}
	if p.problem != nil {
		return LoggedOut{}, p.problem
	}
	try := count{samlLimit, network(o.Address)}
	if over, err := s.countTry(ctx, try); err != nil || over > 0 {
		return LoggedOut{}, firstOf(err, tooMany())
	}
	out, err := s.takeLogout(ctx, p, r, o)
	if err != nil {
		return LoggedOut{}, s.refuseLogout(ctx, p.row, o, err)
	}
	return out, s.uncount(context.WithoutCancel(ctx), try)
}

func (s *Service) takeLogout(ctx context.Context, p *liveProvider, r *http.Request, o Origin) (LoggedOut, error) {
	in, err := saml.FromRequest(r)
	if err != nil {
		return LoggedOut{}, err
	}
	if !in.IsLogoutRequest() {
		to, err := p.saml.HandleLogoutResponse(ctx, in)
		return LoggedOut{ReturnTo: to}, err
	}
	wish, err := p.saml.HandleLogoutRequest(ctx, in)
	if err != nil {
		return LoggedOut{}, err
	}
	if err := s.endNamed(ctx, p.row, wish, o); err != nil {
		return LoggedOut{}, err
	}
	answer, err := p.saml.AnswerLogout(wish, true)
	return LoggedOut{Answer: &answer}, err
}

// endNamed ends the sessions that a provider names.
func (s *Service) endNamed(ctx context.Context, p models.Provider, wish saml.LogoutRequest, o Origin) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		gone, err := tx.DeleteSessionsNamed(p.ID, wish.NameID, wish.SessionIndexes)
		if err != nil {
			return err
		}
		told := map[models.UserID]bool{}
		for _, session := range gone {
			if told[session.UserID] {
				continue
			}
			told[session.UserID] = true
			u, err := tx.User(session.UserID)
			if err != nil {
				return err
			}
			entry := onUser(providerActor(p, o), "session.end", u)
			entry.Detail = map[string]string{"provider": p.Name}
			if err := tx.AppendAudit(entry); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) refuseLogout(ctx context.Context, p models.Provider, o Origin, why error) error {
	reason, detail := saml.ReasonOf(why)
	if reason == "" {
		return why
	}
	entry := audit.Entry(Nobody(o), "session.end")
	entry.ObjectKind, entry.ObjectID, entry.ObjectName, entry.Outcome = "provider", string(p.ID), p.Name, models.OutcomeRefused
	entry.Detail = map[string]string{"provider": p.Name, "reason": string(reason), "detail": cut(detail, 1000)}
	if err := s.record(ctx, entry); err != nil {
		return err
	}
	return fault.New(fault.Unauthenticated, "The sign-out at the identity provider did not come to its end.").
		WithHint("Close the browser to be sure that you are signed out there.")
}

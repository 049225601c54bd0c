package rest

import (
	"context"
	"net/http"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// ListProviders lists identity providers.
func (s *server) ListProviders(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		all, err := s.Auth.Providers(ctx, actor)
		return answer{body: api.ProviderList{Items: convert(all, provider)}}, err
	})
}

// CreateProvider makes an identity provider.
func (s *server) CreateProvider(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.NewProvider
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		n := auth.NewProvider{Name: body.Name, Config: configOf(body.Settings), Metadata: optionalBytes(body.Metadata)}
		p, err := s.Auth.CreateProvider(ctx, actor, n)
		a := providerAnswer(p)
		a.status, a.location = http.StatusCreated, "/api/providers/"+p.Name
		return a, err
	})
}

func optionalBytes(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// GetProvider reads an identity provider.
func (s *server) GetProvider(w http.ResponseWriter, r *http.Request, named api.ProviderRef) {
	s.onProvider(w, r, func(ctx context.Context, actor models.Actor) (auth.ProviderView, error) {
		return s.Auth.Provider(ctx, actor, named)
	})
}

// onProvider runs what ends in a provider as it stands then.
func (s *server) onProvider(w http.ResponseWriter, r *http.Request, do func(context.Context, models.Actor) (auth.ProviderView, error)) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		p, err := do(ctx, actor)
		return providerAnswer(p), err
	})
}

// UpdateProvider changes an identity provider.
func (s *server) UpdateProvider(w http.ResponseWriter, r *http.Request, named api.ProviderRef, params api.UpdateProviderParams) {
	s.onProvider(w, r, func(ctx context.Context, actor models.Actor) (auth.ProviderView, error) {
		var body api.ProviderChange
		if err := decode(w, r, &body); err != nil {
			return auth.ProviderView{}, err
		}
		expect, err := s.providerRevision(ctx, actor, named, params.IfMatch)
		if err != nil {
			return auth.ProviderView{}, err
		}
		c := auth.ProviderChange{Metadata: optionalBytes(body.Metadata), Enabled: body.Enabled, Untested: body.Untested}
		if body.Settings != nil {
			config := configOf(*body.Settings)
			c.Config = &config
		}
		return s.Auth.UpdateProvider(ctx, actor, named, c, expect)
	})
}

func (s *server) providerRevision(ctx context.Context, actor models.Actor, named, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		p, err := s.Auth.Provider(ctx, actor, named)
		return p.Revision, err
	})
}

// DeleteProvider deletes an identity provider.
func (s *server) DeleteProvider(w http.ResponseWriter, r *http.Request, named api.ProviderRef, params api.DeleteProviderParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		expect, err := s.providerRevision(ctx, actor, named, params.IfMatch)
		if err == nil {
			err = s.Auth.DeleteProvider(ctx, actor, named, expect)
		}
		return answer{status: http.StatusNoContent}, err
	})
}

// RefreshProvider fetches metadata now.
func (s *server) RefreshProvider(w http.ResponseWriter, r *http.Request, named api.ProviderRef) {
	s.onProvider(w, r, func(ctx context.Context, actor models.Actor) (auth.ProviderView, error) {
		return s.Auth.RefreshProvider(ctx, actor, named)
	})
}

// CreateProviderKey makes another key pair.
func (s *server) CreateProviderKey(w http.ResponseWriter, r *http.Request, named api.ProviderRef) {
	s.onProvider(w, r, func(ctx context.Context, actor models.Actor) (auth.ProviderView, error) {
		return s.Auth.NewProviderKey(ctx, actor, named)
	})
}

// UseProviderKey signs with a key pair from now on.
func (s *server) UseProviderKey(w http.ResponseWriter, r *http.Request, named api.ProviderRef, of api.Fingerprint) {
	s.onProvider(w, r, func(ctx context.Context, actor models.Actor) (auth.ProviderView, error) {
		return s.Auth.UseProviderKey(ctx, actor, named, of)
	})
}

// RemoveProviderKey forgets a key pair.
func (s *server) RemoveProviderKey(w http.ResponseWriter, r *http.Request, named api.ProviderRef, of api.Fingerprint) {
	s.onProvider(w, r, func(ctx context.Context, actor models.Actor) (auth.ProviderView, error) {
		return s.Auth.RemoveProviderKey(ctx, actor, named, of)
	})
}

// ListProviderPeople lists whom a provider knows.
func (s *server) ListProviderPeople(w http.ResponseWriter, r *http.Request, named api.ProviderRef, params api.ListProviderPeopleParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		limit, err := pageLimit(params.Limit)
		if err != nil {
			return answer{}, err
		}
		people, around, err := s.Auth.Identities(ctx, actor, named, params.Search, params.Cursor, limit)
		return answer{body: api.ProviderPersonList{Items: convert(people, providerPerson), Next: around.Next}, next: around.Next}, err
	})
}

func providerPerson(i auth.IdentityView) api.ProviderPerson {
	return api.ProviderPerson{
		UserID: string(i.UserID), Username: i.Username, NameID: i.NameID, Groups: append([]string{}, i.Groups...), LastSignInAt: i.SignedIn().UTC(),
	}
}

// LinkProviderPerson links an account to a name at a provider.
func (s *server) LinkProviderPerson(w http.ResponseWriter, r *http.Request, named api.ProviderRef, user api.MemberRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.ProviderLink
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusNoContent}, s.Auth.LinkIdentity(ctx, actor, named, user, body.NameID)
	})
}

// UnlinkProviderPerson forgets by what names a provider knows a user.
func (s *server) UnlinkProviderPerson(w http.ResponseWriter, r *http.Request, named api.ProviderRef, user api.MemberRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		return answer{status: http.StatusNoContent}, s.Auth.UnlinkIdentity(ctx, actor, named, user)
	})
}

// CheckProvider examines a response, or says what a person would get.
func (s *server) CheckProvider(w http.ResponseWriter, r *http.Request, named api.ProviderRef) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		var body api.ProviderCheck
		if err := decode(w, r, &body); err != nil {
			return answer{}, err
		}
		switch {
		case (body.Response == "") == (body.NameID == ""):
			return answer{}, fault.InvalidField("response", "or name_id must be given, and not both")
		case body.Response != "":
			d, err := s.Auth.Diagnose(ctx, actor, named, []byte(body.Response))
			return answer{body: findings(d)}, err
		}
		look, err := s.Auth.TryPerson(ctx, actor, named, auth.Person{NameID: body.NameID, Username: body.Username, Groups: body.Groups})
		return answer{body: api.ProviderFindings{Findings: []api.ProviderFinding{}, Notes: []string{}, Outlook: outlook(&look)}}, err
	})
}

func findings(d auth.Diagnosed) api.ProviderFindings {
	return api.ProviderFindings{
		Accepted: d.Accepted, Notes: append([]string{}, d.Notes...), Encryption: d.Encryption,
		Findings: convert(d.Findings, func(f saml.Finding) api.ProviderFinding {
			return api.ProviderFinding{Reason: string(f.Reason), Detail: f.Detail, Mend: f.Mend}
		}),
		ResponseSignature: signature(d.Response), AssertionSignature: signature(d.Assertion),
		Issuer: d.Issuer, Destination: d.Destination, Recipient: d.Recipient, InResponseTo: d.InResponseTo, Audiences: d.Audiences,
		NameID: d.NameID, NameIDFormat: d.NameIDFormat, Attributes: d.AttributeNames, Outlook: outlook(d.Outlook),
	}
}

func signature(f saml.SignatureFacts) api.ProviderSignature {
	s := api.ProviderSignature{Present: f.Present, Valid: f.Valid, Trusted: f.Trusted, Algorithm: f.Algorithm, Digest: f.Digest}
	if f.Certificate != nil {
		s.Fingerprint = f.Certificate.Fingerprint
	}
	return s
}

func outlook(o *auth.Outlook) *api.ProviderOutlook {
	if o == nil {
		return nil
	}
	look := api.ProviderOutlook{
		Allowed: o.Allowed, Reason: o.Reason, Mend: o.Mend, Username: o.Username, UserID: string(o.UserID), Creates: o.Creates, Role: string(o.Role),
		Groups:        convert(o.Mapped, func(g models.Group) string { return g.Name }),
		UnknownGroups: append([]string{}, o.Unmapped...),
	}
	for id, role := range o.Roles {
		look.Roles = append(look.Roles, api.GroupRole{EnvironmentID: int64(id), Role: string(role)})
	}
	return &look
}

func providerAnswer(p auth.ProviderView) answer {
	return answer{body: provider(p), revision: p.Revision}
}

func provider(p auth.ProviderView) api.Provider {
	return api.Provider{
		ID: string(p.ID), Name: p.Name, Enabled: p.Enabled, Settings: settingsOf(p.Config),
		EntityID: p.EntityID, AcsURL: p.ACSURL, SloURL: p.SLOURL, KeeperMetadataURL: p.MetadataURL, SignInURL: p.SignInURL,
		ProviderEntityID: p.Status.EntityID, SingleLogout: p.Status.Logout,
		Certificates: convert(p.Certificates, func(c saml.Certificate) api.ProviderCertificate {
			return api.ProviderCertificate{Ours: c.Ours, Signs: c.Signs, Fingerprint: c.Fingerprint, Subject: c.Subject, NotBefore: c.NotBefore, NotAfter: c.NotAfter}
		}),
		FetchedAt: moment(p.FetchedAt), TestedAt: moment(p.TestedAt), LastError: p.LastError, Problem: p.Problem,
		Revision: p.Revision, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
	}
}

func configOf(s api.ProviderSettings) models.ProviderConfig {
	return models.ProviderConfig{
		DisplayName:       s.DisplayName,
		MetadataURL:       s.MetadataURL,
		EntityID:          s.EntityID,
		NameIDFormat:      s.NameIDFormat,
		UsernameAttribute: s.UsernameAttribute,
		EmailAttribute:    s.EmailAttribute,
		NameAttribute:     s.NameAttribute,
		GroupsAttribute:   s.GroupsAttribute,
		AllowIDPInitiated: s.AllowIdpInitiated,
		AllowResponseOnly: s.AllowResponseOnly,
		EncryptAssertions: s.EncryptAssertions,
		CreateUsers:       s.CreateUsers,
		MaxClockSkew:      s.MaxClockSkewSeconds, MaxAge: s.MaxAgeSeconds,
	}
}

func settingsOf(c models.ProviderConfig) api.ProviderSettings {
	return api.ProviderSettings{
		DisplayName:         c.DisplayName,
		MetadataURL:         c.MetadataURL,
		EntityID:            c.EntityID,
		NameIDFormat:        c.NameIDFormat,
		UsernameAttribute:   c.UsernameAttribute,
		EmailAttribute:      c.EmailAttribute,
		NameAttribute:       c.NameAttribute,
		GroupsAttribute:     c.GroupsAttribute,
		AllowIdpInitiated:   c.AllowIDPInitiated,
		AllowResponseOnly:   c.AllowResponseOnly,
		EncryptAssertions:   c.EncryptAssertions,
		CreateUsers:         c.CreateUsers,
		MaxClockSkewSeconds: c.MaxClockSkew, MaxAgeSeconds: c.MaxAge,
	}
}

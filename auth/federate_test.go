package auth_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/auth/saml"
	"github.com/your-org/keeper/auth/saml/samltest"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

var grace = samltest.User{NameID: "grace@example.com", Groups: []string{"devs"}}

// federated is a replica with the provider okta, which is on, makes accounts and may begin sign-ins itself, and whose group
// devs edits in the first environment.
func federated(t *testing.T, s *store.Store, d auth.Deps) (*house, *samltest.IDP) {
	t.Helper()
	idp, err := samltest.Start(grace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(idp.Close)
	d.PublicURL = "http://127.0.0.1:8989"
	h := newHouseWith(t, s, d)
	ctx, root := t.Context(), models.System()
	config := models.ProviderConfig{MetadataURL: idp.MetadataURL(), CreateUsers: true, AllowIDPInitiated: true}
	if _, err := h.CreateProvider(ctx, root, auth.NewProvider{Name: "okta", Config: config}); err != nil {
		t.Fatal(err)
	}
	g, err := h.CreateGroup(ctx, root, auth.NewGroup{Provider: "okta", Name: "devs"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetGroupRole(ctx, root, string(g.ID), h.environment(t, "one"), models.RoleEditor); err != nil {
		t.Fatal(err)
	}
	if _, err := h.UpdateProvider(ctx, root, "okta", auth.ProviderChange{Enabled: ptr(true), Untested: true}, 0); err != nil {
		t.Fatal(err)
	}
	metadata, err := h.ProviderMetadata(ctx, "okta")
	if err == nil {
		err = idp.Register(metadata)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h, idp
}

// unasked is a response that the provider begins with.
func (h *house) unasked(t *testing.T, idp *samltest.IDP) url.Values {
	t.Helper()
	p, err := h.Provider(t.Context(), models.System(), "okta")
	if err != nil {
		t.Fatal(err)
	}
	response, err := idp.Respond(p.EntityID, "", grace.NameID, samltest.Making{})
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"SAMLResponse": {samltest.Encode(response)}}
}

func (h *house) bring(t *testing.T, fields url.Values) (string, error) {
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}, PostForm: fields}
	landed, err := h.FinishSAML(t.Context(), "okta", r, "", origin)
	return landed.SessionID, err
}

// TestReplayAtReplicas brings one response to several replicas at once: on every database one of them takes it.
func TestReplayAtReplicas(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			s := storetest.Open(t, dialect)
			first, idp := federated(t, s, auth.Deps{})
			replicas := []*house{first, newHouseWith(t, s, auth.Deps{PublicURL: "http://127.0.0.1:8989"}), newHouseWith(t, s, auth.Deps{PublicURL: "http://127.0.0.1:8989"})}
			fields := first.unasked(t, idp)
			const each = 4
			results := make([]error, each*len(replicas))
			var wait sync.WaitGroup
			for i := range results {
				wait.Go(func() { _, results[i] = replicas[i%len(replicas)].bring(t, fields) })
			}
			wait.Wait()
			taken := 0
			for _, err := range results {
				if err == nil {
					taken++
				} else if !fault.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
			}
			if taken != 1 {
				t.Errorf("%d of %d took the response", taken, len(results))
			}
			if got := refusals(t, s); got[string(saml.ReasonReplayed)] != len(results)-1 {
				t.Errorf("the audit log says %v", got)
			}
		})
	}
}

// refusals are the reasons for which sign-ins were refused, with how often.
func refusals(t *testing.T, s *store.Store) map[string]int {
	t.Helper()
	found := map[string]int{}
	err := s.Read(t.Context(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Everything: true, Action: "session.create", Limit: 100})
		for _, e := range entries {
			if e.Outcome == models.OutcomeRefused {
				found[e.Detail["reason"]]++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestWhatAProviderSaidEnds: who does not come back has nothing of its groups after a while, by session and by token.
func TestWhatAProviderSaidEnds(t *testing.T) {
	s := storetest.SQLite(t)
	h, idp := federated(t, s, auth.Deps{SAMLMaxAge: 2 * time.Second})
	id, err := h.bring(t, h.unasked(t, idp))
	if err != nil {
		t.Fatal(err)
	}
	signedIn := time.Now()
	actor := h.actorOf(t, id)
	text, _ := h.token(t, actor, auth.NewToken{})
	if !auth.Can(actor, auth.WriteSecret, 1) || !auth.Can(h.bearer(t, text), auth.WriteSecret, 1) {
		t.Fatal("the group gives nothing")
	}
	time.Sleep(time.Until(signedIn.Add(2100 * time.Millisecond)))
	later := newHouseWith(t, s, auth.Deps{PublicURL: "http://127.0.0.1:8989"}) // which remembers no token
	for name, actor := range map[string]models.Actor{"session": later.actorOf(t, id), "token": later.bearer(t, text)} {
		if auth.Can(actor, auth.ViewSecret, 1) || auth.Can(actor, auth.WriteSecret, 1) {
			t.Errorf("by %s the groups of before still count: %v %v", name, actor.Role, actor.Roles)
		}
	}
}

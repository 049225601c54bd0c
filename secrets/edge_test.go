package secrets_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// onEach runs a test on each database.
func onEach(t *testing.T, test func(*testing.T, *house)) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			h := houseOn(t, storetest.Open(t, dialect))
			h.Changed = nil // not safe for many at once
			test(t, h)
		})
	}
}

func TestOneNameOneSecret(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		var mu sync.Mutex
		var made []models.SecretID
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				s, err := h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: h.env.ID, Name: "one", Type: models.Text, Value: plain("v")})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made = append(made, s.ID)
				} else if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "already has a secret named one") {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(made) != 1 {
			t.Fatalf("%d were made, want 1", len(made))
		}
		page, err := h.List(t.Context(), h.admin, secrets.Query{})
		if err != nil || len(page.Secrets) != 1 || h.reveal(t, made[0], 0) != "v" {
			t.Errorf("%d are listed, %v", len(page.Secrets), err)
		}
	})
}

// TestTextThatNoDatabaseKeeps is refused with a word to the field, on each database, and
// leaves nothing behind.
func TestTextThatNoDatabaseKeeps(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		s := h.create(t, "stands", "v")
		before := len(h.actions(t))
		far, early := time.Date(9999, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)
		for name, c := range map[string]struct {
			field string
			edit  func(*secrets.NewSecret)
		}{
			"NUL in the description":   {"description", func(n *secrets.NewSecret) { n.Description = "a\x00b" }},
			"description not UTF-8":    {"description", func(n *secrets.NewSecret) { n.Description = "a\xffb" }},
			"description too long":     {"description", func(n *secrets.NewSecret) { n.Description = strings.Repeat("ü", 2049) }},
			"NUL in the owner":         {"owner", func(n *secrets.NewSecret) { n.Owner = "\x00" }},
			"owner not UTF-8":          {"owner", func(n *secrets.NewSecret) { n.Owner = "\xc3" }},
			"owner too long":           {"owner", func(n *secrets.NewSecret) { n.Owner = strings.Repeat("ü", 201) }},
			"NUL in the comment":       {"comment", func(n *secrets.NewSecret) { n.Comment = "\x00" }},
			"comment not UTF-8":        {"comment", func(n *secrets.NewSecret) { n.Comment = "\xff" }},
			"comment too long":         {"comment", func(n *secrets.NewSecret) { n.Comment = strings.Repeat("ü", 1001) }},
			"NUL in a tag's key":       {"tags", func(n *secrets.NewSecret) { n.Tags = map[string]string{"\x00": "v"} }},
			"NUL in a tag's value":     {"tags", func(n *secrets.NewSecret) { n.Tags = map[string]string{"k": "\x00"} }},
			"tag not UTF-8":            {"tags", func(n *secrets.NewSecret) { n.Tags = map[string]string{"k": "\xff"} }},
			"expires out of all range": {"expires_at", func(n *secrets.NewSecret) { n.ExpiresAt = &far }},
			"expires before all range": {"expires_at", func(n *secrets.NewSecret) { n.ExpiresAt = &early }},
			"NUL in the name":          {"name", func(n *secrets.NewSecret) { n.Name = "a\x00" }},
		} {
			t.Run(name, func(t *testing.T) {
				n := secrets.NewSecret{Environment: h.env.ID, Name: "fresh", Type: models.Text, Value: plain("v")}
				c.edit(&n)
				_, err := h.Create(t.Context(), h.admin, n)
				if public := fault.Public(err); !fault.Is(err, fault.Invalid) || len(public.Fields) != 1 || public.Fields[0].Name != c.field {
					t.Errorf("error %v, fields %v; want one about %s", err, public.Fields, c.field)
				}
			})
		}
		t.Run("comments", func(t *testing.T) {
			v := plain("next")
			_, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &v, Comment: "\x00"}, 0)
			wantInvalid(t, err)
			_, err = h.Rollback(t.Context(), h.admin, s.ID, 1, strings.Repeat("x", 1001), 0)
			wantInvalid(t, err)
		})
		t.Run("filters", func(t *testing.T) {
			for _, q := range []secrets.Query{{Search: "a\x00"}, {Search: "\xff"}, {Owner: "\x00"}, {Owner: "\xff"}, {TagKey: "\x00"}, {Cursor: "\x00"}} {
				if _, err := h.List(t.Context(), h.admin, q); err != nil {
					wantInvalid(t, err)
				}
			}
			for _, named := range []string{"\x00", "\xff", strings.Repeat("x", 100_000), "99999999999999999999"} {
				if _, err := h.FindEnvironment(t.Context(), h.admin, named); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) {
					t.Errorf("%.20q: %v", named, err)
				}
				if _, err := h.FindSecret(t.Context(), h.admin, h.env, named); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) {
					t.Errorf("%.20q: %v", named, err)
				}
			}
		})
		if after := len(h.actions(t)); after != before || h.reveal(t, s.ID, 0) != "v" {
			t.Errorf("%d entries were written by refused input", after-before)
		}
		t.Run("the longest", func(t *testing.T) {
			_, err := h.Create(t.Context(), h.admin, secrets.NewSecret{
				Environment: h.env.ID, Name: strings.Repeat("n", 512), Type: models.Text, Value: plain("v"), Description: strings.Repeat("😀", 2048),
				Owner: strings.Repeat("😀", 200), Comment: strings.Repeat("😀", 1000), Tags: map[string]string{strings.Repeat("k", 128): strings.Repeat("v", 256)},
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
}

func wantInvalid(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("error %v, want invalid", err)
	}
}

// TestPurgeSparesTheUndeleted undeletes secrets while a purge is at them: each is either
// back with its value, or gone, and none is back and purged.
func TestPurgeSparesTheUndeleted(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		h.DeleteGrace = -time.Hour // over at once
		const n = 20
		var all []models.Secret
		for i := range n {
			s := h.create(t, string(rune('a'+i)), "v")
			if _, err := h.Delete(t.Context(), h.admin, s.ID, 0); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		back := make([]bool, n)
		var both sync.WaitGroup
		both.Go(func() {
			if err := h.Purge(t.Context()); err != nil && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
		for i, s := range all {
			both.Go(func() {
				_, err := h.Undelete(t.Context(), h.admin, s.ID)
				if back[i] = err == nil; err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Stale) {
					t.Error(err)
				}
			})
		}
		both.Wait()
		for i, s := range all {
			if got, _, err := h.Get(t.Context(), h.admin, s.ID); back[i] && (err != nil || got.Deleted() || h.reveal(t, s.ID, 0) != "v") {
				t.Errorf("%s was undeleted, and is %+v, %v", s.Name, got, err)
			}
		}
	})
}

// TestDeleteAmongUpdates expects no revision, so it must not fail because of the others.
func TestDeleteAmongUpdates(t *testing.T) {
	h := newHouse(t)
	h.Changed = nil
	s := h.create(t, "a", "v")
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			v := plain(string(rune('a' + i)))
			if _, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &v}, 0); err != nil && !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if _, err := h.Delete(t.Context(), h.admin, s.ID, 0); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	if got, _, err := h.Get(t.Context(), h.admin, s.ID); err != nil || !got.Deleted() {
		t.Errorf("secret %+v, %v", got, err)
	}
}

// TestHiddenEnvironments are not told from missing ones, and every look is on record.
func TestHiddenEnvironments(t *testing.T) {
	h := newHouse(t)
	h.create(t, "a", "v")
	stranger := models.Actor{Kind: models.ActorUser, ID: "usr_s", UserID: "usr_s", Name: "sam", Role: models.RoleUser}
	token := h.admin
	token.Kind, token.Scope = models.ActorToken, &models.TokenScope{Environments: []models.EnvironmentID{h.env.ID + 50}}
	for name, actor := range map[string]models.Actor{"a stranger": stranger, "a token of another": token} {
		t.Run(name, func(t *testing.T) {
			before := h.refusals(t)
			_, hidden := h.FindEnvironment(t.Context(), actor, "production")
			_, missing := h.FindEnvironment(t.Context(), actor, "development")
			if !fault.Is(hidden, fault.NotFound) || strings.ReplaceAll(hidden.Error(), "production", "development") != missing.Error() {
				t.Errorf("%q, %q", hidden, missing)
			}
			_, hidden = h.FindSecret(t.Context(), actor, h.env, "a")
			_, missing = h.FindSecret(t.Context(), actor, h.env, "b")
			if !fault.Is(hidden, fault.NotFound) || strings.ReplaceAll(hidden.Error(), `"a"`, `"b"`) != missing.Error() {
				t.Errorf("%q, %q", hidden, missing)
			}
			if all, err := h.Environments(t.Context(), actor); err != nil || len(all) != 0 {
				t.Errorf("environments %v, %v", all, err)
			}
			if got := h.refusals(t); got != before+4 { // the environment that is missing, too: the two take the same time
				t.Errorf("%d refusals are on record, want 4", got-before)
			}
		})
	}
}

func (h *house) refusals(t *testing.T) (n int) {
	t.Helper()
	for _, action := range h.actions(t) {
		if strings.HasSuffix(action, " refused") {
			n++
		}
	}
	return n
}

func TestLimits(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "0")
	for i := range 5 {
		v := plain(string(rune('a' + i)))
		if _, err := h.Update(t.Context(), h.admin, s.ID, secrets.Change{Value: &v}, 0); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		before models.VersionNumber
		limit  int
		want   int
	}{
		"all": {0, 0, 6}, "negative": {-5, -1, 6}, "two": {0, 2, 2}, "before the third": {3, 10, 2}, "before the first": {1, 10, 0}, "far": {1 << 62, 1 << 40, 6},
	} {
		t.Run("Versions, "+name, func(t *testing.T) {
			got, err := h.Versions(t.Context(), h.admin, s.ID, c.before, c.limit)
			if err != nil || len(got) != c.want {
				t.Errorf("%d versions, %v; want %d", len(got), err, c.want)
			}
			for _, v := range got {
				if v.Ciphertext != nil {
					t.Error("a list of versions holds ciphertexts")
				}
			}
		})
	}
	t.Run("Activity", func(t *testing.T) {
		var seen int
		for cursor := ""; ; {
			entries, around, err := h.Activity(t.Context(), h.admin, s.ID, cursor, 2)
			if err != nil || len(entries) > 2 {
				t.Fatal(len(entries), err)
			}
			if seen += len(entries); around.Next == "" {
				break
			}
			cursor = around.Next
		}
		if seen != 6 {
			t.Errorf("%d entries, want 6", seen)
		}
		if _, _, err := h.Activity(t.Context(), h.admin, s.ID, "forged", 2); !fault.Is(err, fault.Invalid) {
			t.Errorf("a forged cursor: %v", err)
		}
	})
	t.Run("Reveal of no version", func(t *testing.T) {
		for _, n := range []models.VersionNumber{-1, 7, 1 << 62} {
			if _, err := h.Reveal(t.Context(), h.admin, s.ID, n); !fault.Is(err, fault.NotFound) {
				t.Errorf("version %d: %v", n, err)
			}
		}
	})
}

// TestRevealNotRecorded keeps a value back where the audit log cannot be written.
func TestRevealNotRecorded(t *testing.T) {
	h := newHouse(t)
	s := h.create(t, "a", "v")
	h.reveal(t, s.ID, 0)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := h.Reveal(t.Context(), h.admin, s.ID, 0)
	if !fault.Is(err, fault.Unavailable) || r.Value.Len() != 0 {
		t.Errorf("a value of %d bytes, %v", r.Value.Len(), err)
	}
}

// TestDeletedEnvironment leaves its record and nothing else.
func TestDeletedEnvironment(t *testing.T) {
	h := newHouse(t)
	if err := h.DeleteEnvironment(t.Context(), h.admin, h.env.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.Create(t.Context(), h.admin, secrets.NewSecret{Environment: h.env.ID, Name: "a", Type: models.Text, Value: plain("v")})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a secret in it: %v", err)
	}
	again, err := h.CreateEnvironment(t.Context(), h.admin, models.Environment{Name: "production"})
	if err != nil || again.ID == h.env.ID {
		t.Errorf("made again as %d, %v; the id must not come back", again.ID, err)
	}
	err = h.store.Read(t.Context(), func(tx *store.Tx) error {
		entries, _, err := tx.Audit(store.AuditQuery{Environments: []models.EnvironmentID{h.env.ID}})
		if len(entries) != 2 {
			t.Errorf("%d entries outlive the environment, want its making and its end", len(entries))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWrappingKeyTakesAnAdministrator: who may name an environment's wrapping key decides
// who can open it.
func TestWrappingKeyTakesAnAdministrator(t *testing.T) {
	h := newHouse(t)
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", UserID: "usr_m", Name: "mo", Role: models.RoleUser, Via: "test",
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	same, other, text := h.env.KMSKeyAlias, "alias/mine", "described"
	if _, err := h.UpdateEnvironment(t.Context(), manager, h.env.ID, secrets.EnvironmentChange{KMSKeyAlias: &other}, 0); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a manager's new wrapping key: got %v, want Forbidden", err)
	}
	e, err := h.UpdateEnvironment(t.Context(), manager, h.env.ID, secrets.EnvironmentChange{KMSKeyAlias: &same, Description: &text}, 0)
	if err != nil || e.KMSKeyAlias != same {
		t.Errorf("a manager who leaves the key as it is: got %q and %v", e.KMSKeyAlias, err)
	}
	e, err = h.UpdateEnvironment(t.Context(), h.admin, h.env.ID, secrets.EnvironmentChange{KMSKeyAlias: &other}, 0)
	if err != nil || e.KMSKeyAlias != other {
		t.Errorf("an administrator's new wrapping key: got %q and %v", e.KMSKeyAlias, err)
	}
}

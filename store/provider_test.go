package store_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func testProviders(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	ada := models.User{ID: models.NewUserID(), Username: "ada", Role: models.RoleUser}
	write(t, s, func(tx *store.Tx) error { return tx.CreateUser(&ada) })
	p := models.Provider{ID: models.NewProviderID(), Name: "okta", Config: models.ProviderConfig{MetadataURL: "https://idp", CreateUsers: true, MaxAge: 60}, Metadata: []byte("<x/>"), Key: []byte{0, 255}, Cert: []byte("c")}
	write(t, s, func(tx *store.Tx) error { return tx.CreateProvider(&p) })
	get := func() models.Provider {
		return read(t, s, func(tx *store.Tx) (models.Provider, error) { return tx.Provider(p.ID) })
	}
	dev := models.Group{ID: models.NewGroupID(), ProviderID: p.ID, Name: "dev", Role: models.RoleAdmin}
	ops := models.Group{ID: models.NewGroupID(), ProviderID: p.ID, Name: "ops", Role: models.RoleUser}
	write(t, s, func(tx *store.Tx) error {
		if err := tx.CreateGroup(&dev); err != nil {
			return err
		}
		if err := tx.CreateGroup(&ops); err != nil {
			return err
		}
		return tx.SetGroupRole(models.GroupRole{GroupID: ops.ID, EnvironmentID: h.env.ID, Role: models.RoleReader})
	})
	t.Run("OK", func(t *testing.T) {
		same(t, get(), p)
		same(t, read(t, s, func(tx *store.Tx) (models.Provider, error) { return tx.ProviderByName("okta") }), p)
		same(t, read(t, s, (*store.Tx).Providers), []models.Provider{p})
		same(t, read(t, s, (*store.Tx).ProviderMarks), []store.ProviderMark{{ID: p.ID, Revision: 1}})
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			return tx.CreateProvider(&models.Provider{ID: models.NewProviderID(), Name: "okta"})
		})
	})
	t.Run("Metadata", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.KeepMetadata(p.ID, 1, []byte("<y/>"), at, "") })
		write(t, s, func(tx *store.Tx) error { return tx.KeepMetadata(p.ID, 1, nil, at, "no answer") })
		write(t, s, func(tx *store.Tx) error { return tx.KeepMetadata(p.ID, 7, []byte("<z/>"), at, "") })
		got := get()
		if string(got.Metadata) != "<y/>" || got.LastError != "no answer" || got.FetchedAt == nil || got.Revision != 1 {
			t.Errorf("got %+v", got)
		}
		write(t, s, func(tx *store.Tx) error { return tx.ProviderTested(p.ID, 9, at) })
		if get().TestedAt != nil {
			t.Error("a test of other settings counts")
		}
		write(t, s, func(tx *store.Tx) error { return tx.ProviderTested(p.ID, 1, at) })
		if get().TestedAt == nil {
			t.Error("a test does not count")
		}
	})
	t.Run("Update", func(t *testing.T) {
		p = get()
		p.Enabled = true
		write(t, s, func(tx *store.Tx) error { return tx.UpdateProvider(&p, 1) })
		failing(t, s, fault.Stale, func(tx *store.Tx) error { stale := p; return tx.UpdateProvider(&stale, 1) })
		same(t, get(), p)
	})
	t.Run("Groups", func(t *testing.T) { testNamedGroups(t, s, ada.ID, &p, dev, ops) })
	t.Run("Identities", func(t *testing.T) {
		row := models.Identity{ProviderID: p.ID, Subject: "aa", NameID: "Ada", UserID: ada.ID, Groups: []string{"dev"}, LastSignInAt: at.UTC().Truncate(time.Microsecond)}
		write(t, s, func(tx *store.Tx) error { return tx.CreateIdentity(&row) })
		same(t, read(t, s, func(tx *store.Tx) (models.Identity, error) { return tx.Identity(p.ID, "aa") }), row)
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			return tx.CreateIdentity(&models.Identity{ProviderID: p.ID, Subject: "aa", UserID: ada.ID, LastSignInAt: at})
		})
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Identity(p.ID, "AA"); return err })
		of := read(t, s, func(tx *store.Tx) ([]models.Identity, error) { return tx.IdentitiesOf(ada.ID) })
		same(t, of, []models.Identity{row})
	})
	t.Run("People", func(t *testing.T) { testKnownUsers(t, s, ada, p.ID) })
	t.Run("Delete", func(t *testing.T) {
		session := models.Session{Hash: "aa", UserID: ada.ID, ProviderID: p.ID, NameID: "Ada", SessionIndex: "1", ExpiresAt: at}
		write(t, s, func(tx *store.Tx) error { return tx.CreateSession(&session) })
		write(t, s, func(tx *store.Tx) error { return tx.DeleteProvider(p.ID) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Session("aa"); return err })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.Group(dev.ID); return err })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeleteProvider(p.ID) })
	})
}

// testKnownUsers lists those whom a provider knows beside ada, in the order of their names, which
// is not that of their subjects.
func testKnownUsers(t *testing.T, s *store.Store, ada models.User, known models.ProviderID) {
	other := models.Provider{ID: models.NewProviderID(), Name: "other"}
	write(t, s, func(tx *store.Tx) error { return tx.CreateProvider(&other) })
	add := func(provider models.ProviderID, username, shown, subject, nameID string) {
		u := models.User{ID: models.NewUserID(), Username: username, DisplayName: shown, Role: models.RoleUser}
		write(t, s, func(tx *store.Tx) error {
			if err := tx.CreateUser(&u); err != nil {
				return err
			}
			return tx.CreateIdentity(&models.Identity{ProviderID: provider, Subject: subject, NameID: nameID, UserID: u.ID, Groups: []string{"dev"}, LastSignInAt: at})
		})
	}
	add(known, "cy", "Cyrus", "01", "00u_100%")
	add(known, "bo", "Ødegård", "zz", "00u_2")
	add(known, "dee", "", "02", "00u_3")
	add(other.ID, "bob", "", "03", "00u_4")
	write(t, s, func(tx *store.Tx) error { // one of whom the provider has two names
		return tx.CreateIdentity(&models.Identity{ProviderID: known, Subject: "00", NameID: "Ada L", UserID: ada.ID, LastSignInAt: at})
	})
	page := func(part, cursor string) (names []string, around store.Around) {
		read(t, s, func(tx *store.Tx) (n int, err error) {
			var all []store.KnownUser
			all, around, err = tx.IdentityPage(known, part, cursor, 2)
			for _, k := range all {
				names = append(names, k.Username+" "+k.Subject)
			}
			return 0, err
		})
		return names, around
	}
	first, around := page("", "")
	second, next := page("", around.Next)
	third, last := page("", next.Next)
	back, _ := page("", last.Prev)
	same(t, [][]string{first, second, third, back}, [][]string{{"ada 00", "ada aa"}, {"bo zz", "cy 01"}, {"dee 02"}, {"bo zz", "cy 01"}})
	if around.Prev != "" || last.Next != "" {
		t.Errorf("the list goes on beyond its ends: %+v, %+v", around, last)
	}
	for part, want := range map[string][]string{
		"CY": {"cy 01"}, "rus": {"cy 01"}, "øde": {"bo zz"}, "00u": {"bo zz", "cy 01"}, "100%": {"cy 01"}, "u%3": nil, "bob": nil, "ada l": {"ada 00"},
	} {
		if got, _ := page(part, ""); !slices.Equal(got, want) {
			t.Errorf("%q finds %q, want %q", part, got, want)
		}
	}
	got := read(t, s, func(tx *store.Tx) (store.KnownUser, error) {
		all, _, err := tx.IdentityPage(known, "dee", "", 1)
		return all[0], err
	})
	if got.NameID != "00u_3" || !slices.Equal(got.Groups, []string{"dev"}) || got.LastSignInAt.IsZero() {
		t.Errorf("got %+v", got)
	}
	failing(t, s, fault.Invalid, func(tx *store.Tx) error { _, _, err := tx.IdentityPage(known, "", "x", 2); return err })
	failing(t, s, fault.Invalid, func(tx *store.Tx) error {
		_, _, err := tx.IdentityPage(known, "", store.UserCursor(ada, false), 2) // another list's
		return err
	})
}

// testNamedGroups has a provider name groups, and looks at what they give.
func testNamedGroups(t *testing.T, s *store.Store, user models.UserID, p *models.Provider, dev, ops models.Group) {
	name := func(until time.Time, groups ...models.GroupID) (changed bool) {
		write(t, s, func(tx *store.Tx) (err error) { changed, err = tx.NameGroups(user, p.ID, groups, until); return err })
		return changed
	}
	grants := func() int {
		return len(read(t, s, func(tx *store.Tx) ([]store.Grant, error) { return tx.GrantsOf(user) }))
	}
	administrators := func() int {
		return len(read(t, s, (*store.Tx).Administrators))
	}
	later := time.Now().Add(time.Hour)
	if !name(later, dev.ID, ops.ID) || grants() != 2 || administrators() != 1 {
		t.Errorf("both groups give %d grants, %d administrators", grants(), administrators())
	}
	if name(later, ops.ID, dev.ID) {
		t.Error("the same groups are a change")
	}
	if name(time.Now().Add(-time.Second), dev.ID, ops.ID) || grants() != 0 || administrators() != 0 {
		t.Errorf("what is too old gives %d grants, %d administrators", grants(), administrators())
	}
	if !name(later, ops.ID) || grants() != 1 {
		t.Errorf("one group gives %d grants", grants())
	}
	p.Enabled = false
	write(t, s, func(tx *store.Tx) error { return tx.UpdateProvider(p, 0) })
	if grants() != 0 {
		t.Error("a provider that is off gives something")
	}
	p.Enabled = true
	write(t, s, func(tx *store.Tx) error { return tx.UpdateProvider(p, 0) })
	if !name(later) || grants() != 0 {
		t.Error("groups that are gone give something")
	}
}

// testSAMLState takes requests and uses messages on several connections at once.
func testSAMLState(t *testing.T, s *store.Store) {
	r := models.SAMLRequest{RelayState: "aa", RequestID: "id-1", Kind: "sign_in", Purpose: "test", ProviderID: "idp_1", ReturnTo: "/x", Browser: "bb", ExpiresAt: at.UTC().Truncate(time.Microsecond)}
	write(t, s, func(tx *store.Tx) error { return tx.PutSAMLRequest(&r) })
	same(t, read(t, s, func(tx *store.Tx) (models.SAMLRequest, error) { return tx.SAMLRequest("aa") }), r)
	var took, used atomic.Int32
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if err := s.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.TakeSAMLRequest("aa"); return err }); err == nil {
				took.Add(1)
			} else if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.UseAssertion("hh", at.Add(time.Hour)) }); err == nil {
				used.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if took.Load() != 1 || used.Load() != 1 {
		t.Errorf("the request was taken %d times, the message used %d times", took.Load(), used.Load())
	}
	write(t, s, func(tx *store.Tx) error { return tx.DeleteSAMLBefore(at.Add(2 * time.Hour)) })
	write(t, s, func(tx *store.Tx) error { return tx.UseAssertion("hh", at) })
}

func testNamedSessions(t *testing.T, s *store.Store) {
	ada, bob := newUser(t, s, "ada"), newUser(t, s, "bob")
	add := func(hash string, u models.UserID, provider models.ProviderID, name, index string) {
		row := models.Session{Hash: hash, UserID: u, ProviderID: provider, NameID: name, SessionIndex: index, ExpiresAt: at}
		write(t, s, func(tx *store.Tx) error { return tx.CreateSession(&row) })
	}
	add("a1", ada.ID, "idp_1", "Ada", "1")
	add("a2", ada.ID, "idp_1", "Ada", "2")
	add("a3", ada.ID, "idp_2", "Ada", "1")
	add("a4", ada.ID, "", "", "")
	add("b1", bob.ID, "idp_1", "ada", "1")
	add("b2", bob.ID, "idp_1", "Ada ", "1") // which MySQL finds by "Ada" too
	end := func(indexes ...string) (n int) {
		write(t, s, func(tx *store.Tx) error {
			gone, err := tx.DeleteSessionsNamed("idp_1", "Ada", indexes)
			n = len(gone)
			return err
		})
		return n
	}
	same(t, end("2", "9"), 1)
	same(t, end(), 1)
	same(t, end(), 0)
	n := 0
	write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteSessionsOfProvider("idp_2", bob.ID); return err })
	same(t, n, 0)
	write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteSessionsOfProvider("idp_2", ""); return err })
	same(t, n, 1)
	left := read(t, s, func(tx *store.Tx) ([]models.Session, error) { return tx.SessionsOfUser(ada.ID) })
	same(t, len(left), 1)
}

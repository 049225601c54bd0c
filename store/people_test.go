package store_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

func newUser(t *testing.T, s *store.Store, name string) models.User {
	t.Helper()
	u := models.User{ID: models.NewUserID(), Username: name, DisplayName: "Ada L.", PasswordHash: "$argon2id$", Role: models.RoleAdmin}
	write(t, s, func(tx *store.Tx) error { return tx.CreateUser(&u) })
	return u
}

func testUsers(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	bob, ada := newUser(t, s, "bob"), newUser(t, s, "ada")
	t.Run("OK", func(t *testing.T) {
		same(t, read(t, s, func(tx *store.Tx) (models.User, error) { return tx.User(ada.ID) }), ada)
		same(t, read(t, s, func(tx *store.Tx) (models.User, error) { return tx.UserByName("bob") }), bob)
		same(t, read(t, s, (*store.Tx).Users), []models.User{ada, bob})
		same(t, read(t, s, (*store.Tx).CountUsers), 2)
	})
	t.Run("Update", func(t *testing.T) {
		changed := ada
		changed.Disabled, changed.LastSignInAt = true, &at
		write(t, s, func(tx *store.Tx) error { return tx.UpdateUser(&changed) })
		same(t, read(t, s, func(tx *store.Tx) (models.User, error) { return tx.User(ada.ID) }), changed)
		changed.Username = "bob"
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { return tx.UpdateUser(&changed) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.UpdateUser(&models.User{ID: "usr_none"}) })
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			return tx.CreateUser(&models.User{ID: models.NewUserID(), Username: "bob"})
		})
	})
	t.Run("NotFound", func(t *testing.T) {
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, err := tx.UserByName("Bob"); return err })
	})
	t.Run("Memberships", func(t *testing.T) {
		m := models.Membership{UserID: ada.ID, EnvironmentID: h.env.ID, Role: models.RoleReader}
		write(t, s, func(tx *store.Tx) error { return tx.SetMembership(m) })
		m.Role = models.RoleManager
		write(t, s, func(tx *store.Tx) error { return tx.SetMembership(m) })
		got := read(t, s, func(tx *store.Tx) ([]models.Membership, error) { return tx.Memberships(ada.ID) })
		if len(got) != 1 || got[0].Role != models.RoleManager {
			t.Errorf("got %+v", got)
		}
		members := read(t, s, func(tx *store.Tx) ([]store.Member, error) { return tx.Members(h.env.ID) })
		if len(members) != 1 || members[0].Username != "ada" || members[0].Role != models.RoleManager || !members[0].Disabled {
			t.Errorf("got %+v", members)
		}
		write(t, s, func(tx *store.Tx) error { return tx.DeleteMembership(ada.ID, h.env.ID) })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.DeleteMembership(ada.ID, h.env.ID) })
	})
}

func testSessions(t *testing.T, s *store.Store) {
	ada := newUser(t, s, "ada")
	session := func(hash string, expires time.Time) models.Session {
		row := models.Session{
			Hash: hash, UserID: ada.ID, Data: []byte{0, 255}, Address: "::1", UserAgent: "curl", CreatedAt: at, ExpiresAt: expires,
		}
		write(t, s, func(tx *store.Tx) error { return tx.CreateSession(&row) })
		return row
	}
	a := session("aa", at.AddDate(0, 0, 1))
	session("bb", at)
	get := func(hash string) (models.Session, error) {
		return tryRead(s, func(tx *store.Tx) (models.Session, error) { return tx.Session(hash) })
	}
	t.Run("OK", func(t *testing.T) {
		got, err := get("aa")
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, a)
		failing(t, s, fault.Conflict, func(tx *store.Tx) error { twin := a; return tx.CreateSession(&twin) })
	})
	t.Run("TouchAndSave", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error { return tx.TouchSession("aa", at.Add(time.Hour)) })
		write(t, s, func(tx *store.Tx) error { return tx.SaveSessionData("aa", []byte("new")) })
		got, _ := get("aa")
		if string(got.Data) != "new" || !got.LastSeenAt.Equal(at.Add(time.Hour).Truncate(time.Microsecond)) {
			t.Errorf("got %+v", got)
		}
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.TouchSession("zz", at) })
		list := read(t, s, func(tx *store.Tx) ([]models.Session, error) { return tx.SessionsOfUser(ada.ID) })
		if len(list) != 2 || list[0].Hash != "aa" {
			t.Errorf("got %+v, want the last used first", list)
		}
	})
	t.Run("Expired", func(t *testing.T) {
		var n int
		write(t, s, func(tx *store.Tx) (err error) {
			n, err = tx.DeleteExpiredSessions(at, at.AddDate(0, 0, -1))
			return err
		})
		same(t, n, 1)
		_, err := get("bb")
		wantKind(t, err, fault.NotFound)
		write(t, s, func(tx *store.Tx) (err error) { n, err = tx.DeleteExpiredSessions(at, at.AddDate(0, 0, 1)); return err })
		same(t, n, 1)
	})
	t.Run("OfUser", func(t *testing.T) {
		session("cc", at.AddDate(0, 0, 1))
		session("dd", at.AddDate(0, 0, 1))
		write(t, s, func(tx *store.Tx) error { _, err := tx.DeleteSessionsOfUser(ada.ID, "cc"); return err })
		if _, err := get("cc"); err != nil {
			t.Error(err)
		}
		_, err := get("dd")
		wantKind(t, err, fault.NotFound)
		write(t, s, func(tx *store.Tx) error { return tx.DeleteSession("cc") })
		_, err = get("cc")
		wantKind(t, err, fault.NotFound)
	})
}

func testTokens(t *testing.T, s *store.Store) {
	ada, bob := newUser(t, s, "ada"), newUser(t, s, "bob")
	token := models.Token{
		ID: models.NewTokenID(), Hash: "ff", Hint: "kpr_ab", UserID: ada.ID, Name: "ci",
		Scope: models.TokenScope{Environments: []models.EnvironmentID{1, 2}, ReadOnly: true}, CreatedAt: at, ExpiresAt: &at,
	}
	write(t, s, func(tx *store.Tx) error { return tx.CreateToken(&token) })
	get := func() models.Token {
		return read(t, s, func(tx *store.Tx) (models.Token, error) { return tx.Token(token.ID) })
	}
	t.Run("OK", func(t *testing.T) {
		same(t, get(), token)
		got, user := models.Token{}, models.User{}
		read(t, s, func(tx *store.Tx) (_ int, err error) { got, user, err = tx.TokenByHash("ff"); return 0, err })
		same(t, got, token)
		same(t, user, ada)
		same(t, read(t, s, func(tx *store.Tx) ([]models.Token, error) { return tx.Tokens("") }), []models.Token{token})
		same(t, len(read(t, s, func(tx *store.Tx) ([]models.Token, error) { return tx.Tokens(bob.ID) })), 0)
	})
	t.Run("Conflict", func(t *testing.T) {
		failing(t, s, fault.Conflict, func(tx *store.Tx) error {
			return tx.CreateToken(&models.Token{ID: models.NewTokenID(), Hash: "ff", UserID: bob.ID})
		})
	})
	t.Run("NotFound", func(t *testing.T) {
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { _, _, err := tx.TokenByHash("00"); return err })
		failing(t, s, fault.NotFound, func(tx *store.Tx) error { return tx.RevokeToken("tok_none", at) })
	})
	t.Run("TouchAndRevoke", func(t *testing.T) {
		write(t, s, func(tx *store.Tx) error {
			return tx.TouchTokens(map[models.TokenID]store.TokenUse{token.ID: {At: at, Address: "192.0.2.1"}, "tok_gone": {At: at}})
		})
		write(t, s, func(tx *store.Tx) error { return tx.RevokeToken(token.ID, at) })
		write(t, s, func(tx *store.Tx) error { return tx.RevokeToken(token.ID, at.Add(time.Hour)) })
		got := get()
		cut := at.Truncate(time.Microsecond)
		if got.LastUsedAt == nil || !got.LastUsedAt.Equal(cut) || got.RevokedAt == nil || !got.RevokedAt.Equal(cut) {
			t.Errorf("got %+v", got)
		}
	})
}

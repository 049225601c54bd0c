package auth_test

import (
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// write runs a change of the store that no service makes.
func (h *house) write(t *testing.T, do func(*store.Tx) error) {
	t.Helper()
	if err := h.store.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// environment makes one; its ID counts from 1.
func (h *house) environment(t *testing.T, name string) models.EnvironmentID {
	t.Helper()
	e := models.Environment{Name: name, DisplayName: name, Color: "grey"}
	h.write(t, func(tx *store.Tx) error { return tx.CreateEnvironment(&e) })
	return e.ID
}

// person makes a user who has proved a moment ago who it is.
func (h *house) person(t *testing.T, name string, role models.GlobalRole) models.Actor {
	t.Helper()
	u := models.User{ID: models.NewUserID(), Username: name, Role: role, PasswordHash: "not a hash"}
	h.write(t, func(tx *store.Tx) error { return tx.CreateUser(&u) })
	return h.reload(t, name)
}

// reload is a user as an actor with the rights that it has now.
func (h *house) reload(t *testing.T, name string) models.Actor {
	t.Helper()
	actor, err := h.Local(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	actor.Via, actor.ProvenAt = "web", time.Now().Add(time.Hour)
	return actor
}

func (h *house) user(t *testing.T, name string) models.User {
	t.Helper()
	var u models.User
	err := h.store.Read(t.Context(), func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func ptr[T any](v T) *T { return &v }

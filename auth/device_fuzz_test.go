package auth

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
)

// FuzzDevice sends what a browser may say of itself. Only the very text that was made for an
// account stands for a browser of its.
func FuzzDevice(f *testing.F) {
	s, err := New(Deps{Store: storetest.SQLite(f), Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	ctx := context.Background()
	ada, eve := models.User{ID: "usr_ada", Username: "ada", PasswordHash: "hers"}, models.User{ID: "usr_eve", Username: "eve"}
	for _, u := range []*models.User{&ada, &eve} {
		if err := s.store.Write(ctx, func(tx *store.Tx) error { return tx.CreateUser(u) }); err != nil {
			f.Fatal(err)
		}
	}
	// Without chance in them they are the same in each of the fuzzer's processes.
	ends := strconv.FormatInt(time.Now().Truncate(DeviceLasts).Add(2*DeviceLasts).Unix(), 36)
	made := func(u models.User) string {
		return strings.Join([]string{string(u.ID), "nonce", ends, s.deviceMark(u, "nonce", ends)}, ".")
	}
	hers, its := made(ada), made(eve)
	f.Add(hers)
	f.Add(its)
	f.Add(strings.ToUpper(hers))
	f.Add(strings.Replace(hers, "usr_ada", "usr_eve", 1))
	f.Add(strings.Replace(hers, ".", ".0", 2))
	f.Add("...")
	f.Add(strings.Repeat("a", mostDevice) + ".b.c.d")
	known := map[string]models.UserID{hers: ada.ID, its: eve.ID}
	f.Fuzz(func(t *testing.T, said string) {
		d, err := s.device(ctx, said)
		if err != nil {
			t.Fatalf("%q: %v", said, err)
		}
		if d.user.ID != known[said] || (d.key == "") != (d.user.ID == "") {
			t.Fatalf("%q counts as %q of %q", said, d.key, d.user.ID)
		}
	})
}

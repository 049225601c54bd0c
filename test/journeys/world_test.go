// Package journeys walks through Keeper in Chromium as its people do, from a first run on. A
// journey fails on what the console complains of, on broken links and on raw errors, too.
package journeys

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/test/world"
)

// patience bounds what Keeper does beside the browser.
const patience = 3 * time.Minute

// ground is a Keeper in which nothing has happened yet.
type ground struct{ *world.World }

// person makes an account and gives its first password.
func (w ground) person(t *testing.T, name string) string {
	t.Helper()
	admin, _ := w.Admin(t)
	made, err := admin.CreateUser(t.Context(), api.NewUser{Username: name})
	must(t, err)
	return made.Password.Reveal()
}

// edit changes a value at AWS beside Keeper.
func (w ground) edit(t *testing.T, name, value string) {
	t.Helper()
	_, err := w.There.Call(t.Context(), "PutSecretValue", map[string]any{"SecretId": name, "SecretString": value, "ClientRequestToken": rand.Text() + rand.Text()})
	must(t, err)
}

// arrives waits until AWS holds a value; "" waits until the name is deleted there.
func (w ground) arrives(t *testing.T, name, value string) {
	t.Helper()
	var got any
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		answer, err := w.There.Call(t.Context(), "GetSecretValue", map[string]any{"SecretId": name})
		if got = answer["SecretString"]; err != nil {
			got = ""
		}
		if got == value {
			return
		}
	}
	t.Fatalf("AWS holds another value of %s, or none, for %v", name, patience)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

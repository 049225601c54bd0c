// Package world runs a Keeper in the process of a test, with AWS beside it, for the tests that
// go through its pages in a browser.
package world

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/scenario"
)

const (
	// Password is the first user's.
	Password = "violet harbour lantern"
	// Region is the one in which Keeper has its keys.
	Region = "eu-central-1"
	// KeyAlias is the wrapping key that is used where none is named.
	KeyAlias = "alias/keeper"
)

// World is a Keeper in which nothing has happened yet, with KMS and Secrets Manager beside it.
type World struct {
	URL   string
	App   *app.App
	AWS   *standin.Server
	There scenario.AWS // the same AWS, as others use it
}

// Options say what is particular about a World.
type Options struct {
	Aliases  []string          // of KMS, beside KeyAlias
	Settings map[string]string // of Keeper, beside those that it needs to run
}

// Start starts one that ends with the test.
func Start(t *testing.T, o Options) *World {
	t.Helper()
	w := &World{AWS: standin.Start(t, standin.Options{KMSAliases: append([]string{KeyAlias}, o.Aliases...)})}
	w.There = scenario.AWS{URL: w.AWS.URL, Region: Region, AccessKey: "test", SecretKey: "test"}
	dir, err := os.MkdirTemp("/dev/shm", "keeper-world-") // in memory, where there is such a place
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.URL = "http://" + listener.Addr().String()
	settings := map[string]string{
		"DATABASE_URL": "sqlite:///" + filepath.Join(dir, "keeper.db"), "KEEPER_PUBLIC_URL": w.URL,
		"SECRET_KEY": strings.Repeat("s", 48), "KEEPER_ADMIN_PASSWORD": Password, "KEY_MANAGEMENT_BACKEND": "kms", "KMS_KEY_ALIAS": KeyAlias,
		"AWS_ENDPOINT_URL": w.AWS.URL, "AWS_REGION": Region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	}
	maps.Copy(settings, o.Settings)
	c, err := config.Load(settings, nil)
	must(t, err)
	w.App, err = app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler), Server: true, Version: "test"})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.App.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Keeper ended with %v", err)
		}
		must(t, w.App.Close())
	})
	return w
}

// Local is somebody who acts on the server's own machine.
func (w *World) Local(t testing.TB, name string) models.Actor {
	t.Helper()
	actor, err := w.App.Auth.Local(t.Context(), name)
	must(t, err)
	return actor
}

// Admin is a client with a new token of the first user's, and that token's id.
func (w *World) Admin(t testing.TB) (*client.Client, models.TokenID) {
	t.Helper()
	text, made, err := w.App.Auth.CreateToken(t.Context(), w.Local(t, app.FirstUser), auth.NewToken{Name: "tests"})
	must(t, err)
	c, err := client.New(w.URL, text)
	must(t, err)
	return c, made.ID
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Package journeys walks through Keeper in Chromium as its people do, from a first run on. A
// journey fails on what the console complains of, on broken links and on raw errors, too.
package journeys

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/config"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/scenario"
)

const (
	password = "violet harbour lantern"
	region   = "eu-central-1"
	keyAlias = "alias/keeper"
	// patience bounds what Keeper does beside the browser.
	patience = 3 * time.Minute
)

// world is a Keeper in this process in which nothing has happened yet, with AWS beside it.
type world struct {
	url   string
	app   *app.App
	aws   *standin.Server
	there scenario.AWS // the same AWS, as others use it
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{aws: standin.Start(t, standin.Options{KMSAliases: []string{keyAlias}})}
	w.there = scenario.AWS{URL: w.aws.URL, Region: region, AccessKey: "test", SecretKey: "test"}
	dir, err := os.MkdirTemp("/dev/shm", "keeper-journeys-") // in memory, where there is such a place
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.url = "http://" + listener.Addr().String()
	c, err := config.Load(map[string]string{
		"DATABASE_URL": "sqlite:///" + filepath.Join(dir, "keeper.db"), "KEEPER_PUBLIC_URL": w.url,
		"SECRET_KEY": strings.Repeat("s", 48), "KEEPER_ADMIN_PASSWORD": password, "KEY_MANAGEMENT_BACKEND": "kms", "KMS_KEY_ALIAS": keyAlias, "KEEPER_DATA_KEY_MAX_USES": "1",
		"AWS_ENDPOINT_URL": w.aws.URL, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	}, nil)
	must(t, err)
	w.app, err = app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler), Server: true, Version: "test"})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.app.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Keeper ended with %v", err)
		}
		must(t, w.app.Close())
	})
	return w
}

// person makes an account and gives its first password.
func (w *world) person(t *testing.T, name string) string {
	t.Helper()
	admin, err := w.app.Auth.Local(t.Context(), app.FirstUser)
	must(t, err)
	token, _, err := w.app.Auth.CreateToken(t.Context(), admin, auth.NewToken{Name: "journeys"})
	must(t, err)
	admins, err := client.New(w.url, token)
	must(t, err)
	made, err := admins.CreateUser(t.Context(), api.NewUser{Username: name})
	must(t, err)
	return made.Password.Reveal()
}

// edit changes a value at AWS beside Keeper.
func (w *world) edit(t *testing.T, name, value string) {
	t.Helper()
	_, err := w.there.Call(t.Context(), "PutSecretValue", map[string]any{"SecretId": name, "SecretString": value, "ClientRequestToken": rand.Text() + rand.Text()})
	must(t, err)
}

// arrives waits until AWS holds a value; "" waits until the name is deleted there.
func (w *world) arrives(t *testing.T, name, value string) {
	t.Helper()
	var got any
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		answer, err := w.there.Call(t.Context(), "GetSecretValue", map[string]any{"SecretId": name})
		if got = answer["SecretString"]; err != nil {
			got = ""
		}
		if got == value {
			return
		}
	}
	t.Fatalf("AWS holds another value of %s, or none, for %v", name, patience)
}

func start(t *testing.T) *browser.Browser {
	t.Helper()
	b, err := browser.Start()
	if errors.Is(err, browser.ErrMissing) && os.Getenv("CI") == "" && os.Getenv("KEEPER_TEST_ALL") == "" {
		t.Skipf("no journey is made: %v", err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Command screenshots takes pictures of Keeper's pages in Chromium: desktop and phone, light
// and dark, of a world in which something has happened.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/test/scenario"
)

const password = "a-password-for-pictures"

// settle is what a page gets to draw after it has loaded.
const settle = 600 * time.Millisecond

// look is a way a page is looked at.
type look struct {
	name          string
	width, height int
	dark          bool
}

// looks are all of them, the plain one first.
var looks = []look{
	{"", 1440, 900, false},
	{"-dark", 1440, 900, true},
	{"-phone", 390, 844, false},
	{"-phone-dark", 390, 844, true},
}

func main() {
	out := flag.String("out", "docs/screenshots", "folder that the pictures go to")
	only := flag.String("only", "", "only pages whose name begins so")
	all := flag.Bool("all", false, "every look of every page, not only the light desktop")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *out, *only, *all); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only string, all bool) (err error) {
	dir, err := os.MkdirTemp("", "keeper-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	world, stop, err := build(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	story, err := furnishKeys(ctx, world)
	if err != nil {
		return err
	}
	decisions, err := furnishDecisions(ctx, world)
	if err != nil {
		return err
	}
	imports, err := furnishImports(ctx, world)
	if err != nil {
		return err
	}
	pages, err := pagesOf(ctx, world)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	first, rest := pages[:1:1], pages[1:] // whoever comes first has to sign in
	if err := shoot(world.Keeper.URL, out, only, all, slices.Concat(first, keyPages(story), decisionPages(decisions), importPages(imports), rest)); err != nil {
		return err
	}
	if err := cutOff(ctx, world); err != nil {
		return err
	}
	return shoot(world.Keeper.URL, out, only, all, append(first, awayPages()...))
}

// build starts a world and lets the story begin in it.
func build(ctx context.Context, dir string) (*scenario.World, func(), error) {
	binary, engine := filepath.Join(dir, "keeper"), filepath.Join(dir, "vaultengine")
	if err := errors.Join(scenario.Build(ctx, ".", binary), scenario.Build(ctx, "test/vaultengine", engine)); err != nil {
		return nil, nil, err
	}
	aws, stopAWS, err := scenario.StartAWS(oldKey, newKey)
	if err != nil {
		return nil, nil, err
	}
	vault, stopVault, err := scenario.StartVault(ctx, engine)
	if err != nil {
		stopAWS()
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	w := &scenario.World{
		AWS: aws, Vault: vault, Tell: func(string, ...any) {},
		Keeper: &scenario.Keeper{Binary: binary, Dir: dir, Port: port, Log: io.Discard, Env: append(kmsSettings(aws), "KEEPER_ADMIN_PASSWORD="+password)},
	}
	stop := func() {
		w.Keeper.Stop()
		stopVault()
		stopAWS()
	}
	if err := errors.Join(w.Keeper.Start(ctx)); err != nil {
		stop()
		return nil, nil, err
	}
	if err := w.Begin(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	if err := furnish(ctx, w); err != nil {
		stop()
		return nil, nil, err
	}
	return w, stop, nil
}

// furnish adds what a lived-in installation has: more secrets, one name that is taken at a
// destination, one that was deleted.
func furnish(ctx context.Context, w *scenario.World) error {
	c := w.Client()
	names := []string{"auth/jwt-signing-key", "auth/session-pepper", "mail/smtp-password", "search/api-key", "warehouse/loader/token", "legacy/ftp-password"}
	var last api.Secret
	for i, name := range names {
		kind := []string{"API_KEY", "TEXT", "PASSWORD", "API_KEY", "API_KEY", "PASSWORD"}[i]
		secret, err := c.CreateSecret(ctx, api.NewSecret{
			EnvironmentID: api.EnvironmentNamed("production"), Name: name, SecretType: kind, Value: api.NewValue("value-of-" + name),
			Owner: "platform team", Description: "Used by " + strings.Split(name, "/")[0], Tags: api.Tags{"team": "platform"},
			ExpiresAt: api.ExpiresAt(time.Now().AddDate(0, 0, 12*(i+1))),
		})
		if err != nil {
			return err
		}
		last = secret
	}
	if _, err := c.DeleteSecret(ctx, last.ID, 0); err != nil {
		return err
	}
	_, err := c.CreateEnvironment(ctx, api.NewEnvironment{Name: "development", Description: "Where everything begins"})
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // the copies settle
	return nil
}

type page struct{ name, path string }

// pagesOf are the pages, with identifiers of the world.
func pagesOf(ctx context.Context, w *scenario.World) ([]page, error) {
	c := w.Client()
	secret, err := c.FindSecret(ctx, api.EnvironmentNamed("production"), "payments/stripe/api-key", false)
	if err != nil {
		return nil, err
	}
	destinations, err := c.ListDestinations(ctx, api.ListDestinationsParams{EnvironmentID: "production"})
	if err != nil {
		return nil, err
	}
	runs, err := c.ListRuns(ctx, api.ListRunsParams{})
	if err != nil {
		return nil, err
	}
	one, there := fmt.Sprintf("/secrets/%d", secret.ID), "/destinations/"+destinations.Items[0].ID
	return []page{
		{"sign-in", "/sign-in"},
		{"dashboard", "/"},
		{"secrets", "/secrets"},
		{"secrets-filtered", "/secrets?environment=production&q=payments"},
		{"secrets-deleted", "/secrets/deleted"},
		{"secret-new", "/secrets/new"},
		{"secret", one},
		{"secret-versions", one + "/versions"},
		{"secret-activity", one + "/activity"},
		{"secret-edit", one + "/edit"},
		{"secret-version-new", one + "/versions/new"},
		{"secret-delete", one + "/delete"},
		{"environments", "/environments"},
		{"environment", "/environments/production"},
		{"environment-empty", "/environments/development"},
		{"environment-new", "/environments/new"},
		{"destinations", "/environments/production/destinations"},
		{"destination-new-aws", "/environments/production/destinations/new?kind=aws_secrets_manager"},
		{"destination-new-vault", "/environments/production/destinations/new?kind=vault_kv_v2"},
		{"destination-receipts", there + "/receipts"},
		{"runs", "/sync/runs"},
		{"alerts", "/alerts"},
		{"alert-channels", "/alerts/channels"},
		{"alert-channel-new", "/alerts/channels/new?kind=webhook"},
		{"destination-new", "/environments/production/destinations/new"},
		{"destination", there},
		{"destination-edit", there + "/edit"},
		{"destination-runs", there + "/runs"},
		{"destination-delete", there + "/delete"},
		{"sync", "/sync"},
		{"run", "/sync/runs/" + runs.Items[len(runs.Items)-1].ID},
		{"audit", "/audit"},
		{"profile", "/profile"},
		{"password", "/password"},
		{"tokens", "/tokens"},
		{"token-new", "/tokens/new"},
		{"not-found", "/secrets/4711"},
	}, nil
}

func shoot(url, out, only string, all bool, pages []page) error {
	control, err := launcher.New().Bin("/usr/bin/chromium").Leakless(false).NoSandbox(true).Headless(false).
		Set("headless", "new").Set("disable-gpu").Set("disable-quic").Set("no-first-run").Set("hide-scrollbars").
		Set("disable-background-networking").Set("disable-component-update").Set("disable-sync").Launch()
	if err != nil {
		return fmt.Errorf("start chromium: %w", err)
	}
	browser := rod.New().ControlURL(control)
	if err := browser.Connect(); err != nil {
		return err
	}
	defer func() { _ = browser.Close() }()
	// One tab stays open: Chromium forgets its session with the last one.
	if _, err := browser.Page(proto.TargetCreateTarget{}); err != nil {
		return err
	}
	for _, look := range looks {
		if look.name != "" && !all {
			continue
		}
		for _, p := range pages {
			if !strings.HasPrefix(p.name, only) && p.name != "sign-in" {
				continue
			}
			if err := picture(browser, url+p.path, filepath.Join(out, p.name+look.name+".png"), look); err != nil {
				return fmt.Errorf("%s%s: %w", p.name, look.name, err)
			}
		}
	}
	return nil
}

// picture opens a page in a tab of its own, takes its picture, and signs in where it asks
// for that.
func picture(browser *rod.Browser, url, file string, l look) error {
	tab, err := browser.Page(proto.TargetCreateTarget{})
	if err != nil {
		return err
	}
	defer func() { _ = tab.Close() }()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	emulate := proto.EmulationSetEmulatedMedia{Features: []*proto.EmulationMediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	view := &proto.EmulationSetDeviceMetricsOverride{Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.width < 500}
	if err := errors.Join(emulate.Call(tab), tab.SetViewport(view), tab.Navigate(url)); err != nil {
		return err
	}
	time.Sleep(settle)
	image, err := tab.Screenshot(true, nil)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, image, 0o644); err != nil {
		return err
	}
	return rod.Try(func() { signIn(tab) })
}

// signIn fills the form of the page that is open, where there is one: later looks are
// signed in already.
func signIn(tab *rod.Page) {
	if !tab.MustHas(`input[name="username"]`) {
		return
	}
	tab.MustElement(`input[name="username"]`).MustInput("admin")
	tab.MustElement(`input[name="password"]`).MustInput(password)
	tab.MustElement(`form[action="/sign-in"] button[type="submit"]`).MustClick()
	tab.Timeout(10 * time.Second).MustElement(`form[action="/sign-out"]`) // only pages for those signed in have it
}

// Command screenshots takes pictures of Keeper's pages in Chromium: desktop and phone, light
// and dark, of a world in which something has happened, of one in which everything fails, of
// an empty one, and of one with very many secrets.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/scenario"
)

const password = "a-password-for-pictures"

// settle is what a page gets to draw after it has loaded.
const settle = 600 * time.Millisecond

// counted is how long the charts of the overview wait for what has just happened.
const counted = time.Minute + 5*time.Second

// looks are all of them, the plain one first.
var looks = []struct {
	name string
	browser.Look
}{{"", browser.Desktop}, {"-dark", browser.DesktopDark}, {"-phone", browser.Phone}, {"-phone-dark", browser.PhoneDark}}

// options say which pictures are taken.
type options struct {
	out, only, best string
	all             bool
	many            int
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", ".tmp/screenshots", "folder that the pictures go to")
	flag.StringVar(&o.only, "only", "", "only pages whose name begins so")
	flag.StringVar(&o.best, "best", "", "folder that the best pictures are copied to, for the documentation")
	flag.BoolVar(&o.all, "all", false, "every look of every page, not only the light desktop")
	flag.IntVar(&o.many, "many", 100_000, "secrets of the world with very many")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
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
	people, err := furnishPeople(ctx, world)
	if people.close != nil {
		defer people.close()
	}
	if err != nil {
		return err
	}
	more, err := morePages(ctx, world)
	if err != nil {
		return err
	}
	if err := furnishPast(ctx, world); err != nil {
		return err
	}
	time.Sleep(counted)
	usual := slices.Concat(pages, more, peoplePages(people), keyPages(story), decisionPages(decisions), importPages(imports))
	if err := everyPage(usual); err != nil {
		return err
	}
	if err := shoot(world.Keeper.URL, o, usual); err != nil {
		return err
	}
	if err := errors.Join(shootScenes(world.Keeper.URL, o), shootRoles(ctx, world, people, o)); err != nil {
		return err
	}
	if err := cutOff(ctx, world); err != nil {
		return err
	}
	if err := shoot(world.Keeper.URL, o, append(awayPages(), failingPages(usual)...)); err != nil {
		return err
	}
	if err := plainWorlds(ctx, world, o, dir); err != nil || o.best == "" {
		return err
	}
	return copyBest(o.out, o.best)
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
		Keeper: &scenario.Keeper{Binary: binary, Dir: dir, Port: port, Log: io.Discard, Env: append(kmsSettings(aws), "KEEPER_ADMIN_PASSWORD="+password, fmt.Sprintf("KEEPER_PUBLIC_URL=http://127.0.0.1:%d", port))},
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
	if err := furnishChannel(ctx, c); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // the copies settle
	return nil
}

// furnishChannel has alerts told to a receiver that takes them all.
func furnishChannel(ctx context.Context, c *client.Client) error {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	context.AfterFunc(ctx, receiver.Close)
	_, err := c.CreateAlertChannel(ctx, api.NewAlertChannel{EnvironmentID: api.EnvironmentNamed("production"), Name: "on-call", Kind: api.ChannelWebhook, Address: receiver.URL + "/keeper", Everywhere: true})
	return err
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
	run, err := repairing(ctx, w)
	if err != nil {
		return nil, err
	}
	channels, err := c.ListAlertChannels(ctx, api.ListAlertChannelsParams{})
	if err != nil {
		return nil, err
	}
	channel := "/alerts/channels/" + channels.Items[0].ID
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
		{"alert-channel-kind", "/alerts/channels/new"},
		{"alert-channel-new", "/alerts/channels/new?kind=webhook"},
		{"alert-channel-edit", channel + "/edit"},
		{"alert-channel-delete", channel + "/delete"},
		{"destination-new", "/environments/production/destinations/new"},
		{"destination", there},
		{"destination-edit", there + "/edit"},
		{"destination-runs", there + "/runs"},
		{"destination-delete", there + "/delete"},
		{"sync", "/sync"},
		{"run", run},
		{"audit", "/audit"},
		{"profile", "/profile"},
		{"password", "/password"},
		{"tokens", "/tokens"},
		{"token-new", "/tokens/new"},
		{"not-found", "/secrets/4711"},
	}, nil
}

// repairing is the page of a run that put something right.
func repairing(ctx context.Context, w *scenario.World) (string, error) {
	for run, err := range w.Client().Runs(ctx, api.ListRunsParams{}) {
		if err != nil {
			return "", err
		}
		if run.Counts.Repaired > 0 {
			return "/sync/runs/" + run.ID, nil
		}
	}
	return "", errors.New("no run has repaired anything")
}

// shoot takes the pictures of a world's pages, each in every look that is asked for.
func shoot(url string, o options, pages []page) (err error) {
	pages = slices.DeleteFunc(pages, func(p page) bool { return !strings.HasPrefix(p.name, o.only) })
	if len(pages) == 0 {
		return nil
	}
	chromium, err := browser.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chromium.Close()) }()
	stranger, err := chromium.Person()
	if err != nil {
		return err
	}
	outside, err := stranger.Tab(url)
	if err != nil {
		return err
	}
	inside, err := chromium.Tab(url)
	if err != nil {
		return err
	}
	if err := inside.SignIn("admin", password); err != nil {
		return err
	}
	return shootIn(inside, outside, o, pages)
}

// shootIn takes the pictures as who is signed in in one tab, and in the other the sign-in's.
func shootIn(inside, outside *browser.Tab, o options, pages []page) error {
	pages = slices.DeleteFunc(slices.Clone(pages), func(p page) bool { return !strings.HasPrefix(p.name, o.only) })
	for _, look := range looks {
		if look.name != "" && !o.all {
			continue
		}
		for _, p := range pages {
			tab := inside
			if p.path == "/sign-in" {
				tab = outside
			}
			if err := picture(tab, p.path, filepath.Join(o.out, p.name+look.name+".png"), look.Look); err != nil {
				return fmt.Errorf("%s%s: %w", p.name, look.name, err)
			}
		}
	}
	return nil
}

// picture opens a page and takes its picture, from its top to its end.
func picture(tab *browser.Tab, path, file string, l browser.Look) error {
	if err := errors.Join(tab.Look(l), tab.Open(path)); err != nil {
		return err
	}
	time.Sleep(settle)
	return snap(tab, file, true)
}

// snap writes what a tab shows: all of the page, or what is to be seen at once.
func snap(tab *browser.Tab, file string, whole bool) error {
	image, err := tab.Screenshot(whole, nil)
	if err != nil {
		return err
	}
	return os.WriteFile(file, image, 0o644)
}

// Package browser drives Chromium for tests, measurements and pictures: tabs that hear what
// the console says, sign in, and are looked at with axe.
package browser

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/launcher/flags"
	"github.com/go-rod/rod/lib/proto"
)

// ErrMissing is what Start fails with where there is no Chromium.
var ErrMissing = errors.New("chromium is not installed (apt-get install chromium)")

// patience bounds every wait for a page.
const patience = 2 * time.Minute

// Browser is one Chromium, or one person's share of it.
type Browser struct {
	rod     *rod.Browser
	process *launcher.Launcher // nil: the share of another
	profile string
}

// Start starts a Chromium with an empty profile, without a window.
func Start() (_ *Browser, err error) {
	path, found := launcher.LookPath()
	if !found {
		return nil, ErrMissing
	}
	profile, err := os.MkdirTemp("", "keeper-browser-")
	if err != nil {
		return nil, err
	}
	start := launcher.New().Leakless(false).Bin(path).Headless(false).Set("headless", "new").UserDataDir(profile).NoSandbox(true)
	for _, flag := range []flags.Flag{
		"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars",
	} {
		start.Set(flag)
	}
	at, err := start.Launch()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start chromium: %w", err), os.RemoveAll(profile))
	}
	b := &Browser{rod: rod.New().ControlURL(at), process: start, profile: profile}
	if err := b.rod.Connect(); err != nil {
		start.Kill()
		return nil, errors.Join(err, os.RemoveAll(profile))
	}
	// One tab stays open: Chromium forgets its session with the last one.
	if _, err := b.rod.Page(proto.TargetCreateTarget{URL: "about:blank"}); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Person is the same browser with cookies and a cache of its own. Whoever started the
// browser closes it.
func (b *Browser) Person() (*Browser, error) {
	own, err := b.rod.Incognito()
	if err != nil {
		return nil, err
	}
	return &Browser{rod: own}, nil
}

// Close ends Chromium and removes its profile.
func (b *Browser) Close() error {
	err := b.rod.Close()
	if b.process == nil {
		return err
	}
	b.process.Kill()
	for range 50 { // its processes write until they have ended
		if err = os.RemoveAll(b.profile); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// Cookies are the person's as a header has them.
func (b *Browser) Cookies() (string, error) {
	all, err := proto.StorageGetCookies{BrowserContextID: b.rod.BrowserContextID}.Call(b.rod)
	if err != nil {
		return "", err
	}
	header := ""
	for _, c := range all.Cookies {
		header += c.Name + "=" + c.Value + "; "
	}
	return header, nil
}

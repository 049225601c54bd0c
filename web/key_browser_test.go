package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/kms/drivertest"
	"github.com/your-org/keeper/models"
)

// TestKeysInBrowser begins works over keys as a person does, and watches them by what the
// page tells by itself.
func TestKeysInBrowser(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	h.furnish()
	b := newTab(t, h).held()
	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	eventually(t, "the overview", b.says("h1", "Overview"))
	const here = "/environments/production/keys"

	t.Run("Rewrap", func(t *testing.T) {
		release := make(chan struct{})
		h.key.Before(func(_ context.Context, op drivertest.Op) {
			if op != drivertest.OpDescribe {
				<-release
			}
		})
		b.open(here)
		b.click("#act-rewrap")
		b.click(`form[action="` + here + `/rewrap"] button[type="submit"]`)
		eventually(t, "the run to be at work", b.says("#key-run", "running"))
		eventually(t, "the live line", b.says("#live", "live"))
		if b.find("#key-run progress[aria-label]") == nil {
			t.Error("there is no bar of progress")
		}
		marked(t, b)
		close(release)
		eventually(t, "the report", b.says("#report", "wrapped anew under k"))
		eventually(t, "all to be done", b.says(".stats", "2 of 2 data keys"))
		unmoved(t, b)
		h.key.Before(nil)
		b.silent("re-wrapping")
	})
	t.Run("Recipient", func(t *testing.T) {
		b.open(here)
		b.click(`a[href$="/recipients/new?kind=recovery"]`)
		b.fill("#f-key", offlineRecipient(t))
		b.fill("#f-label", "safe in Zürich")
		b.click(`form[action="` + here + `/recipients"] button[type="submit"]`)
		eventually(t, "the run to end", b.says("#key-run", "succeeded"))
		b.open(here)
		eventually(t, "the recipient", b.says("#environment-keys", "safe in Zürich"))
		b.silent("adding a recipient")
	})
	t.Run("Drill", func(t *testing.T) {
		b.open(here)
		b.click("#act-drill")
		eventually(t, "the results", b.says("tbody", "opened alone"))
		eventually(t, "the command", b.says(".command", "keeper kms drill --environment production"))
		b.silent("drilling")
	})
	t.Run("Scrub", func(t *testing.T) {
		b.open("/keys")
		b.click("#act-scrub")
		eventually(t, "the run to end", b.says("#key-run", "succeeded"))
		b.silent("scrubbing")
	})
	t.Run("Elsewhere", func(t *testing.T) {
		b.open("/keys")
		eventually(t, "the live line", b.says("#live", "live"))
		marked(t, b)
		h.key.CutOff()
		defer h.key.Mend()
		before := strings.Count(b.text("#key-state"), "Scrub of")
		h.startScrub(t)
		eventually(t, "the scrub to show", func() bool { return strings.Count(b.text("#key-state"), "Scrub of") > before })
		unmoved(t, b)
		b.silent("watching")
	})
	t.Run("Quiet", func(t *testing.T) {
		for _, path := range []string{
			"/keys", "/keys/runs", "/keys/rewrap?key=k", here, here + "/rewrap", here + "/reencrypt", here + "/recipients/new?kind=kms", here + "/recipients/new?kind=recovery", "/",
		} {
			b.open(path)
			must(t, b.WaitIdle(5*time.Second))
			b.silent(path)
		}
	})
	t.Run("Phone", func(t *testing.T) {
		must(t, b.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: 390, Height: 844, DeviceScaleFactor: 1, Mobile: true}))
		for _, path := range []string{"/keys", "/keys/runs", "/keys/rewrap?key=k", here, here + "/rewrap"} {
			b.open(path)
			wide, err := b.Eval(`() => document.documentElement.scrollWidth`)
			must(t, err)
			if got := wide.Value.Int(); got > 390 {
				t.Errorf("%s is %d px wide on a phone", path, got)
			}
		}
	})
	t.Run("Links", func(t *testing.T) { b.arrived(t, `^/keys/runs/[^/]+/cancel$`) })
}
